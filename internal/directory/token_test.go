package directory_test

import (
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

func TestIssueToken(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	mustApply(t, d, acme, directory.ApplyOptions{})
	want := waybill.Token{
		Name: "ops", Account: "1234567890123456", Scopes: []string{waybill.ScopeEventsWrite},
		Channels: []string{"130035"}, Expires: start.Add(time.Hour + time.Millisecond),
	}
	secret, err := d.IssueToken(t.Context(), want)
	if err != nil || !strings.HasPrefix(secret, "wb_") || len(secret) != 3+43 {
		t.Fatalf("IssueToken = %q, %v", secret, err)
	}
	other, err := d.IssueToken(t.Context(), waybill.Token{Name: "ops", Scopes: []string{waybill.ScopeAdmin}})
	if err != nil || other == secret {
		t.Fatalf("the operator's token: %q, %v", other, err)
	}
	for _, d := range []*directory.Directory{d, mustOpen(t, store)} {
		got, ok := d.View().Token(secret)
		if !ok || got.Name != "ops" || got.Account != want.Account || got.Operator() ||
			!got.Expires.Equal(start.Add(time.Hour)) || !got.Expired(start.Add(time.Hour)) || got.Expired(start) {
			t.Errorf("the token is %+v, %t", got, ok)
		}
		if got, ok := d.View().Token(other); !ok || !got.Operator() {
			t.Errorf("the operator's token is %+v, %t", got, ok)
		}
		for _, wrong := range []string{"", "wb_", secret[3:], secret + "a", strings.ToLower(secret)} {
			if got, ok := d.View().Token(wrong); ok {
				t.Errorf("%q is token %+v", wrong, got)
			}
		}
	}
	if err := d.RevokeToken(t.Context(), want.Account, "ops"); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.View().Token(secret); ok {
		t.Error("a revoked token is still good")
	}
	if _, ok := d.View().Token(other); !ok {
		t.Error("the operator's token of that name is gone too")
	}
	wantError(t, d.RevokeToken(t.Context(), want.Account, "ops"), waybill.NotFound, `token "ops" does not exist`)
}

func TestIssueTokenRefuses(t *testing.T) {
	admin := []string{waybill.ScopeAdmin}
	tests := []struct {
		name  string
		token waybill.Token
		code  waybill.Code
		want  string
	}{
		{"a name that is taken", waybill.Token{Name: "dashboard", Account: "1234567890123456", Scopes: admin}, waybill.Conflict, `token "dashboard" exists already`},
		{"no name", waybill.Token{Scopes: admin}, waybill.Invalid, `token has no name`},
		{"a name with a line break", waybill.Token{Name: "a\nb", Scopes: admin}, waybill.Invalid, `holds a control character`},
		{"no scopes", waybill.Token{Name: "x"}, waybill.Invalid, "no scopes"},
		{"an unknown scope", waybill.Token{Name: "x", Scopes: []string{"root"}}, waybill.Invalid, `scope "root" is unknown`},
		{"an unknown account", waybill.Token{Name: "x", Account: "1", Scopes: admin}, waybill.Invalid, `account "1" does not exist`},
		{"an unknown app", waybill.Token{Name: "x", App: "1", Scopes: admin}, waybill.Invalid, `app "1" does not exist`},
		{"an unknown channel", waybill.Token{Name: "x", Channels: []string{"1"}, Scopes: admin}, waybill.Invalid, `channel "1" does not exist`},
		{"another's channel", waybill.Token{Name: "x", Account: "6543210987654321", Channels: []string{"130035"}, Scopes: admin}, waybill.Invalid, `channel "130035" does not exist`},
	}
	store := storetest.NewModel()
	d := mustOpen(t, store)
	mustApply(t, d, acme, directory.ApplyOptions{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.IssueToken(t.Context(), tt.token)
			wantError(t, err, tt.code, tt.want)
		})
	}
}
