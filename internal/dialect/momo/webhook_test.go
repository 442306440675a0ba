package momo_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"waybill"
)

// viewed is an activity as MoMo's documentation shows it, at the given time.
//
// https://developers.momo.vn/v3/vi/docs/business-page/user-activities/response-user-activities-register/
func viewed(timestamp string) string {
	return `{"userId":"123456","businessPageId":130035,"activity":"VIEW","source":"BUSINESS_PAGE","timestamp":` + timestamp +
		`,"requestId":"1697078966","extraData":{"screenName":"BP_DETAIL"}}`
}

// pressed counts what people did on page 130035, by activity.
func (r *rig) pressed() map[string]int64 {
	r.t.Helper()
	points, err := r.store.Points(r.t.Context(), waybill.Query{
		Channels: []waybill.ChannelNumber{r.number("130035")}, To: waybill.MaxInstant,
		Where:   []waybill.Filter{{By: waybill.DimKind, Values: []string{"inbound"}}},
		GroupBy: []waybill.Dimension{waybill.DimDetail},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	counts := make(map[string]int64)
	for _, p := range points {
		counts[strings.ReplaceAll(p.Key[0], "\x00", "/")] = p.Counts[waybill.Clicks]
	}
	return counts
}

func (r *rig) wantPressed(want map[string]int64) {
	r.t.Helper()
	if got := r.pressed(); fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("the activities are %v, want %v", got, want)
	}
}

// accepts posts an activity, which MoMo must find accepted.
func (r *rig) accepts(body string) {
	r.t.Helper()
	if w := r.hook(body); w.Code != http.StatusOK || w.Body.String() != "{}" {
		r.t.Errorf("%s is answered %d %s", body, w.Code, w.Body)
	}
}

// TestActivityIsCountedOnce sends one four times, as MoMo does where it gets no
// answer, with its counter of retries.
func TestActivityIsCountedOnce(t *testing.T) {
	r := newRig(t)
	for retry := range 4 {
		r.accepts(strings.Replace(viewed("1697078966"), "{", fmt.Sprintf(`{"retryCount":%d,`, retry), 1))
		r.advance(15 * time.Minute)
	}
	r.wantPressed(map[string]int64{"VIEW/BP_DETAIL": 1})
}

// TestActivityUnits sends one time in seconds and in milliseconds, as number and
// text.
func TestActivityUnits(t *testing.T) {
	r := newRig(t)
	for _, at := range []string{"1697078966", "1697078966000", "1697078966999", `"1697078966"`, `"1697078966123"`, "1.697078966e9"} {
		r.accepts(viewed(at))
		r.wantPressed(map[string]int64{"VIEW/BP_DETAIL": 1})
	}
	points, err := r.store.Points(t.Context(), waybill.Query{
		Channels: []waybill.ChannelNumber{r.number("130035")}, From: 1697078700, To: 1697079600,
	})
	if err != nil || len(points) != 1 || points[0].Counts[waybill.Clicks] != 1 {
		t.Errorf("in the quarter of an hour of the time there is %+v, %v", points, err)
	}
}

// TestActivitiesDiffer changes one field after the other.
func TestActivitiesDiffer(t *testing.T) {
	r := newRig(t)
	bodies := []string{
		viewed("1697078966"), viewed("1697078967"),
		strings.Replace(viewed("1697078966"), "123456", "123457", 1),
		strings.Replace(viewed("1697078966"), `"requestId":"1697078966"`, `"requestId":"x"`, 1),
		strings.Replace(viewed("1697078966"), "BP_DETAIL", "BP_LIST", 1),
		strings.Replace(viewed("1697078966"), `"VIEW"`, `"SUBSCRIBE"`, 1),
		`{"userId":"1","businessPageId":"130035","activity":"CLICK_ON_CTA","timestamp":1697078966,"requestId":"r","extraData":{"buttonId":1,"buttonName":"CALL","screenName":"BP_DETAIL"}}`,
		`{"userId":"1","activity":"UNSUBSCRIBE","timestamp":1697078966}`,
		`{"userId":"1","activity":"UNSUBSCRIBE","timestamp":1697078966,"extraData":{}}`,
		`{"userId":"1","activity":"UNSUBSCRIBE","timestamp":1697078966,"extraData":null}`,
		`{"userId":"1","activity":"SOMETHING_NEW","timestamp":1697078966,"extraData":{"b":1,"a":[2]}}`,
		` { "extraData" : {"a":[2.0],"b":1}, "userId":"1","activity":"SOMETHING_NEW","timestamp":1697078966}`,
	}
	want := map[string]int64{
		"VIEW/BP_DETAIL": 4, "VIEW/BP_LIST": 1, "SUBSCRIBE/BP_DETAIL": 1, "CLICK_ON_CTA/CALL": 1, "UNSUBSCRIBE/": 1, "SOMETHING_NEW/": 1,
	}
	for range 2 {
		for _, body := range bodies {
			r.accepts(body)
		}
		r.wantPressed(want)
	}
	r.accepts("[" + strings.Join(bodies, ",") + "]")
	r.accepts(strings.Join(bodies, "\n"))
	r.wantPressed(want)
}

// TestWrongActivities leave the others alone.
func TestWrongActivities(t *testing.T) {
	r := newRig(t)
	r.accepts("[" + strings.Join([]string{
		viewed(`"soon"`), viewed("null"), viewed("-5"), viewed("1.5"), viewed("9999999999999"), viewed("{}"),
		strings.Replace(viewed("1697078966"), `"VIEW"`, "7", 1),
		strings.Replace(viewed("1697078966"), `"VIEW"`, `"`+strings.Repeat("V", 300)+`"`, 1),
		strings.Replace(viewed("1697078966"), "130035", "130036", 1),
		strings.Replace(viewed("1697078966"), `"userId"`, `"activity":"VIEW","userId"`, 1),
		`7`, `"x"`, `null`, `{"activity":"VIEW","timestamp":1697078966,"userId":"good","extraData":"BP_DETAIL"}`,
	}, ",") + "]")
	r.wantPressed(map[string]int64{"VIEW/": 1})
}

// TestActivitiesAreInNoReport: what people do is no message that was sent.
func TestActivitiesAreInNoReport(t *testing.T) {
	r := newRig(t)
	r.put("s", 0)
	r.accepts(viewed("1697078966"))
	if got := countsLine(r.answered("{}").JSON.Data[0]); got != "0 0 0 0 0 0" {
		t.Errorf("the segment counts %s", got)
	}
}

// TestOwnEvents come in as they come at Waybill's own API.
func TestOwnEvents(t *testing.T) {
	r := newRig(t)
	r.put("s", 0)
	body := `{"message":"m-1","status":"sent","at":"2023-12-27T05:00:00Z","segment":"s"}
{"channel":"130035","message":"m-2","status":"read","at":1703653200000,"segment":"s"}
{"channel":"130036","message":"m-3","status":"read","at":1703653200000,"segment":"s"}
{"message":"m-4","status":"seen","at":1703653200000}
{"message":"m-5","status":"sent","at":"2030-01-01T00:00:00Z"}
`
	w := r.hook(body)
	want := `{"received":5,"changed":2,"rejected":[` +
		`{"line":3,"error":"channel \"130036\" is not 130035, whose secret is in the path"},` +
		`{"line":4,"error":"status \"seen\" is unknown, did you mean \"sent\"?"},` +
		`{"line":5,"error":"at 2030-01-01T00:00:00Z is more than a day ahead of the clock"}]}`
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("answered %d %s\nwant %s", w.Code, w.Body, want)
	}
	if got := countsLine(r.answered("{}").JSON.Data[0]); got != "2 0 2 1 1 0" {
		t.Errorf("the segment counts %s", got)
	}
	if w := r.hook("[" + strings.ReplaceAll(strings.TrimSpace(body), "\n", ",") + "]"); !strings.Contains(w.Body.String(), `"changed":0`) {
		t.Errorf("again, as an array: %s", w.Body)
	}
}

// TestSavedAnswers keeps what MoMo's report has answered, as a history.
func TestSavedAnswers(t *testing.T) {
	r := newRig(t)
	body, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	const kept = `{"received":1,"rejected":[]}`
	if w := r.hook(string(body)); w.Code != 200 || w.Body.String() != kept {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	first := r.report(exampleRequest).Body.String()
	later := strings.NewReplacer(`"RECEIVED": 0`, `"RECEIVED": "4"`, `SEGMENT_COMPLETE`, "SEGMENT_DONE").Replace(string(body))
	r.advance(time.Hour)
	r.hook(later)
	r.advance(time.Hour)
	saved := r.do("POST", "/webhooks/momo/hook-0123456789abcdef?at=2023-12-27T04:00:00Z", string(body))
	if saved.Body.String() != kept {
		t.Errorf("a saved answer of before is answered %s", saved.Body)
	}
	got := r.answered(exampleRequest).JSON.Data[0]
	if countsLine(got) != "5 0 5 4 0 0" || got.Status != "SEGMENT_DONE" {
		t.Errorf("after a later answer and an old one it is %+v", got)
	}
	if again := r.report(exampleRequest).Body.String(); again != strings.NewReplacer(`"RECEIVED":0`, `"RECEIVED":4`, "COMPLETE", "DONE").Replace(first) {
		t.Errorf("the report has become %s", again)
	}
	snapshots, err := r.store.Snapshots(t.Context(), r.number("130035"), "1327", waybill.EarliestEvent, waybill.MaxInstant)
	if err != nil || len(snapshots) != 3 {
		t.Errorf("the history is %+v, %v", snapshots, err)
	}
}

// savedItem is a segment of a saved answer with so many messages sent.
func savedItem(id, status string, sent int) string {
	return fmt.Sprintf(`{"segment_id":%q,"campaign_id":"c","segment_size":9,"template_data":"{}","segment_status":%q,"condition_id":"NO_ACTIVITIES_14",`+
		`"create_at":1703646000000,"reports":{"SENDING":%d,"FAILED":0,"SENT":%d,"RECEIVED":0,"READ":0,"CLICKED":0}}`, id, status, sent, sent)
}

func savedAnswer(items ...string) string {
	return `{"json":{"oa_id":"130035","data":[` + strings.Join(items, ",") + `]},"success":true}`
}

// save posts a saved answer of a time, which must be kept whole.
func (r *rig) save(at, body string) {
	r.t.Helper()
	w := r.do("POST", "/webhooks/momo/hook-0123456789abcdef?at="+at, body)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"rejected":[]`) {
		r.t.Errorf("%s is answered %d %s", body, w.Code, w.Body)
	}
}

// TestSavedAnswersInAnyOrder: the latest one stands, and of two of the same time
// always the same one.
func TestSavedAnswersInAnyOrder(t *testing.T) {
	answers := [][2]string{
		{"2023-12-27T03:00:00Z", savedAnswer(savedItem("s", "A", 1))},
		{"2023-12-27T04:00:00Z", savedAnswer(savedItem("s", "B", 5))},
		{"2023-12-27T04:00:00Z", savedAnswer(savedItem("s", "C", 4))},
	}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}, {2, 1, 0, 0, 1, 2}} {
		r := newRig(t)
		for _, i := range order {
			r.save(answers[i][0], answers[i][1])
		}
		if got := r.answered("{}").JSON.Data[0]; got.Status != "C" || countsLine(got) != "5 0 5 0 0 0" {
			t.Errorf("in the order %v it is %+v", order, got)
		}
	}
}

// TestRefusalsOfMomo must not pass for answers without news.
func TestRefusalsOfMomo(t *testing.T) {
	r := newRig(t)
	for body, says := range map[string]string{
		`{"json":null,"success":false,"status":13,"message":"Xác thực thất bại"}`: "refusal: \"Xác thực thất bại\"",
		`{"json":null,"success":true}`:                "no json.data",
		`{"json":{}}`:                                 "no json.data",
		`{"json":{"data":null},"success":true}`:       "no json.data",
		`{"json":{"data":{}}}`:                        "no json.data",
		`{"json":{"data":[]},"success":false}`:        "refusal",
		`{"json":{"oa_id":130036,"data":[]}}`:         "is not the page 130035",
		`{"json":{"data":[{]}}`:                       "the answer of a report can't be read: the body is no JSON",
		`{"json":{"data":[`:                           "the JSON ends early",
		savedAnswer(strings.Repeat("0,", 2000) + "0"): "more than 2000 segments",
	} {
		w := r.hook(body)
		says = strings.ReplaceAll(says, `"`, `\"`)
		if w.Code != 400 && w.Code != 413 || !strings.Contains(w.Body.String(), says) || strings.Contains(w.Body.String(), "momo.") {
			t.Errorf("%.80s is answered %d %s, want %q", body, w.Code, w.Body, says)
		}
	}
	if w := r.hook("\xef\xbb\xbf" + savedAnswer()); w.Code != 200 || w.Body.String() != `{"received":0,"rejected":[]}` {
		t.Errorf("an answer without segments is answered %d %s", w.Code, w.Body)
	}
}

// TestIncompleteItems keep what stands: what is missing is not zero.
func TestIncompleteItems(t *testing.T) {
	r := newRig(t)
	r.hook(savedAnswer(savedItem("s", "DONE", 5)))
	r.advance(time.Hour)
	for item, says := range map[string]string{
		`{"segment_id":"s","create_at":1703646000000}`:                                          "no reports.SENDING",
		`{"segment_id":"s","create_at":1703646000000,"reports":null}`:                           "no reports.SENDING",
		strings.Replace(savedItem("s", "X", 9), `"SENT"`, `"sent"`, 1):                          "no reports.SENT",
		strings.Replace(savedItem("s", "X", 9), `"READ":0`, `"READ":null`, 1):                   "no reports.READ",
		strings.Replace(savedItem("s", "X", 9), "1703646000000", "1703646000001", 1):            "was created at 1703646000000, not at 1703646000001",
		strings.Replace(savedItem("s", "X", 9), `"SENT":9`, `"SENT":1.5`, 1):                    "SENT \\\"1.5\\\" is not an integer",
		strings.Replace(savedItem("s", "X", 9), `"{}"`, `"`+strings.Repeat("x", 17<<10)+`"`, 1): "template_data has 17408 bytes",
		strings.Replace(savedItem("new", "X", 9), "1703646000000", "1703699999999", 1):          "ahead of the clock",
	} {
		w := r.hook(savedAnswer(item))
		if w.Code != 200 || !strings.Contains(w.Body.String(), says) || !strings.Contains(w.Body.String(), `{"line":1,`) || strings.Contains(w.Body.String(), "momo.") {
			t.Errorf("%.200s is answered %d %s, want %q", item, w.Code, w.Body, says)
		}
	}
	r.hook(savedAnswer(`{"segment_id":"s","create_at":1703646000000,"reports":{"SENDING":7,"FAILED":0,"SENT":7,"RECEIVED":0,"READ":0,"CLICKED":0}}`))
	got := r.answered("{}").JSON.Data
	if len(got) != 1 || got[0].Status != "DONE" || got[0].Size != 9 || got[0].Content != "{}" || got[0].Condition != "NO_ACTIVITIES_14" || countsLine(got[0]) != "7 0 7 0 0 0" {
		t.Errorf("the report lists %+v", got)
	}
}

// TestTimesOfSavedAnswers: a mistake in the time refuses the whole answer.
func TestTimesOfSavedAnswers(t *testing.T) {
	r := newRig(t)
	for query, says := range map[string]string{
		"At=2023-12-27T03:00:00Z":       "parameter \\\"At\\\" is unknown, did you mean \\\"at\\\"?",
		"at=1&at=2":                     "parameter at is given 2 times",
		"at=":                           "is not RFC 3339",
		"at=1703646000":                 "looks like seconds",
		"at=-5":                         "is not between 1970 and 2200",
		"at=2014-12-31T00:00:00Z":       "before 2015",
		"at=2030-01-01T00:00:00Z":       "ahead of the clock",
		"at=2023-12-27T03:00:00+07:00":  "a + is written %2B",
		"at=2023-12-27T03:00:00Z&x=%zz": "the query",
	} {
		w := r.do("POST", "/webhooks/momo/hook-0123456789abcdef?"+query, savedAnswer(savedItem("s", "A", 1)))
		if w.Code != 400 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s is answered %d %s, want %q", query, w.Code, w.Body, says)
		}
	}
	for _, at := range []string{"1703646000123", "2023-12-27T03:00:00Z", "2023-12-27T10:00:00%2B07:00"} {
		r.save(at, savedAnswer(savedItem("s", "A", 1)))
	}
	snapshots, err := r.store.Snapshots(t.Context(), r.number("130035"), "s", waybill.EarliestEvent, waybill.MaxInstant)
	if err != nil || len(snapshots) != 1 || snapshots[0].At != 1703646000 {
		t.Errorf("the history is %+v, %v", snapshots, err)
	}
}

// TestMixedBodies: own events are not lost among activities.
func TestMixedBodies(t *testing.T) {
	r := newRig(t)
	own := `{"message":"m","status":"sent","at":1703653200000}`
	w := r.hook("[" + viewed("1697078966") + "," + own + "]")
	if w.Code != 400 || !strings.Contains(w.Body.String(), "object 2 is an event of Waybill's own among activities") {
		t.Errorf("an own event among activities is answered %d %s", w.Code, w.Body)
	}
	r.wantPressed(map[string]int64{})
	w = r.hook(strings.Replace(own, "{", `{"activity":"VIEW",`, 1))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "field activity is unknown") {
		t.Errorf("an own event with an activity is answered %d %s", w.Code, w.Body)
	}
	r.accepts("\xef\xbb\xbf" + strings.Replace(viewed("1697078966"), "{", `{"status":"new field of MoMo",`, 1))
	r.accepts(strings.Replace(viewed("1697078966"), "130035", "130035.0", 1))
	r.wantPressed(map[string]int64{"VIEW/BP_DETAIL": 1})
}

// TestSavedAnswersNeverAddToTheLedger: a segment has one source.
func TestSavedAnswersNeverAddToTheLedger(t *testing.T) {
	r := newRig(t)
	created := r.put("counted", time.Hour).CreatedAt
	r.record(tell("counted", "m", "sent", 0), tell("reported", "n", "sent", 0))
	item := func(id string, at int64) string {
		return fmt.Sprintf(`{"segment_id":%q,"create_at":%d,"segment_size":9,"reports":{"SENDING":7,"SENT":7,"FAILED":0,"RECEIVED":0,"READ":0,"CLICKED":0}}`, id, at)
	}
	w := r.hook(`{"json":{"oa_id":"130035","data":[` + strings.Join([]string{
		item("counted", created), item("reported", created+5), item("reported", created+5), `{"segment_id":"no time"}`, `7`, item("", created),
		`{"segment_id":"negative","create_at":1703646000000,"reports":{"SENDING":0,"SENT":-1,"FAILED":0,"RECEIVED":0,"READ":0,"CLICKED":0}}`,
	}, ",") + `]},"success":true}`)
	for line, says := range map[int]string{
		1: "come from its messages", 4: "has no create_at", 5: "can't be read", 6: "segment is missing", 7: "sent -1 is not between",
	} {
		if !strings.Contains(w.Body.String(), fmt.Sprintf(`{"line":%d,"error":`, line)) || !strings.Contains(w.Body.String(), says) {
			t.Errorf("line %d with %q is not in %s", line, says, w.Body)
		}
	}
	data := r.answered("{}").JSON.Data
	if len(data) != 2 || countsLine(data[0]) != "7 0 7 0 0 0" || countsLine(data[1]) != "1 0 1 0 0 0" || data[1].Size != 1 {
		t.Errorf("the report lists %+v", data)
	}
}

func TestWebhookRefuses(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"an unknown secret", "POST", "/webhooks/momo/nobody", viewed("1697078966"), 403, "no page's"},
		{"no secret", "POST", "/webhooks/momo", viewed("1697078966"), 403, "no page's"},
		{"the secret of a channel of another vendor", "POST", "/webhooks/momo/hook-waba-0123456789", viewed("1697078966"), 403, "no page's"},
		{"another method", "GET", "/webhooks/momo/hook-0123456789abcdef", "", 405, "posted"},
		{"nothing", "POST", "/webhooks/momo/hook-0123456789abcdef", "", 400, "the body is empty"},
		{"no JSON", "POST", "/webhooks/momo/hook-0123456789abcdef", "hello", 400, "begins with"},
		{"a cut activity", "POST", "/webhooks/momo/hook-0123456789abcdef", viewed("1697078966")[:60], 400, "the JSON ends early"},
		{"an array that goes on", "POST", "/webhooks/momo/hook-0123456789abcdef", "[" + viewed("1697078966") + "]]", 400, "no JSON at byte"},
		{"a deep activity", "POST", "/webhooks/momo/hook-0123456789abcdef", strings.Replace(viewed("1"), `"BP_DETAIL"`, strings.Repeat("[", 99)+strings.Repeat("]", 99), 1), 400, "deep"},
		{"an answer of another page", "POST", "/webhooks/momo/hook-0123456789abcdef", `{"json":{"oa_id":"130036","data":[]}}`, 400, "is not the page 130035"},
		{"an answer that is none", "POST", "/webhooks/momo/hook-0123456789abcdef", `{"json":7}`, 400, "json is a number, not an object"},
		{"an answer of a bad time", "POST", "/webhooks/momo/hook-0123456789abcdef?at=now", `{"json":{}}`, 400, `at \"now\" is not RFC 3339`},
		{"a large body", "POST", "/webhooks/momo/hook-0123456789abcdef", strings.Repeat(" ", 9<<20), 413, "more than 8388608"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := r.do(tt.method, tt.path, tt.body, "Authorization", "")
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) || !strings.HasPrefix(w.Body.String(), `{"error":"`) {
				t.Errorf("answered %d %s, want %d and %q", w.Code, w.Body, tt.status, tt.says)
			}
		})
	}
	r.wantPressed(map[string]int64{})
}

// TestWebhookWritesOneChannelOnly posts with the secret of another page.
func TestWebhookWritesOneChannelOnly(t *testing.T) {
	r := newRig(t)
	w := r.do("POST", "/webhooks/momo/hook-other-0123456789", viewed("1697078966"), "Authorization", "")
	if w.Code != 200 || w.Body.String() != "{}" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	r.wantPressed(map[string]int64{})
}
