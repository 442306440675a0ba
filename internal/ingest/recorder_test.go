package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"waybill"
	"waybill/internal/store/storetest"
	"waybill/internal/telemetry"
)

// atNoon runs f in a bubble whose clock, which the store looks at, shows noon.
func atNoon(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		f(t)
	})
}

// stall makes the store wait in each Append until the returned function is
// called.
func stall(l *ledger) (release func()) {
	gate := make(chan struct{})
	l.before = func([]waybill.Event) error { <-gate; return nil }
	return sync.OnceFunc(func() { close(gate) })
}

func TestRecordCountsWhatChanged(t *testing.T) {
	store := newLedger(t)
	r := newRecorder(t, store, RecorderOptions{})
	for _, tt := range []struct {
		name string
		want Receipt
	}{
		{"all is new", Receipt{Changed: 2, Known: true}},
		{"nothing is new", Receipt{Changed: 0, Known: true}},
	} {
		got, err := r.Record(t.Context(), events("a", "b"))
		if err != nil || got.Changed != tt.want.Changed || got.Known != tt.want.Known {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
	store.forgets = true
	if got, err := r.Record(t.Context(), events("c")); err != nil || got.Known {
		t.Errorf("store that cannot tell: %+v, %v, want Known false", got, err)
	}
}

func TestRecordKeepsTheRestOfInvalidEvents(t *testing.T) {
	store := newLedger(t)
	r := newRecorder(t, store, RecorderOptions{})
	es := events("a", "", "c", "d", "")
	es[3].At = waybill.InstantOf(noon.Add(25 * time.Hour))
	got, err := r.Record(t.Context(), es)
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	for _, rejection := range got.Rejected {
		at = append(at, rejection.Index)
		if waybill.CodeOf(rejection.Err) != waybill.Invalid {
			t.Errorf("event %d: %v is not Invalid", rejection.Index, rejection.Err)
		}
	}
	if !slices.Equal(at, []int{1, 3, 4}) || got.Changed != 2 {
		t.Errorf("rejected %v and %d changed, want 1, 3, 4 and 2", at, got.Changed)
	}
	if !store.has("a") || !store.has("c") || store.messages(t) != 2 {
		t.Error("stored are not just a and c")
	}
}

func TestRecordOfNothingTouchesNothing(t *testing.T) {
	store := newLedger(t)
	r := newRecorder(t, store, RecorderOptions{})
	if got, err := r.Record(t.Context(), events("")); err != nil || len(got.Rejected) != 1 || !got.Known {
		t.Errorf("only an invalid event: %+v, %v", got, err)
	}
	if n := store.sizes(); len(n) != 0 {
		t.Errorf("commits of %v events, want none", n)
	}
}

func TestCallsShareCommitsUpToTheBatch(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		release := stall(store)
		r := newRecorder(t, store, RecorderOptions{BatchEvents: 10})
		var wg sync.WaitGroup
		record := func(call, n int) {
			var es []waybill.Event
			for i := range n {
				es = append(es, event(fmt.Sprintf("%d-%d", call, i)))
			}
			wg.Go(func() {
				got, err := r.Record(t.Context(), es)
				if err != nil || got.Changed != n {
					t.Errorf("call %d: %+v, %v, want %d changed", call, got, err, n)
				}
			})
			synctest.Wait() // so that the calls queue in this order
		}
		for call, n := range []int{1, 4, 6, 1, 25, 3} {
			record(call, n)
		}
		release()
		wg.Wait()
		if got, want := store.sizes(), []int{1, 10, 26, 3}; !slices.Equal(got, want) {
			t.Errorf("commits of %v events, want %v", got, want)
		}
	})
}

func TestFullQueueAnswersAtOnce(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		release := stall(store)
		r := newRecorder(t, store, RecorderOptions{QueueEvents: 16})
		var wg sync.WaitGroup
		for _, step := range []struct {
			name, owner string
			events      int
			full        bool
		}{
			{"a call below the share", "a", 4, false},
			{"a call that passes the share", "a", 3, false},
			{"one more of who has passed it", "a", 1, true},
			{"another owner", "b", 1, false},
			{"a third, with more than there is room", "c", 20, false},
			{"anybody at the bound", "d", 1, true},
		} {
			var es []waybill.Event
			for i := range step.events {
				es = append(es, event(fmt.Sprint(step.name, i)))
			}
			if !step.full {
				wg.Go(func() {
					if _, err := r.RecordFor(t.Context(), step.owner, es); err != nil {
						t.Errorf("%s: %v", step.name, err)
					}
				})
				synctest.Wait()
				continue
			}
			_, err := r.RecordFor(t.Context(), step.owner, es)
			e, ok := errors.AsType[*waybill.Error](err)
			if !ok || e.Code != waybill.Unavailable || e.RetryAfter != time.Second {
				t.Errorf("%s: %v, want Unavailable after 1s", step.name, err)
			}
		}
		release()
		wg.Wait()
		if _, err := r.RecordFor(t.Context(), "a", events("late")); err != nil {
			t.Errorf("after the queue drained: %v", err)
		}
		if n := store.messages(t); n != 4+3+1+20+1 {
			t.Errorf("%d messages stored, want 29", n)
		}
	})
}

func TestCallerMayLeaveWhileWaiting(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		release := stall(store)
		r := newRecorder(t, store, RecorderOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.Record(ctx, events("a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Record = %v, want the end of the context", err)
		}
		if _, err := r.Record(ctx, events("b")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Record after the end = %v, want the end of the context", err)
		}
		release()
		synctest.Wait()
		if !store.has("a") || store.has("b") {
			t.Error("stored is not a, which was queued, or b is")
		}
	})
}

func TestCloseDrains(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		release := stall(store)
		r := newRecorder(t, store, RecorderOptions{BatchEvents: 1})
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				if _, err := r.Record(t.Context(), events(fmt.Sprint(i))); err != nil {
					t.Errorf("call before Close: %v", err)
				}
			})
		}
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close of a stalled recorder = %v, want the end of the context", err)
		}
		if _, err := r.Record(t.Context(), events("late")); waybill.CodeOf(err) != waybill.Unavailable {
			t.Errorf("Record after Close = %v, want Unavailable", err)
		}
		release()
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if store.messages(t) != 5 {
			t.Errorf("%d messages stored, want 5", store.messages(t))
		}
	})
}

func TestCallsDoNotSufferForOneAnother(t *testing.T) {
	for _, code := range []waybill.Code{waybill.Invalid, waybill.TooLarge} {
		t.Run(string(code), func(t *testing.T) { callsDoNotSuffer(t, code) })
	}
}

func callsDoNotSuffer(t *testing.T, code waybill.Code) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		gate := make(chan struct{})
		store.before = func([]waybill.Event) error { <-gate; return nil }
		store.refuses = func(es []waybill.Event) error {
			if slices.ContainsFunc(es, func(e waybill.Event) bool { return e.Message == "b2" }) {
				return waybill.Errorf(code, "b2 is not to be had")
			}
			return nil
		}
		r := newRecorder(t, store, RecorderOptions{})
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			es := events(fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i))
			wg.Go(func() { _, errs[i] = r.Record(t.Context(), es) })
			synctest.Wait()
		}
		close(gate)
		wg.Wait()
		for i, err := range errs {
			if refused := err != nil && waybill.CodeOf(err) == code; refused != (i == 2) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		if store.messages(t) != 6 || store.has("a2") {
			t.Error("stored are not all of the other calls, or the wrong one is")
		}
	})
}

// TestBatchesAreReleased whatever becomes of their calls, but for those that a commit
// may outlive.
func TestBatchesAreReleased(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		r := newRecorder(t, store, RecorderOptions{QueueEvents: 16})
		step := func(name string, ctx context.Context, es []waybill.Event, fails bool) {
			t.Helper()
			if _, err := r.Record(ctx, es); (err != nil) != fails {
				t.Errorf("%s: %v", name, err)
			}
			if p, n := store.prepared.Load(), store.released.Load(); p != n {
				t.Errorf("%s: %d batches are prepared, %d released", name, p, n)
			}
		}
		step("recorded", t.Context(), events("a", ""), false)
		stranger := events("b")
		stranger[0].Channel = 99
		step("of an unknown channel", t.Context(), stranger, true)
		store.refuses = func([]waybill.Event) error { return waybill.Errorf(waybill.TooLarge, "too large") }
		step("refused by the store", t.Context(), events("c"), true)
		store.refuses, store.before = nil, func([]waybill.Event) error { return errors.New("disk is gone") }
		step("failed", t.Context(), events("d"), true)
		release := stall(store)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Record(ctx, numbered("e", 10)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Record = %v, want the end of the context", err)
		}
		store.released.Add(1) // that one is left
		step("the queue is full", t.Context(), events("f"), true)
		release()
	})
}

func TestFailureOfTheStoreReachesAllCallers(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		broken := errors.New("disk is gone")
		gate := make(chan struct{})
		store.before = func([]waybill.Event) error { <-gate; return broken }
		r := newRecorder(t, store, RecorderOptions{})
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				_, err := r.Record(t.Context(), events(fmt.Sprint(i)))
				if waybill.CodeOf(err) != waybill.Unavailable || !errors.Is(err, broken) {
					t.Errorf("call %d: %v, want Unavailable because of %v", i, err, broken)
				}
			})
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		if r.queue.pending != 0 {
			t.Errorf("%d events pending after the failure", r.queue.pending)
		}
	})
}

// TestFailuresAreToldNowAndThen has many commits fail: a disk that is full may be
// the log's, too.
func TestFailuresAreToldNowAndThen(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		store.before = func([]waybill.Event) error { return errors.New("disk is full") }
		var log bytes.Buffer
		r := newRecorder(t, store, RecorderOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
		for _, want := range []int{1, 2} {
			for i := range 50 {
				if _, err := r.Record(t.Context(), events(fmt.Sprint(i))); err == nil {
					t.Error("recorded")
				}
			}
			if n := strings.Count(log.String(), "disk is full"); n != want {
				t.Errorf("the log tells of %d failures, want %d", n, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestTheWaitOfTheStoreIsPassedOn(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{0: time.Second, 7 * time.Second: 7 * time.Second} {
		store := newLedger(t)
		store.before = func([]waybill.Event) error {
			return &waybill.Error{Code: waybill.Unavailable, Message: "busy", RetryAfter: wait}
		}
		r := newRecorder(t, store, RecorderOptions{Now: func() time.Time { return noon }})
		_, err := r.Record(t.Context(), events("a"))
		if e, ok := errors.AsType[*waybill.Error](err); !ok || e.RetryAfter != want {
			t.Errorf("a store that asks for %s is told as %v, want a wait of %s", wait, err, want)
		}
	}
}

func TestReceiptIsCounted(t *testing.T) {
	m := telemetry.New()
	r := Receipt{Known: true, Changed: 3, TooLate: 2, Rejected: make([]waybill.Rejection, 1)}
	r.Count(m, "x", 10, 1)
	(&Receipt{}).Count(m, "y", 4, 0) // of a store that cannot know
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	for _, line := range []string{
		`{outcome="received",source="x"} 10`, `{outcome="rejected",source="x"} 2`, `{outcome="changed",source="x"} 3`,
		`{outcome="too_late",source="x"} 2`, `{outcome="repeated",source="x"} 3`, `{outcome="received",source="y"} 4`,
	} {
		if !strings.Contains(w.Body.String(), "waybill_events_total"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, w.Body)
		}
	}
	if strings.Contains(w.Body.String(), `{outcome="repeated",source="y"}`) {
		t.Error("what a store cannot know is counted")
	}
}

func TestManyWriters(t *testing.T) {
	t.Run("model", func(t *testing.T) { manyWriters(t, newLedger(t)) })
	t.Run("pebble", func(t *testing.T) { manyWriters(t, openPebble(t)) })
}

func manyWriters(t *testing.T, store *ledger) {
	const writers, calls = 64, 10
	r := newRecorder(t, store, RecorderOptions{BatchEvents: 100})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for c := range calls {
				m := fmt.Sprintf("%d-%d", w, c)
				got, err := r.Record(t.Context(), events(m, m+"'", ""))
				if err != nil || got.Changed != 2 || len(got.Rejected) != 1 {
					t.Errorf("%s: %+v, %v", m, got, err)
				}
				if !store.has(m) {
					t.Errorf("%s was answered and is not stored", m)
				}
			}
		})
	}
	wg.Wait()
	if n := store.messages(t); n != writers*calls*2 {
		t.Errorf("%d messages stored, want %d", n, writers*calls*2)
	}
	sizes := store.sizes()
	if slices.Max(sizes) > 100 {
		t.Errorf("commits of %v events, want at most 100", sizes)
	}
	t.Logf("%d calls shared %d commits", writers*calls, len(sizes))
}

func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d events a call, kept nowhere", n), func(b *testing.B) {
			benchmarkRecord(b, discard{}, n)
		})
		b.Run(fmt.Sprintf("%d events a call, on disk", n), func(b *testing.B) {
			benchmarkRecord(b, openPebble(b), n)
		})
	}
}

// benchmarkRecord has 64 writers, each with messages of its own.
func benchmarkRecord(b *testing.B, store waybill.Store, n int) {
	r := NewRecorder(store, RecorderOptions{Now: func() time.Time { return noon }, QueueEvents: 1 << 20})
	var calls atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			es, call := make([]waybill.Event, n), calls.Add(1)
			for i := range es {
				es[i] = event(fmt.Sprintf("wamid.HBgLODYxMzgwMDAw.%d.%d", call, i))
			}
			if _, err := r.Record(b.Context(), es); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
	if err := r.Close(b.Context()); err != nil {
		b.Error(err)
	}
}

// discard is a store that takes everything and keeps nothing, to measure the
// recorder alone.
type discard struct{ waybill.Store }

func (discard) Prepare(es waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: es.Events()}, nil
}

func (discard) Commit(ctx context.Context, batches []waybill.Batch) {
	storetest.CommitPlain(ctx, batches, func(_ context.Context, es []waybill.Event) ([]waybill.Outcome, error) {
		return make([]waybill.Outcome, len(es)), nil
	})
}
