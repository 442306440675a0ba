package pebble_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

var hammerFlag = flag.Int("hammer", 60, "number of steps of TestQueriesSeeOneVersion")

// TestQueriesSeeOneVersion asks while generations are folded, partitions dropped,
// labels moved, marks renewed and names erased, and compares each answer with those
// that the model gives for the versions that somebody may have seen.
func TestQueriesSeeOneVersion(t *testing.T) {
	const readers = 4
	steps := *hammerFlag
	if testing.Short() {
		steps = min(steps, 40)
	}
	h := newHammer(t, steps)
	h.clock.Store(int64(hammerClock(0)))
	h.store = mustOpen(t, t.TempDir(), pebble.Options{
		GenerationMessages: 25, KeepMessages: hammerKeep * time.Second,
		Now: func() time.Time { return time.Unix(h.clock.Load(), 0) },
	})
	defer h.store.Close()
	h.ctx, h.stop = context.WithCancel(t.Context())
	defer h.stop()
	configure(t, h.store, hammerChannels...)
	var group sync.WaitGroup
	reader := func(seed int, read func(*witness)) {
		group.Go(func() {
			if read(newWitness(seed)); h.Failed() {
				h.stop()
			}
		})
	}
	for i := range readers {
		reader(i, h.read)
	}
	reader(readers, h.readPasses)
	for n := 0; n < steps && !t.Failed(); n++ {
		h.take(n)
	}
	h.done.Store(true)
	close(h.configured)
	group.Wait()
	h.erasure.Wait()
	if t.Failed() {
		return
	}
	t.Logf("%d steps, %d messages, %d questions of each kind, %d answers with old marks",
		steps, len(h.lives), h.rounds.Load(), h.passing.Load())
	awaitNotFound(t, h.store, hammerMass, hammerOldest) // its partition has been dropped
	h.once(newWitness(readers + 1))
	if differences, err := h.store.Verify(t.Context(), 3); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
}

// A hammer has the steps of the test and what is to be seen after each. Version n is
// the store after n steps.
type hammer struct {
	*testing.T
	*hammerScript
	store *pebble.Store
	clock atomic.Int64

	began, ended atomic.Int64 // versions
	done         atomic.Bool
	configured   chan struct{}
	rounds       atomic.Int64
	passing      atomic.Int64   // answers that show old marks
	erasure      sync.WaitGroup // at most one erasure is under way

	ctx  context.Context // of what waits for the store, which may be for ever once something is wrong
	stop context.CancelFunc
}

func newHammer(t *testing.T, steps int) *hammer {
	h := &hammer{T: t, hammerScript: newScript(t), configured: make(chan struct{}, 1)}
	for n := range steps {
		h.write(n, n == steps-1)
	}
	return h
}

// take makes a version of the one before.
func (h *hammer) take(n int) {
	step := &h.steps[n]
	if step.join {
		h.erasure.Wait()
	}
	h.began.Store(int64(n + 1)) // first: what the clock brings about is of this version
	h.clock.Store(int64(hammerClock(n + 1)))
	switch {
	case step.settle:
		if err := h.store.Settled(h.ctx); err != nil && !h.Failed() {
			h.Errorf("Settled: %v", err)
		}
		if hammerHorizon(n+1) != hammerHorizon(n) {
			h.walkAtDrop(n + 1)
		}
	case len(step.settings) > 0:
		configure(h, h.store, step.settings...)
		select {
		case h.configured <- struct{}{}:
		default:
		}
	default:
		outcomes, err := h.store.Append(h.Context(), step.events)
		if err != nil || slices.Contains(outcomes, waybill.TooLate) {
			h.Errorf("Append of step %d returns %v, %v", n, outcomes, err)
		}
	}
	h.ended.Store(int64(n + 1))
	if step.erase != "" {
		h.erasure.Go(func() { h.eraseOf(step) })
	}
}

// walkAtDrop goes through pages as soon as the horizon has moved, while messages of
// before it are still in memory and the others are about to be dropped.
func (h *hammer) walkAtDrop(version int) {
	for h.horizon() < hammerHorizon(version) && !h.Failed() {
		h.store.WakeUpkeep()
		runtime.Gosched()
	}
	for i := range hammerPages {
		h.walk(newWitness(version), i)
	}
}

func (h *hammer) eraseOf(step *hammerStep) {
	n, err := h.store.Erase(h.ctx, step.erase)
	if (err != nil || n < step.least || n > step.most) && !h.Failed() {
		h.Errorf("Erase of %s returns %d, %v, want %d to %d", step.erase, n, err, step.least, step.most)
	}
}

// A witness asks one question after the other. What it has seen stays so.
type witness struct {
	*rand.Rand
	version int           // that it has seen at least
	right   map[*life]int // by message: a version at which the mark was right
}

func newWitness(seed int) *witness {
	return &witness{Rand: rand.New(rand.NewPCG(uint64(seed), 12)), right: make(map[*life]int)}
}

// read asks until the steps are over, or something is wrong.
func (h *hammer) read(w *witness) {
	for range w.IntN(3) {
		h.look(w)
	}
	for !h.done.Load() && !h.Failed() {
		h.once(w)
	}
}

// readPasses asks for marks when a pass is due, which is soon over.
func (h *hammer) readPasses(w *witness) {
	for range h.configured {
		for i := range hammerMarked {
			h.askMarked(w, i)
		}
	}
}

// once asks each question.
func (h *hammer) once(w *witness) {
	for i := range max(len(hammerQueries), len(hammerMarked), len(hammerPages)) {
		if i < len(hammerQueries) {
			h.ask(w, i)
		}
		if i < len(hammerMarked) {
			h.askMarked(w, i)
		}
		if i < len(hammerPages) {
			h.walk(w, i)
		}
		for range 20 {
			h.look(w)
		}
	}
	h.rounds.Add(1)
}

// least returns the first version that w may see with what it asks next, and most
// the last one that it may have seen.
func (h *hammer) least(w *witness) int { return max(w.version, int(h.ended.Load())) }
func (h *hammer) most() int            { return int(h.began.Load()) }

// within calls f with the versions from least to most, and returns the first with
// which it returns true, or -1.
func within(least, most int, f func(v int) bool) int {
	for v := least; v <= most; v++ {
		if f(v) {
			return v
		}
	}
	return -1
}
