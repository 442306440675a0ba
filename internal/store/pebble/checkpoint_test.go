package pebble_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// TestCheckpointIsAWholeStore takes copies while events come in.
func TestCheckpointIsAWholeStore(t *testing.T) {
	s := mustOpen(t, t.TempDir(), pebble.Options{GenerationMessages: 60})
	defer s.Close()
	model := storetest.NewModel()
	configure(t, s, enabledAt(0)...)
	configure(t, model, enabledAt(0)...)
	for n := range 40 {
		appendAll(t, s, streamBatch(n))
		appendAll(t, model, streamBatch(n))
		if n%8 != 7 {
			continue
		}
		dir := filepath.Join(t.TempDir(), "copy")
		if err := s.Checkpoint(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		if err := s.Checkpoint(t.Context(), dir); waybill.CodeOf(err) != waybill.Conflict {
			t.Errorf("a second Checkpoint there fails with %v", err)
		}
		backup := mustOpen(t, dir, pebble.Options{})
		if err := wrong(t.Context(), backup, model); err != nil {
			t.Errorf("after %d batches: %v", n, err)
		}
		if differences, err := backup.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
			t.Errorf("Verify returns %+v, %v", differences, err)
		}
		if err := backup.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDumpShowsEverySpace(t *testing.T) {
	s := mustOpen(t, t.TempDir(), pebble.Options{})
	defer s.Close()
	configure(t, s, enabledAt(0)...)
	e := waybill.Event{
		Channel: 1, Message: "wamid.1", Recipient: "62811", Status: waybill.StatusFailed, At: start,
		Failure: waybill.Failure{Code: "131026", Title: "undeliverable"},
	}
	e.Labels.Set(waybill.LabelTemplate, "spring", waybill.RankOwn)
	e.Labels.Set(waybill.LabelSegment, "s-1", waybill.RankOwn)
	appendAll(t, s, []waybill.Event{e})
	if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
		t.Fatal(err)
	}
	appendAll(t, s, []waybill.Event{{Channel: 1, Message: "wamid.2", Status: waybill.StatusSent, At: start}})
	if err := s.Configure(t.Context(), waybill.Change{Records: []waybill.Record{{Key: "k", Value: []byte("secret")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutSegments(t.Context(), []waybill.Segment{{Channel: 1, ID: "s-1"}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"version": "format 4\n",
		"facts":   "hash key = ***\nthe last commit was about at 20", "settings": "channel 1: provider waba", "texts": `"spring"`,
		"tuples": `template collected template="spring"/4 segment="s-1"/4`, "details": `"131026"`, "log": "sent 2024-01-01 00:00:00",
		"messages": `failed 2024-01-01 00:00:00 failure {"131026" "undeliverable"}`, "names": `ID "wamid.1" recipient "62811"`,
		"cells": "basis 0 2024-01-01 00:00 tuple", "senders": "basis 1 2024-01-01 00:00", "templates": "2024-01-01 00:00",
		"totals": `segment "s-1": [1 0 0 0 1 0 0]`, "segments": "ID:s-1", "records": `"k": 6 bytes`,
	}
	for _, space := range pebble.Spaces() {
		var out bytes.Buffer
		if err := s.Dump(t.Context(), &out, space); err != nil {
			t.Errorf("Dump of %s fails with %v", space, err)
		}
		if !strings.Contains(out.String(), want[space]) || strings.Contains(out.String(), "secret") {
			t.Errorf("%s shows\n%s\nwant %q in it", space, out.String(), want[space])
		}
	}
	if err := s.Dump(t.Context(), nil, "nothing"); waybill.CodeOf(err) != waybill.Invalid || !strings.Contains(err.Error(), "messages") {
		t.Errorf("Dump of an unknown space fails with %v", err)
	}
}

// TestWithoutSend has a store that counts by event alone.
func TestWithoutSend(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, pebble.Options{EventBasisOnly: true, KeepNames: pebble.KeepNothing, GenerationMessages: 40})
	configure(t, s, enabledAt(0)...)
	for n := range 10 {
		appendAll(t, s, streamBatch(n))
	}
	s = reopen(t, s, dir, pebble.Options{})
	defer s.Close()
	q := waybill.Query{Channels: []waybill.ChannelNumber{1}, To: waybill.MaxInstant, Basis: waybill.BySend}
	if _, err := s.Points(t.Context(), q); waybill.CodeOf(err) != waybill.Invalid {
		t.Errorf("Points by send fails with %v", err)
	}
	behind := waybill.MessageQuery{
		Channel: 1, Metric: waybill.Metric(waybill.Sent), To: waybill.MaxInstant, Basis: waybill.BySend, Limit: 1,
	}
	if _, err := s.Messages(t.Context(), behind); waybill.CodeOf(err) != waybill.Invalid || !strings.Contains(err.Error(), "by event only") {
		t.Errorf("Messages by send fails with %v", err)
	}
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
}
