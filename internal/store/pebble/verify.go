package pebble

import (
	"context"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// Verify implements waybill.Store. It holds the counters of one channel at a
// time in memory. A message whose mark is not what the settings say, and that no
// pass will mend, is a counter that is missing where the message should stand.
func (s *Store) Verify(ctx context.Context, limit int) ([]waybill.Difference, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	it, err := s.db.NewIterWithContext(ctx, nil)
	if err != nil {
		return nil, s.readError(err)
	}
	defer it.Close()
	a := &audit{s: s, limit: limit}
	for _, c := range s.states() {
		if err := a.channel(ctx, it, c); err != nil {
			return nil, err
		}
	}
	return a.differences, nil
}

// An audit compares the counters with the histories, channel by channel.
type audit struct {
	s           *Store
	limit       int
	differences []waybill.Difference

	state      waybill.ChannelState
	settled    bool // no pass over the marks is due
	view       view
	detailRefs map[waybill.Detail]uint32
	want       map[cellKey]waybill.Counts // what is not compared yet
	totals     map[string]waybill.Counts  // of segments, likewise
}

func (a *audit) channel(ctx context.Context, it *engine.Iterator, c waybill.ChannelState) error {
	a.state = c
	_, a.view, _ = a.s.lookup(c.Number)
	if err := a.setting(ctx, it); err != nil {
		return err
	}
	a.detailRefs = make(map[waybill.Detail]uint32, len(a.view.details))
	for ref, d := range a.view.details {
		a.detailRefs[d] = uint32(ref)
	}
	a.want = make(map[cellKey]waybill.Counts)
	a.totals = make(map[string]waybill.Counts)
	messages := appendChannel(nil, spaceMessage, c.Number)
	if err := a.s.scanRange(ctx, it, messages, after(messages), a.recount); err != nil {
		return err
	}
	cells := appendChannel(nil, spaceCells, c.Number)
	if err := a.s.scanRange(ctx, it, cells, after(cells), a.compare); err != nil {
		return err
	}
	for k, want := range a.want {
		a.note(k, waybill.Counts{}, want)
	}
	totals := appendChannel(nil, spaceTotal, c.Number)
	if err := a.s.scanRange(ctx, it, totals, after(totals), a.compareTotal); err != nil {
		return err
	}
	for id, want := range a.totals {
		a.noteTotal(id, waybill.Counts{}, want)
	}
	return nil
}

// setting reads the settings of the channel as of the iterator.
func (a *audit) setting(ctx context.Context, it *engine.Iterator) error {
	key := appendChannel(nil, spaceSetting, a.state.Number)
	a.settled = false
	return a.s.scanRange(ctx, it, key, after(key), func(_, value []byte) error {
		set, ok := decodeSetting(a.state.Number, value)
		if !ok {
			return fmt.Errorf("the stored settings of channel %d are corrupt", a.state.Number)
		}
		a.state, a.settled = set.ChannelState, !set.pending
		return nil
	})
}

// mark notes a message whose mark is stale for good.
func (a *audit) mark(m *waybill.Message) {
	marked := *m
	marked.Mark(a.state.MetricsEnabled)
	slots := marked.Contributions(a.state.Provider, nil)
	if !a.settled || marked.Collected == m.Collected || len(slots) == 0 || len(a.differences) >= a.limit {
		return
	}
	a.differences = append(a.differences, waybill.Difference{
		Channel: a.state.Number, Cell: waybill.Cell{Tuple: marked.Tuple(), Slot: slots[0]}, Want: 1,
	})
}

// recount adds the contributions of a history to what is wanted.
func (a *audit) recount(key, value []byte) error {
	m, ref, ok := decodeMessage(value, a.view.labels)
	if !ok || a.view.tuple(ref) != m.Tuple() {
		return errMessage(a.state.Number, string(key[channelPrefix:]))
	}
	a.mark(&m)
	if id, counts := m.SegmentCounts(a.state.Provider); id != "" {
		total := a.totals[id]
		total.Add(counts)
		a.totals[id] = total
	}
	for _, slot := range m.Contributions(a.state.Provider, nil) {
		detail, ok := a.detailRefs[slot.Detail]
		if !ok {
			detail = uint32(len(a.view.details))
			a.detailRefs[slot.Detail] = detail
			a.view.details = append(a.view.details[:detail:detail], slot.Detail)
		}
		k := cellKey{list{a.state.Number, slot.Basis, slot.Quarter}, ref, detail}
		counts := a.want[k]
		counts[slot.Metric]++
		a.want[k] = counts
	}
	return nil
}

// compare compares the stored counters of a quarter with what is wanted.
func (a *audit) compare(key, value []byte) error {
	have := make(map[cellKey]waybill.Counts)
	es := readEntries(value)
	for e := (entry{}); es.next(&e); {
		if !a.view.has(&e) {
			return errCells
		}
		k := cellKey{list{a.state.Number, basisOf(key), quarterOf(key)}, e.tuple, e.detail}
		counts := have[k]
		counts.Add(e.counts)
		have[k] = counts
	}
	for k, counts := range have {
		a.note(k, counts, a.want[k])
		delete(a.want, k)
	}
	return es.err()
}

// note adds the differences of a cell to the result, while there is room.
func (a *audit) note(k cellKey, have, want waybill.Counts) {
	for m := range want {
		if have[m] != want[m] && len(a.differences) < a.limit {
			a.differences = append(a.differences, waybill.Difference{
				Channel: k.channel, Have: have[m], Want: want[m],
				Cell: waybill.Cell{Tuple: a.view.tuple(k.tuple), Slot: waybill.Slot{
					Metric: waybill.Metric(m), Detail: a.view.details[k.detail],
					Basis: k.basis, Quarter: k.quarter,
				}},
			})
		}
	}
}

// compareTotal compares the all-time counts of a segment with what is wanted.
func (a *audit) compareTotal(key, value []byte) error {
	id := string(key[channelPrefix:])
	have, err := sumOf(value)
	a.noteTotal(id, have, a.totals[id])
	delete(a.totals, id)
	return err
}

// noteTotal adds the differences of a segment to the result, while there is room.
func (a *audit) noteTotal(id string, have, want waybill.Counts) {
	for m := range want {
		if have[m] != want[m] && len(a.differences) < a.limit {
			d := waybill.Difference{Channel: a.state.Number, Have: have[m], Want: want[m], AllTime: true}
			d.Cell.Slot.Metric = waybill.Metric(m)
			d.Cell.Tuple.Values[waybill.LabelSegment] = id
			a.differences = append(a.differences, d)
		}
	}
}
