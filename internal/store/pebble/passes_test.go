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
