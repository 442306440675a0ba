package rest

import (
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"waybill/internal/dialect"
	"waybill/internal/store/storetest"
)

// The access log says why a call was refused, but not what a body had in it.
func TestReasonInTheAccessLog(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for _, tt := range []struct{ method, path, token, body, want string }{
		{"GET", "/waybill/v1/metrics?last=7d", "", "", "the header Authorization: Bearer <token> is missing"},
		{"GET", "/waybill/v1/metrics?last=7", "token-one", "", `last "7" is not a number of hours or days, such as 24h or 7d`},
		{"GET", "/waybill/v1/version", "token-one", "", ""},
		{"POST", "/waybill/v1/events", "token-one", "[private", ""},
	} {
		scope := dialect.NewScope(t.Context(), "request-1")
		r := httptest.NewRequestWithContext(scope, tt.method, tt.path, strings.NewReader(tt.body))
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		f.ServeHTTP(httptest.NewRecorder(), r)
		got := ""
		if i := slices.IndexFunc(scope.AppendAttrs(nil), func(a slog.Attr) bool { return a.Key == "err" }); i >= 0 {
			got = scope.AppendAttrs(nil)[i].Value.String()
		}
		if got != tt.want {
			t.Errorf("%s %s has the reason %q, want %q", tt.method, tt.path, got, tt.want)
		}
	}
}
