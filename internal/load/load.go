// Package load brings files of events into a ledger: lines of JSON, CSV, Parquet
// and saved bodies of webhooks, compressed or not, into a store of this machine or
// over HTTP into a server. It reads each input in pieces, makes several of them
// durable at a time, and remembers how far each input is, so that an import that
// was cut short goes on where it was. What was counted already does not count
// again, so a piece that comes twice does no harm.
package load

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// Options are the settings of an import.
type Options struct {
	Inputs []Input
	Reading
	Sink     Sink
	Parallel int // pieces that are made durable at the same time; 1 where it is 0

	Checkpoint *Checkpoint            // where it stands; brought up to date as it goes
	Save       func(Checkpoint) error // called now and then, and at the end; may be nil
	SaveEvery  time.Duration          // between two calls of Save

	Rejected func(Rejected) error // called for each row that is not taken; may be nil
	Note     func(string)         // called for what somebody should know of an input; may be nil
	Meter    *Meter               // may be nil
}

// A Sink makes pieces durable. Its method is called concurrently.
type Sink interface {
	// Take returns once the events of p are durable, and says what became of
	// them. An error ends the import; p may come again.
	Take(ctx context.Context, p *Piece) (Result, error)
}

// A Result says what became of the rows of a piece.
type Result struct {
	Received int
	Changed  int // events that told something new
	TooLate  int // events from before the oldest histories that are kept
	Rejected []Rejection
}

// A Rejection is a row that was not taken.
type Rejection struct {
	Line   int // of the input, from 1; in an array or a table the number of the row
	Reason string
	Text   string // the row itself, as far as it could be read
}

// A Rejected is a Rejection and where it comes from.
type Rejected struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Why  string `json:"error"`
	Text string `json:"text"`
}

// Run imports all inputs from where the checkpoint says they are. It returns when
// all of them are durable, or with the first error; then, as when ctx ends, the
// checkpoint says how far they are.
func Run(ctx context.Context, opt Options) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{Options: opt, cancel: cancel, ready: make(chan task), done: make(chan outcome, 16)}
	if r.Parallel < 1 {
		r.Parallel = 1
	}
	if r.Meter == nil {
		r.Meter = new(Meter)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(r.ready)
		r.note(r.read(inner)) // what was read before is still made durable
	}()
	var takers sync.WaitGroup
	for range r.Parallel {
		takers.Go(func() { r.take(inner) })
	}
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		r.collect()
	}()
	select {
	case <-read:
	case <-inner.Done(): // the reader may wait for an input for ever
	}
	takers.Wait()
	close(r.done)
	<-collected
	r.note(ctx.Err())
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// A run is an import under way.
type run struct {
	Options
	cancel context.CancelFunc
	ready  chan task
	done   chan outcome

	mu  sync.Mutex
	err error // the first one
}

// A task is a piece in the order of reading.
type task struct {
	number int
	input  int
	piece  *Piece
}

// An outcome is a task that is durable.
type outcome struct {
	task
	result Result
}

// note keeps the first error.
func (r *run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// fail notes an error and ends the rest.
func (r *run) fail(err error) {
	if err == nil {
		return
	}
	r.note(err)
	r.cancel()
}

// read gives the pieces of all inputs to whoever takes them.
func (r *run) read(ctx context.Context) error {
	number := 0
	for i := range r.Inputs {
		state := &r.Checkpoint.Inputs[i]
		if state.Done {
			r.Meter.skip(state.Size)
			continue
		}
		err := r.readInput(ctx, i, state.Position, func(p *Piece) error {
			select {
			case r.ready <- task{number, i, p}:
				number++
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) readInput(ctx context.Context, i int, from Position, give func(*Piece) error) (err error) {
	in := &r.Inputs[i]
	opened, err := in.open(r.Meter)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	pieces, err := r.pieces(opened, in, r.Note)
	if err != nil {
		return in.wrap(err)
	}
	if err := pieces.skip(from); err != nil {
		return in.wrap(err)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := pieces.next()
		if errors.Is(err, io.EOF) {
			return give(&Piece{Next: Position{}, last: true})
		}
		if err != nil {
			return in.wrap(err)
		}
		if err := give(p); err != nil {
			return err
		}
	}
}

// take makes pieces durable until there are no more, or ctx ends.
func (r *run) take(ctx context.Context) {
	for {
		var t task
		var ok bool
		select {
		case t, ok = <-r.ready:
		case <-ctx.Done():
		}
		if !ok {
			return
		}
		result := Result{}
		if len(t.piece.Text) > 0 {
			var err error
			if result, err = r.Sink.Take(ctx, t.piece); err != nil {
				r.fail(r.Inputs[t.input].wrap(err))
				return
			}
		}
		result.Received += len(t.piece.Rejected)
		result.Rejected = append(result.Rejected, t.piece.Rejected...)
		slices.SortFunc(result.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Line, b.Line) })
		r.Meter.rows(result.Received, len(result.Rejected))
		t.piece.Text = nil
		r.done <- outcome{t, result}
	}
}

// collect brings the checkpoint up to date, in the order of reading: a piece that
// is durable before one that was read earlier has to wait.
func (r *run) collect() {
	ticker := time.NewTicker(max(r.SaveEvery, time.Millisecond))
	defer ticker.Stop()
	waiting := make(map[int]outcome)
	next, unsaved := 0, true
	for {
		select {
		case o, ok := <-r.done:
			if !ok {
				r.save()
				return
			}
			waiting[o.number] = o
		case <-ticker.C:
			if unsaved {
				r.save()
				unsaved = false
			}
		}
		for {
			first, ok := waiting[next]
			if !ok {
				break
			}
			delete(waiting, next)
			next, unsaved = next+1, true
			r.fail(r.settle(&first))
		}
	}
}

func (r *run) save() {
	if r.Save != nil {
		r.fail(r.Save(*r.Checkpoint))
	}
}

// settle notes what became of a piece.
func (r *run) settle(o *outcome) error {
	state := &r.Checkpoint.Inputs[o.input]
	if r.Rejected != nil {
		for _, x := range o.result.Rejected {
			err := r.Rejected(Rejected{File: r.Inputs[o.input].Name, Line: x.Line, Why: x.Reason, Text: x.Text})
			if err != nil {
				return err
			}
		}
	}
	r.Checkpoint.Counts.add(&o.result)
	if o.piece.last {
		state.Done = true
		return nil
	}
	state.Position = o.piece.Next
	return nil
}
