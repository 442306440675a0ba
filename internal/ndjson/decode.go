package ndjson

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/spelling"
)

func (f *Format) unmarshal(text []byte, v any) error {
	if err := json.Unmarshal(text, v, json.RejectUnknownMembers(true)); err != nil {
		return f.decodeError(text, err)
	}
	return nil
}

// decodeError puts an error of the decoder into the words of the format.
func (f *Format) decodeError(text []byte, err error) error {
	if e, ok := errors.AsType[*waybill.Error](err); ok {
		return e
	}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		return f.semanticError(text, s)
	}
	s, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return waybill.Errorf(waybill.Invalid, "the JSON ends early%s", f.hint())
	case ok && errors.Is(s.Err, jsontext.ErrDuplicateName):
		return waybill.Errorf(waybill.Invalid, "%s is given twice", field(s.JSONPointer))
	case ok:
		return waybill.Errorf(waybill.Invalid, "the text is no JSON at byte %d: %.200v", s.ByteOffset, s.Err)
	}
	return waybill.Errorf(waybill.Invalid, "%.200v", err)
}

func (f *Format) hint() string {
	if f.Hint == "" {
		return ""
	}
	return ": " + f.Hint
}

// semanticError says which value does not fit.
func (f *Format) semanticError(text []byte, s *json.SemanticError) error {
	if errors.Is(s.Err, json.ErrUnknownName) {
		last := s.JSONPointer.LastToken()
		if guess := spelling.Closest(last, f.Fields(s.JSONPointer.Parent().LastToken())); guess != "" {
			return waybill.Errorf(waybill.Invalid, "field %s is unknown, did you mean %q?", field(s.JSONPointer), guess)
		}
		return waybill.Errorf(waybill.Invalid, "field %s is unknown", field(s.JSONPointer))
	}
	have, want := SortOf(s.JSONKind), "a string"
	if s.GoType != nil {
		switch s.GoType.Kind() {
		case reflect.Struct:
			want = "an object"
		case reflect.Int64:
			want = "an integer"
		}
	}
	what := "the " + f.Name
	if s.JSONPointer != "" {
		what = field(s.JSONPointer) + scalarAt(text, s.JSONPointer)
	}
	if s.JSONKind == jsontext.KindNumber && want == "an integer" {
		return waybill.Errorf(waybill.Invalid, "%s is not %s", what, want)
	}
	return waybill.Errorf(waybill.Invalid, "%s is %s, not %s", what, have, want)
}

// field returns the name of a field as a path with dots, cut and printable.
func field(p jsontext.Pointer) string {
	var names []string
	for name := range p.Tokens() {
		names = append(names, name)
	}
	path := strings.Join(names, ".")
	if quoted := Cut(path); quoted != `"`+path+`"` {
		return quoted
	}
	return path
}

// scalarAt returns a space and the value at p, cut, or nothing where that is an
// array or an object.
func scalarAt(text []byte, p jsontext.Pointer) string {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	for {
		if _, err := d.ReadToken(); err != nil {
			return ""
		}
		if d.StackPointer() != p {
			continue
		}
		v, err := d.ReadValue() // of the name that was just read
		if err != nil {
			return ""
		}
		return scalar(v)
	}
}

// scalar returns a space and v, cut, or nothing where v is an array or an object.
func scalar(v jsontext.Value) string {
	switch {
	case v.Kind() == jsontext.KindBeginObject || v.Kind() == jsontext.KindBeginArray:
		return ""
	case len(v) > 100:
		return " " + strings.ToValidUTF8(string(v[:100]), "") + "..."
	}
	return " " + string(v)
}

// Describe says in words what the value v of a name is, such as
// `size "5" is a string`.
func Describe(name string, v jsontext.Value) string {
	return name + scalar(v) + " is " + SortOf(v.Kind())
}

// SortOf returns the sort of a JSON value in words.
func SortOf(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindFalse, jsontext.KindTrue:
		return "a boolean"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	}
	return "something else"
}
