package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/internal/load"
)

// TestImportResumes ends imports in the middle, as a crash does and as somebody at
// the keyboard does. The same command goes on from there, and counts nothing twice.
func TestImportResumes(t *testing.T) {
	const messages = 40_000
	var text bytes.Buffer
	for i := range messages {
		fmt.Fprintf(&text, `{"channel":"102290129340398","message":"wamid.%d","status":"delivered","at":%d}`+"\n", i, (killStart+i)*1000)
		if i%1000 == 0 {
			text.WriteString("{}\n")
		}
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := t.TempDir()
			data, pipe := filepath.Join(dir, "data"), filepath.Join(dir, "pipe")
			apply(t, data, killTenants)
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			checkpoint, rejected := filepath.Join(dir, "checkpoint"), filepath.Join(dir, "rejected")
			args := []string{"import", "--data", data, "--checkpoint", checkpoint, "--rejected", rejected, pipe}
			first := waybillCmd(args...)
			var told bytes.Buffer
			first.Stderr = &told
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(text.Bytes()[:text.Len()*4/5]); err != nil {
				t.Fatal(err)
			}
			before := waitForRows(t, checkpoint)
			if err := first.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := first.Wait(); err == nil {
				t.Error("an import that was ended succeeded")
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if again := "interrupted; " + checkpoint + " has how far it came: the same command goes on from there"; signal == syscall.SIGINT && !strings.Contains(told.String(), again) {
				t.Errorf("told %s", told.String())
			}
			second := waybillCmd(args...)
			written := make(chan error, 1)
			go func() {
				w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
				if err == nil {
					_, err = io.Copy(w, bytes.NewReader(text.Bytes()))
				}
				written <- err
				w.Close()
			}()
			out, err := second.CombinedOutput()
			if second.ProcessState.ExitCode() != exitRejected {
				t.Fatalf("the second time: %v\n%s", err, out)
			}
			if err := <-written; err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{fmt.Sprintf("goes on after %d rows", before), "40,040 rows:", "rejected 40 of 40,040 rows"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("told %s\nwithout %q", out, want)
				}
			}
			if list, err := os.ReadFile(rejected); err != nil || bytes.Count(list, []byte("\n")) != 40 {
				t.Errorf("%d rejected rows are listed, %v", bytes.Count(list, []byte("\n")), err)
			}
			verify(t, data)
		})
	}
}

// waitForRows waits until a checkpoint says that some rows are durable, and returns
// how many.
func waitForRows(t *testing.T, path string) int {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(time.Minute)
	for {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatal("nothing is durable after a minute")
		}
		var c load.Checkpoint
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &c) == nil && c.Counts.Received > 0 {
			return c.Counts.Received
		}
	}
}
