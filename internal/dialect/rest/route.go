package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"waybill"
)

// base is where the paths of all calls begin.
const base = "/waybill/v1"

// A route is one call of the API: what it takes, does and answers. The pipeline
// runs by it, and the OpenAPI document says of the call what stands here.
type route struct {
	method  string
	pattern string // below base; a part in braces stands for any text without a slash

	id      string // of the operation, in the document
	tag     tag
	summary string // a sentence without a full stop
	doc     string // what else to know, in Markdown

	// scope is what the token must have; empty lets every token in.
	scope string

	// operator keeps everybody out but the operator's token.
	operator bool

	// open lets everybody in, without a token.
	open bool

	// conditional calls change an object that has a version, which may be asked
	// for in If-Match.
	conditional bool

	// unlimited calls do not count for the limit of the token: something else
	// bounds them.
	unlimited bool

	// perChannel calls are about many channels: what the policies of the token's
	// user say is asked for each of them, by the operation.
	perChannel bool

	// heavy calls read much: their time and their number at once are bounded.
	heavy bool

	operation
	reads   *reading // the body that the operation reads by itself, if it does
	example string   // of the answer, as JSON; empty where nothing is answered
	status  int      // of a success; 0 is 200, or 204 where nothing is answered
	errors  []int    // statuses of failures beyond those that follow from the rest
}

// path returns the pattern with the base.
func (rt *route) path() string { return base + rt.pattern }

// A reading is a body that an operation reads by itself, in parts or in a format
// of its own.
type reading struct {
	kinds   []string // content types, the first is the one to send
	object  any      // of the type of the body, or of each of many objects
	many    bool     // objects, one on each line or in an array
	text    bool     // no JSON but text
	example string
}

// A call is one request. Operations see those that are authorized.
type call struct {
	*http.Request
	out     http.Header // of the answer
	created bool        // the call made what it put
	route   *route
	token   *waybill.Token // nil where the route is open
	format  string         // of a table, empty for JSON
	ends    func()         // lets other heavy calls run, where this is one
}

// success returns the status of a success.
func (c *call) success() int {
	if c.created {
		return http.StatusCreated
	}
	return c.route.success()
}

// version makes the version of an object the ETag of the answer.
func (c *call) version(v string) { c.out.Set("ETag", `"`+v+`"`) }

// nothing is the answer of calls that answer nothing, and the parameters of those
// that take none.
type nothing struct{}

// match returns the route of r. The parts of a path are cut before they are
// unescaped, so that the ID of a message may contain an escaped slash.
func match(routes []route, r *http.Request) (*route, map[string]string, error) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	var allowed []string
	for i := range routes {
		rt := &routes[i]
		values, ok := rt.match(parts)
		if !ok {
			continue
		}
		if r.Method == rt.method || r.Method == http.MethodHead && rt.method == http.MethodGet {
			return rt, values, nil
		}
		allowed = append(allowed, rt.method)
		if rt.method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	if len(allowed) == 0 {
		return nil, nil, waybill.Errorf(waybill.NotFound, "nothing is at %s", cut(r.URL.Path))
	}
	slices.Sort(allowed)
	allow := strings.Join(allowed, ", ")
	return nil, nil, &refusal{
		status: http.StatusMethodNotAllowed, header: "Allow", value: allow,
		error: waybill.Errorf(waybill.Invalid, "%s takes %s, not %s", cut(r.URL.Path), allow, cut(r.Method)),
	}
}

// match returns the values of the parts in braces.
func (rt *route) match(parts []string) (map[string]string, bool) {
	pattern := strings.Split(rt.path(), "/")
	if len(pattern) != len(parts) {
		return nil, false
	}
	values := make(map[string]string)
	for i, p := range pattern {
		value, err := url.PathUnescape(parts[i])
		if err != nil {
			return nil, false
		}
		if key, ok := strings.CutPrefix(p, "{"); ok && value != "" {
			values[strings.TrimSuffix(key, "}")] = value
			continue
		}
		if p != value {
			return nil, false
		}
	}
	return values, true
}
