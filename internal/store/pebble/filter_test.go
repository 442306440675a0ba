package pebble_test

import (
	"os"
	"path/filepath"
	"testing"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestFilterOfACopyIsNotBelieved gives a store the filter of a copy of it that went
// on by itself for longer.
func TestFilterOfACopyIsNotBelieved(t *testing.T) {
	base, original, copied := t.TempDir(), t.TempDir(), t.TempDir()
	sent := func(id string) waybill.Event {
		return waybill.Event{Channel: 1, Message: id, Status: waybill.StatusSent, At: start}
	}
	appendTo := func(dir string, ids ...string) {
		t.Helper()
		s := mustOpen(t, dir, pebble.Options{})
		configure(t, s, enabledAt(0)...)
		for _, id := range ids {
			appendAll(t, s, []waybill.Event{sent(id)})
			if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(base, "both")
	for _, dir := range []string{original, copied} {
		if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(original, "a")
	appendTo(copied, "b", "c", "d")
	filter, err := os.ReadFile(filepath.Join(copied, "bloom"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(original, "bloom"), filter, 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, original, pebble.Options{})
	defer s.Close()
	for _, id := range []string{"both", "a"} {
		outcomes, err := s.Append(t.Context(), []waybill.Event{sent(id)})
		if err != nil || outcomes[0] != waybill.Unchanged {
			t.Errorf("message %s is reported again with outcomes %v, %v, want unchanged", id, outcomes, err)
		}
	}
}

// TestFilterIsBelievedAfterAStart: it is not made anew each time.
func TestFilterIsBelievedAfterAStart(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, pebble.Options{GenerationMessages: 10})
	configure(t, s, enabledAt(0)...)
	for n := range 10 {
		appendAll(t, s, sentMessages((n+1)*7))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !pebble.HasFilter(t, dir) {
		t.Error("the filter has to be made anew")
	}
}

// TestALargeFilterIsKept: one that is not written with each generation is written when
// the store is closed.
func TestALargeFilterIsKept(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, pebble.Options{GenerationMessages: 10})
	configure(t, s, enabledAt(0)...)
	appendAll(t, s, sentMessages(10))
	fold := func() {
		if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
			t.Fatal(err)
		}
	}
	fold()
	pebble.FindFilterLarge(t, s)
	for n := range 5 {
		appendAll(t, s, sentMessages((n+1)*20))
		fold()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !pebble.HasFilter(t, dir) {
		t.Error("the filter has to be made anew")
	}
}
