package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDocs runs the command blocks of every page, in their order, in one shell
// beside a demo of the page's own. A block fails when a command of it does; a
// call that is answered with an error is one that fails. What directly follows a
// block as output has to be in what the block prints.
func TestDocs(t *testing.T) {
	for _, p := range readPages(t) {
		if p.commands() == 0 {
			continue
		}
		t.Run(p.path, func(t *testing.T) {
			t.Parallel()
			p.run(t)
		})
	}
}

func (p page) commands() int {
	n := 0
	for _, b := range p.blocks {
		if b.runs() {
			n++
		}
	}
	return n
}

// pageTimeout bounds the time of all commands of a page.
const pageTimeout = 50 * time.Second

// run runs the page and compares what it shows.
func (p page) run(t *testing.T) {
	dir := t.TempDir()
	demo := start(t, "demo", "--data", filepath.Join(dir, ".demo"), "--days=7")
	addresses := strings.NewReplacer(
		"127.0.0.1:8080", strings.TrimPrefix(demo.url, "http://"),
		"127.0.0.1:8081", strings.TrimPrefix(demo.admin, "http://"),
		"127.0.0.1:9090", freeAddress(t, "127.0.0.2"), "127.0.0.1:9091", freeAddress(t, "127.0.0.2")) // of a second server
	state := newShell(t, dir)
	for i, b := range p.blocks {
		if b.runs() {
			state.add(t, i, addresses.Replace(b.text))
		}
	}
	state.run(t)
	var shown string
	for i, b := range p.blocks {
		at := fmt.Sprintf("%s:%d", p.path, b.line)
		switch {
		case b.runs():
			out, err := state.output(i)
			if err != nil {
				t.Fatalf("%s: %v\n%s\nprinted\n%.4000s", at, err, b.text, out)
			}
			shown = out
		case b.isOutput() && p.blocks[i-1].runs() && !shows(addresses.Replace(b.text), shown):
			t.Errorf("%s: the page shows\n%s\nbut its commands print\n%.4000s", at, b.text, shown)
		}
	}
}

// shows reports whether a page shows some of what was printed. White space does
// not count, and … stands for anything.
func shows(page, printed string) bool {
	space := regexp.MustCompile(`\s+`)
	parts := strings.Split(space.ReplaceAllString(page, ""), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(strings.Join(parts, ".*")).MatchString(space.ReplaceAllString(printed, ""))
}

// A shell runs the blocks of a page in one process, so that a later block knows
// the variables of an earlier one. Each block has a file for what it prints.
type shell struct {
	dir    string // where the blocks run
	blocks string // where they and their output lie
	script strings.Builder
	path   string
}

// newShell makes waybill a command. Curl is told by its settings that an error
// over HTTP is a failure.
func newShell(t *testing.T, dir string) *shell {
	t.Helper()
	s := &shell{dir: dir, blocks: t.TempDir(), path: t.TempDir()}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(s.path, "waybill")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.path, ".curlrc"), []byte("fail-with-body\nmax-time = 20\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.script.WriteString("set -euo pipefail\n")
	return s
}

func (s *shell) file(i int, kind string) string {
	return filepath.Join(s.blocks, fmt.Sprintf("%d.%s", i, kind))
}

func (s *shell) add(t *testing.T, i int, text string) {
	t.Helper()
	if err := os.WriteFile(s.file(i, "sh"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&s.script, "source %[1]s >%[2]s 2>&1\ntouch %[3]s\n", s.file(i, "sh"), s.file(i, "out"), s.file(i, "ok"))
}

// run runs the blocks until one fails.
func (s *shell) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), pageTimeout)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-c", s.script.String())
	bash.Dir = s.dir
	bash.Env = append(os.Environ(), asBinary+"=waybill", "HOME="+s.path, "PATH="+s.path+":"+os.Getenv("PATH"))
	bash.WaitDelay = time.Second
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bash.Cancel = func() error { return syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }
	defer func() { _ = bash.Cancel() }() // what a page has left running
	out, err := bash.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed || ctx.Err() != nil {
		t.Errorf("the commands did not end: %v %v\n%s", err, ctx.Err(), out)
	}
}

// output returns what a block has printed, and an error if it failed.
func (s *shell) output(i int) (string, error) {
	out, err := os.ReadFile(s.file(i, "out"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(s.file(i, "ok")); errors.Is(err, fs.ErrNotExist) {
		return string(out), errors.New("a command of this block failed")
	}
	return string(out), nil
}

func TestShows(t *testing.T) {
	for _, tt := range []struct {
		page, printed string
		want          bool
	}{
		{`{"a": 1}`, "{\n \"a\":1}\n", true},
		{`{"a":1,…}`, `{"a":1,"b":"x"}`, true},
		{`{"a":1}`, `{"a":2}`, false},
		{`a.c`, `abc`, false},
		{"last", "first\nlast\n", true},
	} {
		if got := shows(tt.page, tt.printed); got != tt.want {
			t.Errorf("shows(%q, %q) = %t", tt.page, tt.printed, got)
		}
	}
}
