package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// A stored is a state in a run.
type stored struct {
	key   messageKey
	state state
	extra *extra
}

// decodeStored returns the state that is the entry of k in a bundle. v has the words of
// its channel.
func decodeStored(k messageKey, entry []byte, v *view) (stored, error) {
	d := decoder{rest: entry}
	st, x := decodeState(&d, k.part)
	if !d.complete() || uint64(st.ref) >= uint64(len(v.tuples)) {
		return stored{}, errState(k.channel, &k.hash)
	}
	return stored{k, st, x}, nil
}

func errState(c waybill.ChannelNumber, h *hash) error {
	return fmt.Errorf("the stored state of message %08x%08x%08x of channel %d is corrupt", h[0], h[1], h[2], c)
}

// readEntry calls f with the entry of a message in the runs of a space, nil where there
// is none.
func (s *Store) readEntry(space byte, k *messageKey, f func(entry []byte) error) error {
	key := appendBundleKey(make([]byte, 0, bundleKey), space, k)
	value, closer, err := s.db.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return f(nil)
	}
	if err != nil {
		return s.readError(err)
	}
	defer closer.Close()
	entry, err := bundle(value).find(&k.hash)
	if err != nil {
		return fmt.Errorf("%x: %w", key, err)
	}
	return f(entry)
}

// readStored returns the state of a message in the runs, with noRef where there is none.
func (s *Store) readStored(k *messageKey, v *view) (st stored, err error) {
	st = stored{key: *k, state: state{ref: noRef}}
	err = s.readEntry(spaceMessage, k, func(entry []byte) (err error) {
		if entry != nil {
			st, err = decodeStored(*k, entry, v)
		}
		return err
	})
	return st, err
}

// eachEntry calls f with each message that a bundle has, and its entry.
func eachEntry(key, value []byte, f func(k messageKey, entry []byte) error) error {
	first, ok := parseBundleKey(key)
	if !ok {
		return fmt.Errorf("the key %x of a bundle is corrupt", key)
	}
	r := bundleReader{rest: value}
	for r.next() {
		if err := f(messageKey{first.part, first.channel, r.hash(&first.hash)}, r.entry); err != nil {
			return err
		}
	}
	if err := r.err(); err != nil {
		return fmt.Errorf("%x: %w", key, err)
	}
	return nil
}

// A walk says which states in runs are gone through: those of a channel in a
// partition, after a message where past is set.
type walk struct {
	part    partition
	channel waybill.ChannelNumber
	past    *messageKey
	view    *view // the words of the channel
}

// walkStates calls f with the states of w that it sees, in the order of their keys.
func (s *Store) walkStates(ctx context.Context, it *engine.Iterator, w walk, f func(stored) error) error {
	prefix := appendPartitionChannel(nil, spaceMessage, w.part, w.channel)
	from, to := prefix, after(prefix)
	if w.past != nil {
		if from = appendBundleKey(nil, spaceMessage, w.past); bytes.Compare(from, prefix) < 0 {
			from = prefix
		}
	}
	if bytes.Compare(from, to) >= 0 {
		return nil
	}
	return s.scanRange(ctx, it, from, to, func(key, value []byte) error {
		return eachEntry(key, value, func(k messageKey, entry []byte) error {
			if w.past != nil && k.compare(w.past) <= 0 {
				return nil
			}
			st, err := decodeStored(k, entry, w.view)
			if err != nil {
				return err
			}
			return f(st)
		})
	})
}
