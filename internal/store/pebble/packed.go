package pebble

import (
	"encoding/binary"
	"math/bits"

	"waybill"
)

// addPacked adds packed cells. It reads what unpacker reads, without making a cell
// of it: large questions spend their time here, and so numbers of one byte, which
// most are, are read without a call. Cells of a tuple follow each other, and often
// count in the same place.
func (s *scan) addPacked(packed []byte) error {
	daily, at, major, ref, quarter := s.space == spaceCells, 0, uint32(0), uint32(0), uint32(0)
	slots, rows, groupOf, byDetail := s.board.slots, s.board.open.rows, s.groups.groupOf, s.groups.byDetail
	var counts *waybill.Counts // of the slot and group that were added to last
	lastSlot, lastGroup := int32(-1), int32(dropped)
	for at < len(packed) {
		header, n := uint64(packed[at]), uint64(0)
		if at++; header >= 0x80 {
			header, at = uvarint(packed, at-1)
		}
		if header&cellMajor != 0 {
			n, at = uvarint(packed, at)
			major, ref, quarter = major+uint32(n), 0, 0
			if daily && !byDetail {
				return s.check(packed, at) // details follow the totals
			}
		} else if header>>cellShift != 0 {
			quarter = 0
		}
		if at >= len(packed) {
			return errCells
		}
		n = uint64(packed[at])
		if at++; n >= 0x80 {
			n, at = uvarint(packed, at-1)
		}
		ref += uint32(header >> cellShift)
		quarter += uint32(n)
		if at >= len(packed) || ref >= uint32(len(groupOf)) || quarter >= quartersPerDay {
			return errCells
		}
		mask := packed[at]
		at++
		slot, detail := int32(-1), uint32(0)
		if daily {
			if detail = major; detail >= uint32(len(s.view.details)) {
				return errCells
			}
			slot = slots[quarter]
		} else if in := major*quartersPerDay + quarter; in < uint32(len(slots)) {
			slot = slots[in]
		}
		group := int32(dropped)
		if slot >= 0 {
			if group = groupOf[ref]; group == undecided || byDetail || detail != 0 {
				group = s.groups.find(ref, detail)
			}
		}
		if group == dropped {
			if header&cellOnes == 0 {
				at = skipCounts(packed, at, mask)
			}
			continue
		}
		if slot != lastSlot || group != lastGroup {
			counts, lastSlot, lastGroup = rows[slot].at(group), slot, group
		}
		if header&cellOnes == 0 {
			at = addCounts(counts, packed, at, mask)
			continue
		}
		for rest := mask & allMetrics; rest != 0; rest &= rest - 1 {
			counts[bits.TrailingZeros8(rest)]++
		}
	}
	return s.check(packed, at)
}

// allMetrics is the mask of all metrics.
const allMetrics = 1<<waybill.NumMetrics - 1

// addCounts adds the packed counts of a mask, and returns where they end.
func addCounts(counts *waybill.Counts, packed []byte, at int, mask byte) int {
	if small, n, ok := smallCounts(packed, at, mask); ok {
		for rest := mask & allMetrics; rest != 0; rest &= rest - 1 {
			counts[bits.TrailingZeros8(rest)] += int64(small & 0xff)
			small >>= 8
		}
		return at + n
	}
	for rest := mask & allMetrics; rest != 0; rest &= rest - 1 {
		var n uint64
		n, at = uvarint(packed, at)
		counts[bits.TrailingZeros8(rest)] += int64(n)
	}
	return at
}

// skipCounts returns where the packed counts of a mask end.
func skipCounts(packed []byte, at int, mask byte) int {
	if _, n, ok := smallCounts(packed, at, mask); ok {
		return at + n
	}
	for rest := mask; rest != 0; rest &= rest - 1 {
		_, at = uvarint(packed, at)
	}
	return at
}

// smallCounts returns the n packed counts of a mask where each is a byte, the first one
// the lowest.
func smallCounts(packed []byte, at int, mask byte) (small uint64, n int, ok bool) {
	if n = bits.OnesCount8(mask); at+8 > len(packed) {
		return 0, n, false
	}
	const more = 0x8080808080808080 // numbers of several bytes have these
	small = binary.LittleEndian.Uint64(packed[at:])
	return small, n, small&more&(1<<(8*n)-1) == 0
}

// check fails where the cells ended beyond the end of their value.
func (s *scan) check(packed []byte, at int) error {
	if at > len(packed) {
		return errCells
	}
	return nil
}

// uvarint reads a number and returns where the next one begins, which is past the
// end where there is none.
func uvarint(data []byte, at int) (uint64, int) {
	if at < len(data) {
		if v, n := binary.Uvarint(data[at:]); n > 0 {
			return v, at + n
		}
	}
	return 0, len(data) + 1
}
