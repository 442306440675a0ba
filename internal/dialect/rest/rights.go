package rest

import (
	"log/slog"
	"net/http"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/ram"
)

// This file asks the RAM policies of the user that a token names, if it names
// one. They come beside the scopes of the token and its channels: all must agree.
// A call whose path names a channel or an account is decided on that, whether it
// exists or not; one that is about many channels on each of them, and what is left
// on the account of the token.

// action returns what policies call a route, such as waybill:GetMetrics.
func (rt *route) action() string {
	return "waybill:" + strings.ToUpper(rt.id[:1]) + rt.id[1:]
}

func resource(account, kind, id string) string {
	return "acs:waybill:*:" + account + ":" + kind + "/" + id
}

// permitted returns Denied where the policies of the token's user do not allow
// the call on what its path names.
func (a *API) permitted(c *call, path map[string]string) error {
	if c.token.User == "" || c.route.perChannel {
		return nil
	}
	on := resource(c.token.Account, "account", c.token.Account)
	if id, ok := path["account"]; ok {
		on = resource(id, "account", id)
	}
	if id, ok := path["channel"]; ok {
		on = resource(c.token.Account, "channel", id)
		// That another account owns it is no secret to its ISV alone.
		if ch, ok := a.opt.Directory.View().Channel(id); ok && c.token.Within(&ch) {
			on = channelResource(&ch)
		}
	}
	request := a.ramRequest(c, on)
	policies, err := a.policies(c)
	if err == nil && ram.Decide(policies, request).Allowed() {
		return nil
	}
	dialect.SetLogAttr(c.Context(), slog.String("denied_by", ram.Explain(policies, request).By))
	return challenge(http.StatusForbidden, `, error="insufficient_scope"`, waybill.Errorf(waybill.Denied,
		"the policies of user %s do not allow %s on %s", cut(c.token.User), c.route.action(), cut(on)))
}

func channelResource(ch *waybill.Channel) string { return resource(ch.Account, "channel", ch.ID) }

// reaches reports whether the call may be about ch: whether its token reaches it
// and, where that names a user, the policies allow it.
func (a *API) reaches(c *call, ch *waybill.Channel) bool {
	return c.token.Within(ch) && (c.token.User == "" || a.allowed(c, channelResource(ch)))
}

// channels returns the channels that the call may be about, ordered by ID.
func (a *API) channels(c *call) []waybill.Channel {
	var list []waybill.Channel
	for _, ch := range a.opt.Directory.View().Channels() {
		if a.reaches(c, &ch) {
			list = append(list, ch)
		}
	}
	return list
}

// allowed asks the policies.
func (a *API) allowed(c *call, on string) bool {
	policies, err := a.policies(c)
	return err == nil && ram.Decide(policies, a.ramRequest(c, on)).Allowed()
}

// policies returns those of the token's user. Where they cannot be read they may
// have denied anything, and where the user is gone nothing allows.
func (a *API) policies(c *call) ([]ram.Attached, error) {
	policies, err := a.opt.Directory.View().Policies(c.token.Account, c.token.User)
	if err != nil {
		a.opt.Log.ErrorContext(c.Context(), "policies of a token's user can't be read", "account", c.token.Account, "token_name", c.token.Name, "err", err)
	}
	return policies, err
}

func (a *API) ramRequest(c *call, on string) ram.Request {
	origin := dialect.OriginOf(c.Request)
	return ram.Request{
		Principal: ram.Principal{Type: ram.SubUser, Account: c.token.Account, Name: c.token.User},
		Action:    c.route.action(), Resource: on, Now: a.opt.Now(),
		SourceIP: origin.Client, Secure: origin.Secure, UserAgent: c.Header.Get("User-Agent"),
	}
}

// channelOf returns the channel of an ID. One that the token of c does not reach
// is answered like one that does not exist.
func (a *API) channelOf(c *call, id string) (waybill.Channel, error) {
	ch, ok := a.opt.Directory.View().Channel(id)
	if !ok || !a.reaches(c, &ch) {
		return waybill.Channel{}, waybill.Errorf(waybill.NotFound, "channel %s is unknown", cut(id))
	}
	return ch, nil
}

// accountOf returns an account that the call may be about as a whole: any for the
// operator, its own for a token that is not limited to channels. A foreign one is
// answered like one that does not exist.
func (a *API) accountOf(c *call, id string) (waybill.Account, error) {
	account, ok := a.opt.Directory.View().Account(id)
	if !ok || !c.token.Operator() && c.token.Account != id {
		return waybill.Account{}, waybill.Errorf(waybill.NotFound, "account %s is unknown", cut(id))
	}
	if len(c.token.Channels) > 0 {
		return waybill.Account{}, waybill.Errorf(waybill.Denied, "the token is limited to channels, and the call is about all of the account")
	}
	return account, nil
}
