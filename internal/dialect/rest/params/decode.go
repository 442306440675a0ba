package params

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"waybill"
	"waybill/internal/spelling"
)

// Decode reads the values of a path and of a raw query into the struct that in
// points to, which is of the type that s was made of. It fails with Invalid where
// a name is unknown or given twice, or a value is not what its field says.
func (s *Set) Decode(path map[string]string, rawQuery string, in any) error {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return waybill.Errorf(waybill.Invalid, "the query: %v", err)
	}
	if err := s.checkNames(query); err != nil {
		return err
	}
	v := reflect.ValueOf(in).Elem()
	for i := range s.parameters {
		p := &s.parameters[i]
		texts := query[p.Name]
		if p.In == InPath {
			texts = []string{path[p.Name]}
		}
		switch {
		case len(texts) == 0 && p.Required:
			return waybill.Errorf(waybill.Invalid, "parameter %s is missing", p.Name)
		case len(texts) == 0 && p.Default != "":
			texts = []string{p.Default}
		case len(texts) == 0:
			continue
		}
		if i := slices.IndexFunc(texts, func(text string) bool { return !utf8.ValidString(text) }); i >= 0 {
			return waybill.Errorf(waybill.Invalid, "%s %s is not UTF-8", p.Name, cut(texts[i]))
		}
		if err := p.set(v.FieldByIndex(p.index), texts); err != nil {
			return err
		}
	}
	return nil
}

// checkNames refuses names that are unknown, and those given twice that are not
// lists.
func (s *Set) checkNames(query url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		i := slices.IndexFunc(s.parameters, func(p Parameter) bool { return p.Name == name && p.In == InQuery })
		switch guess := spelling.Closest(name, s.names); {
		case i < 0 && guess != "":
			return waybill.Errorf(waybill.Invalid, "parameter %s is unknown, did you mean %q?", cut(name), guess)
		case i < 0 && len(s.names) == 0:
			return waybill.Errorf(waybill.Invalid, "parameter %s is unknown: the call takes none", cut(name))
		case i < 0:
			return waybill.Errorf(waybill.Invalid, "parameter %s is unknown: known are %s", cut(name), strings.Join(s.names, ", "))
		case len(query[name]) > 1 && (!s.parameters[i].List || s.parameters[i].Comma):
			return waybill.Errorf(waybill.Invalid, "parameter %s is given %d times", name, len(query[name]))
		}
	}
	return nil
}

// set gives a field its value.
func (p *Parameter) set(v reflect.Value, texts []string) error {
	if p.List {
		return p.setList(v, texts)
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(p.Type))
		v = v.Elem()
	}
	text := texts[0]
	if own, ok := v.Addr().Interface().(Parser); ok {
		return own.ParseParam(p.Name, text)
	}
	switch p.Type.Kind() {
	case reflect.Bool:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return waybill.Errorf(waybill.Invalid, "%s %s is neither true nor false", p.Name, cut(text))
		}
		v.SetBool(value)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil && p.Min != nil && p.Max != nil:
			return waybill.Errorf(waybill.Invalid, "%s %s is not an integer between %d and %d", p.Name, cut(text), *p.Min, *p.Max)
		case err != nil:
			return waybill.Errorf(waybill.Invalid, "%s %s is not an integer", p.Name, cut(text))
		case p.Min != nil && p.Max != nil && (n < *p.Min || n > *p.Max):
			return waybill.Errorf(waybill.Invalid, "%s %d is not between %d and %d", p.Name, n, *p.Min, *p.Max)
		case p.Min != nil && n < *p.Min:
			return waybill.Errorf(waybill.Invalid, "%s %d is less than %d", p.Name, n, *p.Min)
		case p.Max != nil && n > *p.Max:
			return waybill.Errorf(waybill.Invalid, "%s %d is more than %d", p.Name, n, *p.Max)
		}
		v.SetInt(n)
	default:
		if err := p.known(text); err != nil {
			return err
		}
		v.SetString(text)
	}
	return nil
}

func (p *Parameter) setList(v reflect.Value, texts []string) error {
	if p.Comma {
		texts = strings.Split(texts[0], ",")
	}
	if len(texts) > maxList {
		return waybill.Errorf(waybill.Invalid, "parameter %s has %d values, more than %d", p.Name, len(texts), maxList)
	}
	for i, text := range texts {
		if err := p.known(text); err != nil {
			return err
		}
		if p.Comma && slices.Contains(texts[:i], text) {
			return waybill.Errorf(waybill.Invalid, "%s names %s twice", p.Name, cut(text))
		}
	}
	v.Set(reflect.ValueOf(texts).Convert(v.Type()))
	return nil
}

// known refuses what is not in the enum.
func (p *Parameter) known(text string) error {
	if p.Enum == nil || slices.Contains(p.Enum, text) {
		return nil
	}
	return waybill.Errorf(waybill.Invalid, "%s %s is not one of %s%s",
		p.Name, cut(text), strings.Join(p.Enum, ", "), spelling.Question(text, p.Enum))
}

// cut returns a caller's text for use in a message: quoted, and short.
func cut(text string) string { return fmt.Sprintf("%.100q", text) }
