package ingest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
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
	parkAs(t, p, "tenant", account, bodies...)
}

func parkAs(t *testing.T, p *Parking, tenant, account string, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		err := p.Park(t.Context(), Parked{
			Dialect: "meta", SignerAccount: tenant, VendorAccount: account, Signer: "app", Body: []byte(b),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// replayed returns the bodies of an account, keeping those that start with "keep".
func replayed(t *testing.T, p *Parking, account string, tenants ...string) []string {
	t.Helper()
	if tenants == nil {
		tenants = []string{"tenant"}
	}
	var got []string
	err := p.Replay(t.Context(), "meta", account, tenants, func(_ context.Context, b Parked) (bool, error) {
		got = append(got, string(b.Body))
		return !strings.HasPrefix(string(b.Body), "keep"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantKept checks that as many bodies are stored, and that p knows them as a
// Parking does that reads them anew.
func wantKept(t *testing.T, p *Parking, store *ledger, want int) {
	t.Helper()
	if n := store.parked(t); n != want {
		t.Errorf("%d records stored, want %d", n, want)
	}
	if again := newParking(t, store, ParkingOptions{}); !reflect.DeepEqual(p.kept, again.kept) {
		t.Errorf("known are %+v, stored are %+v", p.kept, again.kept)
	}
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
	wantKept(t, p, store, 1)
}

func TestReplayStopsAtAnError(t *testing.T) {
	p := newParking(t, newLedger(t), ParkingOptions{})
	park(t, p, "waba", "1", "2", "3")
	broken := errors.New("not now")
	err := p.Replay(t.Context(), "meta", "waba", []string{"tenant"}, func(_ context.Context, b Parked) (bool, error) {
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
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{})
	in := Parked{
		Dialect: "meta", SignerAccount: "1/\xfe", VendorAccount: "a/b\x00\xff", Signer: "app",
		Received: waybill.InstantOf(noon) - 5, Body: []byte("{}"),
	}
	if err := p.Park(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	to := []string{"", in.SignerAccount}
	err := p.Replay(t.Context(), in.Dialect, in.VendorAccount, to, func(_ context.Context, out Parked) (bool, error) {
		if out.SignerAccount != in.SignerAccount || out.VendorAccount != in.VendorAccount || out.Signer != in.Signer ||
			out.Received != in.Received || string(out.Body) != "{}" || out.Dialect != in.Dialect {
			t.Errorf("replayed %+v, want %+v", out, in)
		}
		return true, nil
	})
	if err != nil {
		t.Error(err)
	}
	wantKept(t, p, store, 0)
}

func TestReplaySeesBodiesParkedDuringIt(t *testing.T) {
	store := newLedger(t)
	p := newParking(t, store, ParkingOptions{})
	park(t, p, "waba", "0")
	var got []string
	err := p.Replay(t.Context(), "meta", "waba", []string{"tenant"}, func(_ context.Context, b Parked) (bool, error) {
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
	wantKept(t, p, store, 0)
}

func TestParkingIsBounded(t *testing.T) {
	body := Parked{
		Dialect: "meta", SignerAccount: "tenant", VendorAccount: "a", Signer: "app",
		Received: waybill.InstantOf(noon), Body: []byte("1"),
	}
	size := sizeOf(&waybill.Record{Key: place{under: body.prefix()}.key(), Value: body.encode()})
	for _, tt := range []struct {
		name string
		opt  ParkingOptions
		a, b []string // what is kept of three bodies each
	}{
		{"by bodies of an account", ParkingOptions{MaxPerKey: 2}, []string{"1", "2"}, []string{"4", "5"}},
		{"by bytes of an account", ParkingOptions{MaxBytesPerKey: 2*size + size/2}, []string{"1", "2"}, []string{"4", "5"}},
		{"by the share of a tenant", ParkingOptions{MaxBytes: 4*4*size + size/2}, []string{"1", "2", "3"}, []string{"4"}},
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
	if err := p.Park(t.Context(), Parked{Dialect: "meta", SignerAccount: "tenant", VendorAccount: "waba"}); !errors.Is(err, store.refuse) {
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
	unreadable := waybill.Record{Key: prefix("meta", "tenant", "c") + "00000000000000ff", Value: []byte("?")}
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
	wantKept(t, p, store, 0)
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
		err := p.Replay(t.Context(), "meta", "waba", []string{"tenant"}, func(_ context.Context, b Parked) (bool, error) {
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
	if len(got) != parkers*bodies {
		t.Errorf("%d bodies replayed, want %d", len(got), parkers*bodies)
	}
	wantKept(t, p, store, 0)
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
		account, other := []string{text.Draw(t, "a"), text.Draw(t, "b")}, []string{text.Draw(t, "c"), text.Draw(t, "d")}
		key := prefix("meta", account[0], account[1])
		if len(key) > len("parked/meta/")+2*maxKeyPart+2 || strings.Count(key, "/") != 4 {
			t.Errorf("key %q is not well formed", key)
		}
		for _, r := range key {
			if r <= ' ' || r > '~' {
				t.Errorf("key %q has the character %q", key, r)
			}
		}
		if got, want := parent(key), prefix("meta", account[0], ""); got+"/" != want {
			t.Errorf("the parent of %q is %q, want %q without a slash", key, got, want)
		}
		if same := prefix("meta", other[0], other[1]); !slices.Equal(account, other) && strings.HasPrefix(key, same) {
			t.Errorf("accounts %q and %q share the key %q", account, other, key)
		}
	})
}

func FuzzDecodeParked(f *testing.F) {
	f.Add((&Parked{
		Dialect: "meta", SignerAccount: "5", VendorAccount: "1", Signer: "2", Received: 3, Body: []byte("4"),
	}).encode())
	f.Add([]byte{parkedVersion, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodeParked(b)
		if err != nil {
			return
		}
		again, err := decodeParked(p.encode())
		if err != nil || again.SignerAccount != p.SignerAccount || again.VendorAccount != p.VendorAccount || again.Signer != p.Signer ||
			again.Received != p.Received || string(again.Body) != string(p.Body) {
			t.Errorf("%+v became %+v, %v", p, again, err)
		}
	})
}
