package alibaba

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// The signature that SDKs call V3, in the words of its specification:
//
//	CanonicalRequest = Method \n CanonicalURI \n CanonicalQueryString \n
//	                   CanonicalHeaders \n SignedHeaders \n HashedRequestPayload
//	StringToSign     = ACS3-HMAC-SHA256 \n HexEncode(SHA256(CanonicalRequest))
//	Signature        = HexEncode(HMAC-SHA256(AccessKeySecret, StringToSign))
//	Authorization    : ACS3-HMAC-SHA256 Credential=AccessKeyId,
//	                   SignedHeaders=a;b;c,Signature=...
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
const acs3Algorithm = "ACS3-HMAC-SHA256"

// maxSignedHeaders bounds the work that a stranger's list can ask for.
const maxSignedHeaders = 64

// An authorization is what the Authorization header says.
type authorization struct {
	credential    string   // ID of the access key
	signedHeaders []string // lower case, in ascending order
	signature     string   // not verified
}

// parseAuthorization reads the Authorization header. Its fields may stand in any
// order, each of them once; the specification's other algorithms are refused.
func parseAuthorization(header string) (authorization, error) {
	algorithm, fields, _ := strings.Cut(header, " ")
	if algorithm != acs3Algorithm {
		return authorization{}, errSignatureMethod
	}
	var a authorization
	seen := 0
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if value == "" || !a.set(name, value) {
			return authorization{}, errSignatureIncomplete
		}
		seen++
	}
	// Each of three fields was set and none was set twice.
	if seen != 3 {
		return authorization{}, errSignatureIncomplete
	}
	return a, nil
}

// set reports whether it could set a field that was not set.
func (a *authorization) set(name, value string) (ok bool) {
	switch {
	case name == "Credential" && a.credential == "":
		a.credential = value
	case name == "Signature" && a.signature == "":
		a.signature = value
	case name == "SignedHeaders" && a.signedHeaders == nil:
		a.signedHeaders, ok = parseSignedHeaders(value)
		return ok
	default:
		return false
	}
	return true
}

// parseSignedHeaders splits the list of signed headers, whose names must be in
// the one form that gives one canonical request.
func parseSignedHeaders(list string) (names []string, ok bool) {
	if strings.Count(list, ";") >= maxSignedHeaders {
		return nil, false
	}
	names = strings.Split(list, ";")
	for i, name := range names {
		if name == "" || !isLowerToken(name) || i > 0 && names[i-1] >= name {
			return nil, false
		}
	}
	return names, true
}

// isLowerToken reports whether s is the name of a header in lower case.
func isLowerToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// String writes a as the header it was read from.
func (a authorization) String() string {
	return acs3Algorithm + " Credential=" + a.credential +
		",SignedHeaders=" + strings.Join(a.signedHeaders, ";") + ",Signature=" + a.signature
}

// appendCanonicalURI appends the path, percent-encoded but for its slashes.
func appendCanonicalURI(dst []byte, path string) []byte {
	if path == "" {
		return append(dst, '/')
	}
	for segment := range strings.SplitAfterSeq(path, "/") {
		name, slash := strings.CutSuffix(segment, "/")
		if dst = appendEncoded(dst, name); slash {
			dst = append(dst, '/')
		}
	}
	return dst
}

// appendCanonicalQuery appends the parameters, percent-encoded, in the order of
// their names. What they looked like in the URL plays no part.
func appendCanonicalQuery(dst []byte, query params) []byte {
	for i, p := range query {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(appendEncoded(dst, p.name), '=')
		dst = appendEncoded(dst, p.value)
	}
	return dst
}

// appendEncoded appends s with all but the unreserved characters of RFC 3986
// percent-encoded.
func appendEncoded[T string | []byte](dst []byte, s T) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '_' || c == '.' || c == '~'
}

// appendCanonicalHeaders appends the headers, given in the order of their names,
// each on a line of its own.
func appendCanonicalHeaders(dst []byte, headers params) []byte {
	for _, h := range headers {
		dst = append(append(dst, h.name...), ':')
		dst = append(append(dst, strings.TrimSpace(h.value)...), '\n')
	}
	return dst
}

func appendSignedHeaders(dst []byte, headers params) []byte {
	for i, h := range headers {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = append(dst, h.name...)
	}
	return dst
}

func appendCanonicalRequest(
	dst []byte, method, path string, query, headers params, hashedPayload string,
) []byte {
	dst = append(append(dst, method...), '\n')
	dst = append(appendCanonicalURI(dst, path), '\n')
	dst = append(appendCanonicalQuery(dst, query), '\n')
	dst = append(appendCanonicalHeaders(dst, headers), '\n')
	dst = append(appendSignedHeaders(dst, headers), '\n')
	return append(dst, hashedPayload...)
}

// hashedRequestPayload returns the hash of the body, in hex.
func hashedRequestPayload(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// acs3StringToSign returns the text that the signature is made of.
func acs3StringToSign(canonicalRequest []byte) []byte {
	sum := sha256.Sum256(canonicalRequest)
	text := append(make([]byte, 0, len(acs3Algorithm)+1+2*len(sum)), acs3Algorithm+"\n"...)
	return hex.AppendEncode(text, sum[:])
}

// acs3Signature returns the signature of a string to sign, in hex.
func acs3Signature(secret string, stringToSign []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(stringToSign)
	var sum [sha256.Size]byte
	return hex.EncodeToString(mac.Sum(sum[:0]))
}

// An acs3Claim is a request of styleACS3 that is to be verified.
type acs3Claim struct {
	request *request
	authorization
	headers params // those of signedHeaders with their values
	payload string // hash of the body that came
}

// newACS3Claim reads what the request says of itself. Nothing is checked but
// that it can be read.
func newACS3Claim(q *request) (claim, error) {
	if len(q.header["Authorization"]) != 1 {
		return nil, errSignatureIncomplete
	}
	a, err := parseAuthorization(q.header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	c := &acs3Claim{request: q, authorization: a, headers: make(params, len(a.signedHeaders))}
	for i, name := range a.signedHeaders {
		if name == "host" {
			c.headers[i] = param{name, q.Host}
			continue
		}
		values := q.header[headerKey(name)]
		if len(values) != 1 {
			return nil, errSignatureIncomplete
		}
		c.headers[i] = param{name, values[0]}
	}
	c.payload = hashedRequestPayload(q.body)
	return c, nil
}

func (c *acs3Claim) accessKey() string     { return c.credential }
func (c *acs3Claim) securityToken() string { return c.request.header.Get("X-Acs-Security-Token") }
func (c *acs3Claim) timestamp() string     { return c.request.header.Get("X-Acs-Date") }
func (c *acs3Claim) nonce() string         { return c.request.header.Get("X-Acs-Signature-Nonce") }
func (c *acs3Claim) given() string         { return c.signature }

// complete reports whether everything is signed that the call depends on: the
// headers of the specification, every other header of the vendor, and what makes
// parameters of the body. A header of the vendor that is not signed could have
// been added on the way.
func (c *acs3Claim) complete() error {
	for _, name := range [...]string{
		"host", "x-acs-action", "x-acs-version", "x-acs-date",
		"x-acs-signature-nonce", "x-acs-content-sha256",
	} {
		if c.headers.get(name) == "" {
			return errSignatureIncomplete
		}
	}
	if _, ok := c.headers.lookup("content-type"); !ok && len(c.request.form) > 0 {
		return errSignatureIncomplete
	}
	if c.foreignHeaders() {
		return errSignatureIncomplete
	}
	if id := c.headers.get("x-acs-accesskey-id"); id != "" && id != c.credential {
		return errSignatureIncomplete
	}
	return nil
}

// foreignHeaders reports whether the request has a header of the vendor that is
// not signed. Every signed one is there once, so it is enough to count them.
func (c *acs3Claim) foreignHeaders() bool {
	n := 0
	for key := range c.request.header {
		if len(key) >= 6 && strings.EqualFold(key[:6], "x-acs-") {
			n++
		}
	}
	for _, h := range c.headers {
		if strings.HasPrefix(h.name, "x-acs-") {
			n--
		}
	}
	return n != 0
}

// bodyMatches reports whether the body is the one that was signed.
func (c *acs3Claim) bodyMatches() bool {
	return hmac.Equal([]byte(c.payload), []byte(c.headers.get("x-acs-content-sha256")))
}

// sign returns the signature that the request must have if it was sent to host.
func (c *acs3Claim) sign(secret, host string) string {
	c.headers.set("host", host)
	var space [1024]byte
	return acs3Signature(secret, acs3StringToSign(c.canonicalRequest(space[:0], c.headers)))
}

func (c *acs3Claim) canonicalRequest(dst []byte, headers params) []byte {
	q := c.request
	return appendCanonicalRequest(dst, q.method, q.path, q.query, headers, c.payload)
}

// mismatch is the error of a wrong signature. It shows what was signed here, with
// tokens replaced; the text is the gateway's.
func (c *acs3Claim) mismatch() error {
	headers := slices.Clone(c.headers)
	headers.set("host", c.request.Host)
	stringToSign := acs3StringToSign(c.canonicalRequest(nil, headers))
	for i := range headers {
		if strings.HasSuffix(headers[i].name, "-token") {
			headers[i].value = "***"
		}
	}
	return errSignature("Specified signature does not match our calculation. server StringToSign is [" +
		string(stringToSign) + "] server CanonicalRequest is [" +
		string(c.canonicalRequest(nil, headers)) + "]")
}

// headerKey returns the key of a header in http.Header. It is called for every
// signed header, and CanonicalHeaderKey makes a new string of those it does not
// know.
func headerKey(name string) string {
	switch name {
	case "x-acs-action":
		return "X-Acs-Action"
	case "x-acs-version":
		return "X-Acs-Version"
	case "x-acs-date":
		return "X-Acs-Date"
	case "x-acs-signature-nonce":
		return "X-Acs-Signature-Nonce"
	case "x-acs-content-sha256":
		return "X-Acs-Content-Sha256"
	case "x-acs-credentials-provider":
		return "X-Acs-Credentials-Provider"
	}
	return http.CanonicalHeaderKey(name)
}
