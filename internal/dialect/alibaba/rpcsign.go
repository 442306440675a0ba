package alibaba

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"
)

// The older signature, which SDKs call V1 or V2, in the words of its
// specification:
//
//	CanonicalizedQueryString = all parameters but Signature, percent-encoded,
//	                           in the order of their names
//	StringToSign = HTTPMethod & percentEncode("/") & percentEncode(CanonicalizedQueryString)
//	Signature    = Base64(HMAC-SHA1(AccessKeySecret + "&", StringToSign))
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
const (
	rpcSignatureMethod  = "HMAC-SHA1"
	rpcSignatureVersion = "1.0"
)

// appendRPCStringToSign appends the text that the signature is made of. The
// parameters are those of query and form body together.
func appendRPCStringToSign(dst []byte, method string, all params) []byte {
	var space [1024]byte
	canonical := space[:0]
	for _, p := range all {
		if p.name == "Signature" {
			continue
		}
		if len(canonical) > 0 {
			canonical = append(canonical, '&')
		}
		canonical = append(appendEncoded(canonical, p.name), '=')
		canonical = appendEncoded(canonical, p.value)
	}
	dst = append(append(dst, method...), "&%2F&"...)
	return appendEncoded(dst, canonical)
}

// rpcSignature returns the signature of a string to sign, in base64.
func rpcSignature(secret string, stringToSign []byte) string {
	mac := hmac.New(sha1.New, append([]byte(secret), '&'))
	mac.Write(stringToSign)
	var sum [sha1.Size]byte
	return base64.StdEncoding.EncodeToString(mac.Sum(sum[:0]))
}

// An rpcClaim is a request of styleRPC that is to be verified. It signs neither
// host nor headers.
type rpcClaim struct{ request *request }

// newRPCClaim reads what the request says of itself.
func newRPCClaim(q *request) (claim, error) {
	for _, name := range [...]string{
		"AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp",
	} {
		if q.params.get(name) == "" {
			return nil, errMissing(name)
		}
	}
	if q.params.get("SignatureMethod") != rpcSignatureMethod {
		return nil, errSignatureMethod
	}
	if q.params.get("SignatureVersion") != rpcSignatureVersion {
		return nil, errInvalid("SignatureVersion")
	}
	if q.params.get("SignatureType") != "" {
		return nil, errInvalid("SignatureType")
	}
	return rpcClaim{q}, nil
}

func (c rpcClaim) accessKey() string     { return c.request.params.get("AccessKeyId") }
func (c rpcClaim) securityToken() string { return c.request.params.get("SecurityToken") }
func (c rpcClaim) timestamp() string     { return c.request.params.get("Timestamp") }
func (c rpcClaim) nonce() string         { return c.request.params.get("SignatureNonce") }
func (c rpcClaim) given() string         { return c.request.params.get("Signature") }

// complete and bodyMatches have nothing to add: all parameters are signed, those
// of the body among them, and of another body nothing is read.
func (c rpcClaim) complete() error   { return nil }
func (c rpcClaim) bodyMatches() bool { return true }

// sign returns the signature that the request must have, whatever its host.
func (c rpcClaim) sign(secret, _ string) string {
	var space [2048]byte
	return rpcSignature(secret, appendRPCStringToSign(space[:0], c.request.method, c.request.params))
}

// mismatch is the error of a wrong signature. It shows what was signed here, with
// tokens replaced; the text is the gateway's.
func (c rpcClaim) mismatch() error {
	all := slices.Clone(c.request.params)
	for i := range all {
		if strings.HasSuffix(all[i].name, "Token") {
			all[i].value = "***"
		}
	}
	return errSignature("Specified signature is not matched with our calculation. server string to sign is:" +
		string(appendRPCStringToSign(nil, c.request.method, all)))
}
