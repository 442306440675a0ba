package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// settingRow is a row of the table of settings: name and default.
var settingRow = regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (?:`([^`]*)`|(off)|) ?\\|")

// TestSettingsPage compares the table of docs/operations.md with the flags of serve.
func TestSettingsPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]string)
	for _, m := range settingRow.FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = m[2] + m[3]
	}
	_, parsed, err := parse([]string{"serve"}, console{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range parsed.Flags() {
		if f.Name == "help" || f.Name == "config" {
			continue
		}
		want := f.Default
		if f.IsBool() && want == "" {
			want = "off"
		}
		if got, ok := told[f.Name]; !ok || got != want {
			t.Errorf("the page has --%s (%t) with the default %q, want %q", f.Name, ok, got, want)
		}
		if !strings.HasSuffix(f.OrigHelp, ".") {
			t.Errorf("the help of --%s is no sentence: %s", f.Name, f.OrigHelp)
		}
		delete(told, f.Name)
	}
	for name := range told {
		t.Errorf("the page has --%s, which serve has not", name)
	}
}
