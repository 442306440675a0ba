package meta

import (
	"fmt"
	"strings"
	"testing"
)

// TestWindow chooses pages of ten elements.
func TestWindow(t *testing.T) {
	key := func(i int) string { return fmt.Sprint(i) }
	for _, tt := range []struct {
		name     string
		pager    pager
		from, to int
	}{
		{"the first", pager{limit: 3}, 0, 3},
		{"after one", pager{limit: 3, hasAfter: true, after: "4"}, 5, 8},
		{"after the last", pager{limit: 3, hasAfter: true, after: "9"}, 10, 10},
		{"before one", pager{limit: 3, hasBefore: true, before: "5"}, 2, 5},
		{"before the first", pager{limit: 3, hasBefore: true, before: "0"}, 0, 0},
		{"between two, from the first on", pager{limit: 3, hasAfter: true, after: "2", hasBefore: true, before: "8"}, 3, 6},
		{"between two that are near", pager{limit: 3, hasAfter: true, after: "2", hasBefore: true, before: "4"}, 3, 4},
		{"between two in the wrong order", pager{limit: 3, hasAfter: true, after: "8", hasBefore: true, before: "2"}, 9, 9},
		{"none", pager{limit: 0}, 0, 0},
	} {
		if from, to := tt.pager.window(10, key); from != tt.from || to != tt.to {
			t.Errorf("%s: from %d to %d, want %d to %d", tt.name, from, to, tt.from, tt.to)
		}
	}
}

// TestCursorText reads cursors, of which each key has one.
func TestCursorText(t *testing.T) {
	for _, key := range []string{"", "a", "1100\x00en", strings.Repeat("x", 3072)} {
		if got, ok := decodeCursor(encodeCursor(key)); !ok || got != key {
			t.Errorf("%.20q is read as %.20q, %t", key, got, ok)
		}
	}
	for name, text := range map[string]string{
		"padding": "YQ==", "bits too many": "YR", "another alphabet": "+/+/", "a line break": "YW\nFh",
		"no UTF-8": "__8", "too long": encodeCursor(strings.Repeat("x", 3073)),
	} {
		if key, ok := decodeCursor(text); ok {
			t.Errorf("%s is read as %.20q", name, key)
		}
	}
}
