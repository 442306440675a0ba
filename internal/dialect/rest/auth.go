package rest

import (
	"log/slog"
	"net/http"
	"strings"

	"waybill"
	"waybill/internal/dialect"
)

// maxToken bounds the secret of a token, in bytes.
const maxToken = 1024

// authenticate returns the token that r bears.
//
// https://www.rfc-editor.org/rfc/rfc6750
func (a *API) authenticate(r *http.Request) (waybill.Token, error) {
	if token, ok := byOperator(r.Context()); ok {
		return token, nil
	}
	secret, ok := bearer(r.Header)
	if !ok {
		return waybill.Token{}, challenge(http.StatusUnauthorized, "",
			waybill.Errorf(waybill.Unauthenticated, "the header Authorization: Bearer <token> is missing"))
	}
	token, ok := a.opt.Directory.View().BoundToken(secret)
	if !ok || token.Expired(a.opt.Now()) {
		return waybill.Token{}, challenge(http.StatusUnauthorized, `, error="invalid_token"`,
			waybill.Errorf(waybill.Unauthenticated, "the token is unknown or has expired"))
	}
	dialect.SetLogAttr(r.Context(), slog.String("account", token.Account), slog.String("token_name", token.Name))
	return token, nil
}

// bearer returns the secret in the Authorization header.
func bearer(h http.Header) (string, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, secret, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	secret = strings.TrimSpace(secret)
	return secret, strings.EqualFold(scheme, "Bearer") && secret != "" && len(secret) <= maxToken
}

// authorize returns Denied unless t may call rt. The scope admin stands for all.
func authorize(t *waybill.Token, rt *route) error {
	switch {
	case rt.operator && !t.Operator():
		return challenge(http.StatusForbidden, `, error="insufficient_scope", scope="admin"`,
			waybill.Errorf(waybill.Denied, "the call needs the operator's token, which has the scope admin and no account"))
	case rt.scope != "" && !t.Has(rt.scope) && !t.Has(waybill.ScopeAdmin):
		return challenge(http.StatusForbidden, `, error="insufficient_scope", scope="`+rt.scope+`"`,
			waybill.Errorf(waybill.Denied, "the token needs the scope %s", rt.scope))
	}
	return nil
}

func challenge(status int, parameters string, err error) error {
	return &refusal{
		status: status, error: err,
		header: "WWW-Authenticate", value: `Bearer realm="waybill"` + parameters,
	}
}
