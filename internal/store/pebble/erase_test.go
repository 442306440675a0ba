package pebble_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill/internal/store/pebble"
)

// TestErasedRecipientsAreInNoFile: neither in those of the store nor in a copy. What
// is in the log when the store is opened goes through a file of its own.
func TestErasedRecipientsAreInNoFile(t *testing.T) {
	const recipient = "6281155500199"
	for _, again := range []bool{false, true} {
		fs := vfs.NewMem()
		s := mustOpen(t, "data", pebble.Options{FS: fs})
		configure(t, s, enabledAt(0)...)
		events := sentMessages(500)
		for i := range events {
			events[i].Recipient = fmt.Sprint(i)
		}
		events[200].Recipient = recipient
		events[200].Message = "wamid." + recipient
		appendAll(t, s, events)
		if again {
			s = reopen(t, s, "data", pebble.Options{FS: fs})
		}
		if files := filesWith(t, fs, "data", recipient); len(files) == 0 {
			t.Fatal("the recipient was in no file")
		}
		if n, err := s.Erase(t.Context(), recipient); n != 1 || err != nil {
			t.Fatalf("Erase returns %d, %v", n, err)
		}
		if err := s.Checkpoint(t.Context(), "copy"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"data", "copy"} {
			if files := filesWith(t, fs, dir, recipient); len(files) > 0 {
				t.Errorf("opened again %t: the recipient is in the files %v of %s", again, files, dir)
			}
			s := mustOpen(t, dir, pebble.Options{FS: fs})
			if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
				t.Errorf("Verify of %s returns %+v, %v", dir, differences, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestErasuresAreFinished: one that was interrupted before files were renewed is
// resumed by the next start, by itself, and by a further one.
func TestErasuresAreFinished(t *testing.T) {
	const recipient = "6281155500199"
	for _, how := range []string{"start", "by itself", "erase again"} {
		fs := vfs.NewMem()
		opt := pebble.Options{FS: fs}
		s := mustOpen(t, "data", opt)
		configure(t, s, enabledAt(0)...)
		events := sentMessages(500)
		for i := range events {
			events[i].Recipient = fmt.Sprint(i)
		}
		events[200].Recipient = recipient
		appendAll(t, s, events)
		if n, err := s.EraseHalf(t.Context(), recipient); n != 1 || err != nil {
			t.Fatalf("%d names are erased, %v", n, err)
		}
		switch how {
		case "start":
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, "data", opt)
		case "erase again":
			if n, err := s.Erase(t.Context(), recipient); n != 0 || err != nil {
				t.Errorf("a second Erase returns %d, %v", n, err)
			}
			if s.ErasurePending() {
				t.Error("a second Erase has not finished the first")
			}
		}
		for began := time.Now(); s.ErasurePending(); {
			if time.Since(began) > enough {
				t.Fatalf("%s: the erasure is not resumed", how)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if files := filesWith(t, fs, "data", recipient); len(files) > 0 {
			t.Errorf("%s: the recipient is in the files %v", how, files)
		}
	}
}

// filesWith returns the files of a directory that have a text in them.
func filesWith(t *testing.T, fs vfs.FS, dir, text string) (with []string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin(dir, name))
		if errors.Is(err, iofs.ErrNotExist) {
			continue // the engine has no use for it any more
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(name, err)
		}
		if bytes.Contains(data, []byte(text)) {
			with = append(with, name)
		}
	}
	return with
}
