package waybill_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/store/storetest"
)

// contributionCases are computed by hand. Each metric stands with its detail
// and the number of its quarter hour after base.
var contributionCases = []struct {
	name     string
	provider waybill.Provider // ProviderWABA where it does not matter
	events   []waybill.Event
	want     string // by event
	send     int    // the quarter hour of everything by send
	tuple    string // kind and labels
}{
	{
		"nothing known counts nowhere", 0,
		nil, "", 0, "session",
	},
	{
		"labels alone count nowhere", 0,
		[]waybill.Event{labelled(waybill.StatusNone, 1, waybill.LabelTemplate, "t", waybill.RankOwn, 0)},
		"", 0, "template template=t",
	},
	{
		"each stage counts in its own quarter", 0,
		[]waybill.Event{
			report(waybill.StatusAccepted, 0), report(waybill.StatusSent, 15),
			report(waybill.StatusDelivered, 44), report(waybill.StatusRead, 45),
		},
		"accepted@0 sent@1 delivered@2 read@3", 1, "session",
	},
	{
		"a message that is read without being delivered was delivered when it was read", 0,
		[]waybill.Event{report(waybill.StatusSent, 0), report(waybill.StatusRead, 20)},
		"accepted@0 sent@0 delivered@1 read@1", 0, "session",
	},
	{
		"a late delivery report before the reading moves what was implied", 0,
		[]waybill.Event{report(waybill.StatusRead, 50), report(waybill.StatusDelivered, 20), report(waybill.StatusSent, 0)},
		"accepted@0 sent@0 delivered@1 read@3", 0, "session",
	},
	{
		"a played message is a read one", 0,
		[]waybill.Event{report(waybill.StatusPlayed, 16)},
		"accepted@1 sent@1 delivered@1 read@1", 1, "session",
	},
	{
		"a failure before sending counts by send when it was accepted", 0,
		[]waybill.Event{report(waybill.StatusAccepted, 0), failed("131026", 30)},
		"accepted@0 failed@2 failed[131026]@2", 0, "session",
	},
	{
		"a failure without a code has no detail", 0,
		[]waybill.Event{failed("", 30)},
		"accepted@2 failed@2", 2, "session",
	},
	{
		"a failure after sending keeps both", 0,
		[]waybill.Event{report(waybill.StatusSent, 15), failed("1", 30)},
		"accepted@1 sent@1 failed@2 failed[1]@2", 1, "session",
	},
	{
		"the earliest failure gives the code", 0,
		[]waybill.Event{failed("1", 30), failed("2", 15)},
		"accepted@1 failed@1 failed[2]@1", 1, "session",
	},
	{
		"of two failures at one time the smaller code counts, and any before none", 0,
		[]waybill.Event{failed("", 15), failed("9", 15), failed("10", 15)},
		"accepted@1 failed@1 failed[10]@1", 1, "session",
	},
	{
		"a delivered message that failed before has not failed", 0,
		[]waybill.Event{failed("1", 0), report(waybill.StatusDelivered, 15)},
		"accepted@0 sent@1 delivered@1", 1, "session",
	},
	{
		"a delivered message that fails afterwards has not failed", 0,
		[]waybill.Event{report(waybill.StatusDelivered, 15), failed("1", 30)},
		"accepted@1 sent@1 delivered@1", 1, "session",
	},
	{
		"a read message has not failed", 0,
		[]waybill.Event{failed("1", 30), report(waybill.StatusRead, 15)},
		"accepted@1 sent@1 delivered@1 read@1", 1, "session",
	},
	{
		"a sent message that fails has failed at Alibaba", waybill.ProviderChatapp,
		[]waybill.Event{report(waybill.StatusSent, 0), failed("1", 15)},
		"accepted@0 sent@0 failed@1 failed[1]@1", 0, "session",
	},
	{
		"a sent message has not failed at MoMo", waybill.ProviderMomo,
		[]waybill.Event{report(waybill.StatusSent, 0), failed("1", 15)},
		"accepted@0 sent@0", 0, "session",
	},
	{
		"an accepted message can fail at MoMo", waybill.ProviderMomo,
		[]waybill.Event{report(waybill.StatusAccepted, 0), failed("1", 15)},
		"accepted@0 failed@1 failed[1]@1", 0, "session",
	},
	{
		"a click implies delivery, not reading", 0,
		[]waybill.Event{report(waybill.StatusSent, 0), clicked("a", "Yes", 15)},
		"accepted@0 sent@0 delivered@1 clicked@1 clicked[Yes]@1 clicks@1 clicks[Yes]@1", 0, "session",
	},
	{
		"a clicked message has not failed", 0,
		[]waybill.Event{failed("1", 0), clicked("a", "", 15)},
		"accepted@0 sent@1 delivered@1 clicked@1 clicks@1", 1, "session",
	},
	{
		"every click counts, a clicked message once and once a button", 0,
		[]waybill.Event{
			report(waybill.StatusDelivered, 0),
			clicked("a", "Yes", 1), clicked("b", "Yes", 2), clicked("c", "Yes", 16), clicked("d", "No", 31), clicked("e", "", 46),
		},
		"accepted@0 sent@0 delivered@0 clicked@0 clicked[No]@2 clicked[Yes]@0 " +
			"clicks@0 clicks@0 clicks@1 clicks@2 clicks@3 clicks[No]@2 clicks[Yes]@0 clicks[Yes]@0 clicks[Yes]@1", 0, "session",
	},
	{
		"a repeated click counts once, at its earliest time", 0,
		[]waybill.Event{report(waybill.StatusDelivered, 0), clicked("a", "Yes", 30), clicked("a", "Yes", 15)},
		"accepted@0 sent@0 delivered@0 clicked@1 clicked[Yes]@1 clicks@1 clicks[Yes]@1", 0, "session",
	},
	{
		"participants of a group are one message at their earliest times", 0,
		[]waybill.Event{
			report(waybill.StatusSent, 0),
			to("62811", report(waybill.StatusDelivered, 30)), to("62812", report(waybill.StatusDelivered, 15)),
			to("62811", report(waybill.StatusRead, 45)), to("62812", report(waybill.StatusRead, 60)),
		},
		"accepted@0 sent@0 delivered@1 read@3", 0, "session",
	},
	{
		"a received message is inbound, whatever else is said", 0,
		[]waybill.Event{inbound(labelled(waybill.StatusDelivered, 0, waybill.LabelTemplate, "t", waybill.RankVendor, 0))},
		"accepted@0 sent@0 delivered@0", 0, "inbound template=t",
	},
	{
		"a template that is learnt late counts from the start", 0,
		[]waybill.Event{
			report(waybill.StatusSent, 0),
			labelled(waybill.StatusNone, 99, waybill.LabelTemplate, "t", waybill.RankCallback, 0),
		},
		"accepted@0 sent@0", 0, "template template=t",
	},
	{
		"a category is evidence of a template", 0,
		[]waybill.Event{labelled(waybill.StatusSent, 0, waybill.LabelCategory, "UTILITY", waybill.RankVendor, 0)},
		"accepted@0 sent@0", 0, "template category=UTILITY",
	},
	{
		"an own event beats the vendor, which beats callback data, which beats what is derived", 0,
		[]waybill.Event{
			labelled(waybill.StatusSent, 0, waybill.LabelCountry, "a", waybill.RankOwn, 0),
			labelled(waybill.StatusSent, 0, waybill.LabelCountry, "b", waybill.RankVendor, 9),
			labelled(waybill.StatusSent, 0, waybill.LabelTier, "a", waybill.RankVendor, 0),
			labelled(waybill.StatusSent, 0, waybill.LabelTier, "b", waybill.RankCallback, 9),
			labelled(waybill.StatusSent, 0, waybill.LabelSender, "a", waybill.RankCallback, 0),
			labelled(waybill.StatusSent, 0, waybill.LabelSender, "b", waybill.RankDerived, 9),
		},
		"accepted@0 sent@0", 0, "session sender=a country=a tier=a",
	},
	{
		"the larger revision of an own event wins, then the larger value", 0,
		[]waybill.Event{
			labelled(waybill.StatusSent, 0, waybill.LabelCampaign, "z", waybill.RankOwn, 1),
			labelled(waybill.StatusSent, 0, waybill.LabelCampaign, "a", waybill.RankOwn, 2),
			labelled(waybill.StatusSent, 0, waybill.LabelSegment, "a", waybill.RankOwn, 2),
			labelled(waybill.StatusSent, 0, waybill.LabelSegment, "b", waybill.RankOwn, 2),
		},
		"accepted@0 sent@0", 0, "session campaign=a segment=b",
	},
}

func inbound(e waybill.Event) waybill.Event {
	e.Inbound = true
	return e
}

func to(recipient string, e waybill.Event) waybill.Event {
	e.Recipient = recipient
	return e
}

func TestContributions(t *testing.T) {
	for _, tt := range contributionCases {
		t.Run(tt.name, func(t *testing.T) {
			p := max(tt.provider, waybill.ProviderChatapp)
			m, reversed := joined(tt.events), slices.Clone(tt.events)
			slices.Reverse(reversed)
			if other := joined(reversed); !m.Equal(&other) {
				t.Errorf("merged in order: %+v, in reverse: %+v", m, other)
			}
			var byEvent []string
			for _, s := range m.Contributions(p, nil) {
				if s.Basis == waybill.ByEvent {
					byEvent = append(byEvent, slotText(s))
				} else if got := int(s.Quarter - base.Quarter()); got != tt.send {
					t.Errorf("%s counts by send in quarter %d, want %d", s.Metric, got, tt.send)
				}
			}
			if slices.Sort(byEvent); strings.Join(byEvent, " ") != sortedFields(tt.want) {
				t.Errorf("counts in\n%s, want\n%s", strings.Join(byEvent, " "), sortedFields(tt.want))
			}
			if got := tupleText(m.Tuple()); got != tt.tuple {
				t.Errorf("counts under %s, want %s", got, tt.tuple)
			}
			wantCells(t, channelOf(p), m, storetest.Cells(channelOf(p), tt.events))
		})
	}
}

func slotText(s waybill.Slot) string {
	detail := s.Detail.Code + s.Detail.Button.Text
	if s.Detail != (waybill.Detail{}) {
		detail = "[" + detail + "]"
	}
	return fmt.Sprintf("%s%s@%d", s.Metric, detail, s.Quarter-base.Quarter())
}

func tupleText(t waybill.Tuple) string {
	text := t.Kind.String()
	for l, v := range t.Values {
		if v != "" {
			text += fmt.Sprintf(" %s=%s", waybill.Label(l), v)
		}
	}
	return text
}

func sortedFields(s string) string {
	fields := strings.Fields(s)
	slices.Sort(fields)
	return strings.Join(fields, " ")
}

// wantCells compares the contributions of m with cells.
func wantCells(t interface {
	Helper()
	Errorf(string, ...any)
}, c waybill.ChannelState, m waybill.Message, want map[waybill.Cell]int64,
) {
	t.Helper()
	m.Mark(c.MetricsEnabled)
	got := make(counters)
	got.add(m, c.Provider, 1)
	if !maps.Equal(got, want) {
		t.Errorf("%+v counts in\n%v, the model says\n%v", m, got, want)
	}
}

// counters are kept as a store keeps them: by differences.
type counters map[waybill.Cell]int64

func (c counters) add(m waybill.Message, p waybill.Provider, sign int64) {
	for _, s := range m.Contributions(p, nil) {
		cell := waybill.Cell{Tuple: m.Tuple(), Slot: s}
		if c[cell] += sign; c[cell] == 0 {
			delete(c, cell)
		}
	}
}

func TestContributionsAgreeWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := channelOf(providers.Draw(t, "provider"))
		events := rapid.SliceOfN(reports, 0, 12).Draw(t, "events")
		if rapid.IntRange(0, 7).Draw(t, "crowded") == 0 {
			events = append(events, crowds.Draw(t, "crowd")...)
		}
		wantCells(t, c, joined(events), storetest.Cells(c, events))
	})
}

// However the events of several messages are ordered, repeated and split into
// batches, counters that follow by differences end as the sum of contributions.
func TestCountersAreTheSumOfContributions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := channelOf(providers.Draw(t, "provider"))
		events := rapid.SliceOfN(reports, 1, 20).Draw(t, "events")
		if rapid.Bool().Draw(t, "by hand") {
			events = slices.Clone(rapid.SampledFrom(contributionCases[2:]).Draw(t, "case").events)
		}
		for i := range events {
			events[i].Message = rapid.SampledFrom([]string{"m", "n", "o"}).Draw(t, "message")
		}
		sent := append(events, rapid.SliceOfN(rapid.SampledFrom(events), 0, 10).Draw(t, "again")...)
		sent = rapid.Permutation(sent).Draw(t, "order")

		have, messages := make(counters), make(map[string]waybill.Message)
		for len(sent) > 0 {
			n := rapid.IntRange(1, len(sent)).Draw(t, "batch")
			have.apply(c, messages, sent[:n])
			sent = sent[n:]
		}
		want := make(map[waybill.Cell]int64)
		for _, id := range []string{"m", "n", "o"} {
			of := func(e waybill.Event) bool { return e.Message != id }
			for cell, n := range storetest.Cells(c, slices.DeleteFunc(slices.Clone(events), of)) {
				want[cell] += n
			}
		}
		if !maps.Equal(have, want) {
			t.Fatalf("counters are\n%v, want\n%v", have, want)
		}
	})
}

// apply merges a batch as one step: what each message gained is merged first.
func (c counters) apply(channel waybill.ChannelState, messages map[string]waybill.Message, batch []waybill.Event) {
	gained := make(map[string]waybill.Message)
	for _, e := range batch {
		gained[e.Message] = merge(gained[e.Message], e.History())
	}
	for id, g := range gained {
		c.add(messages[id], channel.Provider, -1)
		m := merge(messages[id], g)
		m.Mark(channel.MetricsEnabled)
		messages[id] = m
		c.add(m, channel.Provider, +1)
	}
}

func TestContributionsAppend(t *testing.T) {
	m := joined([]waybill.Event{report(waybill.StatusSent, 0)})
	first := waybill.Slot{Metric: waybill.Clicks}
	if slots := m.Contributions(waybill.ProviderWABA, []waybill.Slot{first}); len(slots) != 5 || slots[0] != first {
		t.Errorf("slots are %v, want the given one and four more", slots)
	}
}

func TestQuarter(t *testing.T) {
	for _, tt := range []struct {
		at    waybill.Instant
		want  waybill.Quarter
		start waybill.Instant
	}{
		{0, 0, 0},
		{899, 0, 0},
		{900, 1, 900},
		{-1, -1, -900},
		{-900, -1, -900},
		{-901, -2, -1800},
		{base + 14*60 + 59, 1893408, base},
	} {
		if got := tt.at.Quarter(); got != tt.want || got.Start() != tt.start {
			t.Errorf("quarter of %d is %d from %d, want %d from %d", tt.at, got, got.Start(), tt.want, tt.start)
		}
	}
}
