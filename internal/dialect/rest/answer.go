package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"waybill/internal/dialect"
)

// maxHeld is how much of an answer is held before it is sent, in bytes. What fits
// gets an ETag and a length; what does not is streamed as it is made, so that the
// memory for it stays bounded.
const maxHeld = 1 << 20

// A streamer is an answer that writes itself, of any length.
type streamer interface {
	stream(w io.Writer) error
}

// An encoded answer writes itself in a format other than JSON.
type encoded struct {
	contentType string
	write       func(w io.Writer) error
}

// writeAnswer is the only place where a success becomes an answer.
func (a *API) writeAnswer(w http.ResponseWriter, r *http.Request, rt *route, answer any) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if rt.method == http.MethodGet {
		h.Set("Cache-Control", "private, no-cache") // kept, but asked about
	}
	if !rt.answers() {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	s := &sending{w: w, r: r, status: max(rt.status, http.StatusOK), tagged: rt.method == http.MethodGet}
	h.Set("Content-Type", "application/json; charset=utf-8")
	switch answer := answer.(type) {
	case encoded:
		h.Set("Content-Type", answer.contentType)
		return s.finish(answer.write(s))
	case streamer:
		return s.finish(answer.stream(s))
	case json.RawMessage:
		s.held.Write(answer)
		return s.finish(nil)
	}
	e := json.NewEncoder(&s.held)
	e.SetEscapeHTML(false)
	err := e.Encode(answer)
	s.held.Truncate(max(0, s.held.Len()-1)) // the line break
	return s.finish(err)
}

// A sending is an answer on its way.
type sending struct {
	w      http.ResponseWriter
	r      *http.Request
	status int
	tagged bool // gets an ETag
	held   bytes.Buffer
	begun  bool
}

// Write takes a part of the answer.
func (s *sending) Write(part []byte) (int, error) {
	if !s.begun && s.held.Len()+len(part) <= maxHeld {
		return s.held.Write(part)
	}
	if !s.begun {
		s.begun = true
		s.w.WriteHeader(s.status)
		if _, err := s.w.Write(s.held.Bytes()); err != nil {
			return 0, err
		}
		s.held = bytes.Buffer{}
	}
	return s.w.Write(part)
}

// finish ends the answer. An error comes back if the answer has not begun; then
// another can be given. If it has, the connection is broken off, so that nobody
// takes a part for the whole.
func (s *sending) finish(err error) error {
	switch {
	case err != nil && s.begun:
		panic(http.ErrAbortHandler)
	case err != nil:
		return err
	case s.begun:
		return nil
	}
	h := s.w.Header()
	if s.tagged {
		etag := h.Get("ETag") // of the object, where the answer is one
		if etag == "" {
			sum := sha256.Sum256(s.held.Bytes())
			etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
			h.Set("ETag", etag)
		}
		if matches(s.r.Header.Values("If-None-Match"), etag) {
			h.Del("Content-Type")
			s.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	h.Set("Content-Length", strconv.Itoa(s.held.Len()))
	dialect.WriteBody(s.w, s.status, s.held.Bytes())
	return nil
}

// matches reports whether If-None-Match names an ETag.
//
// https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
func matches(header []string, etag string) bool {
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}
