package alibaba

import (
	"errors"
	"fmt"
	"net/http/httptest"
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
			q, err := parseRequest(r, bodyLimit)
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
