package waybill_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill"
)

func TestSegmentValidate(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	good := waybill.Segment{
		Channel: 1, ID: "1327", Size: 5, TemplateData: "{\"a\":\"\\u0000\"}", CreatedAt: 1701059874844,
	}
	tests := []struct {
		name   string
		change func(*waybill.Segment)
		want   string // in the error; empty where there is none
	}{
		{"a whole one", func(*waybill.Segment) {}, ""},
		{"no time", func(g *waybill.Segment) { g.CreatedAt = 0 }, ""},
		{"a little ahead", func(g *waybill.Segment) { g.CreatedAt = now.Add(10 * time.Minute).UnixMilli() }, ""},
		{"far ahead", func(g *waybill.Segment) { g.CreatedAt = now.Add(10*time.Minute).UnixMilli() + 1 }, "create_at 1795176600001 is more than 10m0s ahead"},
		{"a time in seconds", func(g *waybill.Segment) { g.CreatedAt = 1701059874 }, "create_at 1701059874 is before 2015"},
		{"no ID", func(g *waybill.Segment) { g.ID = "" }, "segment is missing"},
		{"a long ID", func(g *waybill.Segment) { g.ID = strings.Repeat("x", 257) }, "segment has 257 bytes, more than 256"},
		{"a negative size", func(g *waybill.Segment) { g.Size = -1 }, "size -1 is not between"},
		{"a NUL", func(g *waybill.Segment) { g.TemplateData = "\x00" }, "template_data has the control character '\\x00' at byte 0"},
		{"an escape", func(g *waybill.Segment) { g.TemplateData = "{}\t\r\n\x1b" }, "the control character '\\x1b' at byte 5"},
		{"white space and odd characters", func(g *waybill.Segment) { g.TemplateData = "\t\r\n\x7f\u2028\ufeff🍵" }, ""},
		{"a long content", func(g *waybill.Segment) { g.TemplateData = strings.Repeat("x", 16<<10+1) }, "template_data has 16385 bytes"},
		{"another source", func(g *waybill.Segment) { g.Source = 2 }, "source 2 is unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := good
			tt.change(&g)
			err := g.Validate(now)
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want) || waybill.CodeOf(err) != waybill.Invalid {
				t.Errorf("Validate returns %v, want %q", err, tt.want)
			}
		})
	}
}

// TestSegmentCountsHoldTogether checks what a reader of a segment's report takes
// for granted: every message is on its way, sent or failed, and no stage has more
// than the one before.
func TestSegmentCountsHoldTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var total waybill.Counts
		for range rapid.IntRange(1, 6).Draw(t, "messages") {
			m := histories.Draw(t, "message")
			m.Inbound = false
			m.Labels.Set(waybill.LabelSegment, "s", waybill.RankOwn)
			id, counts := m.SegmentCounts(waybill.ProviderMomo)
			if id != "s" {
				t.Fatalf("the message is in segment %q", id)
			}
			total.Add(counts)
		}
		sending, sent, failed := total[waybill.Accepted], total[waybill.Sent], total[waybill.Failed]
		received, read, clicked := total[waybill.Delivered], total[waybill.Read], total[waybill.Clicked]
		if pending := sending - sent - failed; pending < 0 {
			t.Errorf("%v: more were sent or failed than were accepted", total)
		}
		if sent < received || received < read || received < clicked || total[waybill.Clicks] < clicked {
			t.Errorf("%v: a stage has more messages than the one before", total)
		}
	})
}

func TestSupersedesIsAnOrder(t *testing.T) {
	snapshot := rapid.Custom(func(t *rapid.T) waybill.Snapshot {
		n := waybill.Snapshot{At: waybill.Instant(rapid.IntRange(1, 2).Draw(t, "at"))}
		for m := range n.Counts {
			n.Counts[m] = int64(rapid.IntRange(0, 1).Draw(t, "count"))
		}
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := snapshot.Draw(t, "a"), snapshot.Draw(t, "b"), snapshot.Draw(t, "c")
		if a != b && a.Supersedes(&b) == b.Supersedes(&a) || a == b && a.Supersedes(&b) {
			t.Errorf("%+v and %+v: not exactly one stands over the other", a, b)
		}
		if a.Supersedes(&b) && b.Supersedes(&c) && !a.Supersedes(&c) {
			t.Errorf("%+v, %+v, %+v: no order", a, b, c)
		}
	})
}
