package pebble

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"waybill"
)

// dropPartition drops the messages of a partition, channel by channel.
//
// What a dropped message counts stays in the counters. It is added to the settled
// cells in the same batch, so that the counters are at all times the settled cells
// and what the live messages contribute.
func (s *Store) dropPartition(ctx context.Context, p partition) error {
	s.log.Info("old histories are dropped", "partition", p, "until", instant((p + 1).start()))
	for _, c := range s.states() {
		d := drop{s: s, part: p, channel: c, view: s.viewOf(c.Number)}
		if err := d.run(ctx); err != nil {
			return fmt.Errorf("drop the messages of partition %d of channel %d: %w", p, c.Number, err)
		}
	}
	s.dropped, s.swept = true, false
	s.counters.dropped.Add(1)
	s.mu.Lock()
	s.partitions = slices.DeleteFunc(slices.Clone(s.partitions), func(q partition) bool { return q == p })
	s.mu.Unlock()
	return nil
}

// sweep frees the room of what has been dropped: once after a start, which may follow
// an interruption, and then after each drop.
func (s *Store) sweep(ctx context.Context, horizon partition) error {
	if s.swept {
		return nil
	}
	for _, space := range []byte{spaceMessage, spaceName} {
		from, to := []byte{space}, appendPartition(nil, space, horizon)
		size, err := s.db.EstimateDiskUsage(from, to)
		if err == nil && size > 0 {
			err = s.db.Compact(ctx, from, to, false)
		}
		if err != nil {
			return err
		}
	}
	s.swept = true
	return nil
}

// A drop drops the messages of a channel in a partition, by bundles, about as many
// messages at a time as a generation has.
type drop struct {
	s       *Store
	part    partition
	channel waybill.ChannelState
	view    view
	texts   []string
	details map[waybill.Detail]uint32

	settled *tally
	count   int    // of the messages in settled
	from    []byte // the key of the first bundle of them
}

func (d *drop) run(ctx context.Context) error {
	d.texts = d.s.texts.all()
	d.details = make(map[waybill.Detail]uint32, len(d.view.details))
	for ref, of := range d.view.details {
		d.details[of.detail(d.texts)] = uint32(ref)
	}
	d.settled = d.begin()
	prefix := appendPartitionChannel(nil, spaceMessage, d.part, d.channel.Number)
	d.from = bytes.Clone(prefix)
	it, err := d.s.db.NewIter(nil)
	if err != nil {
		return d.s.readError(err)
	}
	defer it.Close()
	err = d.s.scanRange(ctx, it, prefix, after(prefix), func(key, value []byte) error {
		if d.count >= d.s.limit {
			if err := d.commit(bytes.Clone(key)); err != nil {
				return err
			}
		}
		return eachEntry(key, value, d.settle)
	})
	if err != nil {
		return err
	}
	return d.commit(after(prefix))
}

func (d *drop) begin() *tally {
	return newTally(d.channel.Number, func(p place) ([]byte, error) {
		return d.s.get(appendCellsKey(nil, spaceSettled, p.channel, p.basis, p.day))
	})
}

// settle adds what a message counts to the settled cells.
func (d *drop) settle(k messageKey, entry []byte) error {
	st, err := decodeStored(k, entry, &d.view)
	if err != nil {
		return err
	}
	d.count++
	m := st.state.message(st.extra, &d.view, d.texts)
	for _, slot := range m.Contributions(d.channel.Provider, nil) {
		if slot.Basis == waybill.BySend && !d.s.bySend {
			continue
		}
		major, ok := d.details[slot.Detail]
		if !ok {
			return errState(st.key.channel, &st.key.hash)
		}
		if err := d.settled.add(st.state.ref, major, &slot); err != nil {
			return err
		}
	}
	return nil
}

// commit drops the messages before a key in one batch with what they count, and
// begins with those from there on. The spans of what is dropped go with them.
func (d *drop) commit(to []byte) error {
	if err := d.settled.pack(); err != nil {
		return err
	}
	batch := d.s.db.NewBatch()
	err := batch.DeleteRange(appendSpanKey(nil, 0), appendSpanKey(nil, d.part+1), nil)
	for _, space := range []byte{spaceMessage, spaceName} {
		d.from[0], to[0] = space, space
		err = cmp.Or(err, batch.DeleteRange(d.from, to, nil))
	}
	for _, p := range d.settled.places() {
		key := appendCellsKey(nil, spaceSettled, p.channel, p.basis, p.day)
		err = cmp.Or(err, batch.Set(key, d.settled.packed[p], nil))
	}
	if err != nil {
		return errors.Join(err, batch.Close())
	}
	d.settled, d.count, d.from = d.begin(), 0, to
	return d.s.commitBatch(batch)
}
