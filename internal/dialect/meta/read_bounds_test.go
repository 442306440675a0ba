package meta_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/store/storetest"
)

// A slowStore calls ask before it answers what it is asked for points.
type slowStore struct {
	*storetest.Model
	ask func(context.Context) error
}

func (s *slowStore) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	return s.Model.Points(ctx, q)
}

const oneSeries = "?fields=analytics.start(1).end(2).granularity(DAY){data_points}"

// serve sends a request to the API with a context.
func (g *graph) serve(ctx context.Context, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer shop-token")
	w := httptest.NewRecorder()
	g.api.ServeHTTP(w, r)
	return w
}

// TestTimeEndsWithinABatch has an item that the time of the batch ends in: it and
// those after it have no answer, and those before have theirs.
func TestTimeEndsWithinABatch(t *testing.T) {
	store := &slowStore{Model: storetest.NewModel()}
	g := newGraph(t, store, readFile(t, tenantsFile), 0)
	ctx, cancel := context.WithCancel(t.Context())
	store.ask = func(ctx context.Context) error { cancel(); return ctx.Err() }
	const named = `{"relative_url":"102290129340410?fields=id"}`
	w := g.serve(ctx, http.MethodPost, "/v24.0", `{"include_headers":false,"batch":[`+named+`,{"relative_url":"102290129340410`+oneSeries+`"},`+named+`]}`)
	wantAnswer(t, w, `[{"code":200,"body":"{\"id\":\"102290129340410\"}"},null,null]`)
	if held := g.api.Held(); held != 0 {
		t.Errorf("%d bytes stay held", held)
	}
}

// TestTimeOfACallIsBounded asks a store that does not answer.
func TestTimeOfACallIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Model: storetest.NewModel()}
		g := newGraph(t, store, readFile(t, tenantsFile), 0)
		store.ask = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		begin := time.Now()
		w := g.serve(t.Context(), http.MethodGet, "/v24.0/"+shop+oneSeries, "")
		wantFailure(t, w, http.StatusServiceUnavailable, 2, 0, "OAuthException", "(#2) Service temporarily unavailable")
		if took := time.Since(begin); took != 20*time.Second {
			t.Errorf("it takes %s", took)
		}
		begin = time.Now()
		w = g.serve(t.Context(), http.MethodPost, "/v24.0", `{"batch":[{"relative_url":"102290129340410`+oneSeries+`"},{"relative_url":"me"}]}`)
		wantAnswer(t, w, "[null,null]")
		if took := time.Since(begin); took != 20*time.Second {
			t.Errorf("a batch takes %s", took)
		}
	})
}

// TestAnswersAreGivenBack makes calls of all sorts, each of which holds memory of
// the account that asks, and none when it has ended.
func TestAnswersAreGivenBack(t *testing.T) {
	store := &slowStore{Model: storetest.NewModel()}
	g := newGraph(t, store, readFile(t, tenantsFile), 0)
	asked := false
	store.ask = func(context.Context) error { asked = true; return nil }
	const items = `{"relative_url":"102290129340410?fields=id"},{"relative_url":"me"},{"relative_url":"102290129340398?fields=id","access_token":"lucky-token"}`
	for name, call := range map[string]func() *httptest.ResponseRecorder{
		"a field":  func() *httptest.ResponseRecorder { return g.shopGet("/v24.0/" + shop + "?fields=id") },
		"pretty":   func() *httptest.ResponseRecorder { return g.shopGet("/v24.0/" + shop + "?fields=id&pretty=1") },
		"an error": func() *httptest.ResponseRecorder { return g.shopGet("/v24.0/me") },
		"a batch": func() *httptest.ResponseRecorder {
			return g.serve(t.Context(), "POST", "/v24.0", `{"batch":[`+items+`]}`)
		},
		"a batch without answers": func() *httptest.ResponseRecorder {
			return g.serve(t.Context(), "POST", "/v24.0", `{"batch":[{"relative_url":"102290129340410?fields=id","omit_response_on_success":true}]}`)
		},
		"a batch in which it is seen": func() *httptest.ResponseRecorder {
			store.ask = func(context.Context) error {
				if asked = true; g.api.HeldOf("1000000000000004") == 0 || g.api.HeldOf("1000000000000004") != g.api.Held() {
					t.Errorf("the shop holds %d of %d", g.api.HeldOf("1000000000000004"), g.api.Held())
				}
				return nil
			}
			return g.serve(t.Context(), "POST", "/v24.0", `{"batch":[`+items+`,{"relative_url":"102290129340410`+oneSeries+`"}]}`)
		},
		"a known answer": func() *httptest.ResponseRecorder {
			return g.shopGet("/v24.0/"+shop+"?fields=id", "If-None-Match: *")
		},
	} {
		w := call()
		if held := g.api.Held(); held != 0 {
			t.Errorf("%s, answered %d, leaves %d bytes held", name, w.Code, held)
		}
	}
	if !asked {
		t.Error("the store was not asked")
	}
}

// TestItemsAreHeldOnce looks at what a batch holds after a large item: that as it
// will be sent, and no longer the body that it was made of.
func TestItemsAreHeldOnce(t *testing.T) {
	store := &slowStore{Model: storetest.NewModel()}
	g := newGraph(t, store, readFile(t, tenantsFile), 0)
	held := int64(0)
	store.ask = func(context.Context) error { held = g.api.Held(); return nil }
	var many []string
	for i := range 190 {
		many = append(many, fmt.Sprintf("name.as(n%d)", i))
	}
	w := g.serve(t.Context(), http.MethodPost, "/v24.0", `{"batch":[{"relative_url":"102290129340410?fields=`+strings.Join(many, ",")+
		`"},{"relative_url":"102290129340410`+oneSeries+`"}]}`)
	if most := int64(w.Body.Len() * 5 / 4); held == 0 || held > most {
		t.Errorf("%d bytes are held for an answer of %d", held, w.Body.Len())
	}
}

// TestListsAreBounded asks for many lists of several objects in one call.
func TestListsAreBounded(t *testing.T) {
	var document strings.Builder
	document.WriteString("accounts: [{id: \"1000000000000001\", tokens: [{name: t, token: many-token-0123456789, scopes: [whatsapp_business_management]}]}]\nchannels:\n")
	var templates strings.Builder
	for c := 11; c <= 15; c++ {
		fmt.Fprintf(&document, "  - {id: \"%d\", provider: waba, account: \"1000000000000001\"}\n", c)
		for i := range 600 {
			fmt.Fprintf(&templates, "  - {channel: \"%d\", code: \"%d%04d\", name: sale, language: en, category: MARKETING}\n", c, c, i)
		}
	}
	document.WriteString("templates:\n" + templates.String())
	g := newGraph(t, storetest.NewModel(), document.String(), 0)
	ask := func(lists int, selection string) *httptest.ResponseRecorder {
		var names []string
		for i := range lists {
			names = append(names, fmt.Sprintf("message_templates.limit(1000).as(a%d)%s", i, selection))
		}
		return g.raw("GET /?ids=11,12,13,14,15&fields=" + strings.Join(names, ",") + " HTTP/1.1\nAuthorization: Bearer many-token-0123456789")
	}
	// 5 objects with 600 elements of 6 fields: 18,000 each.
	if w := ask(16, ""); w.Code != http.StatusOK {
		t.Errorf("16 lists are answered %d %.200s", w.Code, w.Body)
	}
	const tooMuch = "Please reduce the amount of data you're asking for, then retry your request"
	wantFailure(t, ask(17, ""), http.StatusInternalServerError, 1, 0, "OAuthException", tooMuch)
	var many []string
	for i := range 150 {
		many = append(many, fmt.Sprintf("name.as(n%d)", i))
	}
	wantFailure(t, ask(1, "{"+strings.Join(many, ",")+"}"), http.StatusInternalServerError, 1, 0, "OAuthException", tooMuch)
}

// TestBatchKnowsAnswers sends items with the ETag of what was answered before.
func TestBatchKnowsAnswers(t *testing.T) {
	g := lucky(t)
	tag := g.shopGet("/v24.0/" + shop + "?fields=id").Header().Get("ETag")
	for _, headers := range []string{
		`["If-None-Match: ` + strings.ReplaceAll(tag, `"`, `\"`) + `"]`,
		`["Accept: */*","if-none-match:W/` + strings.ReplaceAll(tag, `"`, `\"`) + `"]`,
		`[{"name":"If-None-Match","value":` + fmt.Sprintf("%q", tag) + `}]`,
	} {
		w := g.send("/v24.0", "shop-token", "application/json",
			`{"batch":[{"method":"GET","relative_url":"102290129340410?fields=id","headers":`+headers+`}]}`)
		if list := elementsOf(t, w); list[0].Code != http.StatusNotModified || !strings.HasSuffix(w.Body.String(), `"body":null}]`) {
			t.Errorf("%s is answered %s", headers, w.Body)
		}
	}
	for _, headers := range []string{`["If-None-Match: \"other\""]`, `[]`, `"x"`, `[7,{"name":1}]`, `["` + strings.ReplaceAll(tag, `"`, `\"`) + `"]`} {
		if list := g.batch(`[{"method":"GET","relative_url":"102290129340410?fields=id","headers":` + headers + `}]`); list[0].Code != http.StatusOK {
			t.Errorf("%s is answered %+v", headers, list[0])
		}
	}
}

// TestPrettyBatch lays out a batch as any answer.
func TestPrettyBatch(t *testing.T) {
	g := lucky(t)
	for _, items := range []string{"[]", "[null]", twoItems} {
		plain := g.send("/v24.0", "shop-token", "application/json", `{"include_headers":false,"batch":`+items+`}`).Body
		pretty := g.send("/v24.0", "shop-token", "application/json", `{"include_headers":false,"pretty":true,"batch":`+items+`}`).Body.String()
		var want strings.Builder
		var value any
		if err := json.Unmarshal(plain.Bytes(), &value); err != nil {
			t.Fatal(err)
		}
		encoder := json.NewEncoder(&want)
		encoder.SetIndent("", "  ")
		if strings.Contains(plain.String(), "fbtrace_id") {
			continue // differs by call
		}
		type item struct {
			Code int    `json:"code"`
			Body string `json:"body"`
		}
		list := []item{}
		if err := json.Unmarshal(plain.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		if err := encoder.Encode(list); err != nil {
			t.Fatal(err)
		}
		if pretty+"\n" != want.String() {
			t.Errorf("pretty is\n%s\nwant\n%s", pretty, want.String())
		}
	}
}

// TestDebugTokenIsACall checks that it counts and is logged like any call.
func TestDebugTokenIsACall(t *testing.T) {
	g := newGraph(t, openStore(t), readFile(t, tenantsFile), 2)
	const path = "/v25.0/debug_token?input_token=shop-token&fields=is_valid"
	for range 2 {
		wantAnswer(t, g.shopGet(path), `{"data":{"is_valid":true}}`)
	}
	wantFailure(t, g.shopGet(path), http.StatusBadRequest, 80008, 0, "OAuthException", overLimit)
	wantAnswer(t, g.shopGet("/v25.0/"+shop+"?fields=id"), `{"id":"102290129340410"}`)

	scope := dialect.NewScope(t.Context(), "")
	g.serve(scope, http.MethodGet, path, "")
	text := fmt.Sprint(scope.AppendAttrs(nil))
	for _, want := range []string{"account=1000000000000004", "token_name=shop", "operation=debug_token"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log says %s, not %s", text, want)
		}
	}
}

// TestOperatorsSeeAllTokens asks the operator's token for one of a tenant.
func TestOperatorsSeeAllTokens(t *testing.T) {
	g := lucky(t)
	secret, err := g.directory.IssueToken(t.Context(), waybill.Token{Name: "operator", Scopes: []string{waybill.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	const path = "/v25.0/debug_token?fields=is_valid&input_token="
	ask := func(token, input string) *httptest.ResponseRecorder {
		return g.raw("GET " + path + input + " HTTP/1.1\nAuthorization: Bearer " + token)
	}
	wantAnswer(t, ask(secret, "shop-token"), `{"data":{"is_valid":true}}`)
	wantAnswer(t, ask("shop-token", secret), `{"data":{"is_valid":false}}`)
	wantAnswer(t, ask("lucky-token", "shop-token"), `{"data":{"is_valid":false}}`)
}

// TestUseOfSeveralAccounts reads the header of a call for several accounts.
func TestUseOfSeveralAccounts(t *testing.T) {
	g := newGraph(t, openStore(t), readFile(t, tenantsFile), 4)
	w := g.shopGet("/v25.0/?ids=" + shop + ",102290129340411&fields=id")
	var uses map[string][]struct {
		Calls int `json:"call_count"`
	}
	if err := json.Unmarshal([]byte(w.Header().Get("X-Business-Use-Case-Usage")), &uses); err != nil ||
		len(uses) != 2 || uses[shop][0].Calls != 25 || uses["102290129340411"][0].Calls != 25 {
		t.Errorf("X-Business-Use-Case-Usage is %s", w.Header().Get("X-Business-Use-Case-Usage"))
	}
}
