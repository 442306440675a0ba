package alibaba

import (
	"net/http"
	"time"

	"waybill/internal/dialect"
)

// Limits are how many calls an account may make in a second, all its users and
// access keys together. Zero is the default, a negative number no limit.
type Limits struct {
	Enable  int // of EnableWhatsappROIMetric; default 5
	Metrics int // of each of the two Get operations; default 50
	Gateway int // of all calls with a valid signature, whatever they ask; default 1000
}

// maxLimited bounds the accounts whose calls are remembered, of each limit.
const maxLimited = 10_000

// throttle bounds the calls of accounts. Each operation has its own bucket.
type throttle struct {
	all        *dialect.Limiter
	operations map[string]*dialect.Limiter
}

func newThrottle(l Limits, now func() time.Time) *throttle {
	limiter := func(calls, byDefault int) *dialect.Limiter {
		if calls == 0 {
			calls = byDefault
		}
		return dialect.NewLimiter(calls, time.Second, maxLimited, now)
	}
	return &throttle{
		all: limiter(l.Gateway, 1000),
		operations: map[string]*dialect.Limiter{
			enableROI:      limiter(l.Enable, 5),
			templateMetric: limiter(l.Metrics, 50),
			phoneMetric:    limiter(l.Metrics, 50),
		},
	}
}

// gateway counts a verified call.
func (t *throttle) gateway(account string) error {
	if ok, wait := t.all.Allow(account); !ok {
		return errThrottling(wait)
	}
	return nil
}

// operation counts a call that may run.
func (t *throttle) operation(name, account string) error {
	if ok, wait := t.operations[name].Allow(account); !ok {
		return errLimitControl(wait)
	}
	return nil
}

// errLimitControl is a call beyond the limit of its operation.
func errLimitControl(retryAfter time.Duration) error {
	return &vendorError{
		status: http.StatusBadRequest, code: "System.LimitControl",
		message: "The system is under flow control.", retryAfter: retryAfter,
	}
}
