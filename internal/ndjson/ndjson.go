// Package ndjson reads what comes in Waybill's own formats: many JSON objects in
// one text, one on each line or all in one array. It is strict, because what is
// skipped silently is lost: no name twice, no name that is unknown, no text that
// is not UTF-8. It says what is wrong in words for people, with the value.
package ndjson

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
)

// A Format is one sort of objects.
type Format struct {
	Name string // of one object, such as "event"; its plural ends in s
	Hint string // what an object is, for one that ends early; may be empty

	MaxObjects int // in one text
	MaxBytes   int // of one object
	MaxDepth   int // of arrays and objects in each other, in one object

	// Fields returns the names that are known in the object which is the
	// value of a name, "" for the whole, so that a misspelt one can be
	// guessed.
	Fields func(of string) []string
}

// MaxRejected is how many rejections an answer lists; the others it only counts.
const MaxRejected = 1000

// A Rejection is an object of a text that was not taken, while others were.
type Rejection struct {
	Line  int    `json:"line" doc:"Line of the body, or in an array the number of the element; from 1." example:"3"`
	Error string `json:"error" doc:"What is wrong with it." example:"message is missing"`
}

// Each gives every object of a text to take, with its line, or in an array the
// number of its element, both from 1. The first byte that is no white space
// decides which it is. Blank lines count but are no objects. An error of take
// ends it. Each fails with Invalid where nobody can tell where the next object
// begins, and with TooLarge where there are more than MaxObjects.
func (f *Format) Each(body []byte, take func(line int, text []byte) error) error {
	n := 0
	return f.split(body, func(line int, text []byte) error {
		if n++; n > f.MaxObjects {
			return waybill.Errorf(waybill.TooLarge, "the body has more than %d %ss", f.MaxObjects, f.Name)
		}
		return take(line, text)
	})
}

// Decode reads one object into the struct that v points to, or returns an
// Invalid error that names the first thing wrong with it.
func (f *Format) Decode(text []byte, v any) error {
	if len(text) > f.MaxBytes {
		return waybill.Errorf(waybill.Invalid, "the %s has %d bytes, more than %d", f.Name, len(text), f.MaxBytes)
	}
	if err := dialect.CheckDepth(text, f.MaxDepth); err != nil {
		return err
	}
	if jsontext.Value(text).Kind() == jsontext.KindNull { // which would pass for an object without fields
		return waybill.Errorf(waybill.Invalid, "the %s is null, not an object", f.Name)
	}
	return f.unmarshal(text, v)
}

// Cut returns a caller's text for use in a message: quoted, and short.
func Cut(text string) string { return fmt.Sprintf("%.100q", text) }
