// Package params reads the parameters of a call, those of its path and of its
// query, into a struct whose tags say what they are. The same tags describe them
// in the API's document, so that the two cannot differ.
//
//	type page struct {
//		Channel string   `path:"channel" doc:"ID of the channel." example:"acme"`
//		Limit   int      `query:"limit" default:"100" min:"1" max:"1000" doc:"Length of the page."`
//		Order   string   `query:"order" enum:"value,-count" doc:"What comes first."`
//		Groups  []string `query:"group_by" list:"comma" enum:"template,sender" doc:"..."`
//		Senders []string `query:"sender" doc:"May be given several times."`
//	}
//
// A field is a string, an int, a bool, a Parser, a pointer to one of these, or a
// slice of strings. Structs can be embedded. Fields without a path or query tag
// belong to somebody else.
package params

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Parser is a type of parameters that reads itself from text. Its error is told
// to the caller and names the parameter and the value.
type Parser interface {
	ParseParam(name, text string) error
}

var parserType = reflect.TypeFor[Parser]()

// The places of a parameter.
const (
	InPath  = "path"
	InQuery = "query"
)

// maxList is how many values a list may have.
const maxList = 1000

// A Parameter is one parameter as the tags of its field say. Tags that a field
// does not have are zero.
type Parameter struct {
	Name     string
	In       string // InPath or InQuery
	Doc      string
	Required bool // always in a path
	Default  string
	Example  string
	Enum     []string
	Min, Max *int64 // of an integer

	Type  reflect.Type // of one value
	List  bool         // several values: the parameter repeated, or
	Comma bool         // one text with commas

	index []int // of the field
}

// A Set is the parameters that a call takes.
type Set struct {
	in         reflect.Type
	parameters []Parameter
	names      []string // of those in the query
}

// Of returns the parameters that the fields of a struct type describe. An error is
// a mistake of the type.
func Of(t reflect.Type) (*Set, error) {
	s := &Set{in: t}
	if err := s.add(t, nil); err != nil {
		return nil, err
	}
	for _, p := range s.parameters {
		if p.In == InQuery {
			s.names = append(s.names, p.Name)
		}
	}
	return s, nil
}

// All returns the parameters in the order of their fields.
func (s *Set) All() []Parameter { return slices.Clip(s.parameters) }

func (s *Set) add(t reflect.Type, index []int) error {
	if t.Kind() != reflect.Struct {
		return fmt.Errorf("the parameters of a call are a struct, not %v", t)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		if f.Anonymous {
			if err := s.add(f.Type, at); err != nil {
				return err
			}
			continue
		}
		p, ok, err := parameterOf(&f)
		if err != nil {
			return fmt.Errorf("field %s of %v: %w", f.Name, t, err)
		}
		if !ok {
			continue
		}
		taken := func(o Parameter) bool { return o.Name == p.Name }
		if slices.ContainsFunc(s.parameters, taken) {
			return fmt.Errorf("field %s of %v: the name %s is taken", f.Name, t, p.Name)
		}
		p.index = at
		s.parameters = append(s.parameters, p)
	}
	return nil
}

// parameterOf reads the tags of a field; ok is false where it is no parameter.
func parameterOf(f *reflect.StructField) (p Parameter, ok bool, err error) {
	p = Parameter{
		Doc: f.Tag.Get("doc"), Default: f.Tag.Get("default"), Example: f.Tag.Get("example"),
		Required: f.Tag.Get("required") == "true", Comma: f.Tag.Get("list") == "comma", Type: f.Type,
	}
	if p.Name, ok = f.Tag.Lookup(InPath); ok {
		p.In, p.Required = InPath, true
	} else if p.Name, ok = f.Tag.Lookup(InQuery); ok {
		p.In = InQuery
	} else {
		return p, false, nil
	}
	if enum := f.Tag.Get("enum"); enum != "" {
		p.Enum = strings.Split(enum, ",")
	}
	for tag, bound := range map[string]**int64{"min": &p.Min, "max": &p.Max} {
		text, ok := f.Tag.Lookup(tag)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return p, true, err
		}
		*bound = &n
	}
	if p.Type.Kind() == reflect.Pointer {
		p.Type = p.Type.Elem()
	}
	if p.Type.Kind() == reflect.Slice && !reflect.PointerTo(p.Type).Implements(parserType) {
		p.List, p.Type = true, p.Type.Elem()
	}
	return p, true, p.check()
}

// check returns what is wrong with the tags of a parameter.
func (p *Parameter) check() error {
	kind := p.Type.Kind()
	switch own := reflect.PointerTo(p.Type).Implements(parserType); {
	case p.Name == "":
		return fmt.Errorf("the parameter has no name")
	case p.Doc == "":
		return fmt.Errorf("parameter %s has no doc", p.Name)
	case p.Comma && !p.List:
		return fmt.Errorf("parameter %s is no slice and can be no list", p.Name)
	case p.List && (own || kind != reflect.String):
		return fmt.Errorf("parameter %s is a slice of %v, not of strings", p.Name, p.Type)
	case own, kind == reflect.Bool, kind == reflect.Int, kind == reflect.String:
	default:
		return fmt.Errorf("parameter %s has the type %v", p.Name, p.Type)
	}
	for _, text := range []string{p.Default, p.Example} {
		if text == "" {
			continue
		}
		into := reflect.New(p.Type).Elem()
		if p.List {
			into = reflect.New(reflect.SliceOf(p.Type)).Elem()
		}
		if err := p.set(into, []string{text}); err != nil {
			return err
		}
	}
	return nil
}
