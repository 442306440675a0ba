package pebble_test

import (
	"strings"
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
// directory of the copy. The store goes on, and whatever copy there is then is whole.
func TestCheckpointToAFailingDisk(t *testing.T) {
	failed := 0
	for number := int64(1); ; number++ {
		f := &apartFault{dir: "copy", number: number}
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
