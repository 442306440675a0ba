package pebble

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"sync/atomic"

	"waybill"
)

// A place is where the cells of a day lie.
type place struct {
	channel waybill.ChannelNumber
	basis   waybill.Basis
	day     uint32 // since 1970, UTC
}

func (p *place) compare(o *place) int {
	return cmp.Or(cmp.Compare(p.channel, o.channel), cmp.Compare(p.basis, o.basis), cmp.Compare(p.day, o.day))
}

// A list holds the differences of a place in the order in which they came. The
// writer appends to all; readers see a prefix of it, which never changes.
type list struct {
	place
	overlay *overlay
	stamp   uint32 // the last commit that appended to it
	all     []delta
	logged  int     // how many of all are in the log
	visible []delta // guarded by Store.mu
}

// An overlay is what the commits of a generation have added to the counters, on
// top of what is folded. It lives from the first commit of its generation until
// after the fold.
type overlay struct {
	generation uint64
	lists      map[place]*list // owned by the writer
	count      int             // of the differences that are visible

	// What readers see, guarded by Store.mu.
	visible map[waybill.ChannelNumber][]*list
	totals  map[waybill.ChannelNumber]*totals

	looks atomic.Uint64 // how often totals were taken
}

func newOverlay(generation uint64) *overlay {
	return &overlay{
		generation: generation, lists: make(map[place]*list),
		visible: make(map[waybill.ChannelNumber][]*list),
		totals:  make(map[waybill.ChannelNumber]*totals),
	}
}

func (o *overlay) addTotal(c waybill.ChannelNumber, segment uint32, n *waybill.Counts) {
	of := o.totals[c]
	if of == nil {
		of = new(totals)
		o.totals[c] = of
	}
	of.add(segment, n, o.looks.Load())
}

// publish lets readers see all of the lists and totals, with Store.mu held.
func (o *overlay) publish(lists []*list, totals map[totalKey]waybill.Counts) {
	for _, l := range lists {
		if l.visible == nil {
			o.visible[l.channel] = append(o.visible[l.channel], l)
		}
		o.count += len(l.all) - len(l.visible)
		l.visible = l.all
	}
	for k, n := range totals {
		o.addTotal(k.channel, k.segment, &n)
	}
}

// A totalKey names an all-time total of a segment.
type totalKey struct {
	channel waybill.ChannelNumber
	segment uint32 // number of its text
}

// sorted returns the lists by channel, basis and day.
func (o *overlay) sorted() []*list {
	return slices.SortedFunc(maps.Values(o.lists), func(a, b *list) int { return a.place.compare(&b.place) })
}

// appendList appends the deltas of a list that are not in the log yet: place,
// number, and of each
//
//	quarter | detailed<<7, ref, [detail], mask | signed<<7, [count of each metric]
//
// where all counts are 1 unless they are signed.
func appendList(dst []byte, l *list) []byte {
	const high = 1 << 7
	deltas := l.all[l.logged:]
	dst = binary.AppendUvarint(dst, uint64(l.channel))
	dst = binary.AppendUvarint(append(dst, byte(l.basis)), uint64(l.day))
	dst = binary.AppendUvarint(dst, uint64(len(deltas)))
	for i := range deltas {
		d := &deltas[i]
		if d.major == 0 {
			dst = binary.AppendUvarint(append(dst, d.quarter), uint64(d.ref))
		} else {
			dst = binary.AppendUvarint(append(dst, d.quarter|high), uint64(d.ref))
			dst = binary.AppendUvarint(dst, uint64(d.major))
		}
		var mask, signed byte
		for m, n := range d.counts {
			if n != 0 {
				mask |= 1 << m
				if n != 1 {
					signed = high
				}
			}
		}
		dst = append(dst, mask|signed)
		if signed != 0 {
			for rest := mask; rest != 0; rest &= rest - 1 {
				dst = append(dst, byte(d.counts[bits.TrailingZeros8(rest)]))
			}
		}
	}
	return dst
}

// decodeList reads what appendList wrote and calls add with each delta.
func decodeList(d *decoder, add func(place, delta)) {
	p := place{channel: waybill.ChannelNumber(d.uint32()), basis: waybill.Basis(d.byte()), day: d.uint32()}
	n := d.uvarint()
	if n > uint64(len(d.rest)) || p.basis >= waybill.NumBases {
		d.fail()
	}
	for ; n > 0 && !d.bad; n-- {
		quarter := d.byte()
		out := delta{quarter: quarter & 0x7f, ref: d.uint32()}
		if quarter&0x80 != 0 {
			out.major = d.uint32()
		}
		mask := d.byte()
		if out.quarter >= quartersPerDay || mask&0x7f == 0 {
			d.fail()
		}
		for rest := mask & 0x7f; rest != 0; rest &= rest - 1 {
			n := int8(1)
			if mask&0x80 != 0 {
				n = int8(d.byte())
			}
			out.counts[bits.TrailingZeros8(rest)] = n
		}
		if !d.bad {
			add(p, out)
		}
	}
}
