package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page is one file of the documentation.
type page struct {
	path   string // from the root of the repository
	blocks []block
}

// A block is what stands between two fences of a page.
type block struct {
	line int    // of its first fence
	info string // what follows the backquotes
	text string // without the fences and their indentation

	// after is set where nothing but blank lines is between the block before
	// and this one.
	after bool
}

// A command block is fenced "sh" and run, or "sh norun: REASON" and only read.
const (
	command = "sh"
	norun   = "sh norun:"
)

func (b block) runs() bool { return b.info == command }
func (b block) reason() string {
	reason, _ := strings.CutPrefix(b.info, norun)
	return strings.TrimSpace(reason)
}

// isOutput reports whether b shows what the block before it has printed.
func (b block) isOutput() bool { return b.after && (b.info == "" || b.info == "json") }

const root = "../.."

// readPages returns all pages of the documentation that have blocks.
func readPages(t *testing.T) []page {
	t.Helper()
	paths := []string{"README.md", "CONTRIBUTING.md"}
	err := fs.WalkDir(os.DirFS(root), "docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".md" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var pages []page
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := parseBlocks(string(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		pages = append(pages, page{path, blocks})
	}
	return pages
}

var fence = regexp.MustCompile("^( *)```([^`]*)$")

// parseBlocks returns the fenced blocks of a page. Those of a list are indented
// with it.
func parseBlocks(text string) ([]block, error) {
	var blocks []block
	var open *block
	indent, after := "", false
	for i, line := range strings.Split(text, "\n") {
		mark := fence.FindStringSubmatch(line)
		switch {
		case open == nil && mark != nil:
			indent = mark[1]
			open = &block{line: i + 1, info: strings.TrimSpace(mark[2]), after: after}
		case open == nil:
			after = after && strings.TrimSpace(line) == ""
		case mark != nil && mark[2] == "":
			blocks = append(blocks, *open)
			open, after = nil, true
		default:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		}
	}
	if open != nil {
		return blocks, fmt.Errorf("line %d: the block has no end", open.line)
	}
	return blocks, nil
}

// commandStart is how a line begins that a reader would paste into a shell.
var commandStart = regexp.MustCompile(`(?m)^\s*(\$ |# )?(sudo )?([A-Z_]+=\S+ )*` +
	`(curl|waybill|bin/waybill|make|go|export|apt|apt-get|systemctl|docker|podman|promtool|npm)( |$)`)

// proseLanguages are the languages of blocks that may hide a command.
var proseLanguages = regexp.MustCompile(`^(|text|console|bash|shell|sh .*)$`)

// TestDocsMarkCommands finds blocks with commands that no test would run.
func TestDocsMarkCommands(t *testing.T) {
	for _, p := range readPages(t) {
		for _, b := range p.blocks {
			at := fmt.Sprintf("%s:%d", p.path, b.line)
			switch {
			case b.runs():
			case strings.HasPrefix(b.info, norun):
				if b.reason() == "" {
					t.Errorf("%s: a block that is not run must say why: ```sh norun: REASON", at)
				}
				t.Logf("%s is not run: %s", at, b.reason())
			case proseLanguages.MatchString(b.info):
				if line := commandStart.FindString(b.text); line != "" || b.info != "" && b.info != "text" {
					t.Errorf("%s: a block ```%s with a command (%q) that no test runs: fence it ```sh, or ```sh norun: REASON",
						at, b.info, strings.TrimSpace(line))
				}
			}
		}
	}
}

func TestParseBlocks(t *testing.T) {
	const text = "a\n\n1. b\n   ```sh\n   one\n     two\n   ```\n\n   ```\n   three\n   ```\nc\n```json\n{}\n```\n"
	got, err := parseBlocks(text)
	if err != nil || len(got) != 3 {
		t.Fatalf("blocks %+v, %v", got, err)
	}
	want := []block{
		{line: 4, info: "sh", text: "one\n  two\n"},
		{line: 9, text: "three\n", after: true},
		{line: 13, info: "json", text: "{}\n"},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("block %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if _, err := parseBlocks("```\nx\n"); err == nil {
		t.Error("a block without an end passed")
	}
}
