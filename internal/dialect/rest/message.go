package rest

import (
	"context"
	"time"

	"waybill"
)

// history is one message as the ledger knows it.
type history struct {
	Channel   string            `json:"channel"`
	Message   string            `json:"message"`
	Recipient string            `json:"recipient,omitempty"` // where it is kept
	Kind      string            `json:"kind"`
	Collected bool              `json:"collected"`
	Stages    stages            `json:"stages"`  // the earliest report of each
	Reached   stages            `json:"reached"` // as it counts: with what later stages imply
	Failure   *failure          `json:"failure,omitempty"`
	Labels    map[string]string `json:"labels"`
	Clicks    []click           `json:"clicks"`
}

// stages are times in RFC 3339, empty where the message did not get there.
type stages struct {
	Accepted  string `json:"accepted,omitempty"`
	Sent      string `json:"sent,omitempty"`
	Delivered string `json:"delivered,omitempty"`
	Read      string `json:"read,omitempty"`
	Failed    string `json:"failed,omitempty"`
}

type failure struct {
	Code  string `json:"code"`
	Title string `json:"title,omitempty"`
}

type click struct {
	ID     string  `json:"id"`
	At     string  `json:"at"`
	Button *button `json:"button,omitempty"`
}

type button struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// message answers the history of one message. A channel that the token does not
// reach is answered like an unknown message.
func (a *API) message(ctx context.Context, c *call) (any, error) {
	channel, id := c.values["channel"], c.values["id"]
	unknown := waybill.Errorf(waybill.NotFound, "message %s of channel %s is unknown", cut(id), cut(channel))
	ch, ok := a.opt.Directory.View().Channel(channel)
	if !ok || !c.token.Reaches(&ch) {
		return nil, unknown
	}
	m, err := a.opt.Store.Message(ctx, ch.Number, id)
	if waybill.CodeOf(err) == waybill.NotFound && err != nil {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	h := newHistory(&ch, id, &m)
	h.Recipient, err = a.opt.Store.Recipient(ctx, ch.Number, id)
	if waybill.CodeOf(err) == waybill.NotFound && err != nil {
		return nil, unknown // it was dropped between the two questions
	}
	return h, err
}

func newHistory(c *waybill.Channel, id string, m *waybill.Message) history {
	h := history{
		Channel: c.ID, Message: id, Kind: m.Kind().String(), Collected: m.Collected,
		Stages:  stagesOf(func(s waybill.Stage) waybill.Instant { return m.At[s] }),
		Reached: stagesOf(m.Reached),
		Labels:  make(map[string]string), Clicks: []click{},
	}
	if !m.CountsAsFailed(c.Provider) {
		h.Reached.Failed = "" // a success stands over it
	}
	if m.At[waybill.Failed] != waybill.Never {
		h.Failure = &failure{m.Failure.Code, m.Failure.Title}
	}
	for l, v := range m.Labels.Values() {
		if v != "" {
			h.Labels[waybill.Label(l).String()] = v
		}
	}
	for _, c := range m.Clicks {
		shown := click{ID: c.ID, At: instant(c.At)}
		if c.Button != (waybill.Button{}) {
			shown.Button = &button{c.Button.Type, c.Button.Text}
		}
		h.Clicks = append(h.Clicks, shown)
	}
	return h
}

func stagesOf(reached func(waybill.Stage) waybill.Instant) stages {
	return stages{
		Accepted:  instant(reached(waybill.Accepted)),
		Sent:      instant(reached(waybill.Sent)),
		Delivered: instant(reached(waybill.Delivered)),
		Read:      instant(reached(waybill.Read)),
		Failed:    instant(reached(waybill.Failed)),
	}
}

func instant(i waybill.Instant) string {
	if i == waybill.Never {
		return ""
	}
	return i.Time().Format(time.RFC3339)
}
