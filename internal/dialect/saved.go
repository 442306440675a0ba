package dialect

import "fmt"

// Saved says what became of a webhook's body that somebody saved when it came and
// that is recorded later, on the word of the operator: nothing tells any more who
// sent it.
type Saved struct {
	Events  int // recorded, whether or not they told something new
	Changed int
	TooLate int
	Left    []string // what was not recorded, in words
}

// Leave notes that n items were not recorded, if there are any.
func (s *Saved) Leave(n int, why string) {
	switch {
	case n == 1:
		s.Left = append(s.Left, "1 item "+why)
	case n > 1:
		s.Left = append(s.Left, fmt.Sprintf("%d items %s", n, why))
	}
}
