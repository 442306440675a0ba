package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// A follower is the log of a process, which can be read while it grows.
type follower struct {
	mu    sync.Mutex
	text  []byte
	seen  int           // what await has gone past
	grown chan struct{} // closed when there is more
}

func newFollower() *follower { return &follower{grown: make(chan struct{})} }

func (f *follower) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, b...)
	close(f.grown)
	f.grown = make(chan struct{})
	return len(b), nil
}

func (f *follower) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.text)
}

// next returns what comes up to the end of the next line with text, and a channel
// to wait on if that is not there yet.
func (f *follower) next(text string) (string, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rest := f.text[f.seen:]
	if i := bytes.Index(rest, []byte(text)); i >= 0 {
		if end := bytes.IndexByte(rest[i:], '\n'); end >= 0 {
			f.seen += i + end + 1
			return string(rest[:i+end]), nil
		}
	}
	return "", f.grown
}

// await returns the lines of the log since the last call up to the next one that
// contains text.
func (p *process) await(t testing.TB, text string) string {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		lines, grown := p.log.next(text)
		if grown == nil {
			return lines
		}
		select {
		case <-grown:
		case <-timeout:
			t.Fatalf("no %q in the log:\n%s", text, p.log)
		}
	}
}

// awaitLine is await without the lines before.
func (p *process) awaitLine(t testing.TB, text string) string {
	t.Helper()
	lines := p.await(t, text)
	return lines[strings.LastIndexByte(lines, '\n')+1:]
}
