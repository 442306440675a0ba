package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// waybillOut runs a command that must succeed and returns what it prints.
func waybillOut(t *testing.T, args ...string) string {
	t.Helper()
	out, err := waybillCmd(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("waybill %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// waybillFails runs a command that must fail and say something.
func waybillFails(t *testing.T, says string, args ...string) {
	t.Helper()
	out, err := waybillCmd(args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), says) {
		t.Errorf("waybill %s: %v\n%s\nwant a failure with %q", strings.Join(args, " "), err, out, says)
	}
}

// TestBackup copies the data of a server while reports come in, and restores it
// elsewhere: everything that was acknowledged before is there, once.
func TestBackup(t *testing.T) {
	root := t.TempDir()
	dir, copied, restored := filepath.Join(root, "data"), filepath.Join(root, "backup"), filepath.Join(root, "restored")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	post := func(n int) {
		body := statusBody("102290129340398", "16315551000", newStatus(fmt.Sprint("m-", n), "sent", at(n%4000)))
		if r := p.webhook(client, "7001", "app-secret-0123456789", body); r.status != http.StatusOK {
			t.Errorf("webhook: %d %s", r.status, r.body)
		}
	}
	for n := range 200 {
		post(n)
	}
	var posted atomic.Int64
	posted.Store(200)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 200; ; n++ {
			select {
			case <-stop:
				return
			default:
				post(n)
				posted.Add(1)
			}
		}
	}()
	before := posted.Load()
	out := waybillOut(t, "backup", "--data", dir, "--url", p.url, copied)
	after := posted.Load() + 1 // one may be on its way
	close(stop)
	<-stopped
	if !strings.Contains(out, "The secret key is not part of it") {
		t.Errorf("backup prints %s", out)
	}
	for _, secret := range []string{"secret.key", adminTokenFile} {
		if _, err := os.Stat(filepath.Join(copied, secret)); err == nil {
			t.Errorf("the backup has %s", secret)
		}
	}
	waybillFails(t, "exists", "backup", "--data", dir, "--url", p.url, copied)
	waybillFails(t, "in use by another process", "backup", "--data", dir, filepath.Join(root, "other"))
	waybillFails(t, "verify a backup of it", "verify", "--data", dir)
	p.stop()

	out = waybillOut(t, "restore", "--data", restored, "--verify", copied)
	if !strings.Contains(out, "no counter differs") || !strings.Contains(out, "The secret key is not part of it") {
		t.Errorf("restore prints %s", out)
	}
	waybillFails(t, "is not empty", "restore", "--data", restored, copied)
	waybillFails(t, "secret key", "serve", "--data", restored, "--listen=127.0.0.1:0", "--admin-listen=")
	key, err := os.ReadFile(filepath.Join(dir, "secret.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(restored, "secret.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	p = start(t, "serve", "--data", restored)
	if got := int64(p.sentTotal()); got < before || got > after {
		t.Errorf("the restored server counts %d messages; %d were acknowledged before the backup, %d after", got, before, after)
	}
	p.stop()
	if out := waybillOut(t, "verify", "--data", copied); !strings.Contains(out, "no counter differs") {
		t.Errorf("verify prints %s", out)
	}
}

// TestBackupOfAStoppedServer restores what a stopped server had, exactly.
func TestBackupOfAStoppedServer(t *testing.T) {
	root := t.TempDir()
	dir, copied, restored := filepath.Join(root, "data"), filepath.Join(root, "backup"), filepath.Join(root, "restored")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	for n := range 50 {
		p.webhook(client, "7001", "app-secret-0123456789", statusBody("102290129340398", "16315551000", newStatus(fmt.Sprint("m-", n), "read", at(n))))
	}
	p.stop()
	waybillOut(t, "backup", "--data", dir, copied)
	waybillOut(t, "restore", "--data", restored, copied)
	for _, space := range strings.Fields(waybillOut(t, "dump")) {
		was, is := waybillOut(t, "dump", "--data", dir, space), waybillOut(t, "dump", "--data", restored, space)
		if was != is {
			t.Errorf("space %s is\n%s\nwas\n%s", space, is, was)
		}
	}
	if out := waybillOut(t, "dump", "--data", restored, "log"); strings.Count(out, " message ") != 50 {
		t.Errorf("the commits are\n%s", out)
	}
	waybillFails(t, `there is no space "nothing"`, "dump", "--data", restored, "nothing")
}

func TestMaintenanceNeedsAStore(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, command := range []string{"verify", "dump", "backup"} {
		args := []string{command, "--data", missing}
		if command != "verify" {
			args = append(args, "texts")
		}
		waybillFails(t, "there is no store", args...)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a command that only reads has made a store")
	}
	empty := t.TempDir()
	waybillFails(t, "the backup in "+empty, "restore", "--data", missing, empty)
	if _, err := os.Stat(missing); err == nil {
		t.Error("a failed restore has left data behind")
	}
}

// TestOlderDataIsRefused: who is told what to do with it is not told of a server, which
// there is none of.
func TestOlderDataIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS("../../internal/store/pebble/testdata/version-3")); err != nil {
		t.Fatal(err)
	}
	const says = "begin a new data directory, and send the events again or import (waybill import) " +
		"what the build that wrote this one exports (waybill export messages)\n"
	for _, command := range []string{"serve", "verify", "dump texts", "backup copy", "export messages", "import " + os.DevNull} {
		waybillFails(t, says, append(strings.Fields(command), "--data", dir)...)
	}
	waybillFails(t, says, "restore", "--data", filepath.Join(t.TempDir(), "restored"), dir)
}
