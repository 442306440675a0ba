package meta

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

var (
	versionPattern = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
	digitsPattern  = regexp.MustCompile(`^[0-9]+$`)
)

// splitPath returns the parts of a path. Empty parts do not count, because the
// SDKs join a version and a path that begins with a slash.
func splitPath(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// A call is one call of the Graph API, taken apart: a request, or an item of a
// batch.
type call struct {
	version string
	path    []string // without the version
	method  string   // of HTTP
	params  parameters
	bearer  string   // a token that did not come as a parameter
	origin  string   // what links begin with, such as https://graph.example
	link    string   // token that links carry where the call has none of its own
	batched bool     // is an item of a batch
	known   []string // values of If-None-Match
	work    *work
}

// newCall returns the call that r makes. Where the parameters can't be read the
// call has those of the query.
func newCall(r *http.Request) (*call, error) {
	c := &call{method: r.Method, bearer: bearer(r), origin: dialect.OriginOf(r).URL(), known: r.Header.Values("If-None-Match"), work: new(work)}
	c.setPath(r.URL.Path)
	var err error
	c.params, err = parseParameters(r)
	return c, err
}

func (c *call) setPath(path string) {
	c.version, c.path = DefaultVersion, splitPath(path)
	if len(c.path) > 0 && versionPattern.MatchString(c.path[0]) {
		c.version, c.path = c.path[0], c.path[1:]
	}
}

// verb returns the method of the call as Graph names it in its errors. The
// parameter method stands over the HTTP method.
func (c *call) verb() string {
	method := c.method
	if m := strings.TrimSpace(c.params.value("method")); m != "" {
		method = m
	}
	if method = strings.ToLower(method); method == "head" {
		return "get"
	}
	return method
}

// flag reports whether a parameter is on, as Graph takes it.
func (c *call) flag(name string) bool {
	switch strings.ToLower(strings.TrimSpace(c.params.value(name))) {
	case "", "0", "false":
		return false
	}
	return true
}

// headers returns what every answer of Graph carries, errors included.
func (c *call) headers() http.Header {
	h := make(http.Header)
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
	return h
}

// A session is a call whose caller is known.
type session struct {
	*call
	view   *directory.View
	token  waybill.Token
	header http.Header // of the answer
	cards  map[waybill.ChannelNumber]*rateCard
	uses   map[string][]caseUsage // by WhatsApp Business Account
}

// logCaller names the caller in the access log.
func (s *session) logCaller(ctx context.Context) {
	dialect.SetLogAttr(ctx, slog.String("account", s.token.Account), slog.String("token_name", s.token.Name))
}

// url returns an absolute URL of an edge of an object that works as it is, token
// included if the call had it as a parameter.
func (s *session) url(id, edge string, params url.Values) string {
	if !params.Has("access_token") && s.link != "" {
		params.Set("access_token", s.link)
	}
	return s.origin + "/" + s.version + "/" + id + "/" + edge + "?" + params.Encode()
}

// Bounds of what one request may ask for, a batch included.
const (
	maxSteps  = 500     // objects, lists and questions to the store
	maxPoints = 300_000 // of all series, and fields of lists; ten years have 175,000 half hours
)

// work bounds what one request makes the server do. Once a bound is passed nothing
// more is done for the request.
type work struct {
	steps, points int // taken so far
	over          bool
	account       string                             // that the memory of the answers is held for
	held          int64                              // bytes of it
	seen          map[waybill.ChannelNumber][]string // numbers of accounts
}

// step takes one step, unless the time of the request has ended.
func (w *work) step(ctx context.Context) error {
	w.steps++
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.bound(w.steps <= maxSteps)
}

// count takes points of a series, or fields of the elements of a list.
func (w *work) count(points int) error {
	w.points += points
	return w.bound(w.points <= maxPoints)
}

func (w *work) bound(within bool) error {
	if w.over = w.over || !within; w.over {
		return errReduce()
	}
	return nil
}
