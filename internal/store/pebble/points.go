package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"waybill"
)

// Points implements waybill.Store.
func (s *Store) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := q.Validate(); err != nil {
		return nil, err
	}
	if err := s.checkBasis(q.Basis); err != nil {
		return nil, err
	}
	q.Channels = slices.Compact(slices.Sorted(slices.Values(q.Channels)))
	from, to := q.Quarters()
	v, err := s.look(ctx, glance{
		channels: q.Channels, basis: q.Basis,
		from: uint32(from) / quartersPerDay, to: (uint32(to) + quartersPerDay - 1) / quartersPerDay,
	})
	if err != nil {
		return nil, err
	}
	defer v.close()
	b := newBoard(&q, v)
	defer b.stop()
	for _, c := range q.Channels {
		view, ok := v.views[c]
		if !ok {
			continue
		}
		sc := &scan{v: v, board: b, groups: b.groups.of(c, view, b.scratch), channel: c, view: view, q: &q}
		if err := sc.run(ctx); err != nil {
			return nil, err
		}
	}
	return b.answer()
}

// checkBasis fails where the store does not count by b.
func (s *Store) checkBasis(b waybill.Basis) error {
	if b == waybill.BySend && !s.bySend {
		return waybill.Errorf(waybill.Invalid, "this store counts by event only, not by send")
	}
	return nil
}

// A scan adds the cells of one channel to a board, unit by unit: a day, or a
// period where a projection has all that the query asks.
type scan struct {
	v       *version
	board   *board
	groups  *grouping
	channel waybill.ChannelNumber
	view    view
	q       *waybill.Query

	space     byte
	days      uint32   // of a unit
	templates []uint32 // those whose projections are read; nil is all
	pending   []uint32 // units with differences that are not folded, not yet added
	unit      uint32
	open      bool // whether unit is being added up
}

// choose picks the smallest cells that can answer the query.
func (s *scan) choose() {
	uses := func(labels ...waybill.Label) bool {
		can := func(d waybill.Dimension) bool {
			return d == waybill.DimKind || d == waybill.DimChannel ||
				d < waybill.NumLabels && slices.Contains(labels, waybill.Label(d))
		}
		for _, f := range s.q.Where {
			if !can(f.By) {
				return false
			}
		}
		return !slices.ContainsFunc(s.q.GroupBy, func(d waybill.Dimension) bool { return !can(d) })
	}
	s.space, s.days = spaceCells, 1
	s.templates = s.wantedTemplates()
	coarse := s.q.Granularity >= waybill.Day || s.q.Granularity == waybill.Total
	switch {
	case uses(waybill.LabelSender):
		s.space, s.days = spaceSender, periodDays
	case uses(templateLabels...) && (coarse || s.templates != nil):
		s.space, s.days = spaceTemplate, periodDays
	}
}

// wantedTemplates returns the numbers of the templates that a filter of the query
// names, ascending, or nil where there is none.
func (s *scan) wantedTemplates() []uint32 {
	for _, f := range s.q.Where {
		if f.By != waybill.Dimension(waybill.LabelTemplate) {
			continue
		}
		wanted := []uint32{}
		for _, value := range f.Values {
			if n, ok := s.v.s.texts.lookup(value); ok {
				wanted = append(wanted, n)
			}
		}
		slices.Sort(wanted)
		return slices.Compact(wanted)
	}
	return nil
}

func (s *scan) run(ctx context.Context) error {
	s.choose()
	s.findPending()
	from, to := s.q.Quarters()
	perUnit := s.days * quartersPerDay
	first, last := uint32(from)/perUnit, (uint32(to)+perUnit-1)/perUnit
	it := s.v.it
	it.SetBounds(
		appendCellsKey(nil, s.space, s.channel, s.q.Basis, first),
		appendCellsKey(nil, s.space, s.channel, s.q.Basis, last))
	for ok := it.First(); ok; {
		if next := s.skip(it.Key()); next != nil {
			ok = it.SeekGE(next)
			continue
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return s.v.s.readError(err)
		}
		if err := s.enter(unitOf(it.Key())); err != nil {
			return err
		}
		if err := s.addPacked(value); err != nil {
			return fmt.Errorf("read %x: %w", it.Key(), err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		ok = it.Next()
	}
	if err := it.Error(); err != nil {
		return s.v.s.readError(err)
	}
	for len(s.pending) > 0 {
		if err := s.enter(s.pending[0]); err != nil {
			return err
		}
	}
	return s.board.end()
}

// skip returns the next key that can be one that is asked for, nil where this one is.
func (s *scan) skip(key []byte) []byte {
	if s.space != spaceTemplate || s.templates == nil {
		return nil
	}
	period, template := unitOf(key), binary.BigEndian.Uint32(key[cellsPrefix+4:])
	i, found := slices.BinarySearch(s.templates, template)
	switch {
	case found:
		return nil
	case i < len(s.templates):
		return appendTemplateKey(nil, s.channel, s.q.Basis, period, s.templates[i])
	}
	return appendCellsKey(nil, s.space, s.channel, s.q.Basis, period+1)
}

func appendTemplateKey(dst []byte, c waybill.ChannelNumber, b waybill.Basis, period, template uint32) []byte {
	return binary.BigEndian.AppendUint32(appendCellsKey(dst, spaceTemplate, c, b, period), template)
}

// findPending finds the units that have differences which are not folded.
func (s *scan) findPending() {
	units := make(map[uint32]bool)
	for i := range s.v.overlays {
		for p := range s.v.overlays[i].days {
			if p.channel == s.channel {
				units[p.day/s.days] = true
			}
		}
	}
	s.pending = slices.Sorted(maps.Keys(units))
}

// enter makes unit the one that is added up, with what is not folded of it.
func (s *scan) enter(unit uint32) error {
	for !s.open || s.unit != unit {
		next := unit
		if len(s.pending) > 0 && s.pending[0] <= unit {
			next = s.pending[0]
			s.pending = s.pending[1:]
		}
		s.unit, s.open = next, true
		if err := s.board.begin(next*s.days*quartersPerDay, s.days*quartersPerDay); err != nil {
			return err
		}
		s.addUnfolded(next)
	}
	return nil
}

func (s *scan) addUnfolded(unit uint32) {
	for i := range s.v.overlays {
		for day := range s.days {
			p := place{s.channel, s.q.Basis, unit*s.days + day}
			deltas := s.v.overlays[i].days[p]
			for j := range deltas {
				d := &deltas[j]
				slot := s.board.slots[day*quartersPerDay+uint32(d.quarter)]
				if slot < 0 {
					continue
				}
				if g := s.groups.group(d.ref, d.major); g != dropped {
					s.board.open.rows[slot].addDelta(g, d)
				}
			}
		}
	}
}

// Values implements waybill.Store.
func (s *Store) Values(
	ctx context.Context, c waybill.ChannelNumber, l waybill.Label,
) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if l >= waybill.NumLabels {
		return nil, waybill.Errorf(waybill.Invalid, "label %d is unknown", l)
	}
	s.mu.RLock()
	var v view
	if ch := s.channels[c]; ch != nil {
		v = ch.view
	}
	s.mu.RUnlock()
	seen := make(map[uint32]bool)
	for i := range v.tuples {
		seen[v.tuples[i].values[l]] = true
	}
	delete(seen, 0) // absent
	texts := s.texts.all()
	values := make([]string, 0, len(seen))
	for n := range seen {
		values = append(values, texts[n])
	}
	slices.Sort(values)
	return values, nil
}
