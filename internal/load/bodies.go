package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxBody bounds one saved body, in bytes: what the largest webhook may have.
const maxBody = 8 << 20

// bodies reads saved bodies of webhooks: one on each line, where the first line
// is JSON by itself, and otherwise one in the file.
type bodies struct {
	from  *bufio.Reader
	whole bool
	at    Position
}

func newBodies(from *opened) (*bodies, error) {
	b := &bodies{from: bufio.NewReaderSize(from, maxBody)}
	text, err := b.from.Peek(maxBody)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(text, " \t\r\n"), []byte("\n"))
	b.whole = !jsontext.Value(line).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if b.whole && err == nil {
		return nil, fmt.Errorf("its first line is no JSON, so it is one body; but it has more than %d bytes", maxBody)
	}
	return b, nil
}

func (b *bodies) skip(to Position) error {
	n, err := io.CopyN(io.Discard, b.from, to.Offset)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("it has %d bytes, but %d were imported already; is it another file?", n, to.Offset)
	}
	b.at = to
	return err
}

// next returns the next body.
func (b *bodies) next() (*Piece, error) {
	for {
		text, err := b.read()
		if err != nil {
			return nil, err
		}
		first := b.at.Line + 1
		b.at.Offset += int64(len(text))
		b.at.Line += max(1, bytes.Count(text, []byte("\n")))
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return &Piece{Text: bytes.Clone(text), Next: b.at, first: first}, nil
		}
	}
}

func (b *bodies) read() ([]byte, error) {
	if b.whole {
		text, err := io.ReadAll(b.from)
		if err == nil && len(text) == 0 {
			err = io.EOF
		}
		return text, err
	}
	line, err := b.from.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("line %d has more than %d bytes", b.at.Line+1, maxBody)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return line, nil
	}
	return line, err
}
