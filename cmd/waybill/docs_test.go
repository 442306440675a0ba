package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestOwnAPIPage runs the commands that the page on the own API has for segments,
// beside a demo as the page says, and compares the answers that it prints.
func TestOwnAPIPage(t *testing.T) {
	page := startPage(t, "waybill.md", "\n## Segments\n")
	answers := 0
	for _, text := range page.blocks {
		if strings.HasPrefix(text, "{") {
			sameJSON(t, page.last, text)
			answers++
			continue
		}
		page.run(t, text, func(answer string) bool { return !strings.Contains(answer, "about:blank") })
	}
	if page.commands != 7 || answers != 2 {
		t.Errorf("the page has %d commands and %d answers", page.commands, answers)
	}
}

// TestMomoDocs runs the commands of the page on MoMo's dialect.
func TestMomoDocs(t *testing.T) {
	page := startPage(t, "momo.md", "\n## The call\n")
	for _, text := range page.blocks {
		if strings.Contains(text, "curl ") {
			page.run(t, text, func(answer string) bool {
				return strings.Contains(answer, `"success":true`) || strings.Contains(answer, "come from its messages")
			})
		}
	}
	if page.commands != 3 {
		t.Errorf("the page has %d commands", page.commands)
	}
}

// A page is a page of the documentation whose commands run beside a demo.
type page struct {
	blocks    []string // of code, with the address of the demo
	dir       string
	variables string // a block of assignments that the commands need
	commands  int
	last      string // answer
}

// startPage starts a demo and returns what a page has after a heading.
func startPage(t *testing.T, name, heading string) *page {
	t.Helper()
	text, err := os.ReadFile("../../docs/dialects/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), heading)
	p := &page{dir: t.TempDir()}
	demo := start(t, "demo", "--data", filepath.Join(p.dir, ".demo"), "--days=1")
	for _, b := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(rest, -1) {
		if b[1] != "" {
			continue // in another language
		}
		p.blocks = append(p.blocks, strings.ReplaceAll(b[2], "http://127.0.0.1:8080", demo.url))
	}
	return p
}

// assignments begin a block whose first paragraph the other commands need.
var assignments = regexp.MustCompile(`^[A-Za-z]+(=|\(\) \{)`)

// run runs the commands of a block. Each must answer something good.
func (p *page) run(t *testing.T, text string, good func(answer string) bool) {
	t.Helper()
	if set, rest, ok := strings.Cut(text, "\n\n"); ok && assignments.MatchString(set) {
		p.variables, text = set, rest
	}
	for command := range strings.SplitSeq(text, "\n\n") {
		bash := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", p.variables+"\n"+command)
		bash.Dir = p.dir
		out, err := bash.CombinedOutput()
		if p.last = string(out); err != nil || p.last == "" || !good(p.last) {
			t.Errorf("%s\nanswers %.500s, %v", command, out, err)
		}
		p.commands++
	}
}

// sameJSON compares two objects, but for what differs from demo to demo.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w map[string]any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("%v in %s", err, got)
		return
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Errorf("%v in %s", err, want)
		return
	}
	for _, varies := range []string{"channel", "create_at"} {
		if g[varies] != nil && w[varies] != nil {
			g[varies] = w[varies]
		}
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("answered %s\nthe page has %s", got, want)
	}
}
