package ingest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"waybill"
)

func numbered(name string, n int) []waybill.Event {
	es := make([]waybill.Event, n)
	for i := range es {
		es[i] = event(fmt.Sprintf("%s-%d", name, i))
	}
	return es
}

// slow makes each Append take a millisecond for each event.
func slow(l *ledger) {
	l.before = func(es []waybill.Event) error {
		time.Sleep(time.Duration(len(es)) * time.Millisecond)
		return nil
	}
}

func TestSmallCallBesideLargeSenders(t *testing.T) {
	const large, small, batch = 20, 3, 100
	for _, tt := range []struct {
		name   string
		record func(*Recorder, *testing.T, string, []waybill.Event) (Receipt, error)
		commit int // events of the largest one
	}{
		{"who send in parts", func(r *Recorder, t *testing.T, owner string, es []waybill.Event) (Receipt, error) {
			return r.RecordParts(t.Context(), owner, es)
		}, 2 * batch},
		{"who do not", func(r *Recorder, t *testing.T, owner string, es []waybill.Event) (Receipt, error) {
			return r.RecordFor(t.Context(), owner, es)
		}, 1000 + batch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			atNoon(t, func(t *testing.T) {
				store := newLedger(t)
				slow(store)
				r := newRecorder(t, store, RecorderOptions{BatchEvents: batch, QueueEvents: 40_000})
				begin := time.Now()
				var wg sync.WaitGroup
				var sending atomic.Int64
				for i := range large {
					sending.Add(1)
					wg.Go(func() {
						defer sending.Add(-1)
						name := fmt.Sprintf("large-%d", i)
						if got, err := tt.record(r, t, name, numbered(name, 1000)); err != nil || got.Changed != 1000 {
							t.Errorf("%s: %d changed, %v", name, got.Changed, err)
						}
					})
				}
				synctest.Wait()
				calls := 0
				for sending.Load() > 0 {
					sent := time.Now()
					if _, err := r.RecordFor(t.Context(), "small", numbered(fmt.Sprint(calls), small)); err != nil {
						t.Error(err)
					}
					// One commit is under way when the call comes, and one is its own.
					if took, most := time.Since(sent), time.Duration(2*tt.commit)*time.Millisecond; took > most {
						t.Errorf("call %d took %v, more than %v", calls, took, most)
					}
					calls++
				}
				wg.Wait()
				if took := time.Since(begin); took > time.Duration(large*1000+calls*small+batch)*time.Millisecond {
					t.Errorf("the store was idle: %d events took %v", large*1000+calls*small, took)
				}
				if n := store.messages(t); n != large*1000+calls*small || calls < 10 {
					t.Errorf("%d messages stored, want %d, of %d small calls", n, large*1000+calls*small, calls)
				}
			})
		})
	}
}

func TestWhoHasNothingFindsRoom(t *testing.T) {
	q := queue{limit: 65536, batch: 4096, owners: make(map[string]*owner)}
	for greedy := range 8 {
		for {
			if q.push(&call{owner: fmt.Sprint(greedy), events: 100}) != nil {
				break
			}
		}
		if greedy == 0 && (q.pending < q.limit/4 || q.pending > q.limit/4+100) {
			t.Errorf("one alone has %d pending, want a quarter of %d", q.pending, q.limit)
		}
	}
	if err := q.push(&call{owner: "late", events: 100}); err != nil {
		t.Error(err)
	}
}

func TestOwnersAreServedAlike(t *testing.T) {
	q := queue{limit: 1 << 20, batch: 100, owners: make(map[string]*owner)}
	for _, size := range []int{1, 40, 100} {
		for range 4000 / size {
			if err := q.push(&call{owner: fmt.Sprint(size), events: size}); err != nil {
				t.Fatal(err)
			}
		}
	}
	served := make(map[string]int)
	for range 60 {
		for _, c := range q.take() {
			served[c.owner] += c.events
		}
		if got := []int{served["1"], served["40"], served["100"]}; slices.Max(got)-slices.Min(got) > 2*100 {
			t.Fatalf("served are %v events", got)
		}
	}
}

func TestIdleOwnersEarnNothing(t *testing.T) {
	q := queue{limit: 1 << 20, batch: 100, owners: make(map[string]*owner)}
	served := make(map[string]int)
	for _, o := range []string{"early", "late"} {
		for range 50 {
			if err := q.push(&call{owner: o, events: 100}); err != nil {
				t.Fatal(err)
			}
		}
		clear(served)
		for range 20 {
			for _, c := range q.take() {
				served[c.owner]++
			}
		}
	}
	if n := served["late"]; n < 9 || n > 11 {
		t.Errorf("%d of 20 calls served are of who came late, want half", n)
	}
}

func TestQueueKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := queue{limit: rapid.IntRange(1, 300).Draw(t, "limit"), batch: rapid.IntRange(1, 60).Draw(t, "batch")}
		q.owners = make(map[string]*owner)
		waiting := make(map[string][]*call) // by owner, in order
		var taken []*call
		take := func(t *rapid.T) {
			events := 0
			calls := q.take()
			for i, c := range calls {
				if events >= q.batch {
					t.Errorf("call %d of a commit comes after %d events, which are enough", i, events)
				}
				if waiting[c.owner][0] != c {
					t.Errorf("a call of %s was passed by a later one", c.owner)
				}
				waiting[c.owner] = waiting[c.owner][1:]
				events += c.events
			}
			if events < q.batch && len(q.calls) > 0 {
				t.Errorf("a commit has %d events while %d calls wait", events, len(q.calls))
			}
			taken = append(taken, calls...)
		}
		release := func(*rapid.T) {
			for _, c := range taken {
				q.release(c)
			}
			taken = nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				c := &call{owner: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "owner")}
				c.events = rapid.IntRange(1, 50).Draw(t, "events")
				fresh, full := q.owners[c.owner] == nil, q.pending >= q.limit
				err := q.push(c)
				if err == nil {
					waiting[c.owner] = append(waiting[c.owner], c)
				}
				if full != (err != nil) && (full || fresh) {
					t.Errorf("push with %d of %d pending, new owner %t: %v", q.pending, q.limit, fresh, err)
				}
				if err != nil {
					return
				}
				for _, after := range q.calls[slices.Index(q.calls, c)+1:] {
					if after.finish == c.finish {
						t.Errorf("a call passed one that came before it and is due with it")
					}
				}
				if !fresh {
					return
				}
				for _, before := range q.calls[:slices.Index(q.calls, c)] {
					if before.events > c.events {
						t.Errorf("%d events of one who had nothing wait for %d of another", c.events, before.events)
					}
				}
			},
			"take":    take,
			"release": release,
			"": func(t *rapid.T) {
				pending, by := 0, make(map[string]int)
				for _, c := range slices.Concat(q.calls, taken) {
					pending += c.events
					by[c.owner] += c.events
				}
				for name, o := range q.owners {
					if o.pending != by[name] {
						t.Errorf("%s has %d events pending, want %d", name, o.pending, by[name])
					}
				}
				if q.pending != pending || q.pending >= q.limit+50 {
					t.Errorf("%d events pending, want %d, of %d", q.pending, pending, q.limit)
				}
			},
		})
		for len(q.calls) > 0 {
			take(t)
		}
		release(t)
		if q.pending != 0 || len(q.owners) != 0 || len(slices.Concat(waiting["a"], waiting["b"], waiting["c"], waiting["d"])) != 0 {
			t.Errorf("drained queue %+v still has %v", q, waiting)
		}
	})
}

func TestPartsAreOneCall(t *testing.T) {
	store := newLedger(t)
	r := newRecorder(t, store, RecorderOptions{BatchEvents: 10})
	es := numbered("m", 25)
	for _, i := range []int{3, 10, 19, 24} {
		es[i].Message = ""
	}
	got, err := r.RecordParts(t.Context(), "a", es)
	var at []int
	for _, rejection := range got.Rejected {
		at = append(at, rejection.Index)
	}
	if err != nil || !slices.Equal(at, []int{3, 10, 19, 24}) || got.Changed != 21 || !got.Known {
		t.Errorf("RecordParts = %+v, %v", got, err)
	}
	if sizes := store.sizes(); !slices.Equal(sizes, []int{9, 8, 4}) {
		t.Errorf("commits of %v events", sizes)
	}
	store.forgets = true
	if got, err := r.RecordParts(t.Context(), "a", es); err != nil || got.Known {
		t.Errorf("store that cannot tell: %+v, %v, want Known false", got, err)
	}
	if got, err := r.RecordParts(t.Context(), "a", nil); err != nil || !got.Known {
		t.Errorf("RecordParts of nothing = %+v, %v", got, err)
	}
}

func TestPartsBeforeAFailureStay(t *testing.T) {
	store := newLedger(t)
	r := newRecorder(t, store, RecorderOptions{BatchEvents: 10})
	broken := errors.New("disk is gone")
	store.before = func([]waybill.Event) error {
		if len(store.sizes()) == 1 {
			return broken
		}
		return nil
	}
	es := numbered("m", 25)
	if _, err := r.RecordParts(t.Context(), "a", es); waybill.CodeOf(err) != waybill.Unavailable || !errors.Is(err, broken) {
		t.Errorf("RecordParts = %v, want Unavailable because of %v", err, broken)
	}
	if n := store.messages(t); n != 10 {
		t.Errorf("%d messages stored, want the 10 of the first part", n)
	}
	store.before = nil
	if got, err := r.RecordParts(t.Context(), "a", es); err != nil || got.Changed != 15 {
		t.Errorf("repeated: %+v, %v, want 15 changed", got, err)
	}
}

// TestNothingIsLostUnderPressure has more senders than the queue has room for;
// who is refused comes again.
func TestNothingIsLostUnderPressure(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		store := newLedger(t)
		slow(store)
		r := newRecorder(t, store, RecorderOptions{BatchEvents: 16, QueueEvents: 64})
		var wg sync.WaitGroup
		var want, refused atomic.Int64
		for sender := range 32 {
			wg.Go(func() {
				for i := range 10 {
					es := numbered(fmt.Sprintf("%d-%d", sender, i), 1+(sender*7+i*13)%60)
					want.Add(int64(len(es)))
					for {
						_, err := r.RecordParts(t.Context(), fmt.Sprint(sender%8), es)
						if err == nil {
							break
						}
						if waybill.CodeOf(err) != waybill.Unavailable {
							t.Error(err)
							return
						}
						refused.Add(1)
						time.Sleep(time.Second)
					}
				}
			})
		}
		wg.Wait()
		if n := int64(store.messages(t)); n != want.Load() || refused.Load() == 0 {
			t.Errorf("%d messages stored, want %d; %d calls were refused", n, want.Load(), refused.Load())
		}
		if r.queue.pending != 0 || len(r.queue.owners) != 0 {
			t.Errorf("%d events pending", r.queue.pending)
		}
	})
}
