//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What the kernel says of processes, by the files of /proc: proc(5).

// tick is the unit of times in /proc: USER_HZ, which is 100 wherever Go runs.
const tick = time.Second / 100

// usage is what was used up to some moment.
type usage struct {
	at      time.Time
	own     time.Duration // CPU of this process and those that it started
	machine time.Duration // CPU of everyone
}

func used() usage {
	u := usage{at: time.Now(), own: cpuOf(syscall.RUSAGE_SELF), machine: machineCPU()}
	for _, pid := range descendants() {
		u.own += processCPU(pid)
	}
	return u
}

// others returns how many cores everyone else used on average since u.
func (u usage) others(now usage) float64 {
	return max(0, (now.machine-u.machine-(now.own-u.own)).Seconds()/now.at.Sub(u.at).Seconds())
}

// thisThread is RUSAGE_THREAD of getrusage(2).
const thisThread = 1

func cpuOf(who int) time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(who, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// cpuTime returns the CPU time that f takes, without what else runs meanwhile.
func cpuTime(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := cpuOf(thisThread)
	f()
	return cpuOf(thisThread) - before
}

// machineCPU adds up the first line of /proc/stat but for idle and iowait.
func machineCPU() time.Duration {
	line, _, _ := strings.Cut(readFile("/proc/stat"), "\n")
	var sum time.Duration
	for i, f := range strings.Fields(line) {
		if n, err := strconv.Atoi(f); err == nil && i <= 8 && i != 4 && i != 5 {
			sum += time.Duration(n) * tick
		}
	}
	return sum
}

// stat returns the fields of /proc/PID/stat from the third on: what stands before
// may have blanks.
func stat(pid int) []string {
	text := readFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
}

// processCPU returns the CPU of a process and of those of its children that have
// ended.
func processCPU(pid int) time.Duration {
	const utime, cstime = 14 - 3, 17 - 3
	fields := stat(pid)
	var sum time.Duration
	for i := utime; i <= cstime && i < len(fields); i++ {
		n, _ := strconv.Atoi(fields[i])
		sum += time.Duration(n) * tick
	}
	return sum
}

// descendants returns the processes that this one started, and theirs.
func descendants() []int { return appendChildren(nil, os.Getpid()) }

// appendChildren reads the children of each thread.
func appendChildren(all []int, pid int) []int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		for field := range strings.FieldsSeq(readFile(file)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = appendChildren(append(all, child), child)
			}
		}
	}
	return all
}

// A watch finds out how much memory the processes that this one started take at
// most. Memory that they share counts once.
type watch struct {
	stop chan struct{}
	peak chan int64
}

func startWatch() watch {
	w := watch{make(chan struct{}), make(chan int64)}
	go func() {
		var peak int64
		for {
			var sum int64
			for _, pid := range descendants() {
				sum += kilobytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
			}
			peak = max(peak, sum)
			select {
			case <-time.After(time.Second):
			case <-w.stop:
				w.peak <- peak
				return
			}
		}
	}()
	return w
}

// end returns the largest resident memory so far, in bytes: of this process what
// it once was, of the others what was seen.
func (w watch) end() int64 {
	close(w.stop)
	return <-w.peak + kilobytes("/proc/self/status", "VmHWM:")
}

// kilobytes returns the value of a line such as "VmHWM:   1234 kB", in bytes.
func kilobytes(file, name string) int64 {
	lines := bufio.NewScanner(strings.NewReader(readFile(file)))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == name {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// readFile returns nothing of a process that has ended meanwhile.
func readFile(path string) string {
	text, _ := os.ReadFile(path)
	return string(bytes.TrimSpace(text))
}

// diskUsage returns the bytes of all files under dir, as allocated, but for those
// under spare; dir itself is not spare.
func diskUsage(dir, spare string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == spare && path != dir {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	})
	return bytes, err
}
