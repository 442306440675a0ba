package meta_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"waybill/internal/dialect"
)

// shopHistory returns the history of the exchanges about templates.
func shopHistory(t testing.TB) string {
	t.Helper()
	const file = "testdata/analytics/template_analytics.txtar"
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "events" {
			return string(f.Data)
		}
	}
	t.Fatalf("%s has no events", file)
	return ""
}

// shopGet sends a GET with the shop's token in the header.
func (g *graph) shopGet(target string, header ...string) *httptest.ResponseRecorder {
	g.t.Helper()
	header = append(header, "Authorization: Bearer shop-token")
	return g.raw("GET " + target + " HTTP/1.1\n" + strings.Join(header, "\n"))
}

// TestMechanics has what Graph understands with every call.
func TestMechanics(t *testing.T) {
	g := lucky(t)
	const path = "/v25.0/" + shop
	t.Run("pretty", func(t *testing.T) {
		wantAnswer(t, g.shopGet(path+"?fields=id&pretty=1"), "{\n  \"id\": \"102290129340410\"\n}")
		wantAnswer(t, g.shopGet(path+"?fields=id&pretty=true"), "{\n  \"id\": \"102290129340410\"\n}")
		wantAnswer(t, g.shopGet(path+"?fields=id&pretty=0"), `{"id":"102290129340410"}`)
		if w := g.shopGet(path + "/boguspath?pretty=1"); !strings.HasPrefix(w.Body.String(), "{\n  \"error\": {\n") || w.Code != 400 {
			t.Errorf("an error is %d %s", w.Code, w.Body)
		}
	})
	t.Run("suppress_http_code", func(t *testing.T) {
		for _, value := range []string{"1", "true"} {
			w := g.shopGet(path + "/boguspath?suppress_http_code=" + value)
			if f := failureOf(t, w); w.Code != 200 || f.Code != 2500 {
				t.Errorf("answer %d %s", w.Code, w.Body)
			}
		}
		if w := g.shopGet(path + "/boguspath?suppress_http_code=0"); w.Code != 400 {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
		w := g.raw("GET " + path + "?suppress_http_code=1 HTTP/1.1")
		if f := failureOf(t, w); w.Code != 200 || f.Code != 104 {
			t.Errorf("without a token: %d %s", w.Code, w.Body)
		}
	})
	t.Run("ETag", func(t *testing.T) {
		for _, target := range []string{path + "?fields=id", path + "/message_templates?limit=1", "/v25.0/?ids=" + shop, "/v25.0/debug_token?input_token=shop-token"} {
			first := g.shopGet(target)
			tag := first.Header().Get("ETag")
			if tag == "" {
				t.Errorf("%s has no ETag", target)
			}
			w := g.shopGet(target, "If-None-Match: "+tag)
			if w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != tag {
				t.Errorf("%s with its ETag is answered %d %s", target, w.Code, w.Body)
			}
			if w := g.shopGet(target+"&pretty=1", "If-None-Match: \"other\""); w.Code != 200 {
				t.Errorf("%s with another ETag is answered %d", target, w.Code)
			}
		}
		if w := g.shopGet(path+"/boguspath", "If-None-Match: *"); w.Code != 400 {
			t.Errorf("an error is answered %d", w.Code)
		}
		w := g.raw("POST " + path + "?is_enabled_for_insights=true HTTP/1.1\nAuthorization: Bearer shop-token\nIf-None-Match: *")
		if w.Code != 200 || w.Header().Get("ETag") != "" {
			t.Errorf("a change is answered %d with ETag %q", w.Code, w.Header().Get("ETag"))
		}
	})
	t.Run("the method as a parameter", func(t *testing.T) {
		w := g.raw("POST " + path + "/message_templates HTTP/1.1\nAuthorization: Bearer shop-token\n" +
			"Content-Type: application/x-www-form-urlencoded\n\nmethod=GET&fields=id&limit=1")
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"data":[{"id":"1421988012088524"}],"paging"`) {
			t.Errorf("a posted GET is answered %d %s", w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "method=") {
			t.Errorf("its link posts: %s", w.Body)
		}
		w = g.raw("DELETE " + path + "?method=get&fields=id HTTP/1.1\nAuthorization: Bearer shop-token")
		wantAnswer(t, w, `{"id":"102290129340410"}`)
	})
	t.Run("HEAD", func(t *testing.T) {
		w := g.raw("HEAD " + path + "/phone_numbers HTTP/1.1\nAuthorization: Bearer shop-token")
		if w.Code != 200 || w.Header().Get("Content-Length") == "0" {
			t.Errorf("answer %d", w.Code)
		}
	})
	t.Run("versions and slashes", func(t *testing.T) {
		for target, version := range map[string]string{
			"/v19.0//" + shop + "/phone_numbers": "v19.0", "//v99.9/" + shop + "//phone_numbers/": "v99.9",
			"/" + shop + "/phone_numbers": "v25.0",
		} {
			w := g.shopGet(target + "?fields=id&limit=1")
			if w.Code != 200 || w.Header().Get("Facebook-Api-Version") != version {
				t.Errorf("%s is answered %d by %s", target, w.Code, w.Header().Get("Facebook-Api-Version"))
			}
			if next := nextOf(t, w); !strings.HasPrefix(next, "http://graph.example/"+version+"/"+shop+"/phone_numbers?") {
				t.Errorf("%s leads to %s", target, next)
			}
		}
	})
}

// nextOf returns the link to the next page, empty where there is none.
func nextOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var answer struct{ Paging struct{ Next string } }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s is no page: %v", w.Code, w.Body, err)
	}
	return answer.Paging.Next
}

// TestLinkOrigins checks under which address links lead back. Only a trusted
// proxy can change it.
func TestLinkOrigins(t *testing.T) {
	tests := []struct {
		name   string
		tls    bool
		header http.Header
		want   string
	}{
		{"plain", false, nil, "http://graph.example:8080/"},
		{"TLS", true, nil, "https://graph.example:8080/"},
		{"a proxy with TLS", false, http.Header{"X-Forwarded-Proto": {"https"}}, "https://graph.example:8080/"},
		{"a proxy with another name", false, http.Header{"X-Forwarded-Proto": {"HTTPS"}, "X-Forwarded-Host": {"waybill.example"}}, "https://waybill.example/"},
		{"a proxy behind a proxy", false, http.Header{"X-Forwarded-Host": {"evil.example, waybill.example:444"}, "X-Forwarded-Proto": {"http, https"}}, "https://waybill.example:444/"},
		{"three proxies", false, http.Header{"X-Forwarded-Host": {"evil.example", "evil.example, one.example, waybill.example"}}, "http://waybill.example/"},
		{"a proxy that speaks TLS to us and not to its caller", true, http.Header{"X-Forwarded-Proto": {"http"}}, "http://graph.example:8080/"},
		{"an address", false, http.Header{"X-Forwarded-Host": {"[::1]:8080"}}, "http://[::1]:8080/"},
		{"a host with a path", false, http.Header{"X-Forwarded-Host": {"evil.example/x"}}, "http://graph.example:8080/"},
		{"a host with a user", false, http.Header{"X-Forwarded-Host": {"a@evil.example"}}, "http://graph.example:8080/"},
		{"a scheme that is none", false, http.Header{"X-Forwarded-Proto": {"javascript"}}, "http://graph.example:8080/"},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/v25.0/"+shop+"/phone_numbers?limit=1&access_token=shop-token", nil)
			r.Host = "graph.example:8080"
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for name, values := range tt.header {
				r.Header[name] = values
			}
			scope := dialect.NewScope(r.Context(), "")
			scope.Proxies = dialect.Proxies{netip.MustParsePrefix("192.0.2.0/24")}
			for peer, want := range map[string]string{
				"192.0.2.1:1234":    tt.want,
				"198.51.100.1:1234": map[bool]string{false: "http", true: "https"}[tt.tls] + "://graph.example:8080/",
			} {
				r.RemoteAddr = peer
				w := httptest.NewRecorder()
				g.api.ServeHTTP(w, r.WithContext(scope))
				if next := nextOf(t, w); !strings.HasPrefix(next, want) {
					t.Errorf("of %s next is %s, want %s...", peer, next, want)
				}
			}
		})
	}
}

// TestPages follows the links of edges with pages of all sizes, forth and back:
// together they have what one large page has, each element once.
func TestPages(t *testing.T) {
	g := lucky(t)
	g.record(shopHistory(t))
	edges := map[string]string{
		"message_templates":  "fields=id,language",
		"phone_numbers":      "fields=id",
		"template_analytics": "start=2026-01-01&end=2026-02-01&granularity=DAILY",
		"pricing_analytics":  "start=2026-01-01&end=2026-02-01&granularity=DAILY&dimensions=" + url.QueryEscape(`["COUNTRY", "PHONE"]`),
	}
	for name, query := range edges {
		t.Run(name, func(t *testing.T) {
			target := "/v25.0/" + shop + "/" + name + "?access_token=shop-token&" + query
			all := pageOf(t, g.raw("GET "+target+"&limit=1000 HTTP/1.1"))
			if len(all.elements) < 2 || all.next != "" || all.previous != "" {
				t.Fatalf("one large page is %+v", all)
			}
			for limit := 1; limit <= len(all.elements)+1; limit++ {
				forth := g.follow(target+"&limit="+strconv.Itoa(limit), func(p page) string { return p.next })
				if !slices.Equal(forth.elements, all.elements) {
					t.Errorf("pages of %d have %d elements, want %d", limit, len(forth.elements), len(all.elements))
				}
				back := g.follow(forth.last, func(p page) string { return p.previous })
				slices.Reverse(back.pages) // each of which ascends
				if got := slices.Concat(back.pages...); !slices.Equal(got, all.elements) {
					t.Errorf("back by %d there are\n%s\nwant\n%s", limit, got, all.elements)
				}
			}
		})
	}
}

// TestAccountModes has filters, each of which must pass.
func TestAccountModes(t *testing.T) {
	g := lucky(t)
	const live, sandbox = `{"field":"account_mode","operator":"EQUAL","value":"LIVE"}`, `{"field":"account_mode","operator":"EQUAL","value":"SANDBOX"}`
	for filters, want := range map[string]int{
		"": 2, live: 2, live + "," + live: 2, sandbox: 0, sandbox + "," + live: 0, live + "," + sandbox: 0,
	} {
		p := pageOf(t, g.shopGet("/v25.0/"+shop+"/phone_numbers?filtering="+url.QueryEscape("["+filters+"]")))
		if len(p.elements) != want {
			t.Errorf("[%s] pass %d numbers, want %d", filters, len(p.elements), want)
		}
	}
}

// A page is what a test needs of a page.
type page struct {
	elements       []string
	pages          [][]string // of several, the elements of each
	next, previous string
	last           string // where the last page was
}

func pageOf(t testing.TB, w *httptest.ResponseRecorder) page {
	t.Helper()
	var answer struct {
		Data   []json.RawMessage
		Paging struct{ Next, Previous string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s is no page: %v", w.Code, w.Body, err)
	}
	p := page{next: answer.Paging.Next, previous: answer.Paging.Previous}
	for _, e := range answer.Data {
		var series struct {
			Points []json.RawMessage `json:"data_points"`
		}
		if err := json.Unmarshal(e, &series); err == nil && series.Points != nil {
			for _, point := range series.Points {
				p.elements = append(p.elements, string(point))
			}
			continue
		}
		p.elements = append(p.elements, string(e))
	}
	return p
}

// follow reads a page and those after it, each by the link as it is.
func (g *graph) follow(target string, link func(page) string) page {
	g.t.Helper()
	var all page
	for range 1000 {
		p := pageOf(g.t, g.raw("GET "+target+" HTTP/1.1"))
		all.elements, all.pages = append(all.elements, p.elements...), append(all.pages, p.elements)
		all.last = target
		next := link(p)
		if next == "" {
			return all
		}
		rest, ok := strings.CutPrefix(next, "http://graph.example")
		if !ok {
			g.t.Fatalf("the link %s leads elsewhere", next)
		}
		target = rest
	}
	g.t.Fatal("the pages have no end")
	return page{}
}

// TestCursors checks that a cursor stays good when elements come and go, and that
// one of another tenant shows nothing of that tenant.
func TestCursors(t *testing.T) {
	g := lucky(t)
	edge := "/v25.0/" + shop + "/message_templates?fields=id&limit=1"
	next := nextOf(t, g.shopGet(edge))
	g.apply(strings.Replace(readFile(t, tenantsFile), `code: "1421988012088524"`, `code: "1421988012088525"`, 1))
	target, _ := strings.CutPrefix(next, "http://graph.example")
	w := g.shopGet(target)
	if got := pageOf(t, w).elements; len(got) != 1 || got[0] != `{"id":"1421988012088525"}` {
		t.Errorf("after the element that went comes %v, want the one that came", got)
	}
	after := url.Values{}
	after.Set("after", "MzAwMDAwMDAwMDAwMDAwMQBkZQ") // the rival's only template
	w = g.shopGet("/v25.0/" + shop + "/message_templates?" + after.Encode())
	wantAnswer(t, w, `{"data":[]}`)
	w = g.raw("GET /v25.0/" + rivals + "/message_templates?" + after.Encode() + " HTTP/1.1\nAuthorization: Bearer shop-token")
	if f := failureOf(t, w); f.Subcode != 33 {
		t.Errorf("the rival's edge is answered %s", w.Body)
	}
}
