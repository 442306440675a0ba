package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// An upkeepSample is a store whose histories are about to become old, and what it
// counts after each further batch.
type upkeepSample struct {
	fs      *vfs.MemFS
	batches [][]waybill.Event
	models  []*storetest.Model
}

const (
	upkeepKeep = 56 * day
	upkeepNow  = start + 90*day
	erasedOne  = "6281155500199"
)

func upkeepOptions(fs vfs.FS, now waybill.Instant) pebble.Options {
	return pebble.Options{
		FS: fs, CacheBytes: 1 << 20, GenerationMessages: 60, KeepMessages: upkeepKeep * time.Second,
		Now: func() time.Time { return now.Time() },
	}
}

func newUpkeepSample(t *testing.T) *upkeepSample {
	t.Helper()
	u := &upkeepSample{fs: vfs.NewMem()}
	var old [][]waybill.Event
	for n := range 6 {
		old = append(old, streamBatch(n))
		recent := streamBatch(n)
		for i := range recent {
			recent[i].Message += "-recent"
			recent[i].At += 85 * day
			recent[i].Recipient = fmt.Sprint(62811+i%5, "0")
		}
		recent[0].Recipient = erasedOne
		u.batches = append(u.batches, recent)
	}
	s := mustOpen(t, "data", upkeepOptions(u.fs, start+5*day))
	configure(t, s, enabledAt(0)...)
	for _, batch := range old {
		appendAll(t, s, batch)
	}
	if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for n := range len(u.batches) + 1 {
		model := storetest.NewModel()
		configure(t, model, enabledAt(0)...)
		for _, batch := range slices.Concat(old, u.batches[:n]) {
			appendAll(t, model, batch)
		}
		u.models = append(u.models, model)
	}
	return u
}

// A cut is a power loss in the midst of an operation that changes the disk, which
// fails besides.
type cut struct {
	fault
	fs           *vfs.MemFS
	r            *rand.Rand
	began, acked atomic.Int64 // batches
	erased       atomic.Bool

	taken       chan struct{} // closed when the rest is known
	clone       *vfs.MemFS    // what is left
	least, most int64         // batches that it may have
	forgotten   bool          // whether the erasure was acknowledged
}

// MaybeError implements errorfs.Injector.
func (c *cut) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	n := c.seen.Add(1)
	if n == c.number {
		c.least, c.forgotten = c.acked.Load(), c.erased.Load()
		// All or nothing of what is not synced: of a part of it, the engine's entries
		// of one directory could be such as no file system leaves.
		c.clone = crashed(c.fs, c.r, int(n/2%2)*2)
		c.most = c.began.Load()
		close(c.taken)
		return errorfs.ErrInjected
	}
	if c.forever && n > c.number {
		return errorfs.ErrInjected
	}
	return nil
}

// TestUpkeepSurvivesFailures drops old histories, erases a recipient and folds, while
// the power is lost at one operation after the other.
func TestUpkeepSurvivesFailures(t *testing.T) {
	step := int64(7)
	if trials() >= 200 {
		step = 1
	}
	u := newUpkeepSample(t)
	r := rand.New(rand.NewPCG(31, 32))
	for number := int64(1); ; number += step {
		fs := vfs.NewCrashableMem()
		if ok, err := vfs.Clone(u.fs, fs, "data", "data", vfs.CloneSync); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := syncRoot(fs); err != nil {
			t.Fatal(err)
		}
		c := &cut{fs: fs, r: r, taken: make(chan struct{})}
		c.number, c.forever = number, number%2 == 0
		u.run(t, errorfs.Wrap(fs, c), c)
		if c.seen.Load() < number {
			t.Logf("%d operations failed", number-1)
			return
		}
		<-c.taken
		if u.check(t, c); t.Failed() {
			t.Fatalf("operation %d failed", number)
		}
	}
}

func syncRoot(fs vfs.FS) error {
	root, err := fs.OpenDir("/")
	if err != nil {
		return err
	}
	return errors.Join(root.Sync(), root.Close())
}

// run does what there is to do until it fails.
func (u *upkeepSample) run(t *testing.T, fs vfs.FS, c *cut) {
	s, err := pebble.Open("data", upkeepOptions(fs, upkeepNow))
	if err != nil {
		return
	}
	defer s.Close()
	for n, batch := range u.batches {
		c.began.Store(int64(n + 1))
		if _, err := s.Append(t.Context(), batch); err != nil {
			return
		}
		c.acked.Store(int64(n + 1))
	}
	if _, err := s.Erase(t.Context(), erasedOne); err != nil {
		return
	}
	c.erased.Store(true)
	awaitUpkeep(t, s)
}

func awaitUpkeep(t *testing.T, s *pebble.Store) {
	t.Helper()
	for began := time.Now(); s.HasOld() || s.ErasurePending(); {
		select {
		case <-s.Stopped():
			return
		default:
		}
		if time.Since(began) > enough {
			t.Fatal("old histories are not dropped, or the erasure is not finished")
		}
	}
}

// check looks at what a cut has left.
func (u *upkeepSample) check(t *testing.T, c *cut) {
	opt := upkeepOptions(c.clone, upkeepNow)
	s := mustOpen(t, "data", opt)
	for _, when := range []string{"at the start", "in the end"} {
		var err error
		for n := c.least; n <= c.most; n++ {
			if err = wrongPoints(t.Context(), s, u.models[n]); err == nil {
				break
			}
		}
		if err != nil {
			t.Errorf("%s, with %d to %d batches: %v", when, c.least, c.most, err)
		}
		if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
			t.Errorf("%s Verify returns %+v, %v", when, differences, err)
		}
		awaitUpkeep(t, s)
	}
	for n, batch := range u.batches[:c.least] {
		outcomes, err := s.Append(t.Context(), batch)
		if err != nil || slices.Contains(outcomes, waybill.Changed) {
			t.Errorf("batch %d, which is there, is repeated with outcomes %v, %v", n, outcomes, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files := filesWith(t, c.clone, "data", erasedOne); c.forgotten && len(files) > 0 {
		t.Errorf("who was erased is in the files %v", files)
	}
}
