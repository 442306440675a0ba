package dialect

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
)

// WriteJSON answers with v in JSON: the bytes of the value alone, no newline
// after it, and <, > and & as they are. A Content-Type that is already set
// stays. A value that has no JSON becomes a 500 without details; the access log
// names the reason.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		if s, ok := w.(interface{ SetLogAttr(...slog.Attr) }); ok {
			s.SetLogAttr(slog.Any("encode_err", err))
		}
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"error":"internal error"}`)
	}
	WriteBody(w, status, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// WriteBody answers with a body as it is, which is JSON unless the Content-Type
// that is set says otherwise.
func WriteBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	if h["Content-Type"] == nil {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails when the caller is gone, who can't be told
}
