package waybill_test

import (
	"testing"
	"testing/synctest"
	"time"

	"waybill"
)

func TestRecycle(t *testing.T) {
	const many = 10_000
	tests := []struct {
		name    string
		give    int // points
		wait    time.Duration
		ask     int
		recycle bool // whether the memory is used again
	}{
		{"as many", many, 0, many, true},
		{"fewer", many, 0, many / 2, true},
		{"far fewer", many, 0, many / 5, false},
		{"more", many, 0, many + 1, false},
		{"few", 100, 0, 100, false},
		{"some time later", many, 4 * time.Second, many, true},
		{"long after", many, 6 * time.Second, many, false},
		{"more than an answer has", 2 * waybill.MaxPoints, 0, 2 * waybill.MaxPoints, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given := waybill.MakePoints(tt.give)[:1]
				waybill.Recycle(given)
				time.Sleep(tt.wait)
				got := waybill.MakePoints(tt.ask)
				if len(got) != 0 || cap(got) < tt.ask {
					t.Errorf("%d points in room for %d, want none in room for %d", len(got), cap(got), tt.ask)
				}
				if same := firstOf(got) == firstOf(given); same != tt.recycle {
					t.Errorf("is the memory the same: %t, want %t", same, tt.recycle)
				}
				time.Sleep(time.Minute) // leaves nothing to others
			})
		})
	}
}

func TestRecycleIsBounded(t *testing.T) {
	for points, want := range map[int]int{waybill.MaxPoints / 3: 3, 10_000: 4} {
		synctest.Test(t, func(t *testing.T) {
			given := make(map[*waybill.Point]bool)
			var all [][]waybill.Point
			for range 10 {
				all = append(all, waybill.MakePoints(points))
				given[firstOf(all[len(all)-1])] = true
			}
			for _, answer := range all {
				waybill.Recycle(answer)
			}
			again := 0
			for range all {
				if given[firstOf(waybill.MakePoints(points))] {
					again++
				}
			}
			if again != want {
				t.Errorf("the memory of %d answers of %d points is used again, want that of %d", again, points, want)
			}
			time.Sleep(time.Minute) // leaves nothing to others
		})
	}
}

// firstOf returns the first point for which there is room.
func firstOf(points []waybill.Point) *waybill.Point { return &points[:1][0] }
