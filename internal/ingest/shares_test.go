package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestSignersTakeNoPlaceFromOneAnother(t *testing.T) {
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{})
	for i := range 1100 {
		parkAs(t, p, "evil", "waba", fmt.Sprint(i))
	}
	parkAs(t, p, "owner", "waba", "1", "keep 2")
	parkAs(t, p, "partner", "waba", "3")
	wantBodies(t, replayed(t, p, "waba", "owner", "", "partner"), "1", "keep 2", "3")
	wantKept(t, p, store, DefaultMaxPerKey+1)
	wantBodies(t, replayed(t, p, "waba", "owner", "owner"), "keep 2", "keep 2")
}

func TestMadeUpAccountsFillOnlyAShare(t *testing.T) {
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{MaxBytes: 1 << 20})
	body := strings.Repeat("x", 1000)
	for evil := range 6 {
		before := p.kept.bytes
		for i := range 400 {
			parkAs(t, p, fmt.Sprintf("evil %d", evil), fmt.Sprint(i), body)
		}
		if took := p.kept.bytes - before; took > (1<<20-before)/4 || took < 40*1000 {
			t.Errorf("tenant %d took %d bytes where %d were left", evil, took, 1<<20-before)
		}
	}
	parkAs(t, p, "owner", "waba", body)
	wantBodies(t, replayed(t, p, "waba", "owner"), body)
}

func TestSumsAreThoseOfThePlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := shelves{by: make(map[string]*shelf), of: make(map[string]int64)}
		model := make(map[uint64]place)
		for sequence := range uint64(rapid.IntRange(1, 60).Draw(t, "steps")) {
			if rapid.Bool().Draw(t, "add") {
				at := place{sequence: sequence, bytes: rapid.Int64Range(1, 9).Draw(t, "bytes")}
				at.under = rapid.SampledFrom([]string{"parked/m/1/a/", "parked/m/1/b/", "parked/m/2/a/"}).Draw(t, "under")
				s.add(at)
				model[sequence] = at
				continue
			}
			at := place{under: "parked/m/1/a/", sequence: rapid.Uint64Range(0, sequence).Draw(t, "remove")}
			if there := model[at.sequence].under == at.under; s.remove(at) != there {
				t.Fatalf("remove %d is not %t", at.sequence, there)
			} else if there {
				delete(model, at.sequence)
			}
		}
		again := shelves{by: make(map[string]*shelf), of: make(map[string]int64)}
		for _, sequence := range slices.Sorted(maps.Keys(model)) {
			again.add(model[sequence])
		}
		if !reflect.DeepEqual(s, again) {
			t.Errorf("shelves are %+v, want %+v", s, again)
		}
	})
}

func TestReplaysKeepNobodyElseWaiting(t *testing.T) {
	c := clock{noon}
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{Now: c.Now})
	park(t, p, "b", "2")
	c.now = noon.Add(DefaultMaxAge)
	park(t, p, "a", "1")
	park(t, p, "c", "3")
	c.now = c.now.Add(time.Second)
	var got []string
	err := p.Replay(t.Context(), "meta", "a", []string{"tenant"}, func(ctx context.Context, b Parked) (bool, error) {
		got = append(replayed(t, p, "c"), string(b.Body))
		return true, p.Sweep(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantBodies(t, got, "3", "1")
	wantKept(t, p, store, 0)
}

func TestReplaysOfTheSameBodiesWaitForOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParking(t, newLedger(t), ParkingOptions{})
		park(t, p, "a", "1")
		applied := 0
		apply := func(context.Context, Parked) (bool, error) {
			applied++
			time.Sleep(time.Minute)
			return true, nil
		}
		replay := func(ctx context.Context) error {
			return p.Replay(ctx, "meta", "a", []string{"tenant"}, apply)
		}
		go func() { _ = replay(t.Context()) }()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := replay(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Replay beside another = %v, want the end of the context", err)
		}
		if err := replay(t.Context()); err != nil || applied != 1 {
			t.Errorf("Replay after another = %v, applied %d times", err, applied)
		}
	})
}

func TestSweepNeedsFewCommits(t *testing.T) {
	store := newLedger(t)
	c := clock{noon}
	p := newParking(t, store, ParkingOptions{Now: c.Now})
	for i := range sweepBatch + 1 {
		park(t, p, fmt.Sprint(i), "old")
	}
	c.now = noon.Add(DefaultMaxAge + time.Second)
	before := store.changes
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := store.changes - before; n != 2 {
		t.Errorf("Sweep made %d commits, want 2", n)
	}
	wantKept(t, p, store, 0)
}

func TestFailedSweepIsMadeUpFor(t *testing.T) {
	store := newLedger(t)
	c := clock{noon}
	p := newParking(t, store, ParkingOptions{Now: c.Now})
	park(t, p, "a", "old")
	c.now = noon.Add(DefaultMaxAge)
	if err := p.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	wantKept(t, p, store, 1)
	c.now = c.now.Add(time.Second)
	store.refuse = errors.New("disk is gone")
	if err := p.Sweep(t.Context()); !errors.Is(err, store.refuse) {
		t.Errorf("Sweep = %v, want %v", err, store.refuse)
	}
	store.refuse = nil
	wantKept(t, p, store, 1)
	if err := p.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	wantKept(t, p, store, 0)
}

func TestFullParkingIsToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newParking(t, newLedger(t), ParkingOptions{MaxPerKey: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		for i, want := range []int{0, 1, 1, 2} {
			for range 50*min(i, 1) + 1 {
				park(t, p, "a", "x")
			}
			if got := strings.Count(log.String(), "parking is full"); got != want {
				t.Errorf("after %v: told %d times, want %d", time.Duration(i)*30*time.Second, got, want)
			}
			if i > 0 {
				time.Sleep(30 * time.Second)
			}
		}
	})
}
