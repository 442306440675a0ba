package main

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testReference = regexp.MustCompile("`([\\w/.-]+): ((?:Test|Fuzz)\\w+)`")
	fileReference = regexp.MustCompile("`([\\w-]+(?:/[\\w.-]+)+\\.go)`")
)

// TestSecurityPage checks that the tests and files that the page names exist.
func TestSecurityPage(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testReference.FindAllStringSubmatch(string(text), -1)
	for _, m := range tests {
		if !declares(t, m[1], m[2]) {
			t.Errorf("the page names %s of %s, which does not exist", m[2], m[1])
		}
	}
	for _, m := range fileReference.FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("the page names %s: %v", m[1], err)
		}
	}
	if len(tests) < 40 {
		t.Errorf("the page names only %d tests", len(tests))
	}
}

// declares reports whether a test of a package has the name.
func declares(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// calling is code that makes requests to others, runs programs, or sets cookies.
var calling = regexp.MustCompile(`http\.(Client\b|Get\(|Post\(|PostForm\(|Head\(|DefaultClient|DefaultTransport|Transport\b|SetCookie)|` +
	`net\.(Dial|Resolver|DefaultResolver|Lookup)|tls\.(Dial|Client\()|"(Set-Cookie|os/exec|plugin)"|syscall\.(Exec|Connect)|unix\.Connect`)

// TestServerCallsNobody finds no code in the server that calls others or runs
// programs: nobody can make it do so, then. The commands that are clients stand in
// files of their own.
func TestServerCallsNobody(t *testing.T) {
	clients := map[string]bool{ // to whether it was seen to call
		"cmd/waybill/health.go": false, "cmd/waybill/client.go": false, "cmd/waybill/inprocess.go": false, "internal/load/remote.go": false,
		"cmd/waybill/notify.go": false, // to the service manager's socket
	}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "bench" || path == "compat" || path == "tools" || path == "site" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := os.Open(filepath.Join(root, path))
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			if !calling.MatchString(lines.Text()) {
				continue
			}
			if _, client := clients[path]; !client {
				t.Errorf("%s:%d: %s", path, n, strings.TrimSpace(lines.Text()))
				continue
			}
			clients[path] = true
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, calls := range clients {
		if !calls {
			t.Errorf("%s is named as a client, and calls nobody", path)
		}
	}
}
