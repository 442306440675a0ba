package telemetry

import (
	"io"
	"sync"
	"time"
)

const (
	// linesDelay is how long a line waits for others to be written with.
	linesDelay = 20 * time.Millisecond

	// maxLines is how many bytes wait at most. Beyond, who logs has to write.
	maxLines = 64 << 10
)

// Lines gather the lines of a log and write several at once: a system call for
// each line would cost a webhook more than its decoding does. A crash loses at
// most what was logged within 20 ms. All methods can be called concurrently.
type Lines struct {
	mu      sync.Mutex
	waiting []byte
	timed   bool // a flush will come

	writing sync.Mutex // held while lines are written, so that they keep their order
	to      io.Writer
	written []byte // of the last time, to be used again
}

// NewLines returns Lines that write to w. Flush must be the last call.
func NewLines(w io.Writer) *Lines { return &Lines{to: w} }

// Write takes whole lines. It does not fail: nobody could be told.
func (l *Lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	l.waiting = append(l.waiting, text...)
	full := len(l.waiting) >= maxLines
	if !full && !l.timed {
		l.timed = true
		time.AfterFunc(linesDelay, l.Flush)
	}
	l.mu.Unlock()
	if full {
		l.Flush()
	}
	return len(text), nil
}

// Flush returns when all lines that were taken before are written.
func (l *Lines) Flush() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.waiting, l.written = l.written[:0], l.waiting
	l.timed = false
	l.mu.Unlock()
	if len(l.written) > 0 {
		_, _ = l.to.Write(l.written)
	}
}
