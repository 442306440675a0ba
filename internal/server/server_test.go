package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"waybill/internal/dialect"
	"waybill/internal/server"
)

func TestRouting(t *testing.T) {
	s := start(t, server.Options{}, echo("meta", "/v2"), echo("momo", "/api"), echo("rest", "/waybill/v1/"))
	tests := []struct {
		name, method, path string
		status             int
		want               string // the start of the body
	}{
		{"a call of the first", "GET", "/v24.0/1", 200, "meta /v24.0/1"},
		{"a call of another", "GET", "/api/x", 200, "momo /api/x"},
		{"a doubled slash is left alone", "GET", "/v24.0//1", 200, "meta /v24.0//1"},
		{"dots are left alone", "GET", "/v24.0/../1/./", 200, "meta /v24.0/../1/./"},
		{"a POST to a doubled slash too", "POST", "/v24.0//1", 200, "meta /v24.0//1"},
		{"a webhook", "POST", "/webhooks/momo/s", 200, "momo /webhooks/momo/s"},
		{"a webhook without more", "GET", "/webhooks/meta", 200, "meta /webhooks/meta"},
		{"a webhook with a slash at the end", "GET", "/webhooks/meta/", 200, "meta /webhooks/meta/"},
		{"a webhook with doubled slashes", "POST", "//webhooks//meta//1", 200, "meta //webhooks//meta//1"},
		{"a webhook of a stranger", "POST", "/webhooks/other/s", 404, `{"type":"about:blank"`},
		{"no webhook's name", "POST", "/webhooks", 404, `{"type":"about:blank"`},
		{"a name that starts like one", "POST", "/webhooks/metal", 404, `{"type":"about:blank"`},
		{"what starts like a webhook", "POST", "/webhooksmeta/1", 404, `{"type":"about:blank"`},
		{"an unknown path", "GET", "/x", 404, `{"type":"about:blank"`},
		{"the root", "GET", "/", 404, `{"type":"about:blank"`},
		{"an unknown method", "BREW", "/v24.0/1", 200, "meta /v24.0/1"},
		{"metrics are not public", "GET", "/metrics", 404, `{"type"`},
		{"health is not public", "GET", "/healthz", 404, `{"type"`},
		{"readiness is not public", "GET", "/readyz", 404, `{"type"`},
		{"profiles are not public", "GET", "/debug/pprof/", 404, `{"type"`},
		{"heaps are not public", "GET", "/debug/pprof/heap", 404, `{"type"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := do(t, request(t, tt.method, s.public, tt.path, nil))
			if got.status != tt.status || !strings.HasPrefix(got.body, tt.want) {
				t.Errorf("%d %s, want %d %s", got.status, got.body, tt.status, tt.want)
			}
			if got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("X-Request-Id") == "" {
				t.Errorf("headers %v", got.header)
			}
		})
	}
}

func TestWebhooksAreNoOneElses(t *testing.T) {
	s := start(t, server.Options{}, echo("greedy", "/"), echo("meta", "/v2"))
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"/webhooks/meta/1", 200, "meta /webhooks/meta/1"},
		{"/webhooks/other/1", 404, ""},
		{"/v24.0/1", 200, "greedy /v24.0/1"},
	}
	for _, tt := range tests {
		if got := get(t, s.public, tt.path); got.status != tt.status || !strings.HasPrefix(got.body, tt.want) {
			t.Errorf("%s: %d %s", tt.path, got.status, got.body)
		}
	}
}

func TestWhoIsLostIsToldWhereThingsAre(t *testing.T) {
	s := start(t, server.Options{}, echo("meta", "/v2"), echo("rest", "/waybill/"))
	got := get(t, s.public, "/nowhere?access_token=s3cret")
	var p struct {
		Status    int                 `json:"status"`
		RequestID string              `json:"request_id"`
		Places    map[string][]string `json:"places"`
	}
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != 404 || p.RequestID != got.header.Get("X-Request-Id") ||
		fmt.Sprint(p.Places) != "map[meta:[/webhooks/meta GET /meta] rest:[/webhooks/rest GET /rest]]" {
		t.Errorf("%s", got.body)
	}
	if ct := got.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type %s", ct)
	}
	if strings.Contains(got.body, "s3cret") || strings.Contains(got.body, "nowhere") {
		t.Errorf("the answer echoes the question: %s", got.body)
	}
}

func TestReadiness(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{})
	var broken atomic.Bool
	s := start(t, server.Options{Check: func() error {
		if broken.Load() {
			return errors.New("the disk failed")
		}
		return nil
	}})
	if got := get(t, s.admin, "/readyz"); got.status != 503 || got.body != "starting\n" {
		t.Errorf("before: %d %s", got.status, got.body)
	}
	if got := get(t, s.public, "/v24.0/1"); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("a request before: %d %v", got.status, got.header)
	}
	s.Ready(answering(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	}))
	if got := get(t, s.admin, "/readyz"); got.status != 200 || got.body != "ready\n" {
		t.Errorf("after: %d %s", got.status, got.body)
	}
	broken.Store(true)
	if got := get(t, s.admin, "/readyz"); got.status != 503 || got.body != "the disk failed\n" {
		t.Errorf("broken: %d %s", got.status, got.body)
	}
	c := dial(t, s.public)
	send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	s.stop()
	s.log.await(t, "stopping")
	if got := get(t, s.admin, "/readyz"); got.status != 503 || got.body != "stopping\n" {
		t.Errorf("while stopping: %d %s", got.status, got.body)
	}
	if got := get(t, s.admin, "/healthz"); got.status != 200 {
		t.Errorf("health while stopping: %d", got.status)
	}
	close(release)
}

func TestAdmin(t *testing.T) {
	s := start(t, server.Options{}, answering(func(w http.ResponseWriter, r *http.Request) {
		dialect.SetLogAttr(r.Context(), slog.String("operation", "analytics"))
		w.WriteHeader(http.StatusTeapot)
	}))
	get(t, s.public, "/")
	s.log.await(t, "status=418")
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"/healthz", 200, "ok\n"},
		{"/metrics", 200, `waybill_requests_total{dialect="fake",operation="analytics",outcome="refused"} 1`},
		{"/debug/pprof/", 200, "goroutine"},
		{"/debug/pprof/heap?debug=1", 200, "heap profile"},
		{"/debug/pprof/cmdline", 404, ""},
		{"/webhooks/fake", 404, ""},
		{"/", 404, ""},
	}
	for _, tt := range tests {
		if got := get(t, s.admin, tt.path); got.status != tt.status || !strings.Contains(got.body, tt.want) {
			t.Errorf("%s: %d %.300s", tt.path, got.status, got.body)
		}
	}
}

func TestServeWithoutAdmin(t *testing.T) {
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := server.New(server.Options{})
	s.Ready(echo("meta", "/"))
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, nil) }()
	if got := get(t, l.Addr().String(), "/x"); got.body != "meta /x" {
		t.Errorf("%+v", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	checkGoroutines(t)
}

func TestServeTellsOfABrokenListener(t *testing.T) {
	for _, broken := range []string{"public", "admin"} {
		public, admin := listen(t), listen(t)
		s := server.New(server.Options{})
		l := public
		if broken == "admin" {
			l = admin
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		err := s.Serve(t.Context(), public, admin)
		if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), l.Addr().String()) {
			t.Errorf("%s: error %v", broken, err)
		}
		checkGoroutines(t)
	}
}
