package pebble

import (
	"math/bits"
	"slices"
	"time"

	"waybill"
)

// A board adds up counts by bucket and group, unit after unit of time, and makes
// points of them. Only the buckets of one unit are open at a time.
type board struct {
	q      *waybill.Query
	zone   *time.Location
	from   uint32 // quarters, half-open
	to     uint32
	groups *groups

	slots   []int32 // by quarter of the unit: the row, -1 where it does not count
	buckets []waybill.Bucket
	rows    []row
	out     []waybill.Point
	sorted  int // the points that earlier channels made end here
}

// A row has the counts of a bucket by group.
type row struct {
	counts []waybill.Counts
	set    []uint64 // a bit for each group that was added to
}

func newBoard(q *waybill.Query, v *version) *board {
	from, to := q.Quarters()
	b := &board{q: q, zone: q.Zone, from: uint32(from), to: uint32(to), groups: newGroups(q, v)}
	if b.zone == nil {
		b.zone = time.UTC
	}
	return b
}

// begin opens the unit of so many quarters from first on. The last bucket of the
// one before may go on in it.
func (b *board) begin(first, n uint32) error {
	if cap(b.slots) < int(n) {
		b.slots = make([]int32, n)
	}
	b.slots = b.slots[:n]
	keep := false
	var current waybill.Bucket
	if len(b.buckets) > 0 {
		current = b.buckets[len(b.buckets)-1]
		keep = true
	}
	started := false
	for i := range n {
		at := first + i
		if at < b.from || at >= b.to {
			b.slots[i] = -1
			continue
		}
		start := waybill.Quarter(at).Start()
		if !started {
			started = true
			if keep && !current.Contains(start) {
				keep = false
			}
			if err := b.close(keep); err != nil {
				return err
			}
			if !keep {
				current = b.open(start)
			}
		} else if !current.Contains(start) {
			current = b.open(start)
		}
		b.slots[i] = int32(len(b.buckets) - 1)
	}
	return nil
}

// open adds the bucket that contains an instant.
func (b *board) open(at waybill.Instant) waybill.Bucket {
	bucket := waybill.Bucket{Start: waybill.Quarter(b.from).Start(), End: waybill.Quarter(b.to).Start()}
	if b.q.Granularity != waybill.Total {
		bucket = b.q.Granularity.BucketOf(at, b.zone)
	}
	b.buckets = append(b.buckets, bucket)
	if len(b.rows) < len(b.buckets) {
		b.rows = append(b.rows, row{})
	}
	b.rows[len(b.buckets)-1].fit(len(b.groups.keys))
	return bucket
}

// close makes points of all buckets, but for the last if that is to be kept.
func (b *board) close(keep bool) error {
	n := len(b.buckets)
	if keep {
		n--
	}
	for i := range n {
		if err := b.emit(b.buckets[i], &b.rows[i]); err != nil {
			return err
		}
	}
	if keep && n > 0 {
		b.rows[0], b.rows[n] = b.rows[n], b.rows[0]
		b.buckets[0] = b.buckets[n]
	}
	b.buckets = b.buckets[:len(b.buckets)-n]
	return nil
}

// end ends the units of a channel.
func (b *board) end() error {
	if err := b.close(false); err != nil {
		return err
	}
	if b.sorted > 0 && len(b.out) > b.sorted {
		b.combine()
	}
	b.sorted = len(b.out)
	return b.bound()
}

func (b *board) bound() error {
	if len(b.out)-b.sorted > waybill.MaxPoints {
		return waybill.Errorf(waybill.TooLarge, "the answer would have more than %d points", waybill.MaxPoints)
	}
	return nil
}

// combine sorts the points of several channels and adds up equal ones.
func (b *board) combine() {
	slices.SortFunc(b.out, func(x, y waybill.Point) int { return x.Compare(&y) })
	n := 0
	for i := range b.out {
		if n > 0 && b.out[n-1].Compare(&b.out[i]) == 0 {
			b.out[n-1].Counts.Add(b.out[i].Counts)
			continue
		}
		b.out[n] = b.out[i]
		n++
	}
	b.out = b.out[:n]
}

func (b *board) answer() ([]waybill.Point, error) {
	b.sorted = 0
	return b.out, b.bound()
}

// emit makes points of a row, in the order of their keys, and empties it.
func (b *board) emit(bucket waybill.Bucket, r *row) error {
	add := func(g int32) {
		if counts := &r.counts[g]; *counts != (waybill.Counts{}) {
			b.out = append(b.out, waybill.Point{Bucket: bucket, Key: b.groups.values[g], Counts: *counts})
			*counts = waybill.Counts{}
		}
	}
	order, rank := b.groups.order()
	b.grow(bucket)
	n := 0
	for _, word := range r.set {
		n += bits.OnesCount64(word)
	}
	if 4*n >= len(order) {
		for _, g := range order {
			if int(g)/64 < len(r.set) && r.set[g/64]>>(g%64)&1 != 0 {
				add(g)
			}
		}
	} else {
		few := make([]int32, 0, n)
		for i, word := range r.set {
			for ; word != 0; word &= word - 1 {
				few = append(few, int32(i*64+bits.TrailingZeros64(word)))
			}
		}
		slices.SortFunc(few, func(x, y int32) int { return int(rank[x] - rank[y]) })
		for _, g := range few {
			add(g)
		}
	}
	clear(r.set)
	return b.bound()
}

// grow makes room for as many points as there will be, if they go on as they began:
// copying large answers costs more than adding them up.
func (b *board) grow(at waybill.Bucket) {
	if cap(b.out)-len(b.out) > len(b.groups.keys) {
		return
	}
	from, to := waybill.Quarter(b.from).Start(), waybill.Quarter(b.to).Start()
	expected := 2 * len(b.out)
	if done := at.Start - from; done > (to-from)/100 {
		expected = int(int64(len(b.out)) * int64(to-from) / int64(done) * 17 / 16)
	}
	expected = min(max(expected, 2*len(b.out)*5/8, 64), waybill.MaxPoints)
	b.out = slices.Grow(b.out, max(expected-len(b.out), len(b.groups.keys)))
}

// fit makes room for n groups.
func (r *row) fit(n int) {
	if n <= len(r.counts) {
		return
	}
	n = max(n, 8)
	r.counts = append(r.counts, make([]waybill.Counts, n-len(r.counts))...)
	for len(r.set)*64 < n {
		r.set = append(r.set, 0)
	}
}

// at returns the counts of a group, to be added to.
func (r *row) at(g int32) *waybill.Counts {
	if int(g) >= len(r.counts) {
		r.fit(max(int(g)+1, 2*len(r.counts)))
	}
	r.set[g/64] |= 1 << (g % 64)
	return &r.counts[g]
}

func (r *row) addDelta(g int32, d *delta) {
	counts := r.at(g)
	for m, n := range d.counts {
		counts[m] += int64(n)
	}
}
