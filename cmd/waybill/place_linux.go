package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// fileSystemOf returns the magic number of the file system that has dir.
func fileSystemOf(dir string) (uint32, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint32(s.Type), nil
}

// holderOf returns which process has locked a data directory, in brackets, and ""
// where that can't be told.
func holderOf(dir string) string {
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_RDWR, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // nothing was written
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil || lock.Type == unix.F_UNLCK || lock.Pid <= 0 {
		return ""
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", lock.Pid))
	if err != nil {
		return fmt.Sprintf(" (process %d)", lock.Pid)
	}
	return fmt.Sprintf(" (process %d, %s)", lock.Pid, strings.TrimSpace(string(name)))
}
