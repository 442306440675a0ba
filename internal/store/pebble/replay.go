package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// A replay reads the log into a table and an overlay, as the commits had left
// them.
type replay struct {
	s       *Store
	table   *table
	overlay *overlay
	words   func(waybill.ChannelNumber) (*view, bool)
}

// run reads all commits after the given one and returns the last. The iterator
// keeps the bounds that run sets.
func (r *replay) run(ctx context.Context, it *engine.Iterator, last uint64) (uint64, error) {
	err := r.s.scanRange(ctx, it, []byte{spaceLog}, []byte{spaceLog + 1}, func(key, value []byte) error {
		if len(key) != 1+8 {
			return fmt.Errorf("the key %x of the log is corrupt", key)
		}
		seq := binary.BigEndian.Uint64(key[1:])
		if seq != last+1 {
			return errGap(seq, last+1)
		}
		last = seq
		if !r.record(value) {
			return fmt.Errorf("commit %d of the log is corrupt", seq)
		}
		return nil
	})
	return last, err
}

func (r *replay) record(value []byte) bool {
	d := &decoder{rest: value}
	if d.byte() != recordVersion {
		return false
	}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		r.state(d)
	}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		decodeList(d, func(p place, out delta) {
			if v, ok := r.words(p.channel); !ok || !v.has(&out) {
				d.fail()
			} else {
				r.overlay.replay(p, out, v)
			}
		})
	}
	return d.complete()
}

func (r *replay) state(d *decoder) {
	c := waybill.ChannelNumber(d.uint32())
	head := d.uvarint()
	if head > 1<<17 || len(d.rest) < hashBytes {
		d.fail()
		return
	}
	var h hash
	for i := range h {
		h[i] = binary.BigEndian.Uint32(d.rest[4*i:])
	}
	d.rest = d.rest[hashBytes:]
	s, x := decodeState(d, partition(head>>1))
	v, ok := r.words(c)
	if !ok || uint64(s.ref) >= uint64(len(v.tuples)) {
		d.fail()
		return
	}
	slot := r.table.findIn(c, &h, s.part)
	if slot < 0 {
		// A message that is reported again after its partition was given up
		// begins anew. What it counted before must not be forgotten.
		r.table.doubled = r.table.doubled || r.table.find(c, &h) >= 0
		r.table.reserve(1)
		slot = r.table.insert(c, &h, s, x)
	} else {
		s.extra = r.table.slots[slot].extra
		r.table.slots[slot].state = s
		r.table.setExtra(slot, x)
	}
	if head&1 != 0 {
		id, recipient := d.text(), d.text()
		if r.table.names != nil && !d.bad {
			r.table.setName(slot, id, recipient)
		}
	}
}

// has reports whether what d refers to is known.
func (v *view) has(d *delta) bool {
	return uint64(d.ref) < uint64(len(v.tuples)) && uint64(d.major) < uint64(len(v.details))
}

// replay adds a delta that is in the log.
func (o *overlay) replay(p place, d delta, v *view) {
	l := o.lists[p]
	if l == nil {
		l = &list{place: p, overlay: o}
		o.lists[p] = l
	}
	l.all = append(l.all, d)
	if segment := v.tuples[d.ref].segment(); segment != 0 && p.basis == waybill.ByEvent && d.major == 0 {
		var n waybill.Counts
		for m, count := range d.counts {
			n[m] = int64(count)
		}
		o.addTotal(p.channel, segment, &n)
	}
}

// publishAll lets readers see what was replayed.
func (o *overlay) publishAll() {
	for _, l := range o.lists {
		o.visible[l.channel] = append(o.visible[l.channel], l)
		l.visible, l.logged = l.all, len(l.all)
		o.count += len(l.all)
	}
}

// A fold says up to where the counters are folded.
type fold struct {
	last       uint64 // commit
	generation uint64
}

func (f fold) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, f.last), f.generation)
}

func decodeFold(value []byte) (fold, error) {
	d := decoder{rest: value}
	f := fold{d.uvarint(), d.uvarint()}
	if !d.complete() {
		return f, errors.New("the fact up to where the counters are folded is corrupt")
	}
	return f, nil
}
