package dialect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/dialect"
)

// scoped returns the scope of a request that draws on b.
func scoped(ctx context.Context, b *dialect.Budget) *dialect.Scope {
	s := dialect.NewScope(ctx, "r-1")
	s.Budget = b
	return s
}

// unsized returns a request whose body announces no size.
func unsized(body io.Reader) *http.Request {
	r := post(nil)
	r.Body, r.ContentLength = io.NopCloser(body), -1
	return r
}

// checkHeld fails unless so many bytes are held.
func checkHeld(t *testing.T, b *dialect.Budget, all, strangers int64) {
	t.Helper()
	if a, s := b.Held(); a != all || s != strangers {
		t.Errorf("%d bytes are held, %d by strangers, want %d and %d", a, s, all, strangers)
	}
}

func TestBodiesTakeWhatTheyNeed(t *testing.T) {
	text := bytes.Repeat([]byte("x"), 300<<10)
	tests := []struct {
		name    string
		request *http.Request
		want    int64
	}{
		{"a body of known size takes one byte more", post(text), 300<<10 + 1},
		{"a small body, too", post(text[:700]), 701},
		{"a body of unknown size takes up to twice as much", unsized(bytes.NewReader(text)), 512 << 10},
		{"what is inflated takes its bytes, too", post(gzipped(t, text), "gzip"), 512<<10 + int64(len(gzipped(t, text))) + 1},
		{"no body takes none", httptest.NewRequest(http.MethodGet, "/", nil), 0},
		{"a body that is announced and does not come takes little", sized(failing("abc", io.ErrUnexpectedEOF), 1<<20), 1 << 10},
		{"a body that is announced too large takes none", sized(post(text), 1<<20+1), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := dialect.NewBudget(1 << 30)
			s := scoped(t.Context(), b)
			_, _ = dialect.ReadInflated(tt.request.WithContext(s), 1<<20, 1<<20)
			checkHeld(t, b, tt.want, tt.want)
			s.Release()
			checkHeld(t, b, 0, 0)
		})
	}
}

func sized(r *http.Request, n int64) *http.Request {
	r.ContentLength = n
	return r
}

// Half of the strangers' quarter is for those whose bodies are small.
func TestStrangersLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 8 << 20
		b := dialect.NewBudget(limit)
		flood := func(n int64) (held int64) {
			for dialect.Hold(scoped(t.Context(), b), n) == nil {
				held += n
			}
			return held
		}
		if held := flood(100 << 10); held != 1000<<10 {
			t.Errorf("large bodies of strangers hold %d bytes, want what fits into 1 MiB", held)
		}
		flood(16 << 10)
		all, strangers := b.Held()
		if all != strangers || strangers > limit/4 || strangers <= limit/4-16<<10 {
			t.Errorf("with small bodies, strangers hold %d of %d bytes, want what fits into 2 MiB", strangers, all)
		}
		known := scoped(t.Context(), b)
		dialect.Trust(known)
		if err := dialect.Hold(known, limit-strangers); err != nil {
			t.Errorf("who is known does not get what strangers may not have: %v", err)
		}
		check(t, dialect.Hold(known, 1), waybill.Unavailable, "take all the memory")
	})
}

func TestTrustFreesTheShareOfStrangers(t *testing.T) {
	b := dialect.NewBudget(8 << 20)
	s := scoped(t.Context(), b)
	if err := dialect.Hold(s, 1<<20); err != nil {
		t.Fatal(err)
	}
	checkHeld(t, b, 1<<20, 1<<20)
	for range 2 {
		dialect.Trust(s)
		checkHeld(t, b, 1<<20, 0)
	}
	if err := dialect.Hold(s, 7<<20); err != nil {
		t.Error(err)
	}
	s.Release()
	checkHeld(t, b, 0, 0)
}

func TestReservedBytesAreUsedFirst(t *testing.T) {
	b := dialect.NewBudget(8 << 20)
	s := scoped(t.Context(), b)
	dialect.Trust(s)
	text := make([]byte, 100<<10)
	for _, step := range []struct {
		name string
		do   func() error
		held int64
	}{
		{"a reservation", func() error { return dialect.Reserve(s, 250<<10) }, 250 << 10},
		{"within it", func() error { return dialect.Hold(s, 100<<10) }, 250 << 10},
		{"a body within it", func() error { _, err := dialect.ReadBody(post(text).WithContext(s), 1<<20); return err }, 250 << 10},
		{"beyond it", func() error { return dialect.Hold(s, 100<<10) }, 300<<10 + 1},
		{"after it", func() error { return dialect.Hold(s, 100) }, 300<<10 + 101},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		checkHeld(t, b, step.held, 0)
	}
	s.Release()
	checkHeld(t, b, 0, 0)
}

func TestWaitForRoomIsShort(t *testing.T) {
	tests := []struct {
		name       string
		after      time.Duration // until somebody ends
		hangsUp    time.Duration // the one who waits, 0 for never
		want       waybill.Code
		from, upTo time.Duration
	}{
		{"room in time", 300 * time.Millisecond, 0, "", 300 * time.Millisecond, 400 * time.Millisecond},
		{"no room", time.Hour, 0, waybill.Unavailable, time.Second, time.Second},
		{"who hangs up does not wait", time.Hour, 100 * time.Millisecond, waybill.Unavailable, 100 * time.Millisecond, 100 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := dialect.NewBudget(8 << 10)
				first := scoped(t.Context(), b)
				dialect.Trust(first)
				if err := dialect.Hold(first, 8<<10); err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(tt.after, first.Release)
				ctx := t.Context()
				if tt.hangsUp > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.hangsUp)
					defer cancel()
				}
				start := time.Now()
				_, err := dialect.ReadBody(post([]byte("{}")).WithContext(scoped(ctx, b)), 1000)
				took := time.Since(start)
				check(t, err, tt.want, "take all the memory")
				if e, ok := errors.AsType[*waybill.Error](err); ok && e.RetryAfter < time.Second {
					t.Errorf("retry after %v", e.RetryAfter)
				}
				if took < tt.from || took > tt.upTo {
					t.Errorf("took %v", took)
				}
				time.Sleep(tt.after)
			})
		})
	}
}

func TestBodyThatCanNeverFit(t *testing.T) {
	b := dialect.NewBudget(1 << 20)
	body := strings.Repeat("x", 200<<10)
	s := scoped(t.Context(), b)
	_, err := dialect.ReadBody(post([]byte(body)).WithContext(s), 1<<20)
	check(t, err, waybill.TooLarge, "more memory than all bodies may")
	dialect.Trust(s)
	if _, err := dialect.ReadBody(post([]byte(body)).WithContext(s), 1<<20); err != nil {
		t.Errorf("of one who is known: %v", err)
	}
}

// Whatever requests do at once, the bounds hold, and in the end nothing is held.
func TestBudgetIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1<<10, 1<<20).Draw(t, "limit")
		b := dialect.NewBudget(limit)
		requests := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plan {
			return plan{
				size:    rapid.IntRange(0, int(limit)/2).Draw(t, "size"),
				sized:   rapid.Bool().Draw(t, "sized"),
				broken:  rapid.Bool().Draw(t, "broken"),
				trusted: rapid.SampledFrom([]string{"before", "after", "never"}).Draw(t, "trusted"),
			}
		}), 1, 12).Draw(t, "requests")
		var wg sync.WaitGroup
		for _, p := range requests {
			wg.Go(func() { p.run(t, b, limit) })
		}
		wg.Wait()
		if all, strangers := b.Held(); all != 0 || strangers != 0 {
			t.Errorf("%d and %d bytes are held in the end", all, strangers)
		}
	})
}

// A plan is what a request does.
type plan struct {
	size          int
	sized, broken bool
	trusted       string
}

func (p plan) run(t *rapid.T, b *dialect.Budget, limit int64) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond) // the wait is not what is tested
	defer cancel()
	s := scoped(ctx, b)
	defer s.Release()
	if p.trusted == "before" {
		dialect.Trust(s)
	}
	end := io.EOF
	if p.broken {
		end = io.ErrUnexpectedEOF
	}
	watched := readerFunc(func([]byte) (int, error) {
		if all, strangers := b.Held(); all > limit || strangers > limit/4 || strangers > all || strangers < 0 {
			t.Errorf("%d bytes are held, %d by strangers, of %d", all, strangers, limit)
		}
		return 0, end
	})
	r := unsized(io.MultiReader(bytes.NewReader(make([]byte, p.size)), watched))
	if p.sized {
		r.ContentLength = int64(p.size)
	}
	body, err := dialect.ReadBody(r.WithContext(s), limit)
	if err == nil && (len(body) != p.size || p.broken && p.size > 0) {
		t.Errorf("%d of %d bytes", len(body), p.size)
	}
	if p.trusted == "after" {
		dialect.Trust(s)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// A body of known size costs little more than itself.
func TestReadBodyAllocates(t *testing.T) {
	r := post(make([]byte, 3<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := dialect.ReadBody(r, 3<<20)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; err != nil || got > 3<<20*3/2 {
		t.Errorf("3 MiB cost %d KiB, error %v", got>>10, err)
	}
}
