package server

import (
	"io"
	"net/http"
	"net/http/pprof"
	"time"
)

// adminWriteTimeout leaves room for a profile of a minute.
const adminWriteTimeout = 2 * time.Minute

// adminServer returns the server of metrics, health and profiles. It has no
// authentication: its listener decides who reaches it.
func (s *Server) adminServer() *http.Server {
	return &http.Server{
		Handler:           noSniffing(s.adminMux()),
		ReadHeaderTimeout: s.opt.ReadHeaderTimeout,
		ReadTimeout:       s.opt.ReadTimeout,
		WriteTimeout:      adminWriteTimeout,
		IdleTimeout:       s.opt.IdleTimeout,
		MaxHeaderBytes:    s.opt.MaxHeaderBytes,
		TLSConfig:         s.opt.AdminTLS,
		ErrorLog:          newErrorLog(s.log),
	}
}

// noSniffing has browsers take every answer for what it says it is.
func noSniffing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(w, r)
	})
}

// adminMux leaves out pprof's command line, which may hold secrets.
func (s *Server) adminMux() *http.ServeMux {
	m := http.NewServeMux()
	m.Handle("GET /metrics", s.opt.Metrics.Handler())
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusOK, "ok\n")
	})
	m.HandleFunc("GET /readyz", s.readyz)
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	m.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return m
}

// readyz answers 200 while the public listener takes requests and the check finds
// nothing wrong.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.stopping.Load():
		writeText(w, http.StatusServiceUnavailable, "stopping\n")
	case s.routes.Load() == nil:
		writeText(w, http.StatusServiceUnavailable, "starting\n")
	default:
		if err := s.check(); err != nil {
			writeText(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
		writeText(w, http.StatusOK, "ready\n")
	}
}

func (s *Server) check() error {
	if s.opt.Check == nil {
		return nil
	}
	return s.opt.Check()
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
