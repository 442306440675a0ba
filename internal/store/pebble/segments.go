package pebble

import (
	"context"
	"errors"
	"fmt"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

func errSegment(c waybill.ChannelNumber, id string) error {
	return fmt.Errorf("the stored segment %q of channel %d is corrupt", id, c)
}

func unknownSegment(c waybill.ChannelNumber, id string) error {
	return waybill.Errorf(waybill.NotFound, "channel %d has no segment %q", c, id)
}

// segmentReader reads segments as they are at one moment.
type segmentReader struct {
	s *Store
	*version
}

// readSegments returns a reader of the segments of a channel, which the caller
// closes.
func (s *Store) readSegments(ctx context.Context, c waybill.ChannelNumber) (segmentReader, error) {
	v, err := s.look(ctx, glance{channels: []waybill.ChannelNumber{c}, totals: true})
	return segmentReader{s, v}, err
}

// segment returns a stored segment.
func (r segmentReader) segment(c waybill.ChannelNumber, id string) (g waybill.Segment, ok bool, err error) {
	value, err := r.get(appendSegmentKey(nil, spaceSegment, c, id))
	if err != nil || value == nil {
		return g, false, err
	}
	if g, ok = decodeSegment(c, id, value); !ok {
		return g, false, errSegment(c, id)
	}
	return g, true, nil
}

// report adds the counts to a segment.
func (r segmentReader) report(g waybill.Segment) (waybill.SegmentReport, error) {
	report := waybill.SegmentReport{Segment: g}
	if g.Source == waybill.FromSnapshots {
		latest, ok, err := r.latest(g.Channel, g.ID)
		if ok {
			report.Counts, report.At = latest.Counts, latest.At
		}
		return report, err
	}
	value, err := r.get(appendSegmentKey(nil, spaceTotal, g.Channel, g.ID))
	if err != nil {
		return report, err
	}
	if value != nil {
		if report.Counts, err = decodeCounts(value); err != nil {
			return report, err
		}
	}
	report.Counts.Add(r.unfolded(g.ID))
	return report, nil
}

// latest returns the last snapshot of a segment.
func (r segmentReader) latest(c waybill.ChannelNumber, id string) (n waybill.Snapshot, ok bool, err error) {
	prefix := appendSnapshotPrefix(nil, c, id)
	r.it.SetBounds(prefix, after(prefix))
	if !r.it.Last() {
		return n, false, r.s.readError(r.it.Error())
	}
	value, err := r.it.ValueAndErr()
	if err != nil {
		return n, false, r.s.readError(err)
	}
	if n, ok = decodeSnapshot(c, id, value); !ok {
		return n, false, errSegment(c, id)
	}
	return n, true, nil
}

// Segment implements waybill.Store.
func (s *Store) Segment(
	ctx context.Context, c waybill.ChannelNumber, id string,
) (waybill.SegmentReport, error) {
	if err := s.enter(ctx); err != nil {
		return waybill.SegmentReport{}, err
	}
	defer s.leave()
	r, err := s.readSegments(ctx, c)
	if err != nil {
		return waybill.SegmentReport{}, err
	}
	defer r.close()
	g, ok, err := r.segment(c, id)
	switch {
	case err != nil:
		return waybill.SegmentReport{}, err
	case !ok:
		return waybill.SegmentReport{}, unknownSegment(c, id)
	}
	return r.report(g)
}

// Segments implements waybill.Store.
func (s *Store) Segments(ctx context.Context, q waybill.SegmentQuery) ([]waybill.SegmentReport, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := q.Validate(); err != nil {
		return nil, err
	}
	order, err := s.readSegments(ctx, q.Channel)
	if err != nil {
		return nil, err
	}
	defer order.close()
	// The clone sees what the original sees.
	it, err := order.it.Clone(engine.CloneOptions{})
	if err != nil {
		return nil, s.readError(err)
	}
	defer it.Close()
	values := order
	values.version = order.with(it)

	prefix := appendOrderPrefix(nil, q.Channel, q.Condition)
	from, to := orderRange(prefix, &q)
	page := make([]waybill.SegmentReport, 0, q.Limit)
	end := errors.New("end of the page")
	err = s.scanRange(ctx, order.it, from, to, func(key, value []byte) error {
		at, id, ok := orderOf(key, len(prefix))
		if !ok {
			return errSegment(q.Channel, id)
		}
		if len(page) >= q.Limit && at != page[len(page)-1].Segment.CreatedAt {
			return end
		}
		g, ok := decodeSegment(q.Channel, id, value)
		if !ok {
			return errSegment(q.Channel, id)
		}
		report, err := values.report(g)
		page = append(page, report)
		return err
	})
	if err != nil && !errors.Is(err, end) {
		return nil, err
	}
	return page, nil
}

// orderRange returns the keys between which the segments of q are.
func orderRange(prefix []byte, q *waybill.SegmentQuery) (from, to []byte) {
	from = prefix
	if q.Before > 0 {
		from = appendDescending(prefix[:len(prefix):len(prefix)], q.Before-1)
	}
	// The oldest time that is asked for is the last; what follows is older.
	return from, after(appendDescending(prefix[:len(prefix):len(prefix)], q.From))
}

// Snapshots implements waybill.Store.
func (s *Store) Snapshots(
	ctx context.Context, c waybill.ChannelNumber, id string, from, to waybill.Instant,
) ([]waybill.Snapshot, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	r, err := s.readSegments(ctx, c)
	if err != nil {
		return nil, err
	}
	defer r.close()
	switch _, ok, err := r.segment(c, id); {
	case err != nil:
		return nil, err
	case !ok:
		return nil, unknownSegment(c, id)
	case to <= from:
		return nil, nil
	}
	var snapshots []waybill.Snapshot
	err = s.scanRange(ctx, r.it,
		appendSnapshotKey(nil, c, id, from.Quarter()),
		appendSnapshotKey(nil, c, id, (to-1).Quarter()+1),
		func(_, value []byte) error {
			n, ok := decodeSnapshot(c, id, value)
			switch {
			case !ok:
				return errSegment(c, id)
			case n.At < from || n.At >= to:
				return nil
			case len(snapshots) == waybill.MaxSnapshots:
				return waybill.Errorf(waybill.TooLarge,
					"segment %q has more than %d snapshots in that time", id, waybill.MaxSnapshots)
			}
			snapshots = append(snapshots, n)
			return nil
		})
	return snapshots, err
}

// change runs one change of segments as one commit.
func (s *Store) change(ctx context.Context, f func(c *commit, r segmentReader) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	r, err := s.readSegments(ctx, 0)
	if err != nil {
		return err
	}
	defer r.close()
	s.commit.begin()
	if err := f(s.commit, r); err != nil {
		return errors.Join(err, s.commit.abandon())
	}
	return s.commit.finish()
}

// PutSegments implements waybill.Store.
func (s *Store) PutSegments(
	ctx context.Context, segments []waybill.Segment, snapshots ...waybill.Snapshot,
) ([]waybill.Segment, error) {
	var stored []waybill.Segment
	err := s.change(ctx, func(c *commit, r segmentReader) error {
		p := newPlacement(r, s.now())
		for i := range segments {
			g := segments[i]
			old, exists, err := p.place(&g)
			if err != nil {
				return err
			}
			if err := c.putSegment(&g, &old, exists); err != nil {
				return err
			}
			stored = append(stored, g)
		}
		if err := p.checkTies(); err != nil {
			return err
		}
		return c.putSnapshots(r, stored, snapshots, s.now())
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

// DeleteSegment implements waybill.Store.
func (s *Store) DeleteSegment(ctx context.Context, c waybill.ChannelNumber, id string) error {
	return s.change(ctx, func(w *commit, r segmentReader) error {
		g, ok, err := r.segment(c, id)
		switch {
		case err != nil:
			return err
		case !ok:
			return unknownSegment(c, id)
		}
		snapshots := appendSnapshotPrefix(nil, c, id)
		return errors.Join(
			w.dropOrder(&g),
			w.batch.Delete(appendSegmentKey(nil, spaceSegment, c, id), nil),
			w.batch.DeleteRange(snapshots, after(snapshots), nil),
		)
	})
}

// PutSnapshots implements waybill.Store.
func (s *Store) PutSnapshots(ctx context.Context, snapshots []waybill.Snapshot) error {
	return s.change(ctx, func(c *commit, r segmentReader) error {
		return c.putSnapshots(r, nil, snapshots, s.now())
	})
}

// putSnapshots writes those of the snapshots that stand over what is stored. They
// may be of segments that the step stores.
func (c *commit) putSnapshots(
	r segmentReader, segments []waybill.Segment, snapshots []waybill.Snapshot, now time.Time,
) error {
	latest, err := r.winners(segments, snapshots, now)
	if err != nil {
		return err
	}
	for key, n := range latest {
		if err := c.batch.Set([]byte(key), appendSnapshot(nil, &n), nil); err != nil {
			return err
		}
	}
	return nil
}

// winners returns those of the snapshots that stand over what is stored, by key.
func (r segmentReader) winners(
	segments []waybill.Segment, snapshots []waybill.Snapshot, now time.Time,
) (map[string]waybill.Snapshot, error) {
	stored := make(map[segmentName]waybill.Segment, len(segments))
	for _, g := range segments {
		stored[segmentName{g.Channel, g.ID}] = g
	}
	latest := make(map[string]waybill.Snapshot)
	for _, n := range snapshots {
		if err := n.Validate(now); err != nil {
			return nil, err
		}
		var err error
		g, ok := stored[segmentName{n.Channel, n.Segment}]
		if !ok {
			g, ok, err = r.segment(n.Channel, n.Segment)
		}
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, unknownSegment(n.Channel, n.Segment)
		case g.Source != waybill.FromSnapshots:
			return nil, waybill.Errorf(waybill.Conflict,
				"the counts of segment %q come from its messages", n.Segment)
		}
		key := appendSnapshotKey(nil, n.Channel, n.Segment, n.At.Quarter())
		old, known := latest[string(key)]
		if !known {
			value, err := r.get(key)
			if err != nil {
				return nil, err
			}
			if known = value != nil; known {
				if old, ok = decodeSnapshot(n.Channel, n.Segment, value); !ok {
					return nil, errSegment(n.Channel, n.Segment)
				}
			}
		}
		if !known || n.Supersedes(&old) {
			latest[string(key)] = n
		}
	}
	return latest, nil
}
