package meta_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestMatchRoot tells calls at the root from those of others.
func TestMatchRoot(t *testing.T) {
	const form, asJSON = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	kind, parts := multipartOf("batch", "[]")
	_, others := multipartOf("Action", "batch")
	tests := []struct {
		name, method, target, kind, authorization, body string
		want                                            bool
	}{
		{"a browser", "GET", "/", "", "", "", false},
		{"several objects", "GET", "/?ids=1", "", "", "", true},
		{"a batch in the query", "POST", "/?batch=[]", form, "", "", true},
		{"a form with a batch", "POST", "/", form, "", "access_token=x&batch=[]", true},
		{"a form without", "POST", "/", form, "", "Action=GetChatappTemplateMetric&Signature=x", false},
		{"a form with it in a value", "POST", "/", form, "", "Action=GetChatappTemplateMetric&X=batch%3D&Y=a?batch=", false},
		{"a form with a longer name", "POST", "/", form, "", "mybatch=1&batch_app_id=2", false},
		{"a form with it after the beginning", "POST", "/", form, "", strings.Repeat("x", 4096) + "&batch=[]", false},
		{"a form of a bearer", "POST", "/", form, "Bearer x", "batch=[]", true},
		{"a form with another vendor's signature", "POST", "/", form, "ACS3-HMAC-SHA256 x", "batch=[]", false},
		{"JSON with a batch", "POST", "/", asJSON, "", `{"access_token": "x", "batch" : []}`, true},
		{"JSON without", "POST", "/", asJSON, "", `{"a": "batch"}`, false},
		{"parts with a batch", "POST", "/", kind, "", parts, true},
		{"parts without", "POST", "/", kind, "", others, false},
		{"text", "POST", "/", "text/plain", "", "batch=[]", false},
		{"another method", "PUT", "/", form, "", "batch=[]", false},
		{"debug_token", "GET", "/debug_token", "", "", "", true},
		{"a path of somebody else", "POST", "/batch", form, "", "batch=[]", false},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			if got := g.api.Match(r); got != tt.want {
				t.Errorf("Match = %t, want %t", got, tt.want)
			}
			if rest, err := io.ReadAll(r.Body); err != nil || string(rest) != tt.body {
				t.Errorf("afterwards the body is %q, %v", rest, err)
			}
		})
	}
	t.Run("a compressed form, as Android sends it", func(t *testing.T) {
		body := gzipped(t, "batch_app_id=1&batch="+url.QueryEscape(twoItems)+"&access_token=shop-token")
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", form)
		r.Header.Set("Content-Encoding", "gzip")
		if !g.api.Match(r) {
			t.Fatal("it is not matched")
		}
		w := httptest.NewRecorder()
		g.api.ServeHTTP(w, r)
		if list := elementsOf(t, w); len(list) != 2 || list[1].Code != 200 {
			t.Errorf("answer %s", w.Body)
		}
	})
}
