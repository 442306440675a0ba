package rest

import (
	"context"
	"time"

	"waybill"
)

// Bounds of heavy calls.
const (
	maxHeavy  = 4                // of them run at once
	heavyWait = time.Second      // for one of them to end
	heavyTime = 20 * time.Second // that one may take
)

// begin waits until a heavy call may run, and returns the context that it may run
// in. Others may run once the call has ended.
func (a *API) begin(c *call) (context.Context, error) {
	wait := time.NewTimer(heavyWait)
	defer wait.Stop()
	select {
	case a.heavy <- struct{}{}:
	case <-c.Context().Done():
		return nil, c.Context().Err()
	case <-wait.C:
		return nil, &waybill.Error{
			Code: waybill.Unavailable, RetryAfter: time.Second,
			Message: "other calls that read much are in progress",
		}
	}
	ctx, cancel := context.WithTimeoutCause(c.Context(), heavyTime, &waybill.Error{
		Code:    waybill.TooLarge,
		Message: "the answer takes more than 20 seconds to find: ask for a shorter time, fewer channels or fewer groups",
	})
	c.ends = func() {
		cancel()
		<-a.heavy
	}
	return ctx, nil
}

// end lets others run, once.
func (c *call) end() {
	if c.ends != nil {
		c.ends()
		c.ends = nil
	}
}
