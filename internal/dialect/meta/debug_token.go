package meta

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"log/slog"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/meta/fields"
	"waybill/internal/directory"
)

const debugTokenPath = "debug_token"

// debugShape has the parts that the description of a token can have.
var debugShape = &shape{"DebugToken", map[string]*shape{
	"app_id": nil, "type": nil, "application": nil, "data_access_expires_at": nil,
	"error": flat("DebugTokenError", "code", "message", "subcode"), "expires_at": nil, "is_valid": nil,
	"issued_at": nil, "metadata": nil, "profile_id": nil, "scopes": nil,
	"granular_scopes": flat("DebugTokenGranularScope", "scope", "target_ids"), "user_id": nil,
}}

// debugToken describes the access token that is given as input_token. One that is
// not of the caller's account is answered like one that does not exist.
//
// https://developers.facebook.com/docs/graph-api/reference/debug_token/
func (a *API) debugToken(ctx context.Context, s *session) (any, error) {
	dialect.SetLogAttr(ctx, slog.String("operation", debugTokenPath))
	c, caller := s.call, s.token
	if _, _, ok := a.usage.allow(s.header, caller, debugTokenPath); !ok {
		return nil, errRate()
	}
	if verb := c.verb(); verb != "get" {
		return nil, errRoot(verb)
	}
	input := strings.TrimSpace(c.params.value("input_token"))
	if input == "" {
		return nil, errParam("The parameter input_token is required.")
	}
	selection, err := fields.Parse(c.params.value("fields"))
	if err != nil {
		return nil, err
	}
	token, ok := s.view.Token(input)
	data := object{
		{"error", object{{"code", 190}, {"message", "Invalid OAuth access token - Cannot parse access token"}}},
		{"is_valid", false},
		{"scopes", []string{}},
	}
	if ok && (caller.Operator() || caller.Account == token.Account) {
		data = a.describe(token)
	}
	if selection == nil {
		return object{{"data", data}}, nil
	}
	picked, err := debugShape.pickObject(data, selection)
	return object{{"data", picked}}, err
}

// tokenOrApp authenticates a call by a token or, as only this call may be, by an
// app: its ID, a bar, and one of its secrets.
func (a *API) tokenOrApp(view *directory.View, c *call) (waybill.Token, error) {
	id, secret, ok := strings.Cut(c.secret(), "|")
	if !ok || !digitsPattern.MatchString(id) {
		return a.authenticate(view, c)
	}
	app, _ := view.App(id)
	given := sha256.Sum256([]byte(secret))
	valid := false
	for _, s := range app.Secrets {
		want := sha256.Sum256([]byte(s))
		valid = hmac.Equal(given[:], want[:]) || valid
	}
	if !valid {
		return waybill.Token{}, errToken(0, "Invalid OAuth access token - Cannot parse access token")
	}
	return waybill.Token{Account: app.Account, App: app.ID}, nil
}

// describe tells what is known of a token: its permissions that are Meta's, and
// for which accounts they are.
func (a *API) describe(token waybill.Token) object {
	var data object
	if token.App != "" {
		data = append(data, member{"app_id", token.App})
	}
	data = append(data, member{"type", "SYSTEM_USER"}, member{"data_access_expires_at", 0})
	message := a.expiry(token)
	if message != "" {
		data = append(data, member{
			"error",
			object{{"code", 190}, {"message", message}, {"subcode", 463}},
		})
	}
	expires := int64(0)
	if !token.Expires.IsZero() {
		expires = token.Expires.Unix()
	}
	scopes, granular := []string{}, []object{}
	for _, scope := range token.Scopes {
		if !slices.Contains([]string{scopeManagement, scopeMessaging}, scope) {
			continue
		}
		scopes = append(scopes, scope)
		one := object{{"scope", scope}}
		if len(token.Channels) > 0 {
			one = append(one, member{"target_ids", token.Channels})
		}
		granular = append(granular, one)
	}
	return append(data, member{"expires_at", expires}, member{"is_valid", message == ""},
		member{"scopes", scopes}, member{"granular_scopes", granular})
}
