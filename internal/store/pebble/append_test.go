package pebble

import (
	"errors"
	"slices"
	"testing"
)

// TestACallLeavesTheQueueAsAWhole, or not at all: what is being committed cannot be
// called back.
func TestACallLeavesTheQueueAsAWhole(t *testing.T) {
	a, b, c, d, e := new(request), new(request), new(request), new(request), new(request)
	gone := errors.New("gone")
	for _, tt := range []struct {
		name    string
		waiting []*request
		last    *request
		n       int
		left    []*request // nil where it does not leave
	}{
		{"the only one", []*request{a, b}, b, 2, []*request{}},
		{"the first", []*request{a, b, c}, b, 2, []*request{c}},
		{"between others", []*request{a, b, c, d, e}, d, 3, []*request{a, e}},
		{"the last", []*request{a, b, c}, c, 1, []*request{a, b}},
		{"some of it is taken", []*request{b, c}, b, 2, nil},
		{"all of it is taken", []*request{c}, b, 2, nil},
		{"the queue is empty", nil, b, 1, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []*request{a, b, c, d, e} {
				r.err = nil
			}
			q := queue{requests: slices.Clone(tt.waiting)}
			left := tt.left
			if left == nil {
				left = tt.waiting
			}
			if got := q.remove(tt.last, tt.n, gone); got != (tt.left != nil) || !slices.Equal(q.requests, left) {
				t.Errorf("remove returns %t and leaves %d requests", got, len(q.requests))
			}
			for _, r := range tt.waiting {
				if failed := errors.Is(r.err, gone); failed == slices.Contains(left, r) {
					t.Errorf("a request fails with %v", r.err)
				}
			}
		})
	}
}
