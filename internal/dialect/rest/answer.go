package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
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

// writeAnswer is the only place where a success becomes an answer. An error comes
// back if another answer can still be given.
func writeAnswer(w http.ResponseWriter, c *call, answer any) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if c.route.method == http.MethodGet {
		h.Set("Cache-Control", "private, no-cache") // kept, but asked about
	}
	if !c.route.answers() {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	s := &sending{w: w, call: c}
	return s.finish(s.write(answer))
}

func (s *sending) write(answer any) error {
	if t, ok := answer.(tabular); ok {
		h := s.w.Header()
		h.Set("Vary", "Accept, Authorization")
		if s.call.format != "" {
			return s.writeTable(t)
		}
	}
	switch answer := answer.(type) {
	case streamer:
		return answer.stream(s)
	case json.RawMessage:
		_, err := s.Write(answer)
		return err
	}
	e := json.NewEncoder(&s.held)
	e.SetEscapeHTML(false)
	err := e.Encode(answer)
	s.held.Truncate(max(0, s.held.Len()-1)) // the line break
	return err
}

// A sending is an answer on its way.
type sending struct {
	w     http.ResponseWriter
	call  *call
	held  bytes.Buffer
	begun bool
}

// Write takes a part of the answer.
func (s *sending) Write(part []byte) (int, error) {
	if !s.begun && s.held.Len()+len(part) <= maxHeld {
		return s.held.Write(part)
	}
	if !s.begun {
		s.begun = true
		s.w.WriteHeader(s.call.success())
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
	s.call.end() // what is left to do is small, but the caller may be slow
	h := s.w.Header()
	if s.call.route.method == http.MethodGet {
		etag := h.Get("ETag") // of the object, where the answer is one
		if etag == "" {
			sum := sha256.Sum256(s.held.Bytes())
			etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
			h.Set("ETag", etag)
		}
		if matches(s.call.Header.Values("If-None-Match"), etag) {
			h.Del("Content-Type")
			s.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	dialect.WriteBody(s.w, s.call.success(), s.held.Bytes())
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
