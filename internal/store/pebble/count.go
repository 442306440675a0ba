package pebble

import (
	"waybill"
)

// A difference is a change of one cell while a commit is being made.
type difference struct {
	ref, major uint32
	quarter    uint32 // since 1970
	basis      waybill.Basis
	counts     [waybill.NumMetrics]int8
}

// add notes that n is to be added to a counter.
func (c *commit) add(b waybill.Basis, ref, major, quarter uint32, m waybill.Metric, n int8) {
	for i := len(c.pending) - 1; i >= 0; i-- {
		d := &c.pending[i]
		if d.quarter == quarter && d.ref == ref && d.basis == b && d.major == major {
			d.counts[m] += n
			return
		}
	}
	d := difference{ref: ref, major: major, quarter: quarter, basis: b}
	d.counts[m] = n
	c.pending = append(c.pending, d)
}

// reached holds the times at which a message without clicks reached each stage,
// as a channel counts them; 0 where it did not.
type reached [waybill.NumStages]uint32

// reach agrees with waybill.Message.Reached and CountsAsFailed for a state without
// clicks.
func (s *state) reach(p waybill.Provider) reached {
	var r reached
	r[waybill.Read] = s.at[waybill.Read]
	r[waybill.Delivered] = sooner(s.at[waybill.Delivered], r[waybill.Read])
	r[waybill.Sent] = sooner(s.at[waybill.Sent], r[waybill.Delivered])
	r[waybill.Accepted] = sooner(sooner(s.at[waybill.Accepted], s.at[waybill.Failed]), r[waybill.Sent])
	success := waybill.Delivered
	if p == waybill.ProviderMomo {
		success = waybill.Sent
	}
	if r[success] == 0 {
		r[waybill.Failed] = s.at[waybill.Failed]
	}
	return r
}

func sooner(a, b uint32) uint32 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// sentQuarter returns the quarter in which a message counts by send.
func (r *reached) sentQuarter() uint32 {
	if r[waybill.Sent] != 0 {
		return r[waybill.Sent] / waybill.QuarterSeconds
	}
	return r[waybill.Accepted] / waybill.QuarterSeconds
}

// countFast adds what the counters of a message without clicks or codes change by.
// It agrees with waybill.Message.Contributions.
func (c *commit) countFast(ch *channel, before, now *state) {
	var old reached
	if before.ref != noRef {
		old = before.reach(ch.Provider)
	}
	r := now.reach(ch.Provider)
	oldSent, sent := old.sentQuarter(), r.sentQuarter()
	moved := before.ref != now.ref || oldSent != sent
	for m := range r {
		was, is := old[m]/waybill.QuarterSeconds, r[m]/waybill.QuarterSeconds
		if was != is || before.ref != now.ref {
			if old[m] != 0 {
				c.add(waybill.ByEvent, before.ref, 0, was, waybill.Metric(m), -1)
			}
			if r[m] != 0 {
				c.add(waybill.ByEvent, now.ref, 0, is, waybill.Metric(m), +1)
			}
		}
		if !c.s.bySend || !moved && (old[m] != 0) == (r[m] != 0) {
			continue
		}
		if old[m] != 0 {
			c.add(waybill.BySend, before.ref, 0, oldSent, waybill.Metric(m), -1)
		}
		if r[m] != 0 {
			c.add(waybill.BySend, now.ref, 0, sent, waybill.Metric(m), +1)
		}
	}
	c.emit(ch)
}

// count adds n times the contributions of m, whose tuple has the given ref.
func (c *commit) count(ch *channel, m *waybill.Message, ref uint32, n int8) {
	c.slots = m.Contributions(ch.Provider, c.slots[:0])
	for i := range c.slots {
		slot := &c.slots[i]
		if slot.Basis == waybill.BySend && !c.s.bySend {
			continue
		}
		major := c.internDetail(ch, slot.Detail)
		c.add(slot.Basis, ref, major, uint32(slot.Quarter), slot.Metric, n)
	}
}

// emit appends what is pending to the lists of the overlay.
func (c *commit) emit(ch *channel) {
	for i := range c.pending {
		d := &c.pending[i]
		if d.counts == [waybill.NumMetrics]int8{} {
			continue
		}
		l := c.list(place{ch.Number, d.basis, d.quarter / quartersPerDay})
		l.all = append(l.all, delta{
			major: d.major, ref: d.ref, quarter: uint8(d.quarter % quartersPerDay), counts: d.counts,
		})
		if d.basis != waybill.ByEvent || d.major != 0 {
			continue
		}
		if segment := ch.words.tuples[d.ref].segment(); segment != 0 {
			k := totalKey{ch.Number, segment}
			total := c.totals[k]
			for m, n := range d.counts {
				total[m] += int64(n)
			}
			c.totals[k] = total
		}
	}
	c.pending = c.pending[:0]
}

// list returns the list of a place and notes that it grows.
func (c *commit) list(p place) *list {
	at := (p.day ^ uint32(p.basis)<<5 ^ uint32(p.channel)*7) % uint32(len(c.recent))
	l := c.recent[at]
	if l == nil || l.place != p || l.overlay != c.s.overlay {
		if l = c.s.overlay.lists[p]; l == nil {
			l = &list{place: p, overlay: c.s.overlay}
			c.s.overlay.lists[p] = l
		}
		c.recent[at] = l
	}
	if l.stamp != c.stamp {
		l.stamp = c.stamp
		c.lists = append(c.lists, l)
	}
	return l
}
