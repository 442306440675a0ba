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
	case m.Line == 0:
		return m.Message
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

// suggest returns a question after the candidate closest to word, or nothing
// where none is close. It does not search long lists.
func suggest(word string, candidates []string) string {
	best, least := "", min(1+len(word)/4, 3)
	for _, c := range candidates[:min(len(candidates), 1000)] {
		if d := distance(strings.ToLower(word), strings.ToLower(c), least); d < least || best == "" && d == least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// distance returns the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a, or limit+1 where that is more than limit.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) > limit || len(a) > 200 {
		return limit + 1
	}
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return min(last[len(b)], limit+1)
}
