package meta

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
)

// Bounds of answers. Nothing of an answer can be sent before all of it is there.
const (
	// callTime is how long a request may take. Graph answers null for items of a
	// batch that it did not come to, and clients send them again.
	callTime = 20 * time.Second

	maxAnswerBytes = 32 << 20    // of one answer
	maxHeld        = 256 << 20   // memory of the answers to all requests
	maxHeldOf      = maxHeld / 4 // of those of one account
)

// An answer is what is sent back, of a request or of an item of a batch.
type answer struct {
	status int
	header http.Header
	body   [][]byte // the parts of it
	buffer *buffer  // of the body, nil where it is small
	reason string   // of a failure
}

// write sends the answer.
func (a *answer) write(w http.ResponseWriter) {
	size := 0
	for _, part := range a.body {
		size += len(part)
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(a.status)
	for _, part := range a.body {
		if _, err := w.Write(part); err != nil {
			return // the caller is gone, who can't be told
		}
	}
}

// answers counts the memory of answers by the account that has asked.
type answers struct {
	mu  sync.Mutex
	all int64
	of  map[string]int64
}

// hold takes n bytes from what the answers to a request, to all requests of its
// account, and to all may hold.
func (a *API) hold(w *work, n int64) error {
	if w.held+n > maxHeldOf {
		return w.bound(false)
	}
	a.answers.mu.Lock()
	defer a.answers.mu.Unlock()
	if a.answers.all+n > maxHeld || a.answers.of[w.account]+n > maxHeldOf {
		return waybill.Errorf(waybill.Unavailable, "the answers to other calls take all the memory that there is for them")
	}
	if a.answers.of == nil {
		a.answers.of = make(map[string]int64)
	}
	a.answers.all += n
	a.answers.of[w.account] += n
	w.held += n
	return nil
}

// release gives back what was taken.
func (a *API) release(w *work, n int64) {
	if n == 0 {
		return
	}
	a.answers.mu.Lock()
	defer a.answers.mu.Unlock()
	w.held -= n
	a.answers.all -= n
	if a.answers.of[w.account] -= n; a.answers.of[w.account] == 0 {
		delete(a.answers.of, w.account)
	}
}

// A buffer is an io.Writer for an answer, whose memory is taken by hold.
type buffer struct {
	api   *API
	work  *work
	bytes []byte
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	need := len(b.bytes) + len(p)
	if need > maxAnswerBytes {
		return 0, b.work.bound(false)
	}
	if need > cap(b.bytes) {
		size := min(need+need/4, maxAnswerBytes)
		if err := b.api.hold(b.work, int64(size-cap(b.bytes))); err != nil {
			return 0, err
		}
		b.bytes = append(make([]byte, 0, size), b.bytes...)
	}
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

// drop gives the memory back.
func (b *buffer) drop() {
	if b != nil {
		b.api.release(b.work, int64(cap(b.bytes)))
		b.bytes = nil
	}
}

// encode is the only place where a value of an answer is encoded.
func (a *API) encode(w *work, value any, options ...json.Options) (*buffer, error) {
	b := &buffer{api: a, work: w}
	if err := json.MarshalWrite(b, value, options...); err != nil {
		b.drop()
		return nil, err
	}
	return b, nil
}

// layout returns how the answer to c is laid out.
func (c *call) layout() []json.Options {
	if c.flag("pretty") {
		return []json.Options{jsontext.WithIndent("  ")}
	}
	return nil
}
