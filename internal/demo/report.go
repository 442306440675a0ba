package demo

import (
	"cmp"
	"slices"

	"waybill"
)

// A message is what the reports of one message share.
type message struct {
	line     *line
	id       string
	person   person
	sender   string
	template *template // nil outside templates
	language int       // index into those of the template
	campaign string
	segment  string
	inbound  bool
	answers  bool // is sent within a conversation, free of charge
	late     bool // is known to be made from its template only later
}

func (m *message) category() string {
	if m.template == nil {
		return ""
	}
	return m.template.category
}

// A report is one event on its way.
type report struct {
	m       *message
	status  waybill.Status
	at      int64 // when it happened, in milliseconds
	arrives int64 // when it is told, in milliseconds
	failure waybill.Failure
	click   string
	button  waybill.Button
	priced  bool // tells the price, as not all reports do
	bare    bool // tells nothing of the template
}

// event returns what the report tells.
func (p *report) event(channel waybill.ChannelNumber) waybill.Event {
	m := p.m
	e := waybill.Event{
		Channel: channel, Message: m.id, Status: p.status, At: waybill.Instant(p.at / second),
		Recipient: m.person.number, Inbound: m.inbound,
		Failure: p.failure, Click: p.click, Button: p.button,
	}
	rank := waybill.RankVendor
	if m.line.provider == waybill.ProviderMomo {
		rank = waybill.RankOwn
	}
	e.Labels.Set(waybill.LabelSender, m.sender, rank)
	e.Labels.Set(waybill.LabelCountry, m.person.country.code, waybill.RankDerived)
	if m.line.provider == waybill.ProviderWABA {
		p.price(&e)
		e.Templated = e.Templated || m.template != nil && p.button.Type == quickReply
		rank = waybill.RankCallback
	}
	if m.template != nil && !p.bare {
		e.Labels.Set(waybill.LabelTemplate, m.template.code(m.language), rank)
		e.Labels.Set(waybill.LabelLanguage, m.template.languages[m.language], rank)
		e.Labels.Set(waybill.LabelCampaign, m.campaign, rank)
		e.Labels.Set(waybill.LabelSegment, m.segment, rank)
		if m.line.provider == waybill.ProviderChatapp {
			e.Labels.Set(waybill.LabelCategory, m.template.category, rank)
		}
	}
	return e
}

// price labels e with what Meta charges, and with what follows from that: only
// templates have a price, and it is that of their category.
func (p *report) price(e *waybill.Event) {
	if !p.priced {
		return
	}
	category, kind := p.m.category(), "REGULAR"
	if p.m.answers {
		kind = "FREE_CUSTOMER_SERVICE"
	}
	if category == "" {
		category = "SERVICE"
	} else {
		e.Templated = true
		e.Labels.Set(waybill.LabelCategory, category, waybill.RankDerived)
	}
	e.Labels.Set(waybill.LabelPricingType, kind, waybill.RankVendor)
	e.Labels.Set(waybill.LabelPricingCategory, category, waybill.RankVendor)
}

// A queue holds reports until they arrive.
type queue struct {
	now     int64 // milliseconds; what arrives later is dropped
	pending []report
}

func (q *queue) add(p report) {
	if p.arrives <= q.now {
		q.pending = append(q.pending, p)
	}
}

// take removes the reports that arrive before the given time and returns them in
// order.
func (q *queue) take(before int64) []report {
	n := 0
	for i := range q.pending {
		if q.pending[i].arrives < before {
			q.pending[n], q.pending[i] = q.pending[i], q.pending[n]
			n++
		}
	}
	taken := slices.Clone(q.pending[:n])
	q.pending = slices.Delete(q.pending, 0, n)
	slices.SortFunc(taken, func(a, b report) int {
		if a.arrives != b.arrives {
			return cmp.Compare(a.arrives, b.arrives)
		}
		return cmp.Or(cmp.Compare(a.m.id, b.m.id), cmp.Compare(a.status, b.status))
	})
	return taken
}
