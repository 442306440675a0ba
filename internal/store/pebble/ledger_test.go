package pebble_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"waybill"
	"waybill/internal/store/pebble"
)

// streamBatch returns batch n of an endless stream: reports of some messages
// that began lately, in any order and partly repeated.
func streamBatch(n int) []waybill.Event {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	events := make([]waybill.Event, 1+r.IntN(120))
	for i := range events {
		events[i] = streamEvent(r, max(0, n*15-int(r.ExpFloat64()*150)))
	}
	return events
}

func streamEvent(r *rand.Rand, message int) waybill.Event {
	e := waybill.Event{
		Channel: waybill.ChannelNumber(1 + message%2),
		Message: fmt.Sprint("wamid.", message*2654435761),
		Status:  waybill.Status(r.IntN(int(waybill.StatusClicked) + 1)),
		At:      start + waybill.Instant(message)*60 + waybill.Instant(r.IntN(20_000)),
	}
	if r.IntN(3) > 0 {
		e.Labels.Set(waybill.LabelSender, fmt.Sprint(message%5), waybill.RankVendor)
		e.Labels.Set(waybill.LabelTemplate, fmt.Sprint(message%40), waybill.Rank(1+r.IntN(4)))
		e.Labels[waybill.LabelCampaign] = waybill.LabelValue{
			Value: fmt.Sprint("c", r.IntN(3)), Rank: waybill.RankOwn, Rev: int64(r.IntN(1000)),
		}
	}
	switch e.Status {
	case waybill.StatusFailed:
		e.Failure.Code = fmt.Sprint(131000 + r.IntN(20))
	case waybill.StatusClicked:
		e.Button = waybill.Button{Type: "reply", Text: fmt.Sprint(r.IntN(4))}
	}
	return e
}

// A ledger is what a store must know.
type ledger struct {
	messages map[ledgerKey]waybill.Message
}

type ledgerKey struct {
	channel waybill.ChannelNumber
	id      string
}

func newLedger() *ledger { return &ledger{make(map[ledgerKey]waybill.Message)} }

func (l *ledger) add(events []waybill.Event) {
	for _, e := range events {
		k := ledgerKey{e.Channel, e.Message}
		m := l.messages[k]
		m.Merge(e.History())
		l.messages[k] = m
	}
}

// want fails t unless s holds between low and high: see check.
func want(t testing.TB, s *pebble.Store, low, high *ledger) {
	t.Helper()
	if err := s.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := check(t.Context(), s, low, high); err != nil {
		t.Fatal(err)
	}
}

// check fails unless s knows of each message of high at least what low says and
// at most what high says, carries the right marks, and counts what it knows.
func check(ctx context.Context, s *pebble.Store, low, high *ledger) error {
	states, err := s.Channels(ctx)
	if err != nil {
		return err
	}
	enabled := make(map[waybill.ChannelNumber]waybill.Instant)
	for _, c := range states {
		enabled[c.Number] = c.MetricsEnabled
	}
	for k, most := range high.messages {
		have, err := s.Message(ctx, k.channel, k.id)
		if err != nil && waybill.CodeOf(err) != waybill.NotFound {
			return err
		}
		marked := have
		marked.Mark(enabled[k.channel])
		switch least := low.messages[k]; {
		case !includes(have, least):
			return fmt.Errorf("message %s is %+v and lacks something of %+v", k.id, have, least)
		case !includes(most, have):
			return fmt.Errorf("message %s is %+v, more than %+v", k.id, have, most)
		case marked.Collected != have.Collected:
			return fmt.Errorf("message %s has collected = %t", k.id, have.Collected)
		}
	}
	differences, err := s.Verify(ctx, 3)
	if len(differences) > 0 {
		return fmt.Errorf("Verify returns %+v", differences)
	}
	return err
}

// includes reports whether m knows all that part does.
func includes(m, part waybill.Message) bool {
	joined := m
	joined.Merge(part)
	return joined.Equal(&m)
}

// enabledAt returns a setting that changes with n, so that passes are due.
func enabledAt(n int) []waybill.ChannelState {
	return []waybill.ChannelState{
		{Number: 1, Provider: waybill.ProviderWABA, MetricsEnabled: start + waybill.Instant(n)*600},
		{Number: 2, Provider: waybill.ProviderMomo, MetricsEnabled: start},
	}
}
