package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"waybill"
)

// sortedPartitions returns the partitions of a set in ascending order.
func sortedPartitions(set map[partition]bool) []partition { return slices.Sorted(maps.Keys(set)) }

// horizonAt returns the first partition that is kept at a time.
func (s *Store) horizonAt(now time.Time) partition {
	oldest := now.Add(-s.keepMessages).Unix()
	if s.keepMessages <= 0 || oldest < 0 {
		return 0
	}
	return partitionOf(uint32(oldest))
}

// retain drops the partitions that are older than messages are kept. It first
// moves the horizon, durably: from then on the messages of those partitions are
// not found, and events of their times are too late. Then all that is in memory
// of them is folded, so that the runs have all there is, and they are dropped.
//
// What a dropped message counts stays in the counters. It is added to the settled
// cells in the same batch, so that the counters are at all times the settled cells
// and what the live messages contribute.
func (s *Store) retain() error {
	if err := s.moveHorizon(); err != nil {
		return err
	}
	s.mu.RLock()
	partitions, horizon, g := s.partitions, s.horizon, s.previous
	s.mu.RUnlock()
	old := slices.DeleteFunc(slices.Clone(partitions), func(p partition) bool { return p >= horizon })
	if g != nil && !isClosed(g.folded) {
		return nil // the horizon has moved; the rest comes after the fold
	}
	for _, p := range old {
		if err := s.dropPartition(p); err != nil {
			return err
		}
	}
	return nil
}

// moveHorizon makes the horizon what the clock says and begins a new generation if
// it moves past messages.
func (s *Store) moveHorizon() error {
	horizon := s.horizonAt(s.now())
	if horizon <= s.horizon {
		return nil
	}
	if !s.lockUnlessWork() {
		return nil
	}
	defer s.unlock()
	if s.previous != nil && !isClosed(s.previous.folded) {
		return nil // the folder comes again when it is folded
	}
	c := s.commit
	c.begin()
	c.key = append(c.key[:0], spaceFacts, factHorizon)
	c.value = binary.BigEndian.AppendUint16(c.value[:0], uint16(horizon))
	c.set()
	if err := c.finish(); err != nil {
		return err
	}
	s.mu.Lock()
	s.horizon = horizon
	s.mu.Unlock()
	s.rotate()
	return nil
}

// setAside begins a new generation where the log has messages of partitions that
// are about to be dropped, so that no event finds them.
func (s *Store) setAside() {
	for i, tag := range s.live.tags {
		if tag != 0 && s.live.slots[i].part < s.horizon {
			s.rotate()
			return
		}
	}
}

// dropPartition drops the messages of a partition, channel by channel, and frees
// their room.
func (s *Store) dropPartition(p partition) error {
	for _, c := range s.states() {
		if err := s.dropMessages(p, c); err != nil {
			return fmt.Errorf("drop the messages of partition %d of channel %d: %w", p, c.Number, err)
		}
	}
	s.dropped = true
	s.mu.Lock()
	s.partitions = slices.DeleteFunc(slices.Clone(s.partitions), func(q partition) bool { return q == p })
	s.mu.Unlock()
	for _, space := range []byte{spaceMessage, spaceName} {
		prefix := appendPartition(nil, space, p)
		if err := s.db.Compact(context.Background(), prefix, after(prefix), false); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) dropMessages(p partition, c waybill.ChannelState) error {
	o := newOverlay(0)
	err := s.eachStored(p, c.Number, func(st stored, v *view, texts []string) error {
		return s.settle(o, &st, v, texts, c)
	})
	if err != nil {
		return err
	}
	batch := s.db.NewBatch()
	f := newFolder(s, batch, spaceSettled)
	err = f.lists(o.sorted())
	for _, space := range []byte{spaceMessage, spaceName} {
		prefix := appendPartitionChannel(nil, space, p, c.Number)
		err = errors.Join(err, batch.DeleteRange(prefix, after(prefix), nil))
	}
	if err != nil {
		return errors.Join(err, batch.Close())
	}
	return s.commitBatch(batch)
}

// eachStored calls f with the states of a channel in the runs of a partition.
func (s *Store) eachStored(
	p partition, c waybill.ChannelNumber, f func(stored, *view, []string) error,
) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return s.readError(err)
	}
	defer it.Close()
	v := s.viewOf(c)
	texts := s.texts.all()
	prefix := appendPartitionChannel(nil, spaceMessage, p, c)
	return s.scanRange(context.Background(), it, prefix, after(prefix), func(key, value []byte) error {
		st, err := decodeStored(key, value, &v)
		if err != nil {
			return err
		}
		return f(st, &v, texts)
	})
}

// settle adds what a message counts to the lists of o.
func (s *Store) settle(o *overlay, st *stored, v *view, texts []string, c waybill.ChannelState) error {
	m := st.state.message(st.extra, v, texts)
	for _, slot := range m.Contributions(c.Provider, nil) {
		if slot.Basis == waybill.BySend && !s.bySend {
			continue
		}
		major, ok := v.detailOf(slot.Detail, s.texts)
		if !ok {
			return errState(st.key.channel, &st.key.hash)
		}
		d := delta{ref: st.state.ref, major: major, quarter: uint8(uint32(slot.Quarter) % quartersPerDay)}
		d.counts[slot.Metric] = 1
		p := place{c.Number, slot.Basis, uint32(slot.Quarter) / quartersPerDay}
		l := o.lists[p]
		if l == nil {
			l = &list{place: p}
			o.lists[p] = l
		}
		l.all = append(l.all, d)
	}
	return nil
}

// TooLate returns how many events were too late so far.
func (s *Store) TooLate(ctx context.Context) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	if err := s.hold(ctx); err != nil {
		return 0, err
	}
	defer s.unlock()
	return s.tooLate, nil
}

// noteTooLate counts events that were too late.
func (c *commit) noteTooLate(n int64) {
	c.s.tooLate += n
	c.key = append(c.key[:0], spaceTooLate)
	c.value = binary.AppendVarint(c.value[:0], c.s.tooLate)
	c.set()
}
