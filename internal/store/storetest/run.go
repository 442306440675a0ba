package storetest

import (
	"testing"

	"waybill"
)

// An Open opens the store kept in dir, creating it where dir is empty. It fails
// the test when it cannot. The tests close what they opened, always before they
// open the same dir again.
type Open func(t testing.TB, dir string) waybill.Store

// Run tests that the stores that open returns keep the contract of
// waybill.Store. With -short it runs fewer random histories.
func Run(t *testing.T, open Open) {
	groups := []struct {
		name  string
		cases []contractCase
	}{
		{"Append", appendCases},
		{"Batches", batchCases},
		{"Points", pointsCases},
		{"Counting", countingCases},
		{"Lookup", lookupCases},
		{"Segments", segmentCases},
		{"Messages", messageCases},
		{"Configure", configureCases},
		{"Reopen", reopenCases},
		{"Concurrency", concurrencyCases},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, t, open)) })
			}
		})
	}
	t.Run("random histories agree with the model", func(t *testing.T) { histories(t, open) })
}

type contractCase struct {
	name string // a sentence of the contract
	run  func(*fixture)
}
