package pebble

import (
	"slices"
	"time"

	"waybill"
)

// A placement decides where the segments of one call stand in the order of
// their channels.
type placement struct {
	r      segmentReader
	now    time.Time
	seen   map[segmentName]bool
	newest map[waybill.ChannelNumber]int64 // the largest time, those of the call included
	added  map[moment]int                  // new segments of the call by channel and time
}

type segmentName struct {
	channel waybill.ChannelNumber
	id      string
}

type moment struct {
	channel waybill.ChannelNumber
	ms      int64
}

func newPlacement(r segmentReader, now time.Time) *placement {
	return &placement{
		r: r, now: now, seen: make(map[segmentName]bool),
		newest: make(map[waybill.ChannelNumber]int64), added: make(map[moment]int),
	}
}

// place checks g against what is stored, gives it its time, and returns the
// segment that it replaces.
func (p *placement) place(g *waybill.Segment) (old waybill.Segment, exists bool, err error) {
	if err := g.Validate(p.now); err != nil {
		return old, false, err
	}
	name := segmentName{g.Channel, g.ID}
	switch {
	case p.r.s.channels[g.Channel] == nil:
		return old, false, waybill.Errorf(waybill.Invalid, "channel %d is not configured", g.Channel)
	case p.seen[name]:
		return old, false, waybill.Errorf(waybill.Invalid, "segment %q is named twice", g.ID)
	}
	p.seen[name] = true
	if old, exists, err = p.r.segment(g.Channel, g.ID); err != nil {
		return old, false, err
	}
	switch {
	case !exists:
		return old, false, p.date(g)
	case g.CreatedAt != 0 && g.CreatedAt != old.CreatedAt:
		err = waybill.Errorf(waybill.Conflict, "segment %q was created at %d, not at %d", g.ID, old.CreatedAt, g.CreatedAt)
	case g.Source != old.Source:
		err = waybill.Errorf(waybill.Conflict, "the counts of segment %q come from %s, not from %s", g.ID, old.Source, g.Source)
	}
	g.CreatedAt = old.CreatedAt
	return old, true, err
}

// date gives a new segment its time, if it has none.
func (p *placement) date(g *waybill.Segment) error {
	newest, known := p.newest[g.Channel]
	if !known {
		prefix := appendOrderPrefix(nil, g.Channel, "")
		p.r.it.SetBounds(prefix, after(prefix))
		if p.r.it.First() {
			newest, _, _ = orderOf(p.r.it.Key(), len(prefix))
		}
		if err := p.r.it.Error(); err != nil {
			return p.r.s.readError(err)
		}
	}
	if g.CreatedAt == 0 {
		g.CreatedAt = max(p.now.UnixMilli(), newest+1)
	}
	p.newest[g.Channel] = max(newest, g.CreatedAt)
	p.added[moment{g.Channel, g.CreatedAt}]++
	return nil
}

// checkTies fails where too many segments would have the same time.
func (p *placement) checkTies() error {
	for m, n := range p.added {
		prefix := appendDescending(appendOrderPrefix(nil, m.channel, ""), m.ms)
		p.r.it.SetBounds(prefix, after(prefix))
		for ok := p.r.it.First(); ok && n <= waybill.MaxSegmentTies; ok = p.r.it.Next() {
			n++
		}
		if err := p.r.it.Error(); err != nil {
			return p.r.s.readError(err)
		}
		if n > waybill.MaxSegmentTies {
			return waybill.Errorf(waybill.TooLarge,
				"more than %d segments would be created at %d", waybill.MaxSegmentTies, m.ms)
		}
	}
	return nil
}

// putSegment writes g in place of old, if that exists.
func (c *commit) putSegment(g, old *waybill.Segment, exists bool) error {
	if exists && old.Condition != g.Condition {
		if err := c.dropOrder(old); err != nil {
			return err
		}
	}
	// The lists have the segment as well, so that a page is read in one go.
	value := appendSegment(nil, g)
	for _, condition := range conditionsOf(g) {
		if err := c.batch.Set(appendOrderKey(nil, condition, g), value, nil); err != nil {
			return err
		}
	}
	return c.batch.Set(appendSegmentKey(nil, spaceSegment, g.Channel, g.ID), value, nil)
}

func (c *commit) dropOrder(g *waybill.Segment) error {
	for _, condition := range conditionsOf(g) {
		if err := c.batch.Delete(appendOrderKey(nil, condition, g), nil); err != nil {
			return err
		}
	}
	return nil
}

// conditionsOf returns the lists that g stands in.
func conditionsOf(g *waybill.Segment) []string {
	return slices.Compact([]string{"", g.Condition})
}
