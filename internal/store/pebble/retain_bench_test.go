package pebble_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// BenchmarkCommitsDuringRetention commits batches of 100 new messages while three million
// old ones are dropped and the filter is made anew.
func BenchmarkCommitsDuringRetention(b *testing.B) {
	const old, batch = 3_000_000, 100
	clock := &atomic.Int64{}
	clock.Store(int64(start))
	opt := pebble.Options{
		GenerationMessages: 20_000, KeepMessages: 56 * day * time.Second,
		Now: func() time.Time { return time.Unix(clock.Load(), 0) },
	}
	for b.Loop() {
		b.StopTimer()
		clock.Store(int64(start))
		dir := b.TempDir()
		s := mustOpen(b, dir, opt)
		configure(b, s, channels()...)
		for n := 0; n < old; n += 10_000 {
			appendAll(b, s, messagesFrom(n, 10_000, start))
		}
		if _, err := s.Erase(b.Context(), "nobody"); err != nil { // which folds all
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		clock.Add(90 * day)
		s = mustOpen(b, dir, opt)
		b.StartTimer()
		var took []time.Duration
		for began, n := time.Now(), old; time.Since(began) < 15*time.Second; n += batch {
			at := time.Now()
			appendAll(b, s, messagesFrom(n, batch, waybill.Instant(clock.Load())))
			took = append(took, time.Since(at))
		}
		slices.Sort(took)
		b.ReportMetric(float64(len(took)*batch)/b.Elapsed().Seconds(), "events/s")
		for name, n := range map[string]int{"p50-ms": len(took) / 2, "p99-ms": len(took) * 99 / 100, "max-ms": len(took) - 1} {
			b.ReportMetric(float64(took[n].Microseconds())/1000, name)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// messagesFrom returns a report of each of n messages, numbered from first on, that
// were sent on a day.
func messagesFrom(first, n int, day waybill.Instant) []waybill.Event {
	events := make([]waybill.Event, n)
	for i := range events {
		e := &events[i]
		*e = waybill.Event{
			Channel: 1, Message: fmt.Sprint("wamid.", first+i),
			Status: waybill.StatusSent, At: day + waybill.Instant((first+i)%80_000),
		}
		e.Labels.Set(waybill.LabelTemplate, fmt.Sprint((first+i)%40), waybill.RankVendor)
	}
	return events
}
