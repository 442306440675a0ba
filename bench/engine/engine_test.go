package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"waybill"
	"waybill/bench/engine"
	"waybill/bench/traffic"
)

// TestEnginesAnswerRight gives each engine the same traffic in small and large
// batches, with a reopening in between, and compares its answers with the right
// ones.
func TestEnginesAnswerRight(t *testing.T) {
	tr := traffic.Traffic{Messages: 20_000}
	want := tr.Answers()
	for _, kind := range engine.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			if missing := kind.Missing(); missing != "" && os.Getenv("CI") == "true" {
				t.Fatalf("needs %s", missing)
			} else if missing != "" {
				t.Skipf("needs %s", missing)
			}
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
				t.Fatal(err)
			}
			stream := tr.Stream()
			feed(t, kind, dir, stream, 40, 50)
			e := feed(t, kind, dir, stream, -1, 7000)
			defer e.Close()
			for i, q := range traffic.Questions() {
				points, err := e.Points(t.Context(), q.Query)
				if err != nil {
					t.Fatal(err)
				}
				if err := traffic.Compare(q.Answer(points), want[i]); err != nil {
					t.Errorf("%s: %v", q.Name, err)
				}
			}
		})
	}
}

// feed appends batches of the given size, all of them where batches is negative,
// and returns the open engine then; else it closes it.
func feed(t *testing.T, kind engine.Kind, dir string, s *traffic.Stream, batches, size int) engine.Engine {
	t.Helper()
	e, err := kind.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	events := make([]waybill.Event, size)
	for ; batches != 0; batches-- {
		n := s.Next(events)
		if n == 0 {
			return e
		}
		if _, err := e.Append(t.Context(), events[:n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return nil
}
