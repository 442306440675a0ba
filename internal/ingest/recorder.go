package ingest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"waybill"
	"waybill/internal/telemetry"
)

// The defaults of RecorderOptions.
const (
	DefaultQueueEvents = 65536
	DefaultBatchEvents = 8192
)

// RecorderOptions are the settings of a Recorder; zero values take defaults.
type RecorderOptions struct {
	Now func() time.Time // the clock that bounds the times of events

	// QueueEvents bounds the events that wait: a call is let in while fewer
	// are waiting or being committed. The last one let in may pass the
	// bound, so that a large call is not starved by small ones.
	QueueEvents int

	// BatchEvents closes a commit. A single call is never split, so one of
	// more events is committed alone.
	BatchEvents int

	Metrics *telemetry.Metrics
	Log     *slog.Logger
}

// A Recorder appends events to a store. Calls that come while a commit is under
// way share the next one. All methods can be called concurrently.
type Recorder struct {
	store   waybill.Store
	now     func() time.Time
	limit   int
	batch   int
	metrics *telemetry.Metrics
	log     *slog.Logger
	done    chan struct{} // closed when the committer has ended

	mu      sync.Mutex
	ready   sync.Cond // the queue has grown, or closed was set
	queue   []*call
	pending int // events queued or being committed
	closed  bool
}

// A call is one Record that waits for its commit.
type call struct {
	events   []waybill.Event
	answered chan outcome // buffered: nobody may be waiting any more
}

type outcome struct {
	changed []bool
	err     error
}

// A Receipt says what became of the events of one call.
type Receipt struct {
	Changed  int         // events that taught the store anything
	Known    bool        // whether the store could tell: else Changed means nothing
	Rejected []Rejection // ordered by Index; all other events are durable
}

// A Rejection is an event that was not recorded.
type Rejection struct {
	Index int // in the events of the call
	Err   error
}

// NewRecorder returns a Recorder that writes to store and starts its committer.
// Close ends it.
func NewRecorder(store waybill.Store, opt RecorderOptions) *Recorder {
	r := &Recorder{
		store:   store,
		now:     opt.Now,
		limit:   cmp.Or(opt.QueueEvents, DefaultQueueEvents),
		batch:   cmp.Or(opt.BatchEvents, DefaultBatchEvents),
		metrics: opt.Metrics,
		log:     cmp.Or(opt.Log, slog.New(slog.DiscardHandler)),
		done:    make(chan struct{}),
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.ready.L = &r.mu
	go r.run()
	return r
}

// Record records the valid ones of events in one atomic step and returns when
// they are durable. Invalid events are listed in the Receipt and are no error.
//
// It fails with Unavailable, keeping nothing, when the queue is full, when the
// Recorder is closed, or when the store could not commit. When ctx ends first it
// returns the error of ctx, and the events may or may not be recorded later: the
// caller can repeat them safely. The caller must leave events unchanged for
// good, since a commit may outlive the call.
func (r *Recorder) Record(ctx context.Context, events []waybill.Event) (Receipt, error) {
	valid, rejected := r.validate(events)
	if len(valid) == 0 {
		return Receipt{Known: true, Rejected: rejected}, nil
	}
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	c := &call{events: valid, answered: make(chan outcome, 1)}
	if err := r.enqueue(c); err != nil {
		return Receipt{}, err
	}
	select {
	case o := <-c.answered:
		if o.err != nil {
			return Receipt{}, o.err
		}
		return Receipt{Changed: count(o.changed), Known: o.changed != nil, Rejected: rejected}, nil
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
}

// validate splits events. It copies them only where one is invalid.
func (r *Recorder) validate(events []waybill.Event) ([]waybill.Event, []Rejection) {
	now := r.now()
	var rejected []Rejection
	for i := range events {
		if err := events[i].Validate(now); err != nil {
			rejected = append(rejected, Rejection{Index: i, Err: err})
		}
	}
	if len(rejected) == 0 {
		return events, nil
	}
	valid := make([]waybill.Event, 0, len(events)-len(rejected))
	from := 0
	for _, rejection := range rejected {
		valid = append(valid, events[from:rejection.Index]...)
		from = rejection.Index + 1
	}
	return append(valid, events[from:]...), rejected
}

func (r *Recorder) enqueue(c *call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return busy("the recorder is closed")
	case r.pending >= r.limit:
		return busy(fmt.Sprintf("%d events are waiting to be recorded", r.pending))
	}
	r.pending += len(c.events)
	r.queue = append(r.queue, c)
	r.ready.Signal()
	return nil
}

// Close refuses new calls and returns when all earlier ones are answered. When
// ctx ends first it returns the error of ctx; the rest is still committed, and
// Close may be called again to wait for it.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.ready.Signal()
	r.mu.Unlock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the committer, the only goroutine that appends to the store.
func (r *Recorder) run() {
	defer close(r.done)
	var merged []waybill.Event
	for {
		calls := r.next()
		if len(calls) == 0 {
			return
		}
		if len(calls) == 1 {
			r.commit(calls, calls[0].events)
			continue
		}
		for _, c := range calls {
			merged = append(merged, c.events...)
		}
		r.commit(calls, merged)
		clear(merged) // the texts of the events need not stay in memory
		merged = merged[:0]
	}
}

// next waits for calls and takes as many as fit into one commit, at least one.
// It returns none once the Recorder is closed and drained.
func (r *Recorder) next() []*call {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) == 0 && !r.closed {
		r.ready.Wait()
	}
	n, events := 0, 0
	for n < len(r.queue) && (n == 0 || events+len(r.queue[n].events) <= r.batch) {
		events += len(r.queue[n].events)
		n++
	}
	calls := slices.Clone(r.queue[:n])
	r.queue = slices.Delete(r.queue, 0, n)
	return calls
}

// commit appends the events of calls, which it is given merged, and answers.
// Where the store finds one event invalid it keeps none of the commit; then each
// call is committed alone, so that none fails for another's mistake.
func (r *Recorder) commit(calls []*call, merged []waybill.Event) {
	changed, err := r.append(merged)
	if err != nil && waybill.CodeOf(err) == waybill.Invalid && len(calls) > 1 {
		for i := range calls {
			r.commit(calls[i:i+1], calls[i].events)
		}
		return
	}
	if err != nil && waybill.CodeOf(err) != waybill.Invalid {
		r.log.Error("events could not be recorded", "events", len(merged), "calls", len(calls), "err", err)
		err = fmt.Errorf("%w: %w", busy("the store cannot record events now"), err)
	}
	r.release(len(merged))
	for _, c := range calls {
		o := outcome{err: err}
		if changed != nil {
			o.changed, changed = changed[:len(c.events):len(c.events)], changed[len(c.events):]
		}
		c.answered <- o
	}
}

// append gives the events to the store, whatever became of the callers.
func (r *Recorder) append(events []waybill.Event) ([]bool, error) {
	start := time.Now()
	changed, err := r.store.Append(context.Background(), events)
	if err != nil {
		return nil, err
	}
	r.metrics.Commit(len(events), time.Since(start))
	return changed, nil
}

func (r *Recorder) release(events int) {
	r.mu.Lock()
	r.pending -= events
	r.mu.Unlock()
}

func count(flags []bool) int {
	n := 0
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}
