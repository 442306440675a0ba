package directory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"waybill"
)

// maxMistakes is how many mistakes are told; more help nobody.
const maxMistakes = 100

// A Mistake is one thing wrong with a document.
type Mistake struct {
	Line, Column int    // of the document, from 1; 0 where there is no place
	Path         string // of the field, such as "channels[1].time_zone"
	Message      string
}

func (m Mistake) String() string {
	switch {
	case m.Line == 0 && m.Path == "":
		return m.Message
	case m.Line == 0:
		return m.Path + ": " + m.Message
	case m.Path == "":
		return fmt.Sprintf("line %d: %s", m.Line, m.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", m.Line, m.Path, m.Message)
}

// Mistakes are all the things wrong with a document, in its order. They are an
// error of code Invalid.
type Mistakes []Mistake

// Error returns the mistakes, one a line.
func (ms Mistakes) Error() string {
	var lines []string
	for _, m := range ms[:min(len(ms), maxMistakes)] {
		lines = append(lines, m.String())
	}
	if more := len(ms) - maxMistakes; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the mistakes their code.
func (ms Mistakes) Unwrap() error { return waybill.Errorf(waybill.Invalid, "%s", ms.Error()) }

// err returns the mistakes in the order of the document, nil where there are
// none.
func (ms Mistakes) err() error {
	if len(ms) == 0 {
		return nil
	}
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ms
}
