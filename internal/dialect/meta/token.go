package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"waybill"
	"waybill/internal/directory"
)

// The permissions that reading analytics needs. Meta's reference page of the
// analytics field lists both.
const (
	scopeManagement = "whatsapp_business_management"
	scopeMessaging  = "whatsapp_business_messaging"
)

// secret returns the access token that the call carries. Where it carries
// several, the parameter wins over the header, as on Graph.
//
// https://developers.facebook.com/docs/facebook-login/guides/access-tokens
func (c *call) secret() string {
	if secret := c.params.value("access_token"); secret != "" {
		return secret
	}
	return c.bearer
}

// authenticate returns the token of a call.
func (a *API) authenticate(view *directory.View, c *call) (waybill.Token, error) {
	secret := c.secret()
	if secret == "" {
		return waybill.Token{}, &graphError{
			status: http.StatusBadRequest, code: 104, kind: typeOAuth,
			message: "An access token is required to request this resource.",
		}
	}
	token, ok := view.Token(secret)
	if !ok {
		return waybill.Token{}, errToken(0, "Invalid OAuth access token - Cannot parse access token")
	}
	if message := a.expiry(token); message != "" {
		return waybill.Token{}, errToken(463, message)
	}
	if proof := c.params.value("appsecret_proof"); c.params.has("appsecret_proof") && !validProof(view, token, secret, proof) {
		return waybill.Token{}, &graphError{
			status: http.StatusBadRequest, code: 100, kind: typeMethod,
			message: "Invalid appsecret_proof provided in the API argument",
		}
	}
	return token, nil
}

// expiry says that a token has expired, nothing where it has not.
func (a *API) expiry(token waybill.Token) string {
	now := a.now()
	if !token.Expired(now) {
		return ""
	}
	const layout = "Monday, 02-Jan-06 15:04:05 MST"
	return "Error validating access token: Session has expired on " + token.Expires.UTC().Format(layout) +
		". The current time is " + now.UTC().Format(layout) + "."
}

func bearer(r *http.Request) string {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// validProof reports whether proof is the HMAC of the access token under one of
// the secrets of the token's app. A token of no app has no valid proof.
//
// https://developers.facebook.com/docs/graph-api/guides/secure-requests
func validProof(view *directory.View, token waybill.Token, secret, proof string) bool {
	given, err := hex.DecodeString(proof)
	app, ok := view.App(token.App)
	if err != nil || !ok {
		return false
	}
	valid := false
	for _, key := range app.Secrets {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(secret))
		valid = hmac.Equal(mac.Sum(nil), given) || valid
	}
	return valid
}

// require returns the error that names the first permission that token lacks.
func require(token waybill.Token, scopes ...string) error {
	for _, scope := range scopes {
		if !token.Has(scope) {
			return errPermission(scope)
		}
	}
	return nil
}
