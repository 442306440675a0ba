package rest

import (
	"context"
	"net/http"
	"slices"
	"time"

	"waybill"
)

// A ShownToken is a token as this API answers it.
type ShownToken struct {
	Name     string   `json:"name" doc:"Its name within the account." example:"dashboard"`
	Account  string   `json:"account" doc:"ID of the account." example:"1234567890123456"`
	Scopes   []string `json:"scopes" doc:"What it is good for." example:"[\"metrics:read\"]"`
	Channels []string `json:"channels" doc:"IDs of the channels that it is limited to; none are all of the account."`
	User     string   `json:"user,omitempty" doc:"The user whose policies bind it." example:"reporter"`
	App      string   `json:"app,omitempty" doc:"ID of the Meta app that it was made for." example:"634974688087057"`
	Expires  string   `json:"expires,omitempty" format:"date-time" doc:"When it ends, if ever." example:"2027-01-01T00:00:00Z"`
}

func newShownToken(t waybill.Token) ShownToken {
	same := func(s string) string { return s }
	shown := ShownToken{
		Name: t.Name, Account: t.Account, Scopes: each(t.Scopes, same), Channels: each(t.Channels, same), User: t.User, App: t.App,
	}
	if !t.Expires.IsZero() {
		shown.Expires = t.Expires.UTC().Format(time.RFC3339)
	}
	return shown
}

// newToken is a token as it is answered when it is made.
type newToken struct {
	ShownToken
	Token string `json:"token" doc:"What to send as Authorization: Bearer. It is told this once." example:"wb_mB3Yt1s7"`
}

type tokenPage struct {
	Tokens []ShownToken `json:"tokens" doc:"Ordered by name."`
	Next   string       `json:"next,omitempty" doc:"To be passed as after; absent on the last page." example:"ZGFzaGJvYXJk"`
}

type tokensParams struct {
	accountPath
	pageParams
}

// tokensAccount returns NotFound unless the call may be about tokens of the
// account. One that is limited to channels may, about those limited as it is.
func (a *API) tokensAccount(c *call, id string) error {
	if _, ok := a.opt.Directory.View().Account(id); !ok || !c.token.Operator() && c.token.Account != id {
		return waybill.Errorf(waybill.NotFound, "account %s is unknown", cut(id))
	}
	return nil
}

// covers reports whether t reaches whatever o does. The scope admin, without which
// nobody gets here, stands for all scopes.
func covers(t, o *waybill.Token) bool {
	if t.Operator() {
		return true
	}
	foreign := func(id string) bool { return !slices.Contains(t.Channels, id) }
	within := len(t.Channels) == 0 || len(o.Channels) > 0 && !slices.ContainsFunc(o.Channels, foreign)
	return t.Account == o.Account && within && (t.User == "" || t.User == o.User)
}

// listTokens answers the tokens of an account that the caller's covers.
func (a *API) listTokens(_ context.Context, c *call, p *tokensParams) (tokenPage, error) {
	if err := a.tokensAccount(c, p.Account); err != nil {
		return tokenPage{}, err
	}
	var list []waybill.Token
	for _, t := range a.opt.Directory.View().TokensOf(p.Account) {
		if covers(c.token, &t) {
			list = append(list, t)
		}
	}
	items, next, err := page(list, func(t waybill.Token) string { return t.Name }, p.pageParams)
	return tokenPage{each(items, newShownToken), next}, err
}

// tokenBody says what a new token shall be.
type tokenBody struct {
	Name     string   `json:"name" doc:"Its name, which the account has no other token of." example:"dashboard"`
	Scopes   []string `json:"scopes" doc:"What it is good for." example:"[\"metrics:read\"]"`
	Channels []string `json:"channels,omitzero" doc:"IDs of the channels that it is limited to; none are all of the account."`
	User     string   `json:"user,omitzero" doc:"A user of the account whose policies bind it." example:"reporter"`
	App      string   `json:"app,omitzero" doc:"ID of the Meta app that it is made for." example:"634974688087057"`
	Expires  string   `json:"expires,omitzero" format:"date-time" doc:"When it ends; never where it is left out." example:"2027-01-01T00:00:00Z"`
}

type postTokenParams struct {
	accountPath
	Body tokenBody `body:""`
}

// postToken makes a token that can do no more than the caller's own, nor longer.
func (a *API) postToken(ctx context.Context, c *call, p *postTokenParams) (newToken, error) {
	if err := a.tokensAccount(c, p.Account); err != nil {
		return newToken{}, err
	}
	b := &p.Body
	t := waybill.Token{
		Name: b.Name, Account: p.Account, Scopes: b.Scopes, Channels: b.Channels, User: b.User, App: b.App,
	}
	if b.Expires != "" {
		at, err := time.Parse(time.RFC3339, b.Expires)
		if err != nil || !at.After(a.opt.Now()) {
			return newToken{}, waybill.Errorf(waybill.Invalid, "expires %s is not a time to come such as 2027-01-01T00:00:00Z", cut(b.Expires))
		}
		t.Expires = at.UTC().Truncate(time.Second)
	}
	if b.Channels != nil && len(b.Channels) == 0 {
		return newToken{}, waybill.Errorf(waybill.Invalid, "channels is empty: left out it stands for all of the account")
	}
	if !covers(c.token, &t) || !c.token.Expires.IsZero() && (t.Expires.IsZero() || t.Expires.After(c.token.Expires)) {
		return newToken{}, waybill.Errorf(waybill.Denied,
			"a token can make none that reaches further than itself: name channels, a user and a time to expire within its own")
	}
	secret, err := a.opt.Directory.IssueToken(ctx, t)
	return newToken{newShownToken(t), secret}, err
}

type tokenPath struct {
	accountPath
	Name string `path:"name" doc:"Name of the token." example:"dashboard"`
}

// deleteToken revokes a token that the caller's covers.
func (a *API) deleteToken(ctx context.Context, c *call, p *tokenPath) (nothing, error) {
	if err := a.tokensAccount(c, p.Account); err != nil {
		return nothing{}, err
	}
	tokens := a.opt.Directory.View().TokensOf(p.Account)
	i := slices.IndexFunc(tokens, func(t waybill.Token) bool { return t.Name == p.Name })
	if i < 0 || !covers(c.token, &tokens[i]) {
		return nothing{}, waybill.Errorf(waybill.NotFound, "token %s of account %s is unknown", cut(p.Name), cut(p.Account))
	}
	return nothing{}, a.opt.Directory.RevokeToken(ctx, p.Account, p.Name)
}

const tokensPattern, tokenPattern = accountPattern + "/tokens", accountPattern + "/tokens/{name}"

func tokenRoutes() []route {
	const example = `{"name":"dashboard","account":"1234567890123456","scopes":["metrics:read"],"channels":[]`
	return []route{{
		method: http.MethodGet, pattern: tokensPattern, scope: waybill.ScopeAdmin,
		id: "listTokens", tag: tagKeys, summary: "List the tokens of an account",
		doc:       "Without their secrets, which nobody has but their owners. A token that is limited sees those within its limits.",
		operation: does((*API).listTokens), example: `{"tokens":[` + example + `}]}`, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodPost, pattern: tokensPattern, scope: waybill.ScopeAdmin,
		id: "postToken", tag: tagKeys, summary: "Make a token",
		doc: "Its secret is told in this answer and never again. It can reach no further than the token that makes it, nor last longer. " +
			"No directory document takes it away, as long as its account and user stay.",
		operation: does((*API).postToken), example: example + `,"token":"wb_mB3Yt1s7"}`, status: http.StatusCreated,
		errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge},
	}, {
		method: http.MethodDelete, pattern: tokenPattern, scope: waybill.ScopeAdmin,
		id: "deleteToken", tag: tagKeys, summary: "Revoke a token",
		doc:       "A directory document that names it brings it back when it is applied again.",
		operation: does((*API).deleteToken), errors: []int{http.StatusNotFound},
	}}
}
