package pebble

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"waybill"
	"waybill/internal/telemetry"
)

// observeEvery is how old what a scrape is told of the disk may be.
const observeEvery = 10 * time.Second

// counters are what the store counts of itself. The writer and the folder note it
// as they go; nobody needs their locks to read it.
type counters struct {
	live    atomic.Int64 // messages of the present generation
	full    atomic.Int64 // messages of the generation that waits to be folded
	tooLate atomic.Int64 // events, since the store was made

	folds        prometheus.Histogram
	foldFailures atomic.Int64
	dropped      atomic.Int64 // partitions

	bloomRebuilds atomic.Int64

	folder, engine stall
	observed       *telemetry.Cached[observation]
}

// A stall counts how often and how long writers waited.
type stall struct {
	times, nanos atomic.Int64
	since        atomic.Int64 // when the present one began; 0 where there is none
}

func (w *stall) begin() {
	w.times.Add(1)
	w.since.Store(time.Now().UnixNano())
}

func (w *stall) end() {
	if since := w.since.Swap(0); since != 0 {
		w.nanos.Add(time.Now().UnixNano() - since)
	}
}

// total returns how long writers waited so far, the present stall included.
func (w *stall) total() time.Duration {
	total := w.nanos.Load()
	if since := w.since.Load(); since != 0 {
		total += time.Now().UnixNano() - since
	}
	return time.Duration(total)
}

func (s *Store) beginCounting() {
	s.counters.folds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "waybill_store_fold_seconds",
		Help:    "Time in which a generation was written as runs and its counters folded.",
		Buckets: []float64{0.1, 0.5, 2, 10, 60},
	})
	s.counters.observed = telemetry.NewCached(observeEvery, s.observe)
}

// noteFold counts a fold that began at some time.
func (s *Store) noteFold(begun time.Time, err error) {
	if err != nil {
		s.counters.foldFailures.Add(1)
		return
	}
	s.counters.folds.Observe(time.Since(begun).Seconds())
}

// An observation is what is seen of a store that takes a while to look at, or a
// lock.
type observation struct {
	channels, partitions int
	keptFrom             waybill.Instant // all before is dropped; Never where nothing is
	bytes                map[string]uint64
	diskFree, diskSize   uint64
	engine               *engine.Metrics
}

// kinds are what the bytes on disk are told by: the spaces of each kind.
var kinds = []struct {
	name   string
	spaces []byte
}{
	{"messages", []byte{spaceMessage}},
	{"names", []byte{spaceName}},
	{"cells", []byte{spaceCells, spaceSettled}},
	{"projections", []byte{spaceSender, spaceTemplate}},
	{"segments", []byte{spaceTotal, spaceSegment, spaceOrder, spaceSnapshot}},
	{"words", []byte{spaceText, spaceTuple, spaceDetail}},
	{"records", []byte{spaceRecord, spaceSetting, spaceFacts, spaceTooLate, spaceRun, spaceVersion}},
	{"log", []byte{spaceLog}},
}

// The kinds of files that have no spaces.
const (
	kindEngineLog = "engine_log" // with what the engine keeps to use again
	kindObsolete  = "obsolete"   // files that are about to be removed, or being written
	kindBloom     = "bloom"
)

func (s *Store) observe(ctx context.Context) (observation, error) {
	if err := s.enter(ctx); err != nil {
		return observation{}, err
	}
	defer s.leave()
	var o observation
	s.mu.RLock()
	o.channels, o.partitions = len(s.channels), len(s.partitions)
	if s.horizon > 0 {
		o.keptFrom = waybill.Instant(s.horizon.start())
	}
	s.mu.RUnlock()
	seen := make(chan observation, 1) // a disk that stands still leaves the look behind
	err := s.disk.guard(func() error {
		found := o
		if err := s.observeDisk(&found); err != nil {
			return err
		}
		seen <- found
		return nil
	})
	if err != nil {
		s.log.WarnContext(ctx, "the store's sizes cannot be told", "err", err)
		return observation{}, err
	}
	return <-seen, nil
}

func (s *Store) observeDisk(o *observation) error {
	m := s.db.Metrics()
	o.engine, o.bytes = m, make(map[string]uint64)
	for _, kind := range kinds {
		for _, space := range kind.spaces {
			size, err := s.db.EstimateDiskUsage([]byte{space}, []byte{space + 1})
			if err != nil {
				return err
			}
			o.bytes[kind.name] += size
		}
	}
	o.bytes[kindEngineLog] = max(m.WAL.PhysicalSize, m.WAL.Size) + m.WAL.ObsoletePhysicalSize
	o.bytes[kindObsolete] = m.Table.Local.ObsoleteSize + m.Table.Local.ZombieSize + uint64(max(m.Compact.InProgressBytes, 0))
	if info, err := s.disk.Stat(s.path(bloomName)); err == nil {
		o.bytes[kindBloom] = uint64(info.Size())
	}
	usage, err := s.disk.GetDiskUsage(s.dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return nil
	}
	o.diskFree, o.diskSize = usage.AvailBytes, usage.TotalBytes
	return err
}
