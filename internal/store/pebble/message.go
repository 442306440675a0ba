package pebble

import (
	"encoding/binary"

	"waybill"
)

// The history of a message, as a value:
//
//	version:1 flags:1 tuple ref, ranks:4, [wide ranks:10], [revisions],
//	stage mask:1, time of the first stage, differences of the others to it,
//	[failure code, title], [number of clicks, {id, time - first time, type, text}]
//
// Each rank takes three bits, label 0 the lowest, unless one needs more.
const (
	messageVersion = 1

	flagInbound   = 1 << 0
	flagTemplated = 1 << 1
	flagCollected = 1 << 2
	flagFailure   = 1 << 3
	flagClicks    = 1 << 4
	flagRevs      = 1 << 5
	flagWide      = 1 << 6

	rankBits = 3
)

// appendMessage appends the encoding of m, whose label values are those of the
// tuple ref.
func appendMessage(dst []byte, m *waybill.Message, ref uint32) []byte {
	flags := messageFlags(m)
	dst = binary.AppendUvarint(append(dst, messageVersion, flags), uint64(ref))
	dst = appendRanks(dst, &m.Labels, flags)
	dst, first := appendTimes(dst, &m.At)
	if flags&flagFailure != 0 {
		dst = appendText(appendText(dst, m.Failure.Code), m.Failure.Title)
	}
	if flags&flagClicks != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(m.Clicks)))
	}
	for _, c := range m.Clicks {
		dst = binary.AppendVarint(appendText(dst, c.ID), int64(c.At-first))
		dst = appendText(appendText(dst, c.Button.Type), c.Button.Text)
	}
	return dst
}

func messageFlags(m *waybill.Message) byte {
	var flags byte
	set := func(flag byte, on bool) {
		if on {
			flags |= flag
		}
	}
	set(flagInbound, m.Inbound)
	set(flagTemplated, m.Templated)
	set(flagCollected, m.Collected)
	set(flagFailure, m.Failure != waybill.Failure{})
	set(flagClicks, len(m.Clicks) > 0)
	for l := range m.Labels {
		set(flagRevs, m.Labels[l].Rev != 0)
		set(flagWide, m.Labels[l].Rank >= 1<<rankBits)
	}
	return flags
}

func appendRanks(dst []byte, labels *waybill.Labels, flags byte) []byte {
	var packed uint32
	for l := range labels {
		packed |= uint32(labels[l].Rank&(1<<rankBits-1)) << (rankBits * l)
	}
	dst = binary.BigEndian.AppendUint32(dst, packed)
	for l := range labels {
		if flags&flagWide != 0 {
			dst = append(dst, byte(labels[l].Rank))
		}
	}
	for l := range labels {
		if flags&flagRevs != 0 {
			dst = binary.AppendVarint(dst, labels[l].Rev)
		}
	}
	return dst
}

// appendTimes returns the first time as well, Never where there is none.
func appendTimes(dst []byte, at *[waybill.NumStages]waybill.Instant) ([]byte, waybill.Instant) {
	first, mask := waybill.Never, byte(0)
	mark := len(dst)
	dst = append(dst, 0)
	for s, t := range at {
		if t == waybill.Never {
			continue
		}
		dst = binary.AppendVarint(dst, int64(t-first))
		if mask == 0 {
			first = t
		}
		mask |= 1 << s
	}
	dst[mark] = mask
	return dst, first
}

// decodeMessage returns a message and its tuple ref, sharing no memory with
// data. values gives the label values of a ref. ok is false where data is not
// what appendMessage writes.
func decodeMessage(
	data []byte, values func(ref uint32) (waybill.Labels, bool),
) (m waybill.Message, ref uint32, ok bool) {
	d := decoder{rest: data}
	version, flags := d.byte(), d.byte()
	ref = d.uint32()
	if version != messageVersion || d.bad {
		return m, 0, false
	}
	if m.Labels, ok = values(ref); !ok {
		return m, 0, false
	}
	m.Inbound = flags&flagInbound != 0
	m.Templated = flags&flagTemplated != 0
	m.Collected = flags&flagCollected != 0
	decodeRanks(&d, &m.Labels, flags)
	first := decodeTimes(&d, &m.At)
	if flags&flagFailure != 0 {
		m.Failure = waybill.Failure{Code: d.text(), Title: d.text()}
	}
	if flags&flagClicks != 0 {
		m.Clicks = decodeClicks(&d, first)
	}
	return m, ref, d.complete()
}

func decodeRanks(d *decoder, labels *waybill.Labels, flags byte) {
	packed := uint32(d.byte())<<24 | uint32(d.byte())<<16 | uint32(d.byte())<<8 | uint32(d.byte())
	for l := range labels {
		labels[l].Rank = waybill.Rank(packed >> (rankBits * l) & (1<<rankBits - 1))
	}
	for l := range labels {
		if flags&flagWide != 0 {
			labels[l].Rank = waybill.Rank(d.byte())
		}
	}
	for l := range labels {
		if flags&flagRevs != 0 {
			labels[l].Rev = d.varint()
		}
	}
}

func decodeTimes(d *decoder, at *[waybill.NumStages]waybill.Instant) waybill.Instant {
	first, mask := waybill.Never, d.byte()
	for s := range at {
		if mask&(1<<s) == 0 {
			continue
		}
		at[s] = first + waybill.Instant(d.varint())
		if first == waybill.Never {
			first = at[s]
		}
	}
	return first
}

func decodeClicks(d *decoder, first waybill.Instant) []waybill.Click {
	const smallest = 4 // bytes of a click of empty texts
	n := d.uvarint()
	if n > uint64(len(d.rest)/smallest) {
		d.fail()
		return nil
	}
	clicks := make([]waybill.Click, n)
	for i := range clicks {
		clicks[i] = waybill.Click{
			ID: d.text(), At: first + waybill.Instant(d.varint()),
			Button: waybill.Button{Type: d.text(), Text: d.text()},
		}
	}
	return clicks
}
