package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"waybill"
	"waybill/internal/dialect"
)

// A problem is the answer to a call that failed.
//
// https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Type      string   `json:"type" format:"uri" doc:"Always about:blank: the status says what sort of failure it is." example:"about:blank"`
	Title     string   `json:"title" doc:"The name of the status." example:"Bad Request"`
	Status    int      `json:"status" minimum:"400" maximum:"599" doc:"The status of the answer." example:"400"`
	Detail    string   `json:"detail" doc:"What was wrong with which value." example:"parameter from is missing"`
	RequestID string   `json:"request_id,omitempty" doc:"ID of the request, which the server's log has too." example:"01JD3Z5Q"`
	Mistakes  []string `json:"mistakes,omitempty" doc:"All mistakes of a document, one each."`
}

// A refusal is an error that needs more than the status of its code.
type refusal struct {
	error
	status   int
	header   string // a header of the answer, if any
	value    string // of that header
	mistakes []string
}

func (r *refusal) Unwrap() error { return r.error }

// statusOf returns the HTTP status of a code.
func statusOf(code waybill.Code) int {
	switch code {
	case waybill.Invalid:
		return http.StatusBadRequest
	case waybill.Unauthenticated:
		return http.StatusUnauthorized
	case waybill.Denied:
		return http.StatusForbidden
	case waybill.NotFound:
		return http.StatusNotFound
	case waybill.Conflict:
		return http.StatusConflict
	case waybill.TooLarge:
		return http.StatusRequestEntityTooLarge
	case waybill.RateLimited:
		return http.StatusTooManyRequests
	case waybill.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// writeError is the only place where a failure becomes an answer. What is no
// waybill.Error is logged and not told.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		err = &waybill.Error{
			Code: waybill.Unavailable, RetryAfter: time.Second,
			Message: "the call was given up before its result was certain",
		}
	}
	p := problem{
		Type: "about:blank", Status: statusOf(waybill.CodeOf(err)),
		Detail: "internal error", RequestID: dialect.RequestID(r.Context()),
	}
	e, told := errors.AsType[*waybill.Error](err)
	switch {
	case told && e.Code != waybill.Internal:
		p.Detail = e.Message
		if e.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
		}
	default:
		a.opt.Log.ErrorContext(r.Context(), "call failed", "request_id", p.RequestID, "err", err)
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		p.Status, p.Mistakes = refused.status, refused.mistakes
		if refused.header != "" {
			w.Header().Set(refused.header, refused.value)
		}
	}
	if p.Status != http.StatusBadRequest || r.Method == http.MethodGet { // else it may quote the body
		dialect.SetLogAttr(r.Context(), slog.String("err", p.Detail))
	}
	p.Title = http.StatusText(p.Status)
	w.Header().Del("ETag") // of an object that is not answered
	w.Header().Del("Content-Disposition")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/problem+json")
	dialect.WriteJSON(w, p.Status, p)
}

// cut returns a caller's text for use in a message: quoted where it needs to be,
// and short.
func cut(text string) string { return fmt.Sprintf("%.100q", text) }
