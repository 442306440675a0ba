package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/server"
)

// ends waits for the other side to close c and returns how long that took.
func ends(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	_, err := io.Copy(io.Discard, c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
	return time.Since(start)
}

func TestSlowClientsAreCutOff(t *testing.T) {
	const bound = 200 * time.Millisecond
	s := start(t, server.Options{ReadHeaderTimeout: bound, ReadTimeout: 2 * bound, WriteTimeout: 3 * bound, IdleTimeout: bound},
		answering(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/large" {
				_, _ = w.Write(make([]byte, 64<<20)) // more than the kernel buffers
				return
			}
			if _, err := dialect.ReadBody(r, 1000); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		}))
	tests := []struct{ name, text string }{
		{"who sends nothing", ""},
		{"who sends half a header", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow"},
		{"who sends half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"},
		{"who keeps an idle connection", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s.public)
			send(t, c, tt.text)
			if took := ends(t, c); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	t.Run("who does not read the answer", func(t *testing.T) {
		c := dial(t, s.public)
		send(t, c, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
		s.log.await(t, "url=/large") // the handler is done although no one reads
	})
	t.Run("who is quick is served", func(t *testing.T) {
		if got := get(t, s.public, "/"); got.status != 200 {
			t.Errorf("%+v", got)
		}
	})
}

func TestDripCannotHoldAConnection(t *testing.T) {
	s := start(t, server.Options{ReadHeaderTimeout: 200 * time.Millisecond}, echo("meta", "/"))
	c := dial(t, s.public)
	send(t, c, "GET / HTTP/1.1\r\n")
	begin := time.Now()
	for time.Since(begin) < 5*time.Second {
		if _, err := io.WriteString(c, "X: y\r\n"); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("a header that drips in is still read after 5 s")
}

func TestHeaderIsBounded(t *testing.T) {
	s := start(t, server.Options{}, echo("meta", "/"))
	for size, served := range map[int]bool{8 << 10: true, 40 << 10: false} {
		c := dial(t, s.public)
		send(t, c, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", size)+"\r\n\r\n")
		// A 431 can be lost: the server hangs up with bytes unread.
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err == nil && resp.StatusCode == http.StatusOK) != served {
			t.Errorf("%d bytes: %v, error %v", size, resp, err)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := start(t, server.Options{MaxConnections: 2}, echo("meta", "/"))
	first, second := dial(t, s.public), dial(t, s.public)
	for _, c := range []net.Conn{first, second} {
		send(t, c, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
		receive(t, c)
	}
	third := dial(t, s.public) // by the kernel, not by the server
	send(t, third, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := third.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := third.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a third connection is served: %v", err)
	}
	if got := get(t, s.admin, "/healthz"); got.status != 200 {
		t.Errorf("the admin listener is bounded too: %+v", got)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := third.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, third); got.status != 200 {
		t.Errorf("the third connection after the first is gone: %+v", got)
	}
}

// reader answers with the size of the body, or the code of its error.
func reader(read func(*http.Request) ([]byte, error)) *fake {
	return answering(func(w http.ResponseWriter, r *http.Request) {
		body, err := read(r)
		if err != nil {
			http.Error(w, fmt.Sprintf("%s: %v", waybill.CodeOf(err), err), http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, len(body))
	})
}

func TestBodies(t *testing.T) {
	s := start(t, server.Options{MaxBodyBytes: 8 << 20}, reader(func(r *http.Request) ([]byte, error) {
		limit := int64(3 << 20)
		if r.URL.Path == "/large" {
			limit = 1 << 40
		}
		return dialect.ReadBody(r, limit)
	}))
	tests := []struct {
		name, method, path string
		body               io.Reader
		want               string
	}{
		{"3 MB", "POST", "/", bytes.NewReader(make([]byte, 3<<20)), "3145728"},
		{"4 MB", "POST", "/", bytes.NewReader(make([]byte, 4<<20)), "too_large: the body has 4194304 bytes, more than 3145728\n"},
		{"4 MB in chunks", "POST", "/", io.MultiReader(bytes.NewReader(make([]byte, 4<<20))), "too_large: the body has more than 3145728 bytes\n"},
		{"more than the server allows at all", "POST", "/large", io.MultiReader(bytes.NewReader(make([]byte, 9<<20))), "too_large: the body has more than 8388608 bytes\n"},
		{"a GET with a little body", "GET", "/", strings.NewReader("fields=id"), "9"},
		{"a GET with a large body", "GET", "/", bytes.NewReader(make([]byte, 100<<10)), "too_large: the body has more than 65536 bytes\n"},
		{"no body", "POST", "/", nil, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := doWhileSending(t, request(t, tt.method, s.public, tt.path, tt.body)); got.body != tt.want {
				t.Errorf("%d %s, want %s", got.status, got.body, tt.want)
			}
		})
	}
}

func TestBodyThatIsNotRead(t *testing.T) {
	s := start(t, server.Options{}, echo("meta", "/"))
	c := dial(t, s.public)
	for range 2 { // the connection is fit for another request
		send(t, c, "GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nunread")
		if got := receive(t, c); got.body != "meta /x" {
			t.Errorf("%+v", got)
		}
	}
}

func TestInflatedBodies(t *testing.T) {
	s := start(t, server.Options{}, reader(func(r *http.Request) ([]byte, error) {
		return dialect.ReadInflated(r, 1<<20, 16<<20)
	}))
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r := request(t, "POST", s.public, "/", bytes.NewReader(bomb.Bytes()))
	r.Header.Set("Content-Encoding", "gzip")
	if got := do(t, r); got.body != "too_large: the body inflates to more than 16777216 bytes\n" {
		t.Errorf("%d %s", got.status, got.body)
	}

	// The Android SDK sends a GET like this, without a body.
	c := dial(t, s.public)
	send(t, c, "GET /v24.0//1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\n\r\n")
	if got := receive(t, c); got.status != 200 || got.body != "0" {
		t.Errorf("%+v", got)
	}
}

// TestBodyThatBreaksOff sends less than was announced: a part is never taken for
// the whole.
func TestBodyThatBreaksOff(t *testing.T) {
	s := start(t, server.Options{}, reader(func(r *http.Request) ([]byte, error) { return dialect.ReadBody(r, 1000) }))
	for name, text := range map[string]string{
		"a body with its length": "Content-Length: 10\r\n\r\nhalf",
		"a body in chunks":       "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"a chunk":                "Transfer-Encoding: chunked\r\n\r\na\r\nhalf",
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s.public)
			send(t, c, "POST / HTTP/1.1\r\nHost: x\r\n"+text)
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, c); got.status != http.StatusBadRequest || !strings.Contains(got.body, "EOF") {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

// TestNothingFollowsChunks sends a body of two lengths, with a request behind the
// shorter one that a proxy may not have seen.
func TestNothingFollowsChunks(t *testing.T) {
	s := start(t, server.Options{}, reader(func(r *http.Request) ([]byte, error) { return dialect.ReadBody(r, 1000) }))
	c := dial(t, s.public)
	send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 80\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"2\r\nab\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
	answers, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // for what was not read
		t.Fatal(err)
	}
	if n := strings.Count(string(answers), "HTTP/1.1 "); n != 1 || !strings.HasSuffix(string(answers), "\r\n\r\n2") {
		t.Errorf("%d answers:\n%s", n, answers)
	}
	if log := s.log.await(t, "msg=request"); strings.Contains(log, "smuggled") {
		t.Errorf("the log:\n%s", log)
	}
}

// TestMalformedRequests sends what is no HTTP, and what two readers could divide
// differently.
func TestMalformedRequests(t *testing.T) {
	s := start(t, server.Options{}, reader(func(r *http.Request) ([]byte, error) { return dialect.ReadBody(r, 1000) }))
	tests := []struct {
		name, text string
		status     int
	}{
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
		{"a list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\nab", 400},
		{"a length with a sign", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", 400},
		{"a space before the colon", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\na", 400},
		{"two hosts", "POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		{"no host", "POST / HTTP/1.1\r\n\r\n", 400},
		{"an unknown transfer", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		{"what looks like chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
		{"two transfers", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		{"a chunk with bare line feeds", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n", 400},
		{"a chunk that is longer than it says", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400},
		{"a broken chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"all of the server", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s.public)
			send(t, c, tt.text)
			got := receive(t, c)
			if got.status != tt.status {
				t.Errorf("%+v, want %d", got, tt.status)
			}
			if got.status == 200 && got.header.Get("X-Request-Id") == "" {
				t.Errorf("answered past the log: %v", got.header)
			}
		})
	}
}
