package storetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"waybill"
)

// A segmentID names a segment of a channel.
type segmentID struct {
	channel waybill.ChannelNumber
	id      string
}

// A modelSegment is a segment with every snapshot that was ever put.
type modelSegment struct {
	waybill.Segment
	snapshots []waybill.Snapshot
}

// PutSegments implements waybill.SegmentStore.
func (s *Model) PutSegments(
	ctx context.Context, segments []waybill.Segment, snapshots ...waybill.Snapshot,
) ([]waybill.Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := time.Now()
	after := make(map[segmentID]modelSegment, len(s.segments))
	for k, v := range s.segments {
		after[k] = v
	}
	var stored []waybill.Segment
	for i, g := range segments {
		k := segmentID{g.Channel, g.ID}
		old, exists := after[k]
		if err := g.Validate(now); err != nil {
			return nil, err
		}
		switch _, configured := s.channels[g.Channel]; {
		case !configured:
			return nil, waybill.Errorf(waybill.Invalid, "channel %d is not configured", g.Channel)
		case slices.ContainsFunc(segments[:i], func(o waybill.Segment) bool { return o.Channel == g.Channel && o.ID == g.ID }):
			return nil, waybill.Errorf(waybill.Invalid, "segment %q is named twice", g.ID)
		case exists && g.CreatedAt != 0 && g.CreatedAt != old.CreatedAt, exists && g.Source != old.Source:
			return nil, waybill.Errorf(waybill.Conflict, "segment %q would change", g.ID)
		case exists:
			g.CreatedAt = old.CreatedAt
		case g.CreatedAt == 0:
			g.CreatedAt = now.UnixMilli()
			for _, o := range after {
				if o.Channel == g.Channel {
					g.CreatedAt = max(g.CreatedAt, o.CreatedAt+1)
				}
			}
		}
		after[k] = modelSegment{g, old.snapshots}
		stored = append(stored, g)
		ties := 0
		for _, o := range after {
			if o.Channel == g.Channel && o.CreatedAt == g.CreatedAt {
				ties++
			}
		}
		if ties > waybill.MaxSegmentTies {
			return nil, waybill.Errorf(waybill.TooLarge, "%d segments have the same time", ties)
		}
	}
	if err := putSnapshots(after, snapshots); err != nil {
		return nil, err
	}
	s.segments = after
	return stored, nil
}

// DeleteSegment implements waybill.SegmentStore.
func (s *Model) DeleteSegment(ctx context.Context, c waybill.ChannelNumber, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := s.segments[segmentID{c, id}]; !ok {
		return waybill.Errorf(waybill.NotFound, "segment %q", id)
	}
	delete(s.segments, segmentID{c, id})
	return nil
}

// PutSnapshots implements waybill.SegmentStore.
func (s *Model) PutSnapshots(ctx context.Context, snapshots []waybill.Snapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return putSnapshots(s.segments, snapshots)
}

// putSnapshots adds snapshots to segments, all or none.
func putSnapshots(segments map[segmentID]modelSegment, snapshots []waybill.Snapshot) error {
	for _, n := range snapshots {
		if err := n.Validate(time.Now()); err != nil {
			return err
		}
		g, ok := segments[segmentID{n.Channel, n.Segment}]
		switch {
		case !ok:
			return waybill.Errorf(waybill.NotFound, "segment %q", n.Segment)
		case g.Source == waybill.FromLedger:
			return waybill.Errorf(waybill.Conflict, "segment %q is counted here", n.Segment)
		}
	}
	for _, n := range snapshots {
		k := segmentID{n.Channel, n.Segment}
		g := segments[k]
		g.snapshots = append(slices.Clip(g.snapshots), n)
		segments[k] = g
	}
	return nil
}

// Segment implements waybill.SegmentStore.
func (s *Model) Segment(ctx context.Context, c waybill.ChannelNumber, id string) (waybill.SegmentReport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return waybill.SegmentReport{}, err
	}
	g, ok := s.segments[segmentID{c, id}]
	if !ok {
		return waybill.SegmentReport{}, waybill.Errorf(waybill.NotFound, "segment %q", id)
	}
	return s.report(g), nil
}

// report adds the counts to a segment.
func (s *Model) report(g modelSegment) waybill.SegmentReport {
	r := waybill.SegmentReport{Segment: g.Segment}
	if g.Source == waybill.FromSnapshots {
		if all := g.kept(); len(all) > 0 {
			latest := all[len(all)-1]
			r.At, r.Counts = latest.At, latest.Counts
		}
		return r
	}
	for k, events := range s.events {
		if k.channel != g.Channel || Join(s.channels[k.channel], events).Inbound {
			continue
		}
		for cell, n := range Cells(s.channels[k.channel], events) {
			if cell.Tuple.Values[waybill.LabelSegment] == g.ID && cell.Slot.Basis == waybill.ByEvent &&
				cell.Slot.Detail == (waybill.Detail{}) {
				r.Counts[cell.Slot.Metric] += n
			}
		}
	}
	return r
}

// kept returns the snapshots in the order of their times, of each quarter of an
// hour the last, of several at that time the one with the largest counts.
func (g *modelSegment) kept() []waybill.Snapshot {
	all := slices.Clone(g.snapshots)
	slices.SortFunc(all, func(a, b waybill.Snapshot) int {
		if a.At != b.At {
			return int(a.At - b.At)
		}
		return slices.Compare(a.Counts[:], b.Counts[:])
	})
	var kept []waybill.Snapshot
	for i, n := range all {
		if i+1 == len(all) || all[i+1].At/quarter != n.At/quarter {
			kept = append(kept, n)
		}
	}
	return kept
}

// Segments implements waybill.SegmentStore.
func (s *Model) Segments(ctx context.Context, q waybill.SegmentQuery) ([]waybill.SegmentReport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	var found []modelSegment
	for _, g := range s.segments {
		if g.Channel == q.Channel && g.CreatedAt >= q.From && (q.Before == 0 || g.CreatedAt < q.Before) &&
			(q.Condition == "" || g.Condition == q.Condition) {
			found = append(found, g)
		}
	}
	slices.SortFunc(found, func(a, b modelSegment) int {
		if a.CreatedAt != b.CreatedAt {
			return int(b.CreatedAt - a.CreatedAt)
		}
		return strings.Compare(b.ID, a.ID)
	})
	var page []waybill.SegmentReport
	for i, g := range found {
		if i >= q.Limit && g.CreatedAt != found[i-1].CreatedAt {
			break
		}
		page = append(page, s.report(g))
	}
	return page, nil
}

// Snapshots implements waybill.SegmentStore.
func (s *Model) Snapshots(
	ctx context.Context, c waybill.ChannelNumber, id string, from, to waybill.Instant,
) ([]waybill.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g, ok := s.segments[segmentID{c, id}]
	if !ok {
		return nil, waybill.Errorf(waybill.NotFound, "segment %q", id)
	}
	var between []waybill.Snapshot
	for _, n := range g.kept() {
		if n.At >= from && n.At < to {
			between = append(between, n)
		}
	}
	if len(between) > waybill.MaxSnapshots {
		return nil, waybill.Errorf(waybill.TooLarge, "%d snapshots", len(between))
	}
	return between, nil
}
