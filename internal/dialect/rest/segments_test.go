package rest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/store/storetest"
)

// noonMillis is 2025-11-20T12:00:00Z, when the segments of the tests were made.
const noonMillis = 1763640000000

const (
	segmentsOf = "/waybill/v1/channels/shared/segments"
	segmentS   = segmentsOf + "/s"
)

// put writes segment s of the shared channel as the first account.
func (f *fixture) put(body string) *httptest.ResponseRecorder {
	return f.do("PUT", segmentS, "token-one", body)
}

func (f *fixture) get(path string) *httptest.ResponseRecorder {
	return f.do("GET", path, "token-one", "")
}

func TestSegment(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	const body = `{
		"campaign": "c-7", "size": 5, "condition": "FOLLOW_NO_PAYMENT", "status": "SEGMENT_COMPLETE",
		"template_data": "{\"title\": \"Trà 🍵\",\"b\":\"\\u003c<&>\" }\n", "create_at": 1763640000000, "source": "ledger"
	}`
	const shown = `{"channel":"shared","segment":"s","campaign":"c-7","size":5,"condition":"FOLLOW_NO_PAYMENT",
		"status":"SEGMENT_COMPLETE","template_data":"{\"title\": \"Trà 🍵\",\"b\":\"\\u003c<&>\" }\n","create_at":1763640000000,
		"source":"ledger","counts":{"accepted":%s,"sent":%s,"delivered":%s,"read":%s,"failed":%s,"clicked":%s,"clicks":%s},"pending":%s}`
	show := func(counts string) string {
		var all []any
		for _, n := range strings.Fields(counts) {
			all = append(all, n)
		}
		return fmt.Sprintf(shown, all...)
	}
	f.post(`{"channel":"shared","message":"m-1","status":"read","at":"2025-11-20T10:00:00Z","segment":"s"}`)
	wantJSON(t, f.put(body), 200, show("1 1 1 1 0 0 0 0"))
	wantJSON(t, f.post(`
{"channel":"shared","message":"m-2","status":"accepted","at":"2025-11-20T10:00:00Z","segment":"s"}
{"channel":"shared","message":"m-3","status":"failed","at":"2025-11-20T10:00:00Z","segment":"s"}
{"channel":"shared","message":"m-4","status":"clicked","at":"2025-11-20T10:00:00Z","segment":"s","click":"1"}
{"channel":"shared","message":"m-4","status":"clicked","at":"2025-11-20T10:00:01Z","segment":"s","click":"2"}`),
		200, `{"received":4,"changed":4,"rejected":[]}`)
	wantJSON(t, f.get(segmentS), 200, show("4 2 2 1 1 1 2 1"))
	wantJSON(t, f.put(body), 200, show("4 2 2 1 1 1 2 1"))

	// What is not said is empty, but for what never changes.
	wantJSON(t, f.put(`{"size":0,"campaign":null}`), 200, `{"channel":"shared","segment":"s","campaign":"","size":0,"condition":"",
		"status":"","template_data":"","create_at":1763640000000,"source":"ledger",
		"counts":{"accepted":4,"sent":2,"delivered":2,"read":1,"failed":1,"clicked":1,"clicks":2},"pending":1}`)

	w := f.do("DELETE", segmentS, "token-one", "")
	if w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("DELETE answered %d %q", w.Code, w.Body)
	}
	const unknown = `segment "s" of channel "shared" is unknown`
	wantProblem(t, f.do("DELETE", segmentS, "token-one", ""), 404, unknown)
	wantProblem(t, f.get(segmentS), 404, unknown)
	wantProblem(t, f.get(segmentS+"/snapshots"), 404, unknown)
	wantProblem(t, f.do("POST", segmentS+"/snapshots", "token-one", "{}"), 404, unknown)
	wantJSON(t, f.put(body), 200, show("4 2 2 1 1 1 2 1"))
}

// Where a message counts as sent and as failed, the counts do not tell what is
// under way.
func TestPending(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for _, tt := range []struct{ path, body, want string }{
		{"/waybill/v1/channels/first/segments/s", `{}`, ""},
		{segmentS, `{"source":"snapshots"}`, `"pending":0`},
	} {
		w := f.do("PUT", tt.path, "token-one", tt.body)
		if got := strings.Contains(w.Body.String(), "pending"); w.Code != 200 || got != (tt.want != "") || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: answered %d %s, want %s", tt.path, w.Code, w.Body, tt.want)
		}
	}
	f.do("POST", segmentS+"/snapshots", "token-one", `{"at":1763640000000,"accepted":1,"sent":5}`)
	if w := f.get(segmentS); strings.Contains(w.Body.String(), "pending") {
		t.Errorf("of counts that contradict each other: answered %s", w.Body)
	}
}

func TestSegmentRefusals(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", " \n", `the body is empty`},
		{"no object", `[]`, `the segment is an array, not an object`},
		{"cut off", `{"size":`, `the JSON ends early`},
		{"something behind it", `{} {}`, `the text is no JSON at byte 3: invalid character '{' after top-level value`},
		{"mistyped field", `{"templateData":""}`, `field templateData is unknown, did you mean "template_data"?`},
		{"field of the answer", `{"counts":{}}`, `field counts is unknown`},
		{"field twice", `{"size":1,"size":1}`, `size is given twice`},
		{"too deep", strings.Repeat(`{"a":`, 17), `the JSON is nested deeper than 16 at byte 80`},
		{"number for text", `{"campaign":7}`, `campaign 7 is a number, not a string`},
		{"negative size", `{"size":-1}`, `size -1 is not between 0 and 9007199254740991`},
		{"large size", `{"size":9007199254740992}`, `size 9007199254740992 is not between 0 and 9007199254740991`},
		{"huge size", `{"size":1` + strings.Repeat("0", 1000) + `}`, `size 1` + strings.Repeat("0", 39) + ` is not between 0 and 9007199254740991`},
		{"fraction of a size", `{"size":1.5}`, `size 1.5 is not an integer`},
		{"size in words", `{"size":"5"}`, `size "5" is a string, not an integer`},
		{"object as template data", `{"template_data":{"a":1}}`, `template_data is an object, but must be a string, which is kept byte for byte: put the JSON in quotes`},
		{"number as template data", `{"template_data":5}`, `template_data 5 is a number, but must be a string, which is kept byte for byte: put the JSON in quotes`},
		{"long template data", `{"template_data":"` + strings.Repeat("x", waybill.MaxTemplateData+1) + `"}`, `template_data has 16385 bytes, more than 16384`},
		{"bytes that are no UTF-8", "{\"template_data\":\"\xff\"}", `the text is no JSON at byte 18: invalid UTF-8`},
		{"seconds", `{"create_at":1763640000}`, `create_at 1763640000 looks like seconds, but must be milliseconds`},
		{"microseconds", `{"create_at":1763640000000000}`, `create_at 1763640000000000 is too large for milliseconds`},
		{"zero", `{"create_at":0}`, `create_at 0 is before 2015`},
		{"fraction of milliseconds", `{"create_at":1.5}`, `create_at 1.5 is not integer milliseconds since 1970`},
		{"date", `{"create_at":"2025-11-20T12:00:00Z"}`, `create_at "2025-11-20T12:00:00Z" is a string, not integer milliseconds since 1970`},
		{"far ahead", `{"create_at":1795262400001}`, `create_at 1795262400001 is more than 10m0s ahead of the clock`},
		{"mistyped source", `{"source":"snapshot"}`, `source "snapshot" is not one of ledger, snapshots, did you mean "snapshots"?`},
		{"long condition", `{"condition":"` + strings.Repeat("x", 257) + `"}`, `condition has 257 bytes, more than 256`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantProblem(t, f.put(tt.body), 400, tt.want)
		})
	}
	wantProblem(t, f.put(strings.Repeat(" ", maxSegmentBytes+1)), 413, "the body has 1048577 bytes, more than 1048576")
	wantProblem(t, f.do("PUT", segmentsOf+"/%ff", "token-one", "{}"), 400, `id "\xff" is not UTF-8`)
	wantProblem(t, f.do("PUT", segmentsOf+"/"+strings.Repeat("x", 257), "token-one", "{}"), 400, `segment has 257 bytes, more than 256`)
	wantProblem(t, f.do("PUT", segmentS+"?dry_run=true", "token-one", "{}"), 400, `parameter "dry_run" is unknown: the call takes none`)
	wantJSON(t, f.get(segmentsOf), 200, `{"segments":[]}`)
}

func TestSegmentConflicts(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	f.put(`{"create_at":1763640000000,"source":"snapshots"}`)
	wantProblem(t, f.put(`{"create_at":1763640000001}`), 409, `create_at of segment "s" is 1763640000000 and never changes, so it cannot become 1763640000001`)
	wantProblem(t, f.put(`{"source":"ledger"}`), 409, `the source of segment "s" is snapshots and never changes, so it cannot become ledger`)
	if w := f.put(`{"campaign":"c"}`); w.Code != 200 || !strings.Contains(w.Body.String(), `"create_at":1763640000000,"source":"snapshots"`) {
		t.Errorf("what is not said does not stay: answered %d %s", w.Code, w.Body)
	}
	f.do("PUT", segmentsOf+"/t", "token-one", "{}")
	wantProblem(t, f.do("POST", segmentsOf+"/t/snapshots", "token-one", "{}"), 409, `the source of segment "t" is ledger, so it has no snapshots`)
}

func TestSegmentsAreAuthorized(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	f.put(`{"source":"snapshots"}`)
	calls := []struct {
		method, path, body string
		writes             bool
	}{
		{"GET", segmentS, "", false},
		{"GET", segmentsOf, "", false},
		{"GET", segmentS + "/snapshots", "", false},
		{"PUT", segmentS, "{}", true},
		{"POST", segmentsOf, `{"segment":"t"}`, true},
		{"POST", segmentS + "/snapshots", `{"at":1763640000000}`, true},
		{"DELETE", segmentS, "", true},
	}
	for _, c := range calls {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			wantProblem(t, f.do(c.method, c.path, "", c.body), 401, "the header Authorization: Bearer <token> is missing")
			token, scope := "token-reader", waybill.ScopeEventsWrite
			if !c.writes {
				token, scope = "token-writer", waybill.ScopeMetricsRead
			}
			wantProblem(t, f.do(c.method, c.path, token, c.body), 403, "the token needs the scope "+scope)
			for _, channel := range []string{"second", "nowhere"} {
				w := f.do(c.method, strings.Replace(c.path, "shared", channel, 1), "token-one", c.body)
				wantProblem(t, w, 404, fmt.Sprintf("channel %q is unknown", channel))
			}
			if w := f.do(c.method, c.path, f.operator, c.body); w.Code/100 != 2 {
				t.Errorf("the operator is answered %d %s", w.Code, w.Body)
			}
		})
	}
	for path, allow := range map[string]string{segmentsOf: "GET, HEAD, POST", segmentS: "DELETE, GET, HEAD, PUT", segmentS + "/snapshots": "GET, HEAD, POST"} {
		w := f.do("PATCH", path, "token-one", "{}")
		if w.Code != 405 || w.Header().Get("Allow") != allow {
			t.Errorf("PATCH %s answered %d, Allow is %q", path, w.Code, w.Header().Get("Allow"))
		}
	}
	f.put("{}")
	if w := f.do("HEAD", segmentS, "token-one", ""); w.Code != 200 {
		t.Errorf("HEAD answered %d", w.Code)
	}
}

type pageOf struct {
	Segments []struct {
		Segment  string `json:"segment"`
		CreateAt int64  `json:"create_at"`
	} `json:"segments"`
	Next int64 `json:"next"`
}

// walk returns the segments of all pages, and how many pages there are.
func (f *fixture) walk(t *testing.T, query string) (ids []string, pages int) {
	t.Helper()
	for before := ""; ; pages++ {
		w := f.get(segmentsOf + "?" + query + before)
		var page pageOf
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 || pages > 100 {
			t.Fatalf("page %d: answered %d %s", pages, w.Code, w.Body)
		}
		for _, s := range page.Segments {
			ids = append(ids, s.Segment)
		}
		if page.Next == 0 {
			return ids, pages + 1
		}
		before = fmt.Sprintf("&before=%d", page.Next)
	}
}

func TestSegmentPages(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	var body, newest strings.Builder
	for i := range 10 {
		fmt.Fprintf(&body, `{"segment":"s%d","create_at":%d,"condition":"c%d"}`+"\n", i, noonMillis+i/2, i%2)
		fmt.Fprintf(&newest, "s%d ", 9-i)
	}
	wantJSON(t, f.do("POST", segmentsOf, "token-one", body.String()), 200, `{"received":10,"stored":10,"rejected":[]}`)
	for _, tt := range []struct {
		query, want string
		pages       int
	}{
		{"", newest.String(), 1},
		{"limit=1", newest.String(), 5},
		{"limit=3", newest.String(), 3},
		{"limit=10", newest.String(), 1},
		{"limit=2&condition=c1", "s9 s7 s5 s3 s1", 3},
		{"condition=c2", "", 1},
		{"from=1763640000004", "s9 s8", 1},
		{"from=2025-11-20T12:00:00Z&limit=9", newest.String(), 1},
		{"from=2025-11-20T19:00:01%2B07:00", "", 1},
	} {
		ids, pages := f.walk(t, tt.query)
		if got := strings.Join(ids, " "); got != strings.TrimSpace(tt.want) || pages != tt.pages {
			t.Errorf("%q: %d pages with %s, want %d with %s", tt.query, pages, got, tt.pages, tt.want)
		}
	}
	for query, want := range map[string]string{
		"limits=5":                       `parameter "limits" is unknown, did you mean "limit"?`,
		"offset=5":                       `parameter "offset" is unknown: known are limit, before, from, condition`,
		"limit=5&limit=6":                `parameter limit is given 2 times`,
		"limit=0":                        `limit 0 is not between 1 and 1000`,
		"limit=1001":                     `limit 1001 is not between 1 and 1000`,
		"limit=":                         `limit "" is not an integer between 1 and 1000`,
		"limit=99999999999999999999":     `limit "99999999999999999999" is not an integer between 1 and 1000`,
		"before=0":                       `before "0" leaves nothing`,
		"before=1763640000":              `before 1763640000 looks like seconds, but must be milliseconds`,
		"before=yesterday":               `before "yesterday" is not RFC 3339 or integer milliseconds`,
		"from=2025-11-20T19:00:01+07:00": `from "2025-11-20T19:00:01 07:00" has a space: in a URL a + is written %2B`,
		"from=-1":                        `from "-1" is not between 1970 and 2200`,
		"limit=5;from=1":                 `the query: invalid semicolon separator in query`,
	} {
		wantProblem(t, f.get(segmentsOf+"?"+query), 400, want)
	}
}

func TestSegmentIDs(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for _, id := range []string{"a/b", "ü ß", "%", ".", "snapshots", "1701059872524"} {
		path := segmentsOf + "/" + url.PathEscape(id)
		w := f.do("PUT", path, "token-one", "{}")
		var answer struct{ Segment string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Segment != id {
			t.Errorf("%s: answered %d %s", path, w.Code, w.Body)
		}
		if w := f.get(path); w.Code != 200 {
			t.Errorf("%s: answered %d %s", path, w.Code, w.Body)
		}
	}
}
