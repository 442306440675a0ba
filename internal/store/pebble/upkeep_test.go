package pebble

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
)

// A gate holds up whoever logs a message, until it is opened.
type gate struct {
	slog.Handler
	message string
	reached chan struct{} // closed when somebody waits
	open    chan struct{}
}

func newGate(message string) *gate {
	return &gate{slog.DiscardHandler, message, make(chan struct{}), make(chan struct{})}
}

// Enabled implements slog.Handler.
func (g *gate) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (g *gate) Handle(_ context.Context, r slog.Record) error {
	if r.Message == g.message && !isClosed(g.reached) {
		close(g.reached)
		<-g.open
	}
	return nil
}

// TestFoldsGoOnDuringUpkeep: neither retention nor a new filter keeps writers
// waiting, and the new filter knows what came in meanwhile.
func TestFoldsGoOnDuringUpkeep(t *testing.T) {
	for _, message := range []string{"old histories are dropped", "the filter has been made anew"} {
		t.Run(message, func(t *testing.T) { foldsGoOn(t, newGate(message)) })
	}
}

func foldsGoOn(t *testing.T, g *gate) {
	const limit = 20
	clock := &atomic.Int64{}
	clock.Store(int64(inTest))
	opt := Options{
		GenerationMessages: limit, KeepMessages: 56 * 24 * time.Hour,
		Now: func() time.Time { return time.Unix(clock.Load(), 0) }, Log: slog.New(g),
	}
	dir := t.TempDir()
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	configureInTest(t, s, waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA})
	sendInTest(t, s, "old", 3*limit)
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	clock.Add(90 * 24 * 60 * 60)
	if s, err = Open(dir, opt); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	open := sync.OnceFunc(func() { close(g.open) })
	defer open()
	before := s.filter.bloom.Load()
	<-g.reached
	if n := sendInTest(t, s, "new", 10*limit); n != 10*limit {
		t.Errorf("%d of the messages are new, want all", n)
	}
	open()
	for began := time.Now(); s.filter.bloom.Load() == before || s.filter.next.Load() != nil; {
		if time.Since(began) > time.Minute {
			t.Fatal("there is no new filter")
		}
	}
	if n := sendInTest(t, s, "new", 10*limit); n != 0 {
		t.Errorf("%d messages are new to the new filter, want none", n)
	}
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
}

// sendInTest reports one message after the other and returns how many were new.
func sendInTest(t *testing.T, s *Store, name string, n int) (changed int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range n {
		outcomes, err := s.Append(ctx, []waybill.Event{{
			Channel: 1, Message: fmt.Sprint(name, i), Recipient: "62811", Status: waybill.StatusSent, At: waybill.InstantOf(s.now()),
		}})
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if outcomes[0] == waybill.Changed {
			changed++
		}
	}
	return changed
}

// TestAPartitionIsDroppedInSteps: each of them leaves the counters right, also where
// a later one fails, and nothing is left of the partition in the end.
func TestAPartitionIsDroppedInSteps(t *testing.T) {
	const limit, messages = 10, 105
	s, err := Open(t.TempDir(), Options{GenerationMessages: limit, Now: func() time.Time { return inTest.Time() }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	configureInTest(t, s, waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA})
	sendInTest(t, s, "m", messages)
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := partitionOf(uint32(inTest))
	corrupt := noBundle(p)
	if err := s.db.Set(corrupt, nil, nil); err != nil {
		t.Fatal(err)
	}
	drops := func() error {
		d := drop{s: s, part: p, channel: s.states()[0], view: s.viewOf(1)}
		return d.run(t.Context())
	}
	if err := drops(); err == nil || !strings.Contains(err.Error(), "corrupt") {
		t.Errorf("a corrupt state makes the drop fail with %v", err)
	}
	if err := s.db.Delete(corrupt, nil); err != nil {
		t.Fatal(err)
	}
	want := func(atMost int) {
		t.Helper()
		left := make(map[byte]int)
		for _, space := range []byte{spaceMessage, spaceName} {
			var err error
			if left[space], err = s.countEntries(t.Context(), space); err != nil || left[space] > atMost {
				t.Errorf("space %c has %d messages, %v, want at most %d", space, left[space], err, atMost)
			}
		}
		if left[spaceMessage] != left[spaceName] {
			t.Errorf("%d messages and %d names are left", left[spaceMessage], left[spaceName])
		}
		if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
			t.Errorf("with %v messages left, Verify returns %+v, %v", left, differences, err)
		}
	}
	want(limit - 1) // a step ends before the bundle that has more
	if err := drops(); err != nil {
		t.Fatal(err)
	}
	want(0)
	if span, err := s.get(appendSpanKey(nil, p)); err != nil || span != nil {
		t.Errorf("the span of the partition is %x, %v, want none", span, err)
	}
}

// TestLogsAreTrimmedAtRest: what the engine keeps of its logs goes once nothing comes
// in any more, and not before.
func TestLogsAreTrimmedAtRest(t *testing.T) {
	s := newInTest(t)
	record := waybill.Record{Key: "k", Value: make([]byte, 1<<20)}
	for range 20 { // most of it in the log that is in use
		if err := s.Configure(t.Context(), waybill.Change{Records: []waybill.Record{record}}); err != nil {
			t.Fatal(err)
		}
	}
	before := s.logBytes()
	if err := s.trimLogs(t.Context()); err != nil || s.logBytes() < before {
		t.Errorf("right after a commit, the logs have %d bytes, %v, want %d still", s.logBytes(), err, before)
	}
	locked(t, s, func() { s.rest.since = s.rest.since.Add(-time.Minute) })
	err := s.trimLogs(t.Context())
	for began := time.Now(); s.logBytes() > 1<<20 && time.Since(began) < 10*time.Second; { // the upkeep may be at it
	}
	if err != nil || s.logBytes() > 1<<20 {
		t.Errorf("at rest the logs have %d bytes of %d, %v", s.logBytes(), before, err)
	}
	locked(t, s, func() {
		s.rest.since = s.rest.since.Add(-time.Minute)
		if s.rest.due(s.seq) {
			t.Error("the logs would be trimmed again")
		}
		if s.rest.due(s.seq + 1); s.rest.trimmed {
			t.Error("after a commit the store is at rest")
		}
	})
}
