package meta

import (
	"strings"

	"waybill"
	"waybill/internal/directory"
)

// A changeValue is the value of a change: what has happened to messages of one
// of our numbers, or to a template.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type changeValue struct {
	displayNumber string
	numberID      string
	numbers       map[string]string // phone numbers by user ID, from the contacts
	statuses      []wireStatus
	messages      []wireMessage
	template      directory.TemplateFact
	errors        int
	odd           int // elements that are no report of anything
}

// A wireStatus is an element of statuses.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
type wireStatus struct {
	at                               waybill.Instant
	id, status, kind                 string
	recipient, userID, recipientType string
	pricingModel, pricingType        string
	pricingCategory, pricingTier     string
	errorCode, errorTitle            string
	callback                         string
}

// A wireMessage is an element of messages: something that a person sent to us.
type wireMessage struct {
	at                     waybill.Instant
	id, kind, unsupported  string
	from, userID, group    string
	contextID, contextFrom string
	buttonText             string
	replyKind, replyTitle  string
}

// reset empties v, keeping its memory but none of the texts.
func (v *changeValue) reset() {
	clear(v.numbers)
	clear(v.statuses)
	clear(v.messages)
	*v = changeValue{numbers: v.numbers, statuses: v.statuses[:0], messages: v.messages[:0]}
}

// changeValue reads a value into v.
func (d *decoding) changeValue(v *changeValue) {
	for name := range d.members() {
		switch name {
		case "metadata":
			d.metadata(v)
		case "contacts":
			d.contacts(v)
		case "statuses":
			d.statuses(v)
		case "messages":
			d.receivedMessages(v)
		case "errors":
			for range d.elements(&v.odd) {
				v.errors++
				d.skip()
			}
		default:
			d.templateMember(name, v)
		}
	}
}

// metadata reads which of our numbers a change is about.
func (d *decoding) metadata(v *changeValue) {
	for name := range d.members() {
		switch name {
		case "display_phone_number":
			v.displayNumber = d.word()
		case "phone_number_id":
			v.numberID = d.word()
		default:
			d.skip()
		}
	}
}

// contacts reads the numbers of those who are known by a user ID as well.
func (d *decoding) contacts(v *changeValue) {
	var odd int // a contact is no report that could be lost
	for range d.elements(&odd) {
		var number, userID string
		for name := range d.members() {
			switch name {
			case "wa_id":
				number = d.scalar()
			case "user_id":
				userID = d.scalar()
			default:
				d.skip()
			}
		}
		if number = phone(number); number != "" && userID != "" {
			if v.numbers == nil {
				v.numbers = make(map[string]string)
			}
			v.numbers[userID] = number
		}
	}
}

// templateMember reads a member of a value that is about a template.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
func (d *decoding) templateMember(name string, v *changeValue) {
	t := &v.template
	switch name {
	case "message_template_id":
		if id := d.scalar(); isID(id) {
			t.Code = strings.Clone(id)
		}
	case "message_template_name":
		t.Name = strings.Clone(d.scalar()) // which is kept for good
	case "message_template_language":
		// Meta's codes have an underscore; some examples have a hyphen.
		t.Language = strings.ReplaceAll(d.word(), "-", "_")
	case "event":
		t.Status = upper(d.word())
	case "new_quality_score":
		t.Quality = upper(d.word())
	case "message_template_category", "new_category":
		t.Category = upper(d.word())
	default:
		d.skip()
	}
}

// statuses reads statuses. Those without ID, status or time are not kept, so that a
// body full of nothing stays small.
func (d *decoding) statuses(v *changeValue) {
	for range d.elements(&v.odd) {
		v.statuses = append(v.statuses, wireStatus{})
		last := len(v.statuses) - 1
		d.anyStatus(&v.statuses[last])
		if s := &v.statuses[last]; s.id == "" || s.status == "" || s.at == waybill.Never {
			v.statuses = v.statuses[:last]
			v.odd++
		}
	}
}

// anyStatus reads a status, by its form if that is known.
func (d *decoding) anyStatus(s *wireStatus) {
	if d.formed(s) {
		return
	}
	start := d.at
	d.status(s)
	if !d.broken {
		d.learn(start, s)
	}
}

// receivedMessages reads messages, as statuses does.
func (d *decoding) receivedMessages(v *changeValue) {
	for range d.elements(&v.odd) {
		v.messages = append(v.messages, wireMessage{})
		last := len(v.messages) - 1
		d.message(&v.messages[last])
		if m := &v.messages[last]; m.id == "" || m.at == waybill.Never {
			v.messages = v.messages[:last]
			v.odd++
		}
	}
}

// instant reads a time, Never where there is none.
func (d *decoding) instant() waybill.Instant { return instant(d.scalar()) }

func (d *decoding) status(s *wireStatus) {
	for name := range d.members() {
		switch name {
		case "id":
			s.id = d.scalar()
		case "status":
			s.status = d.word()
		case "timestamp":
			s.at = d.instant()
		case "type":
			s.kind = d.word()
		case "recipient_id":
			s.recipient = d.scalar()
		case "recipient_user_id":
			s.userID = d.scalar()
		case "recipient_type":
			s.recipientType = d.word()
		case "pricing":
			d.pricing(s)
		case "errors":
			d.failure(s)
		case "biz_opaque_callback_data":
			s.callback = d.word()
		default:
			d.skip()
		}
	}
}

func (d *decoding) pricing(s *wireStatus) {
	for name := range d.members() {
		switch name {
		case "pricing_model":
			s.pricingModel = d.word()
		case "type":
			s.pricingType = d.word()
		case "category":
			s.pricingCategory = d.word()
		case "tier":
			s.pricingTier = d.word()
		default:
			d.skip()
		}
	}
}

// failure reads why a message failed. Of several errors the first one that has a
// code stands, else the first.
func (d *decoding) failure(s *wireStatus) {
	var odd int
	for range d.elements(&odd) {
		var code, title, message string
		for name := range d.members() {
			switch name {
			case "code":
				code = d.word()
			case "title":
				title = d.word()
			case "message":
				message = d.word()
			default:
				d.skip()
			}
		}
		if title == "" {
			title = message
		}
		if s.errorCode == "" && (code != "" || s.errorTitle == "") {
			s.errorCode, s.errorTitle = code, title
		}
	}
}

func (d *decoding) message(m *wireMessage) {
	for name := range d.members() {
		switch name {
		case "id":
			m.id = d.scalar()
		case "timestamp":
			m.at = d.instant()
		case "type":
			m.kind = d.word()
		case "from":
			m.from = d.scalar()
		case "from_user_id":
			m.userID = d.scalar()
		case "group_id":
			m.group = d.scalar()
		case "context":
			d.context(m)
		case "button":
			m.buttonText = d.member("text")
		case "unsupported":
			m.unsupported = d.member("type")
		case "interactive":
			d.interactive(m)
		default:
			d.skip()
		}
	}
}

// context reads which message of ours a message answers.
func (d *decoding) context(m *wireMessage) {
	for name := range d.members() {
		switch name {
		case "id":
			m.contextID = d.scalar()
		case "from":
			m.contextFrom = d.scalar()
		default:
			d.skip()
		}
	}
}

// interactive reads which button or row of ours was chosen.
func (d *decoding) interactive(m *wireMessage) {
	for name := range d.members() {
		switch name {
		case "type":
			m.replyKind = d.word()
		case "button_reply", "list_reply":
			m.replyTitle = d.member("title")
		default:
			d.skip()
		}
	}
}

// member reads an object of which one scalar member matters.
func (d *decoding) member(wanted string) (value string) {
	for name := range d.members() {
		if name == wanted {
			value = d.word()
			continue
		}
		d.skip()
	}
	return value
}
