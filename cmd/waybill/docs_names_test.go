package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocsNames checks that the targets of make, the packages, the tests and the
// benchmarks that the pages name exist, also those that take too long to run.
func TestDocsNames(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	goTests := 0
	for _, p := range readPages(t) {
		text, err := os.ReadFile(filepath.Join(root, p.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range makeCall.FindAllStringSubmatch(string(text), -1) {
			if target := m[1]; !strings.Contains(string(makefile), "\n"+target+":") {
				t.Errorf("%s: make has no target %q", p.path, target)
			}
		}
		for _, call := range goTest.FindAllString(string(text), -1) {
			goTests++
			for _, complaint := range checkGoTest(t, call) {
				t.Errorf("%s: %s: %s", p.path, call, complaint)
			}
		}
	}
	if goTests < 5 {
		t.Errorf("found only %d calls of go test; benchmarks.md has more", goTests)
	}
}

// TestReadmeListsPages checks that every page can be found from the first one. The
// decisions have one link.
func TestReadmeListsPages(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages := readPages(t)
	for _, p := range pages {
		if p.path != "README.md" && filepath.Dir(p.path) != "docs/decisions" && !strings.Contains(string(readme), "]("+p.path+")") {
			t.Errorf("README.md has no link to %s", p.path)
		}
	}
	if len(pages) < 15 {
		t.Errorf("there are only %d pages", len(pages))
	}
}

var (
	// makeCall is a target of make at the beginning of a line or of inline code.
	makeCall = regexp.MustCompile("(?m)(?:^ *|`|&& )(?:[A-Z]+=\\S+ )*make ([a-z]+)")
	goTest   = regexp.MustCompile("go test [^`\\n#]*")
	flagOf   = regexp.MustCompile(`-(run|bench) ('[^']*'|\S+)`)
	packages = regexp.MustCompile(`\./\S+`)
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w*)\(`)
)

// checkGoTest says what is wrong with a call of go test.
func checkGoTest(t *testing.T, call string) (complaints []string) {
	t.Helper()
	var names []string
	for _, dir := range packages.FindAllString(call, -1) {
		files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		if err != nil || len(files) == 0 && !strings.HasSuffix(dir, "...") {
			complaints = append(complaints, dir+" has no tests")
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				names = append(names, m[1])
			}
		}
	}
	for _, f := range flagOf.FindAllStringSubmatch(call, -1) {
		kind := map[string]string{"run": "Test", "bench": "Benchmark"}[f[1]]
		for pattern := range strings.SplitSeq(strings.Trim(f[2], "'"), "|") {
			pattern, _, _ = strings.Cut(pattern, "/")
			if pattern == "^$" || pattern == "TestX" { // none, and any
				continue
			}
			like, err := regexp.Compile(pattern)
			if err != nil || !slices.ContainsFunc(names, func(n string) bool {
				return strings.HasPrefix(n, kind) && like.MatchString(n)
			}) {
				complaints = append(complaints, "no "+kind+" is called "+pattern)
			}
		}
	}
	return complaints
}
