// Package arch holds the test of the layers: imports point down only.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "waybill"

// layers lists the packages of the module from the bottom up. A package may
// import packages of lower layers, and those of its own layer that beside names.
var layers = []struct {
	name     string
	packages []string // a trailing * stands for any rest
}{
	{"domain", []string{module}},
	{"foundation", []string{"internal/telemetry", "internal/ram", "internal/spelling"}},
	{"services", []string{
		"internal/ingest", "internal/directory", "internal/dialect", "internal/store/*",
		"internal/ndjson", "internal/event", "internal/load", "internal/table", "internal/census",
	}},
	{"dialects", []string{"internal/dialect/*", "internal/demo"}},
	{"server", []string{"internal/server"}},
	{"wiring", []string{"cmd/waybill", "internal/arch"}},
}

// beside lists the imports within a layer that are allowed: the parts of one
// dialect, and what the own formats are read with.
var beside = map[string]bool{
	"internal/event internal/dialect":                    true,
	"internal/load internal/event":                       true,
	"internal/load internal/table":                       true,
	"internal/event internal/ndjson":                     true,
	"internal/ndjson internal/dialect":                   true,
	"internal/dialect/meta internal/dialect/meta/fields": true,
	"internal/dialect/rest internal/dialect/rest/params": true,
	"internal/ram internal/spelling":                     true,
}

type pkg struct {
	ImportPath  string
	Imports     []string
	TestImports []string
	Standard    bool
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range list(t) {
		from, layer := place(p.ImportPath)
		if layer < 0 {
			t.Errorf("package %s has no place in the layers", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			to, below := place(imported)
			switch {
			case below < 0:
				if from == module && strings.Contains(strings.Split(imported, "/")[0], ".") {
					t.Errorf("the domain imports %s, it may import only the standard library", imported)
				}
			case below < layer, beside[from+" "+to]:
			default:
				t.Errorf("%s (%s) imports %s (%s)", from, layers[layer].name, to, layers[below].name)
			}
		}
	}
}

// TestEveryLayerExists keeps the table true.
func TestEveryLayerExists(t *testing.T) {
	used := make(map[int]bool)
	for _, p := range list(t) {
		_, layer := place(p.ImportPath)
		used[layer] = true
	}
	for i, l := range layers {
		if !used[i] {
			t.Errorf("no package is in layer %s", l.name)
		}
	}
}

// place returns the path of a package within the module and its layer, -1 for
// packages of others and for those without a place.
func place(path string) (string, int) {
	name, inside := strings.CutPrefix(path, module+"/")
	if path != module && !inside {
		return path, -1
	}
	for i, l := range layers {
		for _, pattern := range l.packages {
			prefix, open := strings.CutSuffix(pattern, "*")
			if name == pattern || open && strings.HasPrefix(name, prefix) {
				return name, i
			}
		}
	}
	return name, -1
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Standard", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
