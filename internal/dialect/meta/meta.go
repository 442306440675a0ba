// Package meta speaks Meta's dialect: the webhooks of WhatsApp Business
// Accounts come in, and the analytics calls of the Graph API are answered. It
// answers only what the calls of that API ask; nothing here is a proxy to Meta.
package meta

import (
	"context"
	"crypto/sha1" //nolint:gosec // an ETag, no secret
	"encoding/hex"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
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

var (
	versionPattern = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
	digitsPattern  = regexp.MustCompile(`^[0-9]+$`)
)

// Match reports whether r looks like a call of the Graph API: its path starts
// with a version or an object's number.
func (a *API) Match(r *http.Request) bool {
	parts := splitPath(r.URL.Path)
	return len(parts) > 0 && (versionPattern.MatchString(parts[0]) || digitsPattern.MatchString(parts[0]))
}

// splitPath returns the parts of a path. Empty parts do not count, because the
// SDKs join a version and a path that begins with a slash.
func splitPath(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// ServeHTTP answers webhooks and calls of the Graph API.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if parts := splitPath(r.URL.Path); len(parts) > 0 && parts[0] == "webhooks" {
		a.webhook.ServeHTTP(w, r)
		return
	}
	c := newCall(r)
	c.writeHeaders(w)
	body, err := a.serve(r.Context(), w, c)
	if err != nil {
		a.writeError(w, r, err)
		return
	}
	a.writeJSON(w, r, body)
}

// A call is one request, taken apart.
type call struct {
	request *http.Request
	version string
	path    []string // without the version
	params  parameters
}

func newCall(r *http.Request) *call {
	c := &call{request: r, version: DefaultVersion, path: splitPath(r.URL.Path)}
	if len(c.path) > 0 && versionPattern.MatchString(c.path[0]) {
		c.version, c.path = c.path[0], c.path[1:]
	}
	return c
}

// verb returns the method of the call as Graph names it in its errors. The
// parameter method stands over the HTTP method.
func (c *call) verb() string {
	method := c.request.Method
	if m := strings.TrimSpace(c.params.value("method")); m != "" {
		method = m
	}
	if method = strings.ToLower(method); method == "head" {
		return "get"
	}
	return method
}

// writeHeaders sets what every answer of Graph carries, errors included.
func (c *call) writeHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Facebook-Api-Version", c.version)
	h.Set("X-Fb-Trace-Id", newTraceID())
	h.Set("X-Fb-Request-Id", newTraceID())
	h.Set("X-Fb-Rev", "1")
	h.Set("X-Fb-Debug", newTraceID())
	h.Set("Cache-Control", "private, no-cache, no-store, must-revalidate")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "Sat, 01 Jan 2000 00:00:00 GMT")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", "application/json; charset=UTF-8")
}

// serve authenticates, finds the object and answers, in that order: a stranger
// learns nothing about which objects exist.
func (a *API) serve(ctx context.Context, w http.ResponseWriter, c *call) (any, error) {
	var err error
	if c.params, err = parseParameters(c.request); err != nil {
		return nil, err
	}
	view := a.directory.View()
	token, err := a.authenticate(view, c.request, c.params)
	if err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.String("account", token.Account), slog.String("token_name", token.Name))
	node, err := a.node(view, token, c)
	if err != nil {
		return nil, err
	}
	if err := a.usage.count(w.Header(), token, node); err != nil {
		return nil, err
	}
	if c.verb() != "get" {
		return nil, errObject(c.verb(), node.ID)
	}
	if len(c.path) > 1 {
		return nil, errPath(strings.Join(c.path[1:], "/"))
	}
	dialect.SetLogAttr(ctx, slog.String("operation", "node"))
	return a.readNode(ctx, token, node, c.params)
}

// node returns the WhatsApp Business Account that the path names and the token
// may see.
func (a *API) node(view *directory.View, token waybill.Token, c *call) (waybill.Channel, error) {
	if len(c.path) == 0 {
		return waybill.Channel{}, &graphError{
			status: http.StatusBadRequest, code: 100, kind: typeMethod,
			message: "Unsupported " + c.verb() + " request. Please read the Graph API documentation at " + docsURL,
		}
	}
	id := c.path[0]
	if !digitsPattern.MatchString(id) {
		return waybill.Channel{}, errAlias(id)
	}
	channel, ok := view.Channel(id)
	if !ok || channel.Provider != waybill.ProviderWABA || !token.Reaches(&channel) {
		return waybill.Channel{}, errObject(c.verb(), id)
	}
	return channel, nil
}

// writeJSON is the only place where an answer is encoded. It honours
// If-None-Match, which Graph answers with an empty 304.
func (a *API) writeJSON(w http.ResponseWriter, r *http.Request, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		a.writeError(w, r, err)
		return
	}
	sum := sha1.Sum(text) //nolint:gosec // an ETag, no secret
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("ETag", tag)
	if hasTag(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	dialect.WriteJSON(w, http.StatusOK, jsontext.Value(text))
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
