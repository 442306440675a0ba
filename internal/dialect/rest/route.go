package rest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"waybill"
)

// A route is one call of the API.
type route struct {
	method  string
	pattern string // a part in braces stands for any text without a slash

	// scope is what the token must have; empty lets every token in.
	scope string

	// operator keeps everybody out but the operator's token.
	operator bool

	// run returns what is answered as JSON, nil where nothing is to say.
	run func(*API, context.Context, *call) (any, error)
}

// A call is one authorized request.
type call struct {
	*http.Request
	token  *waybill.Token
	values map[string]string // of the parts of the pattern in braces
}

// match returns the route of r. The parts of a path are cut before they are
// unescaped, so that the ID of a message may contain an escaped slash.
func match(routes []route, r *http.Request) (route, map[string]string, error) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	var allowed []string
	for _, rt := range routes {
		values, ok := rt.match(parts)
		if !ok {
			continue
		}
		if r.Method == rt.method || r.Method == http.MethodHead && rt.method == http.MethodGet {
			return rt, values, nil
		}
		allowed = append(allowed, rt.method)
	}
	if len(allowed) == 0 {
		return route{}, nil, waybill.Errorf(waybill.NotFound, "nothing is at %s", cut(r.URL.Path))
	}
	slices.Sort(allowed)
	allow := strings.Join(allowed, ", ")
	return route{}, nil, &refusal{
		status: http.StatusMethodNotAllowed, header: "Allow", value: allow,
		error: waybill.Errorf(waybill.Invalid, "%s takes %s, not %s", cut(r.URL.Path), allow, cut(r.Method)),
	}
}

// match returns the values of the parts in braces.
func (rt *route) match(parts []string) (map[string]string, bool) {
	pattern := strings.Split(rt.pattern, "/")
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
