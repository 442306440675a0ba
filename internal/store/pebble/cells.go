package pebble

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"waybill"
)

var errCells = errors.New("stored counters are corrupt")

// quartersPerDay is the number of quarters of an hour in a day, UTC.
const quartersPerDay = 24 * 4

// A delta is a difference of one cell of a day, as small as the many that wait to
// be folded must be.
type delta struct {
	major   uint32 // what the cells of a value are ordered by first; see packed
	ref     uint32 // of the tuple
	quarter uint8  // of the day
	counts  [waybill.NumMetrics]int8
}

func (d *delta) compare(o *delta) int {
	return cmp.Or(cmp.Compare(d.major, o.major), cmp.Compare(d.ref, o.ref), cmp.Compare(d.quarter, o.quarter))
}

// appendDeltas appends n as deltas like d, several where n is large.
func appendDeltas(dst []delta, d delta, n *waybill.Counts) []delta {
	rest := *n
	for rest != (waybill.Counts{}) {
		for m := range rest {
			step := min(max(rest[m], -127), 127)
			d.counts[m] = int8(step)
			rest[m] -= step
		}
		dst = append(dst, d)
	}
	return dst
}

// sortDeltas sorts deltas. It uses scratch and returns it for the next time.
// Those of major 0 are by far the most.
func sortDeltas(deltas, scratch []delta) []delta {
	const worthwhile = 4096
	n := 0
	for i := range deltas {
		if deltas[i].major == 0 {
			deltas[n], deltas[i] = deltas[i], deltas[n]
			n++
		}
	}
	slices.SortFunc(deltas[n:], func(a, b delta) int { return a.compare(&b) })
	if n < worthwhile {
		slices.SortFunc(deltas[:n], func(a, b delta) int { return a.compare(&b) })
		return scratch
	}
	largest := uint32(0)
	for i := range deltas[:n] {
		largest = max(largest, deltas[i].ref)
	}
	if cap(scratch) < n {
		scratch = make([]delta, n)
	}
	from, to := deltas[:n], scratch[:n]
	radixPass(from, to, func(d *delta) uint32 { return uint32(d.quarter) })
	from, to = to, from
	for shift := 0; largest>>shift != 0; shift += radixBits {
		radixPass(from, to, func(d *delta) uint32 { return d.ref >> shift & (1<<radixBits - 1) })
		from, to = to, from
	}
	if &from[0] != &deltas[0] {
		copy(deltas[:n], from)
	}
	return scratch
}

const radixBits = 11

// radixPass sorts from into to by a digit, and keeps the order of equal ones.
func radixPass(from, to []delta, digit func(*delta) uint32) {
	var next [1 << radixBits]uint32
	for i := range from {
		next[digit(&from[i])]++
	}
	sum := uint32(0)
	for i, n := range next {
		next[i] = sum
		sum += n
	}
	for i := range from {
		d := digit(&from[i])
		to[next[d]] = from[i]
		next[d]++
	}
}

// A cell is one counter of each metric of a packed value.
type cell struct {
	major, ref, quarter uint32
	counts              waybill.Counts
}

// Packed cells are ordered by major, ref and quarter, zero cells left out. The
// major is the detail in the cells of a day, and the day within its period in a
// projection. Each cell is
//
//	header: (ref - previous ref)<<2 | new major<<1 | all counts are 1
//	[major - previous major], quarter - previous quarter, mask of metrics:1,
//	[count of each metric]
//
// in varints. After a new major the previous ref is 0, and after another ref the
// previous quarter is 0. Counts are never negative here.
const (
	cellOnes  = 1 << 0
	cellMajor = 1 << 1
	cellShift = 2
)

// A packer appends cells in their order.
type packer struct {
	packed              []byte
	major, ref, quarter uint32
}

func (p *packer) add(c *cell) {
	var mask byte
	ones := uint64(cellOnes)
	for m, n := range c.counts {
		if n != 0 {
			mask |= 1 << m
			if n != 1 {
				ones = 0
			}
		}
	}
	if mask == 0 {
		return
	}
	var major uint64
	if c.major != p.major {
		major, p.ref, p.quarter = cellMajor, 0, 0
	} else if c.ref != p.ref {
		p.quarter = 0
	}
	p.packed = binary.AppendUvarint(p.packed, uint64(c.ref-p.ref)<<cellShift|major|ones)
	if major != 0 {
		p.packed = binary.AppendUvarint(p.packed, uint64(c.major-p.major))
	}
	p.packed = append(binary.AppendUvarint(p.packed, uint64(c.quarter-p.quarter)), mask)
	if ones == 0 {
		for rest := mask; rest != 0; rest &= rest - 1 {
			p.packed = binary.AppendUvarint(p.packed, uint64(c.counts[bits.TrailingZeros8(rest)]))
		}
	}
	p.major, p.ref, p.quarter = c.major, c.ref, c.quarter
}

// An unpacker reads packed cells.
type unpacker struct {
	d decoder
	cell
	mask byte // the metrics that are not zero
}

func unpack(packed []byte) unpacker { return unpacker{d: decoder{rest: packed}} }

// next reads the next cell. It returns false at the end and where the value is
// corrupt, which err then tells.
func (u *unpacker) next() bool {
	if len(u.d.rest) == 0 {
		return false
	}
	header := u.d.uvarint()
	if header&cellMajor != 0 {
		u.major += u.d.uint32()
		u.ref, u.quarter = 0, 0
	} else if header>>cellShift != 0 {
		u.quarter = 0
	}
	u.ref += uint32(header >> cellShift)
	u.quarter += u.d.uint32()
	u.mask = u.d.byte()
	if u.mask == 0 || u.mask >= 1<<waybill.NumMetrics || u.quarter >= quartersPerDay {
		u.d.fail()
		return false
	}
	u.counts = waybill.Counts{}
	for rest := u.mask; rest != 0; rest &= rest - 1 {
		n := int64(1)
		if header&cellOnes == 0 {
			n = int64(u.d.uvarint())
		}
		u.counts[bits.TrailingZeros8(rest)] = n
	}
	return !u.d.bad
}

func (u *unpacker) err() error {
	if u.d.bad {
		return errCells
	}
	return nil
}

// mergeCells returns packed with deltas, which are sorted, added to it. It fails
// where a count would be negative: then something else is wrong.
func mergeCells(packed []byte, deltas []delta) ([]byte, error) {
	p := packer{packed: make([]byte, 0, len(packed)+len(deltas)*4)}
	u := unpack(packed)
	have := u.next()
	for len(deltas) > 0 {
		c := cell{major: deltas[0].major, ref: deltas[0].ref, quarter: uint32(deltas[0].quarter)}
		for have && u.before(&c) {
			p.add(&u.cell)
			have = u.next()
		}
		if have && u.major == c.major && u.ref == c.ref && u.quarter == c.quarter {
			c.counts = u.counts
			have = u.next()
		}
		n := sumDeltas(deltas, &c.counts)
		deltas = deltas[n:]
		for _, n := range c.counts {
			if n < 0 {
				return nil, errCells
			}
		}
		p.add(&c)
	}
	for have {
		p.add(&u.cell)
		have = u.next()
	}
	return p.packed, u.err()
}

// sumDeltas adds all deltas of the first cell to counts and returns their number.
func sumDeltas(deltas []delta, counts *waybill.Counts) int {
	n := 0
	for n < len(deltas) && deltas[n].compare(&deltas[0]) == 0 {
		for m, c := range deltas[n].counts {
			counts[m] += int64(c)
		}
		n++
	}
	return n
}

func (c *cell) before(o *cell) bool {
	if c.major != o.major {
		return c.major < o.major
	}
	if c.ref != o.ref {
		return c.ref < o.ref
	}
	return c.quarter < o.quarter
}
