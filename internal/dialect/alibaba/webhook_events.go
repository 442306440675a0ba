package alibaba

import (
	"encoding/json"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

// add takes one report. What it is shows in its fields: the vendor sends all
// sorts to wherever it is told to.
func (b *batch) add(r report) {
	switch id := r.text("custspaceid"); {
	case id != "" && id != b.channel.ID:
		b.foreign++
	case r.text("messageid") != "" && r.text("status") != "":
		b.status(r)
	case r.text("messageid") != "":
		b.inbound(r)
	case r.text("templatecode") != "":
		b.audit(r)
	case r.text("auditstatus") != "" || r.text("wabaid") != "" || r.text("phonenumber") != "":
		b.ignored++ // changes of numbers and accounts
	default:
		b.malformed++
	}
}

// event returns the event of a report about a message between one of our numbers
// and a person, and whether the report can be one.
func (b *batch) event(r report, ours, person string) (waybill.Event, bool) {
	at, ok := r.at()
	if !ok {
		return waybill.Event{}, false
	}
	e := waybill.Event{Channel: b.channel.Number, Message: r.text("messageid"), At: at}
	e.Labels.Set(waybill.LabelSender, clip(waybill.Digits(r[ours])), waybill.RankVendor)
	e.Recipient = clip(waybill.Digits(r[person]))
	e.Labels.Set(waybill.LabelCountry, dialect.CountryOf(e.Recipient), waybill.RankDerived)
	return e, true
}

var statuses = map[string]waybill.Status{
	"sent":      waybill.StatusSent,
	"delivered": waybill.StatusDelivered,
	"read":      waybill.StatusRead,
	"failed":    waybill.StatusFailed,
}

// status adds a report of what became of a message.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/chatappstatus-1
func (b *batch) status(r report) {
	status, ok := statuses[r.word("status")]
	if !ok {
		b.unknownStatus++
		return
	}
	e, ok := b.event(r, "from", "to")
	if !ok {
		b.malformed++
		return
	}
	e.Status = status
	if status == waybill.StatusFailed {
		e.Failure = waybill.Failure{Code: clip(r.text("errorcode")), Title: clip(r.text("errordescription"))}
	}
	if r.word("msgframetype") == "template" || r.word("type") == "template" {
		b.template(r, &e)
	}
	b.events = append(b.events, e)
}

// categories are the types of conversations that only a template of the same
// category opens. Other messages are sent in these conversations as well, so a
// type says something of templates alone.
var categories = map[string]string{
	"marketing": marketing, "utility": "UTILITY", "authentication": "AUTHENTICATION",
}

// template labels the event of a message that was made from a template.
func (b *batch) template(r report, e *waybill.Event) {
	e.Templated = true
	e.Labels.Set(waybill.LabelTemplate, clip(r.text("templatecode")), waybill.RankVendor)
	e.Labels.Set(waybill.LabelLanguage, clip(r.text("language")), waybill.RankVendor)
	e.Labels.Set(waybill.LabelCategory, categories[r.word("conversationtype")], waybill.RankVendor)
}

// inbound adds a message that a person has written, and the click that a reply is.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/chatappinbound-1
func (b *batch) inbound(r report) {
	if r.text("type") == "" {
		b.malformed++
		return
	}
	if r.word("type") == "system" {
		b.ignored++ // a person's number changed, say
		return
	}
	e, ok := b.event(r, "to", "from")
	if !ok {
		b.malformed++
		return
	}
	e.Status, e.Inbound = waybill.StatusDelivered, true
	if r.word("type") == "reply" {
		click := b.reply(r, &e)
		b.events = append(b.events, click)
	}
	b.events = append(b.events, e)
}

// reply returns the click on the button that a person replied with, and labels
// the message. It does not name the message with the button, so it is a click of
// its own; what the sender attached to the button may name the template.
func (b *batch) reply(r report, e *waybill.Event) waybill.Event {
	var m struct {
		Text    json.RawMessage `json:"text"`
		Payload json.RawMessage `json:"payload"`
	}
	text, payload := r["message"], ""
	if json.Unmarshal([]byte(text), &m) == nil {
		text, payload = textOf(m.Text), textOf(m.Payload)
	}
	attach(payload, &e.Labels)
	click := *e
	click.Status, click.Click = waybill.StatusClicked, clip(e.Message)
	click.Button = waybill.Button{Type: quickReplyButton, Text: clip(text)}
	return click
}

// attach labels a reply with what its payload says, if it is an object with
// template, language or campaign.
func attach(payload string, labels *waybill.Labels) {
	var p struct {
		Template json.RawMessage `json:"template"`
		Language json.RawMessage `json:"language"`
		Campaign json.RawMessage `json:"campaign"`
	}
	if json.Unmarshal([]byte(payload), &p) != nil {
		return
	}
	labels.Set(waybill.LabelTemplate, clip(plain(p.Template)), waybill.RankCallback)
	labels.Set(waybill.LabelLanguage, clip(plain(p.Language)), waybill.RankCallback)
	labels.Set(waybill.LabelCampaign, clip(plain(p.Campaign)), waybill.RankCallback)
}

// plain returns text or a number, "" for what is nested.
func plain(raw json.RawMessage) string {
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return ""
	}
	return textOf(raw)
}

// audit adds what the review of a template says to the registry. Such reports
// have no time; what comes later then stands.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/chatappaudit-1
func (b *batch) audit(r report) {
	at, ok := r.at()
	if !ok {
		at = waybill.Never
	}
	fact := directory.TemplateFact{
		Channel: b.channel.ID, At: at,
		Code: r.text("templatecode"), Language: r.text("language"),
		Name: r.text("templatename"), Status: r.text("auditstatus"),
		Category: strings.ToUpper(r.text("category")), Quality: strings.ToUpper(r.text("qualityscore")),
	}
	switch r.word("type") {
	case "templatecategoryupdate":
		if c, ok := categories[r.word("status")]; ok && fact.Category == "" {
			fact.Category = c
		}
	case "templatequalityupdate":
		if fact.Quality == "" {
			fact.Quality = strings.ToUpper(r.text("status"))
		}
	}
	b.facts = append(b.facts, fact)
}
