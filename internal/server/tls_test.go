package server_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"waybill/internal/dialect"
	"waybill/internal/server"
)

// startTLS starts a server that speaks TLS, and returns a client that trusts it.
func startTLS(t *testing.T, opt server.Options, dialects ...dialect.Dialect) (*running, *http.Client) {
	t.Helper()
	issuer := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	t.Cleanup(issuer.Close)
	opt.TLS = &tls.Config{Certificates: issuer.TLS.Certificates}
	s := start(t, opt, dialects...)
	transport := issuer.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	t.Cleanup(transport.CloseIdleConnections)
	return s, &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// TestHTTP2KeepsConnections refuses a body that is not read: others may share the
// connection, so it stays.
func TestHTTP2KeepsConnections(t *testing.T) {
	s, client := startTLS(t, server.Options{}, answering(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	for n := range 3 {
		var reused bool
		r, err := http.NewRequest(http.MethodPost, "https://"+s.public+"/", strings.NewReader(strings.Repeat("x", 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}
		answer, err := client.Do(r.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusUnauthorized || reused != (n > 0) {
			t.Errorf("request %d: %s %d, on a connection that was there: %t", n, answer.Proto, answer.StatusCode, reused)
		}
	}
}

// TestHTTP2SlowBodies sends a body that does not come, beside one that does.
func TestHTTP2SlowBodies(t *testing.T) {
	s, client := startTLS(t, server.Options{ReadTimeout: 3 * time.Second}, bodies())
	slow, never := io.Pipe()
	defer never.Close()
	post := func(body io.Reader) (string, time.Duration) {
		begun := time.Now()
		r, err := client.Post("https://"+s.public+"/", "text/plain", body)
		if err != nil {
			t.Error(err)
			return "", 0
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		return string(text), time.Since(begun)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if text, took := post(slow); !strings.Contains(text, "arrived in time") || took > 1500*time.Millisecond {
			t.Errorf("the slow body is answered %q after %v", text, took)
		}
	}()
	if text, _ := post(strings.NewReader("quick")); strings.Contains(text, "arrived in time") {
		t.Errorf("the quick body is answered %q", text)
	}
	<-done
}
