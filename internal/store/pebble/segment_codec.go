package pebble

import (
	"encoding/binary"

	"waybill"
)

// The first bytes of the keys of segments. Times are stored as what is left to
// the end of time, so that the newest come first; so are IDs of equal times.
const (
	spaceSegment  = 'g' // channel, ID -> the segment
	spaceOrder    = 'o' // channel, text of the condition or of none, time, ID -> the segment
	spaceTotal    = 'a' // channel, ID -> all-time counts
	spaceSnapshot = 'x' // channel, text of the ID, quarter -> time and counts
)

func appendSegmentKey(dst []byte, space byte, c waybill.ChannelNumber, id string) []byte {
	return append(appendChannel(dst, space, c), id...)
}

// appendOrderPrefix begins the keys of all segments of a condition; the empty one
// has every segment.
func appendOrderPrefix(dst []byte, c waybill.ChannelNumber, condition string) []byte {
	return appendText(appendChannel(dst, spaceOrder, c), condition)
}

func appendDescending(dst []byte, ms int64) []byte {
	return binary.BigEndian.AppendUint64(dst, ^uint64(ms))
}

// appendOrderKey inverts the ID and ends it with a byte that no inverted text
// has, so that of two IDs the longer one comes first.
func appendOrderKey(dst []byte, condition string, g *waybill.Segment) []byte {
	dst = appendDescending(appendOrderPrefix(dst, g.Channel, condition), g.CreatedAt)
	for i := range len(g.ID) {
		dst = append(dst, ^g.ID[i])
	}
	return append(dst, 0xff)
}

// orderOf returns time and ID of a key that begins with a prefix of so many
// bytes.
func orderOf(key []byte, prefix int) (ms int64, id string, ok bool) {
	rest := key[prefix:]
	if len(rest) < 8+1 {
		return 0, "", false
	}
	inverted := rest[8 : len(rest)-1]
	text := make([]byte, len(inverted))
	for i, b := range inverted {
		text[i] = ^b
	}
	return int64(^binary.BigEndian.Uint64(rest)), string(text), rest[len(rest)-1] == 0xff
}

func appendSnapshotPrefix(dst []byte, c waybill.ChannelNumber, id string) []byte {
	return appendText(appendChannel(dst, spaceSnapshot, c), id)
}

func appendSnapshotKey(dst []byte, c waybill.ChannelNumber, id string, q waybill.Quarter) []byte {
	return binary.BigEndian.AppendUint32(appendSnapshotPrefix(dst, c, id), uint32(q)^1<<31)
}

func appendSegment(dst []byte, g *waybill.Segment) []byte {
	dst = binary.AppendVarint(append(dst, byte(g.Source)), g.CreatedAt)
	dst = binary.AppendVarint(dst, g.Size)
	for _, text := range []string{g.Campaign, g.Condition, g.Status, g.TemplateData} {
		dst = appendText(dst, text)
	}
	return dst
}

func decodeSegment(c waybill.ChannelNumber, id string, data []byte) (waybill.Segment, bool) {
	d := decoder{rest: data}
	g := waybill.Segment{
		Channel: c, ID: id,
		Source: waybill.SegmentSource(d.byte()), CreatedAt: d.varint(), Size: d.varint(),
		Campaign: d.text(), Condition: d.text(), Status: d.text(), TemplateData: d.text(),
	}
	return g, d.complete()
}

func appendSnapshot(dst []byte, n *waybill.Snapshot) []byte {
	dst = binary.AppendVarint(dst, int64(n.At))
	for _, count := range n.Counts {
		dst = binary.AppendVarint(dst, count)
	}
	return dst
}

func decodeSnapshot(c waybill.ChannelNumber, id string, data []byte) (waybill.Snapshot, bool) {
	d := decoder{rest: data}
	n := waybill.Snapshot{Channel: c, Segment: id, At: waybill.Instant(d.varint())}
	for m := range n.Counts {
		n.Counts[m] = d.varint()
	}
	return n, d.complete()
}

func appendCounts(dst []byte, counts *waybill.Counts) []byte {
	for _, n := range counts {
		dst = binary.AppendVarint(dst, n)
	}
	return dst
}

func decodeCounts(data []byte) (counts waybill.Counts, err error) {
	d := decoder{rest: data}
	for m := range counts {
		counts[m] = d.varint()
	}
	if !d.complete() {
		return counts, errCells
	}
	return counts, nil
}
