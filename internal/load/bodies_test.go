package load_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"waybill/internal/load"
)

// A listing sink lists the bodies that it gets.
type listing struct{ bodies []string }

func (l *listing) Take(_ context.Context, p *load.Piece) (load.Result, error) {
	l.bodies = append(l.bodies, fmt.Sprintf("%d %s", p.Place(1), p.Text))
	return load.Result{Received: 1}, nil
}

func TestBodies(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"one on each line", "{\"a\":1}\r\n\n[]\n{bad\n", []string{`1 {"a":1}`, "3 []", "4 {bad"}},
		{"one in the file", "{\n  \"a\": 1\n}\n", []string{"1 {\n  \"a\": 1\n}"}},
		{"no JSON", "<html>\n</html>", []string{"1 <html>\n</html>"}},
		{"nothing", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &listing{}
			opt := options(t, file(t, "e", tt.text))
			opt.Sink, opt.Format = l, load.Bodies
			if mustRun(t, opt); !slices.Equal(l.bodies, tt.want) {
				t.Errorf("bodies %q, want %q", l.bodies, tt.want)
			}
		})
	}
	opt := options(t, file(t, "e", "{\n"+strings.Repeat(" ", 8<<20)+"}"))
	opt.Sink, opt.Format = &listing{}, load.Bodies
	if _, err := run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "it is one body; but it has more than 8388608 bytes") {
		t.Errorf("a body that is too long: %v", err)
	}
}
