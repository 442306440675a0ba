package rest

import (
	"context"
	"net/http"
	"time"

	"waybill"
)

// A ShownKey is an access key as this API answers it.
type ShownKey struct {
	AccessKey string `json:"access_key" doc:"Its ID." example:"WBAKABCDEFGHIJ234567KLMN"`
	Disabled  bool   `json:"disabled" doc:"Whether calls signed with it are refused."`
}

func newShownKey(k waybill.AccessKey) ShownKey { return ShownKey{k.ID, k.Disabled} }

// newKey is an access key as it is answered when it is made.
type newKey struct {
	ShownKey
	Secret string `json:"secret" doc:"What to sign with. It is told this once." example:"mB3Yt1s7"`
}

type keyPage struct {
	AccessKeys []ShownKey `json:"access_keys" doc:"In the order in which they were made."`
}

// listAccessKeys answers the access keys of a user, of which there are few.
func (a *API) listAccessKeys(_ context.Context, c *call, p *userPath) (keyPage, error) {
	u, _, err := a.userOf(c, p)
	return keyPage{each(u.AccessKeys, newShownKey)}, err
}

// postAccessKey gives a user a new access key.
func (a *API) postAccessKey(ctx context.Context, c *call, p *userPath) (newKey, error) {
	if _, _, err := a.userOf(c, p); err != nil {
		return newKey{}, err
	}
	if err := mayMakeKeys(c, p.User, time.Time{}); err != nil {
		return newKey{}, err
	}
	k, err := a.opt.Directory.IssueAccessKey(ctx, p.Account, p.User)
	return newKey{newShownKey(k), k.Secret}, err
}

// mayMakeKeys returns Denied where the token is bound to another user, who may be
// allowed more, or expires before the key does: at a time, or never where that is
// zero.
func mayMakeKeys(c *call, user string, expires time.Time) error {
	if c.token.User != "" && c.token.User != user {
		return waybill.Errorf(waybill.Denied, "the token is of user %s, for whom alone it can make keys", cut(c.token.User))
	}
	if end := c.token.Expires; !end.IsZero() && (expires.IsZero() || expires.After(end)) {
		return waybill.Errorf(waybill.Denied, "the token expires at %s, and no key that it makes lasts longer", end.UTC().Format(time.RFC3339))
	}
	return nil
}

// keyPath names an access key.
type keyPath struct {
	userPath
	ID string `path:"id" doc:"ID of the access key." example:"WBAKABCDEFGHIJ234567KLMN"`
}

// keyBody says how an access key shall be.
type keyBody struct {
	Disabled *bool `json:"disabled" nullable:"false" doc:"Whether calls signed with it are refused." example:"true"`
}

type patchKeyParams struct {
	keyPath
	Body keyBody `body:""`
}

// patchAccessKey disables an access key, or enables it again.
func (a *API) patchAccessKey(ctx context.Context, c *call, p *patchKeyParams) (ShownKey, error) {
	if _, _, err := a.userOf(c, &p.userPath); err != nil {
		return ShownKey{}, err
	}
	if p.Body.Disabled == nil {
		return ShownKey{}, waybill.Errorf(waybill.Invalid, "disabled is missing")
	}
	err := a.opt.Directory.DisableAccessKey(ctx, p.Account, p.User, p.ID, *p.Body.Disabled)
	return ShownKey{p.ID, *p.Body.Disabled}, err
}

// deleteAccessKey takes an access key from its user.
func (a *API) deleteAccessKey(ctx context.Context, c *call, p *keyPath) (nothing, error) {
	if _, _, err := a.userOf(c, &p.userPath); err != nil {
		return nothing{}, err
	}
	return nothing{}, a.opt.Directory.DeleteAccessKey(ctx, p.Account, p.User, p.ID)
}

const keysPattern, keyPattern = userPattern + "/access-keys", userPattern + "/access-keys/{id}"

func accessKeyRoutes() []route {
	const example = `{"access_key":"WBAKABCDEFGHIJ234567KLMN","disabled":false`
	return []route{{
		method: http.MethodGet, pattern: keysPattern, scope: waybill.ScopeAdmin,
		id: "listAccessKeys", tag: tagKeys, summary: "List the access keys of a user",
		operation: does((*API).listAccessKeys), example: `{"access_keys":[` + example + `}]}`, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodPost, pattern: keysPattern, scope: waybill.ScopeAdmin,
		id: "postAccessKey", tag: tagKeys, summary: "Give a user a new access key",
		doc:       "Its secret is told in this answer and never again. No directory document takes it away. A token that expires makes none.",
		operation: does((*API).postAccessKey), example: example + `,"secret":"mB3Yt1s7"}`, status: http.StatusCreated,
		errors: []int{http.StatusNotFound, http.StatusRequestEntityTooLarge},
	}, {
		method: http.MethodPatch, pattern: keyPattern, scope: waybill.ScopeAdmin,
		id: "patchAccessKey", tag: tagKeys, summary: "Disable or enable an access key",
		doc:       "A directory document that names it says so too when it is applied again.",
		operation: does((*API).patchAccessKey), example: example + `}`, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodDelete, pattern: keyPattern, scope: waybill.ScopeAdmin,
		id: "deleteAccessKey", tag: tagKeys, summary: "Delete an access key",
		doc:       "A directory document that names it brings it back when it is applied again.",
		operation: does((*API).deleteAccessKey), errors: []int{http.StatusNotFound},
	}}
}
