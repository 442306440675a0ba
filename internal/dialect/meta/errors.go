package meta

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"waybill"
	"waybill/internal/dialect"
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
	transient bool
}

func (e *graphError) Error() string { return e.message }

// The types of errors that Graph has.
const (
	typeOAuth  = "OAuthException"
	typeMethod = "GraphMethodException"
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
		Subcode   int    `json:"error_subcode,omitempty"`
		Transient bool   `json:"is_transient,omitempty"`
		TraceID   string `json:"fbtrace_id"`
	} `json:"error"`
}

// writeError is the only place where a failure becomes Graph's error.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e, known := asGraphError(err)
	if !known {
		a.log.ErrorContext(r.Context(), "meta: request failed", "err", err)
	}
	var body envelope
	body.Error.Message = e.message
	body.Error.Type = e.kind
	body.Error.Code = e.code
	body.Error.Subcode = e.subcode
	body.Error.Transient = e.transient
	body.Error.TraceID = w.Header().Get("X-Fb-Trace-Id")
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate",
			fmt.Sprintf(`OAuth "Facebook Platform" "invalid_token" %q`, e.message))
	}
	if e.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	dialect.WriteJSON(w, e.status, body)
}

// newTraceID returns an ID of the form of Graph's fbtrace_id.
func newTraceID() string {
	var b [17]byte
	rand.Read(b[:]) // never fails
	return "A" + base64.RawURLEncoding.EncodeToString(b[:])[:22]
}
