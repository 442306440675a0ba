package ingest

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"waybill/internal/telemetry"
)

func TestQueueIsToldWithoutItsLock(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		release := stall(store)
		r := newRecorder(t, store, RecorderOptions{QueueEvents: 16})
		m := telemetry.New()
		if err := m.Register(r.Collectors()...); err != nil {
			t.Fatal(err)
		}
		wants := func(lines ...string) {
			t.Helper()
			r.mu.Lock() // a scrape that needs it would not come back
			defer r.mu.Unlock()
			w := httptest.NewRecorder()
			m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			for _, line := range lines {
				if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
					t.Errorf("no line %s", line)
				}
			}
		}
		wants("waybill_queue_events 0", "waybill_queue_limit_events 16", "waybill_queue_refused_calls_total 0")
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.RecordFor(t.Context(), "a", events("1", "2", "3", "4", "5", "6")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if _, err := r.RecordFor(t.Context(), "a", events("7")); err == nil {
			t.Error("a call beyond the share is recorded")
		}
		wants("waybill_queue_events 6", "waybill_queue_refused_calls_total 1")
		release()
		wg.Wait()
		wants("waybill_queue_events 0")
	})
}
