package rest

import (
	"fmt"
	"net/http"
	"time"

	"waybill"
	"waybill/internal/dialect"
)

// Each token may make so many calls a second on average, and as many at once as
// come together in a window. The operator's token is not limited, and events are
// not: the recorder's queues bound them. What is left is told as in
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
const (
	limitWindow = 10 * time.Second
	limitName   = "calls"
	limitKeys   = 100_000 // tokens that are remembered
)

func newLimiter(callsPerSecond int, now func() time.Time) *dialect.Limiter {
	return dialect.NewLimiter(callsPerSecond*int(limitWindow/time.Second), limitWindow, limitKeys, now)
}

// limit takes a call from what its token may make, and says in the headers of the
// answer what is left.
func (a *API) limit(h http.Header, t *waybill.Token) error {
	if a.limiter == nil || t.Operator() {
		return nil
	}
	left := a.limiter.Take(t.Account + "/" + t.Name)
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", limitName, a.opt.CallsPerSecond*int(limitWindow/time.Second), limitWindow/time.Second))
	now := fmt.Sprintf("%q;r=%d", limitName, left.Left)
	if left.Next > 0 {
		now += fmt.Sprintf(";t=%d", (left.Next+time.Second-1)/time.Second)
	}
	h.Set("RateLimit", now)
	if left.OK {
		return nil
	}
	return &waybill.Error{
		Code: waybill.RateLimited, RetryAfter: left.Next,
		Message: fmt.Sprintf("the token makes more than %d calls a second", a.opt.CallsPerSecond),
	}
}
