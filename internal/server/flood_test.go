package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/server"
)

// minRate is how fast a body has to come, in bytes per second.
const minRate = 16 << 10

// bodies reads every body, after Trust where the caller has the password, and
// answers with its size or with the error.
func bodies() *fake {
	return answering(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "known" {
			dialect.Trust(r.Context())
		}
		body, err := dialect.ReadInflated(r, 3<<20, 3<<20)
		if waybill.CodeOf(err) == waybill.Unavailable {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if r.URL.Path == "/panic" {
			panic("with a body")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, len(body))
	})
}

// Strangers who send bodies one byte short, and never the last, leave room for
// those who are known, and for the small bodies of other strangers.
func TestFloodOfBodies(t *testing.T) {
	s := start(t, server.Options{MaxBodiesBytes: 16 << 20, ReadTimeout: time.Minute}, bodies())
	const size = 1 << 20
	flood := make([]net.Conn, 20)
	for i := range flood {
		flood[i] = dial(t, s.public)
		go func() {
			_, _ = fmt.Fprintf(flood[i], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
			_, _ = flood[i].Write(make([]byte, size-1))
		}()
	}
	s.log.await(t, "status=503") // their share is full
	large := func(authorization string) answer {
		r := request(t, http.MethodPost, s.public, "/", bytes.NewReader(make([]byte, size)))
		r.Header.Set("Authorization", authorization)
		return doWhileSending(t, r)
	}
	if got := large("known"); got.body != "1048576" {
		t.Errorf("one who is known is answered %+v", got)
	}
	if got := large(""); got.status != http.StatusServiceUnavailable {
		t.Errorf("one more stranger is answered %+v", got)
	}
	if got := do(t, request(t, http.MethodPost, s.public, "/", strings.NewReader("{}"))); got.body != "2" {
		t.Errorf("a small body is answered %+v", got)
	}
	for _, c := range flood {
		_ = c.Close()
	}
	awaitRoom(t, s, size)
}

// awaitRoom fails unless a stranger's body of so many bytes is taken soon.
func awaitRoom(t *testing.T, s *running, size int) {
	t.Helper()
	var got answer
	for range 10 {
		got = doWhileSending(t, request(t, http.MethodPost, s.public, "/", bytes.NewReader(make([]byte, size))))
		if got.status == http.StatusOK {
			return
		}
	}
	t.Errorf("the flood is over, and %d bytes are answered %+v", size, got)
}

// However a request ends, what its body took is free for the next. There is room
// for one at a time.
func TestRoomIsGivenBack(t *testing.T) {
	const size = 100 << 10
	head := fmt.Sprintf("Host: x\r\nContent-Length: %d\r\n", size)
	tests := []struct{ name, text string }{
		{"an answer", "POST / HTTP/1.1\r\n" + head + "\r\n" + strings.Repeat("x", size)},
		{"an error", "POST / HTTP/1.1\r\n" + head + "Content-Encoding: gzip\r\n\r\n" + strings.Repeat("x", size)},
		{"a panic", "POST /panic HTTP/1.1\r\n" + head + "\r\n" + strings.Repeat("x", size)},
		{"a caller who hangs up", "POST / HTTP/1.1\r\n" + head + "\r\n" + strings.Repeat("x", size-1)},
		{"a broken chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n" + strings.Repeat("x", 1<<16) + "\r\nzz\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, server.Options{MaxBodiesBytes: 8 * (size + 1)}, bodies())
			for range 3 {
				c := dial(t, s.public)
				send(t, c, tt.text)
				_ = c.(*net.TCPConn).CloseWrite()
				ends(t, c)
				awaitRoom(t, s, size)
			}
		})
	}
}

// Who is refused unread is answered at once, whether the body comes or not.
func TestRefusedBodyIsNotAwaited(t *testing.T) {
	s := start(t, server.Options{}, answering(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			_, _ = io.ReadAll(r.Body)
		}
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	tests := []struct {
		name, text string
		last       bool
	}{
		{"a body that never comes", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", true},
		{"a large body that never comes", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n", true},
		{"chunks that never come", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", true},
		{"a body that waits to be wanted", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n", true},
		{"a body that was read", "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", false},
		{"no body", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s.public)
			begin := time.Now()
			send(t, c, tt.text)
			got := receive(t, c)
			if took := time.Since(begin); got.status != http.StatusUnauthorized || got.last != tt.last || took > 2*time.Second {
				t.Errorf("%+v after %v", got, took)
			}
		})
	}
}

// A caller who hangs up is no failure of ours.
func TestCallersWhoHangUp(t *testing.T) {
	tests := []struct {
		name, path, log, outcome string
	}{
		{"before our error", "/503", "level=INFO msg=request method=GET url=/503 status=499", "gone"},
		{"before a good answer", "/200", "level=INFO msg=request method=GET url=/200 status=499", "gone"},
		{"and no answer is given", "/none", "level=INFO msg=request method=GET url=/none status=499", "gone"},
		{"and the answer is broken off", "/abort", "level=INFO msg=request method=GET url=/abort status=499", "gone"},
		{"before a panic, which is ours all the same", "/panic", "level=WARN msg=request method=GET url=/panic status=500", "failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entered := make(chan struct{})
			s := start(t, server.Options{}, answering(func(w http.ResponseWriter, r *http.Request) {
				close(entered)
				<-r.Context().Done()
				switch r.URL.Path {
				case "/503":
					w.WriteHeader(http.StatusServiceUnavailable)
				case "/200":
					_, _ = io.WriteString(w, "done")
				case "/abort":
					panic(http.ErrAbortHandler)
				case "/panic":
					panic("broken")
				}
			}))
			c := dial(t, s.public)
			send(t, c, "GET "+tt.path+" HTTP/1.1\r\nHost: x\r\n\r\n")
			<-entered
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			s.log.await(t, tt.log)
			want := `waybill_requests_total{dialect="fake",operation="none",outcome="` + tt.outcome + `"} 1`
			if got := get(t, s.admin, "/metrics"); !strings.Contains(got.body, want) {
				t.Errorf("no %s", want)
			}
		})
	}
}

// The scope of a request that is over holds nothing, even where the answer was
// broken off.
func TestAbortGivesBack(t *testing.T) {
	var budget *dialect.Budget
	s := server.New(server.Options{})
	s.Ready(answering(func(_ http.ResponseWriter, r *http.Request) {
		budget = r.Context().(*dialect.Scope).Budget
		if err := dialect.Hold(r.Context(), 1000); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}))
	func() {
		defer func() { _ = recover() }()
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}()
	if all, strangers := budget.Held(); all != 0 || strangers != 0 {
		t.Errorf("%d bytes are held, %d by strangers", all, strangers)
	}
}

// A body that hardly comes is given up long before one that comes slowly.
func TestSlowBodies(t *testing.T) {
	s := start(t, server.Options{ReadTimeout: 3 * time.Second}, bodies())
	tests := []struct {
		name       string
		first      int // bytes, of 200,000
		every      int // bytes, ten times a second
		from, upTo time.Duration
	}{
		{"nothing comes", 0, 0, 400 * time.Millisecond, 1500 * time.Millisecond},
		{"a byte now and then", 0, 1, 400 * time.Millisecond, 1500 * time.Millisecond},
		{"a second's worth and then nothing", minRate, 0, 1400 * time.Millisecond, 2500 * time.Millisecond},
		{"fast enough, and too slow for the whole", 0, 2 * minRate / 10, 2900 * time.Millisecond, 4500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, s.public)
			begin := time.Now()
			send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"+strings.Repeat("x", tt.first))
			go func() {
				for tt.every > 0 {
					time.Sleep(100 * time.Millisecond)
					if _, err := c.Write(make([]byte, tt.every)); err != nil {
						return
					}
				}
			}()
			got := receive(t, c)
			if took := time.Since(begin); !strings.Contains(got.body, "arrived in time") || took < tt.from || took > tt.upTo {
				t.Errorf("answered %+v after %v", got, took)
			}
		})
	}
}

// The time for the body does not bound the time for the answer.
func TestDeadlineOfTheBodyEndsWithIt(t *testing.T) {
	s := start(t, server.Options{ReadTimeout: 300 * time.Millisecond}, answering(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := dialect.ReadBody(r, 1000); err != nil {
			t.Error(err)
		}
		select {
		case <-r.Context().Done():
			t.Error("the request was ended")
		case <-time.After(500 * time.Millisecond):
		}
	}))
	c := dial(t, s.public)
	for range 2 {
		send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		if got := receive(t, c); got.status != http.StatusOK {
			t.Errorf("%+v", got)
		}
	}
}
