package pebble

import (
	"math/bits"
	"sync"
	"time"

	"waybill"
)

// A board adds up counts by bucket and group, unit after unit of time. Only the
// buckets of one unit are open at a time: while they are added up, a scribe makes
// points of the unit before.
type board struct {
	q      *waybill.Query
	zone   *time.Location
	from   uint32 // quarters, half-open
	to     uint32
	groups *groups

	slots   []int32 // by quarter of the unit: the row, -1 where it does not count
	open    *sheet
	scribe  *scribe
	scratch *scratch
	spare   *sync.Pool // where scratch goes in the end
}

// A sheet has the counts of the buckets of a unit.
type sheet struct {
	buckets []waybill.Bucket
	rows    []row // at least as many; empty beyond
}

// A row has the counts of a bucket by group.
type row struct {
	counts []waybill.Counts
	set    []uint64 // a bit for each group that was added to
}

func newBoard(q *waybill.Query, v *version) *board {
	from, to := q.Quarters()
	mem := takeScratch(&v.s.spare)
	b := &board{
		q: q, zone: q.Zone, from: uint32(from), to: uint32(to), groups: newGroups(q, v),
		slots: mem.slots, open: mem.sheets[0], scribe: newScribe(from.Start(), to.Start(), mem.sheets[1]),
		scratch: mem, spare: &v.s.spare,
	}
	if b.zone == nil {
		b.zone = time.UTC
	}
	return b
}

// stop must be called in the end.
func (b *board) stop() { b.scribe.stop() }

// begin opens the unit of so many quarters from first on. The last bucket of the
// one before may go on in it.
func (b *board) begin(first, n uint32) error {
	if cap(b.slots) < int(n) {
		b.slots = make([]int32, n)
	}
	b.slots = b.slots[:n]
	keep := false
	var current waybill.Bucket
	if len(b.open.buckets) > 0 {
		current = b.open.buckets[len(b.open.buckets)-1]
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
			if err := b.close(keep, true); err != nil {
				return err
			}
			if !keep {
				current = b.add(start)
			}
		} else if !current.Contains(start) {
			current = b.add(start)
		}
		b.slots[i] = int32(len(b.open.buckets) - 1)
	}
	return nil
}

// add adds the bucket that contains an instant.
func (b *board) add(at waybill.Instant) waybill.Bucket {
	bucket := waybill.Bucket{Start: waybill.Quarter(b.from).Start(), End: waybill.Quarter(b.to).Start()}
	if b.q.Granularity != waybill.Total {
		bucket = b.q.Granularity.BucketOf(at, b.zone)
	}
	b.open.add(bucket).fit(len(b.groups.keys))
	return bucket
}

// close gives all buckets to the scribe, but for the last if that is to be kept. more
// says whether there will be others.
func (b *board) close(keep, more bool) error {
	full := b.open
	n := len(full.buckets)
	if keep {
		n--
	}
	if n <= 0 {
		return nil
	}
	next, err := b.scribe.sheet()
	if err != nil {
		return err
	}
	if keep {
		kept := next.add(full.buckets[n])
		*kept, full.rows[n] = full.rows[n], *kept
		full.buckets = full.buckets[:n]
	}
	b.open = next
	b.scribe.write(full, b.groups.order(), more)
	return nil
}

// end ends the units of a channel.
func (b *board) end() error {
	if err := b.close(false, false); err != nil {
		return err
	}
	return b.scribe.endChannel()
}

// answer returns the points, once the last channel has ended.
func (b *board) answer() ([]waybill.Point, error) {
	b.scratch.sheets, b.scratch.slots = [2]*sheet{b.open, <-b.scribe.sheets}, b.slots
	b.scratch.give(b.spare)
	return b.scribe.answer()
}

// add adds a bucket and returns its row.
func (s *sheet) add(bucket waybill.Bucket) *row {
	s.buckets = append(s.buckets, bucket)
	if len(s.rows) < len(s.buckets) {
		s.rows = append(s.rows, row{})
	}
	return &s.rows[len(s.buckets)-1]
}

const countsBytes = 8 * int(waybill.NumMetrics)

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

// groups returns how many groups were added to.
func (r *row) groups() (n int) {
	for _, word := range r.set {
		n += bits.OnesCount64(word)
	}
	return n
}

func (r *row) addDelta(g int32, d *delta) {
	counts := r.at(g)
	for m, n := range d.counts {
		counts[m] += int64(n)
	}
}
