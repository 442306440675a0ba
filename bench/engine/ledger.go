package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"

	"waybill"
)

// A ledger does what Waybill promises, on tables that know nothing of it: per
// message and stage the earliest time wins, later stages imply earlier ones,
// labels that come late move the counts of their message.
type ledger struct {
	tables tables

	mu     sync.Mutex
	tuples map[tuple]uint32 // refs
	recent cache
	change change

	index   map[uint64]int // into touched
	touched []touched
}

// tables are where a ledger keeps what it has. One goroutine at a time uses them,
// but for points.
type tables interface {
	// load fills in the states of those keys that are stored.
	load(ctx context.Context, keys []uint64, states []*state) error

	// commit stores a change in one durable step.
	commit(ctx context.Context, c *change) error

	points(ctx context.Context, s *series) ([]waybill.Point, error)
	close() error
}

// A change is what a batch of events changes.
type change struct {
	tuples map[uint32]tuple // new ones, by ref
	keys   []uint64
	states []state
	counts map[cell]counts // differences
}

// cells returns the places of the counts that change, in order.
func (c *change) cells() []cell {
	cells := make([]cell, 0, len(c.counts))
	for at, n := range c.counts {
		if n != (counts{}) {
			cells = append(cells, at)
		}
	}
	slices.SortFunc(cells, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.quarter, b.quarter), cmp.Compare(a.ref, b.ref))
	})
	return cells
}

// A tuple is what a message is counted under.
type tuple struct {
	channel waybill.ChannelNumber
	values  [waybill.NumLabels]string
}

// A cell is the place of a counter for each stage.
type cell struct {
	channel waybill.ChannelNumber
	quarter waybill.Quarter
	ref     uint32 // of the tuple
}

type counts [waybill.NumStages]int64

// A state is what is kept of a message. The zero state is a message of which
// nothing is known.
type state struct {
	channel waybill.ChannelNumber
	ref     uint32 // of the tuple; 0 where nothing is known
	at      [waybill.NumStages]waybill.Instant
}

type touched struct {
	key      uint64
	old, new state
}

func newLedger(t tables, tuples map[tuple]uint32, cached int) *ledger {
	return &ledger{
		tables: t, tuples: tuples, recent: cache{limit: cached},
		change: change{tuples: make(map[uint32]tuple), counts: make(map[cell]counts)},
		index:  make(map[uint64]int),
	}
}

// Append implements Engine. After an error the ledger must not be used.
func (l *ledger) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin()
	if err := l.load(ctx, events); err != nil {
		return nil, err
	}
	for i := range events {
		l.merge(&l.touched[l.index[keyOf(&events[i])]].new, &events[i])
	}
	for i := range l.touched {
		t := &l.touched[i]
		if t.new == t.old {
			continue
		}
		l.count(&t.old, -1)
		l.count(&t.new, 1)
		l.change.keys = append(l.change.keys, t.key)
		l.change.states = append(l.change.states, t.new)
		l.recent.put(t.key, t.new)
	}
	if len(l.change.keys) == 0 {
		return nil, nil
	}
	return nil, l.tables.commit(ctx, &l.change)
}

func (l *ledger) begin() {
	clear(l.change.tuples)
	clear(l.change.counts)
	l.change.keys, l.change.states = l.change.keys[:0], l.change.states[:0]
	clear(l.index)
	l.touched = l.touched[:0]
}

func keyOf(e *waybill.Event) uint64 {
	return xxhash.Sum64String(e.Message) + uint64(e.Channel)*0x9e3779b97f4a7c15
}

// load fills l.touched with the messages of the events.
func (l *ledger) load(ctx context.Context, events []waybill.Event) error {
	for i := range events {
		key := keyOf(&events[i])
		if _, ok := l.index[key]; !ok {
			l.index[key] = len(l.touched)
			l.touched = append(l.touched, touched{key: key})
		}
	}
	var keys []uint64
	var states []*state
	for i := range l.touched {
		t := &l.touched[i]
		var ok bool
		if t.old, ok = l.recent.get(t.key); !ok {
			keys, states = append(keys, t.key), append(states, &t.old)
		}
	}
	if err := l.tables.load(ctx, keys, states); err != nil {
		return err
	}
	for i := range l.touched {
		l.touched[i].new = l.touched[i].old
	}
	return nil
}

var stageOf = map[waybill.Status]waybill.Stage{
	waybill.StatusAccepted: waybill.Accepted, waybill.StatusSent: waybill.Sent,
	waybill.StatusDelivered: waybill.Delivered, waybill.StatusRead: waybill.Read,
	waybill.StatusFailed: waybill.Failed,
}

func (l *ledger) merge(s *state, e *waybill.Event) {
	s.channel = e.Channel
	if stage := stageOf[e.Status]; s.at[stage] == waybill.Never || e.At < s.at[stage] {
		s.at[stage] = e.At
	}
	if labelled := e.Labels[waybill.LabelTemplate].Value != ""; labelled || s.ref == 0 {
		s.ref = l.ref(tuple{e.Channel, e.Labels.Values()})
	}
}

func (l *ledger) ref(t tuple) uint32 {
	ref, ok := l.tuples[t]
	if !ok {
		ref = uint32(len(l.tuples) + 1)
		l.tuples[t] = ref
		l.change.tuples[ref] = t
	}
	return ref
}

// count adds n times the contributions of s to the change.
func (l *ledger) count(s *state, n int64) {
	at := s.at
	implied := waybill.Never
	for _, stage := range []waybill.Stage{waybill.Read, waybill.Delivered, waybill.Sent, waybill.Accepted} {
		if stage == waybill.Accepted && at[waybill.Failed] != waybill.Never {
			implied = earlier(implied, at[waybill.Failed])
		}
		implied = earlier(at[stage], implied)
		at[stage] = implied
	}
	if at[waybill.Delivered] != waybill.Never {
		at[waybill.Failed] = waybill.Never
	}
	for stage, instant := range at {
		if instant == waybill.Never {
			continue
		}
		c := cell{s.channel, instant.Quarter(), s.ref}
		sum := l.change.counts[c]
		sum[stage] += n
		l.change.counts[c] = sum
	}
}

func earlier(a, b waybill.Instant) waybill.Instant {
	if a == waybill.Never || b != waybill.Never && b < a {
		return b
	}
	return a
}

// Points implements Engine.
func (l *ledger) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	s, err := newSeries(&q)
	if err != nil {
		return nil, err
	}
	return l.tables.points(ctx, s)
}

// Close implements Engine.
func (l *ledger) Close() error { return l.tables.close() }

// A series is a query of the kind that the tables can answer.
type series struct {
	channel  waybill.ChannelNumber
	from, to waybill.Quarter
	width    waybill.Quarter // of a bucket
	group    *waybill.Label
	template string // the only one that counts, unless empty
}

func newSeries(q *waybill.Query) (*series, error) {
	s := &series{}
	s.from, s.to = q.Quarters()
	switch q.Granularity {
	case waybill.Day:
		s.width = 24 * 4
	case waybill.HalfHour:
		s.width = 2
	case waybill.Total:
		s.width = s.to - s.from
	}
	if len(q.Channels) != 1 || len(q.GroupBy) > 1 || len(q.Where) > 1 || s.width == 0 {
		return nil, fmt.Errorf("query %+v is not one of the benchmark's", q)
	}
	s.channel = q.Channels[0]
	for _, by := range q.GroupBy {
		label := waybill.Label(by)
		s.group = &label
	}
	for _, f := range q.Where {
		s.template = f.Values[0]
	}
	return s, nil
}

// point returns the point of a bucket, counted from the start of the series,
// which must be that of a bucket.
func (s *series) point(bucket int64, group string, c counts) waybill.Point {
	start := (s.from + waybill.Quarter(bucket)*s.width).Start()
	p := waybill.Point{Bucket: waybill.Bucket{Start: start, End: start + s.width.Start()}}
	if s.group != nil {
		p.Key = []string{group}
	}
	copy(p.Counts[:], c[:])
	return p
}

// A cache keeps the states that were used last: between limit and twice as many.
type cache struct {
	limit      int
	young, old map[uint64]state
}

func (c *cache) get(key uint64) (state, bool) {
	s, ok := c.young[key]
	if !ok {
		s, ok = c.old[key]
	}
	return s, ok
}

func (c *cache) put(key uint64, s state) {
	if c.limit == 0 {
		return
	}
	if len(c.young) >= c.limit || c.young == nil {
		c.young, c.old = make(map[uint64]state, c.limit), c.young
	}
	c.young[key] = s
}
