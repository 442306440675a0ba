package pebble_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
	"waybill/internal/store/pebble"
)

func TestOpenMakesAPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	defer mustOpen(t, dir, pebble.Options{}).Close()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory is %v, %v", info.Mode(), err)
	}
}

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	defer mustOpen(t, dir, pebble.Options{}).Close()
	wantInUse(t, dir)
}

func TestOpenRefusesOtherFormats(t *testing.T) {
	for version, want := range map[byte]string{
		1: "version 1, from before the first release",
		3: "version 3, of a newer Waybill",
	} {
		dir := t.TempDir()
		if err := mustOpen(t, dir, pebble.Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		setVersion(t, dir, version)
		_, err := pebble.Open(dir, pebble.Options{})
		if waybill.CodeOf(err) != waybill.Conflict || !strings.Contains(err.Error(), want) {
			t.Errorf("Open of version %d fails with %v", version, err)
		}
	}
}

// setVersion writes another format version into a closed store.
func setVersion(t *testing.T, dir string, version byte) {
	t.Helper()
	db, err := engine.Open(dir, &engine.Options{
		Merger:             &engine.Merger{Name: "waybill.cells.v1", Merge: engine.DefaultMerger.Merge},
		FormatMajorVersion: engine.FormatTableFormatV6,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Set([]byte("v"), []byte{version}, engine.Sync); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenReportsWhatStandsInTheWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pebble.Open(file, pebble.Options{})
	if err == nil || !strings.Contains(err.Error(), file) || waybill.CodeOf(err) == waybill.Conflict {
		t.Errorf("Open of a file fails with %v", err)
	}
}

func TestClosedStoreRefusesCalls(t *testing.T) {
	s := mustOpen(t, t.TempDir(), pebble.Options{})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Append(t.Context(), nil); waybill.CodeOf(err) != waybill.Unavailable {
		t.Errorf("Append fails with %v", err)
	}
	if err := s.Settled(t.Context()); waybill.CodeOf(err) != waybill.Unavailable {
		t.Errorf("Settled fails with %v", err)
	}
}
