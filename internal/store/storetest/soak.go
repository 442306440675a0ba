package storetest

import (
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill"
)

// Soak appends about the given number of shuffled, repeated and split events
// of Traffic to a store, with a reopening and a change of settings in between,
// and compares every counter with what a scan of each message's events says.
// Apart from the store, memory grows by 8 bytes an event, for the shuffle.
func Soak(t *testing.T, open Open, events int) {
	f := newFixture(t, t, open)
	tr := Traffic{
		Seed: 2, Messages: events*2/7 + 1, Channels: f.list(),
		Start: start, PerDay: max(1000, events/800), Batch: 2000,
	}
	began := time.Now()
	next, stop := iter.Pull(tr.Batches())
	defer stop()
	sent := f.feed(next, events/3)
	f.reopen()
	sent += f.feed(next, events/3)
	tr.Channels[0].MetricsEnabled = start + 9*24*60*60
	f.configure(waybill.Change{Channels: tr.Channels[:1]})
	sent += f.feed(next, events)
	f.settle()
	t.Logf("%d events appended in %s", sent, time.Since(began).Round(time.Millisecond))

	began = time.Now()
	s := &soak{fixture: f, traffic: tr}
	s.compare()
	f.wantVerified()
	t.Logf("%d messages and %d counters compared in %s: %d differ",
		s.messages, s.counters, time.Since(began).Round(time.Millisecond), s.differences)
}

// feed appends about n events of next by several writers and returns how many
// it appended.
func (f *fixture) feed(next func() ([]waybill.Event, bool), n int) int {
	batches := make(chan []waybill.Event)
	sent := 0
	each(5, func(i int) {
		if i > 0 {
			for batch := range batches {
				if _, err := f.store.Append(f.Context(), batch); err != nil {
					f.Errorf("Append: %v", err)
				}
			}
			return
		}
		defer close(batches)
		for sent < n {
			batch, ok := next()
			if !ok {
				return
			}
			batches <- batch
			sent += len(batch)
		}
	})
	return sent
}

// A soak compares a store with its traffic week by week. Messages are in the
// order of their beginning, so that a week is complete once a message begins
// after it.
type soak struct {
	*fixture
	traffic Traffic
	weeks   map[waybill.Instant]map[counter]int64 // by the start of the week

	messages, counters, differences int
}

// A counter is a number that some query answers with: a view of the cells, a
// bucket, a key of all dimensions and a metric.
type counter struct {
	view   view
	at     waybill.Quarter
	key    string
	metric waybill.Metric
}

// A view is one way to ask for cells.
type view struct {
	basis               waybill.Basis
	collected, detailed bool
}

const week = 7 * 24 * 60 * 60

func (s *soak) compare() {
	s.weeks = make(map[waybill.Instant]map[counter]int64)
	next := s.traffic.Start
	for number := range uint32(s.traffic.Messages) {
		for s.traffic.Begin(number) >= next+week {
			s.compareWeek(next)
			next += week
		}
		s.expect(number)
	}
	for len(s.weeks) > 0 {
		s.compareWeek(next)
		next += week
	}
}

// expect adds the counters in which a message must count.
func (s *soak) expect(number uint32) {
	events := s.traffic.Message(number)
	if len(events) == 0 {
		return
	}
	s.messages++
	c := s.traffic.Channels[slices.IndexFunc(s.traffic.Channels, func(c waybill.ChannelState) bool {
		return c.Number == events[0].Channel
	})]
	if s.messages%1000 == 1 {
		s.wantMessage(c.Number, events[0].Message, Join(c, events))
	}
	keys := make(map[waybill.Detail]string)
	for cell, n := range Cells(c, events) {
		k := counter{at: cell.Slot.Quarter, metric: cell.Slot.Metric}
		k.view = view{basis: cell.Slot.Basis, detailed: cell.Slot.Detail != waybill.Detail{}}
		if keys[cell.Slot.Detail] == "" {
			keys[cell.Slot.Detail] = strings.Join(keyOf(k.view.query(0), c.Number, cell), "\xff")
		}
		k.key = keys[cell.Slot.Detail]
		s.add(k, n)
		if cell.Tuple.Collected {
			k.view.collected = true
			s.add(k, n)
		}
	}
}

func (s *soak) add(k counter, n int64) {
	at := waybill.Instant(k.at) * quarter
	start := at - (at-s.traffic.Start)%week
	if s.weeks[start] == nil {
		s.weeks[start] = make(map[counter]int64)
	}
	s.weeks[start][k] += n
}

// query asks for all cells of a view in the week from start on.
func (v view) query(start waybill.Instant) waybill.Query {
	q := waybill.Query{
		Channels: []waybill.ChannelNumber{chatapp, waba, momo}, From: start, To: start + week,
		Granularity: waybill.QuarterHour, Basis: v.basis, Collected: v.collected,
		GroupBy: []waybill.Dimension{waybill.DimChannel, waybill.DimKind},
	}
	for l := range waybill.Dimension(waybill.NumLabels) {
		q.GroupBy = append(q.GroupBy, l)
	}
	if v.detailed {
		q.GroupBy = append(q.GroupBy, waybill.DimDetail)
	}
	return q
}

// compareWeek asks for all counters of a week and forgets it.
func (s *soak) compareWeek(start waybill.Instant) {
	want := s.weeks[start]
	delete(s.weeks, start)
	for _, v := range []view{
		{waybill.ByEvent, false, false},
		{waybill.ByEvent, false, true},
		{waybill.ByEvent, true, false},
		{waybill.ByEvent, true, true},
		{waybill.BySend, false, false},
		{waybill.BySend, false, true},
		{waybill.BySend, true, false},
		{waybill.BySend, true, true},
	} {
		for _, p := range s.points(v.query(start)) {
			key := strings.Join(p.Key, "\xff")
			for metric, n := range p.Counts {
				if n != 0 {
					s.match(want, counter{v, p.Bucket.Start.Quarter(), key, waybill.Metric(metric)}, n)
				}
			}
		}
	}
	for k, n := range want {
		s.differ(k, 0, n)
	}
}

// match takes a counter that the store has from those that are wanted.
func (s *soak) match(want map[counter]int64, k counter, have int64) {
	s.counters++
	if want[k] != have {
		s.differ(k, have, want[k])
	}
	delete(want, k)
}

func (s *soak) differ(k counter, have, want int64) {
	s.differences++
	if s.differences <= 10 {
		s.Errorf("%s of %q at %s in %+v is %d, want %d", k.metric, k.key, k.at.Start().Time(), k.view, have, want)
	}
}
