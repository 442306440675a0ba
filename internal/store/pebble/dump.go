package pebble

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"waybill"
)

// Spaces lists what Dump can show, by name.
func Spaces() []string {
	names := make([]string, len(spaces))
	for i, sp := range spaces {
		names[i] = sp.name
	}
	return names
}

// A spaceOf is a space of keys and how its entries are shown.
type spaceOf struct {
	name  string
	first byte
	show  func(d *dumper, key, value []byte) error
}

var spaces = []spaceOf{
	{"version", spaceVersion, (*dumper).version},
	{"facts", spaceFacts, (*dumper).fact},
	{"settings", spaceSetting, (*dumper).setting},
	{"texts", spaceText, (*dumper).text},
	{"tuples", spaceTuple, (*dumper).tuple},
	{"details", spaceDetail, (*dumper).detail},
	{"log", spaceLog, (*dumper).log},
	{"messages", spaceMessage, (*dumper).messages},
	{"runs", spaceRun, (*dumper).raw},
	{"names", spaceName, (*dumper).names},
	{"cells", spaceCells, (*dumper).cells},
	{"settled", spaceSettled, (*dumper).cells},
	{"senders", spaceSender, (*dumper).cells},
	{"templates", spaceTemplate, (*dumper).cells},
	{"totals", spaceTotal, (*dumper).total},
	{"segments", spaceSegment, (*dumper).segment},
	{"order", spaceOrder, (*dumper).raw},
	{"snapshots", spaceSnapshot, (*dumper).raw},
	{"records", spaceRecord, (*dumper).record},
	{"late", spaceTooLate, (*dumper).late},
}

// Dump writes the entries of a space in a form for people, one or more lines each,
// as they are at one moment. Values of records are left out, since they hold
// secrets. It fails with Invalid where there is no space of that name.
func (s *Store) Dump(ctx context.Context, w io.Writer, space string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	i := slices.IndexFunc(spaces, func(sp spaceOf) bool { return sp.name == space })
	if i < 0 {
		return waybill.Errorf(waybill.Invalid, "there is no space %q; the spaces are %q", space, Spaces())
	}
	v, err := s.look(ctx, glance{all: true})
	if err != nil {
		return err
	}
	defer v.close()
	d := &dumper{v: v, w: bufio.NewWriter(w)}
	prefix := []byte{spaces[i].first}
	err = s.scanRange(ctx, v.it, prefix, after(prefix), func(key, value []byte) error {
		return spaces[i].show(d, key, value)
	})
	if err != nil {
		return err
	}
	return d.w.Flush()
}

// A dumper shows entries. What it cannot read it shows as bytes.
type dumper struct {
	v *version
	w *bufio.Writer
}

func (d *dumper) line(format string, args ...any) error {
	_, err := fmt.Fprintf(d.w, format+"\n", args...)
	return err
}

func (d *dumper) raw(key, value []byte) error { return d.line("%q = %q", key, value) }

func (d *dumper) version(_, value []byte) error {
	r := decoder{rest: value}
	return d.line("format %d", r.uvarint())
}

func (d *dumper) fact(key, value []byte) error {
	switch {
	case len(key) == 2 && key[1] == factHashKey:
		return d.line("hash key = ***")
	case len(key) == 2 && key[1] == factFolded:
		if f, err := decodeFold(value); err == nil {
			return d.line("folded up to commit %d, generation %d", f.last, f.generation)
		}
	case len(key) == 2 && key[1] == factHorizon && len(value) == 2:
		p := partition(binary.BigEndian.Uint16(value))
		return d.line("messages are kept from partition %d, %s", p, instant(p.start()))
	case len(key) == 2 && key[1] == factBases:
		return d.line("counts by send = %t", value[0] == 1)
	case len(key) == 2 && key[1] == factStamp:
		return d.line("stamp of the runs = %x", value)
	case len(key) == 2 && key[1] == factSeen:
		r := decoder{rest: value}
		return d.line("the last commit was about at %s", instant(uint32(r.varint())))
	case len(key) == 2 && key[1] == factOld:
		r := decoder{rest: value}
		return d.line("events older than messages are kept came from %s to %s", instant(uint32(r.varint())), instant(uint32(r.varint())))
	case len(key) == 2 && key[1] == factErasing:
		return d.line("files may still have names that are erased")
	case len(key) == 4 && key[1] == factSpan:
		p := partition(binary.BigEndian.Uint16(key[2:]))
		r := decoder{rest: value}
		return d.line("partition %d has times from %s to %s", p, instant(r.uint32()), instant(r.uint32()))
	}
	return d.raw(key, value)
}

func instant(at uint32) string {
	return waybill.Instant(at).Time().Format("2006-01-02 15:04:05")
}

func (d *dumper) setting(key, value []byte) error {
	set, ok := decodeSetting(channelOf(key), value)
	if !ok {
		return d.raw(key, value)
	}
	return d.line("channel %d: provider %s, metrics enabled %d, pass due %t", set.Number, set.Provider, set.MetricsEnabled, set.pending)
}

func (d *dumper) text(key, value []byte) error {
	return d.line("%d = %q", binary.BigEndian.Uint32(key[1:]), value)
}

func (d *dumper) tuple(key, value []byte) error {
	t, ok := decodeTuple(value, d.v.texts)
	if !ok {
		return d.raw(key, value)
	}
	return d.line("channel %d tuple %d: %s", channelOf(key), refOf(key), d.describe(&t))
}

// describe returns the labels of a tuple with their ranks.
func (d *dumper) describe(t *tuple) string {
	out := t.kind().String()
	if t.collected() {
		out += " collected"
	}
	for l, n := range t.values {
		if n != 0 {
			out += fmt.Sprintf(" %s=%q/%d", waybill.Label(l), d.v.texts[n], t.rank(l))
		}
	}
	return out
}

func (d *dumper) detail(key, value []byte) error {
	of, ok := decodeDetail(value, d.v.texts)
	if !ok {
		return d.raw(key, value)
	}
	return d.line("channel %d detail %d: %q", channelOf(key), refOf(key), of.detail(d.v.texts).Key())
}

func (d *dumper) log(key, value []byte) error {
	t, o := newTable(false), newOverlay(0)
	r := replay{s: d.v.s, table: t, overlay: o, words: func(c waybill.ChannelNumber) (*view, bool) {
		v, ok := d.v.views[c]
		return &v, ok
	}}
	if !r.record(value) {
		return d.raw(key, value)
	}
	if err := d.line("commit %d: %d bytes", binary.BigEndian.Uint64(key[1:]), len(value)); err != nil {
		return err
	}
	for i, tag := range t.tags {
		if s := &t.slots[i]; tag != 0 {
			if err := d.state(messageKey{s.part, s.channel, s.hash}, &s.state, t.extraOf(&s.state)); err != nil {
				return err
			}
		}
	}
	for _, l := range o.sorted() {
		for i := range l.all {
			c := &l.all[i]
			if err := d.cell(l.place, c.ref, c.major, uint32(c.quarter), fmt.Sprint(c.counts)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *dumper) state(k messageKey, s *state, x *extra) error {
	v, ok := d.v.views[k.channel]
	if !ok || s.ref != noRef && uint64(s.ref) >= uint64(len(v.tuples)) {
		return d.line("  %v: tuple %d is unknown", k, s.ref)
	}
	m := s.message(x, &v, d.v.texts)
	out := fmt.Sprintf("  channel %d partition %d message %08x%08x%08x tuple %d:", k.channel, k.part, k.hash[0], k.hash[1], k.hash[2], s.ref)
	for st, at := range s.at {
		if at != 0 {
			out += fmt.Sprintf(" %s %s", waybill.Metric(st), instant(at))
		}
	}
	if x != nil {
		out += fmt.Sprintf(" failure %q clicks %+v", m.Failure, m.Clicks)
	}
	return d.line("%s", out)
}

// entries shows the entries of a bundle.
func (d *dumper) entries(key, value []byte, show func(k messageKey, entry []byte) error) error {
	err := eachEntry(key, value, show)
	if _, ok := parseBundleKey(key); !ok || errors.Is(err, errBundle) {
		return d.raw(key, value)
	}
	return err
}

func (d *dumper) messages(key, value []byte) error {
	return d.entries(key, value, func(k messageKey, entry []byte) error {
		r := decoder{rest: entry}
		s, x := decodeState(&r, k.part)
		if !r.complete() {
			return d.raw(k.append(nil), entry)
		}
		return d.state(k, &s, x)
	})
}

func (d *dumper) names(key, value []byte) error {
	return d.entries(key, value, func(k messageKey, entry []byte) error {
		n, ok := decodeName(entry)
		text := fmt.Sprintf("ID %q recipient %q", n.id, n.recipient)
		switch {
		case len(entry) == 0:
			text = "erased"
		case !ok:
			return d.raw(k.append(nil), entry)
		}
		return d.line("channel %d message %08x%08x%08x: %s", k.channel, k.hash[0], k.hash[1], k.hash[2], text)
	})
}

// cells shows the cells of a day, or of a projection of a period.
func (d *dumper) cells(key, value []byte) error {
	if len(key) < cellsPrefix+4 {
		return d.raw(key, value)
	}
	p := place{channelOf(key), waybill.Basis(key[channelPrefix]), unitOf(key)}
	period := key[0] == spaceSender || key[0] == spaceTemplate
	u := unpack(value)
	for u.next() {
		day, detail := p, u.major
		if period {
			day.day, detail = p.day*periodDays+u.major, 0
		}
		if err := d.cell(day, u.ref, detail, u.quarter, fmt.Sprint(u.counts)); err != nil {
			return err
		}
	}
	if u.err() != nil {
		return d.raw(key, value)
	}
	return nil
}

func (d *dumper) cell(p place, ref, detail, quarter uint32, counts string) error {
	at := waybill.Quarter(p.day*quartersPerDay + quarter).Start()
	return d.line("  channel %d basis %d %s tuple %d detail %d: %s", p.channel, p.basis, at.Time().Format("2006-01-02 15:04"), ref, detail, counts)
}

func (d *dumper) total(key, value []byte) error {
	counts, err := decodeCounts(value)
	if err != nil {
		return d.raw(key, value)
	}
	return d.line("channel %d segment %q: %d", channelOf(key), key[channelPrefix:], counts)
}

func (d *dumper) segment(key, value []byte) error {
	g, ok := decodeSegment(channelOf(key), string(key[channelPrefix:]), value)
	if !ok {
		return d.raw(key, value)
	}
	return d.line("%+v", g)
}

func (d *dumper) record(key, value []byte) error { return d.line("%q: %d bytes", key[1:], len(value)) }

func (d *dumper) late(_, value []byte) error {
	r := decoder{rest: value}
	return d.line("%d events were too late", r.varint())
}
