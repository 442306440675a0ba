package rest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parquet-go/parquet-go"

	"waybill"
	"waybill/internal/store/storetest"
)

func TestFormats(t *testing.T) {
	f := metricsFixture(t)
	const query = range1 + "granularity=total&group_by=template&rates=true&metrics=sent,read&time_zone=Asia/Jakarta"
	for _, tt := range []struct{ accept, format, contentType string }{
		{"", "", "application/json; charset=utf-8"},
		{"*/*", "", "application/json; charset=utf-8"},
		{"text/html, */*;q=0.8", "", "application/json; charset=utf-8"},
		{"text/*", "", "text/csv; charset=utf-8; header=present"},
		{"Text/CSV", "", "text/csv; charset=utf-8; header=present"},
		{"application/json;q=0.5, text/csv;q=0.4", "", "application/json; charset=utf-8"},
		{"application/json;q=0, */*;q=0.1", "", "text/csv; charset=utf-8; header=present"},
		{"application/jsonl", "", "application/x-ndjson"},
		{"application/vnd.apache.parquet, */*;q=0.1", "", "application/vnd.apache.parquet"},
		{"text/html", "csv", "text/csv; charset=utf-8; header=present"},
		{"text/csv", "json", "application/json; charset=utf-8"},
		{"", "ndjson", "application/x-ndjson"},
		{"", "parquet", "application/vnd.apache.parquet"},
	} {
		q := query
		if tt.format != "" {
			q += "&format=" + tt.format
		}
		w := f.metrics(q, "Accept", tt.accept)
		h := w.Header()
		if w.Code != 200 || h.Get("Content-Type") != tt.contentType || h.Get("Vary") != "Accept, Authorization" || h.Get("ETag") == "" {
			t.Errorf("Accept %q, format %q: answered %d %v %.200s", tt.accept, tt.format, w.Code, h, w.Body)
		}
		name, attached := h.Get("Content-Disposition"), !strings.Contains(tt.contentType, "/json")
		if attached != strings.HasPrefix(name, `attachment; filename="getMetrics.`) {
			t.Errorf("Accept %q, format %q: Content-Disposition is %q", tt.accept, tt.format, name)
		}
	}
	const start, end = "2026-11-18T00:00:00+07:00", "2026-11-20T00:00:00+07:00"
	wantRows := []string{
		start + "," + end + ",,1,0,0,,0.5,", start + "," + end + ",t1,2,1,1,0.5,0,0", start + "," + end + ",t2,1,0,1,0,0.5,1",
	}
	records, err := csv.NewReader(f.metrics(query + "&format=csv").Body).ReadAll()
	if err != nil || len(records) != 4 {
		t.Fatalf("CSV %q, %v", records, err)
	}
	for i, want := range append([]string{"start,end,template,sent,read,delivered_rate,read_rate,failed_rate,clicked_rate"}, wantRows...) {
		if got := strings.Join(records[i], ","); got != want {
			t.Errorf("record %d is %s, want %s", i, got, want)
		}
	}
	var rows []string
	for d := json.NewDecoder(f.metrics(query + "&format=ndjson").Body); ; {
		var r struct {
			Start, End, Template string
			Sent, Read           int
			Delivered            *float64 `json:"delivered_rate"`
			ReadRate             *float64 `json:"read_rate"`
			Failed               *float64 `json:"failed_rate"`
			Clicked              *float64 `json:"clicked_rate"`
		}
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		cells := []string{r.Start, r.End, r.Template, fmt.Sprint(r.Sent), fmt.Sprint(r.Read)}
		for _, rate := range []*float64{r.Delivered, r.ReadRate, r.Failed, r.Clicked} {
			if rate == nil {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, fmt.Sprint(*rate))
		}
		rows = append(rows, strings.Join(cells, ","))
	}
	if got, want := strings.Join(rows, "\n"), strings.Join(wantRows, "\n"); got != want {
		t.Errorf("NDJSON\n%s\nwant\n%s", got, want)
	}
	body := f.metrics(query + "&format=parquet").Body.Bytes()
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil || file.NumRows() != 3 || len(file.Schema().Columns()) != 9 {
		t.Errorf("Parquet: %v", err)
	}
}

// What streams itself writes what its type says.
func TestStreamedJSONIsItsType(t *testing.T) {
	f := metricsFixture(t)
	body := f.metrics(range1 + "granularity=hour&group_by=template,channel,kind&rates=true").Body.Bytes()
	var answer metricsAnswer
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Points) < 5 {
		t.Fatalf("%v in %s", err, body)
	}
	var again bytes.Buffer
	e := json.NewEncoder(&again)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(again.Bytes()), body) {
		t.Errorf("answered %s\nits type is %s", body, again.Bytes())
	}
}

func TestETags(t *testing.T) {
	f := metricsFixture(t)
	for _, path := range []string{
		"/waybill/v1/version", "/waybill/v1/metrics?" + range1, "/waybill/v1/metrics?format=csv&" + range1, "/waybill/v1/messages/first/a",
		"/waybill/v1/openapi.json", "/waybill/v1/labels/template",
	} {
		w := f.do("GET", path, "token-one", "")
		etag := w.Header().Get("ETag")
		if w.Code != 200 || len(etag) < 10 || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: answered %d %v", path, w.Code, w.Header())
		}
		for header, want := range map[string]int{
			etag: 304, `"x", W/` + etag: 304, "*": 304, `"x"`: 200, strings.Trim(etag, `"`): 200,
		} {
			again := f.do("GET", path, "token-one", "", "If-None-Match", header)
			if again.Code != want || (want == 304) != (again.Body.Len() == 0) || again.Header().Get("ETag") != etag {
				t.Errorf("%s with If-None-Match %s: answered %d %.100s", path, header, again.Code, again.Body)
			}
		}
		if w := f.do("GET", path, "token-one", "", "If-None-Match", etag); w.Header().Get("Content-Type") != "" {
			t.Errorf("%s: a 304 has the content type %s", path, w.Header().Get("Content-Type"))
		}
	}
	before := f.metrics(range1).Header().Get("ETag")
	f.post(`{"channel":"first","message":"z","status":"sent","at":"2026-11-18T17:10:00Z"}`)
	if after := f.metrics(range1).Header().Get("ETag"); after == before {
		t.Error("another answer has the same ETag")
	}
	if w := f.post(sent, "If-None-Match", "*"); w.Code != 200 || w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a POST is answered %d %v", w.Code, w.Header())
	}
}

func TestHead(t *testing.T) {
	f := metricsFixture(t)
	s := httptest.NewServer(f)
	defer s.Close()
	ask := func(method string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/waybill/v1/metrics?"+range1, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer token-one")
		w, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	get, head := ask("GET"), ask("HEAD")
	defer get.Body.Close()
	defer head.Body.Close()
	body, err := io.ReadAll(head.Body)
	if err != nil || len(body) != 0 || head.StatusCode != 200 {
		t.Errorf("HEAD is answered %d %s, %v", head.StatusCode, body, err)
	}
	for _, name := range []string{"ETag", "Content-Length", "Content-Type"} {
		if g, h := get.Header.Get(name), head.Header.Get(name); g != h || g == "" {
			t.Errorf("%s is %q of GET and %q of HEAD", name, g, h)
		}
	}
}

// A storm is a store with as many points as are wanted.
type storm struct {
	waybill.Store
	points int
}

func (s storm) Points(_ context.Context, q waybill.Query) ([]waybill.Point, error) {
	points := make([]waybill.Point, s.points)
	for i := range points {
		points[i] = waybill.Point{Bucket: waybill.Bucket{Start: waybill.Instant(i), End: waybill.Instant(i + 1)}}
		for range q.GroupBy {
			points[i].Key = append(points[i].Key, fmt.Sprint(i))
		}
		points[i].Counts[waybill.Sent] = 1
	}
	return points, nil
}

// An answer of more than a MiB is sent as it is made, whole and without an ETag.
func TestLargeAnswers(t *testing.T) {
	f := newFixture(t, storm{storetest.NewModel(), 20_000})
	for _, format := range []string{"json", "csv", "ndjson", "parquet"} {
		w := f.metrics("last=1d&group_by=template&format=" + format)
		if w.Code != 200 || (w.Header().Get("ETag") == "") != (w.Body.Len() > maxHeld) {
			t.Errorf("%s: answered %d %v, %d bytes", format, w.Code, w.Header(), w.Body.Len())
		}
		switch format {
		case "json":
			var answer metricsAnswer
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Points) != 20_000 || w.Body.Len() < maxHeld {
				t.Errorf("%d points in %d bytes of JSON, %v", len(answer.Points), w.Body.Len(), err)
			}
		case "csv":
			if n := strings.Count(w.Body.String(), "\r\n"); n != 20_001 {
				t.Errorf("%d lines of CSV", n)
			}
		}
	}
	f = newFixture(t, storm{storetest.NewModel(), maxSeries + 1})
	wantProblem(t, f.metrics("last=1d"), 413, "the answer would have 300001 points, more than 300000")
}

// Where the rest of a large answer cannot be made, its connection is broken off.
func TestLargeAnswerIsBrokenOff(t *testing.T) {
	s := &sending{w: httptest.NewRecorder(), call: &call{Request: httptest.NewRequest("GET", "/", nil), route: &routes()[0]}}
	if _, err := s.Write(make([]byte, maxHeld+1)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if failure := recover(); failure == nil {
			t.Error("the handler ends as if all were well")
		}
	}()
	_ = s.finish(io.ErrShortWrite)
}

// A still store does not answer until it is told to, or given up.
type still struct {
	waybill.Store
	asked, answer chan struct{}
}

func (s still) Points(ctx context.Context, _ waybill.Query) ([]waybill.Point, error) {
	s.asked <- struct{}{}
	select {
	case <-s.answer:
		return nil, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("points: %w", ctx.Err())
	}
}

func TestHeavyCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := still{storetest.NewModel(), make(chan struct{}, maxHeavy), make(chan struct{})}
		f := newFixture(t, store)
		answers := make(chan *httptest.ResponseRecorder, maxHeavy)
		ask := func(token string) *httptest.ResponseRecorder {
			return f.do("GET", "/waybill/v1/metrics?last=7d", token, "")
		}
		refused := func(token string) {
			t.Helper()
			start := time.Now()
			w := ask(token)
			wantProblem(t, w, 503, "other calls that read much are in progress")
			if took := time.Since(start); took != heavyWait || w.Header().Get("Retry-After") != "1" {
				t.Errorf("refused after %v, Retry-After %q", took, w.Header().Get("Retry-After"))
			}
		}
		for range maxOwnHeavy {
			go func() { answers <- ask("token-reader") }()
		}
		for range maxOwnHeavy {
			<-store.asked
		}
		refused("token-one") // of the same account
		go func() { answers <- ask("token-two") }()
		<-store.asked
		refused(f.operator)
		if w := f.do("GET", "/waybill/v1/version", "token-one", ""); w.Code != 200 {
			t.Errorf("another call is answered %d %s", w.Code, w.Body)
		}
		store.answer <- struct{}{}
		if w := <-answers; w.Code != 200 {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
		start := time.Now()
		for range maxHeavy - 1 {
			wantProblem(t, <-answers, 413, "the answer takes more than 20 seconds to find: ask for a shorter time, fewer channels or fewer groups")
		}
		if took := time.Since(start); took > heavyTime {
			t.Errorf("given up after %v", took)
		}
		go func() { answers <- f.metrics("last=7d") }() // others can go on now
		<-store.asked
		store.answer <- struct{}{}
		if w := <-answers; w.Code != 200 {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

func TestPage(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for path, want := range map[string]struct {
		status      int
		contentType string
		text        string
	}{
		"/waybill/docs":                      {200, "text/html; charset=utf-8", "swagger-ui-bundle.js"},
		"/waybill/docs/":                     {200, "text/html; charset=utf-8", "swagger-ui-bundle.js"},
		"/waybill/docs/page.js":              {200, "text/javascript; charset=utf-8", "/waybill/v1/openapi.json"},
		"/waybill/docs/page.css":             {200, "text/css; charset=utf-8", "body"},
		"/waybill/docs/swagger-ui-bundle.js": {200, "application/javascript", "SwaggerUIBundle"},
		"/waybill/docs/swagger-ui.css":       {200, "text/css", ".swagger-ui"},
		"/waybill/docs/nothing":              {404, "", ""},
		"/waybill/docs/../v1/version":        {404, "", ""},
		"/waybill/docsx":                     {401, "", ""},
	} {
		w := f.do("GET", path, "", "")
		if w.Code != want.status || want.status == 200 && !strings.HasPrefix(w.Header().Get("Content-Type"), want.contentType) ||
			!strings.Contains(w.Body.String(), want.text) {
			t.Errorf("%s: answered %d %v %.100s", path, w.Code, w.Header(), w.Body)
		}
		if policy := w.Header().Get("Content-Security-Policy"); want.status != 401 && !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	if w := f.do("POST", "/waybill/docs", "", "x"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST is answered %d %v", w.Code, w.Header())
	}
}
