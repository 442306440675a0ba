package pebble_test

import (
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestReportedAgainAcrossTheHorizon reports a message again after its partition was
// given up, while the log still has what it was before, and starts again: it counts
// as what it was and as a new one.
func TestReportedAgainAcrossTheHorizon(t *testing.T) {
	for _, crash := range []bool{false, true} {
		clock := &atomic.Int64{}
		clock.Store(int64(start))
		opt := pebble.Options{
			KeepMessages: 56 * day * time.Second,
			Now:          func() time.Time { return time.Unix(clock.Load(), 0) },
		}
		dir := t.TempDir()
		s := mustOpen(t, dir, opt)
		configure(t, s, channels()...)
		sent := waybill.Event{Channel: 1, Message: "m", Status: waybill.StatusSent, At: start}
		appendAll(t, s, []waybill.Event{sent})
		clock.Add(90 * day)
		s = reopen(t, s, dir, opt)
		again := sent
		again.At = waybill.Instant(clock.Load())
		appendAll(t, s, []waybill.Event{again, sent})
		if crash { // as after a kill: what is in the log is all there is
			copied := t.TempDir() + "/copy"
			if err := s.Checkpoint(t.Context(), copied); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, copied, opt)
		}
		for range 2 {
			points, err := s.Points(t.Context(), waybill.Query{Channels: []waybill.ChannelNumber{1}, To: waybill.MaxInstant})
			if err != nil || len(points) != 1 || points[0].Counts[waybill.Sent] != 2 {
				t.Errorf("crash %t: Points returns %+v, %v, want 2 sent", crash, points, err)
			}
			if differences, err := s.Verify(t.Context(), 5); err != nil || len(differences) > 0 {
				t.Errorf("crash %t: Verify returns %+v, %v", crash, differences, err)
			}
			if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
				t.Fatal(err)
			}
		}
		if m, err := s.Message(t.Context(), 1, "m"); err != nil || m.At[waybill.Sent] != again.At {
			t.Errorf("crash %t: the message is %+v, %v", crash, m, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWrongClockAtTheStart: one start in the far future must not drop everything.
func TestWrongClockAtTheStart(t *testing.T) {
	clock := &atomic.Int64{}
	clock.Store(int64(start))
	opt := pebble.Options{
		KeepMessages: 56 * day * time.Second,
		Now:          func() time.Time { return time.Unix(clock.Load(), 0) },
	}
	dir := t.TempDir()
	s := mustOpen(t, dir, opt)
	configure(t, s, channels()...)
	e := waybill.Event{Channel: 1, Message: "m", Status: waybill.StatusSent, At: start}
	appendAll(t, s, []waybill.Event{e})
	jump := func(by int64) { // while nobody has the store open
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		clock.Add(by)
		s = mustOpen(t, dir, opt)
	}
	jump(12 * 365 * day)
	appendAll(t, s, []waybill.Event{{Channel: 1, Message: "n", Status: waybill.StatusSent, At: start + day}})
	jump(-12 * 365 * day)
	defer s.Close()
	if _, err := s.Message(t.Context(), 1, "m"); err != nil {
		t.Errorf("the message is gone: %v", err)
	}
	e.Message, e.At = "later", start+60
	outcomes, err := s.Append(t.Context(), []waybill.Event{e})
	if err != nil || outcomes[0] != waybill.Changed {
		t.Errorf("a report of now is answered %v, %v", outcomes, err)
	}
}
