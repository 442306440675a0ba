package dialect

import (
	"context"
	"sync"
	"time"

	"waybill"
)

const (
	// smallBody is what the usual webhook stays below, in bytes.
	smallBody = 16 << 10

	// holdWait is how long a request waits for room in a Budget. That must be
	// bounded, since requests that hold a part of what they need can wait for
	// each other. It looks every holdPoll: to wake all who wait whenever one
	// gives back would cost more.
	holdWait = time.Second
	holdPoll = 20 * time.Millisecond
)

// A Budget bounds the bytes that the bodies of all requests in progress take
// together. Requests of strangers, which are all until Trust is called, get a
// quarter of it, so that they leave room for those who are known. Half of that
// quarter is kept for small bodies: large ones that any stranger can send must
// not shut out the usual webhook, whose sender is known only once it is read.
//
// All methods can be called concurrently.
type Budget struct {
	limit int64

	mu        sync.Mutex
	held      int64
	strangers int64 // of what is held
}

// NewBudget returns a Budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Held returns how many bytes are held, and how many of them by strangers.
func (b *Budget) Held() (all, strangers int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held, b.strangers
}

// A share is what one request holds of a Budget, whose mutex guards it.
type share struct {
	held    int64
	unused  int64 // of what is held
	trusted bool
}

// room returns how much all requests like that of s may hold, if it held n bytes
// more.
func (b *Budget) room(s *share, n int64) int64 {
	switch {
	case s.trusted:
		return b.limit
	case s.held+n <= smallBody:
		return b.limit / 4
	}
	return b.limit / 8
}

// take gives s n bytes more if there are as many. It reports whether there ever
// can be.
func (b *Budget) take(s *share, n int64) (taken, possible bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.fits(s, n) {
		return false, s.held+n <= b.room(s, n)
	}
	b.move(s, n)
	s.unused += n
	return true, true
}

// fits reports whether s can have n bytes more now.
func (b *Budget) fits(s *share, n int64) bool {
	return b.held+n <= b.limit && (s.trusted || b.strangers+n <= b.room(s, n))
}

// use makes n bytes used, of those that are held and not used. If there are not
// as many it takes what is missing, or else reports how much that is. A negative n
// makes bytes unused.
func (b *Budget) use(s *share, n int64) (missing int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if missing = n - s.unused; missing > 0 {
		if !b.fits(s, missing) {
			return missing
		}
		b.move(s, missing)
		s.unused += missing
	}
	s.unused -= n
	return 0
}

// end takes back all that s holds.
func (b *Budget) end(s *share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.move(s, -s.held)
	s.unused = 0
}

func (b *Budget) move(s *share, n int64) {
	s.held += n
	b.held += n
	if !s.trusted {
		b.strangers += n
	}
}

func (b *Budget) trust(s *share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !s.trusted {
		b.strangers -= s.held
		s.trusted = true
	}
}

// reserve takes n bytes for s, waiting for them if need be.
func (b *Budget) reserve(ctx context.Context, s *share, n int64) error {
	for range holdWait / holdPoll {
		taken, possible := b.take(s, n)
		switch {
		case taken:
			return nil
		case !possible:
			return waybill.Errorf(waybill.TooLarge, "the body takes more memory than all bodies may")
		}
		select {
		case <-ctx.Done():
			return errNoRoom()
		case <-time.After(holdPoll):
		}
	}
	return errNoRoom()
}

func errNoRoom() error {
	return &waybill.Error{
		Code: waybill.Unavailable, RetryAfter: time.Second,
		Message: "the bodies of other requests take all the memory that there is for them",
	}
}

// Trust marks the request of ctx as one of somebody who is known: a token was
// found good, or a signature. It may then hold what others leave of the whole
// budget. Outside of a request it does nothing.
func Trust(ctx context.Context) {
	if s := scopeOf(ctx); s != nil && s.Budget != nil {
		s.Budget.trust(&s.share)
	}
}

// Reserve takes n bytes of the server's budget before they are used, by Hold,
// ReadBody or ReadInflated. Those who will need much should reserve it at once:
// many who hold a part and wait for more keep each other from the end. It fails
// with Unavailable when the bytes do not come free soon, and with TooLarge when
// they never can. Outside of a request it does nothing.
func Reserve(ctx context.Context, n int64) error {
	if s := scopeOf(ctx); s != nil && s.Budget != nil {
		return s.Budget.reserve(ctx, &s.share, n)
	}
	return nil
}

// Hold uses n bytes of what is reserved, for what is made of a body, until the
// request of ctx ends. What is missing it reserves. ReadBody and ReadInflated
// hold what they return.
func Hold(ctx context.Context, n int64) error {
	s := scopeOf(ctx)
	if s == nil || s.Budget == nil {
		return nil
	}
	missing := s.Budget.use(&s.share, n)
	if missing == 0 {
		return nil
	}
	if err := s.Budget.reserve(ctx, &s.share, missing); err != nil {
		return err
	}
	s.Budget.use(&s.share, n)
	return nil
}

// giveBack makes n bytes that Hold used fit for use again.
func giveBack(ctx context.Context, n int64) {
	if s := scopeOf(ctx); s != nil && s.Budget != nil {
		s.Budget.use(&s.share, -n)
	}
}
