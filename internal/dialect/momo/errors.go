package momo

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"waybill"
	"waybill/internal/dialect"
)

// A text is a message in both languages of the vendor.
type text struct{ vi, en string }

// format fills the verbs of both.
func (t text) format(args ...any) text {
	return text{fmt.Sprintf(t.vi, args...), fmt.Sprintf(t.en, args...)}
}

// A callError is an error as a client of the API gets it. MoMo documents no
// errors of this call; codes and texts follow its payment API, the status says
// most.
type callError struct {
	status int
	code   int
	told   text
	allow  string        // the method that is allowed instead
	retry  time.Duration // after which waiting may help; zero where it does not
}

func (e *callError) Error() string { return e.told.en }

// The codes, as MoMo's payment API has them, but for codeUnknownPath.
//
// https://developers.momo.vn/v3/docs/payment/api/result-handling/resultcode/
const (
	codeBusy        = 10
	codeDenied      = 11
	codeAuth        = 13
	codeInvalid     = 20
	codeUnknownPath = 42
	codeInternal    = 99
)

var (
	errUnauthenticated = &callError{
		status: http.StatusUnauthorized, code: codeAuth,
		told: text{"Xác thực thất bại", "Authentication failed"},
	}
	errDenied = &callError{
		status: http.StatusForbidden, code: codeDenied,
		told: text{"Truy cập bị từ chối", "Access denied"},
	}
	errInternal = &callError{
		status: http.StatusInternalServerError, code: codeInternal,
		told: text{"Lỗi hệ thống", "Internal error"},
	}
)

// errMistake is a request with a mistake, which the text tells.
func errMistake(t text) error {
	return &callError{status: http.StatusBadRequest, code: codeInvalid, told: t}
}

// errInvalid is errMistake with a text that has verbs for args.
func errInvalid(t text, args ...any) error { return errMistake(t.format(args...)) }

func errNoSuchCall(path string) error {
	return &callError{
		status: http.StatusNotFound, code: codeUnknownPath,
		told: text{"Không tìm thấy /%.200s", "Nothing is at /%.200s"}.format(strings.ToValidUTF8(path, "?")),
	}
}

func errMethod(method string) error {
	return &callError{
		status: http.StatusMethodNotAllowed, code: codeInvalid, allow: http.MethodPost,
		told: text{"Phương thức %.20q không được hỗ trợ, hãy dùng POST", "Method %.20q is not supported, use POST"}.format(method),
	}
}

func errMediaType(kind string) error {
	return &callError{
		status: http.StatusUnsupportedMediaType, code: codeInvalid,
		told: text{
			"Content-Type %.100q không được hỗ trợ, hãy dùng application/json",
			"Content-Type %.100q is not supported, use application/json",
		}.format(kind),
	}
}

func errTooLarge(limit int) error {
	return &callError{
		status: http.StatusRequestEntityTooLarge, code: codeInvalid,
		told: text{"Nội dung lớn hơn %d byte", "The body has more than %d bytes"}.format(limit),
	}
}

func errTooMany(wait time.Duration) error {
	return &callError{
		status: http.StatusTooManyRequests, code: codeBusy, retry: wait,
		told: text{"Quá nhiều yêu cầu, hãy thử lại sau", "Too many requests, try again later"},
	}
}

func errUnavailable(wait time.Duration) error {
	return &callError{
		status: http.StatusServiceUnavailable, code: codeBusy, retry: max(wait, time.Second),
		told: text{"Hệ thống đang bận, hãy thử lại sau", "The system is busy, try again later"},
	}
}

// A failure is the body of every error. It joins the envelopes that MoMo's APIs
// are known to have, so that clients of any of them see that it failed.
type failure struct {
	JSON        *struct{} `json:"json"` // always null
	Success     bool      `json:"success"`
	Status      int       `json:"status"`
	ResultCode  int       `json:"resultCode"`
	Message     string    `json:"message"`     // in Vietnamese, unless the query asks for language=en
	Description string    `json:"description"` // in English
	RequestID   string    `json:"requestId"`
}

// writeError is the only place where a failure of a call becomes an answer.
func (a *API) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := a.callError(r, err)
	told := e.told
	if e.status == http.StatusBadRequest {
		told = text{"Yêu cầu không hợp lệ: " + told.vi, "Invalid request: " + told.en}
	}
	message := told.vi
	if inEnglish(r) {
		message = told.en
	}
	h := w.Header()
	switch {
	case e.allow != "":
		h.Set("Allow", e.allow)
	case e.status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="momo"`)
	case e.retry > 0:
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retry.Seconds()))))
	}
	dialect.SetLogAttr(r.Context(), slog.String("err", e.told.en))
	dialect.WriteJSON(w, e.status, failure{
		Status: e.code, ResultCode: e.code, Message: message, Description: told.en,
		RequestID: dialect.RequestID(r.Context()),
	})
}

// inEnglish reports whether the caller wants to read English.
func inEnglish(r *http.Request) bool { return strings.EqualFold(r.URL.Query().Get("language"), "en") }

// callError returns the error that the caller gets for err.
func (a *API) callError(r *http.Request, err error) *callError {
	if e, ok := errors.AsType[*callError](err); ok {
		return e
	}
	known, _ := errors.AsType[*waybill.Error](err)
	var told error = errInternal
	switch waybill.CodeOf(err) {
	case waybill.Invalid:
		told = errMistake(text{known.Message, known.Message})
	case waybill.TooLarge:
		told = errTooLarge(maxCallBytes)
	case waybill.Unavailable:
		told = errUnavailable(known.RetryAfter)
	default:
		if r.Context().Err() == nil { // else the caller has gone
			a.log.ErrorContext(r.Context(), "momo: call failed", "err", err)
		}
	}
	e, _ := errors.AsType[*callError](told)
	return e
}
