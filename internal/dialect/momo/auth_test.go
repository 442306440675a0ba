package momo_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"waybill/internal/dialect"
	"waybill/internal/dialect/momo"
)

func TestCredentials(t *testing.T) {
	r := newRig(t)
	r.put("secret-segment", 0)
	for _, tt := range []struct {
		name   string
		header []string
		status int
	}{
		{"a token", nil, 200},
		{"a token in another spelling", []string{"Authorization", "BEARER  token-page "}, 200},
		{"a key", []string{"Authorization", "", "X-API-KEY", "key-page"}, 200},
		{"a good token and a bad key", []string{"X-API-KEY", "key-bad"}, 200},
		{"a bad token and a good key", []string{"Authorization", "Bearer token-bad", "X-API-KEY", "key-page"}, 401},
		{"another scheme and a good key", []string{"Authorization", "Basic a2V5", "X-API-KEY", "key-page"}, 401},
		{"no token and a good key", []string{"Authorization", "Bearer", "X-API-KEY", "key-page"}, 401},
		{"nothing", []string{"Authorization", ""}, 401},
		{"a token without its scheme", []string{"Authorization", "token-page"}, 401},
		{"a token in the key's place", []string{"Authorization", "", "X-API-KEY", "Bearer key-page"}, 401},
		{"a token with a blank in it", []string{"Authorization", "Bearer token page"}, 401},
		{"an empty header and a good key", []string{"Authorization", " ", "X-API-KEY", "key-page"}, 200},
		{"a token of odd characters", []string{"Authorization", "Bearer odd:token!0=1"}, 200},
		{"an endless token", []string{"Authorization", "Bearer " + strings.Repeat("x", 5000)}, 401},
		{"an expired token", []string{"Authorization", "Bearer token-old"}, 401},
		{"the owner's token for everything", []string{"Authorization", "Bearer token-boss"}, 200},
		{"a token of another group", []string{"Authorization", "Bearer token-posts"}, 403},
		{"a token of another account", []string{"Authorization", "Bearer token-other"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := r.report("{}", tt.header...)
			switch tt.status {
			case 200:
				if w.Code != 200 || !strings.Contains(w.Body.String(), "secret-segment") {
					t.Errorf("answered %d %s", w.Code, w.Body)
				}
				return
			case 401:
				r.refused(w, 401, 13, "Authentication failed")
				if challenge := w.Header().Get("WWW-Authenticate"); challenge != `Bearer realm="momo"` {
					t.Errorf("WWW-Authenticate is %q", challenge)
				}
			case 403:
				r.refused(w, 403, 11, "Access denied")
			}
			if strings.Contains(w.Body.String(), "secret-segment") {
				t.Errorf("the refusal tells of the segment: %s", w.Body)
			}
		})
	}
}

// TestSeveralCredentials sends a header twice: which of them is meant?
func TestSeveralCredentials(t *testing.T) {
	r := newRig(t)
	for _, headers := range []http.Header{
		{"Authorization": {"Bearer token-page", "Bearer token-page"}, "X-Api-Key": {"key-page"}},
		{"X-Api-Key": {"key-page", "key-page"}},
	} {
		q := httptest.NewRequest(http.MethodPost, reportURL, nil)
		q = q.WithContext(dialect.NewScope(q.Context(), "request-1"))
		q.Header = headers
		w := httptest.NewRecorder()
		r.api.ServeHTTP(w, q)
		r.refused(w, 401, 13, "Authentication failed")
	}
}

// TestForeignAndUnknownPagesAreAlike compares whole answers.
func TestForeignAndUnknownPagesAreAlike(t *testing.T) {
	r := newRig(t)
	ask := func(page, token string) *httptest.ResponseRecorder {
		return r.do("POST", "/v1/business-pages/"+page+"/chat/messages/report", "{}", "Authorization", "Bearer "+token)
	}
	unknown := ask("999999", "token-page")
	r.refused(unknown, 403, 11, "Access denied")
	for name, w := range map[string]*httptest.ResponseRecorder{
		"of another account":               ask("130036", "token-page"),
		"of the account, not of the token": ask("130037", "token-page"),
		"no page":                          ask("102290129340398", "token-boss"),
		"of another account, with admin":   ask("130036", "token-boss"),
	} {
		if w.Code != unknown.Code || w.Body.String() != unknown.Body.String() {
			t.Errorf("a page %s is answered %d %s, an unknown one %d %s", name, w.Code, w.Body, unknown.Code, unknown.Body)
		}
	}
	if w := ask("130037", "token-boss"); w.Code != 200 {
		t.Errorf("a page that the account operates is answered %d", w.Code)
	}
}

func TestPathsAndMethods(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		method, path string
		status, code int
		says         string
	}{
		{"GET", reportURL, 405, 20, `Method "GET" is not supported, use POST`},
		{"PUT", reportURL, 405, 20, "use POST"},
		{"POST", "/api/v2/business-pages/130035/chat/messages/report", 404, 42, "Nothing is at /api/v2/"},
		{"POST", "/v1/business-pages/130035/chat/messages", 404, 42, "Nothing is at"},
		{"POST", "/v1/business-pages/130035", 404, 42, "Nothing is at"},
		{"POST", "/v1/business-pages", 404, 42, "Nothing is at"},
		{"POST", "/v1/business-pages/abc/chat/messages/report", 400, 20, `id "abc" is not a positive integer`},
		{"POST", "/v1/business-pages/0/chat/messages/report", 400, 20, `id "0" is not a positive integer`},
		{"POST", "/v1/business-pages/-1/chat/messages/report", 400, 20, `id "-1"`},
		{"POST", "/v1/business-pages/12345678901234567890/chat/messages/report", 400, 20, "is not a positive integer"},
		{"POST", "/v1/business-pages/%7Bid%7D/chat/messages/report", 400, 20, `id "{id}"`},
	} {
		w := r.do(tt.method, tt.path, "{}")
		r.refused(w, tt.status, tt.code, tt.says)
		if allow := w.Header().Get("Allow"); (allow == "POST") != (tt.status == 405) {
			t.Errorf("%s %s: Allow is %q", tt.method, tt.path, allow)
		}
		if w := r.do(tt.method, tt.path, "{}", "Authorization", ""); w.Code != 401 {
			t.Errorf("%s %s tells a stranger %d", tt.method, tt.path, w.Code)
		}
	}
}

// TestLoginPaths: only the two are logins.
func TestLoginPaths(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{
		"/v1/business-pages/7/authentication/login", "/api/v1/business-pages/130035/authentication/login", "/v3/business-pages/7/x/yauthentication/login",
	} {
		if w := r.do("POST", path, acme, "Authorization", ""); w.Code != 401 {
			t.Errorf("%s is answered %d %s", path, w.Code, w.Body)
		}
	}
}

// TestFailedLogins are told to wait; the right secret is let in at any time.
func TestFailedLogins(t *testing.T) {
	r := newRig(t)
	for i := range 12 {
		w := r.do("POST", "/authentication/login", `{"clientId":"acme","clientSecret":"wrong"}`, "Authorization", "")
		if want := 401 + 28*(i/10); w.Code != want {
			t.Errorf("failure %d is answered %d, want %d", i, w.Code, want)
		}
	}
	r.login("/authentication/login", acme)
	if w := r.do("POST", "/authentication/login", `{"clientId":"postman","clientSecret":"wrong"}`, "Authorization", ""); w.Code != 401 {
		t.Errorf("another client is answered %d", w.Code)
	}
}

func TestMatch(t *testing.T) {
	api := newRig(t).api
	for path, want := range map[string]bool{
		reportURL: true, "/v1/business-pages/1/x": true, "//api//v1//business-pages/1": true, "/v1/business-pages": true,
		"/authentication/login": true, "/api/authentication/login": true, "/v2/business-pages/1/social/posts": true,
		"/": false, "/v1/102290129340398": false, "/api": false, "/api/v1/other": false, "/authentication": false,
		"/x/v1/business-pages/1": false, "/waybill/v1/events": false, "/v1/business-pagesx/1": false,
	} {
		if got := api.Match(httptest.NewRequest("POST", path, nil)); got != want {
			t.Errorf("Match of %s is %t", path, got)
		}
	}
}

func TestLimit(t *testing.T) {
	r := newRig(t, func(o *momo.Options) { o.CallsPerSecond = 2 })
	for i := range 4 {
		w := r.report("{}")
		if i < 2 && w.Code != 200 {
			t.Errorf("call %d is answered %d", i, w.Code)
		}
		if i >= 2 {
			r.refused(w, 429, 10, "Too many requests")
			if w.Header().Get("Retry-After") != "1" {
				t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
			}
		}
	}
	if w := r.report("{}", "Authorization", "", "X-API-KEY", "key-page"); w.Code != 200 {
		t.Errorf("another credential is answered %d", w.Code)
	}
	r.advance(time.Second)
	if w := r.report("{}"); w.Code != 200 {
		t.Errorf("a second later it is answered %d", w.Code)
	}
}

const acme = `{"clientId":"acme","clientSecret":"acme-secret-0123456789"}`

// login returns the token of a login, which must succeed.
func (r *rig) login(path, body string) string {
	r.t.Helper()
	w := r.do("POST", path, body, "Authorization", "")
	var in struct {
		Status  int
		Success bool
		Message string
		Data    struct {
			Token, AccessToken string
			Access             string `json:"access_token"`
			TokenType          string
			ExpiresIn          int
			ExpiredAt          int64
		}
		Access    string `json:"access_token"`
		TokenType string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || w.Code != 200 || in.Status != 0 || !in.Success {
		r.t.Fatalf("login is answered %d %s", w.Code, w.Body)
	}
	token := in.Access
	if in.Data.Token != token || in.Data.AccessToken != token || in.Data.Access != token || in.TokenType != "Bearer" ||
		in.ExpiresIn != 86400 || in.Data.ExpiresIn != 86400 || in.Data.ExpiredAt != r.now().Add(24*time.Hour).UnixMilli() {
		r.t.Errorf("login is answered %s", w.Body)
	}
	if !strings.HasPrefix(token, momo.TokenPrefix) {
		r.t.Errorf("the token is %s", token)
	}
	return token
}

func TestLogin(t *testing.T) {
	r := newRig(t)
	r.put("s", 0)
	status := func(token string) int { return r.report("{}", "Authorization", "Bearer "+token).Code }
	token := r.login("/api/authentication/login?language=vi", acme)
	r.advance(time.Hour)
	later := r.login("/authentication/login", `{"partnerId":"p","clientId":"acme","clientSecret":"acme-secret-0123456789"}`)
	if status(token) != 200 || status(later) != 200 {
		t.Errorf("the tokens are answered %d and %d", status(token), status(later))
	}
	if w := r.report("{}", "Authorization", "", "X-API-KEY", token); w.Code != 401 {
		t.Errorf("the token as a key is answered %d", w.Code)
	}
	post := r.login("/authentication/login", `{"clientId":"postman","clientSecret":"post-secret-0123456789"}`)
	if status(post) != 403 {
		t.Errorf("a client of other groups is answered %d", status(post))
	}
	if w := r.do("POST", "/v1/business-pages/130037/chat/messages/report", "{}", "Authorization", "Bearer "+token); w.Code != 403 {
		t.Errorf("a page that is not the client's is answered %d", w.Code)
	}
	r.advance(23*time.Hour - time.Second)
	if status(token) != 200 {
		t.Errorf("a second before its end the token is answered %d", status(token))
	}
	r.advance(time.Second)
	if status(token) != 401 || status(later) != 200 {
		t.Errorf("after 24 hours the tokens are answered %d and %d", status(token), status(later))
	}
	r.apply(strings.Replace(tenants, "acme-secret-0123456789", "new-secret-0123456789", 1))
	if status(later) != 401 {
		t.Errorf("with a new secret the old token is answered %d", status(later))
	}
}

func TestLoginRefuses(t *testing.T) {
	r := newRig(t)
	login := func(method, body string) *httptest.ResponseRecorder {
		return r.do(method, "/api/authentication/login", body, "Authorization", "")
	}
	wrong := login("POST", `{"clientId":"acme","clientSecret":"wrong"}`)
	r.refused(wrong, http.StatusUnauthorized, 13, "Authentication failed")
	unknown := login("POST", `{"clientId":"nobody","clientSecret":"wrong"}`)
	if unknown.Code != wrong.Code || unknown.Body.String() != wrong.Body.String() {
		t.Errorf("an unknown client is answered %s, a wrong secret %s", unknown.Body, wrong.Body)
	}
	r.refused(login("POST", ""), 400, 20, "clientId is missing")
	r.refused(login("POST", `{"clientId":"acme"}`), 400, 20, "clientSecret is missing")
	r.refused(login("POST", `{"clientId":7,"clientSecret":"x"}`), 400, 20, "clientId is a number, not a string")
	r.refused(login("POST", `{"clientId":"acme","clientSecret":null}`), 400, 20, "clientSecret is missing")
	r.refused(login("GET", acme), 405, 20, "use POST")
}
