package momo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/momo"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/store/pebble"
	"waybill/internal/telemetry"
)

// noon is where the clock of every test starts, a month after the segment of
// MoMo's example was made.
var noon = time.Date(2023, 12, 27, 5, 0, 0, 0, time.UTC)

// tenants are two accounts with a page each, and a page that the first one
// operates for the second.
const tenants = `
accounts:
  - id: "1000000000000001"
    tokens:
      - {name: page, token: token-page, scopes: ["momo:report"], channels: ["130035"]}
      - {name: key, token: key-page, scopes: ["momo:report"], channels: ["130035"]}
      - {name: posts, token: token-posts, scopes: ["momo:post", "metrics:read"], channels: ["130035"]}
      - {name: old, token: token-old, scopes: ["momo:report"], expires: 2023-12-27T04:59:59Z}
      - {name: boss, token: token-boss, scopes: [admin]}
      - {name: odd, token: "odd:token!0=1", scopes: ["momo:report"]}
    momo_clients:
      - {id: acme, secret: acme-secret-0123456789, pages: ["130035"], groups: [report]}
      - {id: postman, secret: post-secret-0123456789, pages: ["130035"], groups: [post, care]}
  - id: "1000000000000002"
    tokens:
      - {name: page, token: token-other, scopes: ["momo:report"]}
channels:
  - {id: "130035", provider: momo, account: "1000000000000001", webhook_secrets: [hook-0123456789abcdef]}
  - {id: "130036", provider: momo, account: "1000000000000002", webhook_secrets: [hook-other-0123456789]}
  - {id: "130037", provider: momo, account: "1000000000000002", isv: "1000000000000001"}
  - {id: "102290129340398", provider: waba, account: "1000000000000001", webhook_secrets: [hook-waba-0123456789]}
`

// A rig is the dialect and all that it is made of.
type rig struct {
	t         testing.TB
	api       *momo.API
	store     waybill.Store
	directory *directory.Directory
	recorder  *ingest.Recorder
	metrics   *telemetry.Metrics
	budget    *dialect.Budget // of what do sends; nil is no bound
	clock     atomic.Int64
}

// newRig returns a rig on the embedded store.
func newRig(t testing.TB, options ...func(*momo.Options)) *rig {
	t.Helper()
	store, err := pebble.Open(t.TempDir(), pebble.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return newRigOn(t, store, options...)
}

func newRigOn(t testing.TB, store waybill.Store, options ...func(*momo.Options)) *rig {
	t.Helper()
	r := &rig{t: t, store: store, metrics: telemetry.New()}
	r.set(noon)
	key := directory.Key{1}
	var err error
	if r.directory, err = directory.Open(t.Context(), r.store, key, directory.Options{Now: r.now}); err != nil {
		t.Fatal(err)
	}
	r.apply(tenants)
	r.recorder = ingest.NewRecorder(r.store, ingest.RecorderOptions{Now: r.now})
	t.Cleanup(func() {
		if err := r.recorder.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	tokens, err := momo.NewTokens(key, r.now)
	if err != nil {
		t.Fatal(err)
	}
	opt := momo.Options{
		Directory: r.directory, Store: r.store, Recorder: r.recorder, Tokens: tokens,
		Now: r.now, Log: slog.New(slog.DiscardHandler), Metrics: r.metrics,
	}
	for _, o := range options {
		o(&opt)
	}
	r.api = momo.New(opt)
	return r
}

func (r *rig) now() time.Time          { return time.UnixMilli(r.clock.Load()).UTC() }
func (r *rig) set(t time.Time)         { r.clock.Store(t.UnixMilli()) }
func (r *rig) advance(d time.Duration) { r.clock.Add(d.Milliseconds()) }

func (r *rig) apply(text string) {
	r.t.Helper()
	document, err := directory.Parse(strings.NewReader(text), func(string) (string, bool) { return "", false })
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.directory.Apply(r.t.Context(), document, directory.ApplyOptions{Prune: true}); err != nil {
		r.t.Fatal(err)
	}
}

// number returns the number of a channel.
func (r *rig) number(id string) waybill.ChannelNumber {
	r.t.Helper()
	c, ok := r.directory.View().Channel(id)
	if !ok {
		r.t.Fatalf("channel %s is unknown", id)
	}
	return c.Number
}

// do sends a request, as the bearer of token-page unless headers say otherwise.
// A header without a value is left out.
func (r *rig) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	scope := dialect.NewScope(q.Context(), "request-1")
	scope.Budget = r.budget
	q = q.WithContext(scope)
	q.Header.Set("Authorization", "Bearer token-page")
	q.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if q.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			q.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	r.api.ServeHTTP(w, q)
	return w
}

const reportURL = "/api/v1/business-pages/130035/chat/messages/report"

// report asks for the report of page 130035.
func (r *rig) report(body string, headers ...string) *httptest.ResponseRecorder {
	return r.do(http.MethodPost, reportURL, body, headers...)
}

// An answer is that of a report.
type answer struct {
	JSON struct {
		PageID     string `json:"oa_id"`
		Range      int    `json:"range"`
		Unit       string `json:"date_time_unit"`
		FilterType string `json:"filter_type"`
		Data       []item `json:"data"`
	} `json:"json"`
	Success bool `json:"success"`
}

type item struct {
	Segment   string         `json:"segment_id"`
	Size      int            `json:"segment_size"`
	Content   string         `json:"template_data"`
	Status    string         `json:"segment_status"`
	Condition string         `json:"condition_id"`
	CreatedAt int64          `json:"create_at"`
	Reports   map[string]int `json:"reports"`
}

// answered returns the answer to a report's call, which must succeed.
func (r *rig) answered(body string, headers ...string) answer {
	r.t.Helper()
	w := r.report(body, headers...)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || !a.Success {
		r.t.Fatalf("%s is answered %d %s", body, w.Code, w.Body)
	}
	return a
}

// listed returns the IDs of the segments of an answer.
func (r *rig) listed(body string) []string {
	r.t.Helper()
	var ids []string
	for _, i := range r.answered(body).JSON.Data {
		ids = append(ids, i.Segment)
	}
	return ids
}

// refused checks an answer that is an error: status, code, and what the English
// text says.
func (r *rig) refused(w *httptest.ResponseRecorder, status, code int, says string) {
	r.t.Helper()
	var f map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
		r.t.Fatalf("answered %d %s: %v", w.Code, w.Body, err)
	}
	want := map[string]any{
		"json": nil, "success": false, "status": float64(code), "resultCode": float64(code), "requestId": "request-1",
	}
	for key, value := range want {
		if have, ok := f[key]; !ok || have != value {
			r.t.Errorf("%s is %v in %s, want %v", key, have, w.Body, value)
		}
	}
	english, _ := f["description"].(string)
	vietnamese, _ := f["message"].(string)
	if w.Code != status || !strings.Contains(english, says) || vietnamese == "" || vietnamese == english || len(f) != 7 {
		r.t.Errorf("answered %d %s, want %d and %q", w.Code, w.Body, status, says)
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/json; charset=utf-8" {
		r.t.Errorf("Content-Type is %q", kind)
	}
}

// put stores a segment of page 130035 that was made before noon.
func (r *rig) put(id string, before time.Duration, options ...func(*waybill.Segment)) waybill.Segment {
	r.t.Helper()
	g := waybill.Segment{Channel: r.number("130035"), ID: id, CreatedAt: noon.Add(-before).UnixMilli()}
	for _, o := range options {
		o(&g)
	}
	stored, err := r.store.PutSegments(r.t.Context(), []waybill.Segment{g})
	if err != nil {
		r.t.Fatal(err)
	}
	return stored[0]
}

// putMany stores n segments, a minute apart, and returns their IDs as they are
// listed.
func (r *rig) putMany(n int) []string {
	r.t.Helper()
	var segments []waybill.Segment
	ids := make([]string, n)
	for i := range n {
		id := fmt.Sprintf("s%05d", n-i)
		ids[i] = id
		segments = append(segments, waybill.Segment{
			Channel: r.number("130035"), ID: id, CreatedAt: noon.UnixMilli() - int64(i)*60_000,
		})
	}
	if _, err := r.store.PutSegments(r.t.Context(), segments); err != nil {
		r.t.Fatal(err)
	}
	return ids
}

// record records own events, one on each line, through the webhook.
func (r *rig) record(lines ...string) {
	r.t.Helper()
	w := r.hook(strings.Join(lines, "\n"))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"rejected":[]`) {
		r.t.Fatalf("the events are answered %d %s", w.Code, w.Body)
	}
}

const hookPath = "/webhooks/momo/hook-0123456789abcdef"

// hook posts a body to the webhook of page 130035.
func (r *rig) hook(body string) *httptest.ResponseRecorder {
	return r.do(http.MethodPost, hookPath, body, "Authorization", "")
}

// tell is an own event of a message of a segment.
func tell(segment, message, status string, seconds int) string {
	return fmt.Sprintf(`{"message":%q,"status":%q,"at":%d,"segment":%q}`,
		message, status, noon.Add(time.Duration(seconds)*time.Second).UnixMilli(), segment)
}

func ids(n int, reports []item) []string {
	list := make([]string, 0, n)
	for _, i := range reports {
		list = append(list, i.Segment)
	}
	return list
}
