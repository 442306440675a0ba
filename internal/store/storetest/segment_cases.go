package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

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

var segmentCases = []contractCase{
	{"a segment counts its messages, whenever they come", func(f *fixture) {
		f.append(inSegment("s", "a", waybill.StatusRead, 9), inSegment("t", "b", waybill.StatusSent, 9))
		f.putSegments(segment("s", 1), segment("u", 0))
		f.append(inSegment("s", "c", waybill.StatusFailed, 9, because("7")), inSegment("s", "d", waybill.StatusAccepted, 9),
			inSegment("s", "e", waybill.StatusClicked, 9, press("1", "Yes")), inSegment("s", "e", waybill.StatusClicked, 10, press("2", "No")))
		f.wantSegments(page(9), "s: accepted 4 sent 2 delivered 2 read 1 failed 1 clicked 1 clicks 2", "u:")
		f.wantVerified()
	}},
	{"a success moves a message from failed to sent", func(f *fixture) {
		f.putSegments(segment("s", 0))
		f.append(inSegment("s", "a", waybill.StatusFailed, 1))
		f.wantSegments(page(1), "s: accepted 1 failed 1")
		f.append(inSegment("s", "a", waybill.StatusSent, 2))
		f.wantSegments(page(1), "s: accepted 1 sent 1")
		f.append(inSegment("s", "a", waybill.StatusFailed, 0))
		f.wantSegments(page(1), "s: accepted 1 sent 1")
	}},
	{"a message follows its label from segment to segment", func(f *fixture) {
		f.putSegments(segment("s", 1), segment("t", 0))
		move := func(to string, rev int64) waybill.Event {
			return event("m", waybill.StatusSent, 1, on(momo), revised(waybill.LabelSegment, to, waybill.RankOwn, rev))
		}
		f.append(move("s", 0))
		f.append(move("t", 1))
		f.wantSegments(page(9), "s:", "t: accepted 1 sent 1")
		f.append(move("nowhere", 2))
		f.wantSegments(page(9), "s:", "t:")
		f.wantVerified()
	}},
	{"what was received is in no segment", func(f *fixture) {
		f.putSegments(segment("s", 0))
		f.append(inSegment("s", "m", waybill.StatusSent, 1))
		f.append(inSegment("s", "m", waybill.StatusRead, 2, func(e *waybill.Event) { e.Inbound = true }))
		f.wantSegments(page(9), "s:")
	}},
	{"the same ID in two channels is two segments", func(f *fixture) {
		other := segment("s", 5)
		other.Channel = waba
		f.putSegments(segment("s", 0), other)
		f.append(inSegment("s", "m", waybill.StatusSent, 1))
		f.wantSegments(page(9), "s: accepted 1 sent 1")
		f.wantSegments(page(9, func(q *waybill.SegmentQuery) { q.Channel = waba }), "s:")
		f.wantSegments(page(9, func(q *waybill.SegmentQuery) { q.Channel = stranger }))
	}},
	{"all of a segment is kept, byte for byte", func(f *fixture) {
		want := segment("ü/\x01%", 0, of("FOLLOW_NO_PAYMENT"))
		want.Campaign, want.Size, want.Status = "1701059872524", 5, "SEGMENT_COMPLETE"
		want.TemplateData = "{\"a\":\"\\u003c Trà 🍵\\\\ <&>\" }\n"
		f.putSegments(want)
		f.reopen()
		if got := f.segments(page(1))[0].Segment; got != want {
			f.Errorf("the segment is %+v, want %+v", got, want)
		}
		want.Size, want.Status, want.Condition, want.TemplateData = 9, "", "", ""
		f.putSegments(want)
		if got := f.segments(page(9)); len(got) != 1 || got[0].Segment != want {
			f.Errorf("the replaced segment is %+v, want %+v", got, want)
		}
	}},
	{"the store assigns times that are unique, ascending and those of the clock", func(f *fixture) {
		from := time.Now().UnixMilli()
		last := int64(0)
		for i := range 30 {
			stored := f.putSegments(segment(fmt.Sprint("a", i), 0, created(0)), segment(fmt.Sprint("b", i), 0, created(0)))
			for _, g := range stored {
				if g.CreatedAt <= last || g.CreatedAt < from || g.CreatedAt > time.Now().UnixMilli()+60 {
					f.Fatalf("segment %s is created at %d, after one at %d, since %d", g.ID, g.CreatedAt, last, from)
				}
				last = g.CreatedAt
			}
		}
		ahead := time.Now().Add(waybill.MaxSegmentAhead - time.Minute).UnixMilli()
		f.putSegments(segment("imported", 0, created(ahead)))
		if got := f.putSegments(segment("next", 0, created(0)))[0].CreatedAt; got != ahead+1 {
			f.Errorf("the next after an imported one at %d is created at %d", ahead, got)
		}
	}},
	{"a time that was assigned stays, also when the segment is put again", func(f *fixture) {
		first := f.putSegments(segment("s", 0, created(0)))[0]
		f.reopen()
		again := segment("s", 0, created(0))
		again.Size = 3
		if got := f.putSegments(again)[0]; got.CreatedAt != first.CreatedAt || got.Size != 3 {
			f.Errorf("put again it is %+v, was %+v", got, first)
		}
		again.CreatedAt = first.CreatedAt
		f.putSegments(again)
	}},
	{"time and source never change", func(f *fixture) {
		f.putSegments(segment("s", 1), segment("t", 1, counted))
		f.refuseSegments(waybill.Conflict, segment("new", 0), segment("s", 2))
		f.refuseSegments(waybill.Conflict, segment("s", 1, counted))
		f.refuseSegments(waybill.Conflict, segment("t", 1))
	}},
	{"a segment that is not valid keeps all others out", func(f *fixture) {
		for _, spoil := range []func(*waybill.Segment){
			func(g *waybill.Segment) { g.ID = "" },
			func(g *waybill.Segment) { g.ID = strings.Repeat("x", waybill.MaxLabel+1) },
			func(g *waybill.Segment) { g.Channel = 0 },
			func(g *waybill.Segment) { g.Channel = stranger },
			func(g *waybill.Segment) { g.Size = -1 },
			func(g *waybill.Segment) { g.TemplateData = strings.Repeat("x", waybill.MaxTemplateData+1) },
			func(g *waybill.Segment) { g.Condition = "\xff" },
			func(g *waybill.Segment) { g.Source = waybill.FromSnapshots + 1 },
			created(-1), created(1), created(int64(waybill.MaxInstant) * 1000),
		} {
			f.refuseSegments(waybill.Invalid, segment("good", 0), segment("bad", 0, spoil))
		}
		f.refuseSegments(waybill.Invalid, segment("s", 0), segment("s", 0))
	}},
	{"pages are the newest first, and walk through all of them", func(f *fixture) {
		var all []string
		for i := range 50 {
			id := fmt.Sprintf("s%02d", i)
			f.putSegments(segment(id, i))
			all = append([]string{id}, all...)
		}
		for _, limit := range []int{1, 7, 20, 50, 1000} {
			if walked := f.walk(page(limit)); !slices.Equal(walked, all) {
				f.Errorf("pages of %d have %v", limit, walked)
			}
		}
		f.wantSegments(page(2, before(base+10*60_000)), "s09:", "s08:")
		f.wantSegments(page(9, func(q *waybill.SegmentQuery) { q.From = base + 48*60_000 }), "s49:", "s48:")
	}},
	{"segments of the same time are on one page", func(f *fixture) {
		for i, minutes := range []int{0, 1, 1, 1, 1, 2, 3, 3} {
			f.putSegments(segment(fmt.Sprint("s", i), minutes))
		}
		f.wantSegments(page(1), "s7:", "s6:")
		f.wantSegments(page(4, before(base+3*60_000)), "s5:", "s4:", "s3:", "s2:", "s1:")
		for limit := range 8 {
			if walked := f.walk(page(limit + 1)); len(walked) != 8 || !slices.IsSortedFunc(walked, func(a, b string) int { return strings.Compare(b, a) }) {
				f.Errorf("pages of %d have %v", limit+1, walked)
			}
		}
	}},
	{"only so many segments may have the same time", func(f *fixture) {
		var many []waybill.Segment
		for i := range waybill.MaxSegmentTies {
			many = append(many, segment(fmt.Sprint(i), 0))
		}
		f.putSegments(many...)
		f.refuseSegments(waybill.TooLarge, segment("one more", 0))
		f.putSegments(many[0], segment("other", 1))
		if n := len(f.segments(page(2))); n != waybill.MaxSegmentTies+1 {
			f.Errorf("the page has %d segments, want %d", n, waybill.MaxSegmentTies+1)
		}
	}},
	{"a condition filters, also after it has changed", func(f *fixture) {
		f.putSegments(segment("a", 1, of("x")), segment("b", 2, of("y")), segment("c", 3, of("x")), segment("d", 4))
		x := func(q *waybill.SegmentQuery) { q.Condition = "x" }
		f.wantSegments(page(9, x), "c:", "a:")
		f.wantSegments(page(1, x), "c:")
		f.wantSegments(page(1, x, before(base+3*60_000)), "a:")
		f.putSegments(segment("a", 1, of("y")), segment("d", 4, of("x")))
		f.wantSegments(page(9, x), "d:", "c:")
		f.wantSegments(page(9, func(q *waybill.SegmentQuery) { q.Condition = "y" }), "b:", "a:")
		f.wantSegments(page(9, func(q *waybill.SegmentQuery) { q.Condition = "z" }))
		f.wantSegments(page(9), "d:", "c:", "b:", "a:")
	}},
	{"a query of segments that is not valid is refused", func(f *fixture) {
		for _, q := range []waybill.SegmentQuery{page(0), page(-1), page(waybill.MaxSegmentPage + 1), page(1, before(-1))} {
			if _, err := f.store.Segments(f.Context(), q); code(err) != waybill.Invalid {
				f.Errorf("Segments of %+v fails with %v, want Invalid", q, err)
			}
		}
	}},
	{"a deleted segment is gone with its snapshots, its messages stay", func(f *fixture) {
		f.putSegments(segment("s", 0), segment("t", 0, counted, of("x")))
		f.append(inSegment("s", "m", waybill.StatusSent, 1))
		f.putSnapshots(snapshot("t", 1, 5, 0))
		for _, id := range []string{"s", "t"} {
			if err := f.store.DeleteSegment(f.Context(), momo, id); err != nil {
				f.Fatalf("DeleteSegment: %v", err)
			}
			if err := f.store.DeleteSegment(f.Context(), momo, id); code(err) != waybill.NotFound {
				f.Errorf("DeleteSegment again fails with %v, want NotFound", err)
			}
			if _, err := f.store.Segment(f.Context(), momo, id); code(err) != waybill.NotFound {
				f.Errorf("Segment fails with %v, want NotFound", err)
			}
		}
		f.reopen()
		f.wantSegments(page(9))
		f.wantSegments(page(9, func(q *waybill.SegmentQuery) { q.Condition = "x" }))
		f.putSegments(segment("s", 2), segment("t", 1, counted))
		f.wantSegments(page(9), "s: accepted 1 sent 1", "t:")
		f.wantSnapshots("t")
	}},
	{"the latest snapshot counts, in whatever order they come", func(f *fixture) {
		f.putSegments(segment("t", 0, counted))
		f.append(inSegment("t", "m", waybill.StatusSent, 1))
		f.wantSegments(page(9), "t:")
		f.putSnapshots(snapshot("t", 50, 5, 2), snapshot("t", 20, 3, 0))
		f.wantSegments(page(9), "t: accepted 5 sent 5 read 2")
		f.putSnapshots(snapshot("t", 30, 9, 9))
		f.wantSegments(page(9), "t: accepted 5 sent 5 read 2")
		if got := f.segments(page(1))[0].At; got != at(50) {
			f.Errorf("the snapshot is of %d, want %d", got, at(50))
		}
		f.wantSnapshots("t", "20m: accepted 3 sent 3", "30m: accepted 9 sent 9 read 9", "50m: accepted 5 sent 5 read 2")
		f.reopen()
		f.wantSnapshots("t", "20m: accepted 3 sent 3", "30m: accepted 9 sent 9 read 9", "50m: accepted 5 sent 5 read 2")
		f.wantSegments(page(9), "t: accepted 5 sent 5 read 2")
		f.wantVerified()
	}},
	{"of a quarter of an hour one snapshot stays", func(f *fixture) {
		f.putSegments(segment("t", 0, counted))
		f.putSnapshots(snapshot("t", 5, 3, 0), snapshot("t", 1, 9, 0))
		f.putSnapshots(snapshot("t", 5, 3, 1), snapshot("t", 5, 3, 0), snapshot("t", 4, 3, 3))
		f.wantSnapshots("t", "5m: accepted 3 sent 3 read 1")
		f.wantSegments(page(1), "t: accepted 3 sent 3 read 1")
	}},
	{"snapshots are of one segment and a span of time", func(f *fixture) {
		f.putSegments(segment("t", 0, counted), segment("u", 0, counted))
		f.putSnapshots(snapshot("t", 20, 1, 0), snapshot("t", 40, 2, 0), snapshot("u", 30, 7, 0))
		got, err := f.store.Snapshots(f.Context(), momo, "t", at(20), at(40))
		if err != nil || len(got) != 1 || got[0] != snapshot("t", 20, 1, 0) {
			f.Errorf("Snapshots returns %+v, %v", got, err)
		}
	}},
	{"snapshots of other segments are refused, all or none", func(f *fixture) {
		f.putSegments(segment("s", 0), segment("t", 0, counted))
		bad := snapshot("t", 1, 1, 0)
		bad.Counts[waybill.Read] = -1
		for _, c := range []struct {
			n    waybill.Snapshot
			want waybill.Code
		}{
			{snapshot("s", 1, 1, 0), waybill.Conflict},
			{snapshot("nobody", 1, 1, 0), waybill.NotFound},
			{snapshot("", 1, 1, 0), waybill.Invalid},
			{waybill.Snapshot{Channel: momo, Segment: "t", At: 1}, waybill.Invalid},
			{bad, waybill.Invalid},
		} {
			if err := f.store.PutSnapshots(f.Context(), []waybill.Snapshot{snapshot("t", 1, 1, 0), c.n}); code(err) != c.want {
				f.Errorf("PutSnapshots of %+v fails with %v, want %s", c.n, err, c.want)
			}
		}
		f.wantSnapshots("t")
		if _, err := f.store.Snapshots(f.Context(), momo, "nobody", start, at(9)); code(err) != waybill.NotFound {
			f.Errorf("Snapshots of nobody fails with %v, want NotFound", err)
		}
	}},
	{"a cancelled context keeps no segment", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.Context())
		f.putSegments(segment("t", 0, counted))
		cancel()
		if _, err := f.store.PutSegments(ctx, []waybill.Segment{segment("s", 0)}); !canceled(err) {
			f.Errorf("PutSegments fails with %v, want context.Canceled", err)
		}
		if err := f.store.PutSnapshots(ctx, []waybill.Snapshot{snapshot("t", 1, 1, 0)}); !canceled(err) {
			f.Errorf("PutSnapshots fails with %v, want context.Canceled", err)
		}
		if err := f.store.DeleteSegment(ctx, momo, "t"); !canceled(err) {
			f.Errorf("DeleteSegment fails with %v, want context.Canceled", err)
		}
		if _, err := f.store.Segments(ctx, page(1)); !canceled(err) {
			f.Errorf("Segments fails with %v, want context.Canceled", err)
		}
		f.wantSegments(page(9), "t:")
		f.wantSnapshots("t")
	}},
	{"a page is of one moment while messages move and segments are made", func(f *fixture) {
		const messages, moves = 12, 60
		f.putSegments(segment("s0", 0), segment("s1", 1), segment("s2", 2))
		move := func(rev int64) []waybill.Event {
			var events []waybill.Event
			for i := range messages {
				events = append(events, event(fmt.Sprint(i), waybill.StatusSent, i, on(momo),
					revised(waybill.LabelSegment, fmt.Sprint("s", rev%3), waybill.RankOwn, rev)))
			}
			return events
		}
		f.append(move(0)...)
		var done atomic.Bool
		each(3, func(i int) {
			switch i {
			case 0:
				defer done.Store(true)
				for rev := range int64(moves) {
					f.append(move(rev + 1)...)
					f.putSegments(segment(fmt.Sprint("new", rev), 10, created(0)))
				}
			default:
				for !done.Load() {
					sent := int64(0)
					for _, r := range f.segments(page(waybill.MaxSegmentPage)) {
						sent += r.Counts[waybill.Sent]
					}
					if sent != messages {
						f.Errorf("the segments have %d messages together, want %d", sent, messages)
					}
				}
			}
		})
		f.wantVerified()
	}},
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
