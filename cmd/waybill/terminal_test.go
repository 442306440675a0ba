package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// onTerminal runs a command on a terminal of so many columns and returns what it
// shows.
func onTerminal(t *testing.T, cmd *exec.Cmd, columns uint16) string {
	t.Helper()
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: columns})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var shown bytes.Buffer
	if _, err := io.Copy(&shown, f); err != nil && !errors.Is(err, syscall.EIO) { // which is the end of a terminal
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v\n%s", cmd.Args, err, shown.String())
	}
	return shown.String()
}

func TestOnATerminal(t *testing.T) {
	dir := t.TempDir()
	data, pipe := filepath.Join(dir, "data"), filepath.Join(dir, "pipe")
	apply(t, data, killTenants)
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	rows := strings.Repeat(`{"channel":"102290129340398","message":"a","status":"sent","at":"2026-11-20T10:00:00Z"}`+"\n", 50)
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err != nil {
			return // the import says what is wrong
		}
		_, _ = io.WriteString(w, rows)
		_ = w.Close()
	}()
	shown := onTerminal(t, waybillCmd("import", "--data", data, "--checkpoint=", pipe), 100)
	if !strings.Contains(shown, "50 rows: 1 told something new, 49 known already") {
		t.Errorf("an import shows %q", shown)
	}
	query := []string{"query", "--data", data, "--from", "2026-11-20", "--to", "2026-11-21"}
	const row = `2026-11-20 +1 +1 +0 +0 +0 .*`
	shown = onTerminal(t, waybillCmd(query...), 140)
	if !regexp.MustCompile(row + `\x1b\[34m█{8,60}\x1b\[0m`).MatchString(shown) {
		t.Errorf("a query shows %q, without a bar in colour", shown)
	}
	if shown = onTerminal(t, plainQuery(query), 140); !regexp.MustCompile(row+` █{8,60}\r\n`).MatchString(shown) || strings.Contains(shown, "\x1b") {
		t.Errorf("a query without colours shows %q", shown)
	}
	if shown = onTerminal(t, waybillCmd(query...), 60); strings.Contains(shown, "█") {
		t.Errorf("a query shows a bar where there is no room: %q", shown)
	}
	for _, columns := range []uint16{100, 80} {
		for line := range strings.Lines(onTerminal(t, plainQuery(query), columns)) {
			if n := len([]rune(strings.TrimRight(line, "\r\n"))); n > int(columns) {
				t.Errorf("a line of %d characters on a terminal of %d: %q", n, columns, line)
			}
		}
	}
	shown = onTerminal(t, plainQuery(query), 40)
	if !strings.HasPrefix(shown, "day             sent  delivered  read\r\n") ||
		!strings.Contains(shown, "no room for failed %, accepted, read %, failed, delivered %\r\n") {
		t.Errorf("on a terminal of 40 characters a query shows %q", shown)
	}
}

func plainQuery(args []string) *exec.Cmd {
	cmd := waybillCmd(args...)
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	return cmd
}
