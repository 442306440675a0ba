package pebble

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"waybill"
)

// TestWhatIsRefusedIsNoWord appends what is not stored, each time with new texts.
func TestWhatIsRefusedIsNoWord(t *testing.T) {
	labelled := func(id string, at waybill.Instant, rank waybill.Rank, value string) waybill.Event {
		e := waybill.Event{Channel: 1, Message: id, Status: waybill.StatusSent, At: at}
		e.Labels.Set(waybill.LabelTemplate, value, rank)
		return e
	}
	s := newInTest(t)
	appendInTest(t, s, labelled("m", inTest, waybill.RankOwn, "known"))
	locked(t, s, func() { s.horizon = partitionOf(uint32(inTest)) })
	before := len(s.texts.all())
	failed := waybill.Event{
		Channel: 1, Message: "m", Status: waybill.StatusFailed, At: inTest, Failure: waybill.Failure{Code: "new code"},
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		events []waybill.Event
		code   waybill.Code // empty where it is accepted and changes nothing
	}{
		{"too large", t.Context(), []waybill.Event{labelled("n", inTest, waybill.RankOwn, "a"), failed}, waybill.TooLarge},
		{"too late", t.Context(), []waybill.Event{labelled("n", inTest-partitionSeconds, waybill.RankOwn, "b")}, ""},
		{"of a lower rank", t.Context(), []waybill.Event{labelled("m", inTest, waybill.RankCallback, "c")}, ""},
		{"cancelled", over, []waybill.Event{labelled("n", inTest, waybill.RankOwn, "d")}, waybill.Internal},
		{"not valid", t.Context(), []waybill.Event{labelled("n", inTest, waybill.RankOwn, "e"), {}}, waybill.Invalid},
	} {
		locked(t, s, func() { s.channels[1].words.details = make([]detail, maxDetails) })
		_, err := s.Append(tt.ctx, tt.events)
		if tt.code == "" && err != nil || tt.code != "" && (err == nil || waybill.CodeOf(err) != tt.code) {
			t.Errorf("what is %s fails with %v, want code %q", tt.name, err, tt.code)
		}
		if texts := s.texts.all(); len(texts) > before {
			t.Errorf("what is %s makes words of %q", tt.name, texts[before:])
			before = len(texts)
		}
	}
}

// TestLabelSetsAreBoundedInBytes: what never becomes a word must not stay.
func TestLabelSetsAreBoundedInBytes(t *testing.T) {
	s := newLabelSets()
	most := 0
	for n := range 2 * maxLabelBytes / waybill.MaxLabel {
		e := waybill.Event{}
		for l := range waybill.Label(4) {
			e.Labels.Set(l, fmt.Sprintf("%d%0*d", l, waybill.MaxLabel-1, n), waybill.RankOwn)
		}
		s.resolve([]op{{event: &e}})
		most = max(most, s.bytes)
	}
	if most > maxLabelBytes+4*waybill.MaxLabel {
		t.Errorf("the texts have up to %d bytes, want at most %d", most, maxLabelBytes)
	}
}

// TestRunsOfLabels resolves events that say what the one before them does, or nearly.
func TestRunsOfLabels(t *testing.T) {
	s := newLabelSets()
	say := func(campaign string, change func(*waybill.Event)) op {
		e := new(waybill.Event)
		e.Labels.Set(waybill.LabelCampaign, campaign, waybill.RankOwn)
		change(e)
		return op{event: e}
	}
	same := func(*waybill.Event) {}
	ops := []op{
		say("a", same), say("a", same),
		say("a", func(e *waybill.Event) { e.Labels[waybill.LabelCampaign].Rev = 1 }),
		say("a", func(e *waybill.Event) { e.Labels[waybill.LabelCampaign].Rank = waybill.RankVendor }),
		say("a", func(e *waybill.Event) { e.Inbound = true }),
		say("b", same), say("a", same),
		{event: new(waybill.Event)},
		say("a", same),
	}
	for range 2 { // while the sets are new, and once they are known
		for i := range ops {
			ops[i].set, ops[i].slow = nil, false
		}
		s.resolve(ops)
		a := ops[0].set
		for i, want := range []bool{true, true, false, false, false, false, true, false, true} {
			if got := a != nil && ops[i].set == a; got != want {
				t.Errorf("event %d has the set of the first: %t, want %t", i, got, want)
			}
		}
		if !ops[2].slow || ops[2].set != nil || ops[7].set != nil || ops[3].set == nil || ops[4].set == nil || ops[5].set == nil {
			t.Errorf("the sets are %+v", ops)
		}
	}
}

// TestCallsOfTooManyEvents are refused before anything is done for them.
func TestCallsOfTooManyEvents(t *testing.T) {
	s := newInTest(t)
	_, err := s.Append(t.Context(), make([]waybill.Event, maxEvents+1))
	if waybill.CodeOf(err) != waybill.TooLarge || !strings.Contains(err.Error(), "1000001") || !strings.Contains(err.Error(), "1000000") {
		t.Errorf("Append fails with %v, want too large and both numbers", err)
	}
}

// TestExtrasEndAGeneration: a generation of few messages with many clicks is one too.
func TestExtrasEndAGeneration(t *testing.T) {
	const limit, messages = 100, 50
	s, err := Open(t.TempDir(), Options{GenerationMessages: limit})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	configureInTest(t, s, waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA})
	for n := range messages {
		if _, err := s.Append(t.Context(), clicksInTest(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
		locked(t, s, func() {
			const oneCall = waybill.MaxClicks * 1000
			for _, table := range s.tables() {
				if most := 2*extraBytes*limit + oneCall; table.extraBytes > most || table.extraBytes < 0 {
					t.Fatalf("after %d messages a generation has %d bytes of clicks, want at most %d", n, table.extraBytes, most)
				}
			}
		})
	}
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
}

// clicksInTest returns as many clicks on a message as are kept, with long texts.
func clicksInTest(id string) []waybill.Event {
	events := make([]waybill.Event, waybill.MaxClicks)
	for i := range events {
		events[i] = waybill.Event{
			Channel: 1, Message: id, Status: waybill.StatusClicked, At: inTest + waybill.Instant(i),
			Button: waybill.Button{Type: "reply", Text: strings.Repeat("x", 200)}, Click: fmt.Sprintf("%0200d", i),
		}
	}
	return events
}

// TestCallsOfTooManyClicks names many messages that have all the clicks they can: the
// call would bring them all into memory.
func TestCallsOfTooManyClicks(t *testing.T) {
	s, err := Open(t.TempDir(), Options{GenerationMessages: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	configureInTest(t, s, waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA})
	var again []waybill.Event
	for n := range 2 * s.maxLoaded() / (waybill.MaxClicks * 400) {
		id := fmt.Sprint(n)
		if _, err := s.Append(t.Context(), clicksInTest(id)); err != nil {
			t.Fatal(err)
		}
		again = append(again, waybill.Event{Channel: 1, Message: id, Status: waybill.StatusRead, At: inTest + 1})
	}
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), again); waybill.CodeOf(err) != waybill.TooLarge {
		t.Errorf("all at once fail with %v, want too large", err)
	}
	var group []chan error
	for _, e := range again { // calls that wait share commits
		done := make(chan error, 1)
		group = append(group, done)
		go func() {
			_, err := s.Append(context.Background(), []waybill.Event{e})
			done <- err
		}()
	}
	for i, done := range group {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("call %d does not return", i)
		}
	}
	for i := range again {
		if m, err := s.Message(t.Context(), 1, again[i].Message); err != nil || m.At[waybill.Read] == waybill.Never || len(m.Clicks) != waybill.MaxClicks {
			t.Fatalf("message %d has read %d and %d clicks, %v", i, m.At[waybill.Read], len(m.Clicks), err)
		}
	}
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
}
