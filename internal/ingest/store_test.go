package ingest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// A ledger is a store that can be made to stall and to fail.
type ledger struct {
	waybill.Store

	mu      sync.Mutex
	commits []int // how many events each had

	changes int // how many times Configure stored something

	before  func(events []waybill.Event) error // runs before each commit, and fails it
	refuses func(events []waybill.Event) error // runs before that of each batch, and fails that
	refuse  error                              // what Configure answers
	forgets bool                               // a batch cannot tell what changed

	prepared, released atomic.Int64 // batches
}

func newLedger(t testing.TB) *ledger {
	t.Helper()
	return newLedgerOn(t, storetest.NewModel())
}

// openPebble returns a ledger on disk.
func openPebble(t testing.TB) *ledger {
	t.Helper()
	s, err := pebble.Open(t.TempDir(), pebble.Options{CacheBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return newLedgerOn(t, s)
}

func newLedgerOn(t testing.TB, store waybill.Store) *ledger {
	t.Helper()
	l := &ledger{Store: store}
	err := l.Configure(t.Context(), waybill.Change{Channels: []waybill.ChannelState{
		{Number: 1, Provider: waybill.ProviderWABA},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A stalled batch is one of the store, with the events that it was made of.
type stalled struct {
	waybill.Batch
	events []waybill.Event
	ledger *ledger
	err    error
}

func (s *stalled) Result() ([]waybill.Outcome, error) {
	if s.err != nil {
		return nil, s.err
	}
	outcomes, err := s.Batch.Result()
	if s.ledger.forgets {
		return nil, err
	}
	return outcomes, err
}

func (s *stalled) Release() {
	s.ledger.released.Add(1)
	s.Batch.Release()
}

func (l *ledger) Prepare(events waybill.Checked) (waybill.Batch, error) {
	b, err := l.Store.Prepare(events)
	if err != nil {
		return nil, err
	}
	l.prepared.Add(1)
	return &stalled{Batch: b, events: events.Events(), ledger: l}, nil
}

func (l *ledger) Commit(ctx context.Context, batches []waybill.Batch) {
	var events []waybill.Event
	var taken []waybill.Batch
	for _, b := range batches {
		b := b.(*stalled)
		if l.refuses != nil {
			b.err = l.refuses(b.events)
		}
		if b.err == nil {
			events, taken = append(events, b.events...), append(taken, b.Batch)
		}
	}
	if l.before != nil {
		if err := l.before(events); err != nil {
			for _, b := range batches {
				b.(*stalled).err = err
			}
			return
		}
	}
	l.Store.Commit(ctx, taken)
	l.mu.Lock()
	l.commits = append(l.commits, len(events))
	l.mu.Unlock()
}

func (l *ledger) Configure(ctx context.Context, c waybill.Change) error {
	if l.refuse != nil {
		return l.refuse
	}
	l.mu.Lock()
	l.changes++
	l.mu.Unlock()
	return l.Store.Configure(ctx, c)
}

// sizes returns how many events each commit had.
func (l *ledger) sizes() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.commits)
}

// has reports whether a message is stored.
func (l *ledger) has(message string) bool {
	_, err := l.Message(context.Background(), 1, message)
	return err == nil
}

// messages returns how many messages are stored.
func (l *ledger) messages(t *testing.T) int {
	t.Helper()
	points, err := l.Points(t.Context(), waybill.Query{Channels: []waybill.ChannelNumber{1}, To: waybill.MaxInstant})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, p := range points {
		n += p.Counts[waybill.Accepted]
	}
	return int(n)
}

// parked returns how many bodies are stored.
func (l *ledger) parked(t *testing.T) int {
	t.Helper()
	records, err := l.Records(t.Context(), parkedPrefix)
	if err != nil {
		t.Fatal(err)
	}
	return len(records)
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func event(message string) waybill.Event {
	return waybill.Event{
		Channel: 1, Message: message, Status: waybill.StatusSent,
		At: waybill.InstantOf(noon),
	}
}

func events(messages ...string) []waybill.Event {
	var es []waybill.Event
	for _, m := range messages {
		es = append(es, event(m))
	}
	return es
}

func newRecorder(t *testing.T, store waybill.Store, opt RecorderOptions) *Recorder {
	t.Helper()
	opt.Now = func() time.Time { return noon }
	r := NewRecorder(store, opt)
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}
