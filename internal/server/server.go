// Package server lets requests in: one public listener for every dialect and one
// for whoever runs Waybill, with bounds on size and time, an access log, and a
// stop that loses nothing. It knows no dialect's operations.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"waybill/internal/dialect"
	"waybill/internal/telemetry"
)

// Options are what a Server is made of. The zero value of a bound stands for its
// default.
type Options struct {
	Log     *slog.Logger       // nil logs nothing
	Metrics *telemetry.Metrics // may be nil

	AccessLog AccessLog // which requests are logged; the zero value is all

	// Check says what keeps the server from doing its work, nil if nothing
	// does. /readyz asks it each time, once requests are let in.
	Check func() error

	TLS      *tls.Config // of the public listener; nil is plain HTTP
	AdminTLS *tls.Config // of the admin listener

	ReadHeaderTimeout time.Duration // until the head of a request is there; default 5 s
	ReadTimeout       time.Duration // until its body is, which must not be slower than 16 KiB/s; default 30 s
	WriteTimeout      time.Duration // from its head to the end of the answer; default 60 s
	IdleTimeout       time.Duration // of a connection between requests; default 90 s
	StopTimeout       time.Duration // for requests in progress; default 30 s

	MaxHeaderBytes int   // net/http allows 4 KiB more; default 16 KiB
	MaxBodyBytes   int64 // beside the bounds of dialects; default 64 MiB
	MaxBodiesBytes int64 // of all requests together, as a dialect.Budget; default 256 MiB
	MaxConnections int   // of the public listener, others wait; default 4096
}

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.ReadHeaderTimeout, 5*time.Second)
	setDefault(&o.ReadTimeout, 30*time.Second)
	setDefault(&o.WriteTimeout, 60*time.Second)
	setDefault(&o.IdleTimeout, 90*time.Second)
	setDefault(&o.StopTimeout, 30*time.Second)
	setDefault(&o.MaxHeaderBytes, 16<<10)
	setDefault(&o.MaxBodyBytes, 64<<20)
	setDefault(&o.MaxBodiesBytes, 256<<20)
	setDefault(&o.MaxConnections, 4096)
}

func setDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// A Server serves dialects. It can be served once.
type Server struct {
	opt      Options
	log      *slog.Logger
	bodies   *dialect.Budget
	routes   atomic.Pointer[routes] // nil until ready
	proxies  atomic.Pointer[dialect.Proxies]
	stopping atomic.Bool
	cutOff   atomic.Bool // connections of requests in progress are closed
}

// New returns a Server that is not ready: it answers 503 until Ready is called.
func New(opt Options) *Server {
	opt.setDefaults()
	s := &Server{opt: opt, log: opt.Log, bodies: dialect.NewBudget(opt.MaxBodiesBytes)}
	s.TrustProxies(nil)
	return s
}

// BodyBytes returns how many bytes the bodies of requests in progress take.
func (s *Server) BodyBytes() int64 {
	all, _ := s.bodies.Held()
	return all
}

// Ready lets requests in, to the dialects in the order in which they are asked
// whether a request is theirs.
func (s *Server) Ready(dialects ...dialect.Dialect) {
	s.routes.Store(newRoutes(dialects))
}

// TrustProxies replaces the proxies that are believed about the origin of
// requests. It may be called while the server serves.
func (s *Server) TrustProxies(p dialect.Proxies) { s.proxies.Store(&p) }

// Serve answers requests at both listeners, which it closes, until ctx is done.
// Then it refuses new connections, lets requests in progress finish and returns
// nil, or what went wrong on the way. What the requests left to be stored is the
// caller's to drain; only a request that was cut off at StopTimeout may still be
// running. The admin listener, which may be nil, goes on until the last request
// is answered.
func (s *Server) Serve(ctx context.Context, public, admin net.Listener) error {
	front := s.publicServer()
	back := s.adminServer()
	failed := make(chan error, 2)
	running := 1
	go serve(front, netutil.LimitListener(public, s.opt.MaxConnections), failed)
	if admin != nil {
		running++
		go serve(back, admin, failed)
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	// The context of the stop must outlive ctx, which is done.
	err = errors.Join(err, s.stop(context.WithoutCancel(ctx), front), back.Close())
	for range running {
		err = errors.Join(err, <-failed)
	}
	return err
}

// serve sends exactly one error to failed, nil for a server that was stopped.
func serve(h *http.Server, l net.Listener, failed chan<- error) {
	var err error
	if h.TLSConfig != nil {
		err = h.ServeTLS(l, "", "") // the settings have the certificate
	} else {
		err = h.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	} else {
		err = fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	failed <- err
}

// stop ends front. Requests that do not finish in time are cut off.
func (s *Server) stop(ctx context.Context, front *http.Server) error {
	s.stopping.Store(true)
	s.log.InfoContext(ctx, "stopping")
	ctx, cancel := context.WithTimeout(ctx, s.opt.StopTimeout)
	defer cancel()
	err := front.Shutdown(ctx)
	if err == nil {
		return nil
	}
	s.cutOff.Store(true)
	return errors.Join(fmt.Errorf("finish requests in %s: %w", s.opt.StopTimeout, err), front.Close())
}

// maxStreams bounds the requests in progress on one connection of HTTP/2, which
// TLS brings with it.
const maxStreams = 100

func (s *Server) publicServer() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.opt.ReadHeaderTimeout,
		ReadTimeout:       s.opt.ReadTimeout,
		WriteTimeout:      s.opt.WriteTimeout,
		IdleTimeout:       s.opt.IdleTimeout,
		MaxHeaderBytes:    s.opt.MaxHeaderBytes,
		TLSConfig:         s.opt.TLS,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          newErrorLog(s.log),

		// "OPTIONS *" is logged and refused like any other unknown request.
		DisableGeneralOptionsHandler: true,
	}
}
