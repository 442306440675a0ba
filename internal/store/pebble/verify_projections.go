package pebble

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
)

// compareProjections compares each projection with the folded cells of the days. Where
// one differs the others are looked at still.
func (a *audit) compareProjections(ctx context.Context) error {
	folded, err := a.have(ctx, spaceCells)
	if err != nil {
		return err
	}
	want := make(map[string][]byte)
	f := folder{s: a.s, view: &a.view, put: func(key []byte, deltas []delta) error {
		if key[0] == spaceCells {
			return nil
		}
		packed, err := mergeCells(nil, deltas)
		want[string(key)] = packed
		return err
	}}
	for _, p := range placesOf(folded, nil) {
		var deltas []delta
		u := unpack(folded[p])
		for u.next() {
			d := delta{major: u.major, ref: u.ref, quarter: uint8(u.quarter)}
			deltas = appendDeltas(deltas, d, &u.counts)
		}
		if u.err() != nil {
			return u.err()
		}
		if err := f.list(p, deltas); err != nil {
			return err
		}
	}
	if err := f.endPeriod(); err != nil {
		return err
	}
	for _, space := range []byte{spaceSender, spaceTemplate} {
		prefix := appendChannel(nil, space, a.state.Number)
		err := a.s.scanRange(ctx, a.v.it, prefix, after(prefix), func(key, value []byte) error {
			if !bytes.Equal(want[string(key)], value) {
				a.blame("the projection %x differs from the cells that it is made of", key)
			}
			delete(want, string(key))
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		a.blame("the projection %x is missing", key)
	}
	return nil
}

// readNames fails where a name cannot be read.
func (a *audit) readNames(ctx context.Context) error {
	prefix := []byte{spaceName}
	return a.s.scanRange(ctx, a.v.it, prefix, after(prefix), func(key, value []byte) error {
		return eachEntry(key, value, func(k messageKey, entry []byte) error {
			if _, ok := decodeName(entry); !ok && len(entry) > 0 {
				return fmt.Errorf("the stored name of message %08x%08x%08x of channel %d is corrupt",
					k.hash[0], k.hash[1], k.hash[2], k.channel)
			}
			return nil
		})
	})
}

// blame notes what is wrong besides counters, as often as those are returned.
func (a *audit) blame(format string, key any) {
	if len(a.wrong) < a.limit {
		a.wrong = append(a.wrong, fmt.Errorf(format, key))
	}
}
