package pebble

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
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
}

// A Store is a waybill.Store in a directory of this machine. The package comment
// tells how it fails.
type Store struct {
	db   *engine.DB
	disk *disk
	now  func() time.Time
	log  *slog.Logger

	writer chan struct{} // holds one value while somebody writes
	write  write         // owned by who holds writer

	mu       sync.RWMutex // guards channels and pass, not words
	channels map[waybill.ChannelNumber]*channel
	pass     pass

	closing chan struct{} // closed when Close begins
	wake    chan struct{} // tells the passes that one is pending
	passes  sync.WaitGroup
	life    sync.RWMutex // held for reading by every call
	closed  bool         // guarded by life
}

var _ waybill.Store = (*Store)(nil)

// A channel is what the store has in memory of a channel.
type channel struct {
	setting // written by the writer with mu held
	view    // what readers see of words; written by the writer with mu held
	words   *words
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
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.disk.failure(); err != nil {
		s.unlock()
		return err
	}
	return nil
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
	s.passes.Wait()
	return s.disk.guard(s.db.Close)
}

// lookup returns the channel as readers see it now.
func (s *Store) lookup(c waybill.ChannelNumber) (setting, view, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ch, ok := s.channels[c]
	if !ok {
		return setting{}, view{}, false
	}
	return ch.setting, ch.view, true
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

// Message implements waybill.Store.
func (s *Store) Message(
	ctx context.Context, c waybill.ChannelNumber, id string,
) (waybill.Message, error) {
	if err := s.enter(ctx); err != nil {
		return waybill.Message{}, err
	}
	defer s.leave()
	notFound := waybill.Errorf(waybill.NotFound, "channel %d has no message %q", c, id)
	data, closer, err := s.db.Get(appendMessageKey(nil, c, id))
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return waybill.Message{}, notFound
	case err != nil:
		return waybill.Message{}, s.readError(err)
	}
	defer closer.Close()
	_, v, ok := s.lookup(c)
	if !ok {
		return waybill.Message{}, notFound
	}
	m, _, ok := decodeMessage(data, v.labels)
	if !ok {
		return waybill.Message{}, errMessage(c, id)
	}
	return m, nil
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
