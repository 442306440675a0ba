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
		if ms, err = Millis("at", string(v), "RFC 3339 or integer milliseconds"); err == nil {
			err = t.SetMillis(ms)
		}
	case jsontext.KindString:
		var text []byte
		if text, err = jsontext.AppendUnquote(nil, v); err == nil {
			err = t.Parse(string(text))
		}
	default:
		return waybill.Errorf(waybill.Invalid, "at is %s, not RFC 3339 or integer milliseconds", SortOf(v.Kind()))
	}
	return err
}

// Parse sets t to a time in RFC 3339.
func (t *Time) Parse(text string) error {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return waybill.Errorf(waybill.Invalid, "at %s is not RFC 3339 or integer milliseconds", Cut(text))
	}
	i := waybill.InstantOf(at)
	if i < waybill.EarliestEvent {
		return waybill.Errorf(waybill.Invalid, "at %s is before 2015", text)
	}
	*t = Time{Instant: i, Given: true}
	return nil
}

// SetMillis sets t to a time in milliseconds since 1970.
func (t *Time) SetMillis(ms int64) error {
	if err := checkMillis("at", ms); err != nil {
		return err
	}
	*t = Time{Instant: waybill.Instant(ms / 1000), Given: true}
	return nil
}

// Millis returns the value of a field that is a time in milliseconds since 1970.
// It tells a mistaken unit by its size: seconds have ten digits from 2001 to
// 2286, and microseconds would be after the year 30000. Text that is no integer
// is not what is wanted.
func Millis(field, text, wanted string) (int64, error) {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, waybill.Errorf(waybill.Invalid, "%s %.40s is not %s", field, text, wanted)
	}
	if err := checkMillis(field, ms); err != nil {
		return 0, err
	}
	return ms, nil
}

func checkMillis(field string, ms int64) error {
	switch {
	case ms >= 1e9 && ms < 1e10:
		return waybill.Errorf(waybill.Invalid, "%s %d looks like seconds, but must be milliseconds", field, ms)
	case ms >= 1e15:
		return waybill.Errorf(waybill.Invalid, "%s %d is too large for milliseconds", field, ms)
	case ms < int64(waybill.EarliestEvent)*1000:
		return waybill.Errorf(waybill.Invalid, "%s %d is before 2015", field, ms)
	}
	return nil
}
