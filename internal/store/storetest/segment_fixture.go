package storetest

import (
	"fmt"
	"slices"
	"strings"

	"waybill"
)

// base is the CreatedAt of the first segment of most cases.
const base = int64(start) * 1000

// segment returns a segment of the MoMo channel, made some minutes after start.
func segment(id string, minutes int, options ...func(*waybill.Segment)) waybill.Segment {
	g := waybill.Segment{Channel: momo, ID: id, CreatedAt: base + int64(minutes)*60_000}
	for _, o := range options {
		o(&g)
	}
	return g
}

func counted(g *waybill.Segment) { g.Source = waybill.FromSnapshots }

func of(condition string) func(*waybill.Segment) {
	return func(g *waybill.Segment) { g.Condition = condition }
}

func created(ms int64) func(*waybill.Segment) {
	return func(g *waybill.Segment) { g.CreatedAt = ms }
}

// snapshot returns what was counted outside some minutes after start.
func snapshot(id string, minutes int, sent, read int64) waybill.Snapshot {
	n := waybill.Snapshot{Channel: momo, Segment: id, At: at(minutes)}
	n.Counts[waybill.Accepted], n.Counts[waybill.Sent], n.Counts[waybill.Read] = sent, sent, read
	return n
}

// inSegment returns an event of a message of a segment of the MoMo channel.
func inSegment(id, message string, s waybill.Status, minutes int, options ...eventOption) waybill.Event {
	return event(message, s, minutes, append([]eventOption{on(momo), with(waybill.LabelSegment, id)}, options...)...)
}

// page asks for the segments of the MoMo channel.
func page(limit int, options ...func(*waybill.SegmentQuery)) waybill.SegmentQuery {
	q := waybill.SegmentQuery{Channel: momo, Limit: limit}
	for _, o := range options {
		o(&q)
	}
	return q
}

func before(ms int64) func(*waybill.SegmentQuery) {
	return func(q *waybill.SegmentQuery) { q.Before = ms }
}

func (f *fixture) putSegments(segments ...waybill.Segment) []waybill.Segment {
	f.Helper()
	stored, err := f.store.PutSegments(f.Context(), segments)
	if err != nil {
		f.Fatalf("PutSegments: %v", err)
	}
	return stored
}

func (f *fixture) putSnapshots(snapshots ...waybill.Snapshot) {
	f.Helper()
	if err := f.store.PutSnapshots(f.Context(), snapshots); err != nil {
		f.Fatalf("PutSnapshots: %v", err)
	}
}

func (f *fixture) segments(q waybill.SegmentQuery) []waybill.SegmentReport {
	f.Helper()
	reports, err := f.store.Segments(f.Context(), q)
	if err != nil {
		f.Fatalf("Segments: %v", err)
	}
	return reports
}

// wantSegments compares a page with lines such as "s: sent 2".
func (f *fixture) wantSegments(q waybill.SegmentQuery, lines ...string) {
	f.Helper()
	var got []string
	for _, r := range f.segments(q) {
		got = append(got, segmentLine(r))
		if one, err := f.store.Segment(f.Context(), q.Channel, r.Segment.ID); err != nil || one != r {
			f.Errorf("Segment %s returns %+v, %v, but the page has %+v", r.Segment.ID, one, err, r)
		}
	}
	if !slices.Equal(got, lines) {
		f.Errorf("segments of %+v:\n%s\nwant:\n%s", q, indent(got), indent(lines))
	}
}

func segmentLine(r waybill.SegmentReport) string {
	return strings.TrimSpace(line(waybill.Point{Key: []string{r.Segment.ID}, Counts: r.Counts}, false))
}

// refuseSegments expects an error and that nothing is kept.
func (f *fixture) refuseSegments(want waybill.Code, segments ...waybill.Segment) {
	f.Helper()
	was := f.segments(page(waybill.MaxSegmentPage))
	if _, err := f.store.PutSegments(f.Context(), segments); code(err) != want {
		f.Errorf("PutSegments of %+v fails with %v, want %s", segments, err, want)
	}
	if now := f.segments(page(waybill.MaxSegmentPage)); !slices.Equal(now, was) {
		f.Errorf("the refused segments left %+v, there was %+v", now, was)
	}
}

// walk returns the IDs of all pages, each begun before the last of the one
// before.
func (f *fixture) walk(q waybill.SegmentQuery) []string {
	f.Helper()
	var ids []string
	for {
		reports := f.segments(q)
		if len(reports) == 0 {
			return ids
		}
		for _, r := range reports {
			ids = append(ids, r.Segment.ID)
		}
		last := reports[len(reports)-1].Segment.CreatedAt
		if q.Before != 0 && last >= q.Before {
			f.Fatalf("the page before %d ends at %d", q.Before, last)
		}
		q.Before = last
	}
}

// wantSnapshots compares the snapshots of a segment with lines such as
// "5m: sent 3".
func (f *fixture) wantSnapshots(id string, lines ...string) {
	f.Helper()
	snapshots, err := f.store.Snapshots(f.Context(), momo, id, waybill.EarliestEvent, waybill.MaxInstant)
	if err != nil {
		f.Fatalf("Snapshots: %v", err)
	}
	var got []string
	for _, n := range snapshots {
		if n.Channel != momo || n.Segment != id {
			f.Errorf("a snapshot of %s is %+v", id, n)
		}
		key := fmt.Sprintf("%dm", (n.At-start)/60)
		got = append(got, strings.TrimSpace(line(waybill.Point{Key: []string{key}, Counts: n.Counts}, false)))
	}
	if !slices.Equal(got, lines) {
		f.Errorf("snapshots of %s:\n%s\nwant:\n%s", id, indent(got), indent(lines))
	}
}
