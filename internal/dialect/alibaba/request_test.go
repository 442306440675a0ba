package alibaba

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParametersAreMerged(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	tests := []struct {
		name                      string
		method, query, kind, body string
		want                      string // parameters, or the code of the error
	}{
		{"of the query", "GET", "b=2&a=1", "", "", "a=1 b=2"},
		{"of the body", "POST", "", form, "b=2&a=1", "a=1 b=2"},
		{"of both", "POST", "c=3&a=1", form + "; charset=UTF-8", "b=2", "a=1 b=2 c=3"},
		{"of a type in capitals", "POST", "", strings.ToUpper(form), "b=2", "b=2"},
		{"of no other body", "POST", "a=1", "application/json", `{"b":2}`, "a=1"},
		{"of no body without a type", "POST", "a=1", "", "b=2", "a=1"},
		{"in both cases", "GET", "A=1&a=2", "", "", "A=1 a=2"},
		{"empty ones", "GET", "a&b=&&c", "", "", "a= b= c="},
		{"with semicolons", "GET", "a=1;b=2", "", "", "a=1;b=2"},
		{"repeated in the query", "GET", "Start=1&Start=1", "", "", "InvalidStart"},
		{"repeated in the body", "POST", "", form, "Start=1&Start=1", "InvalidStart"},
		{"repeated in query and body", "POST", "Start=1", form, "Start=1", "InvalidStart"},
		{"repeated under an odd name", "GET", "%00=1&%00=1", "", "", "InvalidParameter"},
		{"badly encoded", "GET", "a=%4", "", "", "InvalidParameter"},
		{"badly encoded in the name", "GET", "%g0=1", "", "", "InvalidParameter"},
		{"badly encoded in the body", "POST", "", form, "a=%", "InvalidParameter"},
		{"too many", "POST", "", form, manyParams(maxParams + 1), "InvalidParameter"},
		{"of too large a body", "POST", "", form, "a=" + strings.Repeat("x", bodyLimit), "RequestEntityTooLarge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/", strings.NewReader(tt.body))
			r.URL.RawQuery = tt.query
			r.Header.Set("Content-Type", tt.kind)
			q, err := parseRequest(r, edge{}, bodyLimit)
			if err != nil {
				wantCode(t, err, tt.want)
				return
			}
			var got []string
			for _, p := range q.params {
				got = append(got, p.name+"="+p.value)
			}
			if strings.Join(got, " ") != tt.want || string(q.body) != tt.body || q.rawQuery != tt.query {
				t.Errorf("parameters are %q, want %q", got, tt.want)
			}
		})
	}
}

func manyParams(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf("p%d=1", i)
	}
	return strings.Join(parts, "&")
}

func TestManyParametersAreTaken(t *testing.T) {
	ps, err := parseParams(manyParams(maxParams))
	if err != nil || len(ps) != maxParams || ps.get("p999") != "1" || ps.get("p1000") != "" {
		t.Errorf("%d parameters: %v", len(ps), err)
	}
}

func TestStyles(t *testing.T) {
	tests := []struct {
		name    string
		query   string
		headers map[string]string
		want    style
	}{
		{"nothing", "Action=x", nil, styleNone},
		{"the vendor's scheme", "", map[string]string{"Authorization": "ACS3-HMAC-SHA256 x"}, styleACS3},
		{"the vendor's scheme beside a parameter", "Signature=x", map[string]string{"Authorization": "ACS3-RSA-SHA256 x"}, styleACS3},
		{"a parameter", "Signature=x", nil, styleRPC},
		{"a parameter behind a proxy with a password", "Signature=x", map[string]string{"Authorization": "Basic x"}, styleRPC},
		{"a parameter and a bearer token", "Signature=x&BearerToken=x", nil, styleRPC},
		{"a bearer token", "BearerToken=x", nil, styleBearer},
		{"a bearer token in a header", "", map[string]string{"X-Acs-Bearer-Token": "x"}, styleBearer},
		{"a bearer token that is missing", "SignatureType=BEARERTOKEN", nil, styleBearer},
		{"a bearer token of another protocol", "", map[string]string{"Authorization": "Bearer x"}, styleNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/?"+tt.query, nil)
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
			if got := mustParse(t, r).style; got != tt.want {
				t.Errorf("style is %d, want %d", got, tt.want)
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	prefixes := func(texts ...string) (ps []netip.Prefix) {
		for _, p := range texts {
			ps = append(ps, netip.MustParsePrefix(p))
		}
		return ps
	}
	tests := []struct {
		name    string
		proxies []netip.Prefix
		peer    string
		tls     bool
		headers http.Header
		want    origin
	}{
		{"a client", nil, "192.0.2.9:1", false, nil, origin{"here:80", "", false, netip.MustParseAddr("192.0.2.9")}},
		{"a client with TLS", nil, "[2001:db8::1]:1", true, nil, origin{"here:80", "", true, netip.MustParseAddr("2001:db8::1")}},
		{"a client that lies", prefixes("10.0.0.0/8"), "192.0.2.9:1", false, forwarded("there", "https", "10.1.1.1"), origin{"here:80", "", false, netip.MustParseAddr("192.0.2.9")}},
		{"a proxy", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("there:8443", "https", "192.0.2.9"), origin{"here:80", "there:8443", true, netip.MustParseAddr("192.0.2.9")}},
		{"a proxy reached over TLS by a client without", prefixes("10.0.0.0/8"), "10.0.0.1:1", true, forwarded("there", "http", "192.0.2.9"), origin{"here:80", "there", false, netip.MustParseAddr("192.0.2.9")}},
		{"a proxy that appends to a lie", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("evil, there", "https, http", "203.0.113.7, 192.0.2.9"), origin{"here:80", "there", false, netip.MustParseAddr("192.0.2.9")}},
		{"a chain of proxies", prefixes("10.0.0.0/8", "2001:db8::/32"), "[::ffff:10.0.0.1]:1", false, forwarded("there", "https", "192.0.2.9,2001:db8::5, 10.2.2.2"), origin{"here:80", "there", true, netip.MustParseAddr("192.0.2.9")}},
		{"nothing but proxies", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "10.3.3.3, 10.2.2.2"), origin{"here:80", "", false, netip.MustParseAddr("10.3.3.3")}},
		{"a proxy that says nothing", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, nil, origin{"here:80", "", false, netip.MustParseAddr("10.0.0.1")}},
		{"an address that is none", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "192.0.2.9, unknown"), origin{"here:80", "", false, netip.Addr{}}},
		{"an address with its port", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "192.0.2.9:4711"), origin{"here:80", "", false, netip.MustParseAddr("192.0.2.9")}},
		{"an IPv6 address with its port", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "[2001:db8::1]:443"), origin{"here:80", "", false, netip.MustParseAddr("2001:db8::1")}},
		{"an IPv6 address in brackets", prefixes("10.0.0.0/8"), "10.0.0.1:1", false, forwarded("", "", "[2001:db8::1]"), origin{"here:80", "", false, netip.MustParseAddr("2001:db8::1")}},
		{"no network", nil, "@", false, nil, origin{host: "here:80"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://here:80/", nil)
			r.RemoteAddr, r.Header = tt.peer, tt.headers
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := (edge{proxies: tt.proxies}).origin(r); got != tt.want {
				t.Errorf("origin is %+v, want %+v", got, tt.want)
			}
		})
	}
}

func forwarded(host, proto, client string) http.Header {
	return http.Header{"X-Forwarded-Host": {host}, "X-Forwarded-Proto": {proto}, "X-Forwarded-For": {client}}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		err           error
		status        int
		code, message string
	}{
		{errAccessKeyNotFound, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."},
		{errAccessKeyInactive, 400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."},
		{errSignatureIncomplete, 400, "IncompleteSignature", "The request signature does not conform to Aliyun standards."},
		{errSignature("why"), 400, "SignatureDoesNotMatch", "why"},
		{errSignatureMethod, 400, "InvalidSignatureMethod", "Specified signature method is not valid."},
		{errTimestampExpired, 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."},
		{errTimestampFormat, 400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."},
		{errNonceUsed, 400, "SignatureNonceUsed", "Specified signature nonce was used already."},
		{errMissing("SecurityToken"), 400, "MissingSecurityToken", "SecurityToken is mandatory for this action."},
		{errMissing("AccessKeyId"), 400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action."},
		{errTokenExpired, 400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."},
		{errTokenMismatch, 400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey."},
		{errTokenMalformed, 400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."},
		{errInvalid("Version"), 400, "InvalidVersion", "Specified parameter Version is not valid."},
		{errInvalid("no name"), 400, "InvalidParameter", "Specified parameter is not valid."},
		{errFormat, 400, "InvalidParameter.Format", "Specified parameter format is not valid."},
		{errActionNotFound, 404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."},
		{errNeedSsl, 404, "InvalidProtocol.NeedSsl", "Your request is denied as lack of ssl protect."},
		{errMethod, 400, "UnsupportedHTTPMethod", "This http method not supported."},
		{errThrottling(0), 400, "Throttling.User", "Request was denied due to user flow control."},
		{errUnavailable(time.Second), 503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."},
		{errInternal, 500, "InternalError", "The request processing has failed due to some unknown error, exception or failure."},
	}
	var codes []string
	for _, tt := range tests {
		e, ok := errors.AsType[*vendorError](tt.err)
		if !ok || e.status != tt.status || e.code != tt.code || e.message != tt.message {
			t.Errorf("error is %+v, want %d %s %q", tt.err, tt.status, tt.code, tt.message)
		}
		codes = append(codes, tt.code)
	}
	slices.Sort(codes)
	if len(slices.Compact(codes)) != len(tests) {
		t.Error("two errors have the same code")
	}
}
