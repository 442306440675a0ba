package dialect_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/internal/dialect"
)

// A clock stands still until it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Unix(1_700_000_000, 0)} }

func TestLimiter(t *testing.T) {
	c := newClock()
	l := dialect.NewLimiter(200, time.Hour, 10, c.now)
	for i := range 200 {
		if used := l.Used("a"); used != i/2 && used != (i+1)/2 {
			t.Fatalf("%d%% used after %d calls", used, i)
		}
		if ok, _ := l.Allow("a"); !ok {
			t.Fatalf("call %d refused", i+1)
		}
	}
	ok, wait := l.Allow("a")
	if ok || wait.Round(time.Millisecond) != 18*time.Second {
		t.Errorf("call 201: %t, next in %v, want 18 s", ok, wait)
	}
	if used := l.Used("a"); used != 100 {
		t.Errorf("%d%% used, want 100", used)
	}
	if ok, _ := l.Allow("b"); !ok {
		t.Error("another key is refused")
	}
	if used := l.Used("never seen"); used != 0 {
		t.Errorf("%d%% used by a key that never called", used)
	}
	c.at = c.at.Add(time.Hour)
	if used := l.Used("a"); used != 0 {
		t.Errorf("%d%% used an hour later", used)
	}
}

func TestLimiterForgetsTheKeyUnusedForLongest(t *testing.T) {
	l := dialect.NewLimiter(1, time.Hour, 3, newClock().now)
	for _, key := range []string{"a", "b", "c", "a", "d"} { // d takes the place of b
		l.Allow(key)
	}
	for key, want := range map[string]int{"a": 100, "b": 0, "c": 100, "d": 100} {
		if used := l.Used(key); used != want {
			t.Errorf("%s has used %d%%, want %d", key, used, want)
		}
	}
}

func TestNoLimit(t *testing.T) {
	l := dialect.NewLimiter(0, time.Hour, 3, nil)
	if ok, wait := l.Allow("a"); !ok || wait != 0 || l.Used("a") != 0 {
		t.Error("a limiter of no calls limits")
	}
}

// Who waits for as long as was said is let through, and never more calls than
// the bucket and what flowed into it.
func TestLimiterKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := rapid.IntRange(1, 300).Draw(t, "calls")
		period := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(48*time.Hour)).Draw(t, "period"))
		c := newClock()
		l := dialect.NewLimiter(calls, period, 2, c.now)
		allowed, start := 0, c.at
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			c.at = c.at.Add(time.Duration(rapid.Int64Range(0, int64(period)/4).Draw(t, "pause")))
			for range rapid.IntRange(1, calls).Draw(t, "burst") {
				ok, wait := l.Allow("k")
				if ok {
					allowed++
					continue
				}
				if c.at = c.at.Add(wait); wait <= 0 {
					t.Fatalf("refused, to wait %v", wait)
				}
				if ok, again := l.Allow("k"); !ok {
					t.Fatalf("refused again after %v, now %v", wait, again)
				}
				allowed++
				break
			}
		}
		inflow := float64(calls) * c.at.Sub(start).Seconds() / period.Seconds()
		if float64(allowed) > float64(calls)+inflow+1 {
			t.Fatalf("%d calls of %d and %f", allowed, calls, inflow)
		}
	})
}

func TestLimiterUsedByMany(t *testing.T) {
	l := dialect.NewLimiter(100, time.Hour, 4, newClock().now)
	var wg sync.WaitGroup
	var allowed atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				if ok, _ := l.Allow(strconv.Itoa(i % 4)); ok {
					allowed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != 400 {
		t.Errorf("%d calls allowed, want 400", n)
	}
}

func TestTake(t *testing.T) {
	now := time.Unix(1000, 0)
	l := dialect.NewLimiter(4, 2*time.Second, 10, func() time.Time { return now })
	for i, want := range []dialect.Quota{{true, 3, 500*time.Millisecond + 1}, {true, 2, 500*time.Millisecond + 1}} {
		if got := l.Take("a"); got != want {
			t.Errorf("call %d: %+v, want %+v", i, got, want)
		}
	}
	now = now.Add(250 * time.Millisecond)
	if got, want := l.Take("a"), (dialect.Quota{OK: true, Left: 1, Next: 250*time.Millisecond + 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	l.Take("a")
	refused := l.Take("a")
	if want := (dialect.Quota{OK: false, Left: 0, Next: 250*time.Millisecond + 1}); refused != want {
		t.Errorf("%+v, want %+v", refused, want)
	}
	now = now.Add(refused.Next)
	if got := l.Take("a"); !got.OK {
		t.Errorf("after the wait: %+v", got)
	}
}
