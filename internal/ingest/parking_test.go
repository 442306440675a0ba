package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill"
)

func newParking(t *testing.T, store waybill.Store, opt ParkingOptions) *Parking {
	t.Helper()
	if opt.Now == nil {
		opt.Now = func() time.Time { return noon }
	}
	p, err := NewParking(store, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func park(t *testing.T, p *Parking, account string, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		err := p.Park(t.Context(), Parked{Dialect: "meta", VendorAccount: account, Signer: "app", Body: []byte(b)})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// replayed returns the bodies of an account, keeping those that start with "keep".
func replayed(t *testing.T, p *Parking, account string) []string {
	t.Helper()
	var got []string
	err := p.Replay(t.Context(), "meta", account, func(_ context.Context, b Parked) (bool, error) {
		got = append(got, string(b.Body))
		return !strings.HasPrefix(string(b.Body), "keep"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantBodies(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("bodies %q, want %q", got, want)
	}
}

func TestReplayIsInOrderAndRemovesWhatIsDone(t *testing.T) {
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{})
	park(t, p, "waba", "1", "keep 2", "3")
	park(t, p, "other", "x")
	wantBodies(t, replayed(t, p, "waba"), "1", "keep 2", "3")
	wantBodies(t, replayed(t, p, "waba"), "keep 2")
	wantBodies(t, replayed(t, p, "unknown"))
	wantBodies(t, replayed(t, p, "other"), "x")
	if store.parked(t) != 1 || p.all.bodies != 1 {
		t.Errorf("%d records stored and %d counted, want 1", store.parked(t), p.all.bodies)
	}
}

func TestReplayStopsAtAnError(t *testing.T) {
	p := newParking(t, newLedger(t), ParkingOptions{})
	park(t, p, "waba", "1", "2", "3")
	broken := errors.New("not now")
	err := p.Replay(t.Context(), "meta", "waba", func(_ context.Context, b Parked) (bool, error) {
		if string(b.Body) == "2" {
			return true, broken
		}
		return true, nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("Replay = %v, want %v", err, broken)
	}
	wantBodies(t, replayed(t, p, "waba"), "2", "3")
}

func TestReplayHandsOutWhatWasParked(t *testing.T) {
	p := newParking(t, newLedger(t), ParkingOptions{})
	in := Parked{
		Dialect: "meta", VendorAccount: "a/b\x00\xff", Signer: "app",
		Received: waybill.InstantOf(noon) - 5, Body: []byte("{}"),
	}
	if err := p.Park(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	err := p.Replay(t.Context(), in.Dialect, in.VendorAccount, func(_ context.Context, out Parked) (bool, error) {
		if out.VendorAccount != in.VendorAccount || out.Signer != in.Signer ||
			out.Received != in.Received || string(out.Body) != "{}" || out.Dialect != in.Dialect {
			t.Errorf("replayed %+v, want %+v", out, in)
		}
		return true, nil
	})
	if err != nil || p.all.bodies != 0 {
		t.Errorf("Replay = %v with %d left, want nil with none", err, p.all.bodies)
	}
}

func TestReplaySeesBodiesParkedDuringIt(t *testing.T) {
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{})
	park(t, p, "waba", "0")
	var got []string
	err := p.Replay(t.Context(), "meta", "waba", func(_ context.Context, b Parked) (bool, error) {
		got = append(got, string(b.Body))
		if len(got) < 4 {
			park(t, p, "waba", fmt.Sprint(len(got)))
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantBodies(t, got, "0", "1", "2", "3")
	if store.parked(t) != 0 {
		t.Errorf("%d records left", store.parked(t))
	}
}

func TestParkingIsBounded(t *testing.T) {
	size := usageOf(waybill.Record{
		Key: prefix("meta", "a") + strings.Repeat("0", 16),
		Value: (&Parked{
			Dialect: "meta", VendorAccount: "a", Signer: "app", Received: waybill.InstantOf(noon), Body: []byte("1"),
		}).encode(),
	}).bytes
	for _, tt := range []struct {
		name string
		opt  ParkingOptions
		a, b []string // what is kept of three bodies each
	}{
		{"by bodies of an account", ParkingOptions{MaxPerKey: 2}, []string{"1", "2"}, []string{"4", "5"}},
		{"by bytes of an account", ParkingOptions{MaxBytesPerKey: 2*size + size/2}, []string{"1", "2"}, []string{"4", "5"}},
		{"by bytes of all", ParkingOptions{MaxBytes: 4 * size}, []string{"1", "2", "3"}, []string{"4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := newLedger(t)
			p := newParking(t, store, tt.opt)
			park(t, p, "a", "1", "2", "3")
			park(t, p, "b", "4", "5", "6")
			p = newParking(t, store, tt.opt) // the bounds hold across a restart
			park(t, p, "a", "7")
			park(t, p, "b", "8")
			wantBodies(t, replayed(t, p, "a"), tt.a...)
			wantBodies(t, replayed(t, p, "b"), tt.b...)
			park(t, p, "a", "9")
			wantBodies(t, replayed(t, p, "a"), "9")
		})
	}
}

func TestParkingGoesOnAfterARestart(t *testing.T) {
	store := newLedger(t)
	c := clock{noon}
	park(t, newParking(t, store, ParkingOptions{Now: c.Now}), "waba", "1", "2")
	c.now = noon.Add(-time.Hour) // the clock was set back
	p := newParking(t, store, ParkingOptions{Now: c.Now})
	park(t, p, "waba", "3")
	wantBodies(t, replayed(t, p, "waba"), "1", "2", "3")
}

func TestFailedParkTakesNoPlace(t *testing.T) {
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{MaxPerKey: 1})
	store.refuse = errors.New("disk is gone")
	if err := p.Park(t.Context(), Parked{Dialect: "meta", VendorAccount: "waba"}); !errors.Is(err, store.refuse) {
		t.Errorf("Park = %v, want %v", err, store.refuse)
	}
	store.refuse = nil
	park(t, p, "waba", "1")
	wantBodies(t, replayed(t, p, "waba"), "1")
}

func TestSweepDropsWhatIsTooOld(t *testing.T) {
	store := newLedger(t)
	c := clock{noon}
	p := newParking(t, store, ParkingOptions{Now: c.Now})
	park(t, p, "a", "old")
	park(t, p, "b", "old as well")
	c.now = noon.Add(3 * 24 * time.Hour)
	park(t, p, "a", "young")
	unreadable := waybill.Record{Key: prefix("meta", "c") + "00000000000000ff", Value: []byte("?")}
	if err := store.Configure(t.Context(), waybill.Change{Records: []waybill.Record{unreadable}}); err != nil {
		t.Fatal(err)
	}
	p = newParking(t, store, ParkingOptions{Now: c.Now})
	c.now = noon.Add(7*24*time.Hour + time.Second)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantBodies(t, replayed(t, p, "a"), "young")
	wantBodies(t, replayed(t, p, "b"))
	if store.parked(t) != 0 || p.all != (usage{}) || len(p.by) != 0 {
		t.Errorf("%d records stored, %+v counted, want none", store.parked(t), p.all)
	}
}

func TestConcurrentParkReplayAndSweepLoseNothing(t *testing.T) {
	t.Run("model", func(t *testing.T) { parkReplayAndSweep(t, newLedger(t)) })
	t.Run("pebble", func(t *testing.T) { parkReplayAndSweep(t, openPebble(t)) })
}

func parkReplayAndSweep(t *testing.T, store *ledger) {
	const parkers, bodies = 8, 20
	p := newParking(t, store, ParkingOptions{})
	var mu sync.Mutex
	got := make(map[string]int)
	replay := func() {
		err := p.Replay(t.Context(), "meta", "waba", func(_ context.Context, b Parked) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			got[string(b.Body)]++
			return true, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for w := range parkers {
		wg.Go(func() {
			for i := range bodies {
				park(t, p, "waba", fmt.Sprintf("%d-%d", w, i))
			}
		})
		wg.Go(replay)
		wg.Go(func() {
			if err := p.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	replay()
	if len(got) != parkers*bodies || store.parked(t) != 0 || p.all != (usage{}) {
		t.Errorf("%d bodies replayed, %d left, %+v counted, want %d, 0 and none",
			len(got), store.parked(t), p.all, parkers*bodies)
	}
	for body, n := range got {
		if n != 1 {
			t.Errorf("body %s was replayed %d times", body, n)
		}
	}
}

func TestKeysAreSafeAndApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.SampledFrom([]string{
				"", "/", "a/b", "#", "%2F", "..", strings.Repeat("x", 200), strings.Repeat("x", 201),
				"#" + strings.Repeat("0", 64), strings.Repeat("/", 128),
			}),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 400), func(b []byte) string { return string(b) }),
		)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		key := prefix("meta", a)
		if len(key) > len("parked/meta/")+maxKeyPart+1 || strings.Count(key, "/") != 3 {
			t.Errorf("key %q is not well formed", key)
		}
		for _, r := range key {
			if r <= ' ' || r > '~' {
				t.Errorf("key %q has the character %q", key, r)
			}
		}
		if other := prefix("meta", b); a != b && (key == other || strings.HasPrefix(key, other)) {
			t.Errorf("accounts %q and %q share the key %q", a, b, key)
		}
	})
}

func FuzzDecodeParked(f *testing.F) {
	f.Add((&Parked{Dialect: "meta", VendorAccount: "1", Signer: "2", Received: 3, Body: []byte("4")}).encode())
	f.Add([]byte{parkedVersion, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodeParked(b)
		if err != nil {
			return
		}
		again, err := decodeParked(p.encode())
		if err != nil || again.VendorAccount != p.VendorAccount || again.Signer != p.Signer ||
			again.Received != p.Received || string(again.Body) != string(p.Body) {
			t.Errorf("%+v became %+v, %v", p, again, err)
		}
	})
}
