package storetest_test

import (
	"sync"
	"testing"

	"waybill"
	"waybill/internal/store/storetest"
)

// kept returns an Open whose stores live in memory, one for each directory.
func kept() storetest.Open {
	var stores sync.Map
	return func(t testing.TB, dir string) waybill.Store {
		s, _ := stores.LoadOrStore(dir, storetest.NewModel())
		return s.(*storetest.Model)
	}
}

func TestModel(t *testing.T) { storetest.Run(t, kept()) }

func TestSoakModel(t *testing.T) { storetest.Soak(t, kept(), 20_000) }
