package meta_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"waybill/internal/store/storetest"
)

// FuzzGraph sends calls of Lucky's token. Whatever they are, they are answered
// in Graph's form, none fails inside, and none gets at somebody else.
func FuzzGraph(f *testing.F) {
	g := newGraph(f, storetest.NewModel(), readFile(f, tenantsFile), 0)
	g.record(`{"channel": "102290129340400", "message": "a", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "493012345678"}`)
	const call = "analytics.start(1).end(2).granularity(DAY)"
	seeds := []struct{ method, path, query, kind, body string }{
		{"GET", "/v25.0/" + pacific, "fields=" + call, "", ""},
		{"GET", "//v25.0//" + pacific + "//", "fields=" + call + ".as(x){data_points{start,end.as(y)},data_points.as(z)},id", "", ""},
		{"GET", "/" + rivals, "fields=name," + call, "", ""},
		{"POST", "/" + pacific, "method=get", "application/json", `{"fields": "name", "access_token": "lucky-token"}`},
		{"DELETE", "/" + pacific + "/analytics", "%0Amethod=get&appsecret_proof=00", "application/x-www-form-urlencoded", "fields=%ff&method=post"},
		{"GET", "/v1.0", "fields=analytics.start(9999-12-31).end(2026-01-01).phone_numbers(['+1',\"2\"]).product_types[0,2]", "", ""},
	}
	for _, s := range seeds {
		f.Add(s.method, s.path, s.query, s.kind, s.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, kind, body string) {
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer lucky-token")
		if !g.api.Match(r) {
			return
		}
		w := httptest.NewRecorder()
		g.api.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK:
			var object map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &object); err != nil || len(object) == 0 {
				t.Errorf("%s is no answer: %v", w.Body, err)
			}
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			if failure := failureOf(t, w); failure.Code == 0 || failure.Message == "" || failure.Type == "" {
				t.Errorf("%s is no error of Graph", w.Body)
			}
		default:
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), `"id":"`+rivals+`"`) {
			t.Errorf("the account of somebody else is answered: %s", w.Body)
		}
	})
}
