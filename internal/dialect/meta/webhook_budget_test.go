package meta

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"waybill/internal/dialect"
)

// A body for an app that does not exist would only take memory from others.
func TestBodyForAnUnknownAppIsNotRead(t *testing.T) {
	b := newBench(t)
	for path, want := range map[string]bool{"/webhooks/meta/71": true, "/webhooks/meta/79": false, "/webhooks/meta": false} {
		r := request(path, "guess", []byte(oneStatus))
		body := &watched{ReadCloser: r.Body}
		r.Body = body
		if w := b.do(r); w.Code != 401 || body.read != want {
			t.Errorf("%s is answered %d, body read %t, want %t", path, w.Code, body.read, want)
		}
	}
}

// A body that is announced too large is refused before anything else is known.
func TestBodyAnnouncedTooLargeIsNotRead(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/webhooks/meta/71", "/webhooks/meta/79"} {
		r := request(path, "lucky-new", []byte(oneStatus))
		body := &watched{ReadCloser: r.Body}
		r.Body, r.ContentLength = body, maxWebhookBytes+1
		if w := b.do(r); w.Code != 413 || body.read {
			t.Errorf("%s is answered %d, body read %t", path, w.Code, body.read)
		}
	}
}

// A watched body notes whether it was read.
type watched struct {
	io.ReadCloser
	read bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.read = true
	return w.ReadCloser.Read(p)
}

// Once the signature is found good, the body counts no longer as a stranger's,
// and what it is decoded to is counted, too.
func TestOnlySignedWebhooksAreTrusted(t *testing.T) {
	b := newBench(t)
	for secret, trusted := range map[string]bool{"lucky-new": true, "guess": false} {
		budget := dialect.NewBudget(8 << 20)
		r := request("/webhooks/meta/71", secret, []byte(oneStatus))
		scope := dialect.NewScope(r.Context(), "r-1")
		scope.Budget = budget
		b.do(r.WithContext(scope))
		all, strangers := budget.Held()
		if (strangers == 0) != trusted || (all > decodedPerByte*int64(len(oneStatus))) != trusted {
			t.Errorf("signed with %s, %d bytes are held, %d of them by strangers", secret, all, strangers)
		}
		scope.Release()
	}
}

// Where there is no room for a body, Meta is told to send it again.
func TestNoRoomForABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := dialect.NewBudget(8 << 20)
		other := dialect.NewScope(t.Context(), "r-1")
		other.Budget = budget
		dialect.Trust(other)
		if err := dialect.Hold(other, 8<<20); err != nil {
			t.Fatal(err)
		}
		b := newBench(t)
		r := request("/webhooks/meta/71", "lucky-new", []byte(oneStatus))
		scope := dialect.NewScope(r.Context(), "r-2")
		scope.Budget = budget
		w := b.do(r.WithContext(scope))
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "take all the memory") {
			t.Errorf("answered %d %v %s", w.Code, w.Header(), w.Body)
		}
	})
}
