package alibaba

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExample runs the example against a demo.
func TestExample(t *testing.T) {
	w := &waybill{data: filepath.Join(t.TempDir(), "demo"), done: make(chan struct{})}
	w.start(t, "wrote the credentials", "demo", "--days=3")
	out, err := exec.Command("go", "-C", "../examples/alibaba-go", "run", ".", filepath.Join(w.data, "demo.json")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	total := 0
	for line := range strings.Lines(string(out)) {
		var day, language string
		var sent, delivered, read, clicks int
		if _, err := fmt.Sscanf(line, "%s %s %d sent, %d delivered, %d read, %d clicks\n",
			&day, &language, &sent, &delivered, &read, &clicks); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		total += sent
	}
	if total == 0 {
		t.Errorf("nothing was sent:\n%s", out)
	}
}
