package storetest

import (
	"context"
	"slices"
	"strings"

	"waybill"
)

var appendCases = []contractCase{
	{"an empty batch is no error", func(f *fixture) {
		if outcomes := f.append(); len(outcomes) != 0 {
			f.Errorf("outcomes are %v for no events", outcomes)
		}
		f.want(total())
	}},
	{"a batch with an invalid event keeps nothing", func(f *fixture) {
		for _, spoil := range invalidEvents {
			bad := event("bad", waybill.StatusSent, 1)
			spoil(&bad)
			f.refused(event("good", waybill.StatusSent, 1), bad, event("good too", waybill.StatusSent, 1))
		}
		f.wantNotFound(chatapp, "good")
		f.want(total())
	}},
	{"a batch with an event of an unconfigured channel keeps nothing", func(f *fixture) {
		f.refused(event("good", waybill.StatusSent, 1), event("bad", waybill.StatusSent, 1, on(stranger)))
		f.wantNotFound(chatapp, "good")
		f.wantNotFound(stranger, "bad")
		f.want(total())
	}},
	{"a refused batch may be sent again without what was wrong", func(f *fixture) {
		good := event("m", waybill.StatusSent, 1)
		f.refused(good, event("bad", waybill.StatusSent, 1, on(stranger)))
		f.append(good)
		f.want(total(), "accepted 1 sent 1")
	}},
	{"an event counts once however often it comes", func(f *fixture) {
		e := event("m", waybill.StatusSent, 1)
		f.append(e, e)
		f.append(e)
		f.want(total(), "accepted 1 sent 1")
	}},
	{"the order of events does not matter", func(f *fixture) {
		f.append(event("m", waybill.StatusRead, 3))
		f.append(event("m", waybill.StatusSent, 1), event("m", waybill.StatusDelivered, 2))
		f.want(total(every(waybill.QuarterHour)), "01-01 00:00 +15m0s accepted 1 sent 1 delivered 1 read 1")
	}},
	{"an earlier time of a stage moves its count", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 40))
		f.append(event("m", waybill.StatusSent, 20))
		f.append(event("m", waybill.StatusSent, 60))
		f.want(total(every(waybill.QuarterHour)), "01-01 00:15 +15m0s accepted 1 sent 1")
	}},
	{"the same ID in two channels is two messages", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1), event("m", waybill.StatusSent, 1, on(waba)))
		f.want(total(by(waybill.DimChannel)), "1: accepted 1 sent 1", "2: accepted 1 sent 1")
	}},
	{"IDs may be long, odd and alike", func(f *fixture) {
		long := strings.Repeat("x", waybill.MaxMessageID-1)
		ids := []string{long + "a", long + "b", "wamid.HBgN==", "ü/\n\xef\xbf\xbf", " ", "1", "01"}
		for _, id := range ids {
			f.append(event(id, waybill.StatusSent, 1))
		}
		f.want(total(), "accepted 7 sent 7")
		for _, id := range ids {
			f.wantMessage(chatapp, id, Join(f.state(chatapp), []waybill.Event{event(id, waybill.StatusSent, 1)}))
		}
	}},
	{"the outcomes tell which events taught something", func(f *fixture) {
		sent := event("m", waybill.StatusSent, 2)
		f.wantOutcomes([]waybill.Outcome{yes, no, yes, yes},
			sent, sent, event("m", waybill.StatusSent, 1), event("n", waybill.StatusSent, 1))
		f.wantOutcomes([]waybill.Outcome{no, no, yes},
			sent, event("m", waybill.StatusSent, 3), event("m", waybill.StatusAccepted, 9))
	}},
	{"an event counts as changed for a label that a better source confirms", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1, revised(waybill.LabelCountry, "ID", waybill.RankDerived, 0)))
		confirmed := event("m", waybill.StatusSent, 1, revised(waybill.LabelCountry, "ID", waybill.RankVendor, 0))
		weaker := event("m", waybill.StatusSent, 1, revised(waybill.LabelCountry, "VN", waybill.RankDerived, 0))
		f.wantOutcomes([]waybill.Outcome{yes, no, no}, confirmed, confirmed, weaker)
	}},
	{"an event of a click that is cut changes nothing", func(f *fixture) {
		var events []waybill.Event
		for i := range waybill.MaxClicks {
			events = append(events, event("m", waybill.StatusClicked, 1, press(string(rune('A'+i)), "Yes")))
		}
		f.append(events...)
		f.wantOutcomes([]waybill.Outcome{no, yes},
			event("m", waybill.StatusClicked, 2, press("late", "Yes")),
			event("m", waybill.StatusClicked, 0, press("early", "Yes")))
		f.want(total(), "accepted 1 sent 1 delivered 1 clicked 1 clicks 64")
	}},
	{"the store keeps no memory that the caller may write", func(f *fixture) {
		events := []waybill.Event{event("m", waybill.StatusClicked, 1, press("a", "Yes"))}
		want := Join(f.state(chatapp), slices.Clone(events))
		f.append(events...)
		events[0].Message, events[0].Button.Text = "n", "No"
		m, err := f.store.Message(f.Context(), chatapp, "m")
		if err != nil || len(m.Clicks) != 1 {
			f.Fatalf("Message returns %+v, %v", m, err)
		}
		m.Clicks[0].Button.Text = "Never"
		f.append(event("m", waybill.StatusClicked, 2, press("b", "Yes")))
		want.Clicks = append(want.Clicks, waybill.Click{ID: "b", At: at(2), Button: want.Clicks[0].Button})
		f.wantMessage(chatapp, "m", want)
	}},
	{"a batch of many events of many messages is one step", func(f *fixture) {
		var events []waybill.Event
		for i := range 3000 {
			events = append(events, event("m"+string(rune(i+0x4e00)), waybill.StatusDelivered, i%900))
		}
		f.append(events...)
		f.want(total(), "accepted 3000 sent 3000 delivered 3000")
	}},
	{"a cancelled context ends a call and keeps nothing", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.Context())
		cancel()
		if _, err := f.store.Append(ctx, []waybill.Event{event("m", waybill.StatusSent, 1)}); !canceled(err) {
			f.Errorf("Append fails with %v, want context.Canceled", err)
		}
		if _, err := f.store.Points(ctx, total()); !canceled(err) {
			f.Errorf("Points fails with %v, want context.Canceled", err)
		}
		if _, err := f.store.Verify(ctx, 1); !canceled(err) {
			f.Errorf("Verify fails with %v, want context.Canceled", err)
		}
		if err := f.store.Configure(ctx, waybill.Change{Records: []waybill.Record{{Key: "k", Value: []byte("v")}}}); !canceled(err) {
			f.Errorf("Configure fails with %v, want context.Canceled", err)
		}
		f.wantNotFound(chatapp, "m")
		f.wantRecords("")
		f.want(total())
	}},
}

// invalidEvents are ways in which an event can break Event.Validate.
var invalidEvents = []eventOption{
	func(e *waybill.Event) { e.Message = "" },
	func(e *waybill.Event) { e.Message = strings.Repeat("x", waybill.MaxMessageID+1) },
	func(e *waybill.Event) { e.Message = "\xff" },
	func(e *waybill.Event) { e.Channel = 0 },
	func(e *waybill.Event) { e.At = waybill.Never },
	func(e *waybill.Event) { e.At = waybill.EarliestEvent - 1 },
	func(e *waybill.Event) { e.At = waybill.MaxInstant },
	func(e *waybill.Event) { e.Status = waybill.StatusClicked + 1 },
	func(e *waybill.Event) { e.Labels.Set(waybill.LabelTemplate, "a\x00b", waybill.RankOwn) },
	revised(waybill.LabelTemplate, "x", waybill.RankOwn, -1),
}

func (f *fixture) refused(events ...waybill.Event) {
	f.Helper()
	if _, err := f.store.Append(f.Context(), events); code(err) != waybill.Invalid {
		f.Errorf("Append of %+v fails with %v, want Invalid", events[1], err)
	}
}

const yes, no = waybill.Changed, waybill.Unchanged

// wantOutcomes appends events and compares what the store says it learnt, if it
// can say so.
func (f *fixture) wantOutcomes(want []waybill.Outcome, events ...waybill.Event) {
	f.Helper()
	if outcomes := f.append(events...); outcomes != nil && !slices.Equal(outcomes, want) {
		f.Errorf("outcomes are %v, want %v", outcomes, want)
	}
}

// state returns the stored settings of a channel.
func (f *fixture) state(c waybill.ChannelNumber) waybill.ChannelState {
	f.Helper()
	channels, err := f.store.Channels(f.Context())
	i := slices.IndexFunc(channels, func(s waybill.ChannelState) bool { return s.Number == c })
	if err != nil || i < 0 {
		f.Fatalf("channel %d is not among %+v, %v", c, channels, err)
	}
	return channels[i]
}
