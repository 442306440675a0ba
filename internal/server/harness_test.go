package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/internal/dialect"
	"waybill/internal/server"
	"waybill/internal/telemetry"
)

// A fake is a dialect made of functions.
type fake struct {
	name  string
	match func(*http.Request) bool
	serve http.HandlerFunc
}

func (f *fake) Name() string               { return f.name }
func (f *fake) Match(r *http.Request) bool { return f.match != nil && f.match(r) }
func (f *fake) Places() []string           { return []string{"GET /" + f.name} }
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.serve(w, r)
}

// echo answers with its name and the path that it got.
func echo(name, prefix string) *fake {
	return &fake{
		name:  name,
		match: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, prefix) },
		serve: func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", name, r.URL.Path) },
	}
}

// answering takes every request.
func answering(h http.HandlerFunc) *fake {
	return &fake{name: "fake", match: func(*http.Request) bool { return true }, serve: h}
}

// A lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// await returns the log once it contains text: a line is written after its
// request was answered.
func (l *lines) await(t *testing.T, text string) string {
	t.Helper()
	for range 10_000 {
		if s := l.String(); strings.Contains(s, text) {
			return s
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("no %q in the log:\n%s", text, l)
	return ""
}

// A running is a server at work on real listeners.
type running struct {
	*server.Server
	public, admin string // addresses
	log           *lines
	metrics       *telemetry.Metrics
	stop          context.CancelFunc
	done          chan error // gets what Serve returned
}

// start serves until the test ends, and then checks that no goroutine is left.
func start(t *testing.T, opt server.Options, dialects ...dialect.Dialect) *running {
	t.Helper()
	public, admin := listen(t), listen(t)
	log := &lines{}
	opt.Log = slog.New(slog.NewTextHandler(log, nil))
	opt.Metrics = telemetry.New()
	ctx, cancel := context.WithCancel(context.Background())
	s := &running{
		Server: server.New(opt), public: public.Addr().String(), admin: admin.Addr().String(),
		log: log, metrics: opt.Metrics, stop: cancel, done: make(chan error, 1),
	}
	if dialects != nil {
		s.Ready(dialects...)
	}
	go func() { s.done <- s.Serve(ctx, public, admin) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-s.done:
			if err != nil {
				t.Log("serve:", err)
			}
		case <-time.After(15 * time.Second):
			t.Error("the server does not stop")
		}
		http.DefaultClient.CloseIdleConnections()
		checkGoroutines(t)
	})
	return s
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// checkGoroutines fails if a goroutine of a server is left after a while.
func checkGoroutines(t *testing.T) {
	t.Helper()
	var left string
	for range 500 {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for _, g := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(g, "waybill/internal/server.") || strings.Contains(g, "net/http.(*conn).serve") {
				left = g
			}
		}
		if left == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("a goroutine is left:\n%s", left)
}

// An answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	last   bool // of its connection
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	// Redirects are answers like others, and nothing is inflated in secret.
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}

// doWhileSending is like do, and gets the answer even of a server that does not
// want the rest of the body.
func doWhileSending(t *testing.T, r *http.Request) answer {
	t.Helper()
	c := dial(t, r.URL.Host)
	go func() { _ = r.Write(c) }()
	return receive(t, c)
}

func request(t *testing.T, method, address, path string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address, body)
	if err != nil {
		t.Fatal(err)
	}
	// Opaque paths are sent as they are, doubled slashes and all.
	path, query, _ := strings.Cut(path, "?")
	r.URL = &url.URL{Scheme: "http", Host: address, Opaque: path, RawQuery: query}
	if strings.HasPrefix(path, "//") {
		r.URL.Opaque = "//" + address + path
	}
	return r
}

func get(t *testing.T, address, path string) answer {
	t.Helper()
	return do(t, request(t, http.MethodGet, address, path, nil))
}

// dial opens a connection for a test that speaks HTTP by hand.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.Conn) answer {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}
