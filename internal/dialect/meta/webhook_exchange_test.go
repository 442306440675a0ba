package meta

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the counts in testdata/webhook")

// TestWebhookCounts sends the bodies of each file in their order and compares
// what is counted afterwards. Every body is also sent a second time, in reverse
// order, which must change nothing.
func TestWebhookCounts(t *testing.T) {
	files, err := filepath.Glob("testdata/webhook/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			b := newBench(t)
			bodies, want := readExchange(t, file)
			for _, body := range bodies {
				b.post(body)
			}
			got := "outcomes: " + b.outcomes() + "\n" + b.counted()
			if *update {
				writeCounted(t, file, got)
			} else if got != want {
				t.Errorf("counted\n%s\nwant\n%s", got, want)
			}
			before := b.counted()
			for i := range bodies {
				b.post(bodies[len(bodies)-1-i])
			}
			if after := b.counted(); after != before {
				t.Errorf("repetition changed\n%s\ninto\n%s", before, after)
			}
		})
	}
}

const countedMark = "-- counted --\n"

// readExchange returns the bodies of a file, each under a line such as
// "-- body --", and what is to be counted, which stands at the end.
func readExchange(t *testing.T, file string) (bodies []string, counted string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rest, counted, ok := strings.Cut(string(text), countedMark)
	if !ok {
		t.Fatalf("%s has no line %q", file, countedMark)
	}
	for _, part := range strings.Split("\n"+rest, "\n-- ")[1:] {
		_, body, _ := strings.Cut(part, "--\n")
		bodies = append(bodies, body)
	}
	return bodies, counted
}

func writeCounted(t *testing.T, file, counted string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), countedMark)
	if err := os.WriteFile(file, []byte(head+countedMark+counted), 0o644); err != nil {
		t.Fatal(err)
	}
}

// counted writes all that is known of all channels.
func (b *bench) counted() string {
	var text strings.Builder
	for _, c := range b.directory.View().Channels() {
		for _, line := range b.everything(c.ID) {
			fmt.Fprintf(&text, "%s %s\n", c.ID, line)
		}
		for _, t := range b.directory.View().Templates(c.ID) {
			fmt.Fprintf(&text, "%s registry %s %s: name=%s category=%s status=%s quality=%s\n",
				c.ID, t.Code, t.Language, t.Name, t.Category, t.Status, t.Quality)
		}
	}
	return text.String()
}
