package alibaba

import (
	"net/http"
	"time"

	"waybill"
)

// A vendorError is an error as the gateway tells it.
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/error-codes
type vendorError struct {
	status     int
	code       string
	message    string
	retryAfter time.Duration // zero where waiting does not help
}

func (e *vendorError) Error() string { return e.code + ": " + e.message }

// The errors of a call that names nothing the gateway serves.
var (
	errActionNotFound = &vendorError{
		status: http.StatusNotFound, code: "InvalidAction.NotFound",
		message: "Specified api is not found, please check your url and method.",
	}
	errNeedSsl = &vendorError{
		status: http.StatusNotFound, code: "InvalidProtocol.NeedSsl",
		message: "Your request is denied as lack of ssl protect.",
	}
	errMethod = &vendorError{
		status: http.StatusBadRequest, code: "UnsupportedHTTPMethod",
		message: "This http method not supported.",
	}
	errFormat = &vendorError{
		status: http.StatusBadRequest, code: "InvalidParameter.Format",
		message: "Specified parameter format is not valid.",
	}
)

// The errors of the access key and its security token.
var (
	errAccessKeyNotFound = &vendorError{
		status: http.StatusNotFound, code: "InvalidAccessKeyId.NotFound",
		message: "Specified access key is not found.",
	}
	errAccessKeyInactive = &vendorError{
		status: http.StatusBadRequest, code: "InvalidAccessKeyId.Inactive",
		message: "Specified access key is disabled.",
	}
	errTokenExpired = &vendorError{
		status: http.StatusBadRequest, code: "InvalidSecurityToken.Expired",
		message: "Specified SecurityToken is expired.",
	}
	errTokenMalformed = &vendorError{
		status: http.StatusBadRequest, code: "InvalidSecurityToken.Malformed",
		message: "Specified SecurityToken is malformed.",
	}
	errTokenMismatch = &vendorError{
		status: http.StatusBadRequest, code: "InvalidSecurityToken.MismatchWithAccessKey",
		message: "Specified SecurityToken mismatch with the AccessKey.",
	}
)

// The errors of the signature, but for errSignature.
var (
	errSignatureIncomplete = &vendorError{
		status: http.StatusBadRequest, code: "IncompleteSignature",
		message: "The request signature does not conform to Aliyun standards.",
	}
	errSignatureMethod = &vendorError{
		status: http.StatusBadRequest, code: "InvalidSignatureMethod",
		message: "Specified signature method is not valid.",
	}
	errTimestampFormat = &vendorError{
		status: http.StatusBadRequest, code: "InvalidTimeStamp.Format",
		message: "Specified time stamp or date value is not well formatted.",
	}
	errTimestampExpired = &vendorError{
		status: http.StatusBadRequest, code: "InvalidTimeStamp.Expired",
		message: "Specified time stamp or date value is expired.",
	}
	errNonceUsed = &vendorError{
		status: http.StatusBadRequest, code: "SignatureNonceUsed",
		message: "Specified signature nonce was used already.",
	}
)

// errSignature says what was signed here, so that a client finds the difference.
// It is told to strangers: what may be secret in it has been replaced.
func errSignature(message string) error {
	const limit = 8 << 10
	if len(message) > limit {
		message = message[:limit] + "..."
	}
	return &vendorError{
		status: http.StatusBadRequest, code: "SignatureDoesNotMatch", message: message,
	}
}

// errMissing is the absence of a required parameter.
func errMissing(parameter string) error {
	return &vendorError{
		status: http.StatusBadRequest, code: "Missing" + parameter,
		message: parameter + " is mandatory for this action.",
	}
}

// errInvalid is a parameter with a value that can't be. A name that is nobody's
// is not repeated.
func errInvalid(parameter string) error {
	if !plainName(parameter) {
		return errParameters("Specified parameter is not valid.")
	}
	return &vendorError{
		status: http.StatusBadRequest, code: "Invalid" + parameter,
		message: "Specified parameter " + parameter + " is not valid.",
	}
}

// errParameters is a mistake in the parameters as a whole.
func errParameters(message string) error {
	return &vendorError{
		status: http.StatusBadRequest, code: "InvalidParameter", message: message,
	}
}

// plainName reports whether name looks like that of a parameter, so that a code
// made of it is still a code.
func plainName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.') {
			return false
		}
	}
	return true
}

// errThrottling is a call beyond the limit of its account. The SDKs recognize
// calls to be sent again by "Throttling" in the code.
func errThrottling(retryAfter time.Duration) error {
	return &vendorError{
		status: http.StatusBadRequest, code: "Throttling.User",
		message: "Request was denied due to user flow control.", retryAfter: retryAfter,
	}
}

// errUnavailable is a failure that passes.
func errUnavailable(retryAfter time.Duration) error {
	return &vendorError{
		status: http.StatusServiceUnavailable, code: "ServiceUnavailable",
		message:    "The request has failed due to a temporary failure of the server.",
		retryAfter: retryAfter,
	}
}

var errInternal = &vendorError{
	status: http.StatusInternalServerError, code: "InternalError",
	message: "The request processing has failed due to some unknown error, exception or failure.",
}

// errBody translates a failure to read the body.
func errBody(err error) error {
	switch waybill.CodeOf(err) {
	case waybill.TooLarge:
		return &vendorError{
			status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLarge",
			message: err.Error(),
		}
	case waybill.Unavailable:
		return err
	}
	return errParameters(err.Error())
}
