package rest

import (
	"context"
	"time"

	"waybill"
)

// history is one message as the ledger knows it.
type history struct {
	Channel   string            `json:"channel" doc:"ID of the channel." example:"cams-demo"`
	Message   string            `json:"message" doc:"The vendor's ID of the message; empty where IDs are not kept." example:"m-1"`
	Recipient string            `json:"recipient,omitempty" doc:"Whom it went to, where that is kept." example:"6281234567890"`
	Kind      string            `json:"kind" enum:"session,template,inbound" doc:"What sort of message it is."`
	Collected bool              `json:"collected" doc:"Whether the Alibaba operations count it."`
	Stages    stages            `json:"stages" doc:"The earliest report of each stage."`
	Reached   stages            `json:"reached" doc:"The stages as they count: with what later stages imply."`
	Failure   *failure          `json:"failure,omitempty" doc:"Why it failed, if it did."`
	Labels    map[string]string `json:"labels" doc:"The labels that are known."`
	Clicks    []click           `json:"clicks" doc:"The 64 earliest clicks."`
}

// stages are times in RFC 3339, empty where the message did not get there.
type stages struct {
	Accepted  string `json:"accepted,omitempty" format:"date-time" doc:"When the vendor took it." example:"2026-11-20T10:00:00Z"`
	Sent      string `json:"sent,omitempty" format:"date-time" doc:"When the vendor sent it on." example:"2026-11-20T10:00:01Z"`
	Delivered string `json:"delivered,omitempty" format:"date-time" doc:"When it reached the device." example:"2026-11-20T10:00:02Z"`
	Read      string `json:"read,omitempty" format:"date-time" doc:"When it was read." example:"2026-11-20T10:05:00Z"`
	Failed    string `json:"failed,omitempty" format:"date-time" doc:"When it failed." example:"2026-11-20T10:00:02Z"`
}

type failure struct {
	Code  string `json:"code" doc:"The vendor's error code." example:"131026"`
	Title string `json:"title,omitempty" doc:"The vendor's words." example:"Undeliverable"`
}

type click struct {
	ID     string  `json:"id" doc:"ID of the click." example:"c-1"`
	At     string  `json:"at" format:"date-time" doc:"When." example:"2026-11-20T10:06:00Z"`
	Button *button `json:"button,omitempty" doc:"What was clicked, if known."`
}

type button struct {
	Type string `json:"type" doc:"The vendor's word for the sort of button." example:"quick_reply_button"`
	Text string `json:"text" doc:"What stands on it." example:"Yes"`
}

type messageParams struct {
	Channel string `path:"channel" doc:"ID of the channel." example:"cams-demo"`
	ID      string `path:"id" doc:"The vendor's ID of the message, with its slashes escaped." example:"m-1"`
}

// message answers the history of one message. A channel that the token does not
// reach is answered like an unknown message.
func (a *API) message(ctx context.Context, c *call, p *messageParams) (history, error) {
	channel, id := p.Channel, p.ID
	var h history
	unknown := waybill.Errorf(waybill.NotFound, "message %s of channel %s is unknown", cut(id), cut(channel))
	ch, ok := a.opt.Directory.View().Channel(channel)
	if !ok || !a.reaches(c, &ch) {
		return h, unknown
	}
	m, err := a.opt.Store.Message(ctx, ch.Number, id)
	if waybill.CodeOf(err) == waybill.NotFound && err != nil {
		return h, unknown
	}
	if err != nil {
		return h, err
	}
	h = newHistory(&ch, id, &m)
	h.Recipient, err = a.opt.Store.Recipient(ctx, ch.Number, id)
	if waybill.CodeOf(err) == waybill.NotFound && err != nil {
		return h, unknown // it was dropped between the two questions
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
