package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync/atomic"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// A bloom is a split-block Bloom filter over the messages of all runs. It tells at
// the cost of one cache line that a message is new. Bits are only ever added, by
// the folder, while the writer reads.
type bloom struct {
	blocks []block
	count  int // how many messages were added
	room   int // how many it is made for
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

// add adds a message. Only the folder calls it.
func (b *bloom) add(c waybill.ChannelNumber, h *hash) {
	block, key := b.place(c, h)
	for i := range block {
		bit := uint32(1) << (key * bloomSalts[i] >> 27)
		if word := atomic.LoadUint32(&block[i]); word&bit == 0 {
			atomic.StoreUint32(&block[i], word|bit)
		}
	}
	b.count++
}

// The file of a bloom:
//
//	magic:8 generation:8 count:8 room:8 blocks CRC-32C:4
//
// The generation is the last whose messages are in it. It is written before that
// is folded: a filter that knows more than there is does no harm.
const (
	bloomName   = "bloom"
	bloomMagic  = "WBbloom1"
	bloomHeader = 8 + 8 + 8 + 8
)

// save writes b to a file, which is replaced as a whole.
func (b *bloom) save(fs vfs.FS, path string, generation uint64) error {
	temporary := path + ".tmp"
	f, err := fs.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	w := io.MultiWriter(f, sum)
	chunk := append(make([]byte, 0, 1<<20), bloomMagic...)
	for _, n := range []uint64{generation, uint64(b.count), uint64(b.room)} {
		chunk = binary.BigEndian.AppendUint64(chunk, n)
	}
	for i := range b.blocks {
		for j := range b.blocks[i] {
			chunk = binary.LittleEndian.AppendUint32(chunk, b.blocks[i][j])
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
// and knows all generations up to the given one.
func loadBloom(fs vfs.FS, path string, generation uint64) *bloom {
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
	if string(body[:8]) != bloomMagic || crc32.Checksum(body, castagnoli) != sum ||
		binary.BigEndian.Uint64(body[8:]) < generation {
		return nil
	}
	b := &bloom{count: int(binary.BigEndian.Uint64(body[16:])), room: int(binary.BigEndian.Uint64(body[24:]))}
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

// saveBloom writes the filter when that costs little against what was written
// since the last time.
func (s *Store) saveBloom(generation uint64) error {
	const large = 2 << 20 // blocks: 64 MB, for 45 million messages
	b := s.bloom.Load()
	if b == nil || len(b.blocks) > large && generation%uint64(len(b.blocks)/large+1) != 0 {
		return nil
	}
	return b.save(s.disk, s.path(bloomName), generation)
}

// roomOfBloom returns for how many messages the next filter is to be made. Where
// nothing is known it is told by the size of the runs.
func (s *Store) roomOfBloom(b *bloom) int {
	const perMessage = 24 // bytes
	if b != nil {
		return 2 * b.count
	}
	size, err := s.db.EstimateDiskUsage([]byte{spaceMessage}, []byte{spaceMessage + 1})
	if err != nil {
		return 0
	}
	return int(size / perMessage * 3 / 2)
}

// renewBloom makes a filter where there is none, it has become too small, or what
// it knows has been dropped. It is made aside.
func (s *Store) renewBloom() error {
	b := s.bloom.Load()
	if b != nil && b.count <= b.room && !s.dropped {
		return nil
	}
	room := s.roomOfBloom(b)
	next := newBloom(room)
	it, err := s.db.NewIter(&engine.IterOptions{LowerBound: []byte{spaceMessage}, UpperBound: []byte{spaceMessage + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if isClosed(s.closing) {
			return it.Close()
		}
		k, whole := parseMessageKey(it.Key())
		if !whole {
			return errors.Join(it.Close(), fmt.Errorf("the key %x of a message is corrupt", it.Key()))
		}
		next.add(k.channel, &k.hash)
	}
	if err := errors.Join(s.readError(it.Error()), it.Close()); err != nil {
		return err
	}
	s.bloom.Store(next)
	s.counters.bloomRebuilds.Add(1)
	s.dropped = false
	f, err := s.get([]byte{spaceFacts, factFolded})
	if err != nil {
		return err
	}
	folded, err := decodeFold(f)
	if err != nil {
		return err
	}
	return s.saveBloom(folded.generation)
}
