package momo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill"
)

// exampleRequest is that of MoMo's documentation.
//
// https://developers.momo.vn/v3/vi/docs/business-page/message/message-report/
const exampleRequest = `{
"oa_id": "130035",
"report_time_range": "DAY_AGO_60",
"limit": 90,
"target_created_at": 0,
"filter": {
"filter_type": "CONDITION",
"condition_id": "FOLLOW_NO_PAYMENT"
}
}`

// TestExample makes the segment of the documentation's example and gets the
// answer of the example, by both paths and both credentials.
func TestExample(t *testing.T) {
	want, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, want); err != nil {
		t.Fatal(err)
	}
	var shown answer
	if err := json.Unmarshal(want, &shown); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.put("1327", 0, func(g *waybill.Segment) {
		g.Campaign, g.Size, g.CreatedAt = "1701059872524", 5, 1701059874844
		g.Condition, g.TemplateData = "FOLLOW_NO_PAYMENT", shown.JSON.Data[0].Content
	})
	for i := range 5 {
		r.record(tell("1327", fmt.Sprint("m", i), "accepted", 0), tell("1327", fmt.Sprint("m", i), "sent", 1))
	}
	r.put("1328", time.Hour, func(g *waybill.Segment) { g.Condition = "PAYMENT_NO_FOLLOW" })
	for _, path := range []string{reportURL, strings.TrimPrefix(reportURL, "/api"), "/" + reportURL + "/"} {
		for _, header := range [][]string{nil, {"Authorization", "", "X-API-KEY", "key-page"}, {"Authorization", "bearer   token-page"}} {
			w := r.do(http.MethodPost, path, exampleRequest, header...)
			if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), compact.Bytes()) {
				t.Errorf("%s %v is answered %d\n%s\nwant\n%s", path, header, w.Code, w.Body, compact.Bytes())
			}
		}
	}
	if kind := r.report("{}").Header().Get("Content-Type"); kind != "application/json; charset=utf-8" {
		t.Errorf("Content-Type is %q", kind)
	}
}

// TestDefaults leaves fields out, in every way that a client may.
func TestDefaults(t *testing.T) {
	r := newRig(t)
	all := r.putMany(120)
	r.put("old", 31*24*time.Hour)
	for _, body := range []string{
		"", " \n", "{}", `{"oa_id":130035}`, `{"oa_id":"130035","limit":null,"target_created_at":null,"filter":null}`,
		`{"limit":20,"filter":{}}`, `{"report_time_range":null,"filter":{"filter_type":null,"condition_id":null}}`,
		`{"filter":{"filter_type":"CONDITION"},"what":["ever",{"is":"new"}]}`, `{"limit":"20","target_created_at":"0"}`,
		`{"filter":{"filter_type":"","condition_id":""},"report_time_range":""}`, `{"limit":2e1}`, `{"oa_id":1.30035e5}`,
	} {
		a := r.answered(body)
		if got := ids(20, a.JSON.Data); !slices.Equal(got, all[:20]) {
			t.Errorf("%s lists %v", body, got)
		}
		if a.JSON.PageID != "130035" || a.JSON.Range != 30 || a.JSON.Unit != "DAY" || a.JSON.FilterType != "CONDITION" {
			t.Errorf("%s is answered %+v", body, a.JSON)
		}
	}
	if got := r.answered("", "Content-Type", ""); len(got.JSON.Data) != 20 {
		t.Errorf("without a Content-Type there are %d", len(got.JSON.Data))
	}
	for body, want := range map[string]int{
		`{"limit":90}`: 90, `{"limit":"90"}`: 90, `{"limit":1}`: 1, `{"limit":1000}`: 120,
	} {
		if got := len(r.listed(body)); got != want {
			t.Errorf("%s lists %d, want %d", body, got, want)
		}
	}
}

// TestMistakes sends one wrong value after the other.
func TestMistakes(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		body   string
		status int
		says   string
	}{
		{`{"limit":0}`, 400, "limit 0 is not between 1 and 1000"},
		{`{"limit":-1}`, 400, "limit -1 is not between 1 and 1000"},
		{`{"limit":1001}`, 400, "limit 1001 is not between 1 and 1000"},
		{`{"limit":1.5}`, 400, `limit "1.5" is not an integer`},
		{`{"limit":"x"}`, 400, `limit "x" is not an integer`},
		{`{"limit":""}`, 400, `limit "" is not an integer`},
		{`{"limit":1e400}`, 400, `limit "1e400" is not an integer`},
		{`{"limit":"0x10"}`, 400, `limit "0x10" is not an integer`},
		{`{"limit":true}`, 400, "limit is a boolean, not an integer"},
		{`{"limit":[20]}`, 400, "limit is an array, not an integer"},
		{`{"target_created_at":-1}`, 400, "target_created_at -1 is negative"},
		{`{"target_created_at":1701059874}`, 400, "target_created_at 1701059874 looks like seconds"},
		{`{"target_created_at":{}}`, 400, "target_created_at is an object, not an integer"},
		{`{"oa_id":"130036"}`, 400, `oa_id "130036" is not the page 130035 of the path`},
		{`{"oa_id":130036}`, 400, `oa_id "130036" is not the page 130035 of the path`},
		{`{"oa_id":7.5}`, 400, `oa_id "7.5" is not an integer`},
		{`{"oa_id":false}`, 400, "oa_id is a boolean, not an integer or a string"},
		{`{"report_time_range":"DAY_AGO_7"}`, 400, `report_time_range "DAY_AGO_7" is not one of DAY_AGO_30, DAY_AGO_60, DAY_AGO_90, ALL`},
		{`{"report_time_range":"all"}`, 400, `did you mean ALL?`},
		{`{"report_time_range":30}`, 400, "report_time_range is a number, not a string"},
		{`{"filter":{"filter_type":"AGE"}}`, 400, `filter.filter_type "AGE" is not one of CONDITION`},
		{`{"filter":{"condition_id":"FOLLOW_NO_PAYMEN"}}`, 400, `did you mean FOLLOW_NO_PAYMENT?`},
		{`{"filter":{"condition_id":5}}`, 400, "filter.condition_id is a number, not a string"},
		{`{"filter":"CONDITION"}`, 400, "filter is a string, not an object"},
		{`[]`, 400, "body is an array, not an object"},
		{`"{}"`, 400, "body is a string, not an object"},
		{`{"limit":20`, 400, "the JSON ends early"},
		{`{limit:20}`, 400, "the body is no JSON at byte"},
		{`{"limit":20} {}`, 400, "the body is no JSON at byte"},
		{`{"limit":20,"limit":30}`, 400, "limit is given twice"},
		{"{\"oa_id\":\"\xff\"}", 400, "the body is no JSON at byte"},
		{strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), 400, "deep"},
		{`{"a":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "more than 65536 bytes"},
	} {
		r.refused(r.report(tt.body), tt.status, 20, tt.says)
	}
	r.refused(r.report("{}", "Content-Type", "text/plain"), 415, 20, `Content-Type "text/plain" is not supported`)
	r.refused(r.report("{}", "Content-Type", "application/x-www-form-urlencoded"), 415, 20, "is not supported")
	if w := r.report("{}", "Content-Type", "application/json;charset=UTF-8"); w.Code != 200 {
		t.Errorf("a charset is answered %d", w.Code)
	}
}

// TestLanguage asks for the English texts.
func TestLanguage(t *testing.T) {
	r := newRig(t)
	for query, want := range map[string]string{
		"":             `"message":"Yêu cầu không hợp lệ: limit 0 không nằm trong khoảng từ 1 đến 1000"`,
		"?language=vi": `"message":"Yêu cầu không hợp lệ: limit 0 không nằm trong khoảng từ 1 đến 1000"`,
		"?language=en": `"message":"Invalid request: limit 0 is not between 1 and 1000"`,
		"?language=EN": `"message":"Invalid request: limit 0 is not between 1 and 1000"`,
	} {
		if w := r.do("POST", reportURL+query, `{"limit":0}`); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is answered %s", query, w.Body)
		}
	}
}

// TestRanges puts segments at the very bounds of each range.
func TestRanges(t *testing.T) {
	r := newRig(t)
	const day = 24 * time.Hour
	for _, days := range []int{30, 60, 90, 365} {
		r.put(fmt.Sprint("in ", days), time.Duration(days)*day)
		r.put(fmt.Sprint("out ", days), time.Duration(days)*day+time.Millisecond)
	}
	for name, want := range map[string]int{"DAY_AGO_30": 1, "DAY_AGO_60": 3, "DAY_AGO_90": 5, "ALL": 7} {
		a := r.answered(fmt.Sprintf(`{"report_time_range":%q}`, name))
		days := map[string]int{"DAY_AGO_30": 30, "DAY_AGO_60": 60, "DAY_AGO_90": 90, "ALL": 365}[name]
		if len(a.JSON.Data) != want || a.JSON.Data[want-1].Segment != fmt.Sprint("in ", days) || a.JSON.Range != days {
			t.Errorf("%s lists %v, range %d", name, ids(9, a.JSON.Data), a.JSON.Range)
		}
	}
}

// TestConditions filters by each set of customers.
func TestConditions(t *testing.T) {
	r := newRig(t)
	all := []string{"PAYMENT_NO_FOLLOW", "FOLLOW_NO_PAYMENT", "NO_ACTIVITIES_14", "NO_ACTIVITIES_30", "NO_ACTIVITIES_90"}
	for i, condition := range all {
		r.put(condition, time.Duration(i)*time.Minute, func(g *waybill.Segment) { g.Condition = condition })
	}
	r.put("none", time.Hour)
	for _, condition := range all {
		for _, kind := range []string{"", `"filter_type":"CONDITION",`} {
			a := r.answered(fmt.Sprintf(`{"filter":{%s"condition_id":%q}}`, kind, condition))
			if len(a.JSON.Data) != 1 || a.JSON.Data[0].Condition != condition {
				t.Errorf("%s lists %+v", condition, a.JSON.Data)
			}
		}
	}
	if got := r.listed(`{"filter":null}`); len(got) != 6 {
		t.Errorf("without a filter there are %v", got)
	}
}

// TestEmpty asks where there is nothing.
func TestEmpty(t *testing.T) {
	r := newRig(t)
	want := `{"json":{"oa_id":"130035","range":30,"date_time_unit":"DAY","filter_type":"CONDITION","data":[]},"success":true}`
	if got := r.report("{}").Body.String(); got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
	r.put("s", time.Hour)
	if got := r.report(fmt.Sprintf(`{"target_created_at":%d}`, noon.Add(-time.Hour).UnixMilli())).Body.String(); got != want {
		t.Errorf("before the last one: %s, want %s", got, want)
	}
	full := r.report("{}").Body.String()
	for _, part := range []string{
		`"create_at":1703649600000,`, `"template_data":"",`, `"segment_status":"SEGMENT_PENDING"`,
		`"reports":{"SENDING":0,"FAILED":0,"SENT":0,"RECEIVED":0,"READ":0,"CLICKED":0}`,
	} {
		if !strings.Contains(full, part) {
			t.Errorf("%s is not in %s", part, full)
		}
	}
}

// TestContent keeps the text of a message as it is.
func TestContent(t *testing.T) {
	r := newRig(t)
	content := "{\"chatMessage\":{\"title\":\"Mời bạn 🍵 <b>&amp;</b> \\\"\\\\\\u00e9\u2028\",\"n\":1.0,\"n\":null}}\n\t\x7f"
	r.put("s", 0, func(g *waybill.Segment) { g.TemplateData = content })
	w := r.report("{}")
	if !strings.Contains(w.Body.String(), `Mời bạn 🍵 <b>&amp;</b>`) {
		t.Errorf("the text is escaped: %s", w.Body)
	}
	if got := r.answered("{}").JSON.Data[0].Content; got != content {
		t.Errorf("the content is %q, was %q", got, content)
	}
}
