package ndjson

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
)

// split does what Each does, for any number of objects.
func (f *Format) split(body []byte, take func(line int, text []byte) error) error {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) // some editors put a mark before UTF-8
	start := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(start) == 0:
		return waybill.Errorf(waybill.Invalid, "the body is empty")
	case start[0] == '[':
		return eachElement(start, take)
	case start[0] == '{':
		return eachLine(body, take)
	}
	return waybill.Errorf(waybill.Invalid,
		"the body begins with %.1q: %ss are JSON objects, one on each line, or an array of them", start, f.Name)
}

func eachLine(body []byte, take func(int, []byte) error) error {
	for place := 1; len(body) > 0; place++ {
		var text []byte
		text, body, _ = bytes.Cut(body, []byte("\n"))
		text = bytes.Trim(text, " \t\r")
		if len(text) == 0 {
			continue
		}
		if err := take(place, text); err != nil {
			return err
		}
	}
	return nil
}

// eachElement finds where the elements end and leaves it to Decode to object to
// what is in them.
func eachElement(body []byte, take func(int, []byte) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(body),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return arrayError(err, 0)
	}
	place := 0
	for d.PeekKind() != ']' {
		text, err := d.ReadValue()
		if err != nil {
			return arrayError(err, place)
		}
		place++
		if err := take(place, text); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return arrayError(err, place)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return waybill.Errorf(waybill.Invalid, "something follows the array, at byte %d", d.InputOffset())
	}
	return nil
}

// arrayError says where an array is broken. The decoder's own words quote it.
func arrayError(err error, element int) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return waybill.Errorf(waybill.Invalid, "the array ends early, after element %d", element)
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return waybill.Errorf(waybill.Invalid, "the array is no JSON at byte %d, after element %d: %v",
			s.ByteOffset, element, s.Err)
	}
	return err
}
