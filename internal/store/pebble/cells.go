package pebble

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/bits"
	"slices"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// mergerName is stored by the engine, which refuses a store of another name.
const mergerName = "waybill.cells.v1"

var errCells = errors.New("stored counters are corrupt")

// An entry is one cell, or a difference of one.
type entry struct {
	tuple, detail uint32 // refs
	counts        waybill.Counts
}

func (e *entry) compare(o *entry) int {
	return cmp.Or(cmp.Compare(e.tuple, o.tuple), cmp.Compare(e.detail, o.detail))
}

// separator stands between two runs. No entry looks like it, having a mask.
var separator = []byte{0, 0, 0}

// appendRuns begins a value of n runs.
func appendRuns(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }

// appendEntry appends e to a run unless it is all zero. previous is the tuple of
// the entry before, which appendEntry updates.
func appendEntry(dst []byte, previous *uint32, e *entry) []byte {
	var mask byte
	for m, n := range e.counts {
		if n != 0 {
			mask |= 1 << m
		}
	}
	if mask == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(e.tuple-*previous))
	dst = append(binary.AppendUvarint(dst, uint64(e.detail)), mask)
	for rest := mask; rest != 0; rest &= rest - 1 {
		dst = binary.AppendVarint(dst, e.counts[bits.TrailingZeros8(rest)])
	}
	*previous = e.tuple
	return dst
}

// entries reads the entries of all runs of a value.
type entries struct {
	d     decoder
	tuple uint32
}

func readEntries(value []byte) entries {
	es := entries{d: decoder{rest: value}}
	es.d.uvarint()
	return es
}

// next reads the next entry into e. It returns false at the end and where the
// value is corrupt, which err then tells.
func (es *entries) next(e *entry) bool {
	for len(es.d.rest) > 0 {
		es.tuple += es.d.uint32()
		e.tuple, e.detail = es.tuple, es.d.uint32()
		mask := es.d.byte()
		if mask == 0 {
			es.tuple = 0
			continue
		}
		if mask >= 1<<waybill.NumMetrics {
			es.d.fail()
		}
		e.counts = waybill.Counts{}
		for rest := mask; rest != 0 && !es.d.bad; rest &= rest - 1 {
			e.counts[bits.TrailingZeros8(rest)] = es.d.varint()
		}
		return !es.d.bad
	}
	return false
}

func (es *entries) err() error {
	if es.d.bad {
		return errCells
	}
	return nil
}

// maxRuns is how many runs a value may have before they are added up. Few
// messages share a cell with another, so that adding up saves little room.
const maxRuns = 16

// newMerger returns the merge operation of the engine.
func newMerger() *engine.Merger {
	return &engine.Merger{
		Name: mergerName,
		Merge: func(_, value []byte) (engine.ValueMerger, error) {
			s := &sum{}
			return s, s.add(value)
		},
	}
}

// A sum is a sum of values, as the runs of all of them.
type sum struct {
	runs uint64
	body []byte
}

// MergeNewer implements engine.ValueMerger.
func (s *sum) MergeNewer(value []byte) error { return s.add(value) }

// MergeOlder implements engine.ValueMerger. A sum has no order.
func (s *sum) MergeOlder(value []byte) error { return s.add(value) }

func (s *sum) add(value []byte) error {
	d := decoder{rest: value}
	runs := d.uvarint()
	if d.bad || runs > math.MaxInt32 {
		return errCells
	}
	if len(s.body) > 0 {
		s.body = append(s.body, separator...)
	}
	s.runs, s.body = s.runs+runs, append(s.body, d.rest...)
	return nil
}

// Finish implements engine.ValueMerger.
func (s *sum) Finish(bool) ([]byte, io.Closer, error) {
	value := append(appendRuns(make([]byte, 0, len(s.body)+binary.MaxVarintLen32), s.runs), s.body...)
	if s.runs <= maxRuns {
		return value, nil, nil
	}
	value, err := addUp(value)
	return value, nil, err
}

// addUp returns value as one run.
func addUp(value []byte) ([]byte, error) {
	var all []entry
	es := readEntries(value)
	for e := (entry{}); es.next(&e); {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return a.compare(&b) })
	total := appendRuns(nil, 1)
	var previous uint32
	for i := 0; i < len(all); {
		e := all[i]
		for i++; i < len(all) && e.compare(&all[i]) == 0; i++ {
			e.counts.Add(all[i].counts)
		}
		total = appendEntry(total, &previous, &e)
	}
	return total, es.err()
}
