package rest

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/spelling"
)

// decodeEvent reads one event. It takes no name twice, no name that an event does
// not have, and no text that is not UTF-8: each would lose something silently.
func decodeEvent(text []byte) (ownEvent, error) {
	var e ownEvent
	err := json.Unmarshal(text, &e, json.RejectUnknownMembers(true))
	if err != nil {
		return e, decodeError(text, err)
	}
	return e, nil
}

// decodeError puts an error of the decoder into the words of the format.
func decodeError(text []byte, err error) error {
	if e, ok := errors.AsType[*waybill.Error](err); ok {
		return e
	}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		return semanticError(text, s)
	}
	s, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return waybill.Errorf(waybill.Invalid, "the JSON ends early: an event is one object on one line")
	case ok && errors.Is(s.Err, jsontext.ErrDuplicateName):
		return waybill.Errorf(waybill.Invalid, "%s is given twice", field(s.JSONPointer))
	case ok:
		return waybill.Errorf(waybill.Invalid, "the text is no JSON at byte %d: %.200v", s.ByteOffset, s.Err)
	}
	return waybill.Errorf(waybill.Invalid, "%.200v", err)
}

// semanticError says which value does not fit.
func semanticError(text []byte, s *json.SemanticError) error {
	if errors.Is(s.Err, json.ErrUnknownName) {
		last := s.JSONPointer.LastToken()
		if guess := spelling.Closest(last, eventFields(s.JSONPointer.Parent().LastToken())); guess != "" {
			return waybill.Errorf(waybill.Invalid, "field %s is unknown, did you mean %q?", field(s.JSONPointer), guess)
		}
		return waybill.Errorf(waybill.Invalid, "field %s is unknown", field(s.JSONPointer))
	}
	have, want := sortOf(s.JSONKind), "a string"
	if s.GoType != nil {
		switch s.GoType.Kind() {
		case reflect.Struct:
			want = "an object"
		case reflect.Int64:
			want = "an integer"
		}
	}
	what := "the event"
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
	if quoted := cut(path); quoted != `"`+path+`"` {
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
		switch {
		case err != nil || v.Kind() == jsontext.KindBeginObject || v.Kind() == jsontext.KindBeginArray:
			return ""
		case len(v) > 100:
			return " " + strings.ToValidUTF8(string(v[:100]), "") + "..."
		}
		return " " + string(v)
	}
}

// sortOf returns the sort of a JSON value in words.
func sortOf(k jsontext.Kind) string {
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

// An at is a time in RFC 3339 or in milliseconds since 1970, rounded down to a
// second.
type at struct {
	instant waybill.Instant
	given   bool
}

// UnmarshalJSONFrom reads a time.
func (a *at) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindNumber:
		a.instant, err = parseMillis(string(v))
	case jsontext.KindString:
		a.instant, err = parseTime(v)
	default:
		return waybill.Errorf(waybill.Invalid, "at is %s, not RFC 3339 or integer milliseconds", sortOf(v.Kind()))
	}
	a.given = err == nil
	return err
}

// parseMillis tells a mistaken unit by its size: seconds have ten digits from
// 2001 to 2286, and microseconds would be after the year 30000.
func parseMillis(text string) (waybill.Instant, error) {
	ms, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, waybill.Errorf(waybill.Invalid, "at %.40s is not RFC 3339 or integer milliseconds", text)
	case ms >= 1e9 && ms < 1e10:
		return 0, waybill.Errorf(waybill.Invalid, "at %d looks like seconds, but must be milliseconds", ms)
	case ms >= 1e15:
		return 0, waybill.Errorf(waybill.Invalid, "at %d is too large for milliseconds", ms)
	case ms < int64(waybill.EarliestEvent)*1000:
		return 0, waybill.Errorf(waybill.Invalid, "at %d is before 2015", ms)
	}
	return waybill.Instant(ms / 1000), nil
}

func parseTime(v jsontext.Value) (waybill.Instant, error) {
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return 0, err
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return 0, waybill.Errorf(waybill.Invalid, "at %s is not RFC 3339 or integer milliseconds", cut(string(text)))
	}
	if i := waybill.InstantOf(t); i >= waybill.EarliestEvent {
		return i, nil
	}
	return 0, waybill.Errorf(waybill.Invalid, "at %s is before 2015", text)
}

// A code is an error code of a vendor, given as a string or a number.
type code string

// UnmarshalJSONFrom reads a code.
func (c *code) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case jsontext.KindNull:
	case jsontext.KindNumber:
		*c = code(v)
	case jsontext.KindString:
		text, err := jsontext.AppendUnquote(nil, v)
		*c = code(text)
		return err
	default:
		return waybill.Errorf(waybill.Invalid, "error.code is %s, not a string or a number", sortOf(v.Kind()))
	}
	return nil
}
