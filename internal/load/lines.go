package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"waybill/internal/event"
)

// lines reads events, one on each line.
type lines struct {
	from *opened
	at   Position
	rest []byte // of what was read, behind the last piece
	err  error  // of the input, once rest is all there is
}

func (l *lines) skip(to Position) error {
	n, err := io.CopyN(io.Discard, l.from, to.Offset)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("it has %d bytes, but %d were imported already; is it another file?", n, to.Offset)
	}
	l.at = to
	return err
}

// next returns whole lines. The last one may lack its end.
func (l *lines) next() (*Piece, error) {
	buffer := make([]byte, len(l.rest), max(pieceBytes, len(l.rest)))
	copy(buffer, l.rest)
	n := 0
	if l.err == nil {
		n, l.err = fill(l.from, buffer[len(l.rest):cap(buffer)])
	}
	buffer = buffer[:len(l.rest)+n]
	if l.err != nil && !errors.Is(l.err, io.EOF) {
		return nil, fmt.Errorf("after line %d: %w", l.at.Line+bytes.Count(buffer, []byte("\n")), l.err)
	}
	if len(buffer) == 0 {
		return nil, io.EOF
	}
	end := len(buffer)
	if l.err == nil {
		end = bytes.LastIndexByte(buffer, '\n') + 1
	}
	count := bytes.Count(buffer[:end], []byte("\n"))
	if count > maxPieceLines {
		end, count = 0, maxPieceLines
		for range maxPieceLines {
			end += bytes.IndexByte(buffer[end:], '\n') + 1
		}
	}
	if end == 0 {
		return l.long(buffer)
	}
	l.rest = buffer[end:]
	p := &Piece{Text: buffer[:end], first: l.at.Line + 1}
	l.at.Offset += int64(end)
	l.at.Line += count
	p.Next = l.at
	p.trim()
	return p, nil
}

// fill reads until p is full or the input ends. Other than io.ReadFull it tells an
// input that ends from one that is cut off within what was compressed.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	return n, err
}

// long rejects a line that is longer than a piece, without keeping it.
func (l *lines) long(begin []byte) (*Piece, error) {
	size := int64(len(begin))
	for {
		part, err := l.from.ReadSlice('\n')
		size += int64(len(part))
		if errors.Is(err, io.EOF) {
			l.err = err
			break
		}
		if err == nil {
			size-- // the end of the line
			l.at.Offset++
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
	l.rest = nil
	l.at.Offset += size
	l.at.Line++
	return &Piece{Next: l.at, Rejected: []Rejection{{
		Line: l.at.Line, Text: shorten(begin),
		Reason: fmt.Sprintf("the event has %d bytes, more than %d", size, event.MaxLine),
	}}}, nil
}
