package dialect_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"waybill/internal/dialect"
)

func TestWriteJSON(t *testing.T) {
	tests := []struct {
		name, contentType string
		status            int
		value             any
		body, want        string
	}{
		{"an object, as it is", "", 200, map[string]any{"a": "<b>&c"}, `{"a":"<b>&c"}`, "application/json; charset=utf-8"},
		{"another status", "", 503, []int{1}, `[1]`, "application/json; charset=utf-8"},
		{"a type that was chosen", "text/javascript; charset=UTF-8", 200, "x", `"x"`, "text/javascript; charset=UTF-8"},
		{"nothing", "", 200, nil, `null`, "application/json; charset=utf-8"},
		{"a newline of the value's own", "", 200, "x\n", `"x\n"`, "application/json; charset=utf-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if tt.contentType != "" {
				w.Header().Set("Content-Type", tt.contentType)
			}
			dialect.WriteJSON(w, tt.status, tt.value)
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, tt.status, tt.body)
			}
			if got := w.Header().Get("Content-Type"); got != tt.want {
				t.Errorf("Content-Type %q, want %q", got, tt.want)
			}
			if got := w.Header().Get("Content-Length"); got != strconv.Itoa(len(tt.body)) {
				t.Errorf("Content-Length %s of %d bytes", got, len(tt.body))
			}
		})
	}
}

// A logged is a writer that takes attributes, as the server's does.
type logged struct {
	*httptest.ResponseRecorder
	scope *dialect.Scope
}

func (l logged) SetLogAttr(attrs ...slog.Attr) { l.scope.SetLogAttr(attrs...) }

func TestWriteJSONOfWhatHasNone(t *testing.T) {
	w := logged{httptest.NewRecorder(), dialect.NewScope(t.Context(), "r-1")}
	dialect.WriteJSON(w, http.StatusOK, map[string]any{"rate": math.NaN()})
	if w.Code != http.StatusInternalServerError || bytes.Contains(w.Body.Bytes(), []byte("NaN")) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if attrs := w.scope.AppendAttrs(nil); len(attrs) != 1 || attrs[0].Key != "encode_err" {
		t.Errorf("attributes %v", attrs)
	}
}

func TestScope(t *testing.T) {
	type key struct{}
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	scope := dialect.NewScope(parent, "r-1")
	ctx, stop := context.WithCancel(scope)
	defer stop()

	if dialect.RequestID(ctx) != "r-1" || ctx.Value(key{}) != "kept" {
		t.Errorf("ID %q, value %v", dialect.RequestID(ctx), ctx.Value(key{}))
	}
	dialect.SetLogAttr(ctx, slog.String("operation", "a"), slog.Int("events", 1))
	dialect.SetLogAttr(ctx, slog.String("operation", "b"))
	attrs := scope.AppendAttrs(nil)
	if len(attrs) != 2 || attrs[0].Value.String() != "b" || attrs[1].Key != "events" {
		t.Errorf("attributes %v", attrs)
	}
	cancel()
	if ctx.Err() == nil {
		t.Error("the end of the parent does not reach a context below")
	}
}

func TestOutsideOfARequest(t *testing.T) {
	if id := dialect.RequestID(t.Context()); id != "" {
		t.Errorf("ID %q", id)
	}
	dialect.SetLogAttr(t.Context(), slog.Int("x", 1)) // does nothing
}
