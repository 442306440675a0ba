package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// groups order the navigation. A page is in the first group that has a pattern
// for it, and what no pattern names is in the last.
var groups = []struct {
	title    string
	patterns []string
}{
	{"", []string{"README.md"}},
	{"Run it", []string{"docs/operations.md", "docs/observability.md", "docs/upgrading.md", "docs/security.md", "docs/benchmarks.md"}},
	{"Use it", []string{"docs/command-line.md", "docs/dialects/waybill.md", "docs/api/*"}},
	{"Vendors", []string{"docs/dialects/*"}},
	{"How it works", []string{"docs/ARCHITECTURE.md", "docs/store.md", "docs/decisions/*"}},
	{"Project", []string{"*"}},
}

// A group is a part of the navigation.
type group struct {
	Title   string
	Entries []entry
}

// An entry leads to a page, and on the page itself to its sections.
type entry struct {
	URL, Title string
	Current    bool
	Sections   []section
}

// navigation returns the navigation of a page.
func (s *site) navigation(on *page) []group {
	left := slices.Sorted(maps.Keys(s.pages))
	var nav []group
	for _, g := range groups {
		out := group{Title: g.title}
		for _, pattern := range g.patterns {
			left = slices.DeleteFunc(left, func(p string) bool {
				if ok, _ := path.Match(pattern, p); !ok && pattern != "*" {
					return false
				}
				e := entry{URL: relative(on.path, htmlPath(p)), Title: s.pages[p].title, Current: p == on.path}
				if e.Current {
					e.Sections = on.sections
				}
				out.Entries = append(out.Entries, e)
				return true
			})
		}
		nav = append(nav, out)
	}
	return nav
}

// ids makes the anchors of headings as hosts of Markdown do, so that a link is
// right there and here.
type ids map[string]int

// Generate implements parser.IDs.
func (i ids) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(string(value)))
	n := i[id]
	i[id]++
	if n > 0 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return []byte(id)
}

// Put implements parser.IDs.
func (i ids) Put(value []byte) { i[string(value)]++ }
