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
		{"GET", "/v25.0/" + pacific + "/message_templates", "limit=1&after=AA&fields=quality_score{score}&summary=total_count", "", ""},
		{"GET", "/v25.0/" + pacific + "/template_analytics", "start=2026-01-01&end=2&granularity=DAY&metric_types=['SENT']&pretty=1", "", ""},
		{"GET", "/v25.0/" + pacific, "fields=pricing_analytics.start(1).end(2).granularity(MONTHLY).dimensions(TIER){data_points{cost}},phone_numbers.limit(1){id}", "", ""},
		{"GET", "/", "ids=102290129340398,3000000000000001&fields=id", "", ""},
		{"GET", "/v25.0/" + pacific + "/pricing_analytics", "start=1&end=2&granularity=DAILY&fields=data_points{volume},volume,data_points.as(a){start},start.as(b)", "", ""},
		{"GET", "/v25.0/" + pacific + "/call_analytics", "start=1&end=2&granularity=DAILY&fields=start.as(data_points),count&directions[]=USER_INITIATED", "", ""},
		{"GET", "/v25.0/" + pacific, "fields=pricing_analytics?start=1&end=2&granularity=DAILY&dimensions[0]=TIER", "", ""},
		{"GET", "/phone_numbers", "ids=['102290129340398']&suppress_http_code=1", "", ""},
		{"GET", "/debug_token", "input_token=rival-token&fields=app_id,scopes.as(s)", "", ""},
		{"POST", "/v1.0/", "", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"batch\"\r\n\r\n[]\r\n--x--"},
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
			// An object, or the array of a batch.
			if body := w.Body.String(); !json.Valid(w.Body.Bytes()) || body == "{}" || !strings.Contains("{[", body[:1]) {
				t.Errorf("%s is no answer", body)
			}
		case http.StatusInternalServerError:
			if failure := failureOf(t, w); !strings.HasPrefix(failure.Message, "Please reduce the amount of data") {
				t.Errorf("status %d: %s", w.Code, w.Body)
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

// FuzzBatch sends batches of Lucky's. Each is answered as a whole or item by item,
// in its place, and nothing of the rival's is in any answer.
func FuzzBatch(f *testing.F) {
	g := newGraph(f, storetest.NewModel(), readFile(f, tenantsFile), 0)
	for _, seed := range []string{
		`[]`, `[null,7,"x",{}]`, twoItems,
		`[{"method":"GET","relative_url":"102290129340400?fields=id,name"},{"relative_url":"?ids=102290129340400,3000000000000001"}]`,
		`[{"method":"POST","relative_url":"102290129340400","body":"is_enabled_for_insights=true"},{"method":"POST","relative_url":"/","body":{"batch":[]}}]`,
		`[{"method":"GET","relative_url":"v1.0//102290129340398/message_templates?limit=1&after=AA","omit_response_on_success":true,"body":"{"}]`,
		`[{"method":"GET","relative_url":"102290129340398","access_token":"rival-token"}`,
		`[{"relative_url":"%zz?fields=%&a=b;c#d"},{"relative_url":"debug_token?input_token=rival-token"}]`,
		`[{"relative_url":"102290129340398/pricing_analytics?start=1&end=2&granularity=DAILY&fields=data_points{volume},end","headers":["If-None-Match: *"]}]`,
		`"[{\"relative_url\":\"me\"}]"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, batch string) {
		if strings.Contains(batch, "rival-t") {
			return // whose token it is, is served
		}
		r := httptest.NewRequest(http.MethodPost, "/v25.0", strings.NewReader(`{"batch":`+batch+`}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer lucky-token")
		w := httptest.NewRecorder()
		g.api.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "secret_of_rival") || strings.Contains(w.Body.String(), "493012345678") && !strings.Contains(batch, "493012345678") {
			t.Errorf("something of the rival's is in %s", w.Body)
		}
		if w.Code != http.StatusOK {
			if failureOf(t, w); w.Code != http.StatusBadRequest {
				t.Errorf("the batch is answered %d %s", w.Code, w.Body)
			}
			return
		}
		if g.api.Held() != 0 {
			t.Errorf("%d bytes stay held", g.api.Held())
		}
		if strings.HasPrefix(w.Body.String(), "{") { // the batch was no batch, but a parameter of another name
			return
		}
		for i, e := range elementsOf(t, w) {
			if e == nil || e.Code == http.StatusNotModified && e.Body == "" {
				continue
			}
			var body map[string]any
			if err := json.Unmarshal([]byte(e.Body), &body); err != nil || len(body) == 0 && e.Code != http.StatusOK || e.Code < 200 || e.Code > 404 && e.Code != 500 {
				t.Errorf("item %d is answered %d %s: %v", i, e.Code, e.Body, err)
			}
			if e.Code == 500 && !strings.Contains(e.Body, "Please reduce the amount of data") {
				t.Errorf("item %d fails inside: %s", i, e.Body)
			}
			if failure, isError := body["error"].(map[string]any); isError == (e.Code == 200) || isError && failure["message"] == "" {
				t.Errorf("item %d is answered %d %s", i, e.Code, e.Body)
			}
		}
	})
}

// FuzzCursor asks for pages with cursors and limits of all sorts. What is answered
// is a part of the whole, in its order, and its links lead to more of it.
func FuzzCursor(f *testing.F) {
	g := newGraph(f, storetest.NewModel(), readFile(f, tenantsFile), 0)
	g.record(shopHistory(f))
	edges := []string{
		"message_templates?fields=id,language", "phone_numbers?fields=id",
		"template_analytics?start=2026-01-01&end=2026-02-01&granularity=DAILY&metric_types=SENT",
		"pricing_analytics?start=2026-01-01&end=2026-02-01&granularity=DAILY&dimensions=PHONE,COUNTRY",
	}
	wholes := make([]string, len(edges))
	for i, e := range edges {
		wholes[i] = strings.Join(pageOf(f, g.shopGet("/"+shop+"/"+e+"&limit=1000")).elements, "\n")
	}
	f.Add(uint8(0), "MTQyMTk4ODAxMjA4ODUyNABlbl9VUw", "", "1")
	f.Add(uint8(1), "", "MTYzMTU1NTEwMDE", "2")
	f.Add(uint8(2), "MDAxNzY4NDM1MjAwADI2MzIyNzMwNTY5MjQ1ODA", "MDAxNzY4NTIxNjAwADI2MzIyNzMwNTY5MjQ1ODA", "25")
	f.Add(uint8(3), "AA", "__8", "4294967296")
	f.Add(uint8(0), "MjQZD", "[]", "-1")
	f.Fuzz(func(t *testing.T, edge uint8, after, before, limit string) {
		g := &graph{t: t, store: g.store, directory: g.directory, clock: g.clock, log: g.log, api: g.api}
		i := int(edge) % len(edges)
		params := url.Values{"after": {after}, "before": {before}, "limit": {limit}, "access_token": {"shop-token"}}
		target := "/v25.0/" + shop + "/" + edges[i] + "&" + params.Encode()
		w := g.raw("GET " + target + " HTTP/1.1")
		if w.Code != http.StatusOK {
			if failure := failureOf(t, w); w.Code != http.StatusBadRequest || failure.Message == "" {
				t.Errorf("answer %d %s", w.Code, w.Body)
			}
			return
		}
		p := pageOf(t, w)
		if !strings.Contains(wholes[i], strings.Join(p.elements, "\n")) {
			t.Errorf("%s\nis no part of\n%s", p.elements, wholes[i])
		}
		for _, link := range []string{p.next, p.previous} {
			if rest, ok := strings.CutPrefix(link, "http://graph.example"); link != "" && (!ok || len(pageOf(t, g.raw("GET "+rest+" HTTP/1.1")).elements) == 0) {
				t.Errorf("the link %s leads nowhere", link)
			}
		}
	})
}
