package load

import (
	"fmt"
	"io"
)

// maxRow bounds a row that a decoder holds in memory as a whole, in bytes.
const maxRow = 1 << 20

// A rowBound ends the reading of a row that does not end, such as after a quote
// that nobody closed.
type rowBound struct {
	from io.Reader
	read int // since the row began; a decoder reads ahead
}

// begin is to be called before each row.
func (b *rowBound) begin() { b.read = 0 }

func (b *rowBound) Read(p []byte) (int, error) {
	if b.read > maxRow {
		return 0, fmt.Errorf("a row has more than %d bytes: is a quote or a bracket not closed?", maxRow)
	}
	n, err := b.from.Read(p)
	b.read += n
	return n, err
}
