package alibaba

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"waybill"
	"waybill/internal/dialect"
)

// A format is that of an answer.
type format uint8

const (
	formatJSON format = iota
	formatXML
)

// The SDKs take a body for XML only if its type is exactly this one.
var contentTypes = [...]string{"application/json;charset=utf-8", "text/xml;charset=utf-8"}

// format returns what the caller wants. Without a word on it the older style
// gets XML and the newer one JSON, which its SDKs can't be told to change.
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
func (q *request) format() (format, error) {
	asked, ok := q.params.lookup("Format")
	f, known := parseFormat(asked)
	switch {
	case ok && asked != "" && !known:
		return formatJSON, errFormat
	case asked == "":
		return defaultFormat(q.header, q.style == styleRPC), nil
	}
	return f, nil
}

func parseFormat(name string) (f format, known bool) {
	switch {
	case strings.EqualFold(name, "JSON"):
		return formatJSON, true
	case strings.EqualFold(name, "XML"):
		return formatXML, true
	}
	return formatJSON, false
}

func defaultFormat(h http.Header, rpc bool) format {
	newer := strings.HasPrefix(h.Get("Authorization"), "ACS3-") || h["X-Acs-Action"] != nil
	if rpc || !newer {
		return formatXML
	}
	return formatJSON
}

// guessFormat is the format of the answer to a request that cannot be taken
// apart.
func guessFormat(r *http.Request) format {
	query := r.URL.Query() // as much of it as can be read
	if f, known := parseFormat(query.Get("Format")); known {
		return f
	}
	return defaultFormat(r.Header, query.Has("Signature"))
}

// An encoder writes the answer to one request. Nothing else does.
type encoder struct {
	w      http.ResponseWriter
	ctx    context.Context //nolint:containedctx // as short-lived as the request
	id     string          // of the request, in upper case
	host   string          // as the caller named it
	format format
}

// newEncoder returns an encoder that has a new ID for the request. It is logged,
// so that who complains about an answer can be helped.
func newEncoder(w http.ResponseWriter, r *http.Request) *encoder {
	e := &encoder{w: w, ctx: r.Context(), id: newRequestID(), host: r.Host, format: guessFormat(r)}
	dialect.SetLogAttr(e.ctx, slog.String("acs_request_id", e.id))
	return e
}

// newRequestID returns a random UUID as the vendor writes it.
func newRequestID() string {
	var b [16]byte
	for i := 0; i < len(b); i += 8 {
		n := rand.Uint64()
		for j := range 8 {
			b[i+j] = byte(n >> (8 * j))
		}
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[:], b[:4])
	for i, from := range [...]int{4, 6, 8, 10} {
		at := 8 + 5*i
		text[at] = '-'
		hex.Encode(text[at+1:], b[from:min(from+2+i/3*4, 16)])
	}
	return strings.ToUpper(string(text[:]))
}

// answer writes what an operation returned.
func (e *encoder) answer(action string, body any) {
	e.write(http.StatusOK, action+"Response", body)
}

// A failure is the body of an error.
type failure struct {
	RequestID          string `json:"RequestId" xml:"RequestId"`
	HostID             string `json:"HostId" xml:"HostId"`
	Code               string
	Message            string
	AccessDeniedDetail *accessDenied `json:",omitempty"`
}

// fail writes an error. reason is what it was made from.
func (e *encoder) fail(v *vendorError, reason error) {
	body := failure{RequestID: e.id, HostID: e.host, Code: v.code, Message: v.message}
	if d, ok := errors.AsType[*denial](reason); ok {
		body.AccessDeniedDetail = d.tell(e.id)
	}
	if v.retryAfter > 0 {
		e.w.Header().Set("X-Acs-Retry-After", retryAfter)
	}
	dialect.SetLogAttr(e.ctx, slog.String("err", v.code))
	e.write(v.status, "Error", body)
}

// retryAfter is the same after all errors that pass. It is meant in milliseconds
// and most SDKs of 2025 wait so many seconds.
const retryAfter = "1"

func (e *encoder) write(status int, root string, body any) {
	text, err := e.encode(root, body)
	if err != nil {
		dialect.SetLogAttr(e.ctx, slog.Any("encode_err", err))
		status, text = http.StatusInternalServerError, nil
	}
	h := e.w.Header()
	h.Set("X-Acs-Request-Id", e.id)
	h.Set("Content-Type", contentTypes[e.format])
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	e.w.WriteHeader(status)
	_, _ = e.w.Write(text) // fails when the caller is gone, who can't be told
}

func (e *encoder) encode(root string, body any) ([]byte, error) {
	var b bytes.Buffer
	if e.format == formatXML {
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
		err := xml.NewEncoder(&b).EncodeElement(body, xml.StartElement{Name: xml.Name{Local: root}})
		return b.Bytes(), err
	}
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(body)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// vendorError returns the error that the caller gets for err.
func (a *API) vendorError(ctx context.Context, err error) *vendorError {
	if v, ok := errors.AsType[*vendorError](err); ok {
		return v
	}
	var told error
	known, _ := errors.AsType[*waybill.Error](err)
	switch waybill.CodeOf(err) {
	case waybill.Invalid, waybill.TooLarge:
		told = errParameters(known.Message)
	case waybill.Unavailable:
		told = errUnavailable(known.RetryAfter)
	default:
		if ctx.Err() == nil { // else the caller has gone
			a.log.ErrorContext(ctx, "alibaba: call failed", "err", err)
		}
		told = errInternal
	}
	v, _ := errors.AsType[*vendorError](told)
	return v
}
