package engine

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"waybill"
)

// pebbleTables are keys of Pebble, read with Get and written with Set, but for
// counters, to which differences are added by the engine's merge operation.
//
//	s key:8                         -> state: channel, ref, stages, as varints
//	c channel:4 quarter:4 ref:4     -> counts, as varints
//	t ref:4                         -> tuple: channel, label values
type pebbleTables struct {
	db     *engine.DB
	tuples []tuple // by ref
	key    []byte
	value  []byte
}

func openPebble(_ context.Context, dir string) (Engine, error) {
	blocks := engine.NewCache(128 << 20)
	defer blocks.Unref()
	o := &engine.Options{
		Cache:                       blocks,
		Merger:                      &engine.Merger{Name: "bench.counts", Merge: newAdder},
		Logger:                      silent{},
		FormatMajorVersion:          engine.FormatTableFormatV6,
		MemTableSize:                16 << 20, // faster than 64 MB: a search in it misses fewer caches
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               64 << 20,
		WALBytesPerSync:             512 << 10,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := engine.Open(dir, o)
	if err != nil {
		return nil, err
	}
	t := &pebbleTables{db: db, tuples: make([]tuple, 1)}
	refs := make(map[tuple]uint32)
	err = t.scan([]byte{'t'}, []byte{'t' + 1}, func(_, value []byte) {
		tup := decodeTuple(value)
		refs[tup] = uint32(len(t.tuples))
		t.tuples = append(t.tuples, tup)
	})
	return newLedger(t, refs, 0), err
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) { panic("pebble: fatal error") }

// An adder is a merge of counts.
type adder counts

func newAdder(_, value []byte) (engine.ValueMerger, error) {
	a := &adder{}
	return a, a.MergeNewer(value)
}

// MergeNewer implements engine.ValueMerger.
func (a *adder) MergeNewer(value []byte) error {
	for i, n := range decodeCounts(value) {
		a[i] += n
	}
	return nil
}

// MergeOlder implements engine.ValueMerger.
func (a *adder) MergeOlder(value []byte) error { return a.MergeNewer(value) }

// Finish implements engine.ValueMerger.
func (a *adder) Finish(bool) ([]byte, io.Closer, error) {
	return appendCounts(nil, counts(*a)), nil, nil
}

func appendCounts(dst []byte, c counts) []byte {
	for _, n := range c {
		dst = binary.AppendVarint(dst, n)
	}
	return dst
}

func decodeCounts(value []byte) (c counts) {
	for i := range c {
		n, length := binary.Varint(value)
		c[i], value = n, value[length:]
	}
	return c
}

func (t *pebbleTables) load(_ context.Context, keys []uint64, states []*state) error {
	for i, key := range keys {
		value, closer, err := t.db.Get(t.stateKey(key))
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		*states[i] = decodeState(value)
		if err := closer.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (t *pebbleTables) stateKey(key uint64) []byte {
	t.key = binary.BigEndian.AppendUint64(append(t.key[:0], 's'), key)
	return t.key
}

// appendState writes the first time of s in full and the others as distances to it.
func appendState(dst []byte, s *state) []byte {
	dst = binary.AppendUvarint(dst, uint64(s.channel))
	dst = binary.AppendUvarint(dst, uint64(s.ref))
	var first waybill.Instant
	for stage, at := range s.at {
		if at == waybill.Never {
			continue
		}
		dst = binary.AppendVarint(append(dst, byte(stage)), int64(at-first))
		first = cmp.Or(first, at)
	}
	return dst
}

func decodeState(value []byte) (s state) {
	uvarint := func() uint64 {
		n, length := binary.Uvarint(value)
		value = value[length:]
		return n
	}
	s.channel, s.ref = waybill.ChannelNumber(uvarint()), uint32(uvarint())
	var first waybill.Instant
	for len(value) > 0 {
		n, length := binary.Varint(value[1:])
		s.at[value[0]] = first + waybill.Instant(n)
		first = cmp.Or(first, s.at[value[0]])
		value = value[1+length:]
	}
	return s
}

func (t *pebbleTables) commit(_ context.Context, c *change) error {
	b := t.db.NewBatch()
	for ref, tup := range c.tuples {
		t.tuples = append(t.tuples, make([]tuple, max(0, int(ref)+1-len(t.tuples)))...)
		t.tuples[ref] = tup
		t.key = binary.BigEndian.AppendUint32(append(t.key[:0], 't'), ref)
		if err := b.Set(t.key, appendTuple(nil, &tup), nil); err != nil {
			return err
		}
	}
	for i, key := range c.keys {
		t.value = appendState(t.value[:0], &c.states[i])
		if err := b.Set(t.stateKey(key), t.value, nil); err != nil {
			return err
		}
	}
	for _, at := range c.cells() {
		t.key, t.value = cellKey(t.key[:0], at), appendCounts(t.value[:0], c.counts[at])
		if err := b.Merge(t.key, t.value, nil); err != nil {
			return err
		}
	}
	return b.Commit(engine.Sync)
}

func cellKey(dst []byte, c cell) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, 'c'), uint32(c.channel))
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.quarter))
	return binary.BigEndian.AppendUint32(dst, c.ref)
}

func appendTuple(dst []byte, t *tuple) []byte {
	dst = binary.AppendUvarint(dst, uint64(t.channel))
	for _, v := range t.values {
		dst = append(append(dst, byte(len(v))), v...)
	}
	return dst
}

func decodeTuple(value []byte) (t tuple) {
	channel, length := binary.Uvarint(value)
	t.channel, value = waybill.ChannelNumber(channel), value[length:]
	for i := range t.values {
		n := int(value[0])
		t.values[i], value = string(value[1:1+n]), value[1+n:]
	}
	return t
}

func (t *pebbleTables) scan(from, to []byte, f func(key, value []byte)) error {
	it, err := t.db.NewIter(&engine.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		f(it.Key(), it.Value())
	}
	return it.Close()
}

// points adds up the cells in the range bucket by bucket, into an array by group.
// The group of a tuple is found once.
func (t *pebbleTables) points(_ context.Context, s *series) ([]waybill.Point, error) {
	names, groupOf := t.groups(s)
	sums := make([]counts, len(names))
	var points []waybill.Point
	bucket := int64(0)
	flush := func() {
		for g, sum := range sums {
			if sum != (counts{}) {
				points = append(points, s.point(bucket, names[g], sum))
			}
		}
		clear(sums)
	}
	err := t.scan(
		cellKey(nil, cell{channel: s.channel, quarter: s.from}),
		cellKey(nil, cell{channel: s.channel, quarter: s.to}),
		func(key, value []byte) {
			at := waybill.Quarter(binary.BigEndian.Uint32(key[5:]))
			if b := int64((at - s.from) / s.width); b != bucket {
				flush()
				bucket = b
			}
			g := groupOf[binary.BigEndian.Uint32(key[9:])]
			if g < 0 {
				return
			}
			for i, n := range decodeCounts(value) {
				sums[g][i] += n
			}
		})
	flush()
	return points, err
}

// groups returns the names of the groups of s in order, and the group of each
// tuple, -1 where it does not count.
func (t *pebbleTables) groups(s *series) (names []string, groupOf []int) {
	nameOf := func(tup *tuple) string {
		if s.group == nil {
			return ""
		}
		return tup.values[*s.group]
	}
	seen := make(map[string]int)
	for i := range t.tuples {
		if name := nameOf(&t.tuples[i]); seen[name] == 0 {
			seen[name] = 1
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for g, name := range names {
		seen[name] = g
	}
	groupOf = make([]int, len(t.tuples))
	for i := range t.tuples {
		groupOf[i] = seen[nameOf(&t.tuples[i])]
		if s.template != "" && t.tuples[i].values[waybill.LabelTemplate] != s.template {
			groupOf[i] = -1
		}
	}
	return names, groupOf
}

func (t *pebbleTables) close() error { return t.db.Close() }
