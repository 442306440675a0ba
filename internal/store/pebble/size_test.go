package pebble_test

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"waybill/internal/store/pebble"
)

// TestASmallStoreIsSmall looks at what the file system has given it, which is more
// than the sizes of its files.
func TestASmallStoreIsSmall(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, pebble.Options{})
	defer s.Close()
	configure(t, s, enabledAt(0)...)
	for range 10 {
		appendAll(t, s, sentMessages(100))
	}
	if got, most := allocated(t, dir), int64(8<<20); got > most {
		t.Errorf("a store of 100 messages has %d bytes, want at most %d", got, most)
	}
}

// allocated returns how many bytes of a disk the files of a directory occupy.
func allocated(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += sys.Blocks * 512
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
