package dialect_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"

	"waybill/internal/dialect"
)

func TestPeek(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	zipped := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, s)
		_ = z.Close()
		return b.String()
	}
	tests := []struct {
		name, encoding, body string
		want                 string
	}{
		{"no body", "", "", ""},
		{"a short one", "", "batch=[]", "batch=[]"},
		{"a long one", "", long, long[:4096]},
		{"gzip", "gzip", zipped("batch=[]"), "batch=[]"},
		{"x-gzip in capitals", " X-GZIP ", zipped("batch=[]"), "batch=[]"},
		{"gzip of much", "gzip", zipped(strings.Repeat("a", 1<<20)), strings.Repeat("a", 4096)},
		{"what is no gzip", "gzip", "batch=[]", ""},
		{"another encoding", "br", "batch=[]", "batch=[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// One byte at a time, as a slow client sends.
			r := httptest.NewRequest(http.MethodPost, "/", iotest.OneByteReader(strings.NewReader(tt.body)))
			r.Header.Set("Content-Encoding", tt.encoding)
			for range 2 {
				if got := string(dialect.Peek(r)); got != tt.want {
					t.Errorf("Peek = %.80q, want %.80q", got, tt.want)
				}
			}
			if all, err := io.ReadAll(r.Body); err != nil || string(all) != tt.body {
				t.Errorf("after it the body is %.80q, %v", all, err)
			}
		})
	}
}

// TestPeekLeavesErrorsToTheReader reads a body that breaks off.
func TestPeekLeavesErrorsToTheReader(t *testing.T) {
	broken := errors.New("broken")
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("bat"), iotest.ErrReader(broken)))
	if got := string(dialect.Peek(r)); got != "bat" {
		t.Errorf("Peek = %q", got)
	}
	if all, err := io.ReadAll(r.Body); string(all) != "bat" || !errors.Is(err, broken) {
		t.Errorf("after it the body is %q, %v", all, err)
	}
}
