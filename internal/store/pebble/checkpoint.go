package pebble

import (
	"context"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// Checkpoint writes a copy of the store as it is at one moment into dir, which must
// not exist, while the store goes on. Files that do not change are linked where the
// file system can do so. A store that is opened in dir has all that was acknowledged
// before the call.
func (s *Store) Checkpoint(ctx context.Context, dir string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if _, err := s.disk.Stat(dir); err == nil {
		return waybill.Errorf(waybill.Conflict, "%s exists", dir)
	}
	// The engine lists its files first and copies its log after: it must not be
	// handed a run in between, of whose fold the log would tell.
	select {
	case s.folding <- struct{}{}:
		defer func() { <-s.folding }()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.disk.stopped:
		return s.disk.failure()
	}
	// A full disk there must not stop the store here.
	s.disk.aside.Store(&dir)
	defer s.disk.aside.Store(nil)
	err := s.disk.guard(func() error { return s.copyTo(dir) })
	if err != nil {
		return fmt.Errorf("write a checkpoint to %s: %w", dir, err)
	}
	// Without the filter the copy works too, and makes one when it is opened.
	if err := s.disk.Link(s.path(bloomName), s.disk.PathJoin(dir, bloomName)); err != nil {
		s.log.DebugContext(ctx, "the filter is not part of the checkpoint", "err", err)
	}
	return nil
}

// copyTo fails also where the engine would rather end the process: it panics when a
// directory cannot be synced, and that of a copy is no reason to.
func (s *Store) copyTo(dir string) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	return s.db.Checkpoint(dir, engine.WithFlushedWAL())
}
