// Package meta speaks Meta's dialect: the webhooks of WhatsApp Business
// Accounts come in, and the analytics calls of the Graph API are answered. It
// answers only what the calls of that API ask; nothing here is a proxy to Meta.
package meta

import (
	"context"
	"crypto/sha1" //nolint:gosec // an ETag, no secret
	"encoding/hex"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

// DefaultVersion is the version of the Graph API that unversioned calls get.
const DefaultVersion = "v25.0"

// Options are what an API is made of. CallsPerHour may be 0 for no limit.
type Options struct {
	Directory    *directory.Directory
	Store        waybill.Store
	Webhook      *Webhook
	CallsPerHour int // per app and WhatsApp Business Account
	Log          *slog.Logger
	Now          func() time.Time
}

// An API is the Meta dialect.
type API struct {
	directory *directory.Directory
	store     waybill.Store
	webhook   *Webhook
	usage     *usage
	answers   atomic.Int64 // bytes of answers to items of batches in progress
	log       *slog.Logger
	now       func() time.Time
}

// New returns the Meta dialect.
func New(o Options) *API {
	return &API{
		directory: o.Directory, store: o.Store, webhook: o.Webhook,
		usage: newUsage(o.CallsPerHour, o.Now), log: o.Log, now: o.Now,
	}
}

// Name returns "meta".
func (a *API) Name() string { return "meta" }

// Match reports whether r looks like a call of the Graph API: its path starts
// with a version, an object's number or debug_token, or it asks the root for
// several objects or a batch.
func (a *API) Match(r *http.Request) bool {
	parts := splitPath(r.URL.Path)
	if len(parts) == 0 {
		return matchRoot(r)
	}
	return versionPattern.MatchString(parts[0]) || digitsPattern.MatchString(parts[0]) || parts[0] == debugTokenPath
}

// ServeHTTP answers webhooks and calls of the Graph API.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if parts := splitPath(r.URL.Path); len(parts) > 0 && parts[0] == "webhooks" {
		a.webhook.ServeHTTP(w, r)
		return
	}
	c, err := newCall(r)
	defer func() { a.answers.Add(-c.work.held) }()
	answer := a.answer(r.Context(), c, err)
	maps.Copy(w.Header(), answer.header)
	tag := answer.header.Get("ETag")
	switch {
	case tag != "" && hasTag(r.Header.Values("If-None-Match"), tag):
		w.WriteHeader(http.StatusNotModified)
		return
	case c.flag("suppress_http_code"):
		answer.status = http.StatusOK
	}
	dialect.WriteBody(w, answer.status, answer.body)
}

// An answer is what is sent back, of a request or of an item of a batch.
type answer struct {
	status int
	header http.Header
	body   jsontext.Value
}

// answer answers a call. It is the only place where a value is encoded; err is
// what was wrong with the call already.
func (a *API) answer(ctx context.Context, c *call, err error) answer {
	out := answer{status: http.StatusOK, header: c.headers()}
	var value any
	if err == nil {
		value, err = a.serve(ctx, c, out.header)
	}
	if err == nil {
		out.body, err = json.Marshal(value)
	}
	if err != nil {
		out.status, out.body = a.failure(ctx, out.header, err)
	} else if c.verb() == "get" {
		sum := sha1.Sum(out.body) //nolint:gosec // an ETag, no secret
		out.header.Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	}
	if c.flag("pretty") {
		_ = out.body.Indent(jsontext.WithIndent("  ")) // what Marshal made is valid
	}
	return out
}

// serve authenticates, finds the object and answers, in that order: a stranger
// learns nothing about which objects exist.
func (a *API) serve(ctx context.Context, c *call, h http.Header) (any, error) {
	view := a.directory.View()
	if len(c.path) == 1 && c.path[0] == debugTokenPath {
		return a.debugToken(ctx, view, c)
	}
	token, err := a.authenticate(view, c)
	if err != nil {
		return nil, err
	}
	dialect.Trust(ctx)
	s := &session{call: c, view: view, token: token, header: h}
	s.logCaller(ctx)
	switch {
	case len(c.path) == 0 && c.params.has("batch"):
		return a.batch(ctx, s)
	case c.params.has("ids"):
		return a.objects(ctx, s)
	case len(c.path) == 0:
		return nil, errRoot(c.verb())
	}
	return a.object(ctx, s, c.path[0], c.path[1:])
}

// hasTag reports whether a value of If-None-Match names tag, or any. Weak tags
// count: caches and compressing proxies make a strong tag weak.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
func hasTag(values []string, tag string) bool {
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}
