package telemetry_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"waybill/internal/telemetry"
)

// A sheet counts how often it is written to.
type sheet struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
}

func (s *sheet) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	return s.text.Write(b)
}

func (s *sheet) read() (text string, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.writes
}

func TestLinesAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sheet
		l := telemetry.NewLines(&s)
		for round := range 2 {
			_, _ = io.WriteString(l, "a\n")
			_, _ = io.WriteString(l, "b\n")
			if _, writes := s.read(); writes != round {
				t.Errorf("round %d: written %d times at once", round, writes)
			}
			time.Sleep(20 * time.Millisecond)
			synctest.Wait()
			if text, writes := s.read(); text != strings.Repeat("a\nb\n", round+1) || writes != round+1 {
				t.Errorf("round %d: %q in %d writes", round, text, writes)
			}
		}
	})
}

func TestManyLinesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sheet
		l := telemetry.NewLines(&s)
		line := strings.Repeat("x", 1023) + "\n"
		for range 64 {
			_, _ = io.WriteString(l, line)
		}
		if text, _ := s.read(); len(text) != 64<<10 {
			t.Errorf("%d bytes are written at once", len(text))
		}
	})
}

func TestNoLineIsLostOrTorn(t *testing.T) {
	var s sheet
	l := telemetry.NewLines(&s)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 2000 {
				_, _ = fmt.Fprintf(l, "%d %d %s\n", w, i, strings.Repeat("-", 40))
				if i%500 == 0 {
					l.Flush()
				}
			}
		})
	}
	writers.Wait()
	l.Flush()
	text, _ := s.read()
	next := make([]int, 8)
	for line := range strings.Lines(text) {
		var w, i int
		if _, err := fmt.Sscanf(line, "%d %d ----------------------------------------\n", &w, &i); err != nil || next[w] != i {
			t.Fatalf("line %q, want number %d of its writer: %v", line, next[w], err)
		}
		next[w]++
	}
	for w, n := range next {
		if n != 2000 {
			t.Errorf("writer %d has %d lines", w, n)
		}
	}
}

// A warning is there when the call that logs it returns, and what was before it.
func TestWarningsDoNotWait(t *testing.T) {
	for name, derive := range map[string]func(*slog.Logger) *slog.Logger{
		"plain":       func(l *slog.Logger) *slog.Logger { return l },
		"with":        func(l *slog.Logger) *slog.Logger { return l.With("a", 1) },
		"with groups": func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").With("a", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s sheet
				log := derive(telemetry.NewLogger(telemetry.NewLines(&s), "text", slog.LevelInfo))
				log.Info("first")
				if text, _ := s.read(); text != "" {
					t.Errorf("%q is written at once", text)
				}
				log.Warn("second")
				if text, _ := s.read(); !strings.Contains(text, "first") || !strings.Contains(text, "second") {
					t.Errorf("after a warning %q is written", text)
				}
			})
		})
	}
}
