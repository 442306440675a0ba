package rest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"waybill/internal/store/storetest"
)

// traffic are messages of the first channel, in Jakarta before and after midnight.
const traffic = `{"channel":"first","message":"a","status":"read","at":"2026-11-18T16:59:00Z","template":"t1","recipient":"6281234567811","campaign":"c"}
{"channel":"first","message":"b","status":"delivered","at":"2026-11-18T17:00:00Z","template":"t1","recipient":"6281234567812"}
{"channel":"first","message":"b","status":"sent","at":"2026-11-18T10:00:00Z"}
{"channel":"first","message":"c","status":"failed","at":"2026-11-18T17:30:00Z","template":"t2","recipient":"84701072611","error":{"code":"131026"}}
{"channel":"first","message":"d","status":"clicked","at":"2026-11-18T18:00:00Z","template":"t2","recipient":"84701072612","click":"1","button":{"type":"url","text":"Go"}}
{"channel":"first","message":"d","status":"clicked","at":"2026-11-18T18:00:01Z","click":"2","button":{"type":"url","text":"Go"}}
{"channel":"shared","message":"e","status":"sent","at":"2026-11-18T17:10:00Z","recipient":"84701072613"}
{"channel":"shared","message":"f","status":"failed","at":"2026-11-18T17:20:00Z","recipient":"84701072614"}`

func metricsFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t, storetest.NewModel())
	if w := f.post(traffic); w.Code != 200 || !strings.Contains(w.Body.String(), `"rejected":[]`) {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	return f
}

func (f *fixture) metrics(query string, header ...string) *httptest.ResponseRecorder {
	return f.do("GET", "/waybill/v1/metrics?"+query, "token-reader", "", header...)
}

const range1 = "from=2026-11-18&to=2026-11-20&"

func TestMetrics(t *testing.T) {
	f := metricsFixture(t)
	wantJSON(t, f.metrics(range1+"time_zone=Asia/Jakarta&channel=first"), 200, `{
		"from":"2026-11-18T00:00:00+07:00","to":"2026-11-20T00:00:00+07:00","granularity":"day","time_zone":"Asia/Jakarta",
		"basis":"event","group_by":[],"points":[
		{"start":"2026-11-18T00:00:00+07:00","end":"2026-11-19T00:00:00+07:00","group":{},
		 "counts":{"accepted":2,"sent":2,"delivered":1,"read":1,"failed":0,"clicked":0,"clicks":0}},
		{"start":"2026-11-19T00:00:00+07:00","end":"2026-11-20T00:00:00+07:00","group":{},
		 "counts":{"accepted":2,"sent":1,"delivered":2,"read":0,"failed":1,"clicked":1,"clicks":2}}],
		"totals":{"counts":{"accepted":4,"sent":3,"delivered":3,"read":1,"failed":1,"clicked":1,"clicks":2}}}`)
	wantJSON(t, f.metrics(range1+"granularity=total&group_by=template,channel&basis=send&rates=true&metrics=sent,read&template=t1&template="), 200, `{
		"from":"2026-11-18T00:00:00Z","to":"2026-11-20T00:00:00Z","granularity":"total","time_zone":"UTC",
		"basis":"send","group_by":["template","channel"],"points":[
		{"start":"2026-11-18T00:00:00Z","end":"2026-11-20T00:00:00Z","group":{"channel":"shared","template":""},
		 "counts":{"sent":1,"read":0},"rates":{"delivered":0,"read":null,"failed":0.5,"clicked":null}},
		{"start":"2026-11-18T00:00:00Z","end":"2026-11-20T00:00:00Z","group":{"channel":"first","template":"t1"},
		 "counts":{"sent":2,"read":1},"rates":{"delivered":1,"read":0.5,"failed":0,"clicked":0}}],
		"totals":{"counts":{"sent":3,"read":1},"rates":{"delivered":0.6666666666666666,"read":0.5,"failed":0.25,"clicked":0}}}`)
	wantJSON(t, f.metrics(range1+"granularity=total&group_by=error"), 200, `{
		"from":"2026-11-18T00:00:00Z","to":"2026-11-20T00:00:00Z","granularity":"total","time_zone":"UTC",
		"basis":"event","group_by":["error"],"points":[
		{"start":"2026-11-18T00:00:00Z","end":"2026-11-20T00:00:00Z","group":{"error":"131026"},"counts":{"failed":1}}],
		"totals":{"counts":{"failed":1}}}`)
	wantJSON(t, f.metrics(range1+"granularity=hour&group_by=button"), 200, `{
		"from":"2026-11-18T00:00:00Z","to":"2026-11-20T00:00:00Z","granularity":"hour","time_zone":"UTC",
		"basis":"event","group_by":["button"],"points":[
		{"start":"2026-11-18T18:00:00Z","end":"2026-11-18T19:00:00Z","group":{"button":"url:Go"},"counts":{"clicked":1,"clicks":2}}],
		"totals":{"counts":{"clicked":1,"clicks":2}}}`)
	wantJSON(t, f.do("GET", "/waybill/v1/metrics?last=1h", "token-two", ""), 200, `{
		"from":"2026-11-20T12:00:00Z","to":"2026-11-20T13:00:00Z","granularity":"day","time_zone":"UTC",
		"basis":"event","group_by":[],"points":[],
		"totals":{"counts":{"accepted":0,"sent":0,"delivered":0,"read":0,"failed":0,"clicked":0,"clicks":0}}}`)
}

func TestRefusedMetrics(t *testing.T) {
	f := metricsFixture(t)
	for query, want := range map[string]string{
		"":                                           "parameter from is missing; last=7d stands for from and to",
		"from=2026-11-18":                            "parameter to is missing",
		"from=2026-11-18&last=7d":                    "last stands instead of from and to, but is given beside them",
		"last=7":                                     `last "7" is not a number of hours or days, such as 24h or 7d`,
		"last=5000d":                                 `last "5000d" is more than 4000d`,
		"from=2026-11-20&to=2026-11-18":              "the range ends at 2026-11-18T00:00:00Z, not after its start at 2026-11-20T00:00:00Z",
		"from=1763632800&to=2026-11-18":              "from 1763632800 looks like seconds, but must be milliseconds",
		"from=2026-13-18&to=2026-11-18":              `from "2026-13-18" is not RFC 3339 or integer milliseconds`,
		"from=1969-12-31&to=2026-11-18":              `from "1969-12-31" is not between 1970 and 2200`,
		"from=2026-11-18&to=2200-01-02":              `to "2200-01-02" is not between 1970 and 2200`,
		"last=7d&time_zone=Jakarta":                  `time_zone "Jakarta" is no time zone of the IANA database, such as Asia/Jakarta`,
		"last=7d&time_zone=Local":                    `time_zone "Local" is no time zone of the IANA database, such as Asia/Jakarta`,
		"last=7d&granularity=week":                   `granularity "week" is not one of quarter_hour, half_hour, hour, day, month, total, auto`,
		"last=7d&group_by=error,button":              "group_by names error and button, but no count has both",
		"last=7d&group_by=error&rates=1":             "there are no rates by error: sent and delivered messages have none",
		"last=7d&group_by=error&metrics=failed,read": "read is not counted by error",
		"last=7d&group_by=button&order=-failed":      "failed is not counted by button",
		"last=7d&limit=5":                            "order and limit rank groups, but group_by is missing",
		"last=7d&templat=1":                          `parameter "templat" is unknown, did you mean "template"?`,
		"last=7d&kind=sesion":                        `kind "sesion" is not one of session, template, inbound, did you mean "session"?`,
		"last=7d&format=xml":                         `format "xml" is not one of json, csv, ndjson, parquet`,
		"last=7d&basis=send&basis=x":                 "parameter basis is given 2 times",
	} {
		wantProblem(t, f.metrics(query), 400, want)
	}
	if got := f.metrics("from=1970-01-12&to=1970-01-13"); got.Code != 200 {
		t.Errorf("a date whose milliseconds look like seconds is answered %d", got.Code)
	}
	for _, zone := range []string{"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		if w := f.metrics("from=1970-01-01&to=2200-01-01&time_zone=" + zone); w.Code != 200 {
			t.Errorf("all time in %s: answered %d %s", zone, w.Code, w.Body)
		}
	}
	wantProblem(t, f.metrics("last=7d&channel=first&channel=second"), 404, `channel "second" is unknown`)
	wantProblem(t, f.metrics("last=7d", "Accept", "text/html"), 406, `the header Accept "text/html" names none of application/json, `+
		`text/csv, application/x-ndjson, application/ndjson, application/jsonl, application/vnd.apache.parquet, application/x-parquet`)
}

// Ranked groups stand in their order in each bucket; the totals have all of them.
func TestRanking(t *testing.T) {
	f := metricsFixture(t)
	var b strings.Builder
	for i, n := range []int{3, 1, 5, 4} {
		for j := range n {
			fmt.Fprintf(&b, `{"channel":"first","message":"r-%d-%d","status":"sent","at":"2026-10-%02dT10:00:00Z","template":"r%d"}`+"\n", i, j, 10+j, i)
		}
	}
	f.post(b.String())
	for query, want := range map[string]string{
		"granularity=total&limit=2":                          "r2:5 r3:4",
		"granularity=total&order=sent&limit=2":               "r1:1 r0:3",
		"granularity=total&order=-sent":                      "r2:5 r3:4 r0:3 r1:1",
		"granularity=day&limit=2&from=2026-10-13":            "r2:1 r3:1 r2:1",
		"granularity=day&order=sent&from=2026-10-12":         "r0:1 r3:1 r2:1 r3:1 r2:1 r2:1",
		"granularity=total&order=-read&limit=1&metrics=sent": "r0:3",
	} {
		if !strings.Contains(query, "from=") {
			query += "&from=2026-10-01"
		}
		w := f.metrics(query + "&to=2026-10-31&group_by=template")
		var answer metricsAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
			t.Fatalf("%s: answered %d %s", query, w.Code, w.Body)
		}
		var got []string
		for _, p := range answer.Points {
			got = append(got, fmt.Sprintf("%s:%d", p.Group["template"], *p.Counts.Sent))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", query, s, want)
		}
		if n := *answer.Totals.Counts.Sent; strings.Contains(query, "10-01") && n != 13 {
			t.Errorf("%s: %d in total, want 13", query, n)
		}
	}
}

func TestSpans(t *testing.T) {
	f := newFixture(t, storetest.NewModel()) // its clock says 2026-11-20T12:00:00Z
	for _, tt := range []struct{ query, from, to, granularity string }{
		{"last=1d", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "day"},
		{"last=7d&time_zone=Pacific/Auckland", "2026-11-15T00:00:00+13:00", "2026-11-22T00:00:00+13:00", "day"},
		{"last=24h&granularity=auto&time_zone=Asia/Kathmandu", "2026-11-19T18:00:00+05:45", "2026-11-20T18:00:00+05:45", "quarter_hour"},
		{"last=3d&granularity=auto", "2026-11-18T00:00:00Z", "2026-11-21T00:00:00Z", "half_hour"},
		{"last=8d&granularity=auto", "2026-11-13T00:00:00Z", "2026-11-21T00:00:00Z", "hour"},
		{"last=200d&granularity=auto", "2026-05-05T00:00:00Z", "2026-11-21T00:00:00Z", "day"},
		{"last=201d&granularity=auto", "2026-05-04T00:00:00Z", "2026-11-21T00:00:00Z", "month"},
		{"channel=shared&last=1d", "2026-11-20T00:00:00+07:00", "2026-11-21T00:00:00+07:00", "day"},
		{"channel=shared&channel=first&last=1d", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "day"},
		{"from=1763632800123&to=2025-11-20T10:00:00.5Z&granularity=total", "2025-11-20T10:00:00Z", "2025-11-20T10:15:00Z", "total"},
		{"from=2025-11-20T17:05:00%2B07:00&to=2025-11-21", "2025-11-20T10:00:00Z", "2025-11-21T00:00:00Z", "day"},
		// Midnight does not exist there on that day.
		{"from=2018-11-04&to=2018-11-05&time_zone=America/Sao_Paulo", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00", "day"},
	} {
		w := f.metrics(tt.query)
		var got metricsAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Errorf("%s: answered %d %s", tt.query, w.Code, w.Body)
		}
		if got.From != tt.from || got.To != tt.to || got.Granularity != tt.granularity {
			t.Errorf("%s: %s to %s by %s, want %s to %s by %s", tt.query, got.From, got.To, got.Granularity, tt.from, tt.to, tt.granularity)
		}
	}
}

// A number or a country is found however it is spelt.
func TestSpellingOfFilters(t *testing.T) {
	f := metricsFixture(t)
	f.post(`{"channel":"first","message":"h","status":"sent","at":"2026-11-18T17:10:00Z","sender":"+86 138-0000-0000","recipient":"6281234567890"}`)
	for _, query := range []string{"sender=8613800000000", "sender=%2B86 138-0000-0000", "sender=8613800000000&country=id", "country=VN&country=Id&sender=86 13800000000"} {
		w := f.metrics(range1 + "granularity=total&metrics=sent&" + strings.ReplaceAll(query, " ", "%20"))
		if !strings.Contains(w.Body.String(), `"totals":{"counts":{"sent":1}}`) {
			t.Errorf("%s: answered %d %s", query, w.Code, w.Body)
		}
	}
}

func TestCategoriesComeFromTemplates(t *testing.T) {
	f := metricsFixture(t)
	more := tenants + "templates:\n  - {channel: first, code: t1, name: n, language: en, category: UTILITY}\n"
	if w := f.do("POST", "/waybill/v1/directory", f.operator, more); w.Code != 200 {
		t.Fatal(w.Body)
	}
	f.post(`{"channel":"first","message":"g","status":"sent","at":"2026-11-18T17:10:00Z","template":"t1","category":"MARKETING"}`)
	w := f.metrics(range1 + "granularity=total&group_by=category&format=csv&metrics=accepted")
	const want = "start,end,category,accepted\r\n" +
		"2026-11-18T00:00:00Z,2026-11-20T00:00:00Z,,4\r\n" +
		"2026-11-18T00:00:00Z,2026-11-20T00:00:00Z,MARKETING,1\r\n" +
		"2026-11-18T00:00:00Z,2026-11-20T00:00:00Z,UTILITY,2\r\n"
	if w.Body.String() != want {
		t.Errorf("answered %d %s\n want %s", w.Code, w.Body, want)
	}
	page := f.do("GET", "/waybill/v1/messages?channel=first&category=UTILITY&"+range1, "token-reader", "").Body.String()
	if strings.Count(page, `"message":`) != 2 {
		t.Errorf("the messages of the category are %s", page)
	}
}

// FuzzMetrics asks with whatever a query is: it is answered or refused.
func FuzzMetrics(f *testing.F) {
	for _, query := range []string{
		"last=7d", range1 + "group_by=template&limit=2&order=-read&format=csv", "from=0&to=7258118400000&granularity=month",
		"last=1h&time_zone=Africa/Casablanca&granularity=auto&rates=true", "from=2026-11-18&to=2199-12-31&granularity=quarter_hour",
	} {
		f.Add(query)
	}
	fixture := newFixture(f, storetest.NewModel())
	fixture.post(traffic)
	f.Fuzz(func(t *testing.T, query string) {
		if _, err := url.ParseQuery(query); err != nil || strings.ContainsAny(query, " \x7f#") {
			return
		}
		r := httptest.NewRequest("GET", "/waybill/v1/metrics", nil)
		r.URL.RawQuery = query
		r.Header.Set("Authorization", "Bearer token-reader")
		w := httptest.NewRecorder()
		fixture.ServeHTTP(w, r)
		switch w.Code {
		case 200, 400, 404, 413:
		default:
			t.Errorf("%q: answered %d %s", query, w.Code, w.Body)
		}
	})
}
