package directory

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill"
)

// TokenPrefix begins every token that IssueToken makes, so that a leaked one is
// found by those who look for them.
const TokenPrefix = "wb_"

// ownScopes lists what a token may be good for in Waybill's own API.
func ownScopes() []string {
	return []string{waybill.ScopeAdmin, waybill.ScopeEventsWrite, waybill.ScopeMetricsRead}
}

// scopes lists what a token may be good for: Waybill's own, Meta's and MoMo's.
//
// https://developers.facebook.com/docs/permissions
func scopes() []string {
	list := append(ownScopes(), "public_profile", "whatsapp_business_management", "whatsapp_business_messaging")
	for _, group := range waybill.MomoGroups() {
		list = append(list, waybill.MomoScope(group))
	}
	return list
}

// IssueToken stores a new token and returns its secret, 256 random bits behind
// TokenPrefix. Only a hash of it is kept: it is never shown again. A token of no
// account is the operator's. No document names the token, so an Apply that prunes
// lets it stand, as long as its account does. A name that the account has a
// token of already fails with Conflict.
func (d *Directory) IssueToken(ctx context.Context, t waybill.Token) (secret string, err error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make token: %w", err)
	}
	secret = TokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	t.Scopes, t.Channels = slices.Clone(t.Scopes), slices.Clone(t.Channels)
	if !t.Expires.IsZero() {
		t.Expires = t.Expires.UTC().Truncate(time.Second)
	}
	issued := token{Token: t, hash: hashToken(secret), issued: true}

	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return "", err
	}
	if err := d.checkToken(issued); err != nil {
		return "", err
	}
	if err := d.commit(ctx, map[string]entry{recordKey(issued): issued}, d.next); err != nil {
		return "", err
	}
	return secret, nil
}

// RevokeToken deletes a token, issued or named by a document, or fails with
// NotFound. A document that names it brings it back when it is applied again.
func (d *Directory) RevokeToken(ctx context.Context, account, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return err
	}
	key := recordKey(token{Token: waybill.Token{Account: account, Name: name}})
	if _, ok := d.entries[key]; !ok {
		return waybill.Errorf(waybill.NotFound, "token %q does not exist", name)
	}
	return d.commit(ctx, map[string]entry{key: nil}, d.next)
}

// boundProblem returns what is wrong with the scopes of a token that the policies
// of a user bind, if anything is: only Waybill's own API asks the policies.
func boundProblem(t *waybill.Token) string {
	other := func(scope string) bool { return !slices.Contains(ownScopes(), scope) }
	if i := slices.IndexFunc(t.Scopes, other); t.User != "" && i >= 0 {
		return fmt.Sprintf("a token of a user is for Waybill's own API: its scopes may be %s, not %s",
			strings.Join(ownScopes(), ", "), t.Scopes[i])
	}
	return ""
}

// checkToken returns what speaks against a new token.
func (d *Directory) checkToken(t token) error {
	view := d.View()
	if t.Token.Name == "" {
		return waybill.Errorf(waybill.Invalid, "token has no name")
	}
	if problem := textProblem(t.Token.Name, maxText); problem != "" {
		return waybill.Errorf(waybill.Invalid, "token name %q %s", t.Token.Name, problem)
	}
	if _, taken := d.entries[recordKey(t)]; taken {
		return waybill.Errorf(waybill.Conflict, "token %q exists already", t.Token.Name)
	}
	if _, ok := view.Account(t.Account); !ok && t.Account != "" {
		return waybill.Errorf(waybill.Invalid, "account %q does not exist", t.Account)
	}
	if n := len(view.TokensOf(t.Account)); n >= maxObjects {
		return waybill.Errorf(waybill.TooLarge, "account %q has %d tokens, more cannot be made", t.Account, n)
	}
	if a, ok := view.App(t.App); t.App != "" && (!ok || t.Account != "" && a.Account != t.Account) {
		return waybill.Errorf(waybill.Invalid, "app %q does not exist", t.App)
	}
	if _, ok := view.User(t.Account, t.User); !ok && t.User != "" {
		return waybill.Errorf(waybill.Invalid, "user %q does not exist", t.User)
	}
	return view.checkReach(&t.Token)
}

// checkReach returns what speaks against the scopes and channels of a new token.
func (v *View) checkReach(t *waybill.Token) error {
	if len(t.Scopes) == 0 {
		return waybill.Errorf(waybill.Invalid, "token %q has no scopes", t.Name)
	}
	for i, s := range t.Scopes {
		if !slices.Contains(scopes(), s) {
			return waybill.Errorf(waybill.Invalid, "scope %q is unknown: known are %s", s, strings.Join(scopes(), ", "))
		}
		if slices.Contains(t.Scopes[:i], s) {
			return waybill.Errorf(waybill.Invalid, "token %q has the scope %s twice", t.Name, s)
		}
	}
	if problem := boundProblem(t); problem != "" {
		return waybill.Errorf(waybill.Invalid, "%s", problem)
	}
	for i, id := range t.Channels {
		if c, ok := v.Channel(id); !ok || t.Account != "" && !c.Writable(t.Account) {
			return waybill.Errorf(waybill.Invalid, "channel %q does not exist", id)
		}
		if slices.Contains(t.Channels[:i], id) {
			return waybill.Errorf(waybill.Invalid, "token %q has the channel %q twice", t.Name, id)
		}
	}
	return nil
}
