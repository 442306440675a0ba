package pebble

import (
	"maps"
	"slices"

	"waybill"
)

// A tally adds up what messages of one channel contribute, one by one, to cells that
// are packed as they are stored.
type tally struct {
	channel waybill.ChannelNumber
	load    func(place) ([]byte, error) // what a day has to begin with

	waiting map[place][]delta // not packed yet
	count   int               // of waiting
	packed  map[place][]byte
}

func newTally(c waybill.ChannelNumber, load func(place) ([]byte, error)) *tally {
	return &tally{channel: c, load: load, waiting: make(map[place][]delta), packed: make(map[place][]byte)}
}

// add counts a message in a slot. ref and major are those of its tuple and detail.
func (t *tally) add(ref, major uint32, slot *waybill.Slot) error {
	const most = 2 << 20 // 32 MB
	d := delta{ref: ref, major: major, quarter: uint8(uint32(slot.Quarter) % quartersPerDay)}
	d.counts[slot.Metric] = 1
	p := place{t.channel, slot.Basis, uint32(slot.Quarter) / quartersPerDay}
	t.waiting[p] = append(t.waiting[p], d)
	if t.count++; t.count < most {
		return nil
	}
	return t.pack()
}

// pack packs all that waits.
func (t *tally) pack() error {
	for p, deltas := range t.waiting {
		old, ok := t.packed[p]
		if !ok {
			var err error
			if old, err = t.load(p); err != nil {
				return err
			}
		}
		sortDeltas(deltas, nil)
		packed, err := mergeCells(old, deltas)
		if err != nil {
			return err
		}
		t.packed[p] = packed
	}
	clear(t.waiting)
	t.count = 0
	return nil
}

// places returns the days that are packed, in the order of their keys.
func (t *tally) places() []place {
	return slices.SortedFunc(maps.Keys(t.packed), func(a, b place) int { return a.compare(&b) })
}
