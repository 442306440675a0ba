package pebble_test

import (
	"flag"
	"testing"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

var soakEvents = flag.Int("soak", 100_000, "number of events of TestSoak")

func TestStore(t *testing.T) { storetest.Run(t, open) }

// TestStoreOfSmallGenerations folds after every few messages.
func TestStoreOfSmallGenerations(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string) waybill.Store {
		return mustOpen(t, dir, pebble.Options{GenerationMessages: 3})
	})
}

func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	storetest.Soak(t, open, *soakEvents)
}

func open(t testing.TB, dir string) waybill.Store {
	t.Helper()
	return mustOpen(t, dir, pebble.Options{})
}

// mustOpen opens a store with a small cache, which is enough for tests.
func mustOpen(t testing.TB, dir string, opt pebble.Options) *pebble.Store {
	t.Helper()
	opt.CacheBytes = 8 << 20
	s, err := pebble.Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
