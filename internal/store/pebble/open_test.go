package pebble_test

import (
	"bytes"
	"errors"
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

func TestOpenRefusesANewerFormat(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpen(t, dir, pebble.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := engine.Open(dir, &engine.Options{
		FormatMajorVersion: engine.FormatTableFormatV6, Logger: silent{},
		Merger: &engine.Merger{Name: "waybill.bundles", Merge: engine.DefaultMerger.Merge},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("v"), []byte{5}, engine.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = pebble.Open(dir, pebble.Options{})
	if waybill.CodeOf(err) != waybill.Invalid || !strings.Contains(err.Error(), "version 5, of a newer Waybill") {
		t.Errorf("Open fails with %v", err)
	}
}

// TestOpenRefusesAnOlderFormat opens directories that earlier layouts wrote.
func TestOpenRefusesAnOlderFormat(t *testing.T) {
	for _, version := range []string{"version-1", "version-3"} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/"+version)); err != nil {
			t.Fatal(err)
		}
		_, err := pebble.Open(dir, pebble.Options{})
		if waybill.CodeOf(err) != waybill.Invalid || !strings.Contains(err.Error(), "begin a new data directory") {
			t.Errorf("Open of %s fails with %v", version, err)
		}
	}
}

// TestOpenTellsAnUnknownMergeOperation apart from those of before the first release,
// whose data are to be given up.
func TestOpenTellsAnUnknownMergeOperation(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpen(t, dir, pebble.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	options, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(options) == 0 {
		t.Fatal(options, err)
	}
	for _, path := range options {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("waybill.bundles"), []byte("waybill.bundlet")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = pebble.Open(dir, pebble.Options{})
	if waybill.CodeOf(err) != waybill.Invalid || strings.Contains(err.Error(), "begin a new") || !strings.Contains(err.Error(), "OPTIONS is damaged") {
		t.Errorf("Open fails with %v", err)
	}
}

// silent is an engine.Logger.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}

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
