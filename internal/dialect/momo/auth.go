package momo

import (
	"net/http"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/directory"
)

// A caller is who makes a call, and what it may do.
type caller struct {
	account string
	name    string // of the credential, for logs
	key     string // tells the credential from others
	allows  func(c *waybill.Channel, group string) bool
}

// keyHeader carries a key that stands for a partner.
//
// https://developers.momo.vn/v3/docs/business-page/start/
const keyHeader = "X-Api-Key"

// maxCredential bounds tokens and keys, in bytes.
const maxCredential = 4 << 10

// authenticate returns who makes a call: the bearer of a token, or whoever has a
// key. A token that is sent decides alone, so that a bad one is not helped by a
// good key. Whatever is wrong is told alike.
func (a *API) authenticate(r *http.Request, view *directory.View) (caller, error) {
	credential, bearer := "", false
	switch tokens, keys := given(r.Header, "Authorization"), given(r.Header, keyHeader); {
	case len(tokens) == 1:
		scheme, token, _ := strings.Cut(strings.TrimSpace(tokens[0]), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return caller{}, errUnauthenticated
		}
		credential, bearer = strings.TrimSpace(token), true
	case len(tokens) == 0 && len(keys) == 1:
		credential = keys[0]
	}
	if credential == "" || len(credential) > maxCredential {
		return caller{}, errUnauthenticated
	}
	if bearer {
		if client, ok := a.tokens.open(credential, view); ok {
			return callerOfClient(&client), nil
		}
	}
	token, ok := view.Token(credential)
	if !ok || token.Expired(a.now()) {
		return caller{}, errUnauthenticated
	}
	return callerOfToken(&token), nil
}

// given returns the values of a header that are not empty: some proxies send one
// that is.
func given(h http.Header, name string) []string {
	return slices.DeleteFunc(slices.Clone(h.Values(name)), func(value string) bool {
		return strings.TrimSpace(value) == ""
	})
}

func callerOfClient(c *waybill.MomoClient) caller {
	return caller{
		account: c.Account, name: c.ID, key: "client " + c.ID,
		allows: func(channel *waybill.Channel, group string) bool {
			return channel.Writable(c.Account) && slices.Contains(c.Pages, channel.ID) && slices.Contains(c.Groups, group)
		},
	}
}

func callerOfToken(t *waybill.Token) caller {
	return caller{
		account: t.Account, name: t.Name, key: "token " + t.Account + " " + t.Name,
		allows: func(channel *waybill.Channel, group string) bool {
			return t.Reaches(channel) && (t.Has(waybill.MomoScope(group)) || t.Has(waybill.ScopeAdmin))
		},
	}
}

// page returns a page that the caller may work on in the given permission group.
// One that it may not is answered like one that does not exist.
func (c *caller) page(view *directory.View, id, group string) (waybill.Channel, error) {
	channel, ok := view.Channel(id)
	if !ok || channel.Provider != waybill.ProviderMomo || !c.allows(&channel, group) {
		return waybill.Channel{}, errDenied
	}
	return channel, nil
}
