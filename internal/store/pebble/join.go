package pebble

import (
	"encoding/binary"

	"waybill"
)

// A memo remembers a join of a tuple with the labels of an event.
type memo struct {
	ch     *channel
	set    uint64
	ref    uint32
	joined uint32
}

const memoBits = 16

// join returns the ref of the tuple of ref joined with what an event says. Most events
// with labels are the first of their messages, which a set remembers itself.
func (c *commit) join(ch *channel, ref uint32, set *labelSet) uint32 {
	m := &set.last
	if m.ch == ch && m.ref == ref {
		return m.joined
	}
	at := (uint64(ref)*0x9e3779b97f4a7c15 ^ set.id*0xc2b2ae3d27d4eb4f ^ uint64(ch.Number)) * 0x9e3779b97f4a7c15 >> (64 - memoBits)
	if m = &c.memo[at]; m.ch == ch && m.ref == ref && m.set == set.id {
		return m.joined
	}
	t := ch.words.tuples[ref]
	v := c.s.texts.all()
	for l := range t.values {
		if set.text(l) != "" && beats(set, &t, l, v) {
			t.values[l] = set.number(l, c.s.texts)
			t.setRank(l, set.rank(l))
		}
	}
	t.flags |= set.flags
	*m = memo{ch, set.id, ref, c.intern(ch, &t)}
	if set.last.ch == nil {
		set.last = *m
	}
	return m.joined
}

// beats agrees with the order of waybill.LabelValue where there are no revisions.
func beats(set *labelSet, t *tuple, l int, texts []string) bool {
	if a, b := set.rank(l), t.rank(l); a != b {
		return a > b
	}
	return set.text(l) > texts[t.values[l]]
}

// blank returns the tuple of a message of which only a time is known.
func (ch *channel) blank(earliest waybill.Instant) *tuple {
	t := &tuple{}
	if ch.collects(earliest) {
		t.flags = flagCollected
	}
	return t
}

// collects reports whether a message that began at some time is collected.
func (ch *channel) collects(earliest waybill.Instant) bool {
	return ch.MetricsEnabled != waybill.Never && earliest >= ch.MetricsEnabled
}

// marked returns ref or that of the tuple with the other mark, as the setting of
// the channel wants it.
func (c *commit) marked(ch *channel, ref uint32, earliest waybill.Instant) uint32 {
	want := ch.collects(earliest)
	if !want && !ch.words.collected || ch.words.tuples[ref].collected() == want {
		return ref
	}
	if other := ch.words.toggled[ref]; other != 0 {
		return other - 1
	}
	t := ch.words.tuples[ref]
	t.flags ^= flagCollected
	other := c.intern(ch, &t)
	ch.words.toggled[ref], ch.words.toggled[other] = other+1, ref+1
	return other
}

// intern returns the ref of t, which it stores where it is new.
func (c *commit) intern(ch *channel, t *tuple) uint32 {
	if ref, ok := ch.words.find(t); ok {
		return ref
	}
	c.grow(ch)
	ref := ch.words.add(t)
	for _, n := range t.values {
		c.storeText(n)
	}
	c.key = appendRefKey(c.key[:0], spaceTuple, ch.Number, ref)
	c.value = appendTuple(c.value[:0], t)
	c.set()
	return ref
}

func (c *commit) internDetail(ch *channel, d waybill.Detail) uint32 {
	if d == (waybill.Detail{}) {
		return 0
	}
	short := detail{c.s.texts.num(d.Code), c.s.texts.num(d.Button.Type), c.s.texts.num(d.Button.Text)}
	if ref, ok := ch.words.byDetail[short]; ok {
		return ref
	}
	c.grow(ch)
	ref := ch.words.addDetail(short)
	for _, n := range []uint32{short.code, short.button, short.text} {
		c.storeText(n)
	}
	c.key = appendRefKey(c.key[:0], spaceDetail, ch.Number, ref)
	c.value = appendDetail(c.value[:0], short)
	c.set()
	return ref
}

func (c *commit) storeText(n uint32) {
	if c.s.texts.isStored(n) {
		return
	}
	c.s.texts.markStored(n)
	c.key = binary.BigEndian.AppendUint32(append(c.key[:0], spaceText), n)
	c.value = append(c.value[:0], c.s.texts.all()[n]...)
	c.set()
}
