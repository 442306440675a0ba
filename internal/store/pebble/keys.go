package pebble

import (
	"cmp"
	"encoding/binary"

	"waybill"
)

// The first bytes of the keys; doc.go draws them.
const (
	spaceCells    = 'c'
	spaceDetail   = 'd'
	spaceSettled  = 'e'
	spaceFacts    = 'f'
	spaceLog      = 'l'
	spaceMessage  = 'm'
	spaceRun      = 'n' // next to the messages, whose runs it ends
	spaceName     = 'i'
	spaceSender   = 'p'
	spaceTemplate = 'q'
	spaceRecord   = 'r'
	spaceSetting  = 's'
	spaceTuple    = 't'
	spaceVersion  = 'v'
	spaceText     = 'w'
	spaceTooLate  = 'y'
)

const (
	channelPrefix = 1 + 4     // bytes of space and channel
	cellsPrefix   = 1 + 4 + 1 // and basis
	hashBytes     = 12
	messageBytes  = 1 + 2 + 4 + hashBytes // the length of a messageKey as bytes
)

// A partition is a span of 28 days, numbered since 1970. It never changes for a
// message, so that messages of one age lie together and are dropped together.
type partition uint16

const partitionSeconds = 28 * 24 * 60 * 60

func partitionOf(at uint32) partition { return partition(at / partitionSeconds) }

func (p partition) start() uint32 { return uint32(p) * partitionSeconds }

// A hash stands for the ID of a message: 96 bits of a keyed hash. Two messages of
// a channel among 10^9 share one with a chance of 6e-12.
type hash [3]uint32

func appendChannel(dst []byte, space byte, c waybill.ChannelNumber) []byte {
	return binary.BigEndian.AppendUint32(append(dst, space), uint32(c))
}

// channelOf returns the channel of a key of a space that begins with channels.
func channelOf(key []byte) waybill.ChannelNumber {
	return waybill.ChannelNumber(binary.BigEndian.Uint32(key[1:]))
}

func appendRefKey(dst []byte, space byte, c waybill.ChannelNumber, ref uint32) []byte {
	return binary.BigEndian.AppendUint32(appendChannel(dst, space, c), ref)
}

func refOf(key []byte) uint32 { return binary.BigEndian.Uint32(key[channelPrefix:]) }

func appendLogKey(dst []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, spaceLog), seq)
}

// appendPartition begins the keys of a partition in spaceMessage or spaceName.
func appendPartition(dst []byte, space byte, p partition) []byte {
	return binary.BigEndian.AppendUint16(append(dst, space), uint16(p))
}

func appendPartitionChannel(dst []byte, space byte, p partition, c waybill.ChannelNumber) []byte {
	return binary.BigEndian.AppendUint32(appendPartition(dst, space, p), uint32(c))
}

// A messageKey names a message in spaceMessage or spaceName, where it lies in a bundle.
// As bytes, with the first of them for the space, it ends pages and is the cursor of a
// pass.
type messageKey struct {
	part    partition
	channel waybill.ChannelNumber
	hash    hash
}

func (k *messageKey) append(dst []byte) []byte {
	dst = appendPartitionChannel(dst, spaceMessage, k.part, k.channel)
	for _, word := range k.hash {
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	return dst
}

func (k *messageKey) compare(o *messageKey) int {
	if k.hash == o.hash {
		return cmp.Or(cmp.Compare(k.part, o.part), cmp.Compare(k.channel, o.channel))
	}
	less := -1
	if o.hash.less(&k.hash) {
		less = 1
	}
	return cmp.Or(cmp.Compare(k.part, o.part), cmp.Compare(k.channel, o.channel), less)
}

func parseMessageKey(key []byte) (k messageKey, ok bool) {
	if len(key) != messageBytes {
		return k, false
	}
	k.part = partition(binary.BigEndian.Uint16(key[1:]))
	k.channel = waybill.ChannelNumber(binary.BigEndian.Uint32(key[3:]))
	for i := range k.hash {
		k.hash[i] = binary.BigEndian.Uint32(key[7+4*i:])
	}
	return k, true
}

func appendCellsKey(dst []byte, space byte, c waybill.ChannelNumber, b waybill.Basis, unit uint32) []byte {
	return binary.BigEndian.AppendUint32(append(appendChannel(dst, space, c), byte(b)), unit)
}

// unitOf returns the day or the period of a key of counters.
func unitOf(key []byte) uint32 { return binary.BigEndian.Uint32(key[cellsPrefix:]) }

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
