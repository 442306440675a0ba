package rest

import (
	"fmt"
	"strings"
	"testing"

	"waybill/internal/store/storetest"
)

func TestSnapshots(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	f.put(`{"source":"snapshots"}`)
	const series = segmentS + "/snapshots"
	post := func(body, want string) {
		t.Helper()
		wantJSON(t, f.do("POST", series, "token-one", body), 200, want)
	}
	post(`{"at":1763640000999,"accepted":9,"sent":8,"delivered":7,"read":6,"failed":1,"clicked":5,"clicks":12}`, `{"received":1,"stored":1,"rejected":[]}`)
	post(`[{"at":"2025-11-20T13:00:00+01:00","accepted":3},{"at":"2025-11-20T14:00:00Z","accepted":10}]`, `{"received":2,"stored":2,"rejected":[]}`)
	post(`{"at":1763643600000,"sent":1}
{"at":1763643600,"sent":2}
{"at":1763643600000,"sent":"3"}`, `{"received":3,"stored":1,"rejected":[
		{"line":2,"error":"at 1763643600 looks like seconds, but must be milliseconds"},{"line":3,"error":"sent \"3\" is a string, not an integer"}]}`)
	const first = `{"at":"2025-11-20T12:00:00Z","accepted":9,"sent":8,"delivered":7,"read":6,"failed":1,"clicked":5,"clicks":12}`
	one := func(hour, accepted, sent int) string {
		return fmt.Sprintf(`,{"at":"2025-11-20T%d:00:00Z","accepted":%d,"sent":%d,"delivered":0,"read":0,"failed":0,"clicked":0,"clicks":0}`, hour, accepted, sent)
	}
	for query, want := range map[string]string{
		"":                         first + one(13, 0, 1) + one(14, 10, 0),
		"?from=1763640000001":      one(13, 0, 1) + one(14, 10, 0),
		"?to=2025-11-20T13:00:00Z": first,
		"?to=1763640000000":        "",
		"?to=1763640000001":        first,
		"?from=1763640000000&to=" + "1763643600001": first + one(13, 0, 1),
	} {
		wantJSON(t, f.get(series+query), 200, `{"channel":"shared","segment":"s","snapshots":[`+strings.TrimPrefix(want, ",")+`]}`)
	}
	if w := f.get(segmentS); !strings.Contains(w.Body.String(), `"accepted":10`) || !strings.Contains(w.Body.String(), `"counted_at":"2025-11-20T14:00:00Z"`) {
		t.Errorf("the latest does not count: %s", w.Body)
	}
	wantProblem(t, f.get(series+"?from=5&to=5"), 400, "the range ends at 5, not after its start 5")
	wantProblem(t, f.get(series+"?until=5"), 400, `parameter "until" is unknown: known are from, to`)
	wantProblem(t, f.get(series+"?frm=5"), 400, `parameter "frm" is unknown, did you mean "from"?`)
	wantProblem(t, f.do("POST", series, "token-one", ""), 400, "the body is empty")
	wantProblem(t, f.do("POST", series, "token-one", "[{}"), 400, "the array ends early, after element 1")
}

func TestRejectedSnapshots(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	f.put(`{"source":"snapshots"}`)
	for line, want := range map[string]string{
		`{}`:                                               `at is missing`,
		`{"at":1763640000000,"segment":"s"}`:               `field segment is unknown`,
		`{"at":1763640000000,"acepted":1}`:                 `field acepted is unknown, did you mean "accepted"?`,
		`{"at":1763640000000,"sent":1,"sent":1}`:           `sent is given twice`,
		`{"at":1763640000000,"sent":-1}`:                   `sent -1 is not between 0 and 9007199254740991`,
		`{"at":1763640000000,"sent":99999999999999999999}`: `sent 99999999999999999999 is not between 0 and 9007199254740991`,
		`{"at":1763640000000,"sent":1e3}`:                  `sent 1e3 is not an integer`,
		`{"at":1420070399999}`:                             `at 1420070399999 is before 2015`,
		`{"at":"2026-11-21T12:00:01Z"}`:                    `at 2026-11-21T12:00:01Z is more than a day ahead of the clock`,
		`{"at":` + strings.Repeat("[", 20):                 `the JSON is nested deeper than 16 at byte 21`,
		`{"at":"` + strings.Repeat("x", 5000) + `"}`:       `the snapshot has 5009 bytes, more than 4096`,
		`{"at":1763640000000`:                              `the JSON ends early: a snapshot is one object on one line`,
	} {
		wantJSON(t, f.do("POST", segmentS+"/snapshots", "token-one", line), 200,
			`{"received":1,"stored":0,"rejected":[{"line":1,"error":`+quote(want)+`}]}`)
	}
	wantJSON(t, f.get(segmentS+"/snapshots"), 200, `{"channel":"shared","segment":"s","snapshots":[]}`)
}

func TestManySnapshotsAreStoredInParts(t *testing.T) {
	store := &puts{Store: storetest.NewModel()}
	f := newFixture(t, store)
	f.put(`{"source":"snapshots"}`)
	body := "[" + strings.Repeat(`{"at":1763640000000},`, 2*maxPart) + `{"at":1763640000000}]`
	wantJSON(t, f.do("POST", segmentS+"/snapshots", "token-one", body), 200, `{"received":2001,"stored":2001,"rejected":[]}`)
	if store.snapshots != 3 {
		t.Errorf("stored in %d steps, want 3", store.snapshots)
	}
}
