package pebble

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"unsafe"

	"waybill"
)

// A state is what is known of a message, in the form in which it is held in
// memory: times in seconds since 1970, 0 where there is none, and the number of
// its tuple. It has no pointers, so that millions of them cost the collector
// nothing.
type state struct {
	at    [waybill.NumStages]uint32
	ref   uint32
	extra uint32 // 1 + number of its extra in the table, 0 where there is none
	part  partition
	known bool // a recipient has been kept of it, even if that is erased now
}

// noRef is the ref of a state of which nothing is known.
const noRef = math.MaxUint32

// An extra is what few messages have. It never changes.
type extra struct {
	failure waybill.Failure
	clicks  []waybill.Click
	revs    [waybill.NumLabels]int64
}

// memory returns about how many bytes x takes; there may be no x at all.
func (x *extra) memory() int {
	if x == nil {
		return 0
	}
	n := int(unsafe.Sizeof(*x)) + len(x.failure.Code) + len(x.failure.Title)
	for i := range x.clicks {
		c := &x.clicks[i]
		n += int(unsafe.Sizeof(*c)) + len(c.ID) + len(c.Button.Type) + len(c.Button.Text)
	}
	return n
}

func (x *extra) empty() bool {
	return x.failure == waybill.Failure{} && len(x.clicks) == 0 && x.revs == [waybill.NumLabels]int64{}
}

// A state in the log or a run:
//
//	mask and flags:1, tuple ref, first time, differences between the further
//	times, [flags:1, [code, title], [number of clicks, {id, time, type, text}],
//	[revisions]]
//
// The lower bits of the first byte tell which stages have a time. The first time
// counts from the start of the partition, in three bytes where that is enough,
// else as a varint. All other numbers are varints, lengths of texts too.
const (
	stateExtra = 1 << 5
	stateWide  = 1 << 6
	stateKnown = 1 << 7

	extraFailure = 1 << 0
	extraClicks  = 1 << 1
	extraRevs    = 1 << 2
)

func appendState(dst []byte, s *state, x *extra) []byte {
	var head byte
	first := -1
	for i, at := range s.at {
		if at != 0 {
			head |= 1 << i
			if first < 0 {
				first = i
			}
		}
	}
	if s.known {
		head |= stateKnown
	}
	if x != nil {
		head |= stateExtra
	}
	offset := int64(0)
	if first >= 0 {
		offset = int64(s.at[first]) - int64(s.part.start())
		if offset < 0 || offset >= 1<<24 {
			head |= stateWide
		}
	}
	dst = binary.AppendUvarint(append(dst, head), uint64(s.ref))
	if first >= 0 {
		if head&stateWide != 0 {
			dst = binary.AppendVarint(dst, offset)
		} else {
			dst = append(dst, byte(offset>>16), byte(offset>>8), byte(offset))
		}
		last := s.at[first]
		for _, at := range s.at[first+1:] {
			if at != 0 {
				dst = binary.AppendVarint(dst, int64(at)-int64(last))
				last = at
			}
		}
	}
	if x != nil {
		dst = appendExtra(dst, x)
	}
	return dst
}

func appendExtra(dst []byte, x *extra) []byte {
	var flags byte
	if x.failure != (waybill.Failure{}) {
		flags |= extraFailure
	}
	if len(x.clicks) > 0 {
		flags |= extraClicks
	}
	if x.revs != [waybill.NumLabels]int64{} {
		flags |= extraRevs
	}
	dst = append(dst, flags)
	if flags&extraFailure != 0 {
		dst = appendText(appendText(dst, x.failure.Code), x.failure.Title)
	}
	if flags&extraClicks != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(x.clicks)))
		for _, c := range x.clicks {
			dst = binary.AppendVarint(appendText(dst, c.ID), int64(c.At))
			dst = appendText(appendText(dst, c.Button.Type), c.Button.Text)
		}
	}
	if flags&extraRevs != 0 {
		for _, rev := range x.revs {
			dst = binary.AppendVarint(dst, rev)
		}
	}
	return dst
}

// decodeState takes a state of partition p from d. It sets no extra in s.
func decodeState(d *decoder, p partition) (s state, x *extra) {
	head := d.byte()
	s.part, s.known = p, head&stateKnown != 0
	s.ref = d.uint32()
	last := int64(p.start())
	for i, first := 0, true; i < waybill.NumStages; i++ {
		if head&(1<<i) == 0 {
			continue
		}
		switch {
		case !first, head&stateWide != 0:
			last += d.varint()
		default:
			last += int64(d.byte())<<16 | int64(d.byte())<<8 | int64(d.byte())
		}
		first = false
		if last <= 0 || last > math.MaxUint32 {
			d.fail()
			return s, nil
		}
		s.at[i] = uint32(last)
	}
	if head&stateExtra != 0 {
		x = decodeExtra(d)
	}
	return s, x
}

func decodeExtra(d *decoder) *extra {
	x := &extra{}
	flags := d.byte()
	if flags&extraFailure != 0 {
		x.failure = waybill.Failure{Code: d.text(), Title: d.text()}
	}
	if flags&extraClicks != 0 {
		n := d.uvarint()
		if n > waybill.MaxClicks {
			d.fail()
			return nil
		}
		x.clicks = make([]waybill.Click, n)
		for i := range x.clicks {
			x.clicks[i] = waybill.Click{
				ID: d.text(), At: waybill.Instant(d.varint()),
				Button: waybill.Button{Type: d.text(), Text: d.text()},
			}
		}
	}
	if flags&extraRevs != 0 {
		for l := range x.revs {
			x.revs[l] = d.varint()
		}
	}
	return x
}

// earliest agrees with waybill.Message.Earliest for a message without clicks.
func (s *state) earliest() uint32 {
	first := uint32(0)
	for _, at := range s.at {
		if at != 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// message returns what s says, with v for the words of its tuple. It shares no
// memory that anyone may write.
func (s *state) message(x *extra, v *view, texts []string) waybill.Message {
	var m waybill.Message
	for i, at := range s.at {
		m.At[i] = waybill.Instant(at)
	}
	if s.ref != noRef {
		t := &v.tuples[s.ref]
		for l, n := range t.values {
			if n != 0 {
				m.Labels[l] = waybill.LabelValue{Value: texts[n], Rank: t.rank(l)}
			}
		}
		m.Inbound = t.flags&flagInbound != 0
		m.Templated = t.flags&flagTemplated != 0
		m.Collected = t.collected()
	}
	if x != nil {
		m.Failure, m.Clicks = x.failure, slices.Clone(x.clicks)
		for l, rev := range x.revs {
			m.Labels[l].Rev = rev
		}
	}
	return m
}

// extraOf returns the extra of m, nil where it needs none. It copies the texts,
// which may be part of a large body.
func extraOf(m *waybill.Message) *extra {
	x := &extra{failure: m.Failure, clicks: slices.Clone(m.Clicks)}
	for l := range m.Labels {
		x.revs[l] = m.Labels[l].Rev
	}
	if x.empty() {
		return nil
	}
	x.failure = waybill.Failure{Code: strings.Clone(x.failure.Code), Title: strings.Clone(x.failure.Title)}
	for i := range x.clicks {
		c := &x.clicks[i]
		c.ID = strings.Clone(c.ID)
		c.Button = waybill.Button{Type: strings.Clone(c.Button.Type), Text: strings.Clone(c.Button.Text)}
	}
	return x
}
