// Package spelling guesses what a misspelt word was meant to be, for messages
// to people.
package spelling

import (
	"fmt"
	"strings"
)

// maxCandidates and maxWord bound the search: a caller may have sent the word.
const (
	maxCandidates = 1000
	maxWord       = 200
)

// Closest returns the candidate that word was probably meant to be, or "" where
// none is close. Case does not matter; in long words more letters may be wrong.
func Closest(word string, candidates []string) string {
	best, least := "", min(1+len(word)/4, 3)
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		d := distance(strings.ToLower(word), strings.ToLower(c), least)
		if d < least || best == "" && d == least {
			best, least = c, d
		}
	}
	return best
}

// Question returns `, did you mean "closest"?`, or "" where nothing is close.
func Question(word string, candidates []string) string {
	if c := Closest(word, candidates); c != "" {
		return fmt.Sprintf(", did you mean %q?", c)
	}
	return ""
}

// distance returns the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a, or limit+1 where that is more than limit.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) > limit || len(a) > maxWord {
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
