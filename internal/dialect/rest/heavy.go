package rest

import (
	"context"
	"sync"
	"time"

	"waybill"
)

// Bounds of heavy calls.
const (
	maxHeavy    = 4                // of them run at once
	maxOwnHeavy = 3                // of one account: others get a turn
	heavyWait   = 5 * time.Second  // for one of them to end
	heavyTime   = 20 * time.Second // that one may take
)

// heavyCalls bounds how many heavy calls run at once. A channel holds a value for
// each call in progress.
type heavyCalls struct {
	all chan struct{}
	own sync.Map // of channels, by account
}

func newHeavyCalls() *heavyCalls { return &heavyCalls{all: make(chan struct{}, maxHeavy)} }

// begin waits until a heavy call may run, and returns the context that it may run
// in. Others may run once the call has ended.
func (h *heavyCalls) begin(c *call) (context.Context, error) {
	own, _ := h.own.LoadOrStore(c.token.Account, make(chan struct{}, maxOwnHeavy))
	turns := []chan struct{}{own.(chan struct{}), h.all}
	wait := time.NewTimer(heavyWait)
	defer wait.Stop()
	for i, turn := range turns {
		select {
		case turn <- struct{}{}:
			continue
		case <-c.Context().Done():
		case <-wait.C:
		}
		for _, taken := range turns[:i] {
			<-taken
		}
		if err := c.Context().Err(); err != nil {
			return nil, err
		}
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
		for _, turn := range turns {
			<-turn
		}
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
