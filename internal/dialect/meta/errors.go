package meta

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect/meta/fields"
)

// A graphError is an error as the Graph API tells it.
//
// https://developers.facebook.com/docs/graph-api/guides/error-handling
type graphError struct {
	status    int
	code      int
	subcode   int
	kind      string // the "type" of the envelope
	message   string
	title     string // for the user of the caller
	note      string // for the same
	transient bool
}

func (e *graphError) Error() string { return e.message }

// The types of errors that Graph has.
const (
	typeOAuth  = "OAuthException"
	typeMethod = "GraphMethodException"
	typeBatch  = "GraphBatchException"
)

const docsURL = "https://developers.facebook.com/docs/graph-api"

// errParam is a mistake in the parameters.
func errParam(format string, args ...any) error {
	return &graphError{
		status: http.StatusBadRequest, code: 100, kind: typeOAuth,
		message: "(#100) " + fmt.Sprintf(format, args...),
	}
}

// errObject hides whether an object exists, as Graph does: one that is missing
// and one that belongs to somebody else are answered alike.
func errObject(verb, id string) error {
	return &graphError{
		status: http.StatusBadRequest, code: 100, subcode: 33, kind: typeMethod,
		message: fmt.Sprintf("Unsupported %s request. Object with ID '%s' does not exist, "+
			"cannot be loaded due to missing permissions, or does not support this operation. "+
			"Please read the Graph API documentation at %s", verb, id, docsURL),
	}
}

// errRoot answers a call that names no object.
func errRoot(verb string) error {
	return &graphError{
		status: http.StatusBadRequest, code: 100, kind: typeMethod,
		message: "Unsupported " + verb + " request. Please read the Graph API documentation at " + docsURL,
	}
}

// errBatch is a mistake in a batch.
func errBatch(format string, args ...any) error {
	return &graphError{
		status: http.StatusBadRequest, code: 100, kind: typeBatch, message: fmt.Sprintf(format, args...),
	}
}

// errReduce refuses what is more than one request may ask for.
func errReduce() error {
	return &graphError{
		status: http.StatusInternalServerError, code: 1, kind: typeOAuth,
		message: "Please reduce the amount of data you're asking for, then retry your request",
	}
}

// The errors of the switch of template analytics.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
func errInsights(code int, message string) error {
	return &graphError{
		status: http.StatusBadRequest, code: code, kind: typeOAuth, message: fmt.Sprintf("(#%d) %s", code, message),
	}
}

func errInsightsUnavailable() error {
	return errInsights(200005, "Template insights are not available yet for this WhatsApp Business account.")
}

func errInsightsStay() error {
	return errInsights(200006, "Invalid operation. Template Insights cannot be disabled once enabled.")
}

func errInsightsDisabled() error {
	return errInsights(200007, "Template Insights have not been enabled for this WhatsApp Business Account")
}

// errNoCost answers who asks for nothing but costs that are not known, and says
// why. Meta tells it to those who are billed by a partner.
func errNoCost(why string) error {
	return &graphError{
		status: http.StatusBadRequest, code: 100, kind: typeOAuth, message: "(#100) Cost not available",
		title: "Cost not available",
		note:  why,
	}
}

func errPath(components string) error {
	return &graphError{
		status: http.StatusBadRequest, code: 2500, kind: typeOAuth,
		message: "Unknown path components: /" + components,
	}
}

func errAlias(name string) error {
	return &graphError{
		status: http.StatusNotFound, code: 803, kind: typeOAuth,
		message: "(#803) Some of the aliases you requested do not exist: " + name,
	}
}

func errNoField(name, node string) error {
	return errParam("Tried accessing nonexisting field (%s) on node type (%s)", name, node)
}

// errTwice refuses a second value under a name of the answer, in the words that
// the syntax has for it.
func errTwice(name string) error {
	return &graphError{
		status: http.StatusBadRequest, code: 2500, kind: typeOAuth,
		message: fmt.Sprintf("Syntax error \"Field %s specified more than once. This is only possible before version 2.1\"", name),
	}
}

func errToken(subcode int, message string) error {
	return &graphError{
		status: http.StatusUnauthorized, code: 190, subcode: subcode, kind: typeOAuth, message: message,
	}
}

func errPermission(scope string) error {
	return &graphError{
		status: http.StatusForbidden, code: 200, kind: typeOAuth,
		message: fmt.Sprintf("(#200) Requires the %s permission", scope),
	}
}

func errRate() error {
	return &graphError{
		status: http.StatusBadRequest, code: 80008, kind: typeOAuth, transient: true,
		message: "(#80008) There have been too many calls to this WhatsApp Business account. " +
			"Wait a bit and try again. For more info, please refer to " + docsURL + "/overview/rate-limiting.",
	}
}

// asGraphError translates any failure; what it does not know is an internal
// error, whose cause the caller of the API never sees.
func asGraphError(err error) (e *graphError, known bool) {
	if e, ok := errors.AsType[*graphError](err); ok {
		return e, true
	}
	if e, ok := errors.AsType[*fields.SyntaxError](err); ok {
		return &graphError{
			status: http.StatusBadRequest, code: 2500, kind: typeOAuth, message: e.Error(),
		}, true
	}
	code := waybill.CodeOf(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		code = waybill.Unavailable // the caller is gone, or we stop
	}
	switch code {
	case waybill.Invalid, waybill.TooLarge:
		return &graphError{
			status: http.StatusBadRequest, code: 100, kind: typeOAuth, message: "(#100) " + err.Error(),
		}, true
	case waybill.Unavailable:
		return &graphError{
			status: http.StatusServiceUnavailable, code: 2, kind: typeOAuth, transient: true,
			message: "(#2) Service temporarily unavailable",
		}, true
	}
	return &graphError{
		status: http.StatusInternalServerError, code: 1, kind: typeOAuth, transient: true,
		message: "(#1) An unknown error occurred",
	}, false
}

// envelope is the body of an error.
type envelope struct {
	Error struct {
		Message   string `json:"message"`
		Type      string `json:"type"`
		Code      int    `json:"code"`
		Subcode   int    `json:"error_subcode,omitzero"`
		Title     string `json:"error_user_title,omitzero"`
		Note      string `json:"error_user_msg,omitzero"`
		Transient bool   `json:"is_transient,omitzero"`
		TraceID   string `json:"fbtrace_id"`
	} `json:"error"`
}

// failure is the only place where a failure becomes Graph's error. It adds to the
// headers of the answer what belongs to the error.
func (a *API) failure(ctx context.Context, h http.Header, err error) (status int, body jsontext.Value) {
	e, known := asGraphError(err)
	if !known {
		a.log.ErrorContext(ctx, "meta: request failed", "err", err)
	}
	var v envelope
	v.Error.Message = strings.ToValidUTF8(e.message, "\ufffd")
	v.Error.Type = e.kind
	v.Error.Code = e.code
	v.Error.Subcode = e.subcode
	v.Error.Title = e.title
	v.Error.Note = e.note
	v.Error.Transient = e.transient
	v.Error.TraceID = h.Get("X-Fb-Trace-Id")
	if e.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", fmt.Sprintf(`OAuth "Facebook Platform" "invalid_token" %q`, e.message))
	}
	if e.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	body, err = json.Marshal(v)
	if err != nil { // the type has no value that JSON lacks
		a.log.ErrorContext(ctx, "meta: error not encoded", "err", err)
	}
	return e.status, body
}

// newTraceID returns an ID of the form of Graph's fbtrace_id.
func newTraceID() string {
	var b [17]byte
	rand.Read(b[:]) // never fails
	return "A" + base64.RawURLEncoding.EncodeToString(b[:])[:22]
}
