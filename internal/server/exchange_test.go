package server_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill/internal/dialect"
	"waybill/internal/server"
)

func TestRequestIDs(t *testing.T) {
	s := start(t, server.Options{}, answering(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, dialect.RequestID(r.Context()))
	}))
	random := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := make(map[string]bool)
	tests := []struct {
		name string
		ids  []string
		kept bool
	}{
		{"none", nil, false},
		{"none again", nil, false},
		{"a UUID", []string{"90E63D28-E31D-1EB2-8939-A94866411B20"}, true},
		{"letters, digits and dots", []string{"a_B.9-"}, true},
		{"empty", []string{""}, false},
		{"too long", []string{strings.Repeat("x", 65)}, false},
		{"with a blank", []string{"a b"}, false},
		{"with markup", []string{"<script>"}, false},
		{"with an equals sign, as if of a log", []string{"a level=ERROR"}, false},
		{"not ASCII", []string{"ä"}, false},
		{"two", []string{"a", "b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, http.MethodGet, s.public, "/", nil)
			r.Header["X-Request-ID"] = tt.ids // in a spelling that is not Go's
			got := do(t, r)
			id := got.header.Get("X-Request-Id")
			if id != got.body || tt.kept != (tt.ids != nil && id == tt.ids[0]) {
				t.Errorf("ID %q, handler's %q", id, got.body)
			}
			if !tt.kept && !random.MatchString(id) || seen[id] {
				t.Errorf("ID %q is not new", id)
			}
			seen[id] = true
			s.log.await(t, "request_id="+id)
		})
	}
}

func TestTraceIDs(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	s := start(t, server.Options{}, answering(func(http.ResponseWriter, *http.Request) {}))
	tests := []struct {
		name, header string
		kept         bool
	}{
		{"as the standard has it", "00-" + trace + "-" + parent + "-01", true},
		{"not sampled", "00-" + trace + "-" + parent + "-00", true},
		{"a later version with more", "01-" + trace + "-" + parent + "-01-more", true},
		{"this version with more", "00-" + trace + "-" + parent + "-01-more", false},
		{"a later version with more that is not apart", "01-" + trace + "-" + parent + "-01more", false},
		{"the version that is none", "ff-" + trace + "-" + parent + "-01", false},
		{"no trace", "00-00000000000000000000000000000000-" + parent + "-01", false},
		{"no parent", "00-" + trace + "-0000000000000000-01", false},
		{"upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + parent + "-01", false},
		{"no digits", "00-" + trace + "-" + parent + "-zz", false},
		{"no dashes", "00_" + trace + "_" + parent + "_01", false},
		{"short", "00-" + trace, false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, http.MethodGet, s.public, "/", nil)
			r.Header.Set("Traceparent", tt.header)
			id := do(t, r).header.Get("X-Request-Id")
			if (id == trace) != tt.kept || id == "" {
				t.Errorf("ID %q", id)
			}
			r.Header.Set("X-Request-Id", "mine")
			if id := do(t, r).header.Get("X-Request-Id"); id != "mine" {
				t.Errorf("ID %q beside an ID of the caller's", id)
			}
		})
	}
}

func TestPanics(t *testing.T) {
	tests := []struct {
		name    string
		serve   http.HandlerFunc
		status  int // 0 where the answer breaks off
		outcome string
		stack   bool
	}{
		{
			"before an answer", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "3")
				w.Header().Set("ETag", "x")
				panic("s3cret state")
			}, 500, "failed", true,
		},
		{"with an error", func(http.ResponseWriter, *http.Request) { panic(errors.New("s3cret state")) }, 500, "failed", true},
		{
			"within an answer", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "half")
				panic("s3cret state")
			}, 0, "aborted", true,
		},
		{
			"within an answer that is under way", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				panic("s3cret state")
			}, 0, "aborted", true,
		},
		{"on purpose", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "aborted", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, server.Options{}, &fake{name: "other", serve: echo("other", "/").serve}, answering(tt.serve))
			c := dial(t, s.public)
			send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if tt.status == 0 {
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					_ = resp.Body.Close()
				}
				if err == nil {
					t.Errorf("the answer looks whole: %+v", resp)
				}
			} else {
				got := receive(t, c)
				if got.status != tt.status || strings.Contains(got.body, "s3cret") ||
					!strings.Contains(got.body, `"internal error"`) || got.header.Get("ETag") != "" {
					t.Errorf("%+v", got)
				}
				if got.header.Get("X-Request-Id") == "" || got.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("headers %v", got.header)
				}
			}
			log := s.log.await(t, "msg=request")
			if tt.stack != (strings.Contains(log, "msg=panic") && strings.Contains(log, "exchange_test.go")) {
				t.Errorf("the log:\n%s", log)
			}
			if got := get(t, s.public, "/webhooks/other"); got.status != 200 {
				t.Errorf("afterwards: %+v", got)
			}
			want := `waybill_requests_total{dialect="fake",operation="none",outcome="` + tt.outcome + `"} 1`
			if got := get(t, s.admin, "/metrics"); !strings.Contains(got.body, want) {
				t.Errorf("no %s", want)
			}
		})
	}
}

func TestPanicOfTheChoice(t *testing.T) {
	s := start(t, server.Options{}, &fake{name: "bad", match: func(*http.Request) bool { panic("x") }})
	if got := get(t, s.public, "/"); got.status != 500 {
		t.Errorf("%+v", got)
	}
}

func TestResponseWriter(t *testing.T) {
	s := start(t, server.Options{WriteTimeout: 200 * time.Millisecond}, answering(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hint":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
		case "/twice":
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusTeapot)
		case "/stream":
			// A long answer may ask for more time than the usual.
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Error(err)
			}
			for range 4 {
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		}
	}))
	tests := []struct {
		path   string
		status int
		log    string
	}{
		{"/hint", 202, "url=/hint status=202 bytes=0"},
		{"/twice", 202, "url=/twice status=202"},
		{"/stream", 200, "url=/stream status=200 bytes=4"},
		{"/nothing", 200, "url=/nothing status=200 bytes=0"},
	}
	for _, tt := range tests {
		if got := get(t, s.public, tt.path); got.status != tt.status {
			t.Errorf("%s: %+v", tt.path, got)
		}
		s.log.await(t, tt.log)
	}
}

func TestAccessLog(t *testing.T) {
	var log lines
	s := server.New(server.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	s.Ready(answering(func(w http.ResponseWriter, r *http.Request) {
		dialect.SetLogAttr(r.Context(), slog.String("operation", "analytics"), slog.String("account", "1234"))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "12345")
	}))
	r := httptest.NewRequest(http.MethodGet, "/v24.0//1?access_token=s3cret&a=b", nil)
	r.Header.Set("X-Request-Id", "r-1")
	r.Method = strings.Repeat("M", 5000)
	s.ServeHTTP(httptest.NewRecorder(), r)
	var line map[string]any
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
		t.Fatalf("not one line: %v\n%s", err, log.String())
	}
	for key, want := range map[string]any{
		"msg": "request", "level": "WARN", "method": strings.Repeat("M", 32), "url": "/v24.0//1?access_token=***&a=b",
		"status": 503., "bytes": 5., "dialect": "fake", "request_id": "r-1", "remote": "192.0.2.1:1234",
		"operation": "analytics", "account": "1234",
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if ms, ok := line["duration_ms"].(float64); !ok || ms < 0 || ms > 60_000 {
		t.Errorf("duration_ms is %v", line["duration_ms"])
	}
}

func TestAccessLogOfSome(t *testing.T) {
	for choice, want := range map[server.AccessLog]string{
		server.LogAll: "/200 /404 /500 ", server.LogErrors: "/404 /500 ", server.LogNone: "",
	} {
		var log lines
		s := server.New(server.Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), AccessLog: choice})
		s.Ready(answering(func(w http.ResponseWriter, r *http.Request) {
			status, _ := strconv.Atoi(r.URL.Path[1:])
			w.WriteHeader(status)
		}))
		for _, path := range []string{"/200", "/404", "/500"} {
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}
		logged := ""
		for text := range strings.Lines(log.String()) {
			var line struct{ URL string }
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
			logged += line.URL + " "
		}
		if logged != want {
			t.Errorf("choice %d logs %q, want %q", choice, logged, want)
		}
	}
}

// Whatever a caller sends and a handler does with it, the log has no secret.
func TestLogHasNoSecrets(t *testing.T) {
	s := start(t, server.Options{IdleTimeout: 50 * time.Millisecond}, &fake{
		name: "momo", match: func(*http.Request) bool { return true },
		serve: func(_ http.ResponseWriter, r *http.Request) {
			if _, err := dialect.ReadInflated(r, 1000, 1000); err != nil {
				panic(http.ErrAbortHandler)
			}
		},
	})
	tests := []struct{ name, text string }{
		{"a token in the query", "GET /v24.0/1?access_token=s3cret HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a token with semicolons", "GET /v24.0/1?a=b;access_token=s3cret;s3cret HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a token in the header", "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n\r\n"},
		{"a cookie", "GET / HTTP/1.1\r\nHost: x\r\nCookie: s3cret\r\n\r\n"},
		{"a secret in the path of a webhook", "POST /webhooks/momo/s3cret HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a secret behind doubled slashes", "POST //webhooks//momo//s3cret HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a secret of a webhook that is not served", "POST /webhooks/alibaba/s3cret HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a full URL with a password", "GET http://user:s3cret@host/ HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"a secret in a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\naccess_token=s3cret"},
		{"a secret in a body that is broken", "POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 19\r\n\r\naccess_token=s3cret"},
		{"a secret in a header that is broken", "GET / HTTP/1.1\r\nHost: x\r\nAuthorization s3cret\r\n\r\n"},
		{"a secret in a first line that is broken", "GET /?access_token=s3cret\x01 HTTP/1.1\r\nHost: x\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, s.public)
			send(t, c, tt.text)
			ends(t, c)
		})
	}
	s.stop()
	err := <-s.done
	s.done <- err
	if log := s.log.String(); strings.Contains(log, "s3cret") || strings.Count(log, "msg=request") != 10 {
		t.Errorf("%d requests logged:\n%s", strings.Count(log, "msg=request"), log)
	}
}

// What net/http complains about is logged, but no stranger can fill a disk with
// it.
func TestErrorLogIsBounded(t *testing.T) {
	s := start(t, server.Options{}, answering(func(w http.ResponseWriter, _ *http.Request) {
		for range 200 {
			w.WriteHeader(http.StatusOK) // superfluous, of which net/http complains
		}
	}))
	get(t, s.public, "/")
	if n := strings.Count(s.log.await(t, "msg=request"), "superfluous"); n < 1 || n > 11 {
		t.Errorf("%d lines, want about 10", n)
	}
}
