package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"waybill"
	"waybill/internal/telemetry"
)

// The defaults of RecorderOptions.
const (
	DefaultQueueEvents = 262144
	DefaultBatchEvents = 4096
)

// RecorderOptions are the settings of a Recorder; zero values take defaults.
type RecorderOptions struct {
	Now func() time.Time // the clock that bounds the times of events

	// QueueEvents bounds the events that wait or are being committed. One
	// owner gets a share of it: a third of what the others leave, thus a
	// quarter when it is alone. A call is let in below the bounds, and the
	// last one may pass them.
	QueueEvents int

	// BatchEvents closes a commit: calls are added until it has so many. A
	// call is never split, so the last one may pass the bound.
	BatchEvents int

	Metrics *telemetry.Metrics
	Log     *slog.Logger
}

// A Recorder appends events to a store. Calls that come while a commit is under
// way share the next one. Owners are served in turn, so that a small call waits
// for about one commit, whatever others have waiting. All methods can be called
// concurrently.
type Recorder struct {
	store   waybill.Store
	now     func() time.Time
	batch   int
	metrics *telemetry.Metrics
	log     *slog.Logger
	failed  rate.Sometimes // tells the log, which may lie on the disk that failed
	done    chan struct{}  // closed when the committer has ended
	calls   sync.Pool      // of *call

	waiting atomic.Int64 // events of the queue
	full    atomic.Int64 // calls that were refused because of it

	mu     sync.Mutex
	ready  sync.Cond // the queue has grown, or closed was set
	queue  queue
	closed bool
}

// A Receipt says what became of the events of one call.
type Receipt struct {
	Changed  int                 // events that taught the store anything
	TooLate  int                 // events from before the oldest histories that the store keeps
	Known    bool                // whether the store could tell: else Changed means nothing
	Rejected []waybill.Rejection // ordered by Index; all other events are durable
}

// Count tells the metrics what became of the events of one call, those that never
// came to the Recorder included: they are rejected, and so are those that it
// rejected itself.
func (r *Receipt) Count(m *telemetry.Metrics, source string, events, rejected int) {
	rejected += len(r.Rejected)
	m.Events(source, "received", events)
	m.Events(source, "rejected", rejected)
	if r.Known {
		m.Events(source, "changed", r.Changed)
		m.Events(source, "too_late", r.TooLate)
		m.Events(source, "repeated", events-rejected-r.Changed-r.TooLate)
	}
}

// NewRecorder returns a Recorder that writes to store and starts its committer.
// Close ends it.
func NewRecorder(store waybill.Store, opt RecorderOptions) *Recorder {
	r := &Recorder{
		store:   store,
		now:     opt.Now,
		batch:   cmp.Or(opt.BatchEvents, DefaultBatchEvents),
		metrics: opt.Metrics,
		log:     cmp.Or(opt.Log, slog.New(slog.DiscardHandler)),
		failed:  rate.Sometimes{Interval: time.Minute},
		done:    make(chan struct{}),
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.queue = queue{
		limit: cmp.Or(opt.QueueEvents, DefaultQueueEvents), batch: r.batch,
		owners: make(map[string]*owner),
	}
	r.ready.L = &r.mu
	go r.run()
	return r
}

// Record is RecordFor of the owner without a name.
func (r *Recorder) Record(ctx context.Context, events []waybill.Event) (Receipt, error) {
	return r.RecordFor(ctx, "", events)
}

// RecordFor records the valid ones of events in one atomic step and returns when
// they are durable. Invalid events are listed in the Receipt and are no error.
// The owner is whoever is to share the queue fairly with the others. Of more
// events than a webhook has, RecordParts keeps nobody waiting.
//
// It fails with Unavailable, keeping nothing, when the queue or the share of the
// owner is full or the Recorder is closed. It also does so when the store could
// not commit; then, as when ctx ends first and its error is returned, the events
// may or may not be recorded. The caller can always repeat them safely: they
// count once. Where the error is that of ctx, the caller must leave events
// unchanged for good, since a commit may outlive the call. The texts of events are
// never to change, whatever is returned.
func (r *Recorder) RecordFor(ctx context.Context, owner string, events []waybill.Event) (Receipt, error) {
	checked, rejected := waybill.Check(events, r.now())
	valid := len(events) - len(rejected)
	if valid == 0 {
		return Receipt{Known: true, Rejected: rejected}, nil
	}
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	batch, err := r.store.Prepare(checked)
	if err != nil {
		return Receipt{}, told(err)
	}
	c := r.call(owner, valid, batch)
	if err := r.enqueue(c); err != nil {
		r.recycle(c)
		return Receipt{}, err
	}
	select {
	case <-c.answered:
		defer r.recycle(c)
		if c.err != nil {
			return Receipt{}, told(c.err)
		}
		return Receipt{
			Changed: count(c.outcomes, waybill.Changed), TooLate: count(c.outcomes, waybill.TooLate),
			Known: c.outcomes != nil, Rejected: rejected,
		}, nil
	case <-ctx.Done():
		return Receipt{}, ctx.Err() // the batch may be in use for long
	}
}

// call returns a new call, which recycle ends once nobody else knows it.
func (r *Recorder) call(owner string, events int, batch waybill.Batch) *call {
	c, ok := r.calls.Get().(*call)
	if !ok {
		c = &call{answered: make(chan struct{}, 1)}
	}
	c.owner, c.events, c.batch = owner, events, batch
	return c
}

func (r *Recorder) recycle(c *call) {
	c.batch.Release()
	*c = call{answered: c.answered}
	r.calls.Put(c)
}

// RecordParts does what RecordFor does for any number of events, in parts of at
// most BatchEvents, one after the other. Each is an atomic step of its own, and
// others are served between them. It returns when all are durable. Where it
// fails, the parts before the failure are recorded: the caller repeats all.
func (r *Recorder) RecordParts(ctx context.Context, owner string, events []waybill.Event) (Receipt, error) {
	all := Receipt{Known: true}
	from := 0
	for part := range slices.Chunk(events, r.batch) {
		receipt, err := r.RecordFor(ctx, owner, part)
		if err != nil {
			return Receipt{}, err
		}
		all.add(receipt, from)
		from += len(part)
	}
	return all, nil
}

// add adds the receipt of a part that begins with event number from.
func (r *Receipt) add(part Receipt, from int) {
	r.Changed += part.Changed
	r.TooLate += part.TooLate
	r.Known = r.Known && part.Known
	for _, rejection := range part.Rejected {
		rejection.Index += from
		r.Rejected = append(r.Rejected, rejection)
	}
}

func (r *Recorder) enqueue(c *call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return busy("the recorder is closed")
	}
	if err := r.queue.push(c); err != nil {
		r.full.Add(1)
		return err
	}
	r.waiting.Store(int64(r.queue.pending))
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

// run is the committer, the only goroutine that has the store commit.
func (r *Recorder) run() {
	defer close(r.done)
	var batches []waybill.Batch
	for calls := r.next(); len(calls) > 0; calls = r.next() {
		for _, c := range calls {
			batches = append(batches, c.batch)
		}
		r.commit(calls, batches)
		clear(batches)
		batches = batches[:0]
	}
}

// next waits for calls and takes those of one commit, at least one. It returns
// none once the Recorder is closed and drained.
func (r *Recorder) next() []*call {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue.calls) == 0 && !r.closed {
		r.ready.Wait()
	}
	return r.queue.take()
}

// commit commits the batches of calls, whatever became of the callers, and answers.
func (r *Recorder) commit(calls []*call, batches []waybill.Batch) {
	start := time.Now()
	r.store.Commit(context.Background(), batches)
	took, recorded, failed := time.Since(start), 0, 0
	var failure error
	for _, c := range calls {
		switch c.outcomes, c.err = c.batch.Result(); {
		case c.err == nil:
			recorded += c.events
		case !refused(c.err):
			failed, failure = failed+c.events, c.err
		}
	}
	if recorded > 0 {
		r.metrics.Commit(recorded, took)
	}
	if failure != nil {
		r.failed.Do(func() {
			r.log.Error("events could not be recorded; others within a minute are not told of",
				"events", failed, "calls", len(calls), "err", failure)
		})
	}
	r.release(calls)
	for _, c := range calls {
		c.answered <- struct{}{}
	}
}

// told returns what a caller is told of an error of the store.
func told(err error) error {
	if refused(err) {
		return err
	}
	return unrecorded(err)
}

// refused reports whether the store finds fault with the events, so that others
// may be taken.
func refused(err error) bool {
	code := waybill.CodeOf(err)
	return code == waybill.Invalid || code == waybill.TooLarge
}

// unrecorded returns what callers are told of a failure of the store. It waits at
// least as long as the store asks for.
func unrecorded(err error) error {
	told := busy("the store cannot record events now")
	if e, ok := errors.AsType[*waybill.Error](err); ok {
		told.RetryAfter = max(told.RetryAfter, e.RetryAfter)
	}
	return fmt.Errorf("%w: %w", told, err)
}

func (r *Recorder) release(calls []*call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range calls {
		r.queue.release(c)
	}
	r.waiting.Store(int64(r.queue.pending))
}

func count(outcomes []waybill.Outcome, wanted waybill.Outcome) int {
	n := 0
	for _, o := range outcomes {
		if o == wanted {
			n++
		}
	}
	return n
}
