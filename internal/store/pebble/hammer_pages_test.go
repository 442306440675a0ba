package pebble_test

import "waybill"

// hammerPages are of the stream, and of the mass: all of it, what is collected of
// it, and what was sent within some time or accepted on a day.
var hammerPages = []waybill.MessageQuery{
	{Channel: 1, Metric: waybill.Metric(waybill.Sent), Limit: 7},
	{Channel: hammerMass, Metric: waybill.Metric(waybill.Accepted), Limit: 300},
	{Channel: hammerMass, Metric: waybill.Metric(waybill.Accepted), Limit: 1000, Collected: true},
	{Channel: 2, Metric: waybill.Metric(waybill.Failed), Limit: 3},
	{
		Channel: hammerMass, Metric: waybill.Metric(waybill.Delivered), Basis: waybill.BySend,
		From: start - 40*day, To: start + 40*day, Limit: 100,
	},
	{Channel: hammerMass, Metric: waybill.Metric(waybill.Accepted), From: start - 20*day, To: start - 19*day, Limit: 10},
	{
		Channel: 1, Metric: waybill.Metric(waybill.Delivered), Limit: 5, Collected: true,
		Where: []waybill.Filter{{By: waybill.Dimension(waybill.LabelSender), Values: []string{"1", "2", ""}}},
	},
}

func pageQuery(i int) waybill.MessageQuery {
	q := hammerPages[i]
	if q.To == 0 {
		q.To = waybill.MaxInstant
	}
	return q
}

// walk goes through all pages. A message must be there if it counted all the time
// and is not dropped, none may be there twice, and all are in the order of their keys.
func (h *hammer) walk(w *witness, i int) {
	q := pageQuery(i)
	first, most := h.least(w), 0
	found := make(map[*life]bool)
	last := ""
	for more := true; more; {
		least, horizon := h.least(w), h.horizon()
		page, err := h.store.Messages(h.Context(), q)
		most = h.most()
		if err != nil || len(page.Messages) > q.Limit || page.Next != "" && len(page.Messages) < q.Limit {
			h.Errorf("page %+v has %d messages, %v", q, len(page.Messages), err)
			return
		}
		for j := range page.Messages {
			m := &page.Messages[j]
			l := h.byID[m.Message.Labels[waybill.LabelTier].Value]
			if l == nil || l.part < horizon || !h.sees(w, l, &m.Message, i, least, most) ||
				!l.named(m.ID, m.Recipient, least, most) {
				h.Errorf("page %+v of a version between %d and %d has %+v", q, least, most, m)
				return
			}
			key := h.store.Key(l.channel, uint32(l.part), l.id)
			if key <= last {
				h.Errorf("page %+v has %s after a later key or twice", q, l.id)
				return
			}
			found[l], last = true, key
		}
		q.After, more = page.Next, page.Next != ""
	}
	horizon := h.horizon()
	for _, l := range h.lives {
		if !found[l] && l.channel == q.Channel && l.part >= horizon && h.counted(l, i, first, most) {
			h.Errorf("message %s is on no page %+v, between versions %d and %d", l.id, hammerPages[i], first, most)
			return
		}
	}
}

// horizon returns the first partition that is not dropped.
func (h *hammer) horizon() waybill.Instant {
	horizon := waybill.Instant(h.store.Horizon())
	if h.most() > 0 && horizon > hammerHorizon(h.most()) {
		h.Errorf("what is before partition %d is dropped too early", horizon)
	}
	return horizon
}

// counted reports whether a message certainly counted in question i at all of some
// versions.
func (h *hammer) counted(l *life, i, first, last int) bool {
	return within(first, last, func(v int) bool {
		n := l.at(v)
		if n < 0 || !l.found[n][i] {
			return true
		}
		_, off := h.marks(l, v, 0)
		return hammerPages[i].Collected && off
	}) < 0
}

// sees reports whether a history, found by question i if it is not negative, is what
// a message is at one of some versions.
func (h *hammer) sees(w *witness, l *life, m *waybill.Message, i, least, most int) bool {
	v := within(max(least, w.version), most, func(v int) bool {
		n := l.at(v)
		if n < 0 || i >= 0 && (!l.found[n][i] || hammerPages[i].Collected && !m.Collected) {
			return false
		}
		want := l.histories[n]
		want.Collected = m.Collected
		on, off := h.marks(l, v, w.right[l])
		return m.Equal(&want) && (on && m.Collected || off && !m.Collected)
	})
	if v < 0 {
		return false
	}
	w.version = v
	h.noteMark(w, l, v, least, most, m.Collected)
	return true
}

// named reports whether a message has this name at one of some versions.
func (l *life) named(id, recipient string, least, most int) bool {
	for _, n := range l.names {
		if n.from <= most && n.to >= least && n.id == id && n.recipient == recipient {
			return true
		}
	}
	return false
}

// look looks up a message.
func (h *hammer) look(w *witness) {
	l := h.lives[w.IntN(len(h.lives))]
	least, horizon := h.least(w), h.horizon()
	m, err := h.store.Message(h.Context(), l.channel, l.id)
	if most := h.most(); !h.mayBe(l, err, horizon, least) || err == nil && !h.sees(w, l, &m, -1, least, most) {
		h.Errorf("message %s of a version between %d and %d is %+v, %v", l.id, least, most, m, err)
	}
	least, horizon = h.least(w), h.horizon()
	recipient, err := h.store.Recipient(h.Context(), l.channel, l.id)
	most := h.most()
	named := l.named(l.id, recipient, least, most) || l.named("", recipient, least, most)
	if !h.mayBe(l, err, horizon, least) || err == nil && !named {
		h.Errorf("the recipient of message %s of a version between %d and %d is %q, %v", l.id, least, most, recipient, err)
	}
}

// mayBe reports whether a look-up, before which the horizon was there, may find a
// message, or not find it: since there is no such message yet, or it is dropped.
func (h *hammer) mayBe(l *life, err error, horizon waybill.Instant, least int) bool {
	if err == nil {
		return l.part >= horizon
	}
	return waybill.CodeOf(err) == waybill.NotFound && (l.at(least) < 0 || l.part < h.horizon())
}
