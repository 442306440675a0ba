package pebble_test

import (
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestRetention lets time pass and looks at what is left of a message.
func TestRetention(t *testing.T) {
	const keep = 56 * day
	dir, clock := t.TempDir(), &atomic.Int64{}
	clock.Store(int64(start))
	opt := pebble.Options{
		KeepMessages: keep * time.Second,
		Now:          func() time.Time { return time.Unix(clock.Load(), 0) },
	}
	s := mustOpen(t, dir, opt)
	configure(t, s, channels()...)
	sent := waybill.Event{Channel: 1, Message: "old", Status: waybill.StatusSent, At: start}
	sent.Labels.Set(waybill.LabelSegment, "s", waybill.RankOwn)
	failed := waybill.Event{Channel: 1, Message: "old", Status: waybill.StatusFailed, At: start + 3, Failure: waybill.Failure{Code: "7"}}
	appendAll(t, s, []waybill.Event{sent, failed})

	for range 3 {
		clock.Add(keep + 28*day)
		recent := sent
		recent.Message, recent.At = "new", waybill.Instant(clock.Load())
		s = reopen(t, s, dir, opt)
		late, err := s.Append(t.Context(), []waybill.Event{sent, recent})
		if err != nil || late[0] != waybill.TooLate || late[1] == waybill.TooLate {
			t.Fatalf("outcomes are %v, %v, want the first to be too late", late, err)
		}
	}
	awaitNotFound(t, s, 1, "old")
	s = reopen(t, s, dir, opt)
	defer s.Close()
	wantKept(t, s)
	if n, err := s.TooLate(t.Context()); err != nil || n != 3 {
		t.Errorf("%d events were too late, %v, want 3", n, err)
	}
	page, err := s.Messages(t.Context(), waybill.MessageQuery{
		Channel: 1, Metric: waybill.Metric(waybill.Sent), To: waybill.MaxInstant, Limit: 10,
	})
	if err != nil || len(page.Messages) != 1 || page.Messages[0].ID != "new" {
		t.Errorf("Messages returns %+v, %v, want the new one alone", page, err)
	}
}

// TestRetentionWaitsForAnImport: as long as an old history comes in, none of it is
// dropped, also across restarts; but not for ever.
func TestRetentionWaitsForAnImport(t *testing.T) {
	const keep, hour = 56 * day, 60 * 60
	dir, clock := t.TempDir(), &atomic.Int64{}
	clock.Store(int64(start) + 2000*day)
	opt := pebble.Options{
		KeepMessages: keep * time.Second,
		Now:          func() time.Time { return time.Unix(clock.Load(), 0) },
	}
	s := mustOpen(t, dir, opt)
	configure(t, s, channels()...)
	send := func(message string) waybill.Outcome {
		t.Helper()
		outcomes, err := s.Append(t.Context(), []waybill.Event{
			{Channel: 1, Message: message, Status: waybill.StatusSent, At: start},
			{Channel: 1, Message: "now" + message, Status: waybill.StatusSent, At: waybill.Instant(clock.Load())},
		})
		if err != nil {
			t.Fatal(err)
		}
		return outcomes[0]
	}
	// Every 20 hours some come, for a week.
	for i := range 9 {
		if got := send("m"); got != waybill.Changed && i == 0 || got != waybill.Unchanged && i > 0 {
			t.Fatalf("after %d times 20 hours the outcome is %d", i, got)
		}
		clock.Add(20 * hour)
		s = reopen(t, s, dir, opt)
	}
	if got := send("m"); got != waybill.TooLate {
		t.Errorf("after more than a week the outcome is %d, want too late", got)
	}
	// A second history, older than what is dropped now, ends by itself.
	clock.Add(400 * day)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	s = mustOpen(t, dir, opt)
	configure(t, s, channels()...)
	send("m")
	clock.Add(25 * hour)
	s = reopen(t, s, dir, opt)
	defer s.Close()
	if got := send("m"); got != waybill.TooLate {
		t.Errorf("a day after the last one the outcome is %d, want too late", got)
	}
}

// wantKept looks at what the old and the new message of TestRetention count.
func wantKept(t *testing.T, s *pebble.Store) {
	t.Helper()
	points, err := s.Points(t.Context(), waybill.Query{
		Channels: []waybill.ChannelNumber{1}, To: waybill.MaxInstant, Granularity: waybill.Total,
	})
	want := waybill.Counts{waybill.Accepted: 4, waybill.Sent: 4, waybill.Failed: 1}
	if err != nil || len(points) != 1 || points[0].Counts != want {
		t.Errorf("Points returns %+v, %v, want %v", points, err, want)
	}
	differences, err := s.Verify(t.Context(), 5)
	if err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
}

func reopen(t *testing.T, s *pebble.Store, dir string, opt pebble.Options) *pebble.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, dir, opt)
}

func awaitNotFound(t *testing.T, s *pebble.Store, c waybill.ChannelNumber, id string) {
	t.Helper()
	for {
		if _, err := s.Message(t.Context(), c, id); waybill.CodeOf(err) == waybill.NotFound {
			return
		}
	}
}
