package pebble

import (
	"context"
	"time"
)

// A rest says since when nothing has come in.
type rest struct {
	seq     uint64 // the last commit
	since   time.Time
	trimmed bool
}

// due reports, once, that the last commit is the same as a while ago.
func (r *rest) due(seq uint64) bool {
	const after = 30 * time.Second
	if r.since.IsZero() || seq != r.seq {
		*r = rest{seq: seq, since: time.Now()}
	}
	if r.trimmed || time.Since(r.since) < after {
		return false
	}
	r.trimmed = true
	return true
}

// trimLogs frees the room of the engine's logs once nothing has come in for a while.
// After much has, those that it keeps to use again have more than a hundred megabytes.
func (s *Store) trimLogs(ctx context.Context) error {
	const worthwhile = 16 << 20
	if err := s.hold(ctx); err != nil {
		return err
	}
	due := s.rest.due(s.seq)
	s.unlock()
	if !due {
		return nil
	}
	if s.logBytes() < worthwhile {
		return nil
	}
	return s.renewLogs(ctx)
}

// logBytes returns how much room the engine's logs take: those in use, of which the
// engine knows the files as they were when it began them, and those put aside.
func (s *Store) logBytes() uint64 {
	log := s.db.Metrics().WAL
	return max(log.Size, log.PhysicalSize) + log.ObsoletePhysicalSize
}

// renewLogs lets the engine begin its logs anew. It puts some aside to use again, the
// oldest first, and takes one whenever it begins another.
func (s *Store) renewLogs(ctx context.Context) error {
	s.disk.renewing.Add(1)
	defer s.disk.renewing.Add(-1)
	aside := s.engine.MemTableStopWritesThreshold + 1
	for range aside + 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.db.Flush(); err != nil {
			return err
		}
	}
	return nil
}
