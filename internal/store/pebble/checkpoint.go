package pebble

import (
	"context"
	"errors"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// stagingName is the directory beside the engine's files in which a copy begins.
const stagingName = "checkpoint"

// Checkpoint writes a copy of the store as it is at one moment into dir, which must
// not exist, while the store goes on. A store that is opened in dir has all that was
// acknowledged before the call.
//
// The copy begins as links beside the store's files, which takes no time to speak
// of. From there files are linked to dir, or copied where that lies on another file
// system, while generations are folded.
func (s *Store) Checkpoint(ctx context.Context, dir string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.acquire(ctx, s.copying); err != nil {
		return err
	}
	defer func() { <-s.copying }()
	if _, err := s.disk.Stat(dir); err == nil {
		return waybill.Errorf(waybill.Conflict, "%s exists", dir)
	}
	s.removeStaging()
	defer s.removeStaging()
	if err := s.stage(ctx); err != nil {
		return fmt.Errorf("begin a checkpoint in %s: %w", s.path(stagingName), err)
	}
	if err := copyDir(ctx, s.disk.FS, s.path(stagingName), dir); err != nil {
		return errors.Join(fmt.Errorf("write a checkpoint to %s: %w", dir, err), s.disk.FS.RemoveAll(dir))
	}
	return nil
}

// removeStaging removes what is left of a copy. The next one tries again.
func (s *Store) removeStaging() {
	if err := s.disk.RemoveAll(s.path(stagingName)); err != nil {
		s.log.Warn("the beginning of a checkpoint could not be removed", "dir", s.path(stagingName), "err", err)
	}
}

// acquire takes a right that one at a time has.
func (s *Store) acquire(ctx context.Context, right chan struct{}) error {
	select {
	case right <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.disk.stopped:
		return s.disk.failure()
	}
}

// stage makes the copy beside the store's files.
func (s *Store) stage(ctx context.Context) error {
	// The engine lists its files first and copies its log after: it must not be
	// handed a run in between, of whose fold the log would tell.
	if err := s.acquire(ctx, s.folding); err != nil {
		return err
	}
	defer func() { <-s.folding }()
	staging := s.path(stagingName)
	if err := s.disk.guard(func() error { return s.copyTo(staging) }); err != nil {
		return err
	}
	// Without the filter the copy works too, and makes one when it is opened.
	if err := s.disk.Link(s.path(bloomName), s.disk.PathJoin(staging, bloomName)); err != nil {
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

// copyDir links or copies the files of a directory to a new one, durably.
func copyDir(ctx context.Context, fs vfs.FS, from, to string) error {
	names, err := fs.List(from)
	if err != nil {
		return err
	}
	changed := []string{to} // and the directories that are made on the way to it, and the one above
	for parent := fs.PathDir(to); ; parent = fs.PathDir(parent) {
		changed = append(changed, parent)
		if _, err := fs.Stat(parent); err == nil || parent == fs.PathDir(parent) {
			break
		}
	}
	if err := fs.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := vfs.LinkOrCopy(fs, fs.PathJoin(from, name), fs.PathJoin(to, name)); err != nil {
			return err
		}
	}
	for _, dir := range changed {
		if err := syncDir(fs, dir); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	f, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
