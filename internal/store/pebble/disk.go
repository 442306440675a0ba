package pebble

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// A disk is a file system that stands still at the first write that fails: that
// operation and all later ones that would change the disk never return. The
// engine is written for disks that do not fail; it panics, ends the process or
// tries again for ever, and none of that may lead to an acknowledgement.
// See the package comment.
type disk struct {
	vfs.FS
	stopped chan struct{} // closed at the first failure

	// aside is a directory in which operations may fail, because nothing of the
	// store depends on it: that in which a copy begins.
	aside string

	// renewing counts who wants files to be made anew that the engine would use
	// again, because of what they still hold.
	renewing atomic.Int32

	once sync.Once
	err  error // the first failure; set before stopped is closed
}

func newDisk(fs vfs.FS, aside string) *disk {
	return &disk{FS: fs, aside: aside, stopped: make(chan struct{})}
}

// failure returns why the disk stands still, as an Unavailable error, or nil.
func (d *disk) failure() error {
	select {
	case <-d.stopped:
		return waybill.Errorf(waybill.Unavailable,
			"the store has stopped for good, because its disk failed: %v", d.err)
	default:
		return nil
	}
}

// change runs an operation that changes the disk and returns only if it
// succeeds.
func (d *disk) change(op func() error) error {
	d.await()
	if err := op(); err != nil {
		d.stop(err)
	}
	d.await()
	return nil
}

// apart reports whether a file lies in the directory aside.
func (d *disk) apart(name string) bool {
	return name == d.aside || strings.HasPrefix(name, d.aside+string(os.PathSeparator))
}

func (d *disk) stop(err error) {
	d.once.Do(func() {
		d.err = err
		close(d.stopped)
	})
}

// await never returns once the disk has stopped.
func (d *disk) await() {
	select {
	case <-d.stopped:
		select {}
	default:
	}
}

func (d *disk) create(name string, op func() (vfs.File, error)) (vfs.File, error) {
	if d.apart(name) {
		return op()
	}
	var f vfs.File
	err := d.change(func() (err error) {
		f, err = op()
		return err
	})
	return &file{f, d}, err
}

// Create implements vfs.FS.
func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.create(name, func() (vfs.File, error) { return d.FS.Create(name, c) })
}

// ReuseForWrite implements vfs.FS.
func (d *disk) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.create(name, func() (vfs.File, error) {
		if d.renewing.Load() == 0 {
			return d.FS.ReuseForWrite(old, name, c)
		}
		if err := d.FS.Remove(old); err != nil {
			return nil, err
		}
		return d.FS.Create(name, c)
	})
}

// OpenReadWrite implements vfs.FS.
func (d *disk) OpenReadWrite(
	name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption,
) (vfs.File, error) {
	return d.create(name, func() (vfs.File, error) { return d.FS.OpenReadWrite(name, c, opts...) })
}

// OpenDir implements vfs.FS. Directories are opened to be synced.
func (d *disk) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	if err != nil || d.apart(name) {
		return f, err
	}
	return &file{f, d}, nil
}

// Link implements vfs.FS.
func (d *disk) Link(old, name string) error {
	if d.apart(name) {
		return d.FS.Link(old, name)
	}
	return d.change(func() error { return d.FS.Link(old, name) })
}

// Rename implements vfs.FS.
func (d *disk) Rename(old, name string) error {
	if d.apart(name) {
		return d.FS.Rename(old, name)
	}
	return d.change(func() error { return d.FS.Rename(old, name) })
}

// Remove implements vfs.FS. It may fail: what is left behind does no harm, and
// the engine tries again.
func (d *disk) Remove(name string) error {
	d.await()
	return d.FS.Remove(name)
}

// RemoveAll implements vfs.FS; see Remove.
func (d *disk) RemoveAll(name string) error {
	d.await()
	return d.FS.RemoveAll(name)
}

// MkdirAll implements vfs.FS. The directories are for nobody else to read. It
// may fail, since it comes before all else.
func (d *disk) MkdirAll(dir string, _ os.FileMode) error {
	d.await()
	return d.FS.MkdirAll(dir, 0o700)
}

// errLocked tells that another process, or another store of this one, holds the
// lock of the directory.
var errLocked = errors.New("directory is locked")

// Lock implements vfs.FS. It fails with errLocked where someone holds the lock,
// else with what stood in the way of the lock file.
func (d *disk) Lock(name string) (io.Closer, error) {
	c, err := d.FS.Lock(name)
	if _, ok := errors.AsType[*fs.PathError](err); err != nil && !ok {
		return nil, errLocked
	}
	return c, err
}

// Unwrap implements vfs.FS.
func (d *disk) Unwrap() vfs.FS { return d.FS }

// A file is an open file of a disk.
type file struct {
	vfs.File
	d *disk
}

func (f *file) write(op func() (int, error)) (int, error) {
	var n int
	err := f.d.change(func() (err error) {
		n, err = op()
		return err
	})
	return n, err
}

// Write implements vfs.File.
func (f *file) Write(p []byte) (int, error) {
	return f.write(func() (int, error) { return f.File.Write(p) })
}

// WriteAt implements vfs.File.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	return f.write(func() (int, error) { return f.File.WriteAt(p, off) })
}

// Sync implements vfs.File.
func (f *file) Sync() error { return f.d.change(f.File.Sync) }

// SyncData implements vfs.File.
func (f *file) SyncData() error { return f.d.change(f.File.SyncData) }

// SyncTo implements vfs.File.
func (f *file) SyncTo(length int64) (full bool, err error) {
	err = f.d.change(func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Preallocate implements vfs.File. The engine would reserve for each of its logs as
// much as its table in memory has, which is more than all that a small store has.
func (f *file) Preallocate(offset, length int64) error {
	const most = 4 << 20
	return f.File.Preallocate(offset, min(length, most))
}

// Close implements vfs.File.
func (f *file) Close() error { return f.d.change(f.File.Close) }

// guard runs an operation of the engine that may stand still with the disk. It
// fails if the disk stops meanwhile, and leaves the operation behind.
func (d *disk) guard(op func() error) error {
	if err := d.failure(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- op() }()
	select {
	case err := <-done:
		if failure := d.failure(); failure != nil {
			return failure
		}
		return err
	case <-d.stopped:
		return d.failure()
	}
}
