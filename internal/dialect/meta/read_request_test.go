package meta_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const unsupportedGet = "Unsupported get request. Object with ID '%s' does not exist, cannot be loaded due to " +
	"missing permissions, or does not support this operation. Please read the Graph API documentation at " +
	"https://developers.facebook.com/docs/graph-api"

// TestPaths checks which paths name the account, and that others are told apart
// from it by an error, never by a redirect.
func TestPaths(t *testing.T) {
	alias := func(name string) string { return "(#803) Some of the aliases you requested do not exist: " + name }
	object := func(id string) string { return fmt.Sprintf(unsupportedGet, id) }
	const noObject = "Unsupported get request. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
	long := strings.Repeat("1", 5000)
	tests := []struct {
		path          string
		code, subcode int // no code is a success
		message       string
	}{
		{path: "/v25.0/" + pacific},
		{path: "/" + pacific},
		{path: "/v2.1/" + pacific},
		{path: "/v999.12/" + pacific},
		{path: "/v25.0//" + pacific},
		{path: "//v25.0/" + pacific},
		{path: "///v25.0///" + pacific + "///"},
		{path: "//" + pacific},
		{path: "/v25.0/" + pacific + "/"},
		{path: "/v25.0/%31" + pacific[1:]},
		{path: "/v25%2E0%2F" + pacific},

		{"/v25.0", 100, 0, noObject},
		{"/v25.0/", 100, 0, noObject},
		{"/v25.0/" + pacific + "/v25.0", 2500, 0, "Unknown path components: /v25.0"},
		{"/v25.0/" + pacific + "/analytics/", 2500, 0, "Unknown path components: /analytics"},
		{"/v25.0/" + pacific + "//a//b", 2500, 0, "Unknown path components: /a/b"},
		{"/v25.0/" + pacific + "/..", 2500, 0, "Unknown path components: /.."},
		{"/v25.0/" + pacific + "/%2e%2e/" + rivals, 2500, 0, "Unknown path components: /../" + rivals},
		{"/v25.0/" + pacific + "/<b>%22", 2500, 0, `Unknown path components: /<b>"`},
		{"/v25.0/%2e%2e/" + pacific, 803, 0, alias("..")},
		{"/v25.0/./" + pacific, 803, 0, alias(".")},
		{"/v25.0/v25.0/" + pacific, 803, 0, alias("v25.0")},
		{"/v25/" + pacific, 803, 0, alias("v25")},
		{"/v25.0/%00" + pacific, 803, 0, alias("\x00" + pacific)},
		{"/v25.0/" + pacific + "%00", 803, 0, alias(pacific + "\x00")},
		{"/v25.0/" + pacific + "%0A", 803, 0, alias(pacific + "\n")},
		{"/v25.0/%20" + pacific, 803, 0, alias(" " + pacific)},
		{"/v25.0/%FF", 803, 0, alias("\ufffd")},
		{"/v25.0/-1", 803, 0, alias("-1")},
		{"/v25.0/١٢٣", 803, 0, alias("١٢٣")},
		{"/v25.0/0" + pacific, 100, 33, object("0" + pacific)},
		{"/v25.0/" + long, 100, 33, object(long)},
	}
	g := lucky(t)
	for _, tt := range tests {
		name := tt.path
		t.Run(name[:min(len(name), 60)], func(t *testing.T) {
			w := g.get(tt.path + "?fields=id")
			switch {
			case tt.code == 0:
				wantAnswer(t, w, pacificID)
			case tt.code == 803:
				wantFailure(t, w, http.StatusNotFound, 803, 0, "OAuthException", tt.message)
			case tt.code == 100:
				wantFailure(t, w, http.StatusBadRequest, 100, tt.subcode, "GraphMethodException", tt.message)
			default:
				wantFailure(t, w, http.StatusBadRequest, tt.code, 0, "OAuthException", tt.message)
			}
		})
	}
}

// TestMatch checks which paths the dialect claims.
func TestMatch(t *testing.T) {
	g := lucky(t)
	for path, want := range map[string]bool{
		"/v25.0": true, "/v25.0/x": true, "//v25.0//1": true, "/1": true, "/123/x": true, "/v1.0/": true,
		"/": false, "//": false, "/v25": false, "/v25.0.1": false, "/V25.0/1": false, "/vx.0/1": false, "/me": false,
		"/waybill/v1/events": false, "/console/": false, "/12a": false, "/v1/business-pages/1": false, "/v25.0\n": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		if got := g.api.Match(r); got != want {
			t.Errorf("Match(%q) = %t", path, got)
		}
	}
	if g.api.Name() != "meta" {
		t.Errorf("Name() = %q", g.api.Name())
	}
}

// TestWebhookPaths checks that webhooks get to their handler, however many
// slashes there are.
func TestWebhookPaths(t *testing.T) {
	g := lucky(t)
	for _, path := range []string{"/webhooks/meta", "/webhooks/meta/634974688087057", "//webhooks//meta//634974688087057", "/webhooks"} {
		if w := g.raw("PUT " + path + " HTTP/1.1"); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("PUT %s: %d %s, want the refusal of the webhook", path, w.Code, w.Body)
		}
	}
}

// TestHeaders checks what every answer carries, be it a success or an error.
func TestHeaders(t *testing.T) {
	g := lucky(t)
	traces := make(map[string]bool)
	tests := []struct{ path, version string }{
		{"/v25.0/" + pacific, "v25.0"},
		{"/" + pacific, "v25.0"},
		{"/v19.0/" + pacific, "v19.0"},
		{"/v2.12/" + nobodys, "v2.12"},
		{"/v19.0/" + pacific + "?access_token=wrong", "v19.0"},
		{"/v19.0/" + pacific + "?fields=analytics", "v19.0"},
	}
	for _, tt := range tests {
		w := g.get(tt.path)
		for name, want := range map[string]string{
			"Facebook-Api-Version":        tt.version,
			"Content-Type":                "application/json; charset=UTF-8",
			"Content-Length":              fmt.Sprint(w.Body.Len()),
			"Cache-Control":               "private, no-cache, no-store, must-revalidate",
			"Pragma":                      "no-cache",
			"Expires":                     "Sat, 01 Jan 2000 00:00:00 GMT",
			"Access-Control-Allow-Origin": "*",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", tt.path, name, got, want)
			}
		}
		trace := w.Header().Get("X-Fb-Trace-Id")
		if traces[trace] || !tracePattern.MatchString(`"fbtrace_id":"`+trace+`"`) {
			t.Errorf("%s: X-Fb-Trace-Id %q is odd or not new", tt.path, trace)
		}
		traces[trace] = true
		if w.Code != http.StatusOK && failureOf(t, w).TraceID != trace {
			t.Errorf("%s: %s has another trace ID than the header %s", tt.path, w.Body, trace)
		}
		if _, ok := w.Header()["Etag"]; ok != (w.Code == http.StatusOK) {
			t.Errorf("%s: status %d with ETag %q", tt.path, w.Code, w.Header().Get("ETag"))
		}
	}
}

// TestNotModified checks If-None-Match, for GET and HEAD, in all its forms.
func TestNotModified(t *testing.T) {
	g := lucky(t)
	const path = "/v25.0/" + pacific + "?fields=analytics.start(2026-01-01).end(2026-02-01).granularity(DAY)"
	tag := g.get(path).Header().Get("ETag")
	if len(tag) != 42 || tag != g.get(path+"&access_token=lucky-token").Header().Get("ETag") {
		t.Fatalf("ETag %q is no quoted SHA-1 or is another one the second time", tag)
	}
	tests := []struct {
		name, header string
		status       int
	}{
		{"the tag", tag, 304},
		{"the tag made weak", "W/" + tag, 304},
		{"a list with the tag", `"x", ` + tag + `,"y"`, 304},
		{"a list with the weak tag", `W/"x",W/` + tag, 304},
		{"two lines", `"x"` + "\nIf-None-Match: " + tag, 304},
		{"anything", "*", 304},
		{"another tag", `"x"`, 200},
		{"the tag without quotes", strings.Trim(tag, `"`), 200},
		{"a part of the tag", tag[:20] + `"`, 200},
		{"nothing", "", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := g.get(path, "If-None-Match: "+tt.header)
			if w.Code != tt.status || w.Header().Get("ETag") != tag || w.Code == 304 && w.Body.Len() > 0 {
				t.Errorf("If-None-Match: %s: %d %s with ETag %s", tt.header, w.Code, w.Body, w.Header().Get("ETag"))
			}
		})
	}
	if w := g.get("/v25.0/"+nobodys, "If-None-Match: *"); w.Code != 400 {
		t.Errorf("an error with If-None-Match: * is %d %s", w.Code, w.Body)
	}
	g.record(`{"channel": "102290129340398", "message": "a", "status": "delivered", "at": "2026-01-01T12:00:00-08:00", "sender": "16315551000"}`)
	if w := g.get(path, "If-None-Match: "+tag); w.Code != 200 || w.Header().Get("ETag") == tag {
		t.Errorf("a new message leaves %d with ETag %s", w.Code, w.Header().Get("ETag"))
	}
}

// TestHead asks over a real connection, which drops the body of the answer.
func TestHead(t *testing.T) {
	g := lucky(t)
	server := httptest.NewServer(g.api)
	defer server.Close()
	for _, path := range []string{"?fields=name", "?fields=nonsense"} {
		url := server.URL + "/v25.0/" + pacific + path + "&access_token=lucky-token"
		if get, head := headOf(t, http.MethodGet, url), headOf(t, http.MethodHead, url); head != get {
			t.Errorf("HEAD %s: %s; GET: %s", path, head, get)
		}
	}
}

// headOf returns what an answer says before its body.
func headOf(t *testing.T, method, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return fmt.Sprintf("%s, %d bytes, ETag %s", response.Status, response.ContentLength, response.Header.Get("ETag"))
}

// TestParameters checks how parameters are read: names are trimmed, the last of
// several stands, unknown ones mean nothing, and only & separates.
func TestParameters(t *testing.T) {
	tests := []struct{ name, query, want string }{
		{"a name in white space", "%20%0Afields%09+=id", pacificID},
		{"the same name twice", "fields=nonsense&fields=id", pacificID},
		{"the same name twice, once in white space", "fields=nonsense&%0Afields=id", pacificID},
		{"unknown parameters", "fields=id&pretty=0&debug=all&limit=5&start=x&__proto__=1&format=json&locale=de_DE&=&&x", pacificID},
		{"an equals sign in a value", "x=a=b&fields=id", pacificID},
		{"a semicolon, which separates nothing", "fields=id&x=1;fields=nonsense", pacificID},
		{"an escape that is broken", "fields=id&x=%zz&y=%", pacificID},
		{"invalid UTF-8", "fields=id&x=%ff&%fe=1", pacificID},
		{"a NUL", "fields=id&x=%00&%00=1", pacificID},
		{"a name with two pairs of brackets is another name", "fields=id&fields[a][b]=nonsense&fields[a]=nonsense", pacificID},
		{"a name in capitals is another name", "fields=id&Fields=nonsense&METHOD=delete", pacificID},
		{"the method of the call itself", "fields=id&method=get", pacificID},
		{"the method in capitals and blanks", "fields=id&method=+GET%0A", pacificID},
		{"the method HEAD", "fields=id&method=HEAD", pacificID},
		{"no method", "fields=id&method=", pacificID},
		{"no fields", "fields=", `{"id":"102290129340398","name":"Lucky Shrub","timezone_id":"1","message_template_namespace":"ba30dd89_2ebd_41e4_b805_f2c05ae04cc9"}`},
		{"blank fields", "fields=+%0A", `{"id":"102290129340398","name":"Lucky Shrub","timezone_id":"1","message_template_namespace":"ba30dd89_2ebd_41e4_b805_f2c05ae04cc9"}`},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantAnswer(t, g.get("/v25.0/"+pacific+"?"+tt.query), tt.want)
		})
	}
}

// TestBodies posts a call as clients write it, and what is none.
func TestBodies(t *testing.T) {
	const asJSON, form = "application/json", "application/x-www-form-urlencoded"
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	tests := []struct{ name, kind, body, failure string }{
		{"JSON", asJSON, `{"method": "get", "fields": "id"}`, ""},
		{"JSON with values of all sorts", asJSON, ` {"fields": "id", "a": 1, "b": [1, {"c": null}], "method": "get", "d": true} `, ""},
		{"JSON with escapes", asJSON, `{"m\u0065thod": "g\u0065t", "fields": "i\u0064"}`, ""},
		{"JSON with a name twice", asJSON, `{"fields": "nonsense", "method": "get", "fields": "id"}`, ""},
		{"JSON with a name twice, once in white space", asJSON, `{"\nfields": "nonsense", "method": "get", "fields": "id"}`, ""},
		{"JSON with a name twice, the last in white space", asJSON, `{"fields": "nonsense", "method": "get", "\nfields ": "id"}`, ""},
		{"JSON in invalid UTF-8", asJSON, "{\"method\": \"get\", \"fields\": \"id\", \"\xff\": \"\xfe\"}", ""},
		{"JSON with a NUL", asJSON, `{"method": "get", "fields": "id", "\u0000": "\u0000"}`, ""},
		{"a form", form, "method=get&fields=id", ""},
		{"a form with line breaks", form, "method=get&\nfields=id\n", ""},
		{"a body of another kind means nothing", "text/plain; x", "method=delete&fields=nonsense", "post"},

		{"an array", asJSON, `["method"]`, "(#100) The body is not a JSON object"},
		{"a string", asJSON, `"method"`, "(#100) The body is not a JSON object"},
		{"null", asJSON, `null`, "(#100) The body is not a JSON object"},
		{"white space", asJSON, "\n \t", "(#100) The body is not a JSON object"},
		{"no JSON", asJSON, "method=get", "(#100) The body is not a JSON object"},
		{"half an object", asJSON, `{"method": "get", "fie`, "(#100) The body is not valid JSON, seen at byte 16"},
		{"a name without a value", asJSON, `{"method"}`, "(#100) The body is not valid JSON, seen at byte 9"},
		{"two objects", asJSON, `{"method": "get"} {}`, "(#100) The body is not valid JSON, seen at byte 19"},
		{"a comma too many", asJSON, `{"method": "get",}`, "(#100) The body is not valid JSON, seen at byte 16"},
		{"deep JSON", asJSON, `{"a": ` + deep + `}`, "(#100) the JSON is nested deeper than 64 at byte 69"},
		{"a body over the bound", form, "x=" + strings.Repeat("x", 1<<20), "(#100) the body has 1048578 bytes, more than 1048576"},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := g.post(tt.kind, []byte(tt.body))
			switch tt.failure {
			case "":
				wantAnswer(t, w, pacificID)
			case "post":
				wantFailure(t, w, http.StatusBadRequest, 100, 33, "GraphMethodException",
					strings.Replace(fmt.Sprintf(unsupportedGet, pacific), "get", "post", 1))
			default:
				wantFailure(t, w, http.StatusBadRequest, 100, 0, "OAuthException", tt.failure)
			}
		})
	}
	t.Run("a compressed form", func(t *testing.T) {
		wantAnswer(t, g.post(form, gzipped(t, "method=get&fields=id"), "gzip"), pacificID)
		wantFailure(t, g.post(form, gzipped(t, strings.Repeat("x", 1<<21)), "gzip"), http.StatusBadRequest, 100, 0,
			"OAuthException", "(#100) the body inflates to more than 1048576 bytes")
		if f := failureOf(t, g.post(form, []byte("method=get"), "gzip")); f.Code != 100 {
			t.Errorf("a form that is not compressed as it says: %+v", f)
		}
	})
}

func (g *graph) post(kind string, body []byte, encoding ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v25.0/"+pacific, bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer lucky-token")
	r.Header["Content-Encoding"] = encoding
	w := httptest.NewRecorder()
	g.api.ServeHTTP(w, r)
	return w
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
