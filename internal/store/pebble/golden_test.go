package pebble_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

var update = flag.Bool("update", false, "write testdata/version-4 anew")

// golden is a directory that was written when the format became what it is. It must
// be readable for as long as that format is.
const golden = "testdata/version-4"

// goldenOptions drop what is older than 28 days and fold often.
func goldenOptions(now waybill.Instant) pebble.Options {
	return pebble.Options{
		GenerationMessages: 40, KeepMessages: 28 * 24 * time.Hour,
		Now: func() time.Time { return now.Time() },
	}
}

const goldenEnd = start + 100*day

// goldenEvents are old ones, whose messages are dropped, recent ones that are
// folded, and the last ones, which are in the log.
func goldenEvents() (old, recent, last []waybill.Event) {
	for n := range 4 {
		old = append(old, streamBatch(n)...)
		for _, e := range streamBatch(n) {
			e.At += 95 * day
			e.Message += "-recent"
			e.Recipient = "62811"
			e.Labels.Set(waybill.LabelSegment, "s-1", waybill.RankOwn)
			recent = append(recent, e)
		}
	}
	last = slices.Clone(recent[len(recent)-3:])
	for i := range last {
		last[i].Message += "-last"
	}
	return old, recent, last
}

func TestGoldenDirectory(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(golden)); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir, goldenOptions(goldenEnd))
	defer s.Close()
	model := storetest.NewModel()
	configure(t, model, enabledAt(0)...)
	old, recent, last := goldenEvents()
	appendAll(t, model, old)
	appendAll(t, model, recent)
	appendAll(t, model, last)
	if err := wrongPoints(t.Context(), s, model); err != nil {
		t.Error(err)
	}
	if differences, err := s.Verify(t.Context(), 3); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
	e := last[0]
	want, _ := model.Message(t.Context(), e.Channel, e.Message)
	if got, err := s.Message(t.Context(), e.Channel, e.Message); err != nil || !got.Equal(&want) {
		t.Errorf("message %s is %+v, %v, want %+v", e.Message, got, err, want)
	}
	if to, err := s.Recipient(t.Context(), recent[0].Channel, recent[0].Message); err != nil || to != "62811" {
		t.Errorf("its recipient is %q, %v", to, err)
	}
	if _, err := s.Message(t.Context(), old[0].Channel, old[0].Message); waybill.CodeOf(err) != waybill.NotFound {
		t.Errorf("a dropped message is found, %v", err)
	}
	report, err := s.Segment(t.Context(), 1, "s-1")
	if err != nil || report.Counts == (waybill.Counts{}) || report.Segment.Size != 7 {
		t.Errorf("Segment returns %+v, %v", report, err)
	}
	page, err := s.Segments(t.Context(), waybill.SegmentQuery{Channel: 1, Limit: 9})
	if err != nil || len(page) != 1 || page[0] != report {
		t.Errorf("Segments returns %+v, %v", page, err)
	}
}

func writeGolden(t *testing.T) {
	dir := t.TempDir()
	old, recent, last := goldenEvents()
	s := mustOpen(t, dir, goldenOptions(start+5*day))
	configure(t, s, enabledAt(0)...)
	appendAll(t, s, old)
	s = reopen(t, s, dir, goldenOptions(goldenEnd))
	appendAll(t, s, recent)
	if _, err := s.Erase(t.Context(), "nobody"); err != nil { // which folds all
		t.Fatal(err)
	}
	awaitNotFound(t, s, 1, old[0].Message)
	appendAll(t, s, last)
	if _, err := s.PutSegments(t.Context(), []waybill.Segment{{Channel: 1, ID: "s-1", Size: 7, CreatedAt: int64(start) * 1000}}); err != nil {
		t.Fatal(err)
	}
	for settled := (bytes.Buffer{}); settled.Len() == 0; { // until the partition is dropped
		if err := s.Dump(t.Context(), &settled, "settled"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(golden); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(golden, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LOCK", "bloom"} { // which a store makes where they are missing
		if err := os.Remove(filepath.Join(golden, name)); err != nil {
			t.Fatal(err)
		}
	}
}
