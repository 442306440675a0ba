package rest

import "strings"

// maxDistance is how many letters may be wrong in a name that is still guessed.
const maxDistance = 2

// closest returns the candidate that word was probably meant to be, or "".
func closest(word string, candidates []string) string {
	best, least := "", maxDistance+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), c); d < least && d < len(c)/2 {
			best, least = c, d
		}
	}
	return best
}

// distance returns the number of letters to insert, delete or replace to make b
// of a. It gives up on words whose lengths say enough.
func distance(a, b string) int {
	if max(len(a)-len(b), len(b)-len(a)) > maxDistance {
		return maxDistance + 1
	}
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(last[j+1], row[j]) + 1
			if a[i] == b[j] {
				row[j+1] = min(row[j+1], last[j])
			} else {
				row[j+1] = min(row[j+1], last[j]+1)
			}
		}
		last, row = row, last
	}
	return last[len(b)]
}
