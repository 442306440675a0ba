package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/store/storetest"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// tenants are two accounts with a channel each, and one they share.
const tenants = `
accounts:
  - id: "1000000000000001"
    tokens:
      - {name: all, token: token-one, scopes: [admin]}
      - {name: writer, token: token-writer, scopes: ["events:write"], channels: [first]}
      - {name: reader, token: token-reader, scopes: ["metrics:read"]}
      - {name: old, token: token-old, scopes: [admin], expires: 2026-11-20T11:00:00Z}
  - id: "1000000000000002"
    tokens:
      - {name: all, token: token-two, scopes: [admin]}
channels:
  - {id: first, provider: chatapp, account: "1000000000000001"}
  - {id: second, provider: waba, account: "1000000000000002"}
  - {id: shared, provider: momo, account: "1000000000000002", isv: "1000000000000001"}
`

// A fixture is an API on a store in memory.
type fixture struct {
	*API
	store    waybill.Store
	operator string // secret of the operator's token
}

// blind is a store that cannot tell what changed.
type blind struct{ waybill.Store }

func (b blind) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	_, err := b.Store.Append(ctx, events)
	return nil, err
}

func (blind) Prepare(events waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: events.Events()}, nil
}

func (b blind) Commit(ctx context.Context, batches []waybill.Batch) {
	storetest.CommitPlain(ctx, batches, b.Append)
}

func newFixture(t testing.TB, store waybill.Store) *fixture {
	t.Helper()
	now := func() time.Time { return noon }
	d, err := directory.Open(t.Context(), store, directory.Key{1}, directory.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	document, err := directory.Parse(strings.NewReader(tenants), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), document, directory.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	operator, err := d.IssueToken(t.Context(), waybill.Token{Name: "operator", Scopes: []string{waybill.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	recorder := ingest.NewRecorder(store, ingest.RecorderOptions{Now: now})
	t.Cleanup(func() {
		if err := recorder.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &fixture{
		API:   New(Options{Directory: d, Recorder: recorder, Store: store, Now: now, Version: "1.2.3"}),
		store: store, operator: operator,
	}
}

// do sends a request with a token, if one is given.
func (f *fixture) do(method, path, token, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r = r.WithContext(dialect.NewScope(r.Context(), "request-1"))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// post sends events as the first account.
func (f *fixture) post(body string, header ...string) *httptest.ResponseRecorder {
	return f.do("POST", "/waybill/v1/events", "token-one", body, header...)
}

// message returns the history of a message, or fails.
func (f *fixture) message(t *testing.T, channel, id string) waybill.Message {
	t.Helper()
	c, ok := f.opt.Directory.View().Channel(channel)
	if !ok {
		t.Fatalf("channel %s is unknown", channel)
	}
	m, err := f.store.Message(t.Context(), c.Number, id)
	if err != nil {
		t.Fatalf("message %s of %s: %v", id, channel, err)
	}
	return m
}

// stored returns how many messages a channel counts.
func (f *fixture) stored(t *testing.T) int64 {
	t.Helper()
	var all []waybill.ChannelNumber
	for _, c := range f.opt.Directory.View().Channels() {
		all = append(all, c.Number)
	}
	points, err := f.store.Points(t.Context(), waybill.Query{Channels: all, To: waybill.MaxInstant})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, p := range points {
		n += p.Counts[waybill.Accepted]
	}
	return n
}

// wantJSON compares a body with JSON that may have other white space.
func wantJSON(t *testing.T, w *httptest.ResponseRecorder, status int, want string) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatalf("%v in %s", err, want)
	}
	if got := w.Body.String(); w.Code != status || got != compact.String() {
		t.Errorf("answered %d %s\n    want %d %s", w.Code, got, status, compact.String())
	}
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	wantJSON(t, w, status, fmt.Sprintf(
		`{"type":"about:blank","title":%q,"status":%d,"detail":%s,"request_id":"request-1"}`,
		http.StatusText(status), status, quote(detail)))
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q of a problem", got)
	}
}

func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // of a string cannot fail
	return strings.TrimSpace(b.String())
}

const sent = `{"channel":"first","message":"m-1","status":"sent","at":"2026-11-20T10:00:00Z"}`

func TestCallsAreAuthorized(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const missing = "the header Authorization: Bearer <token> is missing"
	const wrong = "the token is unknown or has expired"
	for _, tt := range []struct {
		name          string
		method, path  string
		authorization string
		status        int
		detail        string
		challenge     string
	}{
		{"no token", "POST", "/waybill/v1/events", "", 401, missing, `Bearer realm="waybill"`},
		{"another scheme", "POST", "/waybill/v1/events", "Basic dG9rZW4=", 401, missing, `Bearer realm="waybill"`},
		{"an empty token", "POST", "/waybill/v1/events", "Bearer ", 401, missing, `Bearer realm="waybill"`},
		{"a wrong token", "POST", "/waybill/v1/events", "Bearer nobody", 401, wrong, `Bearer realm="waybill", error="invalid_token"`},
		{"an expired token", "POST", "/waybill/v1/events", "Bearer token-old", 401, wrong, `Bearer realm="waybill", error="invalid_token"`},
		{"a stranger at a path that is not there", "GET", "/waybill/v1/nothing", "", 401, missing, `Bearer realm="waybill"`},
		{
			"a token that may only read", "POST", "/waybill/v1/events", "Bearer token-reader", 403,
			"the token needs the scope events:write", `Bearer realm="waybill", error="insufficient_scope", scope="events:write"`,
		},
		{
			"a token that may only write", "GET", "/waybill/v1/messages/first/m", "Bearer token-writer", 403,
			"the token needs the scope metrics:read", `Bearer realm="waybill", error="insufficient_scope", scope="metrics:read"`,
		},
		{
			"an account's admin at the directory", "POST", "/waybill/v1/directory", "Bearer token-one", 403,
			"the call needs the operator's token, which has the scope admin and no account",
			`Bearer realm="waybill", error="insufficient_scope", scope="admin"`,
		},
		{"a path that is not there", "GET", "/waybill/v1/nothing", "Bearer token-one", 404, `nothing is at "/waybill/v1/nothing"`, ""},
		{"a path that ends too late", "POST", "/waybill/v1/events/", "Bearer token-one", 404, `nothing is at "/waybill/v1/events/"`, ""},
		{"an empty part of a path", "GET", "/waybill/v1/messages//m", "Bearer token-one", 404, `nothing is at "/waybill/v1/messages//m"`, ""},
		{"another method", "GET", "/waybill/v1/events", "Bearer token-one", 405, `"/waybill/v1/events" takes POST, not "GET"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := f.do(tt.method, tt.path, "", sent, "Authorization", tt.authorization)
			wantProblem(t, w, tt.status, tt.detail)
			if got := w.Header().Get("WWW-Authenticate"); got != tt.challenge {
				t.Errorf("challenge %q, want %q", got, tt.challenge)
			}
			if allow := w.Header().Get("Allow"); (tt.status == 405) != (allow == "POST") {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
	if n := f.stored(t); n != 0 {
		t.Errorf("%d messages stored by refused calls", n)
	}
}

// What takes GET takes HEAD, and says so.
func TestWrongMethods(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for path, want := range map[string]string{
		"/metrics": "GET, HEAD", "/events": "POST", "/channels/first": "DELETE, GET, HEAD, PUT", "/channels/first/segments": "GET, HEAD, POST",
	} {
		w := f.do("PATCH", api+path, "token-one", "")
		wantProblem(t, w, 405, fmt.Sprintf(`%q takes %s, not "PATCH"`, api+path, want))
		if allow := w.Header().Get("Allow"); allow != want {
			t.Errorf("%s: Allow is %q, want %q", path, allow, want)
		}
	}
}

func TestTwoAuthorizationHeadersAreNone(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	r := httptest.NewRequest("GET", "/waybill/v1/version", nil)
	r.Header["Authorization"] = []string{"Bearer token-one", "Bearer token-two"}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("answered %d, want 401", w.Code)
	}
}

func TestVersion(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	wantJSON(t, f.do("GET", "/waybill/v1/version", "token-reader", ""), 200, `{"version":"1.2.3"}`)
}

func TestMatch(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for path, want := range map[string]bool{
		"/waybill/v1/events": true, "/waybill/": true, "/waybill": false, "/waybills/v1": false, "/": false,
	} {
		if got := f.Match(httptest.NewRequest("GET", path, nil)); got != want {
			t.Errorf("Match(%s) = %t", path, got)
		}
	}
}

func TestMessage(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const id = "wamid.a/b=="
	w := f.post(`{"channel":"first","message":"` + id + `","status":"read","at":"2026-11-20T10:05:00.9Z","recipient":"+62 812-3456-7890"}
{"channel":"first","message":"` + id + `","status":"sent","at":1763632800123,"template":"1100","campaign":"c-7"}
{"channel":"first","message":"` + id + `","status":"clicked","at":"2026-11-20T10:06:00Z","click":"k","button":{"type":"quick_reply_button","text":"Yes"}}
{"channel":"first","message":"m-2","status":"failed","at":"2026-11-20T10:00:00Z","error":{"code":131026,"title":"Undeliverable"}}
`)
	wantJSON(t, w, 200, `{"received":4,"changed":4,"rejected":[]}`)
	get := func(token, path string) *httptest.ResponseRecorder {
		return f.do("GET", "/waybill/v1/messages/"+path, token, "")
	}
	wantJSON(t, get("token-reader", "first/wamid.a%2Fb=="), 200, `{
		"channel":"first","message":"wamid.a/b==","recipient":"6281234567890","kind":"template","collected":false,
		"stages":{"sent":"2025-11-20T10:00:00Z","read":"2026-11-20T10:05:00Z"},
		"reached":{"accepted":"2025-11-20T10:00:00Z","sent":"2025-11-20T10:00:00Z","delivered":"2026-11-20T10:05:00Z","read":"2026-11-20T10:05:00Z"},
		"labels":{"campaign":"c-7","country":"ID","template":"1100"},
		"clicks":[{"id":"k","at":"2026-11-20T10:06:00Z","button":{"type":"quick_reply_button","text":"Yes"}}]}`)
	wantJSON(t, get("token-reader", "first/m-2"), 200, `{
		"channel":"first","message":"m-2","kind":"session","collected":false,
		"stages":{"failed":"2026-11-20T10:00:00Z"},
		"reached":{"accepted":"2026-11-20T10:00:00Z","failed":"2026-11-20T10:00:00Z"},
		"failure":{"code":"131026","title":"Undeliverable"},"labels":{},"clicks":[]}`)
	wantProblem(t, get("token-reader", "first/m-3"), 404, `message "m-3" of channel "first" is unknown`)
	wantProblem(t, get("token-two", "first/m-2"), 404, `message "m-2" of channel "first" is unknown`)
	wantProblem(t, get("token-two", "nowhere/m-2"), 404, `message "m-2" of channel "nowhere" is unknown`)
}

func TestDirectory(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	more := tenants + "  - {id: third, provider: waba, account: \"1000000000000001\"}\n"
	post := func(query, body string) *httptest.ResponseRecorder {
		return f.do("POST", "/waybill/v1/directory"+query, f.operator, body)
	}
	const change = `+ channel third (waba, account 1000000000000001)`
	dry := post("?dry_run=true", more)
	var answer applied
	if err := json.Unmarshal(dry.Body.Bytes(), &answer); err != nil || dry.Code != 200 {
		t.Fatalf("dry run answered %d %s", dry.Code, dry.Body)
	}
	if answer.Applied || len(answer.Changes) != 1 || !strings.HasPrefix(answer.Changes[0], change[:16]) {
		t.Errorf("dry run answered %+v", answer)
	}
	if _, ok := f.opt.Directory.View().Channel("third"); ok {
		t.Error("a dry run added the channel")
	}
	if w := post("", more); w.Code != 200 || !strings.Contains(w.Body.String(), `"applied":true`) {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if _, ok := f.opt.Directory.View().Channel("third"); !ok {
		t.Error("the channel was not added")
	}
	wantJSON(t, post("", more), 200, `{"changes":[],"applied":true}`)
	if w := post("?prune=true", tenants); w.Code != 200 || !strings.Contains(w.Body.String(), "- channel third") {
		t.Errorf("prune answered %d %s", w.Code, w.Body)
	}
}

func TestDirectoryRefusesMistakes(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	post := func(query, body string) *httptest.ResponseRecorder {
		return f.do("POST", "/waybill/v1/directory"+query, f.operator, body)
	}
	wantProblem(t, post("?dryrun=true", tenants), 400, `parameter "dryrun" is unknown, did you mean "dry_run"?`)
	wantProblem(t, post("?prune=yes", tenants), 400, `prune "yes" is neither true nor false`)
	wantProblem(t, post("?prune=true&prune=false", tenants), 400, `parameter prune is given 2 times`)
	if w := post("?dry_run=true;prune=true", tenants); w.Code != 400 {
		t.Errorf("semicolon: answered %d %s", w.Code, w.Body)
	}
	w := post("", "channels:\n  - {id: x, provider: pigeon}\n  - {id: \"${SECRET}\", provider: waba}\n")
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 422 || len(p.Mistakes) < 2 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	for _, want := range []string{"line 2: channels[0].provider", "line 3: "} {
		if !strings.Contains(strings.Join(p.Mistakes, "\n"), want) {
			t.Errorf("mistakes %q do not have %q", p.Mistakes, want)
		}
	}
}
