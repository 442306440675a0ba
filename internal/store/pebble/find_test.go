package pebble_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// sentMessages returns a report of each of n messages of channel 1.
func sentMessages(n int) []waybill.Event {
	events := make([]waybill.Event, n)
	for i := range events {
		events[i] = waybill.Event{
			Channel: 1, Message: fmt.Sprint("m", i), Status: waybill.StatusSent, At: start + waybill.Instant(i),
		}
	}
	return events
}

// pages returns how often each sent message of channel 1 is found.
func pages(ctx context.Context, t *testing.T, s *pebble.Store, limit int) map[string]int {
	t.Helper()
	found := make(map[string]int)
	q := waybill.MessageQuery{
		Channel: 1, Metric: waybill.Metric(waybill.Sent), From: start, To: waybill.MaxInstant, Limit: limit,
	}
	for {
		page, err := s.Messages(ctx, q)
		if err != nil {
			t.Fatalf("Messages fails with %v after %d messages", err, len(found))
		}
		for _, m := range page.Messages {
			found[m.ID]++
		}
		if q.After = page.Next; q.After == "" {
			return found
		}
	}
}

func wantAll(t *testing.T, found map[string]int, events []waybill.Event) {
	t.Helper()
	for i := range events {
		if n := found[events[i].Message]; n != 1 {
			t.Errorf("message %s is found %d times", events[i].Message, n)
			return
		}
	}
}

// meanwhile calls f in the background, again and again, until the function that it
// returns is called.
func meanwhile(t *testing.T, f func(n int)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			f(n)
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// enough is far more than anything here takes, and ends what never would.
const enough = 20 * time.Second

// TestMessagesAreFoundWhileTheirReportsAreRepeated: what changes nothing hides
// nothing, wherever the messages lie meanwhile.
func TestMessagesAreFoundWhileTheirReportsAreRepeated(t *testing.T) {
	events := sentMessages(3000)
	for _, generation := range []int{0, 500} {
		s := mustOpen(t, t.TempDir(), pebble.Options{GenerationMessages: generation})
		configure(t, s, enabledAt(0)...)
		appendAll(t, s, events)
		if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
			t.Fatal(err)
		}
		stop := meanwhile(t, func(n int) {
			from := n * 100 % len(events)
			appendAll(t, s, events[from:from+100])
		})
		ctx, cancel := context.WithTimeout(t.Context(), enough)
		for range 3 {
			wantAll(t, pages(ctx, t, s, 100), events)
		}
		cancel()
		stop()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMessagesAreFoundWhileGenerationsEnd has a generation end with nearly every
// commit of another channel.
func TestMessagesAreFoundWhileGenerationsEnd(t *testing.T) {
	s := mustOpen(t, t.TempDir(), pebble.Options{GenerationMessages: 3})
	defer s.Close()
	configure(t, s, enabledAt(0)...)
	events := sentMessages(1000)
	appendAll(t, s, events)
	stop := meanwhile(t, func(n int) {
		batch := make([]waybill.Event, 10)
		for i := range batch {
			batch[i] = waybill.Event{Channel: 2, Message: fmt.Sprint(n, i), Status: waybill.StatusSent, At: start}
		}
		appendAll(t, s, batch)
	})
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	for _, limit := range []int{100, 1000} {
		wantAll(t, pages(ctx, t, s, limit), events)
	}
}

// TestMessagesOfEarlierFoldsAreFound: a later fold of the same partition leaves the
// times of what is there known.
func TestMessagesOfEarlierFoldsAreFound(t *testing.T) {
	s := mustOpen(t, t.TempDir(), pebble.Options{})
	defer s.Close()
	configure(t, s, enabledAt(0)...)
	times := []waybill.Instant{start, start + 6*day, start + 3*day}
	for i, at := range times {
		appendAll(t, s, []waybill.Event{{Channel: 1, Message: fmt.Sprint("m", i), Status: waybill.StatusSent, At: at}})
		if i == 0 {
			continue // is folded with the next one
		}
		if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
			t.Fatal(err)
		}
		for earlier, at := range times[:i+1] {
			page, err := s.Messages(t.Context(), waybill.MessageQuery{
				Channel: 1, Metric: waybill.Metric(waybill.Sent), From: at, To: at + day, Limit: 10,
			})
			if err != nil || len(page.Messages) != 1 || page.Messages[0].ID != fmt.Sprint("m", earlier) {
				t.Errorf("with %d messages, of message %d are found %+v, %v", i+1, earlier, page, err)
			}
		}
	}
}
