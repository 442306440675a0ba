package momo_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/store/storetest"
)

// TestStages follows one message of each sort.
func TestStages(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []string // of one message, in this order and the reverse
		want   string   // SENDING FAILED SENT RECEIVED READ CLICKED
		status string
	}{
		{"nothing yet", nil, "0 0 0 0 0 0", "SEGMENT_PENDING"},
		{"accepted", []string{"accepted"}, "1 0 0 0 0 0", "SEGMENT_PENDING"},
		{"sent", []string{"sent"}, "1 0 1 0 0 0", "SEGMENT_COMPLETE"},
		{"failed", []string{"accepted", "failed"}, "1 1 0 0 0 0", "SEGMENT_FAILED"},
		{"a failure alone was given to be sent", []string{"failed"}, "1 1 0 0 0 0", "SEGMENT_FAILED"},
		{"a success corrects a failure", []string{"failed", "sent"}, "1 0 1 0 0 0", "SEGMENT_COMPLETE"},
		{"read without received", []string{"read"}, "1 0 1 1 1 0", "SEGMENT_COMPLETE"},
		{"a click tells of receiving, not of reading", []string{"clicked"}, "1 0 1 1 0 1", "SEGMENT_COMPLETE"},
		{"clicks count as one message", []string{"read", "clicked", "clicked", "delivered"}, "1 0 1 1 1 1", "SEGMENT_COMPLETE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, backwards := range []bool{false, true} {
				r := newRig(t)
				r.put("s", 0, func(g *waybill.Segment) { g.Size = 1 })
				for i, status := range tt.events {
					if backwards {
						status = tt.events[len(tt.events)-1-i]
					}
					r.record(tell("s", "m", status, 9-i))
				}
				got := r.answered("{}").JSON.Data[0]
				if counts := countsLine(got); counts != tt.want || got.Status != tt.status {
					t.Errorf("%v counts %s and is %s, want %s and %s", tt.events, counts, got.Status, tt.want, tt.status)
				}
			}
		})
	}
}

func countsLine(i item) string {
	var parts []string
	for _, key := range []string{"SENDING", "FAILED", "SENT", "RECEIVED", "READ", "CLICKED"} {
		n, ok := i.Reports[key]
		if !ok {
			return key + " is missing"
		}
		parts = append(parts, fmt.Sprint(n))
	}
	return strings.Join(parts, " ")
}

// TestStatus shows how far the sending of a segment of four is.
func TestStatus(t *testing.T) {
	r := newRig(t)
	r.put("s", 0, func(g *waybill.Segment) { g.Size = 4 })
	for i, want := range []string{"SEGMENT_SENDING", "SEGMENT_SENDING", "SEGMENT_SENDING", "SEGMENT_COMPLETE", "SEGMENT_COMPLETE"} {
		r.record(tell("s", fmt.Sprint(i), []string{"failed", "sent"}[i%2], 1))
		got := r.answered("{}").JSON.Data[0]
		if got.Status != want || got.Size != max(4, i+1) {
			t.Errorf("after %d messages it is %s of %d, want %s", i+1, got.Status, got.Size, want)
		}
	}
	r.put("s", 0, func(g *waybill.Segment) { g.Status = "SEGMENT_PAUSED" })
	if got := r.answered("{}").JSON.Data[0].Status; got != "SEGMENT_PAUSED" {
		t.Errorf("the status that was given is shown as %s", got)
	}
}

// TestCountsAgreeWithTheModel records random events of a hundred segments in
// random order and repetition, a hundred times, and compares the report with a
// model that looks at all of them.
func TestCountsAgreeWithTheModel(t *testing.T) {
	segments := 100
	if testing.Short() {
		segments = 10
	}
	r := newRig(t)
	page := r.number("130035")
	statuses := []string{"accepted", "sent", "delivered", "read", "failed", "clicked"}
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		h := newHistory(rt, page, run, segments)
		for _, g := range h.segments {
			r.put(g.ID, 0, func(stored *waybill.Segment) { *stored = g })
		}
		for i := range segments {
			for range rapid.IntRange(0, 9).Draw(rt, "events") {
				message := fmt.Sprint(run, "-", i, "-", rapid.IntRange(0, 2).Draw(rt, "message"))
				h.add(h.segments[i].ID, message, rapid.SampledFrom(statuses).Draw(rt, "status"), rapid.IntRange(0, 5).Draw(rt, "at"))
			}
		}
		lines := rapid.Permutation(append(h.lines, h.lines[:len(h.lines)/3]...)).Draw(rt, "order")
		for len(lines) > 0 {
			n := min(len(lines), 1+rapid.IntRange(0, 400).Draw(rt, "body"))
			r.record(lines[:n]...)
			lines = lines[n:]
		}
		before := h.segments[0].CreatedAt + 1
		data := r.answered(fmt.Sprintf(`{"report_time_range":"ALL","limit":%d,"target_created_at":%d}`, segments, before)).JSON.Data
		for i, want := range h.counts() {
			sent, failed, sending := want[waybill.Sent], want[waybill.Failed], want[waybill.Accepted]
			line := fmt.Sprint(sending, failed, sent, want[waybill.Delivered], want[waybill.Read], want[waybill.Clicked])
			if data[i].Segment != h.segments[i].ID || countsLine(data[i]) != line {
				rt.Errorf("the report has %+v, the model %s in %s", data[i], line, h.segments[i].ID)
			}
			if says := contradiction(data[i]); says != "" {
				rt.Errorf("%s in %+v", says, data[i])
			}
		}
	})
}

// contradiction returns what can't be in an answer, "" where all can.
func contradiction(i item) string {
	n := i.Reports
	for _, law := range []struct {
		name         string
		large, small int
	}{
		{"more RECEIVED than SENT", n["SENT"], n["RECEIVED"]},
		{"more READ than RECEIVED", n["RECEIVED"], n["READ"]},
		{"more CLICKED than SENT", n["SENT"], n["CLICKED"]},
		{"more SENDING than segment_size", i.Size, n["SENDING"]},
		{"more SENT and FAILED than SENDING", n["SENDING"], n["SENT"] + n["FAILED"]},
	} {
		if law.small > law.large {
			return law.name
		}
	}
	return ""
}

// A history is the events of some segments, as bodies and in the model.
type history struct {
	t        *rapid.T
	model    *storetest.Model
	page     waybill.ChannelNumber
	segments []waybill.Segment // in the order in which they are listed
	lines    []string
}

func newHistory(t *rapid.T, page waybill.ChannelNumber, run, segments int) *history {
	h := &history{t: t, model: storetest.NewModel(), page: page}
	state := waybill.ChannelState{Number: page, Provider: waybill.ProviderMomo}
	if err := h.model.Configure(t.Context(), waybill.Change{Channels: []waybill.ChannelState{state}}); err != nil {
		t.Fatal(err)
	}
	for i := range segments {
		h.segments = append(h.segments, waybill.Segment{
			Channel: page, ID: fmt.Sprint("s", run, "-", i), CreatedAt: noon.UnixMilli() - int64(run*segments+i),
		})
	}
	if _, err := h.model.PutSegments(t.Context(), h.segments); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *history) add(segment, message, status string, seconds int) {
	h.lines = append(h.lines, tell(segment, message, status, seconds))
	parsed, _ := waybill.ParseStatus(status)
	e := waybill.Event{
		Channel: h.page, Message: message, Status: parsed, At: waybill.InstantOf(noon) + waybill.Instant(seconds),
	}
	e.Labels.Set(waybill.LabelSegment, segment, waybill.RankOwn)
	if _, err := h.model.Append(h.t.Context(), []waybill.Event{e}); err != nil {
		h.t.Fatal(err)
	}
}

// counts returns what the model counts, in the order of the segments.
func (h *history) counts() []waybill.Counts {
	var all []waybill.Counts
	reports, err := h.model.Segments(h.t.Context(), waybill.SegmentQuery{Channel: h.page, Limit: waybill.MaxSegmentPage})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range reports {
		all = append(all, r.Counts)
	}
	return all
}
