package waybill

import (
	"slices"
	"sync"
	"time"
)

// A large answer is memory that a store has just cleared and the garbage collector has
// to look through: 350,000 points take 34 MB. Handed on from one answer to the next it
// costs neither.
const (
	fewPoints  = 1 << 12         // answers of fewer are not worth it
	spareFor   = 5 * time.Second // so long, and then they are left to the collector
	mostSpares = 4
)

// spares are answers that nothing uses any more.
var spares struct {
	mu   sync.Mutex
	list []*[]Point
}

// Recycle takes the memory of an answer, or of its first points, for a later one.
// Nothing may use the points any more. Their keys can be used on.
func Recycle(points []Point) {
	if cap(points) < fewPoints || cap(points) > MaxPoints {
		return
	}
	spares.mu.Lock()
	defer spares.mu.Unlock()
	if len(spares.list) == mostSpares || cap(points)+sparePoints() > MaxPoints {
		return
	}
	points = points[:0]
	one := &points
	spares.list = append(spares.list, one)
	time.AfterFunc(spareFor, func() {
		spares.mu.Lock()
		defer spares.mu.Unlock()
		if i := slices.Index(spares.list, one); i >= 0 {
			spares.list = slices.Delete(spares.list, i, i+1)
		}
	})
}

// sparePoints returns for how many points there is spare memory.
func sparePoints() (n int) {
	for _, points := range spares.list {
		n += cap(*points)
	}
	return n
}

// MakePoints returns no points, with room for n at least. Where that is many it may be
// memory that Recycle was given, but never much more than n asks for: whoever gets an
// answer may keep it.
func MakePoints(n int) []Point {
	if n >= fewPoints {
		spares.mu.Lock()
		defer spares.mu.Unlock()
		for i, points := range spares.list {
			if n <= cap(*points) && cap(*points) <= 4*n {
				spares.list = slices.Delete(spares.list, i, i+1)
				return *points
			}
		}
	}
	return make([]Point, 0, n)
}
