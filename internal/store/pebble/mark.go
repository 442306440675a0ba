package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// A mark is a small file beside the engine's that says which commit was the last
// to be acknowledged. The engine takes a log that breaks off for one whose last
// write was cut by a power loss, and begins after what it can read. That is right
// for what was never acknowledged; what was, it would lose without a word when a
// bit of its newest log flips. With the mark the loss is found when the store is
// opened.
//
// The file has two places that are written in turn, so that one is whole whatever
// happens:
//
//	sequence:8 CRC-32C:4 zeros:4
//
// It is written after the commit is synced and is not synced itself: it never says
// more than is durable. After the end of a process it is exact. After a power loss
// it may be some commits old, and cannot show that exactly these are missing.
type mark struct {
	file vfs.File
	next int64
}

const (
	markName  = "acknowledged"
	markBytes = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// readMark returns the last acknowledged commit that the file in a directory
// knows of, 0 where there is no file.
func readMark(fs vfs.FS, path string) (uint64, error) {
	f, err := fs.Open(path)
	if err != nil {
		if _, missing := fs.Stat(path); missing != nil {
			return 0, nil
		}
		return 0, err
	}
	defer f.Close()
	data := make([]byte, 2*markBytes)
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, err
	}
	last := uint64(0)
	for ; n >= markBytes; n -= markBytes {
		place := data[n-markBytes : n]
		if crc32.Checksum(place[:8], castagnoli) == binary.BigEndian.Uint32(place[8:]) {
			last = max(last, binary.BigEndian.Uint64(place))
		}
	}
	return last, nil
}

// openMark opens the file for writing. The last commit is what it will say first.
func openMark(fs vfs.FS, path string, seq uint64) (*mark, error) {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	m := &mark{file: f}
	for range 2 {
		m.note(seq)
	}
	return m, nil
}

// note writes that a commit is acknowledged. It cannot fail: the disk stands still
// where it would.
func (m *mark) note(seq uint64) {
	var place [markBytes]byte
	binary.BigEndian.PutUint64(place[:], seq)
	binary.BigEndian.PutUint32(place[8:], crc32.Checksum(place[:8], castagnoli))
	_, _ = m.file.WriteAt(place[:], m.next)
	m.next ^= markBytes
}

func (m *mark) close() error { return errors.Join(m.file.Sync(), m.file.Close()) }

// checkMark fails where commits are missing that were acknowledged.
func checkMark(path string, acknowledged, last uint64) error {
	if last >= acknowledged {
		return nil
	}
	return waybill.Errorf(waybill.Internal,
		"the log ends with commit %d, but commit %d was acknowledged: a file of the log is damaged. "+
			"Restore a backup; or, to go on without the last %d commits, remove %s",
		last, acknowledged, acknowledged-last, path)
}

// errGap tells that the log misses a commit between others.
func errGap(have, want uint64) error {
	return fmt.Errorf("the log has commit %d where commit %d should be", have, want)
}
