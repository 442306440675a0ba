// Package storetest is the contract of waybill.Store as tests: cases, random
// histories against a model, concurrent use, reopening, and a soak of millions
// of events. A store is done when Run and Soak pass.
//
// The model is written for being obviously right, not for speed: it keeps all
// events and looks at all of them for every answer. It shares no code with the
// merging, counting and bucketing of package waybill.
package storetest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"waybill"
)

// A Model is a waybill.Store in memory that keeps every event. It is safe for
// concurrent use. Close does nothing, so that a Model can stand for its own
// reopened self.
type Model struct {
	mu       sync.Mutex
	channels map[waybill.ChannelNumber]waybill.ChannelState
	records  map[string][]byte
	events   map[messageID][]waybill.Event
	had      map[labelOf]map[string]bool // values of labels after any Append
	segments map[segmentID]modelSegment
	erased   map[messageID]bool
}

type messageID struct {
	channel waybill.ChannelNumber
	id      string
}

type labelOf struct {
	channel waybill.ChannelNumber
	label   waybill.Label
}

var _ waybill.Store = (*Model)(nil)

// NewModel returns an empty Model.
func NewModel() *Model {
	return &Model{
		channels: make(map[waybill.ChannelNumber]waybill.ChannelState),
		records:  make(map[string][]byte),
		events:   make(map[messageID][]waybill.Event),
		had:      make(map[labelOf]map[string]bool),
		segments: make(map[segmentID]modelSegment),
		erased:   make(map[messageID]bool),
	}
}

// Append implements waybill.Store.
func (s *Model) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, e := range events {
		if err := e.Validate(time.Now()); err != nil {
			return nil, err
		}
		if _, ok := s.channels[e.Channel]; !ok {
			return nil, waybill.Errorf(waybill.Invalid, "channel %d is not configured", e.Channel)
		}
	}
	outcomes := make([]waybill.Outcome, len(events))
	for i, e := range events {
		k := messageID{e.Channel, e.Message}
		before := Join(s.channels[e.Channel], s.events[k])
		s.events[k] = append(slices.Clip(s.events[k]), e)
		after := Join(s.channels[e.Channel], s.events[k])
		if !before.Equal(&after) {
			outcomes[i] = waybill.Changed
		}
	}
	for _, e := range events {
		s.remember(e.Channel, Join(s.channels[e.Channel], s.events[messageID{e.Channel, e.Message}]))
	}
	return outcomes, nil
}

// Prepare implements waybill.Store.
func (s *Model) Prepare(events waybill.Checked) (waybill.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events.Events() {
		if _, ok := s.channels[e.Channel]; !ok {
			return nil, waybill.Errorf(waybill.Invalid, "channel %d is not configured", e.Channel)
		}
	}
	return &Plain{Events: events.Events()}, nil
}

// Commit implements waybill.Store.
func (s *Model) Commit(ctx context.Context, batches []waybill.Batch) {
	CommitPlain(ctx, batches, s.Append)
}

func (s *Model) remember(c waybill.ChannelNumber, m waybill.Message) {
	for l := range m.Labels {
		k := labelOf{c, waybill.Label(l)}
		if s.had[k] == nil {
			s.had[k] = make(map[string]bool)
		}
		if m.Labels[l].Value != "" {
			s.had[k][m.Labels[l].Value] = true
		}
	}
}

// Points implements waybill.Store.
func (s *Model) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	buckets := newBuckets(q)
	from, to := buckets.rounded()
	points := make(map[string]*waybill.Point)
	for k, events := range s.events {
		if !slices.Contains(q.Channels, k.channel) {
			continue
		}
		for cell, n := range Cells(s.channels[k.channel], events) {
			at := waybill.Instant(cell.Slot.Quarter) * quarter
			if at < from || at >= to || !counts(q, k.channel, cell) {
				continue
			}
			bucket, key := buckets.of(cell.Slot.Quarter), keyOf(q, k.channel, cell)
			id := strconv.Itoa(int(bucket.Start)) + "\xff" + strings.Join(key, "\xff")
			if points[id] == nil {
				points[id] = &waybill.Point{Bucket: bucket, Key: key}
			}
			points[id].Counts[cell.Slot.Metric] += n
		}
	}
	if len(points) > waybill.MaxPoints {
		return nil, waybill.Errorf(waybill.TooLarge, "%d points", len(points))
	}
	var answer []waybill.Point
	for _, p := range points {
		answer = append(answer, *p)
	}
	slices.SortFunc(answer, func(a, b waybill.Point) int {
		if a.Bucket.Start != b.Bucket.Start {
			return int(a.Bucket.Start - b.Bucket.Start)
		}
		return slices.Compare(a.Key, b.Key)
	})
	return answer, nil
}

// counts reports whether a cell counts in q, whatever its time.
func counts(q waybill.Query, c waybill.ChannelNumber, cell waybill.Cell) bool {
	if cell.Slot.Basis != q.Basis || q.Collected && !cell.Tuple.Collected {
		return false
	}
	broken := slices.Contains(q.GroupBy, waybill.DimDetail)
	if broken != (cell.Slot.Detail != waybill.Detail{}) {
		return false
	}
	for _, f := range q.Where {
		if !slices.Contains(f.Values, valueOf(q, f.By, c, cell)) {
			return false
		}
	}
	return true
}

func keyOf(q waybill.Query, c waybill.ChannelNumber, cell waybill.Cell) []string {
	var key []string
	for _, d := range q.GroupBy {
		key = append(key, valueOf(q, d, c, cell))
	}
	return key
}

func valueOf(q waybill.Query, d waybill.Dimension, c waybill.ChannelNumber, cell waybill.Cell) string {
	detail := cell.Slot.Detail
	switch {
	case d == waybill.DimKind:
		return []string{"session", "template", "inbound"}[cell.Tuple.Kind]
	case d == waybill.DimChannel:
		return strconv.Itoa(int(c))
	case d == waybill.DimDetail && detail.Code != "":
		return detail.Code
	case d == waybill.DimDetail:
		return detail.Button.Type + "\x00" + detail.Button.Text
	}
	values := cell.Tuple.Values
	if template := values[waybill.LabelTemplate]; values[d] == "" && waybill.Label(d) == waybill.LabelCategory && template != "" {
		for _, language := range []string{values[waybill.LabelLanguage], ""} {
			if category, ok := q.Categories[waybill.TemplateRef{Channel: c, Template: template, Language: language}]; ok {
				return category
			}
		}
	}
	return values[d]
}

// Values implements waybill.Store.
func (s *Model) Values(ctx context.Context, c waybill.ChannelNumber, l waybill.Label) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.had[labelOf{c, l}])), ctx.Err()
}

// Message implements waybill.Store.
func (s *Model) Message(ctx context.Context, c waybill.ChannelNumber, id string) (waybill.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return waybill.Message{}, err
	}
	events, ok := s.events[messageID{c, id}]
	if !ok {
		return waybill.Message{}, waybill.Errorf(waybill.NotFound, "message %q", id)
	}
	return Join(s.channels[c], events), nil
}

// Configure implements waybill.Store.
func (s *Model) Configure(ctx context.Context, c waybill.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, n := range c.Channels {
		if old, ok := s.channels[n.Number]; ok && old.Provider != n.Provider {
			return waybill.Errorf(waybill.Conflict, "channel %d has another provider", n.Number)
		}
	}
	for _, n := range c.Channels {
		s.channels[n.Number] = n
	}
	for _, r := range c.Records {
		s.records[r.Key] = slices.Clone(r.Value)
		if r.Value == nil {
			delete(s.records, r.Key)
		}
	}
	return nil
}

// Settled implements waybill.Store.
func (s *Model) Settled(ctx context.Context) error { return ctx.Err() }

// Channels implements waybill.Store.
func (s *Model) Channels(ctx context.Context) ([]waybill.ChannelState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var channels []waybill.ChannelState
	for _, n := range slices.Sorted(maps.Keys(s.channels)) {
		channels = append(channels, s.channels[n])
	}
	return channels, ctx.Err()
}

// Records implements waybill.Store.
func (s *Model) Records(ctx context.Context, prefix string) ([]waybill.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []waybill.Record
	for _, key := range slices.Sorted(maps.Keys(s.records)) {
		if strings.HasPrefix(key, prefix) {
			records = append(records, waybill.Record{Key: key, Value: slices.Clone(s.records[key])})
		}
	}
	return records, ctx.Err()
}

// Verify implements waybill.Store. A Model has no counters that could differ.
func (s *Model) Verify(ctx context.Context, limit int) ([]waybill.Difference, error) {
	return nil, ctx.Err()
}

// Close implements waybill.Store.
func (s *Model) Close() error { return nil }
