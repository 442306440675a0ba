package rest

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"

	"waybill"
	"waybill/internal/directory"
)

// shownChannel is a channel as this API answers it. Its secrets are never told.
type shownChannel struct {
	Channel  string   `json:"channel" doc:"ID of the channel." example:"cams-demo"`
	Account  string   `json:"account" doc:"ID of the account that owns it." example:"1234567890123456"`
	Provider string   `json:"provider" enum:"chatapp,waba,momo" doc:"The kind of service behind it." example:"chatapp"`
	ISV      string   `json:"isv,omitempty" doc:"ID of the account that operates it for its owner." example:"6543210987654321"`
	Name     string   `json:"name,omitempty" doc:"A name for people." example:"Acme"`
	Zone     string   `json:"time_zone" doc:"IANA name of its time zone." example:"Asia/Shanghai"`
	Currency string   `json:"currency,omitempty" doc:"ISO 4217." example:"USD"`
	Senders  []sender `json:"senders" doc:"Its phone numbers."`

	MetricsEnabled string `json:"metrics_enabled_at,omitempty" format:"date-time" doc:"From when the metrics of Alibaba Cloud collect." example:"2026-01-01T00:00:00Z"`
	Callback       string `json:"callback_data" enum:"json,template,campaign,ignore" doc:"How the data is read that a sender attaches to a message." example:"json"`
	Namespace      string `json:"namespace,omitempty" doc:"Meta's message_template_namespace." example:"ns_1"`
	Insights       string `json:"template_insights" enum:"enabled,disabled,unavailable" doc:"Whether Meta's template analytics are answered." example:"disabled"`
}

// A sender is a phone number of a channel.
type sender struct {
	Number string `json:"number" doc:"The number, kept as digits." example:"8613800000000"`
	ID     string `json:"id,omitempty" doc:"Meta's ID of it." example:"106540352242922"`
}

func newShownChannel(ch waybill.Channel) shownChannel {
	shown := shownChannel{
		Channel: ch.ID, Account: ch.Account, Provider: ch.Provider.String(), ISV: ch.ISV, Name: ch.Name,
		Zone: ch.Zone.String(), Currency: ch.Currency, Senders: []sender{}, MetricsEnabled: instant(ch.MetricsEnabled),
		Callback: string(ch.Callback), Namespace: ch.Namespace, Insights: string(ch.Insights),
	}
	if ch.Insights == waybill.InsightsDisabled {
		shown.Insights = "disabled"
	}
	for _, number := range ch.Senders {
		shown.Senders = append(shown.Senders, sender{number, ch.SenderIDs[number]})
	}
	return shown
}

type channelsParams struct{ pageParams }

type channelPage struct {
	Channels []shownChannel `json:"channels" doc:"Ordered by ID."`
	Next     string         `json:"next,omitempty" doc:"To be passed as after; absent on the last page." example:"Y2Ftcy1kZW1v"`
}

// listChannels answers the channels that the call reaches.
func (a *API) listChannels(_ context.Context, c *call, p *channelsParams) (channelPage, error) {
	list, next, err := page(a.channels(c), func(ch waybill.Channel) string { return ch.ID }, p.pageParams)
	return channelPage{each(list, newShownChannel), next}, err
}

// channelPath is the path of what belongs to a channel.
type channelPath struct {
	Channel string `path:"channel" doc:"ID of the channel." example:"cams-demo"`
}

// getChannel answers a channel.
func (a *API) getChannel(_ context.Context, c *call, p *channelPath) (shownChannel, error) {
	version := a.opt.Directory.View().Version(directory.ChannelRef(p.Channel)) // before it is read: a change between is noticed
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return shownChannel{}, err
	}
	c.version(version)
	return newShownChannel(ch), nil
}

// channelBody says what a channel shall be.
type channelBody struct {
	Provider string   `json:"provider" enum:"chatapp,waba,momo" doc:"The kind of service behind it. It never changes." example:"chatapp"`
	Account  string   `json:"account,omitzero" doc:"ID of the account that owns it, the token's own where it is left out. It never changes." example:"1234567890123456"`
	ISV      string   `json:"isv,omitzero" doc:"ID of the account that operates it for its owner, whom the operator names." example:"6543210987654321"`
	ISVCode  *string  `json:"isv_code,omitzero" doc:"What the ISV proves its mandate with; left out it stays, as long as the ISV does." example:"code-1"`
	Name     string   `json:"name,omitzero" doc:"A name for people." example:"Acme"`
	Zone     string   `json:"time_zone,omitzero" doc:"IANA name of its time zone; the provider's where it is left out." example:"Asia/Shanghai"`
	Currency string   `json:"currency,omitzero" doc:"ISO 4217." example:"USD"`
	Senders  []sender `json:"senders,omitzero" doc:"Its phone numbers."`

	MetricsEnabled string   `json:"metrics_enabled_at,omitzero" format:"date-time" doc:"From when the metrics of Alibaba Cloud collect; left out it stays." example:"2026-01-01T00:00:00Z"`
	Callback       string   `json:"callback_data,omitzero" enum:"json,template,campaign,ignore" doc:"How the data is read that a sender attaches to a message." example:"json"`
	Namespace      string   `json:"namespace,omitzero" doc:"Meta's message_template_namespace." example:"ns_1"`
	Insights       string   `json:"template_insights,omitzero" enum:"enabled,disabled,unavailable" doc:"Whether Meta's template analytics are answered; left out it stays." example:"disabled"`
	WebhookSecrets []string `json:"webhook_secrets,omitzero" doc:"The path secrets of its webhooks. Nobody is told them again; left out they stay, an empty list removes them."`
}

type putChannelParams struct {
	channelPath
	Body channelBody `body:"262144"`
}

// putChannel makes a channel, or replaces what is said of it.
func (a *API) putChannel(ctx context.Context, c *call, p *putChannelParams) (shownChannel, error) {
	cond, err := conditionOf(c)
	if err != nil {
		return shownChannel{}, err
	}
	fresh, err := a.mayPutChannel(c, p, &cond)
	if err != nil {
		return shownChannel{}, err
	}
	body, err := json.Marshal(p.Body)
	if err != nil {
		return shownChannel{}, err
	}
	if c.created, err = a.opt.Directory.Put(ctx, directory.ChannelRef(p.Channel), body, cond); err != nil {
		if fresh && errors.Is(err, directory.ErrStale) {
			err = taken(p.Channel)
		}
		return shownChannel{}, changeError(err)
	}
	return a.getChannel(ctx, c, &p.channelPath)
}

// mayPutChannel returns Denied unless the caller may make or change the channel.
// An account makes channels of its own. fresh is true where the caller knows of no
// such channel, and then cond asks for that too: of another's he shall not learn
// whose it is.
func (a *API) mayPutChannel(c *call, p *putChannelParams, cond *directory.Condition) (fresh bool, err error) {
	t := c.token
	if t.Operator() {
		return false, nil
	}
	if p.Body.Account == "" {
		p.Body.Account = t.Account
	}
	ch, known := a.opt.Directory.View().Channel(p.Channel)
	own := known && a.reaches(c, &ch)
	if own {
		if err := a.mayChange(c, &ch); err != nil {
			return false, err
		}
	}
	switch {
	case p.Body.ISV != "" && (!own || p.Body.ISV != ch.ISV):
		return false, waybill.Errorf(waybill.Denied, "an ISV is named by the operator: it sees the channel beside its own")
	case own:
		return false, nil
	case len(t.Channels) > 0 && !slices.Contains(t.Channels, p.Channel):
		return false, waybill.Errorf(waybill.Denied, "the token is limited to channels, and %s is none of them", cut(p.Channel))
	case p.Body.Account != t.Account:
		return false, waybill.Errorf(waybill.Denied, "account %s is not the token's, which makes channels of its own account only", cut(p.Body.Account))
	case known:
		return false, taken(p.Channel)
	case cond.Match != nil:
		return false, nil // which does not hold
	}
	cond.New = true
	return true, nil
}

func taken(channel string) error {
	return waybill.Errorf(waybill.Conflict, "the ID %s cannot be given to a new channel", cut(channel))
}

// mayChange returns Denied unless the caller may change or delete a channel that
// he reaches: its ISV may not.
func (a *API) mayChange(c *call, ch *waybill.Channel) error {
	if !c.token.Operator() && c.token.Account != ch.Account {
		return waybill.Errorf(waybill.Denied, "channel %s belongs to another account, which alone changes it", cut(ch.ID))
	}
	return nil
}

type deleteChannelParams struct {
	channelPath
	Confirm string `query:"confirm" doc:"The ID of the channel once more: its history is lost." example:"cams-demo"`
}

// deleteChannel ends the history of a channel.
func (a *API) deleteChannel(ctx context.Context, c *call, p *deleteChannelParams) (nothing, error) {
	cond, err := conditionOf(c)
	if err != nil {
		return nothing{}, err
	}
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return nothing{}, err
	}
	if err := a.mayChange(c, &ch); err != nil {
		return nothing{}, err
	}
	if p.Confirm != p.Channel {
		return nothing{}, a.unconfirmed(ctx, &ch)
	}
	return nothing{}, changeError(a.opt.Directory.Delete(ctx, directory.ChannelRef(p.Channel), cond))
}

// unconfirmed says what would be lost.
func (a *API) unconfirmed(ctx context.Context, ch *waybill.Channel) error {
	n, err := a.opt.Directory.Messages(ctx, ch)
	if err != nil {
		return err
	}
	return waybill.Errorf(waybill.Invalid,
		"with channel %s its history is lost, of %d messages: to delete it, repeat its ID in the parameter confirm", cut(ch.ID), n)
}

const channelsPattern, channelPattern = "/channels", "/channels/{channel}"

func channelRoutes() []route {
	const example = `{"channel":"cams-demo","account":"1234567890123456","provider":"chatapp","time_zone":"Asia/Shanghai",` +
		`"senders":[{"number":"8613800000000"}],"callback_data":"json","template_insights":"disabled"}`
	return []route{{
		method: http.MethodGet, pattern: channelsPattern, scope: waybill.ScopeMetricsRead, perChannel: true,
		id: "listChannels", tag: tagDirectory, summary: "List channels",
		doc:       "Those that the token reaches.",
		operation: does((*API).listChannels), example: `{"channels":[` + example + `]}`,
	}, {
		method: http.MethodGet, pattern: channelPattern, scope: waybill.ScopeMetricsRead,
		id: "getChannel", tag: tagDirectory, summary: "Get a channel",
		operation: does((*API).getChannel), example: example, errors: []int{http.StatusNotFound},
	}, {
		method: http.MethodPut, pattern: channelPattern, scope: waybill.ScopeAdmin, conditional: true,
		id: "putChannel", tag: tagDirectory, summary: "Make or change a channel",
		doc: "A channel never moves to another account or provider. Its secrets stay where they are left out. " +
			"The token of an account makes channels of that account; the ISV of a channel cannot change it, and " +
			"the operator names it.",
		operation: does((*API).putChannel), example: example,
		errors: []int{http.StatusConflict, http.StatusUnprocessableEntity},
	}, {
		method: http.MethodDelete, pattern: channelPattern, scope: waybill.ScopeAdmin, conditional: true,
		id: "deleteChannel", tag: tagDirectory, summary: "Delete a channel and its history",
		doc:       "The ID must be repeated in `confirm`. A channel of the same ID that is made later begins with an empty history.",
		operation: does((*API).deleteChannel), errors: []int{http.StatusNotFound},
	}}
}
