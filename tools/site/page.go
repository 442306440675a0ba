package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// A page is one Markdown file.
type page struct {
	path     string // from the root
	source   []byte
	doc      ast.Node
	title    string
	sections []section // those of the second level
	anchors  map[string]bool
}

// A section is a heading that others can link to.
type section struct{ ID, Title string }

// A site is all pages, the files that they link to, and a page for each directory
// without pages that they link to.
type site struct {
	root     string
	pages    map[string]*page
	files    map[string]bool
	listings map[string]*page
}

// parse reads a page and collects its headings.
func parse(p string, source []byte) *page {
	pg := &page{path: p, source: source, title: p, anchors: make(map[string]bool)}
	pg.doc = markdown.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(make(ids)))))
	_ = ast.Walk(pg.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // none of the visits fails
		h, ok := n.(*ast.Heading)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		id, _ := h.AttributeString("id")
		s := section{string(id.([]byte)), plain(h, source)}
		pg.anchors[s.ID] = true
		switch h.Level {
		case 1:
			pg.title = s.Title
		case 2:
			pg.sections = append(pg.sections, s)
		}
		return ast.WalkContinue, nil
	})
	return pg
}

// plain returns the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
		} else {
			b.WriteString(plain(c, source))
		}
	}
	return b.String()
}

// resolve makes the links of a page lead to where things are on the site, and
// returns those that lead nowhere.
func (s *site) resolve(pg *page) (broken []error) {
	_ = ast.Walk(pg.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		var destination *[]byte
		switch n := n.(type) {
		case *ast.Link:
			destination = &n.Destination
		case *ast.Image:
			destination = &n.Destination
		}
		if !entering || destination == nil {
			return ast.WalkContinue, nil
		}
		to, err := s.target(pg, string(*destination))
		if err != nil {
			broken = append(broken, fmt.Errorf("%s: link to %s: %w", pg.path, *destination, err))
		}
		*destination = []byte(to)
		return ast.WalkContinue, nil
	})
	return broken
}

// target returns the address on the site of what a page links to.
func (s *site) target(from *page, link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.IsAbs() {
		return link, err
	}
	p := from.path
	if u.Path != "" {
		p = path.Join(path.Dir(from.path), u.Path)
	}
	if to, ok := s.pages[p]; ok {
		if u.Fragment != "" && !to.anchors[u.Fragment] {
			return "", fmt.Errorf("%s has no heading for #%s", p, u.Fragment)
		}
		if u.Path == "" {
			return link, nil
		}
		u.Path = relative(from.path, htmlPath(p))
		return u.String(), nil
	}
	info, err := os.Stat(filepath.Join(s.root, p))
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return s.directory(from, p)
	}
	s.files[p] = true
	return relative(from.path, filePath(p)), nil
}

// directory returns where a link to a directory leads: to the first page in it,
// since the navigation shows all, else to a list of its files.
func (s *site) directory(from *page, dir string) (string, error) {
	first := ""
	for p := range s.pages {
		if path.Dir(p) == dir && (first == "" || p < first) {
			first = p
		}
	}
	if first == "" {
		first = path.Join(dir, "index.md")
		if err := s.list(dir, first); err != nil {
			return "", err
		}
	}
	return relative(from.path, htmlPath(first)), nil
}

// list makes the page p of the files of a directory.
func (s *site) list(dir, p string) error {
	if s.listings[p] != nil {
		return nil
	}
	entries, err := os.ReadDir(filepath.Join(s.root, dir))
	if err != nil {
		return err
	}
	text := "# " + dir + "\n\n"
	for _, e := range entries {
		if e.Type().IsRegular() {
			text += fmt.Sprintf("* [%s](%s)\n", e.Name(), e.Name())
		}
	}
	s.listings[p] = parse(p, []byte(text))
	return errors.Join(s.resolve(s.listings[p])...)
}

// relative returns the path of a file of the site as a page names it.
func relative(from, to string) string {
	up := strings.Repeat("../", strings.Count(htmlPath(from), "/"))
	return up + to
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed style.css
	style []byte

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// render returns a page as HTML.
func (s *site) render(pg *page) ([]byte, error) {
	var body, out bytes.Buffer
	if err := markdown.Renderer().Render(&body, pg.source, pg.doc); err != nil {
		return nil, err
	}
	err := pageTemplate.Execute(&out, map[string]any{
		"Title": pg.title, "Up": relative(pg.path, ""), "Nav": s.navigation(pg),
		"Body": template.HTML(body.String()), // made from our own pages, raw HTML left out
	})
	return out.Bytes(), err
}
