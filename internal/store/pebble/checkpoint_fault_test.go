package pebble_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"waybill/internal/store/pebble"
)

// An apartFault fails one after the other operation that changes a directory.
type apartFault struct {
	dir    string
	number int64
	seen   atomic.Int64
	over   atomic.Bool // nothing fails any more
}

func (f *apartFault) String() string { return "fault apart" }

// MaybeError implements errorfs.Injector.
func (f *apartFault) MaybeError(op errorfs.Op) error {
	if f.over.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.HasPrefix(op.Path, f.dir) {
		return nil
	}
	if f.seen.Add(1) == f.number {
		return errorfs.ErrInjected
	}
	return nil
}

// TestCheckpointToAFailingDisk lets one operation after the other fail in the
// directory of the copy, and in that in which it begins. The store goes on, and
// whatever copy there is then is whole.
func TestCheckpointToAFailingDisk(t *testing.T) {
	for _, dir := range []string{"copy", "data/checkpoint"} {
		t.Run(dir, func(t *testing.T) { failApart(t, dir) })
	}
}

func failApart(t *testing.T, dir string) {
	failed := 0
	for number := int64(1); ; number++ {
		f := &apartFault{dir: dir, number: number}
		fs := errorfs.Wrap(vfs.NewMem(), f)
		s := mustOpen(t, "data", pebble.Options{FS: fs, GenerationMessages: 100})
		configure(t, s, enabledAt(0)...)
		appendAll(t, s, sentMessages(300))
		err := s.Checkpoint(t.Context(), "copy")
		f.over.Store(true)
		if err != nil {
			failed++
		}
		if _, err := s.Append(t.Context(), sentMessages(400)); err != nil {
			t.Fatalf("after operation %d failed, Append fails with %v", number, err)
		}
		if err := s.Close(); err != nil {
			t.Fatalf("after operation %d failed, Close fails with %v", number, err)
		}
		if err == nil {
			backup := mustOpen(t, "copy", pebble.Options{FS: fs})
			if differences, err := backup.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
				t.Errorf("after operation %d failed, Verify of the copy returns %+v, %v", number, differences, err)
			}
			if err := backup.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if f.seen.Load() < number {
			break
		}
	}
	if failed == 0 {
		t.Error("no checkpoint has failed")
	}
	t.Logf("%d checkpoints failed", failed)
}

// A slowDisk is another file system at "copy", where writing takes until it is let.
type slowDisk struct {
	vfs.FS
	once    sync.Once
	reached chan struct{} // closed when the first file is made there
	open    chan struct{}
}

// Link implements vfs.FS.
func (d *slowDisk) Link(old, name string) error {
	if strings.HasPrefix(name, "copy") {
		return errors.New("invalid cross-device link")
	}
	return d.FS.Link(old, name)
}

// Create implements vfs.FS.
func (d *slowDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(name, "copy") {
		d.once.Do(func() { close(d.reached) })
		<-d.open
	}
	return d.FS.Create(name, c)
}

// TestFoldsGoOnDuringACheckpoint writes many generations while a copy is made to
// another disk. The copy has what there was at its beginning.
func TestFoldsGoOnDuringACheckpoint(t *testing.T) {
	fs := &slowDisk{FS: vfs.NewMem(), reached: make(chan struct{}), open: make(chan struct{})}
	s := mustOpen(t, "data", pebble.Options{FS: fs, GenerationMessages: 50})
	defer s.Close()
	configure(t, s, enabledAt(0)...)
	events := sentMessages(2000)
	appendAll(t, s, events[:500])
	done := make(chan error, 1)
	go func() { done <- s.Checkpoint(t.Context(), "copy") }()
	select {
	case <-fs.reached:
	case err := <-done:
		t.Fatalf("Checkpoint returns %v before it has written", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	for n := 500; n < len(events); n += 10 {
		if _, err := s.Append(ctx, events[n:n+10]); err != nil {
			t.Errorf("after %d messages, Append fails with %v", n, err)
			break
		}
	}
	close(fs.open)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if names, err := fs.List("data/checkpoint"); err == nil {
		t.Errorf("the beginning of the copy is left, with %v", names)
	}
	backup := mustOpen(t, "copy", pebble.Options{FS: fs})
	defer backup.Close()
	if found := pages(t.Context(), t, backup, 1000); len(found) != 500 {
		t.Errorf("the copy has %d messages, want 500", len(found))
	}
	if differences, err := backup.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify of the copy returns %+v, %v", differences, err)
	}
}
