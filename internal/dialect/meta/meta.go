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
	"time"

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
	answers   answers
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
	if isWebhook(r.URL.Path) {
		a.webhook.ServeHTTP(w, r)
		return
	}
	c, err := newCall(r)
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	defer func() { a.release(c.work, c.work.held) }()
	answer := a.answer(ctx, c, err)
	maps.Copy(w.Header(), answer.header)
	if answer.reason != "" && r.Method == http.MethodGet { // of others it may quote the body
		dialect.SetLogAttr(ctx, slog.String("err", answer.reason))
	}
	switch {
	case answer.status == http.StatusNotModified:
		w.WriteHeader(answer.status)
		return
	case c.flag("suppress_http_code"):
		answer.status = http.StatusOK
	}
	answer.write(w)
}

// isWebhook reports whether the first part of a path says so.
func isWebhook(path string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return first == "webhooks"
}

// answer answers a call. err is what was wrong with the call already.
func (a *API) answer(ctx context.Context, c *call, err error) answer {
	out := answer{status: http.StatusOK, header: c.headers()}
	var value any
	if err == nil {
		value, err = a.serve(ctx, c, out.header)
	}
	if parts, ok := value.(parts); ok && err == nil {
		out.body = parts
		return out
	}
	if err == nil {
		out.buffer, err = a.encode(c.work, value, c.layout()...)
	}
	if err != nil {
		var body jsontext.Value
		out.status, body = a.failure(ctx, out.header, err)
		out.reason = err.Error()
		if c.flag("pretty") {
			_ = body.Indent(jsontext.WithIndent("  ")) // what Marshal made is valid
		}
		out.body = [][]byte{body}
		return out
	}
	out.body = [][]byte{out.buffer.bytes}
	if c.verb() == "get" {
		sum := sha1.Sum(out.buffer.bytes) //nolint:gosec // an ETag, no secret
		tag := `"` + hex.EncodeToString(sum[:]) + `"`
		out.header.Set("ETag", tag)
		if hasTag(c.known, tag) {
			out.status, out.body = http.StatusNotModified, nil
		}
	}
	return out
}

// serve authenticates, finds the object and answers, in that order: a stranger
// learns nothing about which objects exist.
func (a *API) serve(ctx context.Context, c *call, h http.Header) (any, error) {
	view := a.directory.View()
	authenticate := a.authenticate
	debug := len(c.path) == 1 && c.path[0] == debugTokenPath
	if debug {
		authenticate = a.tokenOrApp
	}
	token, err := authenticate(view, c)
	if err != nil {
		return nil, err
	}
	dialect.Trust(ctx)
	if !c.batched { // else the account of the batch pays for its items
		c.work.account = token.Account
	}
	s := &session{call: c, view: view, token: token, header: h}
	s.logCaller(ctx)
	switch {
	case debug:
		return a.debugToken(ctx, s)
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
