package pebble

import "waybill"

// makeRoom begins a new generation when the present one is full, with the right
// to write held. It waits for the folder only when twice as much has come in.
func (s *Store) makeRoom() error {
	if !s.full(1) {
		return nil
	}
	if s.previous != nil {
		select {
		case <-s.previous.folded:
		default:
			if !s.full(2) {
				return nil
			}
			s.counters.folder.begin()
			defer s.counters.folder.end()
			select {
			case <-s.previous.folded:
			case err := <-s.previous.failed:
				return waybill.Errorf(waybill.Unavailable, "the store is full until its counters can be folded: %v", err)
			case <-s.disk.stopped:
				return s.disk.failure()
			case <-s.closing:
				return errClosed()
			}
		}
	}
	s.rotate()
	return nil
}

// What a generation may have for each message of its limit. Few messages can make
// many differences, and have long names and many clicks.
const (
	differences = 24
	nameBytes   = 256
	extraBytes  = 256
)

// full reports whether the present generation has so many times what one should
// have.
func (s *Store) full(times int) bool {
	limit := times * s.limit
	return s.live.count >= limit || s.overlay.count >= differences*limit ||
		len(s.live.arena) >= nameBytes*limit || s.live.extraBytes >= extraBytes*limit
}

// maxLoaded bounds the bytes of extras that one call may bring into memory; those
// that share a commit may bring as much again.
func (s *Store) maxLoaded() int { return max(1<<20, extraBytes*s.limit) }

// rotate makes the present generation the previous one, with the right to write
// held. All of the one before must be folded.
func (s *Store) rotate() {
	next := newTableLike(s.live)
	if s.previous != nil && cap(s.previous.table.slots) >= cap(s.live.slots) {
		next = s.previous.table
		next.reset()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.previous = &generation{table: s.live, overlay: s.overlay, last: s.seq, folded: make(chan struct{}), failed: make(chan error, 1)}
	s.counters.full.Store(int64(s.live.count))
	s.counters.live.Store(0)
	s.live = next
	s.overlay = newOverlay(s.overlay.generation + 1)
	clear(s.commit.recent[:])
	s.wakeFolder()
}

func newTableLike(t *table) *table { return newTable(t.names != nil) }
