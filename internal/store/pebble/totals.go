package pebble

import (
	"iter"
	"maps"

	"waybill"
)

// totals are what a generation has added to the all-time counts of the segments of
// a channel, by number of the segment's text. They lie in shards, so that a reader
// can take all at once by taking the shards: from then on the writer changes copies
// of those that it touches.
type totals [1 << 9]totalShard

type totalShard struct {
	of   map[uint32]waybill.Counts
	look uint64 // how often the totals had been taken when of was made
}

// add adds to the total of a segment, after the totals were taken look times.
func (t *totals) add(segment uint32, n *waybill.Counts, look uint64) {
	s := &t[segment%uint32(len(t))]
	if s.of == nil {
		*s = totalShard{make(map[uint32]waybill.Counts), look}
	} else if s.look != look {
		*s = totalShard{maps.Clone(s.of), look}
	}
	sum := s.of[segment]
	sum.Add(*n)
	s.of[segment] = sum
}

// get returns the total of a segment. There may be no totals at all.
func (t *totals) get(segment uint32) waybill.Counts {
	if t == nil {
		return waybill.Counts{}
	}
	return t[segment%uint32(len(t))].of[segment]
}

func (t *totals) each() iter.Seq2[uint32, waybill.Counts] {
	return func(yield func(uint32, waybill.Counts) bool) {
		if t == nil {
			return
		}
		for i := range t {
			for segment, n := range t[i].of {
				if !yield(segment, n) {
					return
				}
			}
		}
	}
}
