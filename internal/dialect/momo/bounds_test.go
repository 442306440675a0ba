package momo_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"waybill/internal/dialect"
	"waybill/internal/store/storetest"
)

// TestTooManyActivities: a body is taken as a whole or not at all, and it does
// not matter what is wrong with most of it.
func TestTooManyActivities(t *testing.T) {
	r := newRig(t)
	most := strings.Repeat(`{"activity":"VIEW"},`, 9998) + viewed("1697078966") + `,{"activity":"VIEW","businessPageId":1}`
	r.accepts("[" + most + "]")
	r.wantPressed(map[string]int64{"VIEW/BP_DETAIL": 1})
	for _, one := range []string{`{"activity":"VIEW"}`, viewed("1697078967")} {
		w := r.hook("[" + most + "," + one + "]")
		if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "more than 10000 events") {
			t.Errorf("one more is answered %d %.300s", w.Code, w.Body)
		}
	}
	r.wantPressed(map[string]int64{"VIEW/BP_DETAIL": 1})
}

// TestDeepAnswer is refused, whether or not it says so where the report is.
func TestDeepAnswer(t *testing.T) {
	r := newRig(t)
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	saved := savedAnswer(savedItem("1327", "SEGMENT_COMPLETE", 5))
	for _, body := range []string{
		strings.Replace(saved, `"success":true`, `"success":true,"more":`+deep, 1),
		strings.Replace(saved, `"segment_size":9`, `"segment_size":9,"more":`+deep, 1),
	} {
		w := r.hook(body)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "nested deeper than 32") {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	}
	if got := r.listed(`{"report_time_range":"ALL"}`); len(got) != 0 {
		t.Errorf("the report lists %v", got)
	}
}

// TestBodiesDrawOnTheBudget: the bodies of those who are known count no longer as
// strangers', and what is made of a webhook's is counted, too.
func TestBodiesDrawOnTheBudget(t *testing.T) {
	r := newRigOn(t, storetest.NewModel())
	const size = 30_000
	space := strings.Repeat(" ", size)
	for _, tt := range []struct {
		name, path, body, token string
		status                  int
		known                   bool
		atLeast, atMost         int64
	}{
		{"a caller", reportURL, "{}" + space, "Bearer token-page", 200, true, size, 2 * size},
		{"a caller of nothing", "/v1/business-pages/130035", "{}" + space, "Bearer token-page", 404, true, 0, 0},
		{"a bad token", reportURL, "{}" + space, "Bearer token-none", 401, true, 0, 0},
		{"a login", "/authentication/login", `{"clientId":"acme","clientSecret":"x"}` + space, "", 401, false, size, 2 * size},
		{"a bad secret of a webhook", "/webhooks/momo/none", viewed("1697078966") + space, "", 403, true, 0, 0},
		{"events", hookPath, strings.Repeat("{}\n", size/3), "", 200, true, size/3*480 + 2*size, 20 << 20},
		{"an activity", hookPath, viewed("1697078966") + space, "", 200, true, 3 * size, 6 * size},
		{"an answer", hookPath, savedAnswer() + space, "", 200, true, 3 * size, 6 * size},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.budget = dialect.NewBudget(64 << 20)
			w := r.do(http.MethodPost, tt.path, tt.body, "Authorization", tt.token)
			all, strangers := r.budget.Held()
			if w.Code != tt.status || all < tt.atLeast || all > tt.atMost {
				t.Errorf("answered %d %.200s, %d bytes are held, want %d to %d", w.Code, w.Body, all, tt.atLeast, tt.atMost)
			}
			if tt.known && strangers != 0 || !tt.known && strangers != all {
				t.Errorf("%d of %d bytes are held by strangers", strangers, all)
			}
		})
	}
}

// TestEventsThatHaveNoRoom are refused before they are made.
func TestEventsThatHaveNoRoom(t *testing.T) {
	r := newRigOn(t, storetest.NewModel())
	for name, limit := range map[string]int64{"not even the text": 1000, "the text, not the events": 10_000} {
		t.Run(name, func(t *testing.T) {
			r.budget = dialect.NewBudget(limit)
			if w := r.hook(strings.Repeat("{}\n", 1000)); w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestNoRoomForABody: while others take all the memory, whoever calls is told to
// come again.
func TestNoRoomForABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigOn(t, storetest.NewModel())
		r.budget = dialect.NewBudget(1 << 20)
		other := dialect.NewScope(t.Context(), "request-2")
		other.Budget = r.budget
		dialect.Trust(other)
		if err := dialect.Hold(other, 1<<20); err != nil {
			t.Fatal(err)
		}
		for name, w := range map[string]*httptest.ResponseRecorder{
			"a call":     r.report("{}"),
			"a login":    r.do(http.MethodPost, "/authentication/login", acme, "Authorization", ""),
			"a webhook":  r.hook(viewed("1697078966")),
			"own events": r.hook(tell("s", "m", "sent", 0)),
		} {
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
				t.Errorf("%s is answered %d %s, Retry-After %q", name, w.Code, w.Body, w.Header().Get("Retry-After"))
			}
		}
		other.Release()
		if w := r.report("{}"); w.Code != http.StatusOK {
			t.Errorf("once there is room a call is answered %d %s", w.Code, w.Body)
		}
	})
}
