package meta_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// updating reports whether -update was given, which the tests of the webhook
// define: then the responses are rewritten.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// TestExchanges records the history of each file, sends its requests in their
// order and compares each response. The tenants stand in tenants.yaml. Line
// breaks before the points of a response are there for the eye only.
func TestExchanges(t *testing.T) {
	files, err := filepath.Glob("testdata/analytics/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, archive)
			if updating() {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// exchange plays one file. The name of a request may say what it is about.
func exchange(t *testing.T, archive *txtar.Archive) {
	g := lucky(t)
	request, response := "", ""
	for i, f := range archive.Files {
		switch kind, _, _ := strings.Cut(f.Name, " "); kind {
		case "events":
			g.record(string(f.Data))
		case "request":
			request = f.Name
			w := g.raw(string(f.Data))
			response = fmt.Sprintf("%d\n%s\n", w.Code, laidOut(untraced(w.Body.String())))
		case "response":
			if updating() {
				archive.Files[i].Data = []byte(response)
			} else if string(f.Data) != response {
				t.Errorf("%s: response\n%s\nwant\n%s", request, response, f.Data)
			}
		default:
			t.Fatalf("a part is named %q", f.Name)
		}
	}
	if g.log.Len() > 0 {
		t.Errorf("something was logged: %s", g.log)
	}
}

// laidOut puts each point of a series on a line of its own.
func laidOut(body string) string { return strings.ReplaceAll(body, `{"start":`, "\n  {\"start\":") }
