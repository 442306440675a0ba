package pebble

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// Options of a store. The zero Options are good for production.
type Options struct {
	Now        func() time.Time // the clock that bounds events; nil is time.Now
	Log        *slog.Logger     // nil discards
	CacheBytes int64            // memory for blocks read from files; 0 is 128 MB
	FS         vfs.FS           // for tests; nil is the operating system's

	// MustExist makes Open fail where there is no store, instead of making one.
	MustExist bool

	// KeepMessages is how long the histories of messages are kept, in whole
	// partitions of 28 days; 0 is for ever. Counters are kept for ever.
	KeepMessages time.Duration

	// KeepNames says what is kept of a message besides what is counted.
	KeepNames KeepNames

	// EventBasisOnly makes a new store that does not count by send; such
	// queries then fail with Invalid. A store that exists keeps what it has.
	EventBasisOnly bool

	// GenerationMessages is how many messages are held in memory until they
	// are written as a sorted run; 0 is 680,000, which take 110 MB.
	GenerationMessages int
}

// GCPercent is how much garbage a process with a store should let come together, as
// debug.SetGCPercent has it. Most memory of a store is in a few large tables without
// pointers, which cost the collector nothing to mark and would be held twice.
const GCPercent = 50

// KeepNames says what is kept of a message besides what is counted.
type KeepNames uint8

// The choices of Options.KeepNames. The IDs of some vendors contain the
// recipient's phone number.
const (
	KeepRecipients KeepNames = iota // IDs and recipients
	KeepIDs                         // IDs alone
	KeepNothing                     // neither
)

// A Store is a waybill.Store in a directory of this machine. The package comment
// tells how it works and how it fails.
type Store struct {
	db     *engine.DB
	disk   *disk
	dir    string
	now    func() time.Time
	log    *slog.Logger
	engine *engine.Options
	opened atomic.Bool // whether the engine is

	keep         KeepNames
	keepMessages time.Duration
	bySend       bool // whether the store counts by send
	hashKey      [2]uint64
	limit        int // messages of a generation

	counters counters

	texts  *texts
	sets   *labelSets
	queue  queue
	filter blooms
	spare  sync.Pool // of scratches

	writer chan struct{} // holds one value while somebody writes

	// Owned by who holds writer.
	commit       *commit
	live         *table
	seq          uint64 // of the last commit
	acknowledged *mark
	tooLate      int64
	horizon      partition // all before it is dropped, or about to be

	// Written by who holds writer, with mu held: both may read.
	mu         sync.RWMutex
	channels   map[waybill.ChannelNumber]*channel
	overlay    *overlay
	previous   *generation // nil before the first rotation
	partitions []partition // see inRuns; never written in place
	pass       pass

	seen     waybill.Instant // about when the last commit was; owned by the writer
	old      arrivals        // of events that are older than messages are kept; owned by the writer
	rest     rest            // owned by the writer
	retained time.Time       // when old partitions were last looked for; owned by the upkeep
	dropped  bool            // whether the filter knows of messages that are dropped; owned by the upkeep
	swept    bool            // whether the room of what is dropped is free; owned by the upkeep

	folding    chan struct{} // holds one value while runs are handed over, or a checkpoint begins
	copying    chan struct{} // holds one value while a checkpoint is written
	erasing    chan struct{} // holds one value while names are erased
	closing    chan struct{} // closed when Close begins
	wake       chan struct{} // tells the passes that one is pending
	work       chan struct{} // tells the folder that there is work
	due        chan struct{} // tells the upkeep that a generation is folded
	background sync.WaitGroup
	life       sync.RWMutex // held for reading by every call
	closed     bool         // guarded by life
}

var _ waybill.Store = (*Store)(nil)

// A generation is what was in memory when the next one began. Its table remains
// for look-ups until it is reused.
type generation struct {
	table   *table
	overlay *overlay      // nil once it is folded; guarded by Store.mu
	last    uint64        // sequence of its last commit
	written bool          // its states are in runs; owned by the folder
	folded  chan struct{} // closed when all of it is in runs and folded
	failed  chan error    // why the last try to do that failed; holds one
}

// A channel is what the store has in memory of a channel.
type channel struct {
	setting // written by the writer with Store.mu held
	view    // what readers see of words; written by the writer with Store.mu held
	words   *words
	grown   uint32 // the last commit in which words grew
}

// enter begins a call; leave ends it. It fails once the store is being closed.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.life.RLock()
	if s.closed {
		s.life.RUnlock()
		return errClosed()
	}
	return nil
}

func (s *Store) leave() { s.life.RUnlock() }

func errClosed() error {
	return waybill.Errorf(waybill.Unavailable, "the store is closed")
}

// lock waits for the right to write, which unlock gives back.
func (s *Store) lock(ctx context.Context) error {
	if err := s.hold(ctx); err != nil {
		return err
	}
	if err := s.disk.failure(); err != nil {
		s.unlock()
		return err
	}
	return nil
}

// hold is lock for those who only read what the writer owns: it works on when the
// disk has failed.
func (s *Store) hold(ctx context.Context) error {
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) unlock() { <-s.writer }

// Stopped is closed when the store has stopped for good, because its disk
// failed. Only a new process can write to the directory then.
func (s *Store) Stopped() <-chan struct{} { return s.disk.stopped }

// Close implements waybill.Store. Of a store that has stopped it returns why,
// and the directory stays locked until the process ends.
func (s *Store) Close() error {
	s.mu.Lock()
	select {
	case <-s.closing:
	default:
		close(s.closing)
	}
	s.mu.Unlock()
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.background.Wait()
	return s.disk.guard(func() error {
		return errors.Join(s.keepBloom(), s.acknowledged.close(), s.db.Close())
	})
}

// Channels implements waybill.Store.
func (s *Store) Channels(ctx context.Context) ([]waybill.ChannelState, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.states(), nil
}

// states returns the channels in ascending order.
func (s *Store) states() []waybill.ChannelState {
	s.mu.RLock()
	defer s.mu.RUnlock()
	states := make([]waybill.ChannelState, 0, len(s.channels))
	for _, c := range slices.Sorted(maps.Keys(s.channels)) {
		states = append(states, s.channels[c].ChannelState)
	}
	return states
}

// Records implements waybill.Store.
func (s *Store) Records(ctx context.Context, prefix string) ([]waybill.Record, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	var records []waybill.Record
	err := s.scan(ctx, append([]byte{spaceRecord}, prefix...), func(key, value []byte) error {
		records = append(records, waybill.Record{
			Key: string(key[1:]), Value: append([]byte{}, value...),
		})
		return nil
	})
	return records, err
}

// scan calls f with each key that starts with prefix, in order.
func (s *Store) scan(ctx context.Context, prefix []byte, f func(key, value []byte) error) error {
	it, err := s.db.NewIterWithContext(ctx, nil)
	if err != nil {
		return s.readError(err)
	}
	defer it.Close()
	return s.scanRange(ctx, it, prefix, after(prefix), f)
}

// scanRange calls f with each key of it in [from, to), in order. It looks at ctx
// every so often.
func (s *Store) scanRange(
	ctx context.Context, it *engine.Iterator, from, to []byte, f func(key, value []byte) error,
) error {
	const between = 64 << 10 // bytes
	it.SetBounds(from, to)
	seen := 0
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return s.readError(err)
		}
		if err := f(it.Key(), value); err != nil {
			return err
		}
		if seen += len(it.Key()) + len(value); seen >= between {
			seen = 0
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return s.readError(it.Error())
}

// readError returns the error of a read, as Unavailable where the disk failed.
func (s *Store) readError(err error) error {
	if err == nil {
		return nil
	}
	if failure := s.disk.failure(); failure != nil {
		return failure
	}
	return err
}
