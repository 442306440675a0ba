package waybill_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/store/storetest"
)

// base is the start of a quarter hour; events of the tests lie around it.
const base waybill.Instant = 1704067200 // 2024-01-01 00:00 UTC

func channelOf(p waybill.Provider) waybill.ChannelState {
	return waybill.ChannelState{Number: 1, Provider: p, MetricsEnabled: base + 15*60}
}

var providers = rapid.SampledFrom([]waybill.Provider{
	waybill.ProviderChatapp, waybill.ProviderWABA, waybill.ProviderMomo,
})

// times are few, so that they are often equal, and rarely in one quarter hour.
var times = rapid.Map(rapid.IntRange(0, 12), func(n int) waybill.Instant {
	return base + waybill.Instant(n)*599
})

var labelValues = rapid.Custom(func(t *rapid.T) waybill.LabelValue {
	v := waybill.LabelValue{Value: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "value")}
	if v.Value != "" {
		v.Rank = waybill.Rank(rapid.IntRange(1, 4).Draw(t, "rank"))
		v.Rev = int64(rapid.IntRange(0, 2).Draw(t, "rev"))
	}
	return v
})

// reports are events of one message in which everything collides.
var reports = rapid.Custom(func(t *rapid.T) waybill.Event {
	e := waybill.Event{
		Channel: 1, Message: "m", At: times.Draw(t, "at"),
		Status:    waybill.Status(rapid.IntRange(0, int(waybill.StatusClicked)).Draw(t, "status")),
		Inbound:   rapid.IntRange(0, 15).Draw(t, "inbound") == 15,
		Templated: rapid.IntRange(0, 7).Draw(t, "templated") == 7,
	}
	for _, l := range []waybill.Label{waybill.LabelTemplate, waybill.LabelCategory, waybill.LabelTier} {
		e.Labels[l] = labelValues.Draw(t, l.String())
	}
	switch e.Status {
	case waybill.StatusFailed:
		e.Failure.Code = rapid.SampledFrom([]string{"", "7", "70"}).Draw(t, "code")
		e.Failure.Title = rapid.SampledFrom([]string{"", "gone"}).Draw(t, "title")
	case waybill.StatusClicked:
		e.Click = rapid.SampledFrom([]string{"", "c1", "c2", "c3"}).Draw(t, "click")
		e.Button.Type = rapid.SampledFrom([]string{"", "url"}).Draw(t, "type")
		e.Button.Text = rapid.SampledFrom([]string{"", "No", "Yes"}).Draw(t, "text")
	}
	return e
})

// crowds are click events of one message: many clicks of some more IDs than a
// message keeps, at few times.
var crowds = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) waybill.Event {
	return waybill.Event{
		Channel: 1, Message: "m", Status: waybill.StatusClicked, At: times.Draw(t, "at"),
		Click:  string(rune('A' + rapid.IntRange(0, waybill.MaxClicks+20).Draw(t, "click"))),
		Button: waybill.Button{Text: rapid.SampledFrom([]string{"No", "Yes"}).Draw(t, "text")},
	}
}), 60, 250)

// histories are messages as merging makes them, some with very many clicks.
var histories = rapid.Custom(func(t *rapid.T) waybill.Message {
	events := rapid.SliceOfN(reports, 0, 8).Draw(t, "events")
	if rapid.IntRange(0, 3).Draw(t, "crowded") == 0 {
		events = append(events, crowds.Draw(t, "crowd")...)
	}
	return joined(events)
})

// joined merges the events one by one, in their order.
func joined(events []waybill.Event) waybill.Message {
	var m waybill.Message
	for _, e := range events {
		m.Merge(e.History())
	}
	return m
}

func merge(a, b waybill.Message) waybill.Message {
	a.Clicks = slices.Clone(a.Clicks)
	a.Merge(b)
	return a
}

func wantEqual(t *rapid.T, law string, got, want waybill.Message) {
	t.Helper()
	if !got.Equal(&want) {
		t.Fatalf("%s:\n%+v\n%+v", law, got, want)
	}
}

func TestMergeIsAJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := histories.Draw(t, "a"), histories.Draw(t, "b"), histories.Draw(t, "c")
		var zero waybill.Message
		wantEqual(t, "commutative", merge(a, b), merge(b, a))
		wantEqual(t, "associative", merge(merge(a, b), c), merge(a, merge(b, c)))
		wantEqual(t, "idempotent", merge(a, a), a)
		wantEqual(t, "absorbing", merge(merge(a, b), b), merge(a, b))
		wantEqual(t, "neutral on the right", merge(a, zero), a)
		wantEqual(t, "neutral on the left", merge(zero, a), a)
	})
}

func TestMergeLeavesItsArgumentAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := histories.Draw(t, "a"), histories.Draw(t, "b"), histories.Draw(t, "c")
		before := b
		before.Clicks = slices.Clone(b.Clicks)
		a.Merge(b)
		a.Clicks = slices.Grow(a.Clicks, 2*waybill.MaxClicks)
		first := a
		first.Clicks = slices.Clone(a.Clicks)
		other := a
		a.Merge(c)
		wantEqual(t, "the argument changed", b, before)
		wantEqual(t, "a copy made earlier changed", other, first)
	})
}

func TestMergeAgreesWithAScanOfAllEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := channelOf(providers.Draw(t, "provider"))
		events := rapid.SliceOfN(reports, 0, 12).Draw(t, "events")
		if rapid.IntRange(0, 3).Draw(t, "crowded") == 0 {
			events = rapid.Permutation(append(events, crowds.Draw(t, "crowd")...)).Draw(t, "order")
		}
		m := joined(events)
		m.Mark(c.MetricsEnabled)
		wantEqual(t, "merged and scanned", m, storetest.Join(c, events))
	})
}

func TestMergeKeepsTheMark(t *testing.T) {
	marked, other := waybill.Message{Collected: true}, waybill.Message{}
	other.At[waybill.Sent] = base
	marked.Merge(other)
	other.Merge(marked)
	if !marked.Collected || other.Collected {
		t.Errorf("marks are %t and %t after merging, want true and false", marked.Collected, other.Collected)
	}
}

func TestReached(t *testing.T) {
	const never = waybill.Never
	tests := []struct {
		name   string
		events []waybill.Event
		want   [waybill.NumStages]waybill.Instant // accepted, sent, delivered, read, failed
	}{
		{"nothing known reaches nothing", nil, [5]waybill.Instant{}},
		{
			"a reading implies all before it",
			[]waybill.Event{report(waybill.StatusRead, 9)},
			[5]waybill.Instant{minute(9), minute(9), minute(9), minute(9), never},
		},
		{
			"playing is reading",
			[]waybill.Event{report(waybill.StatusPlayed, 9), report(waybill.StatusRead, 10)},
			[5]waybill.Instant{minute(9), minute(9), minute(9), minute(9), never},
		},
		{
			"a real report takes the place of what is implied",
			[]waybill.Event{report(waybill.StatusRead, 9), report(waybill.StatusSent, 2)},
			[5]waybill.Instant{minute(2), minute(2), minute(9), minute(9), never},
		},
		{
			"a real report after what is implied is later than the truth",
			[]waybill.Event{report(waybill.StatusRead, 9), report(waybill.StatusDelivered, 11)},
			[5]waybill.Instant{minute(9), minute(9), minute(9), minute(9), never},
		},
		{
			"a message cannot be sent after it was read",
			[]waybill.Event{report(waybill.StatusRead, 9), report(waybill.StatusSent, 11)},
			[5]waybill.Instant{minute(9), minute(9), minute(9), minute(9), never},
		},
		{
			"a failure implies acceptance and nothing else",
			[]waybill.Event{report(waybill.StatusFailed, 4)},
			[5]waybill.Instant{minute(4), never, never, never, minute(4)},
		},
		{
			"an early failure is the first that is known of a delivered message",
			[]waybill.Event{report(waybill.StatusFailed, 4), report(waybill.StatusDelivered, 6)},
			[5]waybill.Instant{minute(4), minute(6), minute(6), never, minute(4)},
		},
		{
			"a click implies delivery and no reading",
			[]waybill.Event{clicked("a", "Yes", 7), clicked("b", "Yes", 5), report(waybill.StatusDelivered, 6)},
			[5]waybill.Instant{minute(5), minute(5), minute(5), never, never},
		},
		{
			"labels alone reach nothing",
			[]waybill.Event{labelled(waybill.StatusNone, 3, waybill.LabelTemplate, "t", waybill.RankOwn, 0)},
			[5]waybill.Instant{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := joined(tt.events)
			for s, want := range tt.want {
				if got := m.Reached(waybill.Stage(s)); got != want {
					t.Errorf("reached %s at %d, want %d", waybill.Metric(s), got-base, want-base)
				}
			}
			if m.Earliest() != tt.want[waybill.Accepted] {
				t.Errorf("earliest is %d, want %d", m.Earliest()-base, tt.want[waybill.Accepted]-base)
			}
		})
	}
}

func TestFailure(t *testing.T) {
	fail := func(at int, code, title string) waybill.Event {
		e := failed(code, at)
		e.Failure.Title = title
		return e
	}
	tests := []struct {
		name        string
		first, last waybill.Event // the first stands, in whichever order they come
	}{
		{"the earlier failure stands", fail(1, "9", "z"), fail(2, "1", "a")},
		{"an earlier failure without code stands", fail(1, "", ""), fail(2, "1", "a")},
		{"at one time the smaller code stands", fail(1, "10", "z"), fail(1, "9", "a")},
		{"at one time a failure with code stands over one without", fail(1, "9", ""), fail(1, "", "a")},
		{"of one code the smaller title stands", fail(1, "9", "a"), fail(1, "9", "b")},
		{"without codes the smaller title stands", fail(1, "", "a"), fail(1, "", "b")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, order := range [][]waybill.Event{{tt.first, tt.last}, {tt.last, tt.first}} {
				if m := joined(order); m.Failure != tt.first.Failure || m.At[waybill.Failed] != tt.first.At {
					t.Errorf("failure is %+v at %d", m.Failure, m.At[waybill.Failed]-base)
				}
			}
		})
	}
}

func TestMark(t *testing.T) {
	tests := []struct {
		name    string
		enabled waybill.Instant
		events  []waybill.Event
		want    bool
	}{
		{"what happened when metrics were enabled is collected", minute(5), []waybill.Event{report(waybill.StatusSent, 5)}, true},
		{"what happened before is not", minute(5), []waybill.Event{report(waybill.StatusSent, 4)}, false},
		{"the earliest time decides", minute(5), []waybill.Event{report(waybill.StatusRead, 9), report(waybill.StatusAccepted, 4)}, false},
		{"a click can be the earliest", minute(5), []waybill.Event{report(waybill.StatusRead, 9), clicked("a", "", 4)}, false},
		{"a failure can be the earliest", minute(5), []waybill.Event{report(waybill.StatusRead, 9), report(waybill.StatusFailed, 4)}, false},
		{"the time of labels does not count", minute(5), []waybill.Event{report(waybill.StatusRead, 9), report(waybill.StatusNone, 4)}, true},
		{"without metrics nothing is collected", waybill.Never, []waybill.Event{report(waybill.StatusSent, 5)}, false},
		{"a message without times is not collected", minute(5), nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := joined(tt.events)
			for _, m.Collected = range []bool{false, true} {
				if m.Mark(tt.enabled); m.Collected != tt.want {
					t.Errorf("collected is %t, want %t", m.Collected, tt.want)
				}
			}
		})
	}
}

func minute(n int) waybill.Instant { return base + waybill.Instant(n)*60 }

func report(s waybill.Status, at int) waybill.Event {
	return waybill.Event{Channel: 1, Message: "m", Status: s, At: minute(at)}
}

func failed(code string, at int) waybill.Event {
	e := report(waybill.StatusFailed, at)
	e.Failure.Code = code
	return e
}

func clicked(id, text string, at int) waybill.Event {
	e := report(waybill.StatusClicked, at)
	e.Click, e.Button.Text = id, text
	return e
}

func labelled(s waybill.Status, at int, l waybill.Label, value string, rank waybill.Rank, rev int64) waybill.Event {
	e := report(s, at)
	e.Labels[l] = waybill.LabelValue{Value: value, Rank: rank, Rev: rev}
	return e
}
