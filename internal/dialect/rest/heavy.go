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

// begin waits until a heavy call may run. The context that it may run in must be
// ended by end.
func (a *API) begin(ctx context.Context) (_ context.Context, end func(), err error) {
	wait := time.NewTimer(heavyWait)
	defer wait.Stop()
	select {
	case a.heavy <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-wait.C:
		return nil, nil, &waybill.Error{
			Code: waybill.Unavailable, RetryAfter: time.Second,
			Message: "other calls that read much are in progress",
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, heavyTime, &waybill.Error{
		Code:    waybill.TooLarge,
		Message: "the answer takes more than 20 seconds to find: ask for a shorter time, fewer channels or fewer groups",
	})
	return ctx, func() {
		cancel()
		<-a.heavy
	}, nil
}
