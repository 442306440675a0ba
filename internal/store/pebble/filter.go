package pebble

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"sync/atomic"
)

// A stamp names the set of runs that a store has. One is drawn for each generation
// and stored when that is folded. So the file of a filter that is older, of another
// store, or of a copy that went its own way, is never taken for what it is not.
type stamp [stampBytes]byte

const stampBytes = 16

func drawStamp() (st stamp) {
	_, _ = rand.Read(st[:]) // which never fails
	return st
}

// Blooms are what tells that a message is new. The folder adds the messages of each
// generation; the upkeep makes another filter where the present one is of no use.
type blooms struct {
	bloom atomic.Pointer[bloom] // nil while it is being made
	next  atomic.Pointer[bloom] // what is being made: it is added to as well
	large int                   // largeBloom, but in tests

	file   sync.Mutex // held while the file is written
	stamps [2]stamp   // of what is folded, and of what is about to be; guarded by file
	saved  [2]stamp   // those in the file; guarded by file
}

// size returns how many messages the filter knows, and for how many it is made.
func (f *blooms) size() (messages, room int64) {
	b := f.bloom.Load()
	if b == nil {
		return 0, 0
	}
	return b.count.Load(), int64(b.room)
}

// draw returns the stamp of the generation that is about to be folded.
func (f *blooms) draw() stamp {
	f.file.Lock()
	defer f.file.Unlock()
	f.stamps[1] = drawStamp()
	return f.stamps[1]
}

// folded notes that the generation is folded.
func (f *blooms) folded() {
	f.file.Lock()
	defer f.file.Unlock()
	f.stamps[0] = f.stamps[1]
}

// largeBloom is how many blocks a filter may have to be written with each generation:
// 64 MB, for 33 million messages.
const largeBloom = 2 << 20

// saveBloom writes the filter when that costs little against what was written
// since the last time.
func (s *Store) saveBloom(generation uint64) error {
	b := s.filter.bloom.Load()
	if b == nil || len(b.blocks) > s.filter.large && generation%uint64(len(b.blocks)/s.filter.large+1) != 0 {
		return nil
	}
	return s.writeBloom()
}

func (s *Store) writeBloom() error {
	s.filter.file.Lock()
	defer s.filter.file.Unlock()
	err := s.filter.bloom.Load().save(s.disk, s.path(bloomName), s.filter.stamps)
	if err == nil {
		s.filter.saved = s.filter.stamps
	}
	return err
}

// keepBloom writes the filter when the store is closed and the file would not be
// believed at the next start. Nobody folds any more.
func (s *Store) keepBloom() error {
	if s.filter.bloom.Load() == nil || slices.Contains(s.filter.saved[:], s.filter.stamps[0]) {
		return nil
	}
	return s.writeBloom()
}

// loadBloom loads the filter, or leaves it to the upkeep to make it.
func (s *Store) loadBloom() {
	b := loadBloom(s.disk, s.path(bloomName), s.filter.stamps[0])
	if b != nil {
		s.filter.saved[0] = s.filter.stamps[0]
	}
	if b == nil && len(s.partitions) == 0 {
		b = newBloom(smallestBloom)
	}
	s.filter.bloom.Store(b)
}

// addToBloom adds the messages in some slots of a table, which are in a run now.
func (s *Store) addToBloom(t *table, slots []int32) {
	// First the one that may take the place of the other meanwhile.
	next, b := s.filter.next.Load(), s.filter.bloom.Load()
	if b != nil && b.count.Load() == 0 && len(s.inRuns()) == 0 {
		b = newBloom(4 * len(slots)) // the first run shows how many to expect
		s.filter.bloom.Store(b)
	}
	for _, b := range []*bloom{next, b} {
		if b == nil {
			continue
		}
		for _, i := range slots {
			b.add(t.slots[i].channel, &t.slots[i].hash)
		}
	}
}

// roomOfBloom returns for how many messages the next filter is to be made. Where
// nothing is known it is told by the size of the runs.
func (s *Store) roomOfBloom(b *bloom) int {
	const perMessage = 20 // bytes
	if b != nil {
		return 2 * int(b.count.Load())
	}
	size, err := s.db.EstimateDiskUsage([]byte{spaceMessage}, []byte{spaceMessage + 1})
	if err != nil {
		return 0
	}
	return int(size / perMessage * 3 / 2)
}

// renewBloom makes a filter where there is none, it has become too small, or what
// it knows has been dropped. It is made aside, while generations are folded.
func (s *Store) renewBloom(ctx context.Context) error {
	b := s.filter.bloom.Load()
	if b != nil && b.count.Load() <= int64(b.room) && !s.dropped {
		return nil
	}
	next := newBloom(s.roomOfBloom(b))
	// What comes into runs from here on is added by the folder too.
	s.filter.next.Store(next)
	defer s.filter.next.Store(nil)
	if err := s.fillBloom(ctx, next); err != nil {
		return err
	}
	s.log.Info("the filter has been made anew", "messages", next.count.Load())
	s.filter.bloom.Store(next)
	s.counters.bloomRebuilds.Add(1)
	s.dropped = false
	return s.writeBloom()
}

// fillBloom adds all messages that are in runs.
func (s *Store) fillBloom(ctx context.Context, b *bloom) error {
	return s.scan(ctx, []byte{spaceMessage}, func(key, value []byte) error {
		return eachEntry(key, value, func(k messageKey, _ []byte) error {
			b.add(k.channel, &k.hash)
			return nil
		})
	})
}
