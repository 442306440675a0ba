package rest

import (
	"context"
	"net/http"

	"waybill"
)

// messagesParams ask for the messages behind a number.
type messagesParams struct {
	Channel string `query:"channel" required:"true" doc:"ID of the channel." example:"cams-demo"`
	Metric  string `query:"metric" enum:"accepted,sent,delivered,read,failed,clicked,clicks" default:"accepted" doc:"Which count to open. Clicks finds the messages that were clicked, each once."`
	span
	Basis string `query:"basis" enum:"event,send" default:"event" doc:"When a message counts: at the time of the metric, or at the time it was sent."`
	labels
	Error  string `query:"error" doc:"Only messages that failed with this code; of metric failed." example:"131026"`
	Button string `query:"button" doc:"Only messages in which this button was clicked, as type:text; of metric clicked or clicks." example:"quick_reply_button:Yes"`
	Limit  int    `query:"limit" default:"100" min:"1" max:"1000" doc:"Length of the page."`
	After  string `query:"after" doc:"The next of the page before." example:"AAECAw"`
}

// messagePage is a page of messages.
type messagePage struct {
	Messages []history `json:"messages" doc:"In no particular order."`
	Next     string    `json:"next,omitempty" doc:"To be passed as after; absent on the last page." example:"AAECAw"`
}

// messages answers a page of the messages behind a number.
func (a *API) messages(ctx context.Context, c *call, p *messagesParams) (page messagePage, err error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return page, err
	}
	q := waybill.MessageQuery{
		Channel: ch.Number, Metric: metricOf(p.Metric), Basis: basisOf(p.Basis),
		Where: p.where(), Collected: p.Collected, Limit: p.Limit, After: p.After,
	}
	chosen := selection{ch}
	if q.From, q.To, err = p.within(a.opt.Now(), p.zoneOf(chosen), false); err != nil {
		return page, err
	}
	if q.Detail, err = p.detail(q.Metric); err != nil {
		return page, err
	}
	if len(p.Category) > 0 {
		q.Categories = chosen.categories(a.opt.Directory.View())
	}
	found, err := a.opt.Store.Messages(ctx, q)
	if err != nil {
		return page, err
	}
	page = messagePage{Messages: make([]history, 0, len(found.Messages)), Next: found.Next}
	for i := range found.Messages {
		m := &found.Messages[i]
		h := newHistory(&ch, m.ID, &m.Message)
		h.Recipient = m.Recipient
		page.Messages = append(page.Messages, h)
	}
	return page, nil
}

// detail returns the key of the detail that is asked for, empty where none is.
func (p *messagesParams) detail(metric waybill.Metric) (string, error) {
	failed, clicked := metric == waybill.Metric(waybill.Failed), metric == waybill.Clicked || metric == waybill.Clicks
	switch {
	case p.Error != "" && !failed:
		return "", waybill.Errorf(waybill.Invalid, "error %s is of metric failed, not of %s", cut(p.Error), metric)
	case p.Error != "":
		return waybill.Detail{Code: p.Error}.Key(), nil
	case p.Button == "":
		return "", nil
	case !clicked:
		return "", waybill.Errorf(waybill.Invalid, "button %s is of metric clicked or clicks, not of %s", cut(p.Button), metric)
	}
	b, err := parseButton(p.Button)
	return waybill.Detail{Button: b}.Key(), err
}

func messageRoutes() []route {
	return []route{
		{
			method: http.MethodGet, pattern: "/messages", scope: waybill.ScopeMetricsRead, perChannel: true, heavy: true,
			id: "listMessages", tag: tagMessages, summary: "The messages behind a number",
			doc: "Takes the filters of `GET /metrics`, and finds the messages that one of its counts is made of: as many as that says, " +
				"over all pages, each once. Messages that are older than the server keeps histories still count, but are not found. " +
				"A message whose history changes between two pages may be missing.",
			operation: does((*API).messages),
			example:   `{"messages":[` + historyExample + `],"next":"AAECAw"}`,
		},
		{
			method: http.MethodGet, pattern: "/messages/{channel}/{id}", scope: waybill.ScopeMetricsRead,
			id: "getMessage", tag: tagMessages, summary: "The history of one message",
			doc:       "All that was reported of the message, merged. A channel that the token does not reach is answered like an unknown message.",
			operation: does((*API).message),
			example:   historyExample,
		},
	}
}

const historyExample = `{"channel":"cams-demo","message":"m-1","recipient":"6281234567890","kind":"template","collected":true,` +
	`"stages":{"sent":"2026-11-20T10:00:01Z","read":"2026-11-20T10:05:00Z"},` +
	`"reached":{"accepted":"2026-11-20T10:00:01Z","sent":"2026-11-20T10:00:01Z","delivered":"2026-11-20T10:05:00Z","read":"2026-11-20T10:05:00Z"},` +
	`"labels":{"country":"ID","template":"1100"},` +
	`"clicks":[{"id":"c-1","at":"2026-11-20T10:06:00Z","button":{"type":"quick_reply_button","text":"Yes"}}]}`
