package meta_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const shop = "102290129340410"

// An element is one answer within the answer to a batch.
type element struct {
	Code    int `json:"code"`
	Headers []struct {
		Name, Value string
	} `json:"headers"`
	Body string `json:"body"`
}

// send posts to a path, with a token in the query unless that is empty.
func (g *graph) send(target, token, kind, body string) *httptest.ResponseRecorder {
	g.t.Helper()
	if token != "" {
		target += "?access_token=" + token
	}
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if !g.api.Match(r) {
		g.t.Fatalf("POST %s with %s %.200s is not matched", target, kind, body)
	}
	w := httptest.NewRecorder()
	g.api.ServeHTTP(w, r)
	return w
}

// batch posts a batch as JSON with the shop's token and returns its elements.
func (g *graph) batch(items string) []*element {
	g.t.Helper()
	return elementsOf(g.t, g.send("/v24.0", "shop-token", "application/json", `{"batch":`+items+`}`))
}

func elementsOf(t testing.TB, w *httptest.ResponseRecorder) []*element {
	t.Helper()
	var list []*element
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s is no answer to a batch: %v", w.Code, w.Body, err)
	}
	return list
}

const twoItems = `[{"method":"GET","relative_url":"102290129340410?fields=id,name"},{"method":"GET","relative_url":"v25.0//102290129340411?fields=id"}]`

// multipartOf returns a form in parts, and its content type.
func multipartOf(pairs ...string) (kind, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		part, _ := w.CreateFormField(pairs[i])
		_, _ = io.WriteString(part, pairs[i+1])
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

// TestBatchForms sends the same batch in every way that clients do.
func TestBatchForms(t *testing.T) {
	const asJSON, form = "application/json", "application/x-www-form-urlencoded"
	parts, inParts := multipartOf("access_token", "shop-token", "batch_app_id", "634974688087059", "batch", twoItems)
	quoted, _ := json.Marshal(twoItems)
	escaped := url.QueryEscape(twoItems)
	tests := []struct{ name, target, token, kind, body string }{
		{"an array in JSON", "/v24.0", "shop-token", asJSON, `{"batch":` + twoItems + `}`},
		{"text in JSON", "/v24.0", "shop-token", asJSON, `{"batch":` + string(quoted) + `}`},
		{"to the root", "/", "shop-token", asJSON, `{"batch":` + twoItems + `}`},
		{"to the root with two slashes", "//", "shop-token", asJSON, `{"batch":` + twoItems + `}`},
		{"a token in JSON", "/", "", asJSON, `{"access_token":"shop-token","batch":` + twoItems + `}`},
		{"a form", "/v24.0/", "", form, "batch=" + escaped + "&access_token=shop-token"},
		{"a form to the root", "/", "", form, "access_token=shop-token&batch=" + escaped},
		{"a form with more before it", "/", "", form, "batch_app_id=634974688087059&include_headers=true&access_token=shop-token&\nbatch=" + escaped},
		{"a form without a type", "/", "", "", "access_token=shop-token&batch=" + escaped},
		{"a form in parts", "/", "", parts, inParts},
		{"a form in parts with a version", "/v24.0", "", parts, inParts},
		{"in the query", "/?batch=" + escaped + "&access_token=shop-token&x=", "", form, ""},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list := elementsOf(t, g.send(tt.target, tt.token, tt.kind, tt.body))
			want := []string{`{"id":"102290129340410","name":"Shop"}`, `{"id":"102290129340411"}`}
			if len(list) != 2 {
				t.Fatalf("%d elements", len(list))
			}
			for i, e := range list {
				if e.Code != 200 || e.Body != want[i] {
					t.Errorf("element %d is %d %s, want %s", i, e.Code, e.Body, want[i])
				}
			}
		})
	}
}

// TestBatchItems has items of all sorts, each answered in its place as if it had
// been sent alone.
func TestBatchItems(t *testing.T) {
	object := func(verb, id string) string {
		return strings.Replace(fmt.Sprintf(unsupportedGet, id), "get", verb, 1)
	}
	const shopID = `{"id":"102290129340410"}`
	tests := []struct {
		name, item string
		code       int
		want       string // the body, or the message of the error
	}{
		{"as the SDK sends it", `{"method":"GET","relative_url":"102290129340410?fields=analytics.start(1).end(2).granularity(DAY){data_points}"}`, 200, `{"analytics":{"data_points":[]},"id":"102290129340410"}`},
		{"an edge with JSON in its query", `{"method":"GET","relative_url":"102290129340410/template_analytics?start=1&end=2&granularity=DAILY&template_ids=[\"1\"]"}`, 200, `{"data":[{"granularity":"DAILY","product_type":"cloud_api","data_points":[]}]}`},
		{"with a slash before", `{"method":"GET","relative_url":"/102290129340410?fields=id"}`, 200, shopID},
		{"with a version and two slashes", `{"method":"get","relative_url":"/v19.0//102290129340410?fields=id"}`, 200, shopID},
		{"with escapes", `{"method":"GET","relative_url":"v24.0%2F102290129340410?fields=id%2Cid.as(i)"}`, 200, `{"id":"102290129340410","i":"102290129340410"}`},
		{"without a method", `{"relative_url":"102290129340410?fields=id"}`, 200, shopID},
		{"several objects", `{"method":"GET","relative_url":"?ids=102290129340410&fields=id"}`, 200, `{"102290129340410":{"id":"102290129340410"}}`},
		{"debug_token", `{"method":"GET","relative_url":"debug_token?input_token=shop-token&fields=is_valid"}`, 200, `{"data":{"is_valid":true}}`},
		{"a change by a form", `{"method":"POST","relative_url":"102290129340411","body":"is_enabled_for_insights=true"}`, 200, `{"id":"102290129340411"}`},
		{"a change by an object", `{"method":"POST","relative_url":"102290129340411","body":{"is_enabled_for_insights":true}}`, 200, `{"id":"102290129340411"}`},
		{"a body that GET does not need", `{"method":"GET","relative_url":"102290129340410?fields=id","body":"fields=name"}`, 200, shopID},
		{"a token of its own", `{"method":"GET","relative_url":"102290129340398?fields=id","access_token":"lucky-token"}`, 200, pacificID},
		{"a token in its URL", `{"method":"GET","relative_url":"102290129340398?fields=id&access_token=lucky-token"}`, 200, pacificID},
		{"a name twice", `{"method":"DELETE","relative_url":"x","method":"GET","relative_url":"102290129340410?fields=id"}`, 200, shopID},

		{"another's account", `{"method":"GET","relative_url":"102290129340398?fields=id"}`, 400, object("get", pacific)},
		{"another's account among several", `{"method":"GET","relative_url":"?ids=102290129340410,102290129340398&fields=id"}`, 400, object("get", pacific)},
		{"a wrong token of its own", `{"method":"GET","relative_url":"102290129340410?fields=id","access_token":"shop-tokem"}`, 401, "Invalid OAuth access token - Cannot parse access token"},
		{"a header for a token", `{"method":"GET","relative_url":"102290129340398?fields=id","headers":["Authorization: Bearer lucky-token"]}`, 400, object("get", pacific)},
		{"a proof of the wrong app", `{"method":"GET","relative_url":"102290129340410?fields=id&appsecret_proof=00"}`, 400, "Invalid appsecret_proof provided in the API argument"},
		{"a proof beside it", `{"method":"GET","relative_url":"102290129340410?fields=id","appsecret_proof":"` + proof("shop-secret", "shop-token") + `"}`, 200, shopID},
		{"a wrong proof beside it", `{"method":"GET","relative_url":"102290129340410?fields=id","appsecret_proof":"00"}`, 400, "Invalid appsecret_proof provided in the API argument"},
		{"a proof in its URL, which stands over one beside it", `{"method":"GET","relative_url":"102290129340410?fields=id&appsecret_proof=00","appsecret_proof":"` + proof("shop-secret", "shop-token") + `"}`, 400, "Invalid appsecret_proof provided in the API argument"},
		{"a broken field", `{"method":"GET","relative_url":"102290129340410?fields=,"}`, 400, `Syntax error "Expected name." at character 0: ,`},
		{"a method that does nothing", `{"method":"DELETE","relative_url":"102290129340410"}`, 400, object("delete", shop)},
		{"an unknown edge", `{"method":"GET","relative_url":"102290129340410/boguspath"}`, 400, "Unknown path components: /boguspath"},
		{"a name", `{"method":"GET","relative_url":"me"}`, 404, "(#803) Some of the aliases you requested do not exist: me"},
		{"an absolute URL", `{"method":"GET","relative_url":"https://graph.facebook.com/102290129340410"}`, 404, "(#803) Some of the aliases you requested do not exist: https:"},
		{"the way up", `{"method":"GET","relative_url":"../102290129340410"}`, 404, "(#803) Some of the aliases you requested do not exist: .."},
		{"a batch in its body", `{"method":"POST","relative_url":"/","body":"batch=[]"}`, 400, "A batch cannot hold a batch"},
		{"a batch in its URL", `{"method":"POST","relative_url":"v24.0?batch=[{}]"}`, 400, "A batch cannot hold a batch"},
		{"a batch in JSON", `{"method":"POST","relative_url":"v24.0/","body":{"batch":[{"method":"GET","relative_url":"me"}]}}`, 400, "A batch cannot hold a batch"},
		{"a reference", `{"method":"GET","relative_url":"?ids={result=first:$.data.*.id}"}`, 400, "References to results of other elements of batch are not served"},
		{"without a URL", `{"method":"GET"}`, 400, "An element of batch has no relative_url"},
		{"a number", `7`, 400, "An element of batch is not an object - got 7"},
		{"a method that is none", `{"method":5,"relative_url":"102290129340410"}`, 400, `method of an element of batch must be one such as GET or POST - got "5"`},
		{"null", `null`, 400, "An element of batch is not an object - got null"},
		{"a body that is no JSON", `{"method":"POST","relative_url":"102290129340411","body":"{"}`, 400, "(#100) The body is not valid JSON, seen at byte 1"},
	}
	g := lucky(t)
	items := make([]string, len(tests))
	for i, tt := range tests {
		items[i] = tt.item
	}
	list := g.batch("[" + strings.Join(items, ",") + "]")
	if len(list) != len(tests) {
		t.Fatalf("%d items have %d answers", len(tests), len(list))
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := list[i]
			got := e.Body
			if e.Code != 200 {
				var envelope struct{ Error failure }
				if err := json.Unmarshal([]byte(e.Body), &envelope); err != nil {
					t.Fatalf("%s is no error: %v", e.Body, err)
				}
				got = envelope.Error.Message
			}
			if e.Code != tt.code || got != tt.want {
				t.Errorf("%s\nanswers %d %s\nwant    %d %s", tt.item, e.Code, got, tt.code, tt.want)
			}
		})
	}
	if c, _ := g.directory.View().Channel("102290129340411"); c.Insights != "enabled" {
		t.Error("the change of an item was not made")
	}
}

// TestBatchAnswers looks at what stands around the bodies.
func TestBatchAnswers(t *testing.T) {
	g := lucky(t)
	const item = `{"method":"GET","relative_url":"v19.0/102290129340410?fields=id"}`
	header := func(e *element, name string) string {
		for _, h := range e.Headers {
			if h.Name == name {
				return h.Value
			}
		}
		return ""
	}
	t.Run("headers are those of the item", func(t *testing.T) {
		e := g.batch("[" + item + "]")[0]
		alone := g.get("/v25.0/" + pacific + "?fields=id").Header()
		if got := header(e, "Facebook-Api-Version"); got != "v19.0" {
			t.Errorf("version is %q", got)
		}
		if got := header(e, "ETag"); got == "" {
			t.Error("ETag is missing")
		}
		for name := range alone {
			if header(e, name) == "" && name != "Content-Length" && name != "Etag" {
				t.Errorf("%s is missing", name)
			}
		}
	})
	t.Run("no headers", func(t *testing.T) {
		w := g.send("/v24.0", "shop-token", "application/json", `{"include_headers":false,"batch":[`+item+`]}`)
		if want := `[{"code":200,"body":"{\"id\":\"102290129340410\"}"}]`; w.Body.String() != want {
			t.Errorf("answer %s, want %s", w.Body, want)
		}
	})
	t.Run("an item that wants no answer to a success", func(t *testing.T) {
		list := g.batch(`[{"method":"GET","relative_url":"102290129340410","omit_response_on_success":true},` +
			`{"method":"GET","relative_url":"me","omit_response_on_success":true}]`)
		if list[0] != nil || list[1] == nil || list[1].Code != 404 {
			t.Errorf("answers %+v", list)
		}
	})
	t.Run("links carry the token of the batch", func(t *testing.T) {
		const page = `[{"method":"GET","relative_url":"102290129340410/message_templates?limit=1&fields=id"}]`
		body := g.batch(page)[0].Body
		var answer struct{ Paging struct{ Next string } }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(answer.Paging.Next, "access_token=shop-token") {
			t.Errorf("next is %s", answer.Paging.Next)
		}
		w := g.raw("POST /v24.0 HTTP/1.1\nAuthorization: Bearer shop-token\nContent-Type: application/json\n\n" + `{"batch":` + page + "}")
		if strings.Contains(w.Body.String(), "shop-token") {
			t.Errorf("a token of the header is in %s", w.Body)
		}
	})
	t.Run("none", func(t *testing.T) {
		if list := g.batch("[]"); len(list) != 0 {
			t.Errorf("answers %+v", list)
		}
	})
}

// TestBatchIsRefused sends batches that are none, and those of strangers.
func TestBatchIsRefused(t *testing.T) {
	const asJSON = "application/json"
	item := `{"method":"GET","relative_url":"102290129340410?fields=id"},`
	tests := []struct {
		name, token, body string
		status, code      int
		kind, message     string
	}{
		{"no token", "", `{"batch":[]}`, 400, 104, "OAuthException", "An access token is required to request this resource."},
		{"a token in an item only", "", `{"batch":[{"relative_url":"1","access_token":"shop-token"}]}`, 400, 104, "OAuthException", "An access token is required to request this resource."},
		{"a wrong token", "x", `{"batch":[]}`, 401, 190, "OAuthException", "Invalid OAuth access token - Cannot parse access token"},
		{"no array", "shop-token", `{"batch":{}}`, 400, 100, "GraphBatchException", "batch parameter must be a JSON array"},
		{"text that is no array", "shop-token", `{"batch":"x"}`, 400, 100, "GraphBatchException", "batch parameter must be a JSON array"},
		{"half an array", "shop-token", `{"batch":"[{\"method\":"}`, 400, 100, "GraphBatchException", "batch parameter must be a JSON array: it is broken at byte 1"},
		{"an array and more", "shop-token", `{"batch":"[]garbage"}`, 400, 100, "GraphBatchException", "batch parameter must be a JSON array: something follows it at byte 2"},
		{"two arrays", "shop-token", `{"batch":"[] []"}`, 400, 100, "GraphBatchException", "batch parameter must be a JSON array: something follows it at byte 4"},
		{"an array without an end", "shop-token", `{"batch":"[{}"}`, 400, 100, "GraphBatchException", "batch parameter must be a JSON array: it is broken at byte 3"},
		{"51 items", "shop-token", `{"batch":[` + strings.TrimSuffix(strings.Repeat(item, 51), ",") + `]}`, 400, 100, "GraphBatchException", "Too many requests in batch message. Maximum batch size is 50"},
		{"another method", "shop-token", `{"batch":[],"method":"delete"}`, 400, 100, "GraphMethodException", "Unsupported delete request. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"},
		{"deep", "shop-token", `{"batch":"` + strings.Repeat("[", 100) + `"}`, 400, 100, "GraphBatchException", "batch parameter must be a JSON array: the JSON is nested deeper than 64 at byte 64"},
	}
	g := lucky(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantFailure(t, g.send("/v24.0", tt.token, asJSON, tt.body), tt.status, tt.code, 0, tt.kind, tt.message)
		})
	}
	if list := g.batch("[" + strings.TrimSuffix(strings.Repeat(item, 50), ",") + "]"); len(list) != 50 || list[49].Code != 200 {
		t.Errorf("50 items have %d answers", len(list))
	}
}

// TestBatchWork asks for more than one request may. What comes after the bound is
// refused, what came before is answered.
func TestBatchWork(t *testing.T) {
	g := lucky(t)
	var series []string
	for i := range 20 {
		series = append(series, fmt.Sprintf("analytics.start(1).end(2).granularity(DAY).as(a%d){data_points}", i))
	}
	heavy := `{"method":"GET","relative_url":"102290129340410?fields=` + strings.Join(series, ",") + `"}`
	list := g.batch("[" + strings.TrimSuffix(strings.Repeat(heavy+",", 50), ",") + "]")
	good := 0
	for i, e := range list {
		switch {
		case e.Code == 200 && i == good:
			good++
		case e.Code != 500 || !strings.Contains(e.Body, "Please reduce the amount of data you're asking for"):
			t.Errorf("item %d is answered %d %s", i, e.Code, e.Body)
		}
	}
	if good != 500/21 {
		t.Errorf("%d heavy items are answered, want %d", good, 500/21)
	}
	ids := strings.TrimSuffix(strings.Repeat("1,", 50), ",")
	many := g.batch(`[{"relative_url":"?ids=` + ids + `"}]`)
	if many[0].Code != 400 {
		t.Errorf("ids of nobody: %+v", many[0])
	}
}

// TestBatchOfLargeAnswers bounds the bytes of all answers together: 50 objects with
// a long name, many times over.
func TestBatchOfLargeAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 32 MiB of answers")
	}
	var document strings.Builder
	document.WriteString("accounts: [{id: \"1000000000000001\", tokens: [{name: t, token: many-token-0123456789, scopes: [whatsapp_business_management]}]}]\nchannels:\n")
	ids := make([]string, 50)
	for i := range ids {
		ids[i] = fmt.Sprint(100 + i)
		fmt.Fprintf(&document, "  - {id: %q, provider: waba, account: \"1000000000000001\", name: %q}\n", ids[i], strings.Repeat(`x"`, 125))
	}
	g := newGraph(t, openStore(t), document.String(), 0)
	var names []string
	for i := range 199 {
		names = append(names, fmt.Sprintf("name.as(n%d)", i))
	}
	heavy := `{"relative_url":"?ids=` + strings.Join(ids, ",") + "&fields=" + strings.Join(names, ",") + `"},`
	w := g.send("/v24.0", "many-token-0123456789", "application/json", `{"batch":[`+strings.Repeat(heavy, 9)+heavy[:len(heavy)-1]+`]}`)
	list := elementsOf(t, w)
	good := 0
	for i, e := range list {
		switch {
		case e.Code == 200 && i == good:
			good++
		case e.Code != 500 || !strings.Contains(e.Body, "Please reduce the amount of data"):
			t.Errorf("item %d is answered %d %.200s", i, e.Code, e.Body)
		}
	}
	text, _ := json.Marshal(list[0].Body)
	if want := 32 << 20 / len(text); len(list) != 10 || good != want || w.Body.Len() > 32<<20+64<<10 {
		t.Errorf("%d bytes in %d answers of %d each, of which %d are good, want %d", w.Body.Len(), len(list), len(text), good, want)
	}
	if g.api.Held() != 0 {
		t.Errorf("%d bytes stay held", g.api.Held())
	}
}

// TestBatchOutOfTime answers null for items that it did not come to.
func TestBatchOutOfTime(t *testing.T) {
	g := lucky(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v24.0?access_token=shop-token", strings.NewReader(`{"batch":`+twoItems+`}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	g.api.ServeHTTP(w, r)
	wantAnswer(t, w, "[null,null]")
}
