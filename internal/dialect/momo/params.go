package momo

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
)

// maxDepth bounds the nesting of a body.
const maxDepth = 32

// readBody reads the body of a call into v. A body that is empty leaves v as it
// is. Fields that v does not have mean nothing.
func readBody(r *http.Request, v any) error {
	if header := r.Header.Get("Content-Type"); header != "" {
		if kind, _, err := mime.ParseMediaType(header); err != nil || kind != "application/json" {
			return errMediaType(header)
		}
	}
	body, err := dialect.ReadInflated(r, maxCallBytes, maxCallBytes)
	if err != nil {
		return err
	}
	return parseBody(body, v)
}

func parseBody(body []byte, v any) error {
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil
	}
	if err := dialect.CheckDepth(body, maxDepth); err != nil {
		return err
	}
	return bodyError(json.Unmarshal(body, v))
}

// bodyError puts an error of the decoder into the words of the API.
func bodyError(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*callError](err); ok {
		return e
	}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		return wrongSort(fieldName(s.JSONPointer), s.JSONKind, wantedSort(s.GoType))
	}
	s, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errInvalid(text{"JSON bị cắt ngang", "the JSON ends early"})
	case ok && errors.Is(s.Err, jsontext.ErrDuplicateName):
		return errInvalid(text{"%s có hai lần", "%s is given twice"}, fieldName(s.JSONPointer))
	case ok:
		return errInvalid(text{
			"nội dung không phải JSON ở byte %d: %.200v", "the body is no JSON at byte %d: %.200v",
		}, s.ByteOffset, s.Err)
	}
	return err
}

// fieldName returns the name of a field as a path with dots, cut and printable.
func fieldName(p jsontext.Pointer) string {
	var names []string
	for name := range p.Tokens() {
		names = append(names, name)
	}
	path := strings.Join(names, ".")
	if len(path) > 64 || strconv.Quote(path) != `"`+path+`"` {
		return strconv.Quote(path[:min(len(path), 64)])
	}
	return path
}

// The sorts of JSON values in both languages.
var sorts = map[jsontext.Kind]text{
	jsontext.KindNull:        {"null", "null"},
	jsontext.KindFalse:       {"boolean", "a boolean"},
	jsontext.KindTrue:        {"boolean", "a boolean"},
	jsontext.KindString:      {"chuỗi", "a string"},
	jsontext.KindNumber:      {"số", "a number"},
	jsontext.KindBeginObject: {"đối tượng", "an object"},
	jsontext.KindBeginArray:  {"mảng", "an array"},
}

var (
	sortString  = sorts[jsontext.KindString]
	sortObject  = sorts[jsontext.KindBeginObject]
	sortInteger = text{"số nguyên", "an integer"}
	sortID      = text{"số nguyên hoặc chuỗi", "an integer or a string"}
)

func wantedSort(t reflect.Type) text {
	if t != nil && t.Kind() == reflect.Struct {
		return sortObject
	}
	return sortString
}

// wrongSort is a value of another sort than the one that is wanted. Without a
// name it is the body.
func wrongSort(name string, kind jsontext.Kind, want text) error {
	have := sorts[kind]
	if name == "" {
		name, want = "body", sortObject
	}
	return errMistake(text{
		vi: fmt.Sprintf("%s là %s, không phải %s", name, have.vi, want.vi),
		en: fmt.Sprintf("%s is %s, not %s", name, have.en, want.en),
	})
}

// An integer is a number without a fraction, or a string that has one. Null is
// like an absent one.
type integer struct {
	value int64
	given bool
}

// UnmarshalJSONFrom reads an integer.
func (n *integer) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	name := fieldName(d.StackPointer())
	digits := string(v)
	switch v.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindNumber:
	case jsontext.KindString:
		unquoted, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return err
		}
		digits = string(unquoted)
	default:
		return wrongSort(name, v.Kind(), sortInteger)
	}
	var ok bool
	if n.value, ok = parseInteger(digits); !ok {
		return errInvalid(text{"%s %.40q không phải là số nguyên", "%s %.40q is not an integer"}, name, digits)
	}
	n.given = true
	return nil
}

// parseInteger takes whatever number has no fraction: some clients write 20.0 or
// 1.7e12.
func parseInteger(digits string) (int64, bool) {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(digits, 64)
	whole := err == nil && f == math.Trunc(f) && math.Abs(f) <= waybill.MaxSegmentSize
	return int64(f), whole && !strings.ContainsAny(digits, "xXpP_")
}

// An id is an ID that may be written as a number.
type id struct{ value string }

// UnmarshalJSONFrom reads an ID.
func (i *id) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindNumber:
		n, ok := parseInteger(string(v))
		if !ok {
			return errInvalid(text{"%s %.40q không phải là số nguyên", "%s %.40q is not an integer"}, fieldName(d.StackPointer()), v)
		}
		i.value = strconv.FormatInt(n, 10)
		return nil
	case jsontext.KindString:
		unquoted, err := jsontext.AppendUnquote(nil, v)
		i.value = string(unquoted)
		return err
	}
	return wrongSort(fieldName(d.StackPointer()), v.Kind(), sortID)
}
