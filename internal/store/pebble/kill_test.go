package pebble_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
)

// The environment of a test binary that is to be a writer instead.
const (
	writerDir   = "WAYBILL_TEST_WRITER_DIR"
	writerFirst = "WAYBILL_TEST_WRITER_FIRST"
)

var trialsFlag = flag.Int("trials", 20, "number of kills and of power losses; 200 also damages more")

// perRound is how many trials have the same store. Later ones take longer, since
// there is more to compare.
const perRound = 20

func rounds() int { return (trials() + perRound - 1) / perRound }

// trials returns how often a test of that kind is to try.
func trials() int {
	if testing.Short() {
		return 5
	}
	return *trialsFlag
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		fmt.Fprintln(os.Stderr, runWriter(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runWriter appends the batches of the stream from the given one on, and prints
// the number of each that is acknowledged. It returns only on errors.
func runWriter(dir string) error {
	first, err := strconv.Atoi(os.Getenv(writerFirst))
	if err != nil {
		return err
	}
	s, err := pebble.Open(dir, pebble.Options{CacheBytes: 8 << 20, GenerationMessages: 250})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for n := first; ; n++ {
		if n%5 == 0 {
			if err := s.Configure(ctx, waybill.Change{Channels: enabledAt(n)}); err != nil {
				return err
			}
		}
		if _, err := s.Append(ctx, streamBatch(n)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestAcknowledgedEventsSurviveKill(t *testing.T) {
	for range rounds() {
		killWriters(t, min(trials(), perRound))
	}
}

// killWriters kills so many writers of one directory, one after the other.
func killWriters(t *testing.T, kills int) {
	dir := t.TempDir()
	low, high := newLedger(), newLedger()
	high.add(streamBatch(0))
	acknowledged := -1
	for kill := range kills {
		last := killWriter(t, dir, acknowledged+1, kill == 0)
		for n := acknowledged + 1; n <= last; n++ {
			low.add(streamBatch(n))
			high.add(streamBatch(n + 1))
		}
		acknowledged = last
		s := mustOpen(t, dir, pebble.Options{})
		want(t, s, low, high)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d batches, %d messages", kills, acknowledged+1, len(low.messages))
	s := mustOpen(t, dir, pebble.Options{})
	defer s.Close()
	for n := max(0, acknowledged-10); n <= acknowledged+1; n++ {
		appendAll(t, s, streamBatch(n))
	}
	want(t, s, high, high)
}

// killWriter starts a writer with the given batch, kills it some time after its
// first acknowledgement, and returns the last one.
func killWriter(t *testing.T, dir string, first int, tryLock bool) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerDir+"="+dir, writerFirst+"="+strconv.Itoa(first))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := first - 1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if acknowledged, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if acknowledged > first {
			continue
		}
		if tryLock {
			wantInUse(t, dir)
		}
		time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = cmd.Process.Kill() })
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") || acknowledged < first {
		t.Fatalf("writer ended at batch %d with %v", acknowledged, err)
	}
	return acknowledged
}

func wantInUse(t *testing.T, dir string) {
	t.Helper()
	_, err := pebble.Open(dir, pebble.Options{})
	if waybill.CodeOf(err) != waybill.Conflict || err.Error() != "data directory "+dir+" is in use by another process" {
		t.Errorf("Open of a directory in use fails with %v", err)
	}
}
