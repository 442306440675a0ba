package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestVerifyTellsOfDifferences takes the counters of a day out of a store, behind its
// back.
func TestVerifyTellsOfDifferences(t *testing.T) {
	const sent = waybill.Instant(1767225600)
	dir := t.TempDir()
	s, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	channel := waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA}
	if err := s.Configure(t.Context(), waybill.Change{Channels: []waybill.ChannelState{channel}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"m", "n"} {
		event := waybill.Event{Channel: 1, Message: id, Status: waybill.StatusSent, At: sent}
		if _, err := s.Append(t.Context(), []waybill.Event{event}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out := waybillOut(t, "verify", "--data", dir); !strings.Contains(out, "no counter differs") {
		t.Errorf("verify prints %s", out)
	}
	loseCells(t, dir)
	out, err := waybillCmd("verify", "--data", dir).CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("verify ends with %v, want exit status 1", err)
	}
	const line = "channel 1, 2026-01-01T00:00:00Z by event, sent {session}: is 0, should be 2\n"
	if !strings.Contains(string(out), line) || !strings.Contains(string(out), "the projection 70") {
		t.Errorf("verify prints\n%s\nwant the line\n%s", out, line)
	}
}

func loseCells(t *testing.T, dir string) {
	t.Helper()
	merger := *engine.DefaultMerger
	merger.Name = "waybill.bundles" // nothing is merged
	db, err := engine.Open(dir, &engine.Options{Merger: &merger})
	if err != nil {
		t.Fatal(err)
	}
	err = db.DeleteRange([]byte("c"), []byte("d"), engine.Sync)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
