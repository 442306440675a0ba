package momo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/event"
)

// A keeper stores the segments of one answer. What is wrong with one rejects it
// alone. A segment that is counted from its messages is left as it is.
type keeper struct {
	store    waybill.Store
	channel  *waybill.Channel
	at       waybill.Instant // of the answer
	now      time.Time
	rejected []event.Rejection
}

// A keptItem is a segment of an answer, by its number in it.
type keptItem struct {
	line     int
	segment  waybill.Segment
	snapshot waybill.Snapshot
}

func (k *keeper) reject(line int, err error) {
	k.rejected = append(k.rejected, event.Rejection{Line: line, Error: err.Error()})
}

func (k *keeper) keep(ctx context.Context, saved *items) error {
	var items, newer []keptItem
	for i := range saved.list {
		known, exists, err := k.known(ctx, saved.list[i].SegmentID.value)
		if err != nil {
			return err
		}
		item, err := k.read(&saved.list[i], saved.errs[i], known, exists)
		if err != nil {
			k.reject(i+1, err)
			continue
		}
		item.line = i + 1
		if exists && !k.later(&known, &item.segment) {
			items = append(items, item)
		} else {
			newer = append(newer, item)
		}
	}
	err := k.put(newer, func(items []keptItem) error {
		segments, snapshots := make([]waybill.Segment, len(items)), make([]waybill.Snapshot, len(items))
		for i := range items {
			segments[i], snapshots[i] = items[i].segment, items[i].snapshot
		}
		_, err := k.store.PutSegments(ctx, segments, snapshots...)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep segments: %w", err)
	}
	err = k.put(items, func(items []keptItem) error {
		snapshots := make([]waybill.Snapshot, len(items))
		for i := range items {
			snapshots[i] = items[i].snapshot
		}
		return k.store.PutSnapshots(ctx, snapshots)
	})
	if err != nil {
		return fmt.Errorf("keep counts of segments: %w", err)
	}
	slices.SortFunc(k.rejected, func(a, b event.Rejection) int { return cmp.Compare(a.Line, b.Line) })
	return nil
}

// known returns what is stored of a segment.
func (k *keeper) known(ctx context.Context, id string) (waybill.SegmentReport, bool, error) {
	known, err := k.store.Segment(ctx, k.channel.Number, id)
	if err != nil && waybill.CodeOf(err) == waybill.NotFound {
		return known, false, nil
	}
	return known, err == nil, err
}

// later reports whether this answer says what a segment is. A later one that was
// kept before stands; of two of the same time the larger words do, so that it
// does not matter which comes first.
func (k *keeper) later(known *waybill.SegmentReport, g *waybill.Segment) bool {
	if known.At != k.at {
		return k.at > known.At
	}
	was := &known.Segment
	return cmp.Or(cmp.Compare(g.Status, was.Status), cmp.Compare(g.Size, was.Size), cmp.Compare(g.Condition, was.Condition),
		cmp.Compare(g.Campaign, was.Campaign), cmp.Compare(g.TemplateData, was.TemplateData)) > 0
}

// put stores items in one step, or one by one where the store refuses some.
func (k *keeper) put(items []keptItem, store func([]keptItem) error) error {
	if len(items) == 0 {
		return nil
	}
	err := store(items)
	if err == nil || !dialect.Refused(err) {
		return err
	}
	for i := range items {
		err := store(items[i : i+1])
		if err != nil && !dialect.Refused(err) {
			return err
		}
		if err != nil {
			k.reject(items[i].line, err)
		}
	}
	return nil
}

// read turns an item into a segment and its counts. What the item leaves out of
// a segment stays as it is known.
func (k *keeper) read(s *savedItem, broken error, known waybill.SegmentReport, exists bool) (keptItem, error) {
	g := known.Segment
	switch {
	case broken != nil:
		return keptItem{}, waybill.Errorf(waybill.Invalid, "the segment can't be read: %v", bodyError(broken))
	case exists && g.Source != waybill.FromSnapshots:
		return keptItem{}, waybill.Errorf(waybill.Conflict, "the counts of segment %q come from its messages", g.ID)
	case exists && s.CreatedAt.given && s.CreatedAt.value != g.CreatedAt:
		return keptItem{}, waybill.Errorf(waybill.Conflict, "segment %q was created at %d, not at %d", g.ID, g.CreatedAt, s.CreatedAt.value)
	case s.CreatedAt.value == 0:
		return keptItem{}, waybill.Errorf(waybill.Invalid, "segment %.64q has no create_at", s.SegmentID.value)
	}
	g.Channel, g.ID, g.CreatedAt, g.Source = k.channel.Number, s.SegmentID.value, s.CreatedAt.value, waybill.FromSnapshots
	if s.CampaignID.value != "" {
		g.Campaign = s.CampaignID.value
	}
	if s.Size.given {
		g.Size = s.Size.value
	}
	for _, field := range []struct {
		stored *string
		given  *string
	}{{&g.TemplateData, s.TemplateData}, {&g.Status, s.Status}, {&g.Condition, s.ConditionID}} {
		if field.given != nil {
			*field.stored = *field.given
		}
	}
	if err := g.Validate(k.now); err != nil {
		return keptItem{}, err
	}
	n, err := k.snapshot(s, g.ID)
	return keptItem{segment: g, snapshot: n}, err
}

// snapshot returns the counts of an item. All must be there: one that is missing
// is not zero.
func (k *keeper) snapshot(s *savedItem, id string) (waybill.Snapshot, error) {
	n := waybill.Snapshot{Channel: k.channel.Number, Segment: id, At: k.at}
	for _, c := range []struct {
		name   string
		metric waybill.Metric
		count  integer
	}{
		{"SENDING", waybill.Metric(waybill.Accepted), s.Reports.Sending},
		{"FAILED", waybill.Metric(waybill.Failed), s.Reports.Failed},
		{"SENT", waybill.Metric(waybill.Sent), s.Reports.Sent},
		{"RECEIVED", waybill.Metric(waybill.Delivered), s.Reports.Received},
		{"READ", waybill.Metric(waybill.Read), s.Reports.Read},
		{"CLICKED", waybill.Clicked, s.Reports.Clicked},
	} {
		if !c.count.given {
			return n, waybill.Errorf(waybill.Invalid, "segment %q has no reports.%s", id, c.name)
		}
		n.Counts[c.metric] = c.count.value
	}
	return n, n.Validate(k.now)
}
