package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // the histories ask in several zones

	"pgregory.net/rapid"

	"waybill"
)

// histories runs random calls against a store and the model at once: few
// messages, labels and times, so that everything collides with everything.
func histories(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(rt, t, open)
		h := &history{fixture: f, model: f.model(), reported: make(map[labelOf]map[string]bool)}
		rt.Repeat(map[string]func(*rapid.T){
			"append":        h.appendSome,
			"append more":   h.appendSome,
			"append most":   h.appendSome,
			"commit":        h.commitSome,
			"query":         h.query,
			"query twice":   h.query,
			"look up":       h.lookUp,
			"list values":   h.listValues,
			"set metrics":   h.setMetrics,
			"settle":        func(*rapid.T) { h.settle() },
			"reopen":        func(*rapid.T) { h.reopen() },
			"append bad":    h.appendBad,
			"find messages": h.findMessages,
			"put segment":   h.putSegment,
			"drop segment":  h.deleteSegment,
			"put snapshot":  h.putSnapshot,
			"list segments": h.listSegments,
			"read settings": func(*rapid.T) { h.wantChannels(h.modelChannels()...) },
		})
		h.settle()
		h.wantVerified()
		h.wantModel(h.model, wide()...)
		for _, c := range historyChannels {
			h.wantModelSegments(waybill.SegmentQuery{Channel: c, Limit: waybill.MaxSegmentPage})
		}
	})
}

// wide returns queries over all times of random histories, which tell apart
// all that is counted.
func wide() []waybill.Query {
	var queries []waybill.Query
	for _, basis := range []waybill.Basis{waybill.ByEvent, waybill.BySend} {
		q := waybill.Query{
			Channels: []waybill.ChannelNumber{chatapp, waba, momo},
			From:     0, To: waybill.MaxInstant, Granularity: waybill.QuarterHour, Basis: basis,
			GroupBy: []waybill.Dimension{waybill.DimChannel, waybill.DimKind},
		}
		for _, l := range historyLabels {
			q.GroupBy = append(q.GroupBy, waybill.Dimension(l))
		}
		detailed := q
		detailed.GroupBy = append(slices.Clone(q.GroupBy), waybill.DimDetail)
		for _, each := range []waybill.Query{q, detailed} {
			marked := each
			marked.Collected = true
			queries = append(queries, each, marked)
		}
	}
	return queries
}

type history struct {
	*fixture
	model    *Model
	sent     []waybill.Event
	reported map[labelOf]map[string]bool // every value any event ever named
}

var (
	historyLabels = []waybill.Label{waybill.LabelTemplate, waybill.LabelLanguage, waybill.LabelCountry, waybill.LabelCategory, waybill.LabelCampaign, waybill.LabelSegment}
	historyZones  = []string{
		"", "UTC", "Asia/Shanghai", "Asia/Kathmandu", "Europe/Berlin",
		"America/Los_Angeles", "Australia/Lord_Howe", "America/Asuncion",
	}
	historyChannels = []waybill.ChannelNumber{chatapp, waba, momo}
)

// instants lie around clock changes of the zones.
var instants = rapid.Custom(func(t *rapid.T) waybill.Instant {
	base := rapid.SampledFrom([]waybill.Instant{
		1711821600, // 2024-03-30 18:00: Berlin
		1712397600, // 2024-04-06 10:00: Lord Howe
		1730592000, // 2024-11-03 00:00: Los Angeles
	}).Draw(t, "base")
	return base + 1000*waybill.Instant(rapid.IntRange(0, 60).Draw(t, "steps")) - waybill.Instant(rapid.IntRange(0, 1).Draw(t, "second"))
})

var events = rapid.Custom(func(t *rapid.T) waybill.Event {
	e := waybill.Event{
		Channel: rapid.SampledFrom(historyChannels).Draw(t, "channel"),
		Message: rapid.SampledFrom([]string{"m", "n", "o"}).Draw(t, "message"),
		Status:  waybill.Status(rapid.IntRange(0, int(waybill.StatusClicked)).Draw(t, "status")),
		At:      instants.Draw(t, "at"),
		Inbound: rapid.IntRange(0, 15).Draw(t, "inbound") == 15,
	}
	for _, l := range historyLabels {
		e.Labels[l] = waybill.LabelValue{
			Value: rapid.SampledFrom([]string{"", "", "", "a", "b"}).Draw(t, l.String()),
		}
		if e.Labels[l].Value != "" {
			e.Labels[l].Rank = waybill.Rank(rapid.IntRange(1, 4).Draw(t, "rank"))
			e.Labels[l].Rev = int64(rapid.IntRange(0, 2).Draw(t, "rev"))
		}
	}
	switch e.Status {
	case waybill.StatusNone:
		e.Templated = true // an event must say something
	case waybill.StatusFailed:
		e.Failure.Code = rapid.SampledFrom([]string{"", "7", "8"}).Draw(t, "code")
		e.Failure.Title = rapid.SampledFrom([]string{"", "gone"}).Draw(t, "title")
	case waybill.StatusClicked:
		e.Click = rapid.SampledFrom([]string{"", "c1", "c2", "c3"}).Draw(t, "click")
		e.Button.Text = rapid.SampledFrom([]string{"", "Yes", "No"}).Draw(t, "button")
	}
	return e
})

func (h *history) appendSome(t *rapid.T) {
	batch := rapid.SliceOfN(events, 0, 8).Draw(t, "events")
	if len(h.sent) > 0 {
		batch = append(batch, rapid.SliceOfN(rapid.SampledFrom(h.sent), 0, 4).Draw(t, "again")...)
	}
	batch = rapid.Permutation(batch).Draw(t, "batch")
	want, err := h.model.Append(t.Context(), batch)
	if err != nil {
		t.Fatalf("the model refuses %+v: %v", batch, err)
	}
	h.wantOutcomes(want, batch...)
	h.remember(batch)
}

// remember notes what was appended.
func (h *history) remember(batch []waybill.Event) {
	h.sent = append(h.sent, batch...)
	for _, e := range batch {
		for l, v := range e.Labels {
			k := labelOf{e.Channel, waybill.Label(l)}
			if h.reported[k] == nil {
				h.reported[k] = map[string]bool{"": true}
			}
			h.reported[k][v.Value] = true
		}
	}
}

func (h *history) appendBad(t *rapid.T) {
	bad := events.Draw(t, "event")
	rapid.SampledFrom(append(invalidEvents, on(stranger))).Draw(t, "spoil")(&bad)
	h.refused(events.Draw(t, "good"), bad)
}

func (h *history) setMetrics(t *rapid.T) {
	c := h.state(rapid.SampledFrom(historyChannels).Draw(t, "channel"))
	c.MetricsEnabled = rapid.OneOf(instants, rapid.Just(waybill.Never)).Draw(t, "enabled")
	change := waybill.Change{Channels: []waybill.ChannelState{c}}
	h.configure(change)
	if err := h.model.Configure(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

func (h *history) modelChannels() []waybill.ChannelState {
	channels, err := h.model.Channels(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return channels
}

func (h *history) lookUp(t *rapid.T) {
	c := rapid.SampledFrom(append([]waybill.ChannelNumber{stranger}, historyChannels...)).Draw(t, "channel")
	id := rapid.SampledFrom([]string{"m", "n", "o", "p"}).Draw(t, "message")
	want, err := h.model.Message(t.Context(), c, id)
	if err != nil {
		h.wantNotFound(c, id)
		return
	}
	h.settle()
	h.wantMessage(c, id, want)
}

// listValues allows for values that a message had for a part of a batch alone.
func (h *history) listValues(t *rapid.T) {
	c := rapid.SampledFrom(historyChannels).Draw(t, "channel")
	l := rapid.SampledFrom(historyLabels).Draw(t, "label")
	least, _ := h.model.Values(t.Context(), c, l)
	got, err := h.store.Values(t.Context(), c, l)
	if err != nil || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Fatalf("values of %s are %q, %v, want them ascending", l, got, err)
	}
	for _, v := range least {
		if !slices.Contains(got, v) {
			t.Errorf("values of %s are %q, want %q among them", l, got, v)
		}
	}
	for _, v := range got {
		if v == "" || !h.reported[labelOf{c, l}][v] {
			t.Errorf("values of %s are %q, but %q was never reported", l, got, v)
		}
	}
}

var queries = rapid.Custom(func(t *rapid.T) waybill.Query {
	from := instants.Draw(t, "from")
	q := waybill.Query{
		Channels: rapid.SliceOfN(rapid.SampledFrom(append([]waybill.ChannelNumber{stranger}, historyChannels...)), 1, 4).Draw(t, "channels"),
		From:     from, To: max(from+1, instants.Draw(t, "to")),
		Granularity: waybill.Granularity(rapid.IntRange(0, int(waybill.Month)).Draw(t, "granularity")),
		Basis:       waybill.Basis(rapid.IntRange(0, waybill.NumBases-1).Draw(t, "basis")),
		Collected:   rapid.Bool().Draw(t, "collected"),
		GroupBy:     rapid.SliceOfNDistinct(rapid.SampledFrom(historyDimensions()), 0, 3, rapid.ID).Draw(t, "by"),
	}
	if name := rapid.SampledFrom(historyZones).Draw(t, "zone"); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		q.Zone = zone
	}
	for range rapid.IntRange(0, 3).Draw(t, "categories") {
		if q.Categories == nil {
			q.Categories = make(map[waybill.TemplateRef]string)
		}
		word := rapid.SampledFrom([]string{"", "a", "b"})
		q.Categories[waybill.TemplateRef{
			Channel:  rapid.SampledFrom(historyChannels).Draw(t, "channel"),
			Template: word.Draw(t, "template"), Language: word.Draw(t, "language"),
		}] = rapid.SampledFrom([]string{"", "a", "MARKETING"}).Draw(t, "category")
	}
	for range rapid.IntRange(0, 2).Draw(t, "filters") {
		q.Where = append(q.Where, waybill.Filter{
			By:     rapid.SampledFrom(historyDimensions()[2:]).Draw(t, "filter"),
			Values: rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "template", "session", "inbound"}), 0, 4).Draw(t, "values"),
		})
	}
	return q
})

// historyDimensions begins with the dimensions that are not for filters.
func historyDimensions() []waybill.Dimension {
	dimensions := []waybill.Dimension{waybill.DimChannel, waybill.DimDetail, waybill.DimKind}
	for _, l := range historyLabels {
		dimensions = append(dimensions, waybill.Dimension(l))
	}
	return dimensions
}

func (h *history) query(t *rapid.T) {
	q := queries.Draw(t, "query")
	if q.Collected {
		h.settle()
	}
	h.wantModel(h.model, q)
}

// wantModel compares the answers of the store with those of the model.
func (f *fixture) wantModel(m *Model, queries ...waybill.Query) {
	for _, q := range queries {
		want, err := m.Points(f.Context(), q)
		if err != nil {
			f.Fatalf("the model refuses %s: %v", describe(q), err)
		}
		got := f.points(q)
		if difference := firstDifference(got, want); difference != "" {
			f.Errorf("points of %s: %s", describe(q), difference)
		}
	}
}

// firstDifference describes where two answers part, or nothing.
func firstDifference(got, want []waybill.Point) string {
	for i := range min(len(got), len(want)) {
		if !samePoint(got[i], want[i]) {
			return fmt.Sprintf("point %d is\n\t%s, want\n\t%s", i, line(got[i], true), line(want[i], true))
		}
	}
	switch {
	case len(got) > len(want):
		return fmt.Sprintf("%d points, want %d; the first in excess is\n\t%s", len(got), len(want), line(got[len(want)], true))
	case len(got) < len(want):
		return fmt.Sprintf("%d points, want %d; the first missing is\n\t%s", len(got), len(want), line(want[len(got)], true))
	}
	return ""
}

func samePoint(a, b waybill.Point) bool {
	return a.Bucket == b.Bucket && a.Counts == b.Counts && slices.Equal(a.Key, b.Key)
}
