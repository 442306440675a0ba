package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"waybill"
)

// Verify implements waybill.Store. It recomputes all counters from what is on the
// disk alone: the settled cells, the runs, and the log, which it reads as a start of
// the store would. It holds the cells of one channel at a time in memory, packed as
// they are stored. It reads the names, too, so that all blocks of messages are checked.
// A message whose mark is not what the settings say, and that no
// pass will mend, is a counter that is missing where the message should stand. Where
// projections differ from their counters it fails, with the counters that differ.
func (s *Store) Verify(ctx context.Context, limit int) ([]waybill.Difference, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	v, err := s.look(ctx, glance{all: true})
	if err != nil {
		return nil, err
	}
	defer v.close()
	a := &audit{s: s, v: v, limit: limit, table: newTable(false), overlay: newOverlay(0)}
	f, err := v.fold()
	if err != nil {
		return nil, err
	}
	horizon, err := v.get([]byte{spaceFacts, factHorizon})
	if err != nil {
		return nil, err
	}
	a.horizon = partition(binary.BigEndian.Uint16(horizon))
	r := replay{s: s, table: a.table, overlay: a.overlay, words: a.words}
	if _, err := r.run(ctx, v.it, f.last); err != nil {
		return nil, err
	}
	for _, c := range slices.Sorted(maps.Keys(v.views)) {
		if err := a.channel(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := a.readNames(ctx); err != nil {
		return a.differences, err
	}
	return a.differences, errors.Join(a.wrong...)
}

// An audit compares the counters with the histories, channel by channel.
type audit struct {
	s           *Store
	v           *version
	limit       int
	differences []waybill.Difference
	wrong       []error // of projections
	horizon     partition

	table   *table   // what the log says
	overlay *overlay // likewise

	state   waybill.ChannelState
	settled bool // no pass over the marks is due
	view    view
	details map[waybill.Detail]uint32

	want *tally // what is recomputed
}

func (a *audit) words(c waybill.ChannelNumber) (*view, bool) {
	v, ok := a.v.views[c]
	return &v, ok
}

func (a *audit) channel(ctx context.Context, c waybill.ChannelNumber) error {
	a.state, a.view = waybill.ChannelState{Number: c}, a.v.views[c]
	a.view.details = slices.Clone(a.view.details)
	if there, err := a.setting(); err != nil || !there {
		return err
	}
	a.details = make(map[waybill.Detail]uint32, len(a.view.details))
	for ref, d := range a.view.details {
		a.details[d.detail(a.v.texts)] = uint32(ref)
	}
	a.want = newTally(a.state.Number, func(place) ([]byte, error) { return nil, nil })
	if err := a.readSettled(ctx); err != nil {
		return err
	}
	if err := a.recountAll(ctx); err != nil {
		return err
	}
	if err := a.want.pack(); err != nil {
		return err
	}
	if err := a.compareCells(ctx); err != nil {
		return err
	}
	return a.compareTotals(ctx)
}

// setting reads the settings of the channel as of the version. A channel that is
// being made is not there yet: it is in memory before its commit.
func (a *audit) setting() (there bool, err error) {
	value, err := a.v.get(appendChannel(nil, spaceSetting, a.state.Number))
	if err != nil || value == nil {
		return false, err
	}
	set, ok := decodeSetting(a.state.Number, value)
	if !ok {
		return false, fmt.Errorf("the stored settings of channel %d are corrupt", a.state.Number)
	}
	a.state, a.settled = set.ChannelState, !set.pending
	return true, nil
}

// space calls f with the values of the channel in a space of cells.
func (a *audit) space(ctx context.Context, space byte, f func(place, []byte) error) error {
	prefix := appendChannel(nil, space, a.state.Number)
	return a.s.scanRange(ctx, a.v.it, prefix, after(prefix), func(key, value []byte) error {
		if len(key) != cellsPrefix+4 || key[channelPrefix] >= waybill.NumBases {
			return fmt.Errorf("the key %x is corrupt", key)
		}
		return f(place{a.state.Number, waybill.Basis(key[channelPrefix]), unitOf(key)}, value)
	})
}

// readSettled begins with what dropped messages count.
func (a *audit) readSettled(ctx context.Context) error {
	return a.space(ctx, spaceSettled, func(p place, value []byte) error {
		a.want.packed[p] = bytes.Clone(value)
		return nil
	})
}

// recountAll adds what all messages of the channel contribute. What the log says of
// one stands over what a run says.
func (a *audit) recountAll(ctx context.Context) error {
	for i, tag := range a.table.tags {
		if s := &a.table.slots[i]; tag != 0 && s.channel == a.state.Number {
			k := messageKey{s.part, s.channel, s.hash}
			if err := a.recount(stored{k, s.state, a.table.extraOf(&s.state)}); err != nil {
				return err
			}
		}
	}
	it := a.v.it
	it.SetBounds([]byte{spaceMessage}, []byte{spaceMessage + 1})
	for ok := it.First(); ok; {
		k, whole := parseBundleKey(it.Key())
		if !whole {
			return fmt.Errorf("the key %x of a bundle is corrupt", it.Key())
		}
		if err := a.recountRuns(ctx, k.part); err != nil {
			return err
		}
		it.SetBounds([]byte{spaceMessage}, []byte{spaceMessage + 1})
		ok = it.SeekGE(after(appendPartition(nil, spaceMessage, k.part)))
	}
	return a.s.readError(it.Error())
}

func (a *audit) recountRuns(ctx context.Context, p partition) error {
	w := walk{part: p, channel: a.state.Number, view: &a.view}
	return a.s.walkStates(ctx, a.v.it, w, func(st stored) error {
		if a.table.findIn(st.key.channel, &st.key.hash, p) >= 0 {
			return nil
		}
		return a.recount(st)
	})
}

// recount adds the contributions of a message to what is wanted.
func (a *audit) recount(st stored) error {
	m := st.state.message(st.extra, &a.view, a.v.texts)
	a.checkMark(&m, st.key.part)
	for _, slot := range m.Contributions(a.state.Provider, nil) {
		if slot.Basis == waybill.BySend && !a.s.bySend {
			continue
		}
		if err := a.want.add(st.state.ref, a.detailRef(slot.Detail), &slot); err != nil {
			return err
		}
	}
	return nil
}

// detailRef returns the ref of a detail, and numbers one that no counter has.
func (a *audit) detailRef(d waybill.Detail) uint32 {
	ref, ok := a.details[d]
	if !ok {
		ref = uint32(len(a.view.details))
		a.details[d] = ref
		a.view.details = append(a.view.details, detail{a.s.texts.num(d.Code), a.s.texts.num(d.Button.Type), a.s.texts.num(d.Button.Text)})
		a.v.texts = a.s.texts.all()
	}
	return ref
}

// checkMark notes a message whose mark is stale for good.
func (a *audit) checkMark(m *waybill.Message, p partition) {
	marked := *m
	marked.Mark(a.state.MetricsEnabled)
	slots := marked.Contributions(a.state.Provider, nil)
	if !a.settled || p < a.horizon || marked.Collected == m.Collected || len(slots) == 0 || len(a.differences) >= a.limit {
		return
	}
	a.differences = append(a.differences, waybill.Difference{
		Channel: a.state.Number, Cell: waybill.Cell{Tuple: marked.Tuple(), Slot: slots[0]}, Want: 1,
	})
}

// compareCells compares the cells of each day, and then the projections with those.
func (a *audit) compareCells(ctx context.Context) error {
	have, err := a.have(ctx, spaceCells)
	if err != nil {
		return err
	}
	for p, l := range a.overlay.lists {
		if p.channel != a.state.Number {
			continue
		}
		sortDeltas(l.all, nil)
		if have[p], err = mergeCells(have[p], l.all); err != nil {
			// A count that is negative differs from any that is wanted.
			return fmt.Errorf("the log of day %d of channel %d does not fit its counters: %w", p.day, p.channel, err)
		}
	}
	for _, p := range placesOf(have, a.want.packed) {
		if want := a.want.packed[p]; !bytes.Equal(have[p], want) {
			if err := a.noteCells(p, have[p], want); err != nil {
				return err
			}
		}
	}
	return a.compareProjections(ctx)
}

func (a *audit) have(ctx context.Context, space byte) (map[place][]byte, error) {
	have := make(map[place][]byte)
	err := a.space(ctx, space, func(p place, value []byte) error {
		have[p] = bytes.Clone(value)
		return nil
	})
	return have, err
}

func placesOf(a, b map[place][]byte) []place {
	all := make(map[place]bool, len(a))
	for p := range a {
		all[p] = true
	}
	for p := range b {
		all[p] = true
	}
	return slices.SortedFunc(maps.Keys(all), func(x, y place) int { return x.compare(&y) })
}

// noteCells adds the differences of a day to the result, while there is room.
func (a *audit) noteCells(p place, have, want []byte) error {
	type cellKey struct{ major, ref, quarter uint32 }
	counts := make(map[cellKey][2]waybill.Counts)
	for i, packed := range [][]byte{have, want} {
		u := unpack(packed)
		for u.next() {
			if !a.view.has(&delta{ref: u.ref, major: u.major}) {
				return errCells
			}
			k := cellKey{u.major, u.ref, u.quarter}
			both := counts[k]
			both[i] = u.counts
			counts[k] = both
		}
		if u.err() != nil {
			return u.err()
		}
	}
	for k, both := range counts {
		a.note(both[0], both[1], waybill.Difference{Cell: waybill.Cell{
			Tuple: a.view.tuples[k.ref].tuple(a.v.texts),
			Slot: waybill.Slot{
				Detail: a.view.details[k.major].detail(a.v.texts),
				Basis:  p.basis, Quarter: waybill.Quarter(p.day*quartersPerDay + k.quarter),
			},
		}})
	}
	return nil
}

// note adds a difference for each metric in which have and want differ.
func (a *audit) note(have, want waybill.Counts, d waybill.Difference) {
	for m := range want {
		if have[m] != want[m] && len(a.differences) < a.limit {
			d.Channel, d.Have, d.Want = a.state.Number, have[m], want[m]
			d.Cell.Slot.Metric = waybill.Metric(m)
			a.differences = append(a.differences, d)
		}
	}
}

// compareTotals compares the all-time counts of segments with the sum of the cells
// that are wanted.
func (a *audit) compareTotals(ctx context.Context) error {
	want := make(map[string]waybill.Counts)
	for p, packed := range a.want.packed {
		if p.basis != waybill.ByEvent {
			continue
		}
		for u := unpack(packed); u.next() && u.major == 0; {
			if n := a.view.tuples[u.ref].segment(); n != 0 {
				sum := want[a.v.texts[n]]
				sum.Add(u.counts)
				want[a.v.texts[n]] = sum
			}
		}
	}
	have, err := a.totals(ctx)
	if err != nil {
		return err
	}
	for id := range want {
		if _, ok := have[id]; !ok {
			have[id] = waybill.Counts{}
		}
	}
	for id, counts := range have {
		d := waybill.Difference{AllTime: true}
		d.Cell.Tuple.Values[waybill.LabelSegment] = id
		a.note(counts, want[id], d)
	}
	return nil
}

// totals returns the all-time counts of the channel, folded or not.
func (a *audit) totals(ctx context.Context) (map[string]waybill.Counts, error) {
	have := make(map[string]waybill.Counts)
	prefix := appendChannel(nil, spaceTotal, a.state.Number)
	err := a.s.scanRange(ctx, a.v.it, prefix, after(prefix), func(key, value []byte) error {
		counts, err := decodeCounts(value)
		have[string(key[channelPrefix:])] = counts
		return err
	})
	for n, counts := range a.overlay.totals[a.state.Number].each() {
		sum := have[a.v.texts[n]]
		sum.Add(counts)
		have[a.v.texts[n]] = sum
	}
	return have, err
}
