package ndjson

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
)

// A Time is the value of a field "at": RFC 3339, or integer milliseconds since
// 1970. It is rounded down to a second.
type Time struct {
	Instant waybill.Instant
	Given   bool
}

// UnmarshalJSONFrom reads a time.
func (t *Time) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindNumber:
		var ms int64
		ms, err = Millis("at", string(v), "RFC 3339 or integer milliseconds")
		t.Instant = waybill.Instant(ms / 1000)
	case jsontext.KindString:
		t.Instant, err = parseTime(v)
	default:
		return waybill.Errorf(waybill.Invalid, "at is %s, not RFC 3339 or integer milliseconds", SortOf(v.Kind()))
	}
	t.Given = err == nil
	return err
}

// Millis returns the value of a field that is a time in milliseconds since 1970.
// It tells a mistaken unit by its size: seconds have ten digits from 2001 to
// 2286, and microseconds would be after the year 30000. Text that is no integer
// is not what is wanted.
func Millis(field, text, wanted string) (int64, error) {
	ms, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, waybill.Errorf(waybill.Invalid, "%s %.40s is not %s", field, text, wanted)
	case ms >= 1e9 && ms < 1e10:
		return 0, waybill.Errorf(waybill.Invalid, "%s %d looks like seconds, but must be milliseconds", field, ms)
	case ms >= 1e15:
		return 0, waybill.Errorf(waybill.Invalid, "%s %d is too large for milliseconds", field, ms)
	case ms < int64(waybill.EarliestEvent)*1000:
		return 0, waybill.Errorf(waybill.Invalid, "%s %d is before 2015", field, ms)
	}
	return ms, nil
}

func parseTime(v jsontext.Value) (waybill.Instant, error) {
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return 0, err
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return 0, waybill.Errorf(waybill.Invalid, "at %s is not RFC 3339 or integer milliseconds", Cut(string(text)))
	}
	if i := waybill.InstantOf(t); i >= waybill.EarliestEvent {
		return i, nil
	}
	return 0, waybill.Errorf(waybill.Invalid, "at %s is before 2015", text)
}
