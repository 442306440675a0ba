package alibaba

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestNoncesAreRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Wherever between two generations the call falls.
		for offset := range 13 {
			n := newNonces(keepNonces, 100)
			time.Sleep(time.Duration(offset) * time.Minute)
			wantCode(t, n.use("a", "key", "nonce", time.Now()), "")
			for range 31 {
				wantCode(t, n.use("a", "key", "nonce", time.Now()), "SignatureNonceUsed")
				time.Sleep(time.Minute)
			}
			time.Sleep(keepNonces/3 + time.Second)
			wantCode(t, n.use("a", "key", "nonce", time.Now()), "")
		}
	})
}

func TestNoncesAreOfOneAccessKey(t *testing.T) {
	n := newNonces(keepNonces, 100)
	for _, use := range []struct{ account, key, nonce, code string }{
		{"a", "key", "nonce", ""},
		{"a", "other", "nonce", ""},
		{"b", "key", "nonce", ""},
		{"a", "key", "another", ""},
		{"a", "ke", "ynonce", ""},
		{"a", "key", "nonce", "SignatureNonceUsed"},
	} {
		wantCode(t, n.use(use.account, use.key, use.nonce, clock), use.code)
	}
}

func TestAClockThatIsSetBackForgetsNothing(t *testing.T) {
	n := newNonces(keepNonces, 100)
	wantCode(t, n.use("a", "key", "1", clock), "")
	wantCode(t, n.use("a", "key", "2", clock.Add(-time.Hour)), "")
	for _, at := range []time.Time{clock.Add(-2 * time.Hour), clock, clock.Add(30 * time.Minute)} {
		wantCode(t, n.use("a", "key", "1", at), "SignatureNonceUsed")
		wantCode(t, n.use("a", "key", "2", at), "SignatureNonceUsed")
	}
}

func TestAccountsShareTheSpaceForNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1200
		n := newNonces(keepNonces, limit)
		next := 0
		// fill has the accounts take turns until none has space, and returns
		// how many nonces each got in.
		fill := func(accounts ...string) map[string]int {
			got := make(map[string]int)
			for taken := true; taken; {
				taken = false
				for _, a := range accounts {
					next++
					if n.use(a, a, strconv.Itoa(next), time.Now()) == nil {
						got[a]++
						taken = true
					}
				}
			}
			return got
		}
		if got := fill("heavy"); got["heavy"] != limit/2 {
			t.Errorf("one account alone gets %d of %d", got["heavy"], limit)
		}
		if got := fill("heavy", "late"); got["heavy"] != 0 || got["late"] != limit/4 {
			t.Errorf("after it, another gets %v", got)
		}
		wantCode(t, n.use("small", "k", "1", time.Now()), "")
		wantCode(t, n.use("heavy", "k", "1", time.Now()), "Throttling.User")
		wantCode(t, n.use("heavy", "heavy", "1", time.Now()), "SignatureNonceUsed")

		time.Sleep(2 * keepNonces)
		got := fill("a", "b", "c")
		for _, account := range []string{"a", "b", "c"} {
			if got[account] != limit/4 {
				t.Errorf("of three alike, %s gets %d of %d", account, got[account], limit)
			}
		}
		time.Sleep(2 * keepNonces)
		wantCode(t, n.use("small", "k", "1", time.Now()), "")
		if n.total != 1 || len(n.accounts) != 1 {
			t.Errorf("%d nonces of %d accounts are left", n.total, len(n.accounts))
		}
	})
}

// TestNoncesAgreeWithAPlainMap runs random calls against a map of times.
func TestNoncesAgreeWithAPlainMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 12
		n := newNonces(30*time.Minute, limit)
		used := make(map[string]time.Time)
		now := clock
		for range rapid.IntRange(0, 60).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8).Draw(t, "minutes")) * time.Minute)
			account := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "account")
			nonce := strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "nonce"))
			err := n.use(account, "k", nonce, now)
			at, seen := used[account+nonce]
			switch age := now.Sub(at); {
			case err == nil && seen && age <= 30*time.Minute:
				t.Fatalf("a nonce was taken again after %v", age)
			case errors.Is(err, errNonceUsed) && (!seen || age > 40*time.Minute):
				t.Fatalf("a nonce counts as used after %v (%t)", age, seen)
			case err == nil:
				used[account+nonce] = now
			}
			count := 0
			for _, a := range n.accounts {
				count += a.count
			}
			if count != n.total || n.total > limit {
				t.Fatalf("%d nonces are kept and %d counted", count, n.total)
			}
		}
	})
}

func TestANonceIsUsedOnceByManyAtOnce(t *testing.T) {
	n := newNonces(keepNonces, 1000)
	taken := make(chan string, 1000)
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := range 50 {
				account := fmt.Sprint(i % 3)
				if n.use(account, "k", fmt.Sprint(i), clock.Add(time.Duration(worker))) == nil {
					taken <- fmt.Sprint(i)
				}
			}
		})
	}
	wait.Wait()
	if len(taken) != 50 {
		t.Errorf("50 nonces were taken %d times", len(taken))
	}
}

// TestMemoryOfNonces measures what the comment of newNonces says.
func TestMemoryOfNonces(t *testing.T) {
	if testing.Short() {
		t.Skip("measures memory")
	}
	const kept = 1 << 18
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	n := newNonces(keepNonces, 2*kept)
	for i := range kept {
		now := clock.Add(time.Duration(i) * keepNonces / kept)
		if err := n.use(strconv.Itoa(i%20), "k", strconv.Itoa(i), now); err != nil {
			t.Fatal(err)
		}
	}
	each := float64(heap()-before) / kept
	t.Logf("%.1f bytes for each of %d nonces", each, n.total)
	if each > 40 {
		t.Errorf("a nonce takes %.1f bytes", each)
	}
}

func BenchmarkNonces(b *testing.B) {
	n := newNonces(keepNonces, 1<<30)
	nonces := make([]string, 1<<16)
	for i := range nonces {
		nonces[i] = fmt.Sprintf("%032x", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		// A nonce comes again when its generation is gone.
		now := clock.Add(time.Duration(i) * (time.Hour / (1 << 16)))
		if err := n.use("1000000000000001", "LTAI0000", nonces[i%len(nonces)], now); err != nil {
			b.Fatal(err)
		}
	}
}
