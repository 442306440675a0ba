package pebble_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestPassesOverManyMessages changes settings while a pass over several chunks of
// messages is under way, and cuts the power in the middle of another.
func TestPassesOverManyMessages(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := mustOpen(t, "data", pebble.Options{FS: fs})
	configure(t, s, enabledAt(0)...)
	all := newLedger()
	events := make([]waybill.Event, 14_000)
	for i := range events {
		events[i] = waybill.Event{
			Channel: waybill.ChannelNumber(1 + i%2), Message: fmt.Sprintf("%05d", i),
			Status: waybill.StatusSent, At: start + waybill.Instant(i)*60,
		}
	}
	all.add(events)
	appendAll(t, s, events)
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 9 {
		configure(t, s, enabledAt(1000)...)
		awaitMark(t, s, events[0], false)
		configure(t, s, enabledAt(n*150)...)
		awaitMark(t, s, events[n*1500], true)
		wantAfterCrash(t, crashed(fs, r, n), all, all)
		want(t, s, all, all)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// awaitMark returns when a pass has set the mark of the message of e.
func awaitMark(t *testing.T, s *pebble.Store, e waybill.Event, collected bool) {
	t.Helper()
	for {
		m, err := s.Message(t.Context(), e.Channel, e.Message)
		if err != nil {
			t.Fatal(err)
		}
		if m.Collected == collected {
			return
		}
	}
}

// TestPassesOverRuns changes a setting in the middle of a pass, when the messages whose
// marks it has renewed are in no table any more.
func TestPassesOverRuns(t *testing.T) {
	s := mustOpen(t, t.TempDir(), pebble.Options{GenerationMessages: 500})
	defer s.Close()
	configure(t, s, enabledAt(0)...)
	events := sentMessages(10_000)
	appendAll(t, s, events)
	for n, enabled := range []int{1000, 0, 1000, 0} {
		if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
			t.Fatal(err)
		}
		configure(t, s, enabledAt(enabled)...)
		if n%2 == 0 {
			for collected(t, s) > 4000 { // until three chunks are renewed
			}
			configure(t, s, enabledAt(0)...)
			enabled = 0
		}
		if err := s.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := collected(t, s), int64(len(events)); got != want && enabled == 0 {
			t.Errorf("after change %d, %d of %d messages are collected", n, got, want)
		}
		configure(t, s, enabledAt(1000)...)
		if err := s.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := collected(t, s); got != 0 {
			t.Errorf("after change %d, %d messages are collected still", n, got)
		}
		configure(t, s, enabledAt(0)...)
		if err := s.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// collected returns how many sent messages of channel 1 are.
func collected(t *testing.T, s *pebble.Store) int64 {
	t.Helper()
	points, err := s.Points(t.Context(), waybill.Query{
		Channels: []waybill.ChannelNumber{1}, To: waybill.MaxInstant, Collected: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, p := range points {
		n += p.Counts[waybill.Sent]
	}
	return n
}
