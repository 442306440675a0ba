package pebble_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"waybill"
	"waybill/internal/store/pebble"
)

func TestAcknowledgedEventsSurvivePowerLoss(t *testing.T) {
	for round := range rounds() {
		powerLosses(t, min(trials(), perRound), uint64(round))
	}
}

// powerLosses cuts the power of one store so many times, in the middle of a commit.
func powerLosses(t *testing.T, crashes int, seed uint64) {
	fs := vfs.NewCrashableMem()
	s := mustOpen(t, "data", pebble.Options{FS: fs, GenerationMessages: 100})
	configure(t, s, enabledAt(0)...)
	acknowledged := newLedger()
	r := rand.New(rand.NewPCG(1, seed))
	for crash := range crashes {
		began := crash * 10
		var clone *vfs.MemFS
		var low, high *ledger
		for n := began; n < began+10; n++ {
			low, high = acknowledged, acknowledged.with(streamBatch(n))
			done := make(chan struct{})
			go func() {
				defer close(done)
				configure(t, s, enabledAt(n)...)
				appendAll(t, s, streamBatch(n))
			}()
			if n == began+crash%10 {
				for range r.IntN(20_000) { // some part of the time that a commit takes
					_ = fs.PathBase("")
				}
				clone = crashed(fs, r, crash)
				<-done
				wantAfterCrash(t, clone, low, high)
			}
			<-done
			acknowledged = high
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// crashed returns what a power cut now would leave of fs: nothing, half or all of
// what is not synced.
func crashed(fs *vfs.MemFS, r *rand.Rand, n int) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: n % 3 * 50, RNG: r})
}

func wantAfterCrash(t *testing.T, fs vfs.FS, low, high *ledger) {
	t.Helper()
	s := mustOpen(t, "data", pebble.Options{FS: fs})
	want(t, s, low, high)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// with returns a copy of l with more events.
func (l *ledger) with(events []waybill.Event) *ledger {
	c := newLedger()
	for k, m := range l.messages {
		c.messages[k] = m
	}
	c.add(events)
	return c
}

// A fault fails the operation of the given number that changes the disk, and
// all later ones if it is for ever.
type fault struct {
	number  int64
	forever bool
	reads   bool // instead, those that read
	seen    atomic.Int64
}

func (f *fault) String() string { return "fault" }

// MaybeError implements errorfs.Injector.
func (f *fault) MaybeError(op errorfs.Op) error {
	if (op.Kind.ReadOrWrite() == errorfs.OpIsWrite) == f.reads {
		return nil
	}
	n := f.seen.Add(1)
	if n == f.number || f.forever && n > f.number {
		return errorfs.ErrInjected
	}
	return nil
}

// TestFailingDisk runs a script on a disk of which one operation after the other
// fails. Each step must return, and what was acknowledged must be there after a
// crash.
func TestFailingDisk(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, forever := range []bool{false, true} {
		number := int64(1)
		for ; ; number += step {
			fs := vfs.NewCrashableMem()
			f := &fault{number: number, forever: forever}
			low, high := runScript(t, errorfs.Wrap(fs, f))
			if t.Failed() {
				t.Fatalf("operation %d failed, for ever = %t", number, forever)
			}
			if f.seen.Load() < number {
				break
			}
			wantAfterCrash(t, crashed(fs, r, int(number)), low, high)
		}
		t.Logf("%d operations failed, for ever = %t", number-1, forever)
	}
}

// runScript returns what was acknowledged and what was tried.
func runScript(t *testing.T, fs vfs.FS) (low, high *ledger) {
	low, high = newLedger(), newLedger()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s, err := pebble.Open("data", pebble.Options{FS: fs, CacheBytes: 1 << 20, GenerationMessages: 100})
		if err != nil {
			return
		}
		if err := script(t.Context(), s, low, high); err != nil {
			wantStopped(t, s, err, low, high)
		}
		_ = s.Close()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the script hangs")
	}
	return low, high
}

// script appends batches that are large enough that tables are flushed and logs
// rotated, with a pass over the messages after each.
func script(ctx context.Context, s *pebble.Store, low, high *ledger) error {
	if err := s.Configure(ctx, waybill.Change{Channels: enabledAt(0)}); err != nil {
		return err
	}
	for n := range 4 {
		events := fatBatch(n)
		high.add(events)
		if _, err := s.Append(ctx, events); err != nil {
			return err
		}
		low.add(events)
		if err := s.Configure(ctx, waybill.Change{Channels: enabledAt(n)}); err != nil {
			return err
		}
		if err := s.Settled(ctx); err != nil {
			return err
		}
		if err := check(ctx, s, low, high); err != nil {
			return err
		}
	}
	return nil
}

// fatBatch fills the first, small table of the engine with few messages.
func fatBatch(n int) []waybill.Event {
	events := make([]waybill.Event, 150)
	for i := range events {
		events[i] = streamEvent(rand.New(rand.NewPCG(uint64(n), uint64(i))), n*100+i)
		events[i].Message += strings.Repeat("x", waybill.MaxMessageID-30)
		events[i].Status = waybill.StatusFailed
		events[i].Failure.Title = strings.Repeat("y", waybill.MaxLabel)
	}
	return events
}

// wantStopped fails t unless s failed with err because its disk did, refuses to
// write and still reads.
func wantStopped(t *testing.T, s *pebble.Store, err error, low, high *ledger) {
	ctx := t.Context()
	_, appendErr := s.Append(ctx, fatBatch(9))
	for call, err := range map[string]error{
		"the script": err,
		"Append":     appendErr,
		"Configure":  s.Configure(ctx, waybill.Change{Records: []waybill.Record{{Key: "k"}}}),
	} {
		if waybill.CodeOf(err) != waybill.Unavailable {
			t.Errorf("%s fails with %v, want Unavailable", call, err)
		}
	}
	select {
	case <-s.Stopped():
	default:
		t.Error("Stopped is not closed")
	}
	for k, least := range low.messages {
		if m, err := s.Message(ctx, k.channel, k.id); err != nil || !includes(m, least) || !includes(high.messages[k], m) {
			t.Errorf("after the failure message %s is %+v, %v", k.id, m, err)
		}
	}
	if differences, err := s.Verify(ctx, 1); err != nil || len(differences) > 0 {
		t.Errorf("after the failure Verify returns %+v, %v", differences, err)
	}
	if err := s.Close(); waybill.CodeOf(err) != waybill.Unavailable {
		t.Errorf("Close returns %v, want Unavailable", err)
	}
}
