package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestHeaders looks at what the answers tell a browser: calls and webhooks of every
// dialect, errors, the page with which calls are tried, and the admin listener.
func TestHeaders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	const graph, own = "Bearer graph-token-0123456789", "Bearer own-token-0123456789"
	tests := []struct {
		name, method, url, token string
		status                   int
		everywhere               bool // scripts of all origins may read it
	}{
		{"Graph", "GET", p.url + "/v25.0/102290129340398?fields=id", graph, 200, true},
		{"Graph's refusal", "GET", p.url + "/v25.0/102290129340398?fields=id", "", 400, true},
		{"Meta's webhook", "POST", p.url + "/webhooks/meta/7001", "", 401, false},
		{"the own API", "GET", p.url + "/waybill/v1/version", own, 200, false},
		{"the own API's refusal", "GET", p.url + "/waybill/v1/version", "", 401, false},
		{"the own API's document", "GET", p.url + "/waybill/v1/openapi.json", "", 200, false},
		{"Alibaba", "POST", p.url + "/?Action=GetChatappTemplateMetric&Version=2020-06-06", "", 400, false},
		{"Alibaba's webhook", "POST", p.url + "/webhooks/alibaba/guess", "", 403, false},
		{"MoMo", "POST", p.url + "/v1/business-pages/1/chat/messages/report", "", 401, false},
		{"MoMo's webhook", "POST", p.url + "/webhooks/momo/guess", "", 403, false},
		{"nothing", "GET", p.url + "/nowhere", "", 404, false},
		{"the page", "GET", p.url + "/waybill/docs", "", 200, false},
		{"a script of the page", "GET", p.url + "/waybill/docs/swagger-ui-bundle.js", "", 200, false},
		{"what the page does not have", "GET", p.url + "/waybill/docs/nowhere", "", 404, false},
		{"metrics", "GET", p.admin + "/metrics", "", 200, false},
		{"health", "GET", p.admin + "/readyz", "", 200, false},
		{"profiles", "GET", p.admin + "/debug/pprof/", "", 200, false},
	}
	client := newClient()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"Origin", "https://evil.example", "Content-Type", "application/json"}
			if tt.token != "" {
				headers = append(headers, "Authorization", tt.token)
			}
			r := send(t, client, tt.method, tt.url, "", headers...)
			if r.status != tt.status {
				t.Errorf("answered %d %.300s, want %d", r.status, r.body, tt.status)
			}
			if got := r.header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("X-Content-Type-Options is %q", got)
			}
			if got := r.header.Get("Access-Control-Allow-Origin"); got != map[bool]string{true: "*"}[tt.everywhere] {
				t.Errorf("Access-Control-Allow-Origin is %q", got)
			}
			for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Credentials", "Server", "X-Powered-By"} {
				if got := r.header.Get(name); got != "" {
					t.Errorf("%s is %q", name, got)
				}
			}
			if strings.Contains(tt.url, "/waybill/docs") {
				checkPageHeaders(t, r.header)
			}
		})
	}
}

// checkPageHeaders looks at the headers of the only page with scripts.
func checkPageHeaders(t *testing.T, h http.Header) {
	t.Helper()
	policy := strings.Split(h.Get("Content-Security-Policy"), "; ")
	sources := make(map[string]string)
	for _, directive := range policy {
		name, list, _ := strings.Cut(directive, " ")
		sources[name] = list
	}
	for name, want := range map[string]string{
		"default-src": "'none'", "script-src": "'self'", "connect-src": "'self'",
		"base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
	} {
		if sources[name] != want {
			t.Errorf("the policy has %s %s, want %s", name, sources[name], want)
		}
	}
	if got := h.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy is %q", got)
	}
}
