package server

import (
	"bytes"
	"log"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"waybill/internal/dialect"
)

// maxLoggedMethod cuts methods, which a caller may make as long as a header.
const maxLoggedMethod = 32

// statusGone is what nginx and others log for a caller who hung up before the
// answer.
const statusGone = 499

// An AccessLog says which requests have a line in the log.
type AccessLog uint8

// The choices.
const (
	LogAll    AccessLog = iota
	LogErrors           // those that were not answered with success
	LogNone
)

// logs reports whether a request is logged.
func (l AccessLog) logs(outcome string) bool {
	return l == LogAll || l == LogErrors && outcome != "ok"
}

// logAccess writes the one line of a request. The URL has its secrets taken out;
// headers and bodies are never logged.
func (s *Server) logAccess(x *exchange, extra []slog.Attr, outcome string, took time.Duration) {
	if !s.opt.AccessLog.logs(outcome) {
		return
	}
	level := slog.LevelInfo
	if outcome == "failed" || outcome == "aborted" {
		level = slog.LevelWarn
	}
	if !s.log.Enabled(x.scope, level) {
		return
	}
	status := x.status
	switch {
	case outcome == "gone":
		status = statusGone
	case status == 0 && outcome != "aborted":
		status = http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	method := x.request.Method
	// Not by the logger, which would look for the line of code that logs.
	line := slog.NewRecord(x.start.Add(took), level, "request", 0)
	var room [24]slog.Attr // which is enough, and no garbage
	attrs := append(room[:0],
		slog.String("method", method[:min(len(method), maxLoggedMethod)]),
		slog.String("url", dialect.Redact(x.request.URL)),
		slog.Int("status", status),
		slog.Int64("bytes", x.bytes),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("dialect", x.dialect),
		slog.String("request_id", x.scope.ID()),
		slog.String("remote", x.request.RemoteAddr))
	if len(x.scope.Proxies) > 0 {
		attrs = append(attrs, slog.String("client", dialect.OriginOf(x.request).Client.String()))
	}
	if outcome == "aborted" {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	line.AddAttrs(append(attrs, extra...)...)
	_ = s.log.Handler().Handle(x.scope, line) // as the logger does, for there is nobody to tell
}

// An errorWriter logs what net/http has to say of connections. That is bounded,
// since any stranger can make it complain.
type errorWriter struct {
	log     *slog.Logger
	limit   *rate.Limiter
	dropped atomic.Int64
}

// newErrorLog allows ten lines at once and one more each six seconds.
func newErrorLog(to *slog.Logger) *log.Logger {
	return log.New(&errorWriter{log: to, limit: rate.NewLimiter(rate.Every(6*time.Second), 10)}, "", 0)
}

// Write logs one line and tells how many were dropped before it.
func (w *errorWriter) Write(line []byte) (int, error) {
	if !w.limit.Allow() {
		w.dropped.Add(1)
		return len(line), nil
	}
	w.log.Warn("http", "err", string(bytes.TrimSpace(line)), "dropped", w.dropped.Swap(0))
	return len(line), nil
}
