package rest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill/internal/store/storetest"
)

const api = "/waybill/v1"

// answer returns the object in an answer, which must have the given status.
func answer(t *testing.T, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &object); w.Code != status || err != nil {
		t.Fatalf("answered %d %s, want %d", w.Code, w.Body, status)
	}
	return object
}

func TestChannelCalls(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const path = api + "/channels/new"
	const body = `{"provider":"waba","name":"New","time_zone":"Asia/Jakarta","currency":"IDR","senders":[{"number":"+62 21-1","id":"9"},{"number":"6222"}],"webhook_secrets":["the-secret"]}`
	const shown = `{"channel":"new","account":"1000000000000001","provider":"waba","name":"New","time_zone":"Asia/Jakarta","currency":"IDR",
		"senders":[{"number":"62211","id":"9"},{"number":"6222"}],"callback_data":"json","template_insights":"disabled"}`
	w := f.do("PUT", path, "token-one", body)
	wantJSON(t, w, 201, shown)
	tag := w.Header().Get("ETag")
	w = f.do("GET", path, "token-reader", "")
	wantJSON(t, w, 200, shown)
	if w.Header().Get("ETag") != tag || !regexp.MustCompile(`^"[\w-]{20}"$`).MatchString(tag) {
		t.Errorf("the ETags are %s and %s", tag, w.Header().Get("ETag"))
	}
	if w := f.do("GET", path, "token-reader", "", "If-None-Match", tag); w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}

	// What was changed meanwhile is not overwritten.
	if w := f.do("PUT", path, "token-one", `{"provider":"waba"}`, "If-Match", tag); w.Code != 200 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	for _, method := range []string{"PUT", "DELETE"} {
		query, text := "", `{"provider":"waba"}`
		if method == "DELETE" {
			query, text = "?confirm=new", ""
		}
		wantProblem(t, f.do(method, path+query, "token-one", text, "If-Match", tag), 412, `channel "new" was changed meanwhile: read it again`)
		wantProblem(t, f.do(method, path+query, "token-one", text, "If-Match", "x"), 400, `If-Match "x" is neither * nor ETags`)
		if w := f.do(method, path+query, "token-one", text, "If-Match", "W/"+tag); w.Code != 412 {
			t.Errorf("a weak tag is answered %d", w.Code)
		}
	}
	wantProblem(t, f.do("PUT", path, "token-one", body, "If-None-Match", "*"), 412, `channel "new" exists already`)
	wantProblem(t, f.do("PUT", api+"/channels/newer", "token-one", body, "If-Match", "*"), 412, `channel "newer" does not exist`)
	if c, ok := f.opt.Directory.View().ChannelByWebhook("the-secret"); !ok || c.ID != "new" {
		t.Error("the secret that was left out is gone")
	}

	// Its end is deliberate.
	f.post(`{"channel":"new","message":"m","status":"sent","at":"2026-11-20T10:00:00Z"}`)
	const lost = `with channel "new" its history is lost, of 1 messages: to delete it, repeat its ID in the parameter confirm`
	wantProblem(t, f.do("DELETE", path, "token-one", ""), 400, lost)
	wantProblem(t, f.do("DELETE", path+"?confirm=first", "token-one", ""), 400, lost)
	if w := f.do("DELETE", path+"?confirm=new", "token-one", ""); w.Code != 204 || w.Body.Len() > 0 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	wantProblem(t, f.do("GET", path, "token-one", ""), 404, `channel "new" is unknown`)
}

func TestChannelCallsRefuse(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const byOperator = "an ISV is named by the operator: it sees the channel beside its own"
	for _, tt := range []struct {
		channel, token, body string
		status               int
		detail               string
	}{
		{"first", "token-one", `{"provider":"momo"}`, 422, `channel "first" is of provider chatapp and cannot become momo: delete it, then add it again with an empty history`},
		{"first", "token-one", `{"provider":"chatapp","account":"1000000000000002"}`, 422, `channel "first" belongs to account 1000000000000001 and cannot move to 1000000000000002: delete it, then add it again with an empty history`},
		{"first", "token-one", `{"provider":"chatapp","tme_zone":"UTC"}`, 400, `field tme_zone is unknown, did you mean "time_zone"?`},
		{"first", "token-one", `{"provider":"chatapp","time_zone":"Mars","currency":"usd"}`, 422, "currency: \"usd\" is no currency code such as USD\ntime_zone: \"Mars\" is not a known time zone"},
		{"first", "operator", `{"provider":"chatapp","account":"1000000000000001","isv":"1000000000000009"}`, 422, `isv: account "1000000000000009" does not exist`},
		{"first", "token-one", `{"provider":"chatapp","isv":"1000000000000009"}`, 403, byOperator},
		{"first", "token-one", `{"provider":"chatapp","isv":"1000000000000002"}`, 403, byOperator},
		{"new", "token-one", `{"provider":"waba","isv":"1000000000000002"}`, 403, byOperator},
		{"first", "token-writer", `{"provider":"chatapp"}`, 403, `the token needs the scope admin`},
		{"second", "token-one", `{"provider":"waba"}`, 409, `the ID "second" cannot be given to a new channel`},
		{"shared", "token-one", `{"provider":"momo"}`, 403, `channel "shared" belongs to another account, which alone changes it`},
		{"new", "token-one", `{"provider":"waba","account":"1000000000000002"}`, 403, `account "1000000000000002" is not the token's, which makes channels of its own account only`},
		{"n%20w", "token-one", `{"provider":"waba"}`, 422, `id: "n w" holds more than letters, digits and - _ . :`},
	} {
		token := tt.token
		if token == "operator" {
			token = f.operator
		}
		w := f.do("PUT", api+"/channels/"+tt.channel, token, tt.body)
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != tt.status || p.Detail != tt.detail {
			t.Errorf("%s %s: answered %d %s", tt.channel, tt.body, w.Code, w.Body)
		}
		if tt.status == 422 && len(p.Mistakes) != strings.Count(tt.detail, "\n")+1 {
			t.Errorf("the mistakes are %q", p.Mistakes)
		}
	}
}

// An owner keeps the ISV of its channel, or sends it away.
func TestOwnerEndsMandate(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for _, isv := range []string{`,"isv":"1000000000000001"`, ""} {
		got := answer(t, f.do("PUT", api+"/channels/shared", "token-two", `{"provider":"momo"`+isv+`}`), 200)["isv"]
		if (got != nil) != (isv != "") {
			t.Errorf("%q leaves the ISV %v", isv, got)
		}
	}
	wantProblem(t, f.do("GET", api+"/channels/shared", "token-one", ""), 404, `channel "shared" is unknown`)
}

// TestLostUpdates has many write with the same ETag at once: one does.
func TestLostUpdates(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	tag := f.do("GET", api+"/channels/first", "token-one", "").Header().Get("ETag")
	var wrote atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			w := f.do("PUT", api+"/channels/first", "token-one", fmt.Sprintf(`{"provider":"chatapp","name":"n-%d"}`, i), "If-Match", tag)
			switch w.Code {
			case 200:
				wrote.Add(1)
			case 412:
			default:
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	if n := wrote.Load(); n != 1 {
		t.Errorf("%d wrote", n)
	}
}

func TestPages(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for i := range 25 {
		f.do("PUT", fmt.Sprintf("%s/channels/c-%02d", api, i), "token-one", `{"provider":"waba"}`)
	}
	var seen []string
	next := ""
	for {
		object := answer(t, f.do("GET", api+"/channels?limit=10&after="+next, "token-reader", ""), 200)
		for _, c := range object["channels"].([]any) {
			seen = append(seen, c.(map[string]any)["channel"].(string))
		}
		// What goes and comes behind the cursor moves nothing.
		f.do("DELETE", api+"/channels/"+seen[len(seen)-1]+"?confirm="+seen[len(seen)-1], "token-one", "")
		if next, _ = object["next"].(string); next == "" {
			break
		}
	}
	if len(seen) != 27 || !slices.IsSorted(seen) || len(slices.Compact(seen)) != 27 {
		t.Errorf("seen are %q", seen)
	}
	wantProblem(t, f.do("GET", api+"/channels?after=%2F", "token-reader", ""), 400, `after "/" is no cursor of this list`)
	wantProblem(t, f.do("GET", api+"/channels?limit=0", "token-reader", ""), 400, `limit 0 is not between 1 and 1000`)
}

func TestUsersAndKeys(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const path = api + "/accounts/1000000000000001/users/re%20porter"
	const policy = `{"Version":"1","Statement":[{"Effect":"Allow","Action":"cams:Get*","Resource":"*"}]}`
	w := f.do("PUT", path, "token-one", `{"policies":[`+policy+`]}`)
	user := answer(t, w, 201)
	if user["user"] != "re porter" || len(user["policies"].([]any)) != 1 {
		t.Errorf("the user is %v", user)
	}
	wantDetail(t, f.do("PUT", path, "token-one", `{"policies":[{"Version":"1"}]}`), 422, `policies[0].Statement: is missing`)

	key := answer(t, f.do("POST", path+"/access-keys", "token-one", ""), 201)
	id, secret := key["access_key"].(string), key["secret"].(string)
	if k, u, ok := f.opt.Directory.View().AccessKey(id); !ok || k.Secret != secret || u.Name != "re porter" {
		t.Errorf("the key is %+v of %+v", k, u)
	}
	if w := f.do("PUT", path, "token-one", `{"policies":[]}`, "If-Match", w.Header().Get("ETag")); w.Code != 412 {
		t.Errorf("a user with another key has the same ETag: %d", w.Code)
	}
	wantJSON(t, f.do("PATCH", path+"/access-keys/"+id, "token-one", `{"disabled":true}`), 200, `{"access_key":"`+id+`","disabled":true}`)
	wantProblem(t, f.do("DELETE", path+"/access-keys/"+id, "token-one", "", "If-Match", `"x"`), 412, `what the call changes has no version that If-Match could name`)
	wantProblem(t, f.do("PATCH", path+"/access-keys/"+id, "token-one", `{}`), 400, `disabled is missing`)
	wantProblem(t, f.do("PATCH", path+"/access-keys/x", "token-one", `{"disabled":true}`), 404, `access key "x" of user "re porter" does not exist`)
	for _, list := range []string{path, path + "/access-keys", api + "/accounts/1000000000000001/users"} {
		w := f.do("GET", list, "token-one", "")
		if w.Code != 200 || strings.Contains(w.Body.String(), secret) || !strings.Contains(w.Body.String(), `"access_key":"`+id+`","disabled":true`) {
			t.Errorf("%s answers %d %s", list, w.Code, w.Body)
		}
	}
	for _, gone := range []string{path + "/access-keys/" + id, path} {
		if w := f.do("DELETE", gone, "token-one", ""); w.Code != 204 {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
		if w := f.do("DELETE", gone, "token-one", ""); w.Code != 404 {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	}
}

// wantDetail looks at the detail of a problem alone.
func wantDetail(t *testing.T, w *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	if got := answer(t, w, status)["detail"]; got != detail {
		t.Errorf("the detail is %s, want %s", got, detail)
	}
}

func TestTokens(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const path = api + "/accounts/1000000000000001/tokens"
	made := answer(t, f.do("POST", path, "token-one", `{"name":"part","scopes":["admin"],"channels":["first"],"expires":"2026-11-21T00:00:00+01:00"}`), 201)
	part := made["token"].(string)
	if made["expires"] != "2026-11-20T23:00:00Z" || !strings.HasPrefix(part, "wb_") {
		t.Errorf("the token is %v", made)
	}
	answer(t, f.do("GET", api+"/channels/first", part, ""), 200)
	wantProblem(t, f.do("GET", api+"/channels/shared", part, ""), 404, `channel "shared" is unknown`)

	// It makes none that reaches further.
	const further = "a token can make none that reaches further than itself: name channels, a user and a time to expire within its own"
	for _, body := range []string{
		`"channels":["first","shared"],"expires":"2026-11-20T23:00:00Z"`, `"expires":"2026-11-20T23:00:00Z"`,
		`"channels":["first"]`, `"channels":["first"],"expires":"2026-11-20T23:00:01Z"`,
	} {
		wantProblem(t, f.do("POST", path, part, `{"name":"x","scopes":["metrics:read"],`+body+`}`), 403, further)
	}
	answer(t, f.do("POST", path, part, `{"name":"less","scopes":["metrics:read"],"channels":["first"],"expires":"2026-11-20T22:59:59Z"}`), 201)
	list := f.do("GET", path, part, "")
	wantJSON(t, list, 200, `{"tokens":[
		{"name":"less","account":"1000000000000001","scopes":["metrics:read"],"channels":["first"],"expires":"2026-11-20T22:59:59Z"},
		{"name":"part","account":"1000000000000001","scopes":["admin"],"channels":["first"],"expires":"2026-11-20T23:00:00Z"},
		{"name":"writer","account":"1000000000000001","scopes":["events:write"],"channels":["first"]}]}`)
	wantProblem(t, f.do("DELETE", path+"/all", part, ""), 404, `token "all" of account "1000000000000001" is unknown`)

	for body, detail := range map[string]string{
		`{"name":"part","scopes":["admin"]}`:                                        `token "part" exists already`,
		`{"name":"x","scopes":[]}`:                                                  `token "x" has no scopes`,
		`{"name":"x","scopes":["admin","admin"]}`:                                   `token "x" has the scope admin twice`,
		`{"name":"x","scopes":["admin"],"channels":["first","shared","first"]}`:     `token "x" has the channel "first" twice`,
		`{"name":"x","scopes":["root"]}`:                                            `scope "root" is unknown: known are admin, events:write, metrics:read, public_profile, whatsapp_business_management, whatsapp_business_messaging, momo:page, momo:post, momo:message, momo:report, momo:care`,
		`{"name":"x","scopes":["admin"],"channels":[]}`:                             `channels is empty: left out it stands for all of the account`,
		`{"name":"x","scopes":["admin"],"channels":["second"]}`:                     `channel "second" does not exist`,
		`{"name":"x","scopes":["admin"],"user":"nobody"}`:                           `user "nobody" does not exist`,
		`{"name":"x","scopes":["admin"],"expires":"2026-11-20T11:00:00Z"}`:          `expires "2026-11-20T11:00:00Z" is not a time to come such as 2027-01-01T00:00:00Z`,
		`{"name":"x","scopes":["admin"],"scope":["admin"]}`:                         `field scope is unknown, did you mean "scopes"?`,
		`{"name":"x","scopes":["admin"],"app":"1"}`:                                 `app "1" does not exist`,
		`{"name":"x","scopes":["admin"],"expires":"tomorrow","channels":["first"]}`: `expires "tomorrow" is not a time to come such as 2027-01-01T00:00:00Z`,
	} {
		w := f.do("POST", path, "token-one", body)
		if got := answer(t, w, w.Code)["detail"]; w.Code < 400 || got != detail {
			t.Errorf("%s: answered %d %s", body, w.Code, got)
		}
	}
	if w := f.do("DELETE", path+"/part", part, ""); w.Code != 204 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if w := f.do("GET", path, part, ""); w.Code != 401 {
		t.Errorf("a revoked token is answered %d", w.Code)
	}
}

// TestKeysEndWithTheirToken has a token that expires in half an hour try to leave
// keys behind.
func TestKeysEndWithTheirToken(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	f.opt.TemporaryKey = func(_, _ string, life time.Duration) (TemporaryKey, error) {
		return TemporaryKey{Expiration: noon.Add(life).Format(time.RFC3339)}, nil
	}
	const account = api + "/accounts/1000000000000001"
	answer(t, f.do("PUT", account+"/users/u", "token-one", `{}`), 201)
	made := answer(t, f.do("POST", account+"/tokens", "token-one", `{"name":"brief","scopes":["admin"],"expires":"2026-11-20T12:30:00Z"}`), 201)
	brief := made["token"].(string)

	const temporary = api + "/temporary-keys"
	const past = "the token expires at 2026-11-20T12:30:00Z, and no key that it makes lasts longer"
	wantProblem(t, f.do("POST", account+"/users/u/access-keys", brief, ""), 403, past)
	wantProblem(t, f.do("POST", temporary, brief, `{"account":"1000000000000001","user":"u"}`), 403, past)
	wantProblem(t, f.do("POST", temporary, brief, `{"account":"1000000000000001","user":"u","duration_seconds":1801}`), 403, past)
	key := answer(t, f.do("POST", temporary, brief, `{"account":"1000000000000001","user":"u","duration_seconds":1800}`), 200)
	if key["Expiration"] != "2026-11-20T12:30:00Z" {
		t.Errorf("the key is %v", key)
	}
	answer(t, f.do("POST", account+"/users/u/access-keys", "token-one", ""), 201)
}

// TestPolicies has a user whose policies name channels and addresses.
func TestPolicies(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const account = api + "/accounts/1000000000000001"
	put := func(statements string) {
		w := f.do("PUT", account+"/users/narrow", "token-one", `{"policies":[{"Version":"1","Statement":[`+statements+`]}]}`)
		answer(t, w, min(w.Code, 201))
	}
	put(`{"Effect":"Allow","Action":["waybill:*"],"Resource":"acs:waybill:*:*:channel/*"},{"Effect":"Deny","Action":"waybill:Put*","Resource":"*"}`)
	token := answer(t, f.do("POST", account+"/tokens", "token-one", `{"name":"narrow","scopes":["admin"],"user":"narrow"}`), 201)["token"].(string)

	list := func() (ids []string) {
		for _, c := range answer(t, f.do("GET", api+"/channels", token, ""), 200)["channels"].([]any) {
			ids = append(ids, c.(map[string]any)["channel"].(string))
		}
		return ids
	}
	if got := list(); !slices.Equal(got, []string{"first", "shared"}) {
		t.Errorf("the channels are %q", got)
	}
	wantProblem(t, f.do("PUT", api+"/channels/first", token, `{"provider":"chatapp"}`), 403,
		`the policies of user "narrow" do not allow waybill:PutChannel on "acs:waybill:*:1000000000000001:channel/first"`)
	wantProblem(t, f.do("GET", api+"/version", token, ""), 403,
		`the policies of user "narrow" do not allow waybill:GetVersion on "acs:waybill:*:1000000000000001:account/1000000000000001"`)
	wantProblem(t, f.do("DELETE", account+"/users/narrow", "token-one", ""), 409, `user "narrow" still has token "narrow"`)

	// Keys are made for its own user only, who may not be allowed as much as others.
	answer(t, f.do("PUT", account+"/users/wide", "token-one", `{}`), 201)
	put(`{"Effect":"Allow","Action":"waybill:*","Resource":"*"}`)
	wantProblem(t, f.do("POST", account+"/users/wide/access-keys", token, ""), 403, `the token is of user "narrow", for whom alone it can make keys`)
	wantProblem(t, f.do("POST", api+"/temporary-keys", token, `{"account":"1000000000000001","user":"wide"}`), 403, `the token is of user "narrow", for whom alone it can make keys`)
	answer(t, f.do("POST", account+"/users/narrow/access-keys", token, ""), 201)
	for _, w := range []*httptest.ResponseRecorder{
		f.do("GET", api+"/metrics?from=2026-11-01&to=2026-11-21&group_by=channel", token, ""), f.do("GET", api+"/labels/campaign?from=2026-11-01&to=2026-11-21", token, ""),
	} {
		answer(t, w, 200)
	}

	put(`{"Effect":"Allow","Action":"waybill:*","Resource":["acs:waybill:*:1000000000000002:channel/shared"]}`)
	if got := list(); !slices.Equal(got, []string{"shared"}) {
		t.Errorf("the channels are %q", got)
	}
	events := `{"channel":"first","message":"a","status":"sent","at":"2026-11-20T10:00:00Z"}` + "\n" + `{"channel":"shared","message":"a","status":"sent","at":"2026-11-20T10:00:00Z"}`
	if w := f.do("POST", api+"/events", token, events); !strings.Contains(w.Body.String(), `"rejected":[{"line":1,"error":"channel \"first\" is unknown"}]`) {
		t.Errorf("answered %s", w.Body)
	}
	f.do("POST", api+"/events", "token-one", strings.ReplaceAll(events, `"a"`, `"b"`))
	counted := answer(t, f.do("GET", api+"/metrics?from=2026-11-01&to=2026-11-21&granularity=total&group_by=channel", token, ""), 200)
	if text := fmt.Sprint(counted); strings.Contains(text, "first") || !strings.Contains(text, "shared") {
		t.Errorf("the metrics are %s", text)
	}
	put(`{"Effect":"Allow","Action":"waybill:*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}`)
	if got := list(); len(got) != 0 {
		t.Errorf("from elsewhere the channels are %q", got)
	}
	put(`{"Effect":"Allow","Action":"waybill:*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}}`)
	if got := list(); len(got) != 2 {
		t.Errorf("from there the channels are %q", got)
	}
}

func TestExplanations(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const user = api + "/accounts/1000000000000001/users/reporter"
	answer(t, f.do("PUT", user, "token-one", `{"policies":[{"Version":"1","Statement":[{"Sid":"reports","Effect":"Allow","Action":"*:Get*","Resource":["*"]}]}]}`), 201)
	ask := func(token, body string) *httptest.ResponseRecorder {
		return f.do("POST", api+"/access-explanations", token, body)
	}
	wantJSON(t, ask("token-one", `{"account":"1000000000000001","user":"reporter","action":"cams:GetChatappTemplateMetric"}`), 200, `{
		"allowed":true,"outcome":"Allow","by":"policies[0].Statement[0]",
		"findings":[{"place":"policies[0].Statement[0]","sid":"reports","effect":"Allow","applies":true,"why":"its Action \"*:Get*\" names the operation"}],
		"text":"reporter may call cams:GetChatappTemplateMetric (access level get): policies[0].Statement[0] allows it\n  policies[0].Statement[0] \"reports\" Allow: applies, its Action \"*:Get*\" names the operation\n",
		"warnings":[]}`)
	got := answer(t, ask(f.operator, `{"account":"1000000000000001","user":"reporter","action":"waybill:PutChanel"}`), 200)
	if got["allowed"] != false || got["outcome"] != "ImplicitDeny" || fmt.Sprint(got["warnings"]) != `[no operation has the action "waybill:PutChanel", did you mean "waybill:PutChannel"?]` {
		t.Errorf("the explanation is %v", got)
	}
	for body, detail := range map[string]string{
		`{"account":"1000000000000001","user":"nobody","action":"x:y"}`:                                `user "nobody" of account "1000000000000001" is unknown`,
		`{"account":"1000000000000002","user":"nobody","action":"x:y"}`:                                `account "1000000000000002" is unknown`,
		`{"account":"1000000000000001","user":"reporter"}`:                                             `action is missing`,
		`{"account":"1000000000000001","user":"reporter","action":"cams:X","resource":"acs:x"}`:        `action "cams:X" is on no resource`,
		`{"account":"1000000000000001","user":"reporter","action":"cams:X","source_ip":"192.0.2.256"}`: `source_ip "192.0.2.256" is no address`,
	} {
		w := ask("token-one", body)
		if got := answer(t, w, w.Code)["detail"]; w.Code < 400 || got != detail {
			t.Errorf("%s: answered %d %s", body, w.Code, got)
		}
	}
}
