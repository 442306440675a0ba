package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"waybill/internal/event"
	"waybill/internal/store/storetest"
)

func TestBodies(t *testing.T) {
	a, b, bad := line(`,"segment":"a"`), strings.Replace(line(""), `"m"`, `"n"`, 1), line(`,"statsu":"read"`)
	const rejected = `"error":"field statsu is unknown, did you mean \"status\"?"`
	for _, tt := range []struct{ name, body, want string }{
		{"one line", a, `{"received":1,"changed":1,"rejected":[]}`},
		{"two lines", a + "\n" + b + "\n", `{"received":2,"changed":2,"rejected":[]}`},
		{"lines that end as on Windows", a + "\r\n" + b + "\r\n", `{"received":2,"changed":2,"rejected":[]}`},
		{"a byte order mark", "\xef\xbb\xbf" + a, `{"received":1,"changed":1,"rejected":[]}`},
		{"repetition", a + "\n" + a, `{"received":2,"changed":1,"rejected":[]}`},
		{"a bad line between blank ones", "\n" + a + "\n \t\n" + bad + "\n" + b, `{"received":3,"changed":2,"rejected":[{"line":4,` + rejected + `}]}`},
		{"an array", "[" + a + ",\n" + b + "]\n", `{"received":2,"changed":2,"rejected":[]}`},
		{"an array behind white space", "\r\n [" + a + "]", `{"received":1,"changed":1,"rejected":[]}`},
		{"an empty array", "[]", `{"received":0,"changed":0,"rejected":[]}`},
		{"a bad element", "[" + a + "," + bad + "," + b + "]", `{"received":3,"changed":2,"rejected":[{"line":2,` + rejected + `}]}`},
		{"an element with a name twice", "[" + line(`,"at":5`) + "," + b + "]", `{"received":2,"changed":1,"rejected":[{"line":1,"error":"at is given twice"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, storetest.NewModel())
			wantJSON(t, f.post(tt.body), 200, tt.want)
		})
	}
}

func TestRefusedBodies(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	a := line("")
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"nothing", "", 400, "the body is empty"},
		{"half an array", "[" + a + "," + a, 400, "the array ends early, after element 2"},
		{"something behind an array", "[" + a + "]" + a, 400, "something follows the array, at byte 80"},
		{"too many lines", strings.Repeat("{}\n", event.MaxEvents+1), 413, "the body has more than 100000 events"},
		{"too many bytes", strings.Repeat("{}\n", event.MaxBody/3+1), 413, "the body has 67108866 bytes, more than 67108864"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantProblem(t, f.post(tt.body), tt.status, tt.want)
		})
	}
	if n := f.stored(t); n != 0 {
		t.Errorf("%d messages stored of refused bodies", n)
	}
}

func TestContentTypes(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for kind, want := range map[string]int{
		"": 200, "application/json": 200, "application/x-ndjson": 200, "text/plain; charset=utf-8": 200,
		"application/vnd.acme+json": 200, "Application/JSONL": 200,
		"text/html": 415, "application/x-www-form-urlencoded": 200, "multipart/form-data; boundary=x": 415,
		"nonsense;;": 415,
	} {
		w := f.post(sent, "Content-Type", kind)
		if w.Code != want {
			t.Errorf("content type %q: answered %d %s, want %d", kind, w.Code, w.Body, want)
		}
		if accept := w.Header().Get("Accept-Post"); (want == 415) != strings.Contains(accept, "application/x-ndjson") {
			t.Errorf("content type %q: Accept-Post is %q", kind, accept)
		}
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // into memory
	_ = z.Close()
	return b.String()
}

func TestCompressedBodies(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := strings.Repeat(" ", event.MaxBody+1)
	for _, tt := range []struct {
		name, encoding, body string
		status               int
	}{
		{"gzip", "gzip", gzipped(sent), 200},
		{"zstd", "zstd", string(z.EncodeAll([]byte(sent), nil)), 200},
		{"gzip bomb", "gzip", gzipped(bomb), 413},
		{"zstd bomb", "zstd", string(z.EncodeAll([]byte(bomb), nil)), 413},
		{"half of gzip", "gzip", gzipped(sent)[:40], 400},
		{"no gzip", "gzip", sent, 400},
		{"an unknown encoding", "br", sent, 400},
		{"twice gzip", "gzip, gzip", gzipped(gzipped(sent)), 400},
		{"much gzip", "gzip", strings.Repeat("\x1f", maxCompressed+1), 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if w := f.post(tt.body, "Content-Encoding", tt.encoding); w.Code != tt.status {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
	if n := f.stored(t); n != 1 {
		t.Errorf("%d messages stored, want 1", n)
	}
}

func TestManyLines(t *testing.T) {
	f := newFixture(t, discard{storetest.NewModel()})
	var b strings.Builder
	for i := range event.MaxEvents {
		fields := `,"recipient":"+62 812-3456-7890"`
		if i%50 == 49 {
			fields = `,"recipent":"1"`
		}
		fmt.Fprintln(&b, strings.Replace(line(fields), `"m"`, fmt.Sprintf(`"m-%d"`, i), 1))
	}
	body := gzipped(b.String())
	w := f.post(body, "Content-Encoding", "gzip")
	var answer event.Report
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("answered %d %.200s", w.Code, w.Body)
	}
	if answer.Received != event.MaxEvents || *answer.Changed != event.MaxEvents-2000 ||
		len(answer.Rejected) != event.MaxRejected || answer.Omitted != 1000 || answer.Rejected[999].Line != 50_000 {
		t.Errorf("received %d, changed %d, rejected %d and %d, the last on line %d", answer.Received,
			*answer.Changed, len(answer.Rejected), answer.Omitted, answer.Rejected[999].Line)
	}
}
