package pebble

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAScrapeWaitsForNobody scrapes while all that writers, readers and the folder
// lock is held.
func TestAScrapeWaitsForNobody(t *testing.T) {
	s := newInTest(t)
	s.folding <- struct{}{} // first: the folder, which may be at it, needs the others then
	defer func() { <-s.folding }()
	locked(t, s, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		done := make(chan int)
		go func() {
			metrics := make(chan prometheus.Metric, 1000)
			s.Collector().Collect(metrics)
			done <- len(metrics)
		}()
		select {
		case n := <-done:
			if n == 0 {
				t.Error("nothing was collected")
			}
		case <-time.After(10 * time.Second):
			t.Error("a scrape waits for a lock")
		}
	})
}

func TestStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w stall
		w.begin()
		time.Sleep(time.Second)
		if got := w.total(); got != time.Second {
			t.Errorf("%s so far, want 1s", got)
		}
		w.end()
		w.end() // the engine may say so twice
		time.Sleep(time.Second)
		w.begin()
		time.Sleep(time.Second)
		w.end()
		if w.total() != 2*time.Second || w.times.Load() != 2 {
			t.Errorf("%d stalls of %s, want 2 of 2s", w.times.Load(), w.total())
		}
	})
}
