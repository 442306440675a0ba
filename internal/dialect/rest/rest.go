// Package rest is Waybill's own API, under /waybill/v1: events come in, the
// directory is changed, messages are looked up, segments are written and read. All answers are JSON, and all
// failures are problems as in RFC 9457.
package rest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
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

// Paths of several calls.
const (
	segmentsPath  = "/waybill/v1/channels/{channel}/segments"
	segmentPath   = segmentsPath + "/{id}"
	snapshotsPath = segmentPath + "/snapshots"
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

	// Backup writes a copy of the store into a new directory. It is nil where the
	// store lies elsewhere.
	Backup func(ctx context.Context, directory string) error

	// TemporaryKey issues a temporary access key; its result is the answer.
	TemporaryKey func(account, user string, life time.Duration) (any, error)
}

// An API answers the calls of Waybill's own dialect.
type API struct {
	opt    Options
	routes []route
}

var _ dialect.Dialect = (*API)(nil)

// New returns an API.
func New(opt Options) *API {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.Log = cmp.Or(opt.Log, slog.New(slog.DiscardHandler))
	return &API{opt: opt, routes: routes()}
}

// routes is the table of all calls.
func routes() []route {
	return []route{
		{method: http.MethodPost, pattern: "/waybill/v1/events", scope: waybill.ScopeEventsWrite, run: (*API).postEvents},
		{method: http.MethodPost, pattern: "/waybill/v1/directory", operator: true, run: (*API).postDirectory},
		{method: http.MethodGet, pattern: "/waybill/v1/messages/{channel}/{id}", scope: waybill.ScopeMetricsRead, run: (*API).message},
		{method: http.MethodGet, pattern: segmentsPath, scope: waybill.ScopeMetricsRead, run: (*API).segments},
		{method: http.MethodPost, pattern: segmentsPath, scope: waybill.ScopeEventsWrite, run: (*API).postSegments},
		{method: http.MethodGet, pattern: segmentPath, scope: waybill.ScopeMetricsRead, run: (*API).segment},
		{method: http.MethodPut, pattern: segmentPath, scope: waybill.ScopeEventsWrite, run: (*API).putSegment},
		{method: http.MethodDelete, pattern: segmentPath, scope: waybill.ScopeEventsWrite, run: (*API).deleteSegment},
		{method: http.MethodGet, pattern: snapshotsPath, scope: waybill.ScopeMetricsRead, run: (*API).snapshots},
		{method: http.MethodPost, pattern: snapshotsPath, scope: waybill.ScopeEventsWrite, run: (*API).postSnapshots},
		{method: http.MethodPost, pattern: "/waybill/v1/erasures", operator: true, run: (*API).postErasure},
		{method: http.MethodPost, pattern: "/waybill/v1/backups", operator: true, run: (*API).postBackup},
		{method: http.MethodPost, pattern: "/waybill/v1/temporary-keys", scope: waybill.ScopeAdmin, run: (*API).postTemporaryKey},
		{method: http.MethodGet, pattern: "/waybill/v1/version", run: (*API).version},
	}
}

// Name returns the name of the dialect.
func (a *API) Name() string { return name }

// Match reports whether r is a call of this API.
func (a *API) Match(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, prefix) }

// Places returns what to call.
func (a *API) Places() []string {
	places := make([]string, 0, len(a.routes))
	for _, rt := range a.routes {
		places = append(places, rt.method+" "+rt.pattern)
	}
	return places
}

// ServeHTTP answers a call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := a.serve(r)
	if err != nil {
		a.writeError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	dialect.WriteJSON(w, http.StatusOK, answer)
}

// serve authenticates, finds the route, authorizes and runs it, in that order: a
// stranger does not learn which routes there are.
func (a *API) serve(r *http.Request) (any, error) {
	token, err := a.authenticate(r)
	if err != nil {
		return nil, err
	}
	dialect.Trust(r.Context())
	rt, values, err := match(a.routes, r)
	if err != nil {
		return nil, err
	}
	dialect.SetLogAttr(r.Context(), slog.String("operation", rt.method+" "+rt.pattern))
	if err := authorize(&token, rt); err != nil {
		return nil, err
	}
	return rt.run(a, r.Context(), &call{Request: r, token: &token, values: values})
}

func (a *API) version(context.Context, *call) (any, error) {
	return struct {
		Version string `json:"version"`
	}{a.opt.Version}, nil
}
