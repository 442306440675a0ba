package pebble_test

import (
	"fmt"
	"iter"
	"runtime"
	"sync"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// start is the first instant of the traffic, a Monday.
const start waybill.Instant = 1704067200

const day = 24 * 60 * 60

func channels() []waybill.ChannelState {
	return []waybill.ChannelState{
		{Number: 1, Provider: waybill.ProviderChatapp, MetricsEnabled: start},
		{Number: 2, Provider: waybill.ProviderWABA},
	}
}

// openWith opens a store in a fresh directory with the given channels.
func openWith(t testing.TB, states []waybill.ChannelState) *pebble.Store {
	t.Helper()
	s, err := pebble.Open(t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	configure(t, s, states...)
	return s
}

func configure(t testing.TB, s waybill.Store, states ...waybill.ChannelState) {
	t.Helper()
	if err := s.Configure(t.Context(), waybill.Change{Channels: states}); err != nil {
		t.Fatal(err)
	}
}

func appendAll(t testing.TB, s waybill.Store, events []waybill.Event) {
	t.Helper()
	if _, err := s.Append(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

// batches returns the events of the traffic in batches of the given size.
func batches(tr storetest.Traffic, size int) iter.Seq[[]waybill.Event] {
	return func(yield func([]waybill.Event) bool) {
		var batch []waybill.Event
		for part := range tr.Batches() {
			batch = append(batch, part...)
			for len(batch) >= size {
				if !yield(batch[:size:size]) {
					return
				}
				batch = batch[size:]
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100, 8000} {
		// The messages of a window are mixed, so that most reports but the
		// first find their message.
		b.Run(fmt.Sprintf("new messages/%d", size), func(b *testing.B) {
			benchmarkAppend(b, size, false)
		})
		b.Run(fmt.Sprintf("repeated events/%d", size), func(b *testing.B) {
			benchmarkAppend(b, size, true)
		})
	}
}

func benchmarkAppend(b *testing.B, size int, repeat bool) {
	s := openWith(b, channels())
	next, stop := iter.Pull(batches(storetest.Traffic{
		Messages: 1 << 30, Channels: channels(), Start: start, PerDay: 50_000, Window: 20_000,
	}, size))
	defer stop()
	batch, _ := next()
	var took time.Duration
	for b.Loop() {
		if !repeat {
			b.StopTimer()
			batch, _ = next()
			b.StartTimer()
		}
		began := time.Now()
		appendAll(b, s, batch)
		took += time.Since(began)
	}
	b.ReportMetric(float64(b.N*size)/took.Seconds(), "events/s")
}

// BenchmarkWriters has 64 writers of one event each, which share commits.
func BenchmarkWriters(b *testing.B) {
	s := openWith(b, channels())
	next, stop := iter.Pull(batches(storetest.Traffic{
		Messages: 1 << 30, Channels: channels(), Start: start, PerDay: 50_000, Window: 20_000,
	}, 1))
	defer stop()
	var mu sync.Mutex
	b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			events, _ := next()
			mu.Unlock()
			if _, err := s.Append(b.Context(), events); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkPoints(b *testing.B) {
	const messages, days = 150_000, 365
	for _, bb := range []struct {
		name string
		days int
		q    waybill.Query
	}{
		{"template of 30 days by day", 90, waybill.Query{
			From: start + 60*day, To: start + 90*day, Granularity: waybill.Day,
			Where: []waybill.Filter{{By: waybill.Dimension(waybill.LabelTemplate), Values: []string{"1100"}}},
		}},
		{"90 days by day", 90, waybill.Query{From: 0, To: waybill.MaxInstant, Granularity: waybill.Day}},
		{"365 days by half hour and sender", days, waybill.Query{
			From: start, To: start + days*day, Granularity: waybill.HalfHour,
			GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelSender)},
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			s := openWith(b, channels()[:1])
			for batch := range batches(storetest.Traffic{
				Messages: messages, Channels: channels()[:1], Start: start,
				PerDay: messages / bb.days, Window: 20_000,
			}, 8000) {
				appendAll(b, s, batch)
			}
			bb.q.Channels = []waybill.ChannelNumber{1}
			points := 0
			for b.Loop() {
				answer, err := s.Points(b.Context(), bb.q)
				if err != nil {
					b.Fatal(err)
				}
				points = len(answer)
			}
			b.ReportMetric(float64(points), "points")
		})
	}
}
