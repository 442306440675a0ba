// Package rest is Waybill's own API, under /waybill/v1. Everything that a call
// takes and answers stands in one row of a table, see route: the pipeline runs by
// it, and the OpenAPI document is made of it. Answers are JSON, some also tables,
// and all failures are problems as in RFC 9457.
package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/telemetry"
)

const (
	name   = "waybill"
	prefix = "/waybill/"
)

// Options are what an API is made of.
type Options struct {
	Directory *directory.Directory
	Recorder  *ingest.Recorder
	Store     waybill.Store
	Now       func() time.Time   // the clock by which tokens expire; nil is time.Now
	Log       *slog.Logger       // nil logs nothing
	Metrics   *telemetry.Metrics // nil counts nothing
	Version   string             // of the program

	// CallsPerSecond is how many calls a token may make, on average; 0 is no
	// limit.
	CallsPerSecond int

	// Backup writes a copy of the store into a new directory. It is nil where the
	// store lies elsewhere.
	Backup func(ctx context.Context, directory string) error

	// TemporaryKey issues a temporary access key.
	TemporaryKey func(account, user string, life time.Duration) (TemporaryKey, error)
}

// An API answers the calls of Waybill's own dialect.
type API struct {
	opt      Options
	routes   []route
	document func() (json.RawMessage, error) // of OpenAPI
	page     http.Handler                    // to try the calls
	limiter  *dialect.Limiter                // of calls, by token
	heavy    *heavyCalls
}

var _ dialect.Dialect = (*API)(nil)

// New returns an API.
func New(opt Options) *API {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.Log = cmp.Or(opt.Log, slog.New(slog.DiscardHandler))
	a := &API{opt: opt, routes: routes(), limiter: newLimiter(opt.CallsPerSecond, opt.Now), page: newPage(), heavy: newHeavyCalls()}
	a.document = sync.OnceValues(func() (json.RawMessage, error) { return newDocument(a.routes, opt.Version) })
	return a
}

// Name returns the name of the dialect.
func (a *API) Name() string { return name }

// Match reports whether r is a call of this API.
func (a *API) Match(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, prefix) }

// Places returns what to call.
func (a *API) Places() []string {
	places := make([]string, 0, len(a.routes)+1)
	for i := range a.routes {
		places = append(places, a.routes[i].method+" "+a.routes[i].path())
	}
	return append(places, "GET "+pagePath)
}

// ServeHTTP answers a call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isPage(r.URL.Path) {
		a.page.ServeHTTP(w, r)
		return
	}
	c := &call{Request: r, out: w.Header()}
	defer c.end()
	answer, err := a.serve(c)
	if err == nil {
		err = writeAnswer(w, c, answer)
	}
	if err != nil {
		a.writeError(w, r, err)
	}
}

// serve authenticates, finds the route, authorizes and runs it, in that order: a
// stranger does not learn which routes there are, but for those that are open.
func (a *API) serve(c *call) (any, error) {
	rt, path, notFound := match(a.routes, c.Request)
	if notFound == nil && rt.open {
		c.route = rt
		dialect.SetLogAttr(c.Context(), slog.String("operation", rt.id))
		return a.run(c, path)
	}
	token, err := a.authenticate(c.Request)
	if err != nil {
		return nil, err
	}
	dialect.Trust(c.Context())
	if notFound != nil || !rt.unlimited {
		if err := a.limit(c.out, &token); err != nil {
			return nil, err
		}
	}
	if notFound != nil {
		return nil, notFound
	}
	c.token, c.route = &token, rt
	dialect.SetLogAttr(c.Context(), slog.String("operation", rt.id))
	if err := authorize(&token, rt); err != nil {
		return nil, err
	}
	if err := a.permitted(c, path); err != nil {
		return nil, err
	}
	return a.run(c, path)
}

// run reads what the call says and runs it.
func (a *API) run(c *call, path map[string]string) (any, error) {
	if err := checkConditions(c); err != nil {
		return nil, err
	}
	in, err := c.route.decode(c, path)
	if err != nil {
		return nil, err
	}
	if err := c.negotiate(in); err != nil {
		return nil, err
	}
	ctx := c.Context()
	if c.route.heavy {
		if ctx, err = a.heavy.begin(c); err != nil {
			return nil, err
		}
	}
	answer, err := c.route.operation.run(a, ctx, c, in)
	if e, ok := errors.AsType[*waybill.Error](context.Cause(ctx)); err != nil && ok {
		return nil, e // the time of the call was up
	}
	return answer, err
}
