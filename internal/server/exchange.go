package server

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"waybill/internal/dialect"
)

// An exchange is one request and its answer, as far as it got. It is the
// ResponseWriter that handlers see.
type exchange struct {
	http.ResponseWriter

	scope   *dialect.Scope
	server  *Server
	request *http.Request
	body    body
	start   time.Time
	dialect string
	status  int  // 0 until the head of the answer is written
	late    bool // the caller had hung up by then
	bytes   int64
}

// ServeHTTP answers one request of the public listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(r.Header)
	x := &exchange{
		ResponseWriter: w, scope: dialect.NewScope(r.Context(), id), server: s,
		start: time.Now(), dialect: "none",
	}
	x.scope.Budget, x.scope.Proxies = s.bodies, *s.proxies.Load()
	defer x.scope.Release()
	x.request = r.WithContext(x.scope)
	x.boundBody()
	h := w.Header()
	values := []string{id, "nosniff"}
	h["X-Request-Id"] = values[:1:1]
	h["X-Content-Type-Options"] = values[1:]
	defer x.end()
	x.serve()
}

func (x *exchange) serve() {
	routes := x.server.routes.Load()
	if routes == nil {
		x.Header().Set("Retry-After", "1")
		writeProblem(x, x.scope.ID(), http.StatusServiceUnavailable, "Waybill is starting", nil)
		return
	}
	d := routes.choose(x.request)
	if d == nil {
		writeProblem(x, x.scope.ID(), http.StatusNotFound, "nothing answers at this path", routes.places)
		return
	}
	x.dialect = d.Name()
	d.ServeHTTP(x, x.request)
}

// end must be deferred: it also deals with a panic of the handler.
func (x *exchange) end() {
	failure := recover()
	if failure == nil {
		x.finish(x.outcome())
		return
	}
	outcome := "aborted"
	if err, ok := failure.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		if x.hungUp() {
			outcome = "gone"
		}
	} else {
		x.logPanic(failure)
		if x.status == 0 {
			x.answerPanic()
			x.finish("failed")
			return
		}
	}
	x.finish(outcome)
	// An answer that was begun must not look whole. This is net/http's way of
	// breaking it off: https://pkg.go.dev/net/http#ErrAbortHandler
	panic(http.ErrAbortHandler)
}

func (x *exchange) logPanic(failure any) {
	x.server.log.LogAttrs(x.scope, slog.LevelError, "panic",
		slog.String("request_id", x.scope.ID()), slog.String("dialect", x.dialect),
		slog.String("panic", fmt.Sprint(failure)), slog.String("stack", string(debug.Stack())))
}

// answerPanic drops the headers of the answer that was not given: they speak of
// a body that does not come.
func (x *exchange) answerPanic() {
	h := x.Header()
	for name := range h {
		if name != "X-Request-Id" && name != "X-Content-Type-Options" {
			delete(h, name)
		}
	}
	writeProblem(x, x.scope.ID(), http.StatusInternalServerError, "internal error", nil)
}

// outcome sums up the answer in one word, for metrics.
func (x *exchange) outcome() string {
	switch {
	case x.late, x.status == 0 && x.hungUp():
		return "gone"
	case x.status >= 500:
		return "failed"
	case x.status >= 400:
		return "refused"
	}
	return "ok"
}

// hungUp reports whether the caller has closed the connection. A request that a
// stop cuts off looks the same, and is our doing.
func (x *exchange) hungUp() bool {
	return x.scope.Err() != nil && !x.server.cutOff.Load()
}

// finish counts and logs the request.
func (x *exchange) finish(outcome string) {
	took := time.Since(x.start)
	var room [8]slog.Attr // which is enough, and no garbage
	attrs := x.scope.AppendAttrs(room[:0])
	operation := ""
	for _, a := range attrs {
		if a.Key == "operation" {
			operation = a.Value.String()
		}
	}
	x.server.opt.Metrics.Request(x.dialect, operation, outcome, took)
	x.server.logAccess(x, attrs, outcome, took)
}

// SetLogAttr adds attributes to the line of the access log.
func (x *exchange) SetLogAttr(attrs ...slog.Attr) { x.scope.SetLogAttr(attrs...) }

// begin notes what the head of the answer says.
func (x *exchange) begin(status int) {
	x.status = status
	x.late = x.hungUp()
	if x.lastOnConnection() {
		x.Header().Set("Connection", "close")
	}
}

// lastOnConnection reports whether the connection ends with the answer.
func (x *exchange) lastOnConnection() bool {
	switch {
	case x.request.ProtoMajor >= 2:
		return false // others share it
	case len(x.request.TransferEncoding) > 0:
		// A body in chunks may have had a length, too, which net/http drops. A
		// proxy may have gone by that, and take what follows the chunks for
		// part of this request: nothing may follow.
		//
		// https://www.rfc-editor.org/rfc/rfc9112#section-6.1-15
		return true
	}
	// Else net/http would wait for some of a body that nobody wants, which may
	// never come, before it sends the answer.
	return x.body.unread && x.status >= 400
}

// WriteHeader notes the status and passes it on.
func (x *exchange) WriteHeader(status int) {
	// A status of 1xx comes before the answer, save for a switch of protocol.
	if x.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		x.begin(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes and passes them on.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// Flush sends what was written so far.
func (x *exchange) Flush() {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	_ = http.NewResponseController(x.ResponseWriter).Flush() // a writer without it has no buffer
}

// Unwrap lets an http.ResponseController find the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// requestID returns the caller's ID of a request if it is sane, else that of the
// caller's trace, else a random one, which looks like one of a trace. IDs are no
// secrets.
func requestID(h http.Header) string {
	// net/http has made X-Request-ID and the like into this spelling.
	if v := h["X-Request-Id"]; len(v) == 1 && saneID(v[0]) {
		return v[0]
	}
	if v := h["Traceparent"]; len(v) == 1 {
		if id, ok := traceID(v[0]); ok {
			return id
		}
	}
	var b [16]byte
	for i := 0; i < len(b); i += 8 {
		n := rand.Uint64()
		for j := range 8 {
			b[i+j] = byte(n >> (8 * j))
		}
	}
	return hex.EncodeToString(b[:])
}

// traceID returns the ID of the trace that a header speaks of:
//
//	version "-" trace-id "-" parent-id "-" flags
//
// in lower case. A version after 00 may have more behind that.
//
// https://www.w3.org/TR/trace-context/#traceparent-header
func traceID(header string) (id string, ok bool) {
	const noTrace, noParent = "00000000000000000000000000000000", "0000000000000000"
	if len(header) < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return "", false
	}
	version, id, parent, flags := header[:2], header[3:35], header[36:52], header[53:55]
	switch rest := header[55:]; {
	case version == "ff", version == "00" && rest != "", rest != "" && rest[0] != '-':
		return "", false
	case id == noTrace, parent == noParent, !lowerHex(version), !lowerHex(id), !lowerHex(parent), !lowerHex(flags):
		return "", false
	}
	return id, true
}

func lowerHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func saneID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
