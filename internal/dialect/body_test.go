package dialect_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"waybill"
	"waybill/internal/dialect"
)

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zstandard compresses as a stream, without the size in the frame, or as one
// block of known size.
func zstandard(t testing.TB, text []byte, stream bool, options ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, options...)
	if err != nil {
		t.Fatal(err)
	}
	if !stream {
		return z.EncodeAll(text, nil)
	}
	// Two writes and a flush between keep the encoder from knowing the size.
	if _, err := z.Write(text[:len(text)/2]); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(text[len(text)/2:]); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func post(body []byte, encodings ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	for _, e := range encodings {
		r.Header.Add("Content-Encoding", e)
	}
	return r
}

func TestReadBody(t *testing.T) {
	text := strings.Repeat("x", 1000)
	tests := []struct {
		name    string
		request func() *http.Request
		limit   int64
		want    string
		code    waybill.Code
		says    string
	}{
		{name: "a body of exactly the bound", limit: 1000, want: text},
		{name: "a body beyond the bound", limit: 999, code: waybill.TooLarge, says: "1000 bytes, more than 999"},
		{
			name: "a body of unknown length within the bound", limit: 1000, want: text,
			request: func() *http.Request {
				return httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(text)))
			},
		},
		{
			name: "a body of unknown length beyond the bound", limit: 999, code: waybill.TooLarge, says: "more than 999 bytes",
			request: func() *http.Request {
				return httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(text)))
			},
		},
		{
			name: "no body", limit: 1,
			request: func() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) },
		},
		{
			name: "a request without even an empty body", limit: 1,
			request: func() *http.Request { return &http.Request{Method: http.MethodGet} },
		},
		{
			name: "a tighter bound further out", limit: 1000, code: waybill.TooLarge, says: "more than 10 bytes",
			request: func() *http.Request {
				r := post([]byte(text))
				r.Body = http.MaxBytesReader(nil, r.Body, 10)
				return r
			},
		},
		{
			name: "a body that ends early", limit: 1000, code: waybill.Invalid, says: "after 3 bytes: unexpected EOF",
			request: func() *http.Request { return failing("abc", io.ErrUnexpectedEOF) },
		},
		{
			name: "a body that comes too slowly", limit: 1000, code: waybill.Invalid, says: "only 3 bytes of the body arrived in time",
			request: func() *http.Request { return failing("abc", os.ErrDeadlineExceeded) },
		},
		{
			name: "a broken connection", limit: 1000, code: waybill.Invalid, says: "after 3 bytes: connection reset",
			request: func() *http.Request {
				return failing("abc", &net.OpError{
					Op: "read", Net: "tcp", Err: errors.New("connection reset"),
					Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)},
				})
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := post([]byte(text))
			if tt.request != nil {
				r = tt.request()
			}
			got, err := dialect.ReadBody(r, tt.limit)
			check(t, err, tt.code, tt.says)
			if string(got) != tt.want {
				t.Errorf("%d bytes, want %d", len(got), len(tt.want))
			}
		})
	}
}

// failing returns a request whose body ends with err after the text.
func failing(text string, err error) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/",
		io.MultiReader(strings.NewReader(text), errorReader{err}))
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// check fails unless err has the code and says what it should; an empty code
// wants no error.
func check(t *testing.T, err error, code waybill.Code, says string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Fatalf("error %v", err)
		}
		return
	}
	if err == nil || waybill.CodeOf(err) != code || !strings.Contains(err.Error(), says) {
		t.Fatalf("error %v with code %s, want %s with %q", err, waybill.CodeOf(err), code, says)
	}
	if strings.Contains(err.Error(), "10.1.2.3") {
		t.Errorf("the error names an address: %v", err)
	}
}

func TestReadInflated(t *testing.T) {
	text := []byte(strings.Repeat("delivered,", 10_000))
	gz := gzipped(t, text)
	zs := zstandard(t, text, true)
	large := bytes.Repeat(text, 120)
	half := func(b []byte) []byte { return b[:len(b)/2] }
	tests := []struct {
		name                 string
		request              *http.Request
		compressed, inflated int64 // default 1 MiB
		want                 []byte
		code                 waybill.Code
		says                 string
	}{
		{name: "no encoding", request: post(text), want: text},
		{name: "identity", request: post(text, "Identity"), want: text},
		{name: "no encoding is bounded as inflated", request: post(text), compressed: 1, want: text},
		{name: "no encoding beyond the bound", request: post(text), inflated: 99_999, code: waybill.TooLarge, says: "99999"},
		{name: "gzip", request: post(gz, "gzip"), want: text},
		{name: "gzip in capitals and blanks", request: post(gz, " GZIP "), want: text},
		{name: "gzip of two members", request: post(append(gzipped(t, text[:5]), gzipped(t, text[5:])...), "gzip"), want: text},
		{name: "gzip of exactly the bound", request: post(gz, "gzip"), inflated: 100_000, want: text},
		{name: "gzip of one byte more", request: post(gz, "gzip"), inflated: 99_999, code: waybill.TooLarge, says: "inflates to more than 99999 bytes"},
		{name: "gzip with too many compressed bytes", request: post(gz, "gzip"), compressed: 50, code: waybill.TooLarge, says: "more than 50"},
		{name: "gzip cut in half", request: post(half(gz), "gzip"), code: waybill.Invalid, says: "inflate gzip"},
		{name: "gzip with a wrong checksum", request: post(flip(gz, len(gz)-5), "gzip"), code: waybill.Invalid, says: "checksum"},
		{name: "gzip with something after it", request: post(append(bytes.Clone(gz), "junk"...), "gzip"), code: waybill.Invalid, says: "inflate gzip"},
		{name: "gzip that is none", request: post(text, "gzip"), code: waybill.Invalid, says: "inflate gzip"},
		{name: "gzip without a body", request: httptest.NewRequest(http.MethodGet, "/", nil), want: nil},
		{name: "zstd as a stream", request: post(zs, "zstd"), want: text},
		{name: "zstd of known size", request: post(zstandard(t, text, false), "zstd"), want: text},
		{
			name: "zstd that fits the bound in one segment larger than the usual window", inflated: 16 << 20,
			request: post(zstandard(t, large, false), "zstd"), want: large,
		},
		{
			name: "zstd that inflates to more than anyone expects", inflated: 16 << 20,
			request: post(zstandard(t, large, true), "zstd"), want: large,
		},
		{name: "zstd of two frames", request: post(append(zstandard(t, text[:5], false), zstandard(t, text[5:], true)...), "zstd"), want: text},
		{name: "zstd of exactly the bound", request: post(zs, "zstd"), inflated: 100_000, want: text},
		{name: "zstd of one byte more", request: post(zs, "zstd"), inflated: 99_999, code: waybill.TooLarge, says: "inflates to more than 99999 bytes"},
		{
			name:    "zstd with a window larger than the bound",
			request: post(zstandard(t, text, true, zstd.WithWindowSize(8<<20)), "zstd"), inflated: 100_000, want: text,
		},
		{
			name:    "zstd with a huge window",
			request: post(zstandard(t, text, true, zstd.WithWindowSize(64<<20)), "zstd"), code: waybill.TooLarge, says: "window is larger than 8388608 bytes",
		},
		{name: "zstd cut in half", request: post(half(zs), "zstd"), code: waybill.Invalid, says: "inflate zstd"},
		{name: "zstd that is none", request: post(text, "zstd"), code: waybill.Invalid, says: "inflate zstd"},
		{name: "stacked encodings", request: post(gz, "gzip, gzip"), code: waybill.Invalid, says: `"gzip, gzip" is not one of identity, gzip, zstd`},
		{name: "stacked encodings in two headers", request: post(gz, "gzip", "zstd"), code: waybill.Invalid, says: `"gzip,zstd"`},
		{name: "an unknown encoding", request: post(gz, "br"), code: waybill.Invalid, says: `"br"`},
		{name: "an endless name of an encoding", request: post(gz, strings.Repeat("b", 5000)), code: waybill.Invalid, says: "is not one of"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.compressed == 0 {
				tt.compressed = 1 << 20
			}
			if tt.inflated == 0 {
				tt.inflated = 1 << 20
			}
			if tt.want == nil && tt.code == "" {
				tt.request.Header.Set("Content-Encoding", "gzip")
			}
			got, err := dialect.ReadInflated(tt.request, tt.compressed, tt.inflated)
			check(t, err, tt.code, tt.says)
			if err != nil && len(err.Error()) > 200 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			if !bytes.Equal(got, tt.want) {
				t.Errorf("%d bytes, want %d", len(got), len(tt.want))
			}
		})
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// A bomb inflates to much more than the bound. It must cost neither memory nor
// time beyond the bound.
func TestReadInflatedBombs(t *testing.T) {
	const bound = 1 << 20
	zeros := make([]byte, 64<<20)
	tests := []struct {
		name, encoding string
		body           []byte
	}{
		{"gzip of one member", "gzip", gzipped(t, zeros)},
		{"gzip of many members", "gzip", bytes.Repeat(gzipped(t, zeros[:64<<10]), 4000)},
		{"gzip of empty members", "gzip", bytes.Repeat(gzipped(t, nil), 40_000)},
		{"zstd of unknown size", "zstd", zstandard(t, zeros, true)},
		{"zstd of known size", "zstd", zstandard(t, zeros, false)},
		{"zstd of many frames", "zstd", bytes.Repeat(zstandard(t, zeros[:64<<10], false), 4000)},
		{"zstd of frames without contents", "zstd", bytes.Repeat([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0}, 100_000)},
		{"zstd that announces more than there is", "zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got, err := dialect.ReadInflated(post(tt.body, tt.encoding), 8<<20, bound)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d bytes: %d MiB allocated in all, %v", len(tt.body), allocated, took)
			if len(got) > 0 || err != nil && waybill.CodeOf(err) != waybill.TooLarge {
				t.Errorf("%d bytes, error %v", len(got), err)
			}
			if allocated > 64 || took > 5*time.Second {
				t.Errorf("cost %d MiB and %v", allocated, took)
			}
		})
	}
}

func BenchmarkReadInflated(b *testing.B) {
	text := []byte(strings.Repeat(`{"message":"m-1","status":"delivered"}`+"\n", 1000))
	for name, body := range map[string][]byte{
		"identity": text, "gzip": gzipped(b, text), "zstd": zstandard(b, text, true),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dialect.ReadInflated(post(body, name), 1<<20, 16<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
