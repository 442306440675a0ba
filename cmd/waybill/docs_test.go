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
	for _, program := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	page, err := os.ReadFile("../../docs/dialects/waybill.md")
	if err != nil {
		t.Fatal(err)
	}
	_, segments, _ := strings.Cut(string(page), "\n## Segments\n")
	dir := t.TempDir()
	p := start(t, "demo", "--data", filepath.Join(dir, ".demo"), "--days=1")
	blocks := regexp.MustCompile("(?ms)^```\n(.*?)^```$").FindAllStringSubmatch(segments, -1)
	variables, commands, answers := "", 0, 0
	last := ""
	for _, b := range blocks {
		text := strings.ReplaceAll(b[1], "http://127.0.0.1:8080", p.url)
		if strings.HasPrefix(text, "{") {
			sameJSON(t, last, text)
			answers++
			continue
		}
		if set, rest, ok := strings.Cut(text, "\n\n"); ok && strings.HasPrefix(set, "TOKEN=") {
			variables, text = set, rest
		}
		for command := range strings.SplitSeq(text, "\n\n") {
			bash := exec.CommandContext(t.Context(), "bash", "-euc", variables+"\n"+command)
			bash.Dir = dir
			out, err := bash.CombinedOutput()
			if last = string(out); err != nil || strings.Contains(last, "about:blank") || last == "" {
				t.Errorf("%s\nanswers %s, %v", command, out, err)
			}
			commands++
		}
	}
	if commands != 7 || answers != 2 {
		t.Errorf("the page has %d commands and %d answers", commands, answers)
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
