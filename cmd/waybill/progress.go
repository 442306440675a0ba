package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Intervals at which progress is shown: on a terminal, and in a log.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
)

// A progress shows how far something is: a bar with the time left on a terminal, a
// line now and then elsewhere.
type progress struct {
	out   io.Writer
	of    work
	bar   *progressbar.ProgressBar
	begun time.Time

	mu    sync.Mutex // held while something is printed
	stop  chan struct{}
	ended chan struct{}
}

// A work is what a progress is shown of.
type work struct {
	total int64                                   // negative where nobody knows it
	bytes bool                                    // what total is in
	state func() (done int64, description string) // called now and then, concurrently
}

// newProgress begins to show progress on standard error, unless it has to be
// quiet. end has to be called.
func newProgress(c console, quiet bool, of work) *progress {
	p := &progress{out: c.err, of: of, begun: time.Now(), stop: make(chan struct{}), ended: make(chan struct{})}
	if quiet {
		close(p.ended)
		return p
	}
	every := lineEvery
	if isTerminal(c.err) {
		every = barEvery
		p.bar = progressbar.NewOptions64(of.total,
			progressbar.OptionSetWriter(c.err), progressbar.OptionShowBytes(of.bytes),
			progressbar.OptionFullWidth(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(barEvery/2),
			progressbar.OptionUseANSICodes(true))
	}
	go func() {
		defer close(p.ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.show()
			case <-p.stop:
				return
			}
		}
	}()
	return p
}

// show prints how far it is.
func (p *progress) show() {
	done, text := p.of.state()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.bar != nil:
		p.bar.Describe(text)
		_ = p.bar.Set64(done) // a bar that cannot be drawn does no harm
	case p.of.total > 0:
		_, _ = fmt.Fprintf(p.out, "%d %%: %s%s\n", min(100, done*100/p.of.total), text, p.left(done))
	default:
		_, _ = fmt.Fprintln(p.out, text)
	}
}

// left says how long the rest will take.
func (p *progress) left(done int64) string {
	if done <= 0 || done >= p.of.total {
		return ""
	}
	passed := time.Since(p.begun)
	rest := time.Duration(float64(passed) * float64(p.of.total-done) / float64(done))
	return ", " + rest.Round(time.Second).String() + " left"
}

// say prints a line above the bar.
func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	_, _ = fmt.Fprintln(p.out, text) // there is nobody else to tell
}

// end shows no more.
func (p *progress) end() {
	close(p.stop)
	<-p.ended
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// isTerminal reports whether a file is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// grouped writes a number with its thousands apart.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	first := len(text) % 3
	if text[0] == '-' {
		return "-" + grouped(-n)
	}
	out := text[:first]
	for i := first; i < len(text); i += 3 {
		if out != "" {
			out += ","
		}
		out += text[i : i+3]
	}
	return out
}
