package telemetry

import (
	"context"
	"sync"
	"time"
)

const (
	// askTime bounds one asking.
	askTime = time.Minute

	// restFactor keeps what is expensive to ask from being asked all the time: at
	// most a twentieth of the time goes into it.
	restFactor = 20
)

// A Cached is a value that takes a while to get, for those who must not wait: a
// scrape. It is asked for in the background, when somebody takes it and it is old,
// so that nothing is asked where nobody scrapes. All methods can be called
// concurrently.
type Cached[T any] struct {
	every time.Duration
	ask   func(context.Context) (T, error)

	mu     sync.Mutex
	value  T
	at     time.Time // when value was asked for; zero where there is none yet
	next   time.Time // nothing is asked before
	asking bool
}

// NewCached returns a value that is asked for at most once in every, and more
// seldom if it takes long. An error leaves the value as it was; ask tells of it.
func NewCached[T any](every time.Duration, ask func(context.Context) (T, error)) *Cached[T] {
	return &Cached[T]{every: every, ask: ask}
}

// Latest returns the newest value and when it was asked for. It never waits: the
// first call returns ok false, and a zero value.
func (c *Cached[T]) Latest() (value T, at time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !c.asking && !now.Before(c.next) {
		c.asking = true
		go c.refresh(now)
	}
	return c.value, c.at, !c.at.IsZero()
}

func (c *Cached[T]) refresh(begun time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	value, err := c.ask(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.value, c.at = value, begun
	}
	took := time.Since(begun)
	c.next = begun.Add(max(c.every, restFactor*took))
	c.asking = false
}
