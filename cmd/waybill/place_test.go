package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestNetworkFileSystems(t *testing.T) {
	const ext4 = 0xef53
	for _, tt := range []struct {
		name    string
		magic   uint32
		allowed bool
		refused string
		warned  string
	}{
		{"a local one", ext4, false, "", ""},
		{"NFS", 0x6969, false, "network file system (NFS)", ""},
		{"NFS that is allowed", 0x6969, true, "", "file_system=NFS"},
		{"CIFS", 0xff534d42, false, "network file system (CIFS)", ""},
		{"9p", 0x01021997, false, "--allow-network-file-system", ""},
		{"FUSE", fuse, false, "", "file_system=FUSE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			p := newPlace("/srv/new/data", slog.New(slog.NewTextHandler(&log, nil)))
			p.fileSystem = func(dir string) (uint32, error) {
				if dir != "/srv" { // the only one that exists
					return 0, fs.ErrNotExist
				}
				return tt.magic, nil
			}
			err := p.check(tt.allowed)
			if (err != nil) != (tt.refused != "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
				t.Errorf("refused with %v, want %q", err, tt.refused)
			}
			if (log.Len() > 0) != (tt.warned != "") || !strings.Contains(log.String(), tt.warned) {
				t.Errorf("the log says %q, want %q", log.String(), tt.warned)
			}
		})
	}
}

func TestDiskAlmostFull(t *testing.T) {
	var log bytes.Buffer
	var usage vfs.DiskUsage
	p := newPlace("data", slog.New(slog.NewTextHandler(&log, nil)))
	p.usage = func(string) (vfs.DiskUsage, error) { return usage, nil }
	const gib = 1 << 30
	for _, tt := range []struct {
		total, available uint64
		says             string
	}{
		{100 * gib, 50 * gib, ""},
		{100 * gib, 4 * gib, "almost full"},
		{100 * gib, 3 * gib, ""}, // has been said
		{100 * gib, 6 * gib, "room again"},
		{8 * gib, gib - 1, "almost full"},
		{8 * gib, gib + 1, "room again"},
		{100_000 * gib, 21 * gib, ""},
	} {
		usage = vfs.DiskUsage{TotalBytes: tt.total, AvailBytes: tt.available}
		log.Reset()
		p.look()
		if (log.Len() > 0) != (tt.says != "") || !strings.Contains(log.String(), tt.says) {
			t.Errorf("with %d of %d bytes the log says %q, want %q", tt.available, tt.total, log.String(), tt.says)
		}
	}
}

// TestPrivateData starts a server on a directory that others can read, and on one
// that it makes.
func TestPrivateData(t *testing.T) {
	open := t.TempDir()
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	const warning = "others can read what is secret"
	p := start(t, "serve", "--data", open)
	if line := p.awaitLine(t, warning); !strings.Contains(line, open) {
		t.Errorf("the log says %s", line)
	}
	made := filepath.Join(open, "data")
	p = start(t, "serve", "--data", made)
	if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory that it made: %v, %v", info, err)
	}
	if strings.Contains(p.log.String(), warning) {
		t.Errorf("it warns of its own:\n%s", p.log)
	}
}

// TestSecondServer starts a server on data that another one has.
func TestSecondServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := start(t, "serve", "--data", dir)
	out, err := waybillCmd("serve", "--data", dir, "--listen=127.0.0.1:0", "--admin-listen=").CombinedOutput()
	if err == nil {
		t.Fatal("a second server started")
	}
	for _, want := range []string{
		dir + " is in use by another process", fmt.Sprintf("(process %d, ", p.cmd.Process.Pid), "stop it first",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it says\n%swithout %q", out, want)
		}
	}
}
