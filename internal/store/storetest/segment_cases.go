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
	{"a segment comes with its snapshots in one step, or without", func(f *fixture) {
		both := []waybill.Snapshot{snapshot("t", 20, 3, 0), snapshot("t", 50, 5, 2)}
		if _, err := f.store.PutSegments(f.Context(), []waybill.Segment{segment("t", 1, counted)}, both...); err != nil {
			f.Fatalf("PutSegments: %v", err)
		}
		f.wantSegments(page(9), "t: accepted 5 sent 5 read 2")
		f.putSegments(segment("ledger", 0))
		for _, c := range []struct {
			n    waybill.Snapshot
			want waybill.Code
		}{
			{snapshot("ledger", 1, 1, 0), waybill.Conflict},
			{snapshot("nobody", 1, 1, 0), waybill.NotFound},
			{snapshot("", 1, 1, 0), waybill.Invalid},
		} {
			_, err := f.store.PutSegments(f.Context(),
				[]waybill.Segment{segment("u", 2, counted)}, snapshot("t", 70, 9, 9), snapshot("u", 1, 1, 0), c.n)
			if code(err) != c.want {
				f.Errorf("a snapshot of %q fails with %v, want code %q", c.n.Segment, err, c.want)
			}
		}
		f.wantSegments(page(9), "t: accepted 5 sent 5 read 2", "ledger:")
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
