package pebble

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// A bloom is a split-block Bloom filter over the messages of all runs. It tells at
// the cost of one cache line that a message is new. Bits are only ever added, while
// the writer reads.
type bloom struct {
	blocks []block
	count  atomic.Int64 // how many messages were added
	room   int          // how many it is made for
}

// A block is half a cache line. A message sets a bit of each of its words.
type block [8]uint32

const (
	bloomBits     = 16      // of a message: one in a thousand is taken for an old one
	smallestBloom = 1 << 16 // messages
)

var bloomSalts = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

func newBloom(room int) *bloom {
	room = max(room, smallestBloom)
	return &bloom{blocks: make([]block, room*bloomBits/256+1), room: room}
}

// place returns the block of a message and what picks the bits of it.
func (b *bloom) place(c waybill.ChannelNumber, h *hash) (*block, uint32) {
	mixed := uint64(h[0]) ^ uint64(c)*0x9e3779b1
	return &b.blocks[uint64(uint32(mixed))*uint64(len(b.blocks))>>32], h[2]
}

func (b *bloom) has(c waybill.ChannelNumber, h *hash) bool {
	block, key := b.place(c, h)
	for i := range block {
		if atomic.LoadUint32(&block[i])&(1<<(key*bloomSalts[i]>>27)) == 0 {
			return false
		}
	}
	return true
}

// add adds a message.
func (b *bloom) add(c waybill.ChannelNumber, h *hash) {
	block, key := b.place(c, h)
	for i := range block {
		bit := uint32(1) << (key * bloomSalts[i] >> 27)
		if atomic.LoadUint32(&block[i])&bit == 0 {
			atomic.OrUint32(&block[i], bit)
		}
	}
	b.count.Add(1)
}

// The file of a bloom:
//
//	magic:8 stamp:16 stamp:16 count:8 room:8 blocks CRC-32C:4
//
// The stamps are those of the sets of runs that it knows: it is written when a
// generation is in runs and not folded yet. A filter that knows more than there is
// does no harm.
const (
	bloomName   = "bloom"
	bloomMagic  = "WBbloom2"
	bloomHeader = 8 + 2*stampBytes + 8 + 8
)

// save writes b to a file, which is replaced as a whole. Messages may be added
// meanwhile.
func (b *bloom) save(fs vfs.FS, path string, stamps [2]stamp) error {
	temporary := path + ".tmp"
	f, err := fs.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	w := io.MultiWriter(f, sum)
	chunk := append(make([]byte, 0, 1<<20), bloomMagic...)
	for i := range stamps {
		chunk = append(chunk, stamps[i][:]...)
	}
	for _, n := range []uint64{uint64(b.count.Load()), uint64(b.room)} {
		chunk = binary.BigEndian.AppendUint64(chunk, n)
	}
	for i := range b.blocks {
		for j := range b.blocks[i] {
			chunk = binary.LittleEndian.AppendUint32(chunk, atomic.LoadUint32(&b.blocks[i][j]))
		}
		if len(chunk) >= 1<<20-32 {
			if _, err = w.Write(chunk); err != nil {
				break
			}
			chunk = chunk[:0]
		}
	}
	if err == nil {
		_, err = w.Write(chunk)
	}
	if err == nil {
		_, err = f.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return fs.Rename(temporary, path)
}

// loadBloom reads a file of save. It returns nil where there is none that is whole
// and knows the runs with a stamp.
func loadBloom(fs vfs.FS, path string, now stamp) *bloom {
	f, err := fs.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() < bloomHeader+4 {
		return nil
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if string(body[:8]) != bloomMagic || crc32.Checksum(body, castagnoli) != sum {
		return nil
	}
	before, after, numbers := stamp(body[8:]), stamp(body[8+stampBytes:]), body[8+2*stampBytes:]
	if now != before && now != after {
		return nil
	}
	b := &bloom{room: int(binary.BigEndian.Uint64(numbers[8:]))}
	b.count.Store(int64(binary.BigEndian.Uint64(numbers)))
	body = body[bloomHeader:]
	b.blocks = make([]block, len(body)/32)
	for i := range b.blocks {
		for j := range b.blocks[i] {
			b.blocks[i][j] = binary.LittleEndian.Uint32(body[32*i+4*j:])
		}
	}
	if len(b.blocks) == 0 {
		return nil
	}
	return b
}
