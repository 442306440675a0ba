package rest

import (
	"net/http/httptest"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/event"
	"waybill/internal/store/storetest"
)

// Only those with a token get at the memory for bodies, and what is made of a
// body is counted with it.
func TestBodiesDrawOnTheBudget(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	lines := strings.Repeat("{}\n", 1000)
	tests := []struct {
		name, token, path string
		status            int
		atLeast, atMost   int64
	}{
		{"a stranger", "", "/waybill/v1/events", 401, 0, 0},
		{"a wrong token", "token-none", "/waybill/v1/events", 401, 0, 0},
		{"events", "token-one", "/waybill/v1/events", 200, 400_000, 1_000_000},
		{"segments", "token-one", segmentsOf, 200, 3000, 8000},
		{"an operator's document", f.operator, "/waybill/v1/directory", 422, 3000, 4000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			budget := dialect.NewBudget(8 << 20)
			r := httptest.NewRequest("POST", tt.path, strings.NewReader(lines))
			scope := dialect.NewScope(r.Context(), "r-1")
			scope.Budget = budget
			r.Header.Set("Authorization", "Bearer "+tt.token)
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r.WithContext(scope))
			all, strangers := budget.Held()
			if w.Code != tt.status || strangers != 0 || all < tt.atLeast || all > tt.atMost {
				t.Errorf("answered %d %.200s, %d bytes are held, %d by strangers", w.Code, w.Body, all, strangers)
			}
		})
	}
}

func TestEventsThatHaveNoRoom(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for name, limit := range map[string]int64{"not even the text": 1000, "the text, not the events": 10_000} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/waybill/v1/events", strings.NewReader(strings.Repeat("{}\n", 1000)))
			scope := dialect.NewScope(r.Context(), "r-1")
			scope.Budget = dialect.NewBudget(limit)
			r.Header.Set("Authorization", "Bearer token-one")
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r.WithContext(scope))
			if w.Code != statusOf(waybill.TooLarge) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
}

// The largest body that is taken fits into the budget that a server has by
// default.
func TestProbableBytes(t *testing.T) {
	for _, tt := range []struct {
		name, encoding string
		length, want   int64
	}{
		{"an unknown length", "", -1, 0},
		{"a small body", "", 1000, 5000},
		{"a compressed one", "gzip", 1000, 80_000},
		{"the largest", "", event.MaxBody, event.MaxMemory(event.MaxBody)},
		{"one that is far too large", "zstd", 1 << 60, event.MaxMemory(event.MaxBody)},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.ContentLength = tt.length
		if tt.encoding != "" {
			r.Header.Set("Content-Encoding", tt.encoding)
		}
		if got := probableBytes(r); got != tt.want || got > 256<<20 {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
