package main

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linkPattern   = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	anchorPattern = regexp.MustCompile(` id="([^"]*)"`)
)

// TestSite writes the site of this repository and follows every link of it.
func TestSite(t *testing.T) {
	out := t.TempDir()
	n, err := build("../..", out)
	if err != nil {
		t.Fatal(err)
	}
	anchors := make(map[string]map[string]bool) // of each file
	links := make(map[string][]string)
	err = fs.WalkDir(os.DirFS(out), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		anchors[p] = make(map[string]bool)
		if path.Ext(p) != ".html" {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(out, p))
		for _, m := range linkPattern.FindAllStringSubmatch(string(text), -1) {
			links[p] = append(links[p], strings.ReplaceAll(m[1], "&amp;", "&"))
		}
		for _, m := range anchorPattern.FindAllStringSubmatch(string(text), -1) {
			anchors[p][m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(links) != n || n < 10 {
		t.Errorf("%d pages are written, %d found", n, len(links))
	}
	for p, list := range links {
		for _, link := range list {
			u, err := url.Parse(link)
			if err != nil {
				t.Errorf("%s: %v", p, err)
				continue
			}
			if u.IsAbs() {
				continue
			}
			to := p
			if u.Path != "" {
				to = path.Join(path.Dir(p), u.Path)
			}
			if strings.HasPrefix(u.Path, "/") || anchors[to] == nil || u.Fragment != "" && !anchors[to][u.Fragment] {
				t.Errorf("%s: the link %s leads nowhere", p, link)
			}
		}
	}
}

// TestBrokenLinks builds a site whose links lead nowhere.
func TestBrokenLinks(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"README.md":       "# One\n[a](docs/two.md#there) [b](docs/two.md#gone) [c](three.md) [d](docs/) [e](https://example.com/x)",
		"CONTRIBUTING.md": "# C\n[a](#c)",
		"CHANGELOG.md":    "# D",
		"docs/two.md":     "# Two\n## There\n[up](../README.md)\n",
	} {
		if err := write(root, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := build(root, t.TempDir())
	if err == nil {
		t.Fatal("nothing is broken")
	}
	told := err.Error()
	for _, want := range []string{"README.md: link to docs/two.md#gone: docs/two.md has no heading for #gone", "README.md: link to three.md: "} {
		if !strings.Contains(told, want) {
			t.Errorf("no %q in\n%s", want, told)
		}
	}
	if n := strings.Count(told, "link to"); n != 2 {
		t.Errorf("%d links are told:\n%s", n, told)
	}
}

func TestAnchors(t *testing.T) {
	i := make(ids)
	for _, tt := range [][2]string{
		{"What is counted", "what-is-counted"},
		{"`--keep-ids`, and why?", "--keep-ids-and-why"},
		{"Fälle", "fälle"},
		{"What is counted", "what-is-counted-1"},
		{"a_b", "a_b"},
	} {
		if got := string(i.Generate([]byte(tt[0]), 0)); got != tt[1] {
			t.Errorf("the anchor of %q is %q, want %q", tt[0], got, tt[1])
		}
	}
}
