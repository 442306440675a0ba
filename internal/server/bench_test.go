package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"waybill/internal/server"
	"waybill/internal/telemetry"
)

// A sink is the cheapest ResponseWriter.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

const callPath = "/v24.0/102290129340398?fields=analytics.start(1700000000).end(1702000000)&access_token=EAAB"

func noop(http.ResponseWriter, *http.Request) {}

func newServer(log *slog.Logger) http.Handler {
	s := server.New(server.Options{Log: log, Metrics: telemetry.New()})
	s.Ready(answering(noop))
	return s
}

// textLog formats its lines and drops them.
func textLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Discard, nil)) //nolint:sloglint // formatting is part of what is measured
}

// BenchmarkMiddleware has what a request costs on top of its handler.
func BenchmarkMiddleware(b *testing.B) {
	for name, log := range map[string]*slog.Logger{
		"logged": textLog(), "unlogged": nil,
	} {
		b.Run(name, func(b *testing.B) {
			h := newServer(log)
			r := httptest.NewRequest(http.MethodGet, callPath, nil)
			w := &sink{make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkLoopback compares whole requests over kept connections with those of
// a bare net/http server.
func BenchmarkLoopback(b *testing.B) {
	for _, tt := range []struct {
		name    string
		handler http.Handler
	}{
		{"bare", http.HandlerFunc(noop)},
		{"server", newServer(textLog())},
	} {
		b.Run(tt.name, func(b *testing.B) {
			s := httptest.NewServer(tt.handler)
			defer s.Close()
			b.ReportAllocs()
			for b.Loop() {
				resp, err := s.Client().Get(s.URL + callPath)
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}
