package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A place is what is to be known of the file system under a data directory.
type place struct {
	dir string
	log *slog.Logger

	fileSystem func(dir string) (uint32, error) // its magic number, 0 where the system tells none
	usage      func(dir string) (vfs.DiskUsage, error)
	low        bool // there was too little room at the last look
}

func newPlace(dir string, log *slog.Logger) *place {
	return &place{dir: dir, log: log, fileSystem: fileSystemOf, usage: vfs.Default.GetDiskUsage}
}

// networkFileSystems lists those by their magic number in Linux's statfs that are
// on other machines, where a sync may not mean that data is durable, and a lock
// may not keep another machine out.
//
// https://man7.org/linux/man-pages/man2/statfs.2.html
var networkFileSystems = map[uint32]string{
	0x00006969: "NFS", 0x0000517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB2",
	0x01021997: "9p", 0x00c36400: "CephFS", 0x5346414f: "AFS", 0x6b414653: "AFS", 0x73757245: "Coda",
	0x0bd00bd3: "Lustre", 0x47504653: "GPFS", 0x19830326: "BeeGFS", 0x786f4256: "VirtualBox shared folder",
}

// fuse is the number of file systems that a program serves, be it from this
// machine or from another one.
const fuse = 0x65735546

// check refuses a network file system unless it is allowed, and warns of it then.
func (p *place) check(allowed bool) error {
	existing := p.dir
	magic, err := p.fileSystem(existing)
	for err != nil && filepath.Dir(existing) != existing { // the directory is yet to be made
		existing = filepath.Dir(existing)
		magic, err = p.fileSystem(existing)
	}
	name, network := networkFileSystems[magic]
	switch {
	case err != nil:
		return fmt.Errorf("the file system of data directory %s: %w", p.dir, err)
	case network && !allowed:
		return fmt.Errorf("data directory %s is on a network file system (%s), which can lose what it said was written "+
			"and let two machines in at once: use a local disk, or add --allow-network-file-system", p.dir, name)
	case network:
		p.log.Warn("the data is on a network file system, which can lose what it said was written", "data", p.dir, "file_system", name)
	case magic == fuse:
		p.log.Warn("the data is on a file system that a program serves; if it is not a local disk, it can lose what it said was written",
			"data", p.dir, "file_system", "FUSE")
	}
	return nil
}

const (
	placeEvery = time.Minute
	leastRoom  = 1 << 30  // bytes, below which there is too little
	mostRoom   = 20 << 30 // bytes, above which a twentieth of the disk is enough and more
)

// watch warns while the disk is almost full, until ctx is done. When it is full,
// the store stops.
func (p *place) watch(ctx context.Context) {
	ticker := time.NewTicker(placeEvery)
	defer ticker.Stop()
	for {
		p.look()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look warns when room gets low, and says when it no longer is.
func (p *place) look() {
	u, err := p.usage(p.dir)
	if err != nil {
		return // there is nothing to compare
	}
	low := u.AvailBytes < max(leastRoom, min(u.TotalBytes/20, mostRoom))
	attrs := []any{"data", p.dir, "available_bytes", u.AvailBytes, "total_bytes", u.TotalBytes}
	switch {
	case low && !p.low:
		p.log.Warn("the disk is almost full; when it is, reports are refused", attrs...)
	case !low && p.low:
		p.log.Info("the disk has room again", attrs...)
	}
	p.low = low
}
