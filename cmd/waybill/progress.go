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

	"waybill/internal/load"
)

// Intervals at which progress is shown: on a terminal, and in a log.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
)

// A progress shows how far an import is: a bar with rate and time left on a
// terminal, a line now and then elsewhere.
type progress struct {
	out   io.Writer
	meter *load.Meter
	total int64 // bytes; negative where nobody knows it
	bar   *progressbar.ProgressBar
	begun time.Time

	mu    sync.Mutex // held while something is printed
	stop  chan struct{}
	ended chan struct{}
}

// newProgress begins to show progress on standard error, unless it has to be
// quiet. end has to be called.
func newProgress(c console, quiet bool, from *load.Checkpoint, m *load.Meter) *progress {
	p := &progress{out: c.err, meter: m, begun: time.Now(), stop: make(chan struct{}), ended: make(chan struct{})}
	for _, in := range from.Inputs {
		if p.total += in.Size; in.Size < 0 {
			p.total = -1
			break
		}
	}
	every := lineEvery
	if !quiet && isTerminal(c.err) {
		every = barEvery
		p.bar = progressbar.NewOptions64(p.total,
			progressbar.OptionSetWriter(c.err), progressbar.OptionShowBytes(true),
			progressbar.OptionFullWidth(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(barEvery/2),
			progressbar.OptionUseANSICodes(true))
	}
	if quiet {
		close(p.ended)
		return p
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

// show prints how far the import is.
func (p *progress) show() {
	received, rejected := p.meter.Rows()
	rate := float64(received) / time.Since(p.begun).Seconds()
	text := fmt.Sprintf("%s rows, %s a second", grouped(received), grouped(int64(rate)))
	if rejected > 0 {
		text += fmt.Sprintf(", %s rejected", grouped(rejected))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	read := p.meter.Read()
	switch {
	case p.bar != nil:
		p.bar.Describe(text)
		_ = p.bar.Set64(read) // a bar that cannot be drawn does no harm
	case p.total > 0:
		_, _ = fmt.Fprintf(p.out, "%d %%: %s%s\n", read*100/p.total, text, p.left(read))
	default:
		_, _ = fmt.Fprintln(p.out, text)
	}
}

// left says how long the rest will take.
func (p *progress) left(read int64) string {
	if read <= 0 || read >= p.total {
		return ""
	}
	passed := time.Since(p.begun)
	rest := time.Duration(float64(passed) * float64(p.total-read) / float64(read))
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
