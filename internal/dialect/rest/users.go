package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"waybill"
	"waybill/internal/directory"
)

// shownUser is a user as this API answers it.
type shownUser struct {
	Account    string            `json:"account" doc:"ID of the account." example:"1234567890123456"`
	User       string            `json:"user" doc:"Name of the user." example:"reporter"`
	Policies   []json.RawMessage `json:"policies" doc:"RAM policies: what the user may do."`
	AccessKeys []ShownKey        `json:"access_keys" doc:"Without their secrets."`
}

func newShownUser(u waybill.User) shownUser {
	return shownUser{
		Account: u.Account, User: u.Name, AccessKeys: each(u.AccessKeys, newShownKey),
		Policies: each(u.Policies, func(text json.RawMessage) json.RawMessage { return text }),
	}
}

type usersParams struct {
	accountPath
	pageParams
}

type userPage struct {
	Users []shownUser `json:"users" doc:"Ordered by name."`
	Next  string      `json:"next,omitempty" doc:"To be passed as after; absent on the last page." example:"cmVwb3J0ZXI"`
}

// listUsers answers the users of an account.
func (a *API) listUsers(_ context.Context, c *call, p *usersParams) (userPage, error) {
	if _, err := a.accountOf(c, p.Account); err != nil {
		return userPage{}, err
	}
	items, next, err := page(a.opt.Directory.View().Users(p.Account), func(u waybill.User) string { return u.Name }, p.pageParams)
	return userPage{each(items, newShownUser), next}, err
}

// userPath names a user.
type userPath struct {
	accountPath
	User string `path:"user" doc:"Name of the user." example:"reporter"`
}

func (p *userPath) ref() directory.Ref { return directory.UserRef(p.Account, p.User) }

// userOf returns the user that the path names, and its version.
func (a *API) userOf(c *call, p *userPath) (waybill.User, string, error) {
	if _, err := a.accountOf(c, p.Account); err != nil {
		return waybill.User{}, "", err
	}
	view := a.opt.Directory.View()
	u, ok := view.User(p.Account, p.User)
	if !ok {
		return u, "", waybill.Errorf(waybill.NotFound, "user %s of account %s is unknown", cut(p.User), cut(p.Account))
	}
	return u, view.Version(p.ref()), nil
}

// getUser answers a user.
func (a *API) getUser(_ context.Context, c *call, p *userPath) (shownUser, error) {
	u, version, err := a.userOf(c, p)
	if err != nil {
		return shownUser{}, err
	}
	c.version(version)
	return newShownUser(u), nil
}

// userBody says what a user shall be.
type userBody struct {
	Policies []json.RawMessage `json:"policies,omitzero" doc:"RAM policies: what the user may do. Without any it may do nothing."`
}

type putUserParams struct {
	userPath
	Body userBody `body:"262144"`
}

// putUser makes a user, or replaces the policies of one. Access keys stay.
func (a *API) putUser(ctx context.Context, c *call, p *putUserParams) (shownUser, error) {
	if _, err := a.accountOf(c, p.Account); err != nil {
		return shownUser{}, err
	}
	if err := a.put(ctx, c, p.ref(), p.Body); err != nil {
		return shownUser{}, err
	}
	return a.getUser(ctx, c, &p.userPath)
}

// deleteUser removes a user with its access keys.
func (a *API) deleteUser(ctx context.Context, c *call, p *userPath) (nothing, error) {
	if _, _, err := a.userOf(c, p); err != nil {
		return nothing{}, err
	}
	return nothing{}, a.remove(ctx, c, p.ref())
}

const usersPattern, userPattern = accountPattern + "/users", accountPattern + "/users/{user}"

func userRoutes() []route {
	const example = `{"account":"1234567890123456","user":"reporter","policies":[{"Version":"1","Statement":` +
		`[{"Effect":"Allow","Action":"cams:Get*","Resource":"*"}]}],"access_keys":[{"access_key":"LTAI0000","disabled":false}]}`
	return []route{{
		method: http.MethodGet, pattern: usersPattern, scope: waybill.ScopeAdmin,
		id: "listUsers", tag: tagDirectory, summary: "List the users of an account",
		operation: does((*API).listUsers), example: `{"users":[` + example + `]}`, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodGet, pattern: userPattern, scope: waybill.ScopeAdmin,
		id: "getUser", tag: tagDirectory, summary: "Get a user",
		operation: does((*API).getUser), example: example, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodPut, pattern: userPattern, scope: waybill.ScopeAdmin, conditional: true,
		id: "putUser", tag: tagDirectory, summary: "Make a user, or change what it may do",
		doc:       "Its access keys stay.",
		operation: does((*API).putUser), example: example,
		errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, {
		method: http.MethodDelete, pattern: userPattern, scope: waybill.ScopeAdmin, conditional: true,
		id: "deleteUser", tag: tagDirectory, summary: "Delete a user with its access keys",
		doc:       "One that tokens name is refused.",
		operation: does((*API).deleteUser),
		errors:    []int{http.StatusNotFound, http.StatusConflict},
	}}
}
