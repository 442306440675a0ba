package dialect

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Limiter bounds the calls of each of many keys. Every key has a bucket of
// tokens that starts full and refills steadily. All methods can be called
// concurrently. A nil Limiter allows everything.
type Limiter struct {
	calls   int
	perCall rate.Limit // tokens per second
	keys    int
	now     func() time.Time

	mu      sync.Mutex
	buckets map[string]*list.Element
	order   *list.List // of *bucket, the one used last in front
}

type bucket struct {
	key string
	*rate.Limiter
}

// NewLimiter returns a Limiter that allows each key a number of calls per
// period, all of them at once if need be. It remembers the given number of keys;
// beyond, it forgets the one unused for longest, whose bucket is then full
// again. Where calls is not positive the result is nil: there is no limit.
func NewLimiter(calls int, period time.Duration, keys int, now func() time.Time) *Limiter {
	if calls <= 0 || period <= 0 {
		return nil
	}
	return &Limiter{
		calls: calls, perCall: rate.Limit(float64(calls) / period.Seconds()),
		keys: max(keys, 1), now: now,
		buckets: make(map[string]*list.Element), order: list.New(),
	}
}

// Allow takes a token of key. If there is none, ok is false and the next comes
// after retryAfter.
func (l *Limiter) Allow(key string) (ok bool, retryAfter time.Duration) {
	if l == nil {
		return true, 0
	}
	left := l.Take(key)
	if left.OK {
		return true, 0
	}
	return false, left.Next
}

// A Quota is what is left of a bucket after a call.
type Quota struct {
	OK   bool          // the call had a token
	Left int           // whole tokens
	Next time.Duration // until there is one more, 0 where the bucket is full
}

// Take takes a token of key, if there is one. The Limiter must not be nil.
func (l *Limiter) Take(key string) Quota {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	q := Quota{OK: b.AllowN(now, 1)}
	tokens := max(b.TokensAt(now), 0)
	q.Left = int(tokens)
	if missing := 1 - (tokens - math.Floor(tokens)); q.Left < l.calls {
		// Rounded up, so that who waits so long is let through.
		q.Next = time.Duration(math.Ceil(missing/float64(l.perCall)*1e9)) + 1
	}
	return q
}

// Used returns how much of its bucket key has used, in percent. It takes no
// token.
func (l *Limiter) Used(key string) int {
	if l == nil {
		return 0
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.buckets[key]
	if !ok {
		return 0
	}
	left := e.Value.(*bucket).TokensAt(now) / float64(l.calls)
	return min(max(int(math.Round(100-100*left)), 0), 100)
}

// bucket returns the bucket of key, made if there is none, and marks it as used.
func (l *Limiter) bucket(key string) *bucket {
	if e, ok := l.buckets[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if l.order.Len() >= l.keys {
		oldest := l.order.Remove(l.order.Back()).(*bucket)
		delete(l.buckets, oldest.key)
	}
	b := &bucket{key, rate.NewLimiter(l.perCall, l.calls)}
	l.buckets[key] = l.order.PushFront(b)
	return b
}
