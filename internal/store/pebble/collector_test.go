package pebble_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"waybill"
	"waybill/internal/store/pebble"
)

// collect returns the metrics of a store, a histogram by its count.
func collect(t *testing.T, s *pebble.Store) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(s.Collector()); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	found := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "waybill_")
			for _, l := range m.GetLabel() {
				name += "," + l.GetValue()
			}
			found[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return found
}

// observed is collect once the store has been looked at.
func observed(t *testing.T, s *pebble.Store) map[string]float64 {
	t.Helper()
	for range 2000 {
		if found := collect(t, s); found["store_observed_timestamp_seconds"] > 0 {
			return found
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("nobody looks at the store")
	return nil
}

func TestCollector(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, pebble.Options{GenerationMessages: 1000})
	defer s.Close()
	configure(t, s, channels()...)
	batch := func(from, n int) []waybill.Event {
		events := make([]waybill.Event, n)
		for i := range events {
			events[i] = waybill.Event{
				Channel: 1, Message: fmt.Sprint("m", from+i), Recipient: "4917", Status: waybill.StatusSent, At: start,
			}
		}
		return events
	}
	for from := 0; from < 2500; from += 100 {
		appendAll(t, s, batch(from, 100))
	}
	want(t, s, newLedgerOf(batch(0, 2500)), newLedgerOf(batch(0, 2500)))
	if err := s.Checkpoint(t.Context(), filepath.Join(t.TempDir(), "copy")); err != nil { // waits for the folder
		t.Fatal(err)
	}
	got := observed(t, s)
	live := got["store_memory_messages"]
	if live+got["store_bloom_messages"]+got["store_waiting_messages"] != 2500 || live >= 2000 {
		t.Errorf("%v messages in memory, %v wait, %v are known to the filter; want 2500 in all",
			live, got["store_waiting_messages"], got["store_bloom_messages"])
	}
	for name, value := range map[string]float64{
		"store_memory_limit_messages": 1000, "store_stopped": 0, "store_too_late_total": 0, "store_fold_failures_total": 0,
		"store_channels": float64(len(channels())), "store_partitions": 1, "store_kept_from_timestamp_seconds": 0,
	} {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	for _, name := range []string{
		"store_fold_seconds", "store_bytes,messages", "store_bytes,names", "store_bytes,engine_log", "store_bytes,bloom",
		"store_disk_free_bytes", "engine_ingested_bytes_total", "engine_files", "engine_log_written_bytes_total",
	} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	told := 0.0
	for name, value := range got {
		if strings.HasPrefix(name, "store_bytes,") {
			told += value
		}
	}
	if used := bytesOf(t, dir); told > 1.1*used || told < used/2 {
		t.Errorf("the kinds have %v bytes, the files %v", told, used)
	}
}

func newLedgerOf(events []waybill.Event) *ledger {
	l := newLedger()
	l.add(events)
	return l
}

func bytesOf(t *testing.T, dir string) (sum float64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += float64(info.Size())
		}
		return nil // a file may go while we look
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// What a start finds is told as what came in before.
func TestCollectorAfterAStart(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, pebble.Options{})
	configure(t, s, channels()...)
	appendAll(t, s, []waybill.Event{{Channel: 1, Message: "m", Status: waybill.StatusSent, At: start}})
	s = reopen(t, s, dir, pebble.Options{})
	defer s.Close()
	if got := collect(t, s)["store_memory_messages"]; got != 1 {
		t.Errorf("%v messages in memory, want 1", got)
	}
}

// A disk that failed is told, and a scrape goes on.
func TestCollectorOfAStoreThatStopped(t *testing.T) {
	failing := &atomic.Bool{}
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errorfs.ErrInjected
		}
		return nil
	})
	s := mustOpen(t, "data", pebble.Options{FS: errorfs.Wrap(vfs.NewMem(), inject)})
	configure(t, s, channels()...)
	if got := collect(t, s)["store_stopped"]; got != 0 {
		t.Errorf("store_stopped is %v, want 0", got)
	}
	failing.Store(true)
	_, err := s.Append(t.Context(), []waybill.Event{{Channel: 1, Message: "m", Status: waybill.StatusSent, At: start}})
	if waybill.CodeOf(err) != waybill.Unavailable {
		t.Fatalf("error %v", err)
	}
	for range 3 {
		if got := collect(t, s)["store_stopped"]; got != 1 {
			t.Errorf("store_stopped is %v, want 1", got)
		}
	}
	if err := s.Close(); err == nil {
		t.Error("closed without an error")
	}
}
