package pebble_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestCheckpointsDuringADrop takes copies between the steps of a drop: each counts what
// the store does, and goes on by itself.
func TestCheckpointsDuringADrop(t *testing.T) {
	const messages = 6000
	clock := &atomic.Int64{}
	clock.Store(int64(start))
	opt := pebble.Options{
		KeepMessages: 56 * day * time.Second,
		Now:          func() time.Time { return time.Unix(clock.Load(), 0) },
	}
	dir := t.TempDir()
	s := mustOpen(t, dir, opt)
	configure(t, s, enabledAt(0)...)
	appendAll(t, s, sentMessages(messages))
	if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
		t.Fatal(err)
	}
	clock.Add(90 * day)
	slowly := opt
	slowly.GenerationMessages = 10 // so many are dropped in a step
	s = reopen(t, s, dir, slowly)
	defer s.Close()
	copies, halfway := t.TempDir(), 0
	for n := 0; n < 3 || s.HasOld(); n++ {
		to := filepath.Join(copies, fmt.Sprint(n))
		if err := s.Checkpoint(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		backup := mustOpen(t, to, opt)
		if left := pebble.CountMessages(t, backup); left > 0 && left < messages {
			halfway++
		}
		wantSent(t, backup, messages)
		awaitUpkeep(t, backup)
		wantSent(t, backup, messages)
		if left := pebble.CountMessages(t, backup); left != 0 {
			t.Errorf("%d old messages are left in copy %d", left, n)
		}
		if err := backup.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d copies were made halfway", halfway)
}

func wantSent(t *testing.T, s *pebble.Store, want int64) {
	t.Helper()
	points, err := s.Points(t.Context(), waybill.Query{Channels: []waybill.ChannelNumber{1}, To: waybill.MaxInstant})
	if err != nil || len(points) != 1 || points[0].Counts[waybill.Sent] != want {
		t.Errorf("Points returns %+v, %v, want %d sent", points, err, want)
	}
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
}
