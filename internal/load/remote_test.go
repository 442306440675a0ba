package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"waybill/internal/dialect"
	wire "waybill/internal/event"
	"waybill/internal/load"
)

// A server takes events as Waybill's does, or fails as the test says.
type server struct {
	ledger ledger
	fail   func(n int) (status int, retryAfter string) // the n-th call, from 1
	calls  atomic.Int64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(s.calls.Add(1))
	if r.URL.Path != "/waybill/v1/events" || r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"detail":"the token is unknown"}`))
		return
	}
	if s.fail != nil {
		if status, after := s.fail(n); status != 0 {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			w.WriteHeader(status)
			return
		}
	}
	body, err := dialect.ReadInflated(r, 8<<20, wire.MaxBody)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	batch, err := wire.Parse(body, channels)
	if err == nil {
		_, err = s.ledger.store.Append(r.Context(), batch.Events)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"detail":%q}`, err)
		return
	}
	report := batch.Report()
	changed := len(batch.Events)
	report.Changed = &changed
	_ = json.NewEncoder(w).Encode(report)
}

// remote returns a sink that posts to a server, and waits at most a millisecond.
func remote(t testing.TB, s *server) load.RemoteOptions {
	t.Helper()
	s.ledger = newLedger(t)
	at := httptest.NewServer(s)
	t.Cleanup(at.Close)
	return load.RemoteOptions{
		URL: at.URL, Token: "secret", Tries: 3, Wait: time.Microsecond, MaxWait: time.Millisecond,
		Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
	}
}

func TestRemote(t *testing.T) {
	const rows = 60_000
	text := rowsOf(rows, "x\n", "", func(i int) string { return event(fmt.Sprint("m", i), status(i)) })
	var mu sync.Mutex
	var told []string
	s := &server{fail: func(n int) (int, string) {
		return map[int]int{1: 503, 2: 429, 4: 502}[n], map[int]string{1: "600"}[n]
	}}
	opt := remote(t, s)
	opt.Retry = func(reason string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, reason)
	}
	in := options(t, file(t, "e", text))
	in.Sink, in.Parallel, in.Format = load.NewRemote(opt), 4, load.NDJSON
	r := mustRun(t, in)
	if r.Received != rows+1 || r.Changed != rows-rows/100 || r.Counts.Rejected != rows/100+1 || len(told) != 3 {
		t.Errorf("%+v after %q", r.Counts, told)
	}
	if at := r.rejected[1]; at.Line != 101 || at.Text != strings.TrimSpace(event("m99", "red")) || at.Why != `status "red" is unknown, did you mean "read"?` {
		t.Errorf("the second rejection is %+v", at)
	}
	s.ledger.message(t, fmt.Sprint("m", rows-2))
}

// An answer lists a thousand rejections; those beyond are asked for again.
func TestRemoteWithManyRejections(t *testing.T) {
	s := &server{}
	in := options(t, file(t, "e", event("a", "sent")+strings.Repeat("{}\n[]\n\n", 2500)+event("b", "sent")))
	in.Sink = load.NewRemote(remote(t, s))
	r := mustRun(t, in)
	var lines []int
	for _, x := range r.rejected {
		lines = append(lines, x.Line)
	}
	if r.Received != 5002 || r.Counts.Rejected != 5000 || !slices.IsSorted(lines) || lines[4999] != 7500 {
		t.Errorf("%+v, rejected %d...%d", r.Counts, lines[0], lines[len(lines)-1])
	}
	s.ledger.message(t, "b")
}

func TestRemoteFailures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		calls  int64
		want   string
	}{
		{"a server without room", 503, 3, "it had no room, however often it was tried"},
		{"a proxy's page", 404, 1, "the server answered 404 Not Found"},
		{"a call that is refused", 400, 1, "the server answered 400 Bad Request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{fail: func(int) (int, string) { return tt.status, "" }}
			in := options(t, file(t, "e", event("a", "sent")))
			in.Sink = load.NewRemote(remote(t, s))
			if r, err := run(t.Context(), in); err == nil || !strings.Contains(err.Error(), tt.want) || s.calls.Load() != tt.calls || r.Received != 0 {
				t.Errorf("after %d calls %v, %+v", s.calls.Load(), err, r)
			}
		})
	}
	s := &server{}
	opt := remote(t, s)
	opt.Token = "another"
	in := options(t, file(t, "e", event("a", "sent")))
	in.Sink = load.NewRemote(opt)
	if _, err := run(t.Context(), in); err == nil || !strings.Contains(err.Error(), "the token is unknown; give a token with the scope events:write") {
		t.Errorf("a wrong token: %v", err)
	}
}

// Whoever interrupts an import need not wait for a server without room.
// roundTrip answers in place of a server.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRemoteKeepsTrying sends to a server that has no room for minutes, and asks to
// come again in a second each time.
func TestRemoteKeepsTrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: http.StatusServiceUnavailable, Status: "503 Service Unavailable",
				Header: http.Header{"Retry-After": {"1"}}, Body: http.NoBody, Request: r,
			}, nil
		})}
		tries, begun := 0, time.Now()
		remote := load.NewRemote(load.RemoteOptions{URL: "http://server", Client: client, Retry: func(string) { tries++ }})
		_, err := remote.Take(t.Context(), &load.Piece{Text: []byte(event("m", "sent") + "\n")})
		if took := time.Since(begun); err == nil || took < 4*time.Minute || took > 5*time.Minute {
			t.Errorf("given up after %v and %d tries: %v", took, tries, err)
		}
	})
}

func TestRemoteInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &server{fail: func(int) (int, string) { return 503, "600" }}
	opt := remote(t, s)
	opt.MaxWait = time.Hour
	opt.Retry = func(string) { cancel() }
	in := options(t, file(t, "e", event("a", "sent")))
	in.Sink = load.NewRemote(opt)
	if _, err := run(ctx, in); err == nil || ctx.Err() == nil || s.calls.Load() != 1 {
		t.Errorf("after %d calls %v", s.calls.Load(), err)
	}
}
