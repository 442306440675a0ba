package pebble_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestCloseInTheMidst closes a store while old histories are dropped, a copy is made, a
// recipient is erased and events come in. Each call returns, and nothing is lost.
func TestCloseInTheMidst(t *testing.T) {
	const old, limit = 500, 20
	for round := range 12 {
		clock := &atomic.Int64{}
		clock.Store(int64(start))
		opt := pebble.Options{
			GenerationMessages: limit, KeepMessages: 56 * day * time.Second,
			Now: func() time.Time { return time.Unix(clock.Load(), 0) },
		}
		dir := t.TempDir()
		s := mustOpen(t, dir, opt)
		configure(t, s, enabledAt(0)...)
		appendAll(t, s, sentMessages(old))
		clock.Add(90 * day)
		s = reopen(t, s, dir, opt)
		acknowledged, begun := int64(old), make(chan struct{})
		begin := sync.OnceFunc(func() { close(begun) })
		var group sync.WaitGroup
		group.Go(func() { _ = s.Checkpoint(t.Context(), filepath.Join(t.TempDir(), "copy")) })
		group.Go(func() { _, _ = s.Erase(t.Context(), "62811") })
		group.Go(func() {
			defer begin()
			for n := 0; ; n++ {
				if n == 15*round {
					begin()
				}
				event := waybill.Event{
					Channel: 1, Message: fmt.Sprint("new", n), Recipient: "62811", Status: waybill.StatusSent, At: start + 90*day,
				}
				if _, err := s.Append(t.Context(), []waybill.Event{event}); err != nil {
					if n < 15*round {
						t.Errorf("Append fails before Close with %v", err)
					}
					return
				}
				acknowledged++
			}
		})
		<-begun
		ended := make(chan error, 1)
		go func() { ended <- s.Close() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(enough):
			t.Fatal("Close does not return")
		}
		group.Wait()
		s = mustOpen(t, dir, opt)
		wantSent(t, s, acknowledged)
		awaitUpkeep(t, s)
		wantSent(t, s, acknowledged)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
