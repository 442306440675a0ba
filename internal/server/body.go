package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// maxGetBody bounds the body of a method that has no use for one, in bytes.
	maxGetBody = 64 << 10

	// minRate is how fast a body has to come, in bytes per second, once a
	// sixth of ReadTimeout is over. Else who sends next to nothing could hold
	// for all of ReadTimeout the memory that a body needs.
	minRate = 16 << 10
)

// A body is that of a request, with bounds on its size and its time.
type body struct {
	io.ReadCloser
	x      *exchange
	read   int64
	unread bool // not to the end
}

// boundBody puts an outer bound on the body; dialects have tighter ones.
func (x *exchange) boundBody() {
	r := x.request
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	limit := x.server.opt.MaxBodyBytes
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		limit = min(limit, maxGetBody)
	}
	// The bare writer lets net/http close the connection of who sends more.
	x.body = body{ReadCloser: http.MaxBytesReader(x.ResponseWriter, r.Body, limit), x: x, unread: true}
	r.Body = &x.body
}

// Read reads until it is time for more than what has come so far.
func (b *body) Read(p []byte) (int, error) {
	all := b.x.server.opt.ReadTimeout
	allowed := min(all/6+time.Duration(b.read)*time.Second/minRate, all)
	// A writer that has no connection has no need of a deadline.
	_ = http.NewResponseController(b.x.ResponseWriter).SetReadDeadline(b.x.start.Add(allowed))
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, io.EOF) {
		b.unread = false
	}
	return n, err
}
