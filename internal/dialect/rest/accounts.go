package rest

import (
	"context"
	"net/http"

	"waybill"
	"waybill/internal/directory"
)

// shownAccount is an account as this API answers it.
type shownAccount struct {
	Account  string   `json:"account" doc:"Its ID, 16 digits." example:"1234567890123456"`
	Name     string   `json:"name,omitempty" doc:"A name for people." example:"Acme"`
	Products []string `json:"products" doc:"Products of Alibaba Cloud that it has subscribed to."`
}

func newShownAccount(a waybill.Account) shownAccount {
	return shownAccount{a.ID, a.Name, each(a.Products, func(p string) string { return p })}
}

type accountPage struct {
	Accounts []shownAccount `json:"accounts" doc:"Ordered by ID."`
	Next     string         `json:"next,omitempty" doc:"To be passed as after; absent on the last page." example:"MTIzNDU2Nzg5MDEyMzQ1Ng"`
}

type accountsParams struct{ pageParams }

// listAccounts answers the accounts that the call may be about: all to the
// operator, its own to every other token.
func (a *API) listAccounts(_ context.Context, c *call, p *accountsParams) (accountPage, error) {
	var list []waybill.Account
	for _, account := range a.opt.Directory.View().Accounts() {
		if _, err := a.accountOf(c, account.ID); err == nil {
			list = append(list, account)
		}
	}
	items, next, err := page(list, func(a waybill.Account) string { return a.ID }, p.pageParams)
	return accountPage{each(items, newShownAccount), next}, err
}

// accountPath names an account.
type accountPath struct {
	Account string `path:"account" doc:"ID of the account." example:"1234567890123456"`
}

// getAccount answers an account.
func (a *API) getAccount(_ context.Context, c *call, p *accountPath) (shownAccount, error) {
	view := a.opt.Directory.View()
	account, err := a.accountOf(c, p.Account)
	if err != nil {
		return shownAccount{}, err
	}
	c.version(view.Version(directory.AccountRef(p.Account)))
	return newShownAccount(account), nil
}

// accountBody says what an account shall be.
type accountBody struct {
	Name     string   `json:"name,omitzero" doc:"A name for people." example:"Acme"`
	Products []string `json:"products,omitzero" enum:"cams" doc:"Products of Alibaba Cloud that it has subscribed to."`
}

type putAccountParams struct {
	accountPath
	Body accountBody `body:""`
}

// putAccount makes an account, or replaces what is said of it. What it has stays.
func (a *API) putAccount(ctx context.Context, c *call, p *putAccountParams) (shownAccount, error) {
	if err := a.put(ctx, c, directory.AccountRef(p.Account), p.Body); err != nil {
		return shownAccount{}, err
	}
	return a.getAccount(ctx, c, &p.accountPath)
}

type deleteAccountParams struct {
	accountPath
	Confirm string `query:"confirm" doc:"The ID of the account once more: with it go its users, keys, tokens, apps and rates." example:"1234567890123456"`
}

// deleteAccount removes an account that has no channels.
func (a *API) deleteAccount(ctx context.Context, c *call, p *deleteAccountParams) (nothing, error) {
	if _, err := a.accountOf(c, p.Account); err != nil {
		return nothing{}, err
	}
	if p.Confirm != p.Account {
		return nothing{}, waybill.Errorf(waybill.Invalid,
			"with account %s go its users, keys, tokens, apps and rates: to delete it, repeat its ID in the parameter confirm", cut(p.Account))
	}
	return nothing{}, a.remove(ctx, c, directory.AccountRef(p.Account))
}

const accountsPattern, accountPattern = "/accounts", "/accounts/{account}"

func accountRoutes() []route {
	const example = `{"account":"1234567890123456","name":"Acme","products":["cams"]}`
	return []route{{
		method: http.MethodGet, pattern: accountsPattern, scope: waybill.ScopeAdmin,
		id: "listAccounts", tag: tagDirectory, summary: "List accounts",
		doc:       "All to the operator; its own to the token of an account.",
		operation: does((*API).listAccounts), example: `{"accounts":[` + example + `]}`,
	}, {
		method: http.MethodGet, pattern: accountPattern, scope: waybill.ScopeAdmin,
		id: "getAccount", tag: tagDirectory, summary: "Get an account",
		operation: does((*API).getAccount), example: example, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodPut, pattern: accountPattern, operator: true, conditional: true,
		id: "putAccount", tag: tagDirectory, summary: "Make or change an account",
		operation: does((*API).putAccount), example: example,
		errors: []int{http.StatusPreconditionFailed, http.StatusUnprocessableEntity},
	}, {
		method: http.MethodDelete, pattern: accountPattern, operator: true, conditional: true,
		id: "deleteAccount", tag: tagDirectory, summary: "Delete an account",
		doc:       "With it go its users, keys, tokens, apps and rates. One that owns or operates channels is refused.",
		operation: does((*API).deleteAccount),
		errors:    []int{http.StatusNotFound, http.StatusConflict},
	}}
}
