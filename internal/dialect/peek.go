package dialect

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// peekBytes is how much of a body can be looked at before it is read.
const peekBytes = 4096

// Peek returns the beginning of the body of r, at most 4096 bytes as they were
// sent, inflated if the body is gzip. The body can be read from its beginning
// afterwards. It waits until as much has come or the body ends, within the
// bounds that the server sets to the time of a body; what can't be read is left
// to whoever reads the body.
//
// It is for Match, where the head of a request does not tell whose call it is.
// Only one goroutine at a time may use r.
func Peek(r *http.Request) []byte {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	p, ok := r.Body.(*peeked)
	if !ok {
		p = &peeked{Closer: r.Body, Reader: bufio.NewReaderSize(r.Body, peekBytes)}
		r.Body = p
	}
	start, _ := p.Peek(peekBytes)
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "gzip", "x-gzip":
		return inflateStart(start)
	}
	return start
}

// A peeked body is one whose beginning was looked at.
type peeked struct {
	*bufio.Reader
	io.Closer
}

// inflateStart returns as much as can be told of what begins with start.
func inflateStart(start []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(start))
	if err != nil {
		return nil
	}
	out := make([]byte, peekBytes)
	n, _ := io.ReadFull(z, out) // the rest of the stream is missing, as a rule
	return out[:n]
}
