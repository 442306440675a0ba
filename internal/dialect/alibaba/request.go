package alibaba

import (
	"net/http"
	"strings"

	"waybill/internal/dialect"
)

// A style is the way in which a call says who sends it.
type style uint8

const (
	styleNone   style = iota // it does not say
	styleACS3                // the Authorization header, which SDKs call V3
	styleRPC                 // the Signature parameter, which SDKs call V1 or V2
	styleBearer              // a token that is sent as it is
)

// A request is one call, taken apart once. The gateway takes system parameters
// from headers, query and form body, depending on the style and on the age of
// the SDK, and business parameters from query and form body.
type request struct {
	style  style
	method string
	path   string
	dialect.Origin
	header   http.Header
	rawQuery string
	body     []byte // in styleRPC nothing is signed of it but a form

	query  params // in the query
	form   params // in the form body
	params params // both
}

// parseRequest takes r apart. A body beyond limit bytes is refused, and so is a
// parameter that is repeated: two readers of the call could read two values.
func parseRequest(r *http.Request, limit int64) (*request, error) {
	q := &request{
		method: r.Method, path: r.URL.EscapedPath(), Origin: dialect.OriginOf(r),
		header: r.Header, rawQuery: r.URL.RawQuery,
	}
	if q.path != "" && q.path != "/" {
		return nil, errActionNotFound
	}
	if q.method != http.MethodGet && q.method != http.MethodPost {
		return nil, errMethod
	}
	var err error
	if q.body, err = dialect.ReadBody(r, limit); err != nil {
		return nil, errBody(err)
	}
	if err := q.parseParams(); err != nil {
		return nil, err
	}
	q.style = q.styleOf()
	return q, nil
}

func (q *request) parseParams() error {
	var err error
	if q.query, err = parseParams(q.rawQuery); err != nil {
		return err
	}
	if isForm(q.header.Get("Content-Type")) {
		if q.form, err = parseParams(string(q.body)); err != nil {
			return err
		}
	}
	q.params, err = merge(q.query, q.form)
	return err
}

// styleOf tells the styles apart. A proxy may use the Authorization header for
// something of its own, so only a scheme of the vendor counts.
func (q *request) styleOf() style {
	switch {
	case strings.HasPrefix(q.header.Get("Authorization"), "ACS3-"):
		return styleACS3
	case q.params.get("Signature") != "":
		return styleRPC
	case q.bearerToken() != "" || q.params.get("SignatureType") == "BEARERTOKEN":
		return styleBearer
	}
	return styleNone
}

// system returns a system parameter that newer SDKs send as a header. Only what
// the style signs is read: in styleRPC the headers are sent too, unsigned.
func (q *request) system(parameter, header string) string {
	switch q.style {
	case styleACS3:
		return q.header.Get(header)
	case styleRPC:
		return q.params.get(parameter)
	}
	if v := q.params.get(parameter); v != "" {
		return v
	}
	return q.header.Get(header)
}

// action returns the name of the operation that is called.
func (q *request) action() string { return q.system("Action", "X-Acs-Action") }

// version returns the version of the API that is called.
func (q *request) version() string { return q.system("Version", "X-Acs-Version") }

// bearerToken returns the token of styleBearer.
func (q *request) bearerToken() string {
	if t := q.header.Get("X-Acs-Bearer-Token"); t != "" {
		return t
	}
	return q.params.get("BearerToken")
}

// isForm reports whether a body of the content type holds parameters.
func isForm(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/x-www-form-urlencoded")
}
