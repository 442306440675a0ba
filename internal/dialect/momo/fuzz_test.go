package momo_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/storetest"
)

// FuzzReport asks with any body. It is answered or refused as a mistake, in one
// of the two forms, and never with more than was asked for.
func FuzzReport(f *testing.F) {
	for _, body := range []string{
		exampleRequest, "", "{}", `{"limit":"90","target_created_at":1701059874844}`, `{"limit":1.5}`, `{"limit":1e3}`,
		`{"oa_id":130035,"report_time_range":"ALL","filter":null}`, `{"filter":{"condition_id":"NO_ACTIVITIES_14"}}`,
		`{"limit":1,"limit":2}`, "[]", "{\"oa_id\":\"\\ud800\"}", `{"limit":{"a":[1,{"b":2}]}}`,
	} {
		f.Add([]byte(body))
	}
	r := newRig(f)
	r.putMany(30)
	r.put("tie", time.Hour, func(g *waybill.Segment) { g.Condition = "FOLLOW_NO_PAYMENT" })
	f.Fuzz(func(t *testing.T, body []byte) {
		r.t = t
		w := r.report(string(body))
		var got struct {
			JSON *struct {
				Data []item `json:"data"`
			} `json:"json"`
			Success   bool   `json:"success"`
			Message   string `json:"message"`
			RequestID string `json:"requestId"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("answered %d %q: %v", w.Code, w.Body, err)
		}
		switch w.Code {
		case http.StatusOK:
			if !got.Success || got.JSON == nil || got.JSON.Data == nil || len(got.JSON.Data) > 31 {
				t.Errorf("answered %s", w.Body)
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if got.Success || got.JSON != nil || got.Message == "" || got.RequestID == "" {
				t.Errorf("refused with %s", w.Body)
			}
		default:
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

// FuzzWebhook posts any body, twice. Whatever it is, it counts once.
func FuzzWebhook(f *testing.F) {
	for _, body := range []string{
		viewed("1697078966"), "[" + viewed("1697078966") + "," + viewed("1697078966000") + "]", tell("s", "m", "sent", 0),
		`{"json":{"oa_id":"130035","data":[{"segment_id":"1","create_at":1701059874844,"reports":{"SENT":5}}]}}`,
		`{"activity":1}`, `[{"activity":"VIEW","timestamp":"1697078966","extraData":{"a":1e400}}]`, `{"json":null}`, "[", `{"a":`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newRigOn(t, storetest.NewModel()) // a new one, or the counts would grow
		first := r.hook(string(body))
		counted := r.pressed()
		again := r.hook(string(body))
		if first.Code != again.Code || first.Code != 200 && first.Code != 400 && first.Code != 413 {
			t.Errorf("answered %d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
		}
		for key, n := range r.pressed() {
			if n != counted[key] {
				t.Errorf("%s is counted %d times, was %d", key, n, counted[key])
			}
		}
		if !json.Valid(first.Body.Bytes()) {
			t.Errorf("answered %q", first.Body)
		}
	})
}
