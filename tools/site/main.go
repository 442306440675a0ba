// Command site writes the documentation as static HTML that can be read on any
// host, or from a disk: links are relative, and nothing is fetched from elsewhere.
//
//	go -C tools run ./site ROOT OUT
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: site ROOT OUT")
		os.Exit(2)
	}
	n, err := build(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
	fmt.Printf("%d pages in %s\n", n, os.Args[2])
}

// build writes the pages of the repository at root into the directory out and
// returns how many there are. All links that lead nowhere are told at once.
func build(root, out string) (int, error) {
	paths, err := pagePaths(os.DirFS(root))
	if err != nil {
		return 0, err
	}
	s := &site{root: root, pages: make(map[string]*page), files: make(map[string]bool), listings: make(map[string]*page)}
	for _, p := range paths {
		source, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			return 0, err
		}
		s.pages[p] = parse(p, source)
	}
	var broken []error
	for _, p := range paths {
		broken = append(broken, s.resolve(s.pages[p])...)
	}
	if len(broken) > 0 {
		return 0, errors.Join(broken...)
	}
	errs := []error{write(out, "style.css", style)}
	maps.Copy(s.pages, s.listings) // after their links are found, so that they are no target of others
	for p, pg := range s.pages {
		text, err := s.render(pg)
		errs = append(errs, err, write(out, htmlPath(p), text))
	}
	for file := range s.files {
		text, err := os.ReadFile(filepath.Join(root, file))
		errs = append(errs, err, write(out, filePath(file), text))
	}
	return len(s.pages), errors.Join(errs...)
}

// pagePaths returns the paths of all pages.
func pagePaths(root fs.FS) ([]string, error) {
	paths := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	err := fs.WalkDir(root, "docs", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(p) == ".md" {
			paths = append(paths, p)
		}
		return err
	})
	return paths, err
}

// htmlPath returns where a page goes.
func htmlPath(p string) string {
	if p == "README.md" {
		return "index.html"
	}
	return strings.TrimSuffix(p, ".md") + ".html"
}

// filePath returns where a file goes that a page links to: pictures as they are,
// all else as text, which every host and browser shows.
func filePath(p string) string {
	if slices.Contains([]string{".svg", ".png"}, path.Ext(p)) {
		return p
	}
	return p + ".txt"
}

func write(out, p string, text []byte) error {
	file := filepath.Join(out, p)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
