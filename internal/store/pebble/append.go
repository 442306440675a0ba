package pebble

import (
	"context"
	"errors"
	"fmt"
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

// A request is a call of Append that waits for its commit.
type request struct {
	ops  []op
	err  error
	done chan struct{} // closed when err and the outcomes of ops are set
}

// A queue holds the requests that the next commit takes.
type queue struct {
	mu       sync.Mutex
	requests []*request
}

// Append implements waybill.Store. Calls that wait while a commit is under way
// share the next one.
func (s *Store) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if len(events) > maxEvents {
		return nil, waybill.Errorf(waybill.TooLarge,
			"the call has %d events, more than the %d that are stored in one step", len(events), maxEvents)
	}
	now := s.now()
	for i := range events {
		if err := events[i].Validate(now); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	r := requests.Get().(*request)
	defer r.recycle()
	if err := s.prepare(r, events); err != nil {
		return nil, err
	}
	if err := s.submit(ctx, r); err != nil {
		return nil, err
	}
	outcomes := make([]waybill.Outcome, len(events))
	for i := range r.ops {
		outcomes[i] = r.ops[i].outcome
	}
	return outcomes, nil
}

var requests = sync.Pool{New: func() any { return &request{} }}

func (r *request) recycle() {
	const largest = 1 << 16
	clear(r.ops)
	r.ops, r.err, r.done = r.ops[:0], nil, nil
	if cap(r.ops) <= largest {
		requests.Put(r)
	}
}

// prepare makes the ops of events.
func (s *Store) prepare(r *request, events []waybill.Event) error {
	r.done = make(chan struct{})
	if cap(r.ops) < len(events) {
		r.ops = make([]op, 0, len(events))
	}
	s.mu.RLock()
	for i := range events {
		e := &events[i]
		ch := s.channels[e.Channel]
		if ch == nil {
			s.mu.RUnlock()
			return waybill.Errorf(waybill.Invalid, "event %d: channel %d is not configured", i, e.Channel)
		}
		r.ops = append(r.ops, op{ch: ch, event: e, at: uint32(e.At), status: e.Status})
	}
	s.mu.RUnlock()
	for i := range r.ops {
		o := &r.ops[i]
		for l := range o.event.Labels {
			if v := &o.event.Labels[l]; v.Rank > waybill.RankOwn {
				return waybill.Errorf(waybill.Invalid, "event %d: rank %d of %s is unknown", i, v.Rank, waybill.Label(l))
			}
		}
		o.hash = s.hashID(o.event.Message)
		o.slow = o.status == waybill.StatusFailed || o.status == waybill.StatusClicked
	}
	s.sets.resolve(r.ops)
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

// submit queues r and returns when it is committed. Whoever gets the right to
// write commits all that waits.
func (s *Store) submit(ctx context.Context, r *request) error {
	s.queue.mu.Lock()
	s.queue.requests = append(s.queue.requests, r)
	s.queue.mu.Unlock()
	for {
		select {
		case s.writer <- struct{}{}:
			s.commitQueue()
			s.unlock()
		case <-r.done:
			return r.err
		case <-ctx.Done():
			if s.queue.remove(r) {
				return ctx.Err()
			}
			<-r.done // too late: it is being committed
			return r.err
		}
	}
}

func (q *queue) remove(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, waiting := range q.requests {
		if waiting == r {
			q.requests = append(q.requests[:i], q.requests[i+1:]...)
			return true
		}
	}
	return false
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
			close(r.done)
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

// maxTuples bounds the combinations of labels of a channel, which take about 150
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
