package pebble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/dchest/siphash"

	"waybill"
)

// An op is an event on its way into its message. All that can be done before the
// writer's turn is done when it is made.
type op struct {
	hash    hash
	at      uint32
	slot    int32 // of the live table
	ch      *channel
	set     *labelSet // nil where the event has no labels, or slow is set
	event   *waybill.Event
	status  waybill.Status
	slow    bool // a failure, a click, or a label with a revision
	outcome waybill.Outcome
}

// A request is a batch: events that are ready for their commit.
type request struct {
	ops      []op
	outcomes []waybill.Outcome // room for Result
	err      error
	done     chan struct{} // of the last of a call: closed when all of that is dealt with
}

var _ waybill.Batch = (*request)(nil)

// A queue holds the requests that the next commit takes.
type queue struct {
	mu       sync.Mutex
	requests []*request
}

// Append implements waybill.Store.
func (s *Store) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	if err := s.enter(ctx); err != nil { // before anything is found wrong with the events
		return nil, err
	}
	s.leave()
	if err := checkSize(events); err != nil {
		return nil, err
	}
	checked, rejected := waybill.Check(events, s.now())
	if len(rejected) > 0 {
		return nil, fmt.Errorf("event %d: %w", rejected[0].Index, rejected[0].Err)
	}
	b, err := s.Prepare(checked)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	s.Commit(ctx, []waybill.Batch{b})
	outcomes, err := b.Result()
	return append(make([]waybill.Outcome, 0, len(outcomes)), outcomes...), err
}

func checkSize(events []waybill.Event) error {
	if len(events) > maxEvents {
		return waybill.Errorf(waybill.TooLarge,
			"the call has %d events, more than the %d that are stored in one step", len(events), maxEvents)
	}
	return nil
}

// Prepare implements waybill.Store: it hashes the IDs and finds the label sets.
func (s *Store) Prepare(events waybill.Checked) (waybill.Batch, error) {
	if err := checkSize(events.Events()); err != nil {
		return nil, err
	}
	r := requests.Get().(*request)
	if err := s.prepare(r, events.Events()); err != nil {
		r.Release()
		return nil, err
	}
	return r, nil
}

var requests = sync.Pool{New: func() any { return new(request) }}

// Release implements waybill.Batch.
func (r *request) Release() {
	const largest = 1 << 16
	clear(r.ops)
	r.ops, r.err, r.done = r.ops[:0], nil, nil
	if cap(r.ops) <= largest {
		requests.Put(r)
	}
}

// Result implements waybill.Batch.
func (r *request) Result() ([]waybill.Outcome, error) {
	if r.err != nil {
		return nil, r.err
	}
	r.outcomes = slices.Grow(r.outcomes[:0], len(r.ops))
	for i := range r.ops {
		r.outcomes = append(r.outcomes, r.ops[i].outcome)
	}
	return r.outcomes, nil
}

// prepare makes the ops of events, so many at a time that what it looks at more than
// once stays in the processor's caches.
func (s *Store) prepare(r *request, events []waybill.Event) error {
	const atOnce = 256
	r.ops = slices.Grow(r.ops, len(events))
	for part := range slices.Chunk(events, atOnce) {
		from := len(r.ops)
		if err := s.begin(r, part); err != nil {
			return err
		}
		ops := r.ops[from:]
		for i := range ops {
			if err := s.prepareOp(&ops[i]); err != nil {
				return fmt.Errorf("event %d: %w", from+i, err)
			}
		}
		s.sets.resolve(ops)
	}
	return nil
}

func (s *Store) prepareOp(o *op) error {
	for l := range o.event.Labels {
		if v := &o.event.Labels[l]; v.Rank > waybill.RankOwn {
			return waybill.Errorf(waybill.Invalid, "rank %d of %s is unknown", v.Rank, waybill.Label(l))
		}
	}
	o.hash = s.hashID(o.event.Message)
	o.slow = o.status == waybill.StatusFailed || o.status == waybill.StatusClicked
	return nil
}

// begin adds an op with its channel for each event.
func (s *Store) begin(r *request, events []waybill.Event) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ch *channel
	for i := range events {
		e := &events[i]
		if ch == nil || ch.Number != e.Channel {
			if ch = s.channels[e.Channel]; ch == nil {
				return waybill.Errorf(waybill.Invalid, "event %d: channel %d is not configured", len(r.ops), e.Channel)
			}
		}
		r.ops = append(r.ops, op{ch: ch, event: e, at: uint32(e.At), status: e.Status})
	}
	return nil
}

// hashID returns the hash of a message's ID. Its key is a secret of the store:
// tenants choose IDs, and who knew the key could make two that share a hash.
func (s *Store) hashID(id string) hash {
	// The bytes of the text itself: a copy would be the only garbage of most events.
	text := unsafe.Slice(unsafe.StringData(id), len(id))
	a, b := siphash.Hash128(s.hashKey[0], s.hashKey[1], text)
	return hash{uint32(a >> 32), uint32(a), uint32(b >> 32)}
}

// Commit implements waybill.Store. Calls that wait while a commit is under way share
// the next one.
func (s *Store) Commit(ctx context.Context, batches []waybill.Batch) {
	if len(batches) == 0 {
		return
	}
	if err := s.enter(ctx); err != nil {
		for _, b := range batches {
			b.(*request).err = err
		}
		return
	}
	defer s.leave()
	s.queue.mu.Lock()
	for _, b := range batches {
		s.queue.requests = append(s.queue.requests, b.(*request))
	}
	last := batches[len(batches)-1].(*request)
	last.done = make(chan struct{})
	s.queue.mu.Unlock()
	s.await(ctx, last, len(batches))
}

// await returns when the requests of a call, n of them, are dealt with. Whoever gets
// the right to write commits all that waits.
func (s *Store) await(ctx context.Context, last *request, n int) {
	cancelled := ctx.Done()
	for {
		select {
		case s.writer <- struct{}{}:
			s.commitQueue()
			s.unlock()
		case <-last.done:
			return
		case <-cancelled:
			if s.queue.remove(last, n, ctx.Err()) {
				return
			}
			cancelled = nil // too late: some of it is being committed
		}
	}
}

// remove takes the n requests of a call, which wait one after the other, out of the
// queue, unless some are not there any more. They fail with err.
func (q *queue) remove(last *request, n int, err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	end := slices.Index(q.requests, last) + 1
	if end < n {
		return false
	}
	for _, r := range q.requests[end-n : end] {
		r.err = err
	}
	q.requests = slices.Delete(q.requests, end-n, end)
	return true
}

const (
	// maxEvents bounds the events of a call.
	maxEvents = 1_000_000

	// maxCommit bounds the events of a commit, apart from those of one call.
	maxCommit = 1 << 15
)

// take returns the requests of one commit.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, events := 0, 0
	for n < len(q.requests) && (n == 0 || events+len(q.requests[n].ops) <= maxCommit) {
		events += len(q.requests[n].ops)
		n++
	}
	taken := append([]*request(nil), q.requests[:n]...)
	q.requests = append(q.requests[:0], q.requests[n:]...)
	return taken
}

// commitQueue commits what waits, with the right to write held.
func (s *Store) commitQueue() {
	requests := s.queue.take()
	for len(requests) > 0 {
		n, err := s.commitRequests(requests)
		for _, r := range requests[:n] {
			if err != nil {
				r.err = err
			}
			if r.done != nil {
				close(r.done) // whose it is may release it now
			}
		}
		requests = requests[n:]
	}
}

// commitRequests makes one commit of the first requests and returns of how many.
func (s *Store) commitRequests(requests []*request) (n int, err error) {
	if err := s.disk.failure(); err != nil {
		return len(requests), err
	}
	if err := s.makeRoom(); err != nil {
		return len(requests), err
	}
	c := s.commit
	c.begin()
	if n, err = c.loadRequests(requests); err != nil {
		return len(requests), errors.Join(err, c.abandon())
	}
	return n, c.applyRequests(requests[:n])
}

// loadRequests brings the messages of requests into the live table, as far as they
// may share a commit. One that is refused gets its error; the others need not suffer
// for it.
func (c *commit) loadRequests(requests []*request) (n int, err error) {
	events := 0
	for _, r := range requests {
		events += len(r.ops)
	}
	c.s.live.reserve(events)
	for i, r := range requests {
		if c.loaded >= c.s.maxLoaded() {
			return i, nil
		}
		if r.err = checkWords(r.ops); r.err != nil {
			continue
		}
		err := c.load(r.ops)
		switch {
		case waybill.CodeOf(err) == waybill.TooLarge:
			r.err = err
		case err != nil:
			return 0, err
		}
	}
	return len(requests), nil
}

// applyRequests merges the events of requests that are not refused, and makes the
// step durable.
func (c *commit) applyRequests(requests []*request) error {
	late := int64(0)
	for _, r := range requests {
		for i := range r.ops {
			if r.err != nil {
				break
			}
			if i%atOnce == 0 {
				c.s.live.fetchSlots(r.ops[i:min(i+atOnce, len(r.ops))])
			}
			c.apply(&r.ops[i])
			if r.ops[i].outcome == waybill.TooLate {
				late++
			}
		}
	}
	if late > 0 {
		c.noteTooLate(late)
	}
	c.noteOld()
	c.noteSeen()
	return c.finish()
}

// maxTuples bounds the combinations of labels of a channel, which take about 100
// bytes of memory each.
const maxTuples = 1 << 22

// maxDetails bounds the error codes and buttons of a channel.
const maxDetails = 1 << 16

// checkWords fails where the events of a channel could need more combinations of
// labels, or more details, than it may have.
func checkWords(ops []op) error {
	for i := range ops {
		w := ops[i].ch.words
		if ops[i].slow && len(w.details) >= maxDetails {
			return waybill.Errorf(waybill.TooLarge,
				"channel %d has %d error codes and buttons, which is as many as it may have",
				ops[i].ch.Number, len(w.details))
		}
		if len(w.tuples)+4*len(ops) > maxTuples {
			return waybill.Errorf(waybill.TooLarge,
				"channel %d has %d combinations of labels, and %d events could make more of them than the %d that it may have",
				ops[i].ch.Number, len(w.tuples), len(ops), maxTuples)
		}
	}
	return nil
}
