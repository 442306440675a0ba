package pebble

import (
	"encoding/binary"

	"waybill"
)

// The first bytes of the keys; doc.go draws them.
const (
	spaceCells   = 'c'
	spaceDetail  = 'd'
	spaceMessage = 'm'
	spaceRecord  = 'r'
	spaceSetting = 's'
	spaceTuple   = 't'
	spaceVersion = 'v'
)

const channelPrefix = 1 + 4 // bytes of space and channel

func appendChannel(dst []byte, space byte, c waybill.ChannelNumber) []byte {
	return binary.BigEndian.AppendUint32(append(dst, space), uint32(c))
}

// channelOf returns the channel of a key of a space that has channels.
func channelOf(key []byte) waybill.ChannelNumber {
	return waybill.ChannelNumber(binary.BigEndian.Uint32(key[1:]))
}

func appendMessageKey(dst []byte, c waybill.ChannelNumber, id string) []byte {
	return append(appendChannel(dst, spaceMessage, c), id...)
}

func appendRefKey(dst []byte, space byte, c waybill.ChannelNumber, ref uint32) []byte {
	return binary.BigEndian.AppendUint32(appendChannel(dst, space, c), ref)
}

func refOf(key []byte) uint32 { return binary.BigEndian.Uint32(key[channelPrefix:]) }

// appendCellsKey flips the sign bit, so that quarters before 1970 come first.
func appendCellsKey(dst []byte, c waybill.ChannelNumber, b waybill.Basis, q waybill.Quarter) []byte {
	dst = append(appendChannel(dst, spaceCells, c), byte(b))
	return binary.BigEndian.AppendUint32(dst, uint32(q)^1<<31)
}

func basisOf(key []byte) waybill.Basis { return waybill.Basis(key[channelPrefix]) }

func quarterOf(key []byte) waybill.Quarter {
	return waybill.Quarter(binary.BigEndian.Uint32(key[channelPrefix+1:]) ^ 1<<31)
}

// after returns the smallest key larger than all that start with prefix, nil
// where there is none.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
