// Package momo speaks the dialect of MoMo's Business Page API: it answers the
// report on messages to customers and the login, and takes the reports that MoMo
// and others send about a page. Nothing here calls the vendor.
//
// https://developers.momo.vn/v3/vi/docs/business-page/message/message-report/
package momo

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/telemetry"
)

const (
	dialectName = "momo"

	// maxCallBytes bounds the body of a call.
	maxCallBytes = 64 << 10
)

// Options are what an API is made of.
type Options struct {
	Directory *directory.Directory
	Store     waybill.Store
	Recorder  *ingest.Recorder
	Tokens    *Tokens

	// CallsPerSecond is how many calls a second each credential may make;
	// 0 is no limit, as MoMo documents none.
	CallsPerSecond int

	Now     func() time.Time   // nil is time.Now
	Log     *slog.Logger       // nil logs nothing
	Metrics *telemetry.Metrics // nil counts nothing
}

// An API is the dialect of MoMo's Business Page API.
type API struct {
	directory *directory.Directory
	store     waybill.Store
	tokens    *Tokens
	limiter   *dialect.Limiter // of the calls of a credential
	failures  *dialect.Limiter // of logins that fail, for each client
	webhook   *webhook
	now       func() time.Time
	log       *slog.Logger
}

var (
	_ dialect.Dialect = (*API)(nil)
	_ dialect.Guide   = (*API)(nil)
)

// maxLimited bounds the credentials whose calls are remembered.
const maxLimited = 10_000

// New returns an API.
func New(opt Options) *API {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &API{
		directory: opt.Directory,
		store:     opt.Store,
		tokens:    opt.Tokens,
		limiter:   dialect.NewLimiter(opt.CallsPerSecond, time.Second, maxLimited, opt.Now),
		failures:  dialect.NewLimiter(maxFailures, time.Minute, maxLimited, opt.Now),
		webhook: &webhook{
			directory: opt.Directory, store: opt.Store, recorder: opt.Recorder,
			log: opt.Log, metrics: opt.Metrics, now: opt.Now,
			rejects: rate.Sometimes{Interval: time.Minute},
		},
		now: opt.Now,
		log: opt.Log,
	}
}

// Name returns "momo".
func (a *API) Name() string { return dialectName }

// callPattern is the path of every call, with and without /api, of whichever
// version: the vendor has two in use.
var callPattern = regexp.MustCompile(`^(api/)?(v[0-9]+/business-pages(/.*)?|authentication/login)$`)

// Match reports whether r is a call of the Business Page API.
func (a *API) Match(r *http.Request) bool { return callPattern.MatchString(callPath(r)) }

// callPath returns the path of a call, its slashes single and none at its ends.
func callPath(r *http.Request) string {
	parts := strings.FieldsFunc(r.URL.Path, func(r rune) bool { return r == '/' })
	return strings.Join(parts, "/")
}

const (
	reportPath = "/v1/business-pages/{id}/chat/messages/report"
	loginPath  = "/authentication/login"
)

// Places returns what to call.
func (a *API) Places() []string {
	return []string{
		"POST " + reportPath, "POST /api" + reportPath,
		"POST " + loginPath, "POST /api" + loginPath,
		"POST " + webhookPath + "{secret}",
	}
}

// An operation is a call on a page.
type operation struct {
	name  string // in logs and metrics
	group string // the permission group that it needs
	run   func(*API, context.Context, *http.Request, *waybill.Channel) (any, error)
}

// operations are the calls by their path below the page.
var operations = map[string]operation{
	"chat/messages/report": {"report", waybill.GroupReport, (*API).report},
}

// pagePattern takes the path of a call on a page apart.
var pagePattern = regexp.MustCompile(`^(?:api/)?(v[0-9]+)/business-pages/([^/]+)/(.+)$`)

// ServeHTTP answers calls and takes webhooks.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := callPath(r)
	switch {
	case strings.HasPrefix(path, "webhooks/"):
		a.webhook.ServeHTTP(w, r)
		return
	case path == "authentication/login", path == "api/authentication/login":
		a.answer(w, r, a.login)
		return
	}
	a.answer(w, r, a.serve)
}

// answer writes what a call returns, or why it failed.
func (a *API) answer(w http.ResponseWriter, r *http.Request, serve func(*http.Request, string) (any, error)) {
	w.Header().Set("Cache-Control", "no-store")
	body, err := serve(r, callPath(r))
	if err != nil {
		a.writeError(w, r, err)
		return
	}
	dialect.WriteJSON(w, http.StatusOK, body)
}

// serve authenticates, throttles, finds the operation and the page, authorizes
// and runs it, in that order: a stranger learns nothing.
func (a *API) serve(r *http.Request, path string) (any, error) {
	ctx := r.Context()
	view := a.directory.View()
	caller, err := a.authenticate(r, view)
	if err != nil {
		return nil, err
	}
	dialect.Trust(ctx)
	dialect.SetLogAttr(ctx, slog.String("account", caller.account), slog.String("caller", caller.name))
	if ok, wait := a.limiter.Allow(caller.key); !ok {
		return nil, errTooMany(wait)
	}
	op, page, err := findOperation(r.Method, path)
	if err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.String("operation", op.name))
	channel, err := caller.page(view, page, op.group)
	if err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.String("channel", channel.ID))
	return op.run(a, ctx, r, &channel)
}

// findOperation returns what a path stands for, and the ID of the page.
func findOperation(method, path string) (op operation, page string, err error) {
	parts := pagePattern.FindStringSubmatch(path)
	if parts == nil {
		return op, "", errNoSuchCall(path)
	}
	op, ok := operations[parts[3]]
	switch {
	case !ok || parts[1] != "v1":
		return op, "", errNoSuchCall(path)
	case method != http.MethodPost:
		return op, "", errMethod(method)
	case !pageID.MatchString(parts[2]):
		return op, "", errInvalid(text{
			vi: "id %.64q không phải là số nguyên dương", en: "id %.64q is not a positive integer",
		}, parts[2])
	}
	return op, parts[2], nil
}

// pageID is the ID of a page: a Number in the vendor's words.
var pageID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
