package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// A bundle is the messages of a channel in a partition whose hashes begin alike, in one
// value: a key for each of them would cost the engine more than the message itself. It
// has of each message, in the order of their hashes,
//
//	low, hash:8, length, entry
//
// where low is what the first word of the hash has beyond the key, less that of the
// message before. An entry is a state or a name. One without bytes stands for a name
// that is erased.
//
// A run has bundles of the messages of its generation. The engine merges those of one
// key when it compacts runs and when it reads: of two entries of a message the newer
// one stands.
type bundle []byte

const (
	bundleBits = 12 // of the hash, in the key
	lowBits    = 32 - bundleBits
	bundleKey  = 1 + 2 + 4 + 2 // the length of a key
)

var errBundle = errors.New("a bundle of messages is corrupt")

func lowOf(h *hash) uint32 { return h[0] & (1<<lowBits - 1) }

// appendBundleKey returns the key of the bundle that a message belongs in.
func appendBundleKey(dst []byte, space byte, k *messageKey) []byte {
	dst = appendPartitionChannel(dst, space, k.part, k.channel)
	return binary.BigEndian.AppendUint16(dst, uint16(k.hash[0]>>lowBits))
}

// parseBundleKey returns the key of the first message that a bundle could have.
func parseBundleKey(key []byte) (k messageKey, ok bool) {
	if len(key) != bundleKey {
		return k, false
	}
	number := binary.BigEndian.Uint16(key[bundleKey-2:])
	k.part = partition(binary.BigEndian.Uint16(key[1:]))
	k.channel = waybill.ChannelNumber(binary.BigEndian.Uint32(key[3:]))
	k.hash[0] = uint32(number) << lowBits
	return k, number < 1<<bundleBits
}

// find returns the entry of a message, nil where the bundle has none.
func (b bundle) find(h *hash) ([]byte, error) {
	want := bundleReader{low: lowOf(h), tail: uint64(h[1])<<32 | uint64(h[2])}
	r := bundleReader{rest: b}
	for r.next() {
		if !r.before(&want) {
			if want.before(&r) {
				return nil, nil
			}
			return r.entry, nil
		}
	}
	return nil, r.err()
}

// A bundleWriter makes a bundle of entries that come in the order of their hashes.
type bundleWriter struct {
	out  bundle
	last uint32 // low of the last one
}

func (w *bundleWriter) reset() { w.out, w.last = w.out[:0], 0 }

func (w *bundleWriter) add(h *hash, entry []byte) {
	w.addLow(lowOf(h))
	w.out = binary.BigEndian.AppendUint32(w.out, h[1])
	w.out = binary.BigEndian.AppendUint32(w.out, h[2])
	w.out = append(binary.AppendUvarint(w.out, uint64(len(entry))), entry...)
}

func (w *bundleWriter) addLow(low uint32) {
	w.out = binary.AppendUvarint(w.out, uint64(low-w.last))
	w.last = low
}

// copy adds the entry that r is at.
func (w *bundleWriter) copy(r *bundleReader) {
	w.addLow(r.low)
	w.out = append(w.out, r.body...)
}

// merge makes one bundle of two.
func (w *bundleWriter) merge(older, newer bundle) error {
	w.reset()
	a, b := bundleReader{rest: older}, bundleReader{rest: newer}
	inA, inB := a.next(), b.next()
	for inA || inB {
		if inA && (!inB || a.before(&b)) {
			w.copy(&a)
			inA = a.next()
			continue
		}
		if inA && !b.before(&a) { // both have it
			inA = a.next()
		}
		w.copy(&b)
		inB = b.next()
	}
	return errors.Join(a.err(), b.err())
}

// A bundler makes the bundles of messages that come in the order of their keys.
type bundler struct {
	space byte
	put   func(key, value []byte) error // what is done with each

	bundle    bundleWriter
	key, next []byte
}

func (b *bundler) add(k *messageKey, entry []byte) error {
	b.next = appendBundleKey(b.next[:0], b.space, k)
	if !bytes.Equal(b.next, b.key) {
		if err := b.end(); err != nil {
			return err
		}
		b.key, b.next = b.next, b.key
	}
	b.bundle.add(&k.hash, entry)
	return nil
}

// end ends the last bundle, if there is any.
func (b *bundler) end() error {
	if len(b.bundle.out) == 0 {
		return nil
	}
	err := b.put(b.key, b.bundle.out)
	b.bundle.reset()
	return err
}

// A bundleReader goes through the entries of a bundle.
type bundleReader struct {
	rest  bundle
	low   uint32
	tail  uint64 // the further words of the hash
	body  []byte // from the tail to the end of the entry
	entry []byte
	bad   bool
}

// next goes to the next entry. It returns false after the last one, and where the
// bundle is corrupt.
func (r *bundleReader) next() bool {
	const tailBytes = 8
	if len(r.rest) == 0 {
		return false
	}
	more, n := binary.Uvarint(r.rest)
	if n <= 0 || more >= 1<<lowBits || len(r.rest) <= n+tailBytes {
		return r.fail()
	}
	low, tail := r.low+uint32(more), binary.BigEndian.Uint64(r.rest[n:])
	again := more == 0 && r.body != nil && tail <= r.tail
	length, k := uint64(r.rest[n+tailBytes]), 1
	if length >= 0x80 {
		length, k = binary.Uvarint(r.rest[n+tailBytes:])
	}
	from := n + tailBytes + k
	if low >= 1<<lowBits || again || k <= 0 || length > uint64(len(r.rest)-from) {
		return r.fail()
	}
	to := from + int(length)
	r.low, r.tail = low, tail
	r.body, r.entry, r.rest = r.rest[n:to], r.rest[from:to], r.rest[to:]
	return true
}

func (r *bundleReader) fail() bool {
	r.rest, r.bad = nil, true
	return false
}

func (r *bundleReader) err() error {
	if r.bad {
		return errBundle
	}
	return nil
}

// hash returns the hash of the message that r is at. first is that of the key.
func (r *bundleReader) hash(first *hash) hash {
	return hash{first[0] | r.low, uint32(r.tail >> 32), uint32(r.tail)}
}

// before reports whether the message that r is at comes before that of o.
func (r *bundleReader) before(o *bundleReader) bool {
	if r.low != o.low {
		return r.low < o.low
	}
	return r.tail < o.tail
}

// bundleMerger is how the engine merges bundles. Its name is part of the format.
var bundleMerger = &engine.Merger{
	Name: "waybill.bundles",
	Merge: func(_, value []byte) (engine.ValueMerger, error) {
		return &merging{merged: bundleWriter{out: append(bundle(nil), value...)}}, nil
	},
}

// A merging merges the bundles of a key, one after the other.
type merging struct{ merged, spare bundleWriter }

// MergeNewer implements engine.ValueMerger.
func (m *merging) MergeNewer(value []byte) error {
	m.merged, m.spare = m.spare, m.merged
	return m.merged.merge(m.spare.out, value)
}

// MergeOlder implements engine.ValueMerger.
func (m *merging) MergeOlder(value []byte) error {
	m.merged, m.spare = m.spare, m.merged
	return m.merged.merge(value, m.spare.out)
}

// Finish implements engine.ValueMerger.
func (m *merging) Finish(bool) ([]byte, io.Closer, error) { return m.merged.out, nil, nil }
