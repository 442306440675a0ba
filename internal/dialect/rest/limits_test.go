package rest

import (
	"testing"
	"time"

	"waybill/internal/store/storetest"
)

func TestLimits(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	now := noon
	f.opt.CallsPerSecond = 2
	f.limiter = newLimiter(2, func() time.Time { return now })
	version := func(token string) (status int, policy, left, retry string) {
		w := f.do("GET", "/waybill/v1/version", token, "")
		return w.Code, w.Header().Get("RateLimit-Policy"), w.Header().Get("RateLimit"), w.Header().Get("Retry-After")
	}
	want := func(token string, status int, policy, left, retry string) {
		t.Helper()
		s, p, l, r := version(token)
		if s != status || p != policy || l != left || r != retry {
			t.Errorf("answered %d %s %s %s, want %d %s %s %s", s, p, l, r, status, policy, left, retry)
		}
	}
	const policy = `"calls";q=20;w=10`
	want("token-one", 200, policy, `"calls";r=19;t=1`, "")
	for range 18 {
		version("token-one")
	}
	want("token-one", 200, policy, `"calls";r=0;t=1`, "")
	want("token-one", 429, policy, `"calls";r=0;t=1`, "1")
	want("token-reader", 200, policy, `"calls";r=19;t=1`, "") // another token has its own
	want("no-such-token", 401, "", "", "")
	want(f.operator, 200, "", "", "")
	if w := f.post(sent); w.Code != 200 || w.Header().Get("RateLimit") != "" {
		t.Errorf("events are answered %d %v", w.Code, w.Header())
	}
	if w := f.do("GET", "/waybill/v1/nothing", "token-one", ""); w.Code != 429 {
		t.Errorf("a call of nothing is answered %d", w.Code)
	}
	now = now.Add(501 * time.Millisecond)
	want("token-one", 200, policy, `"calls";r=0;t=1`, "")
	w := f.do("GET", "/waybill/v1/version", "token-one", "")
	wantProblem(t, w, 429, "the token makes more than 2 calls a second")
}
