package meta

import (
	"errors"
	"io"
	"strings"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

// maxDepth bounds the nesting of JSON that others send. Webhooks have about ten
// levels.
const maxDepth = 64

// webhookObject is the object of all webhooks of WhatsApp Business Accounts.
const webhookObject = "whatsapp_business_account"

// A report is what one entry of a webhook says, before it is known whose
// account it is about.
type report struct {
	account   string // ID of the WhatsApp Business Account
	raw       []byte // the entry as it was sent
	events    []waybill.Event
	callbacks []attachment
	facts     []directory.TemplateFact
	senders   []senderID
}

// A senderID is Meta's ID of one of our numbers.
type senderID struct{ number, id string }

// An attachment is the callback data of an event. How it is read depends on the
// channel.
type attachment struct {
	event int // index in the events of the report
	text  string
}

// says reports whether there is anything in r to record.
func (r *report) says() bool { return len(r.events)+len(r.facts) > 0 }

// isID reports whether text has the form of an ID of Meta's. Meta's console sends
// samples for the account 0, and other samples have words there.
func isID(text string) bool {
	const maxDigits = 32
	return text != "" && text != "0" && len(text) <= maxDigits && digits(text)
}

// A tally counts what a webhook holds that becomes no event.
type tally struct {
	malformed      int // items that lack an ID or a time, or have another shape
	unknownStatus  int // statuses that are no stage of a message
	ignored        int // changes and messages that count nothing
	vendorErrors   int // errors of the account, not of a message
	callbackErrors int // callback data that is not in the channel's format
}

// A decoding is a walk through one webhook at a time. Its scratch value is that
// of the change that is being read.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
type decoding struct {
	reader
	received waybill.Instant
	tally    tally
	value    changeValue
	forms    forms
	events   []waybill.Event // empty, for the events of the first entry; may be nil
}

// release forgets the last webhook, and all memory that is more than an ordinary
// one needs.
func (d *decoding) release() {
	const maxKept = 4096
	d.reset("", 0)
	d.value.reset()
	if cap(d.value.statuses)+cap(d.value.messages)+cap(d.scratch)+cap(d.names) > maxKept {
		*d = decoding{}
	}
	clear(d.names[:cap(d.names)])
}

// decode returns what the entries of a webhook report. The reports share the memory of
// body, which must never change. received is the time that stands in for a missing one
// of a template's change. It fails with Invalid where
// the body is no webhook at all; what is wrong within is skipped and counted in
// the tally.
func (d *decoding) decode(body []byte, received waybill.Instant) ([]report, tally, error) {
	d.received, d.tally = received, tally{}
	// The bytes of the body itself, which nobody changes: of many statuses a copy
	// is most of the garbage.
	d.reset(unsafe.String(unsafe.SliceData(body), len(body)), maxDepth)
	object, entries, reports := webhookObject, false, []report(nil)
	for name := range d.members() {
		switch name {
		case "object":
			object = d.scalar()
		case "entry":
			entries = d.peek() == '['
			for range d.elements(&d.tally.malformed) {
				if r := d.entry(body); r.says() {
					reports = append(reports, r)
				}
			}
		default:
			d.skip()
		}
	}
	if err := d.finish(); err != nil {
		return nil, tally{}, err
	}
	// Some examples in Meta's reference have the object in another place.
	if object != webhookObject {
		return nil, tally{}, waybill.Errorf(waybill.Invalid, "object is %.64q, not %q", object, webhookObject)
	}
	if !entries {
		return nil, tally{}, waybill.Errorf(waybill.Invalid, "the webhook has no array named entry")
	}
	return reports, d.tally, nil
}

// finish reads the end of the text. It returns an Invalid error that says what
// was wrong with the text, if anything was. A text of nothing but white space is
// not wrong.
func (r *reader) finish() error {
	if r.peek() == 0 && r.at == len(r.text) && (!r.broken || strings.Trim(r.text, " \t\r\n") == "") {
		return nil
	}
	if err := dialect.CheckDepth([]byte(r.text), r.deepest); err != nil {
		return err
	}
	return explain(r.text)
}

// explain says what is wrong with a text. What the reader has refused is read
// again by a decoder that is slower and knows where it is.
func explain(text string) error {
	// AllowInvalidUTF8, because the reader does.
	d := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowInvalidUTF8(true))
	err := d.SkipValue()
	if err == nil {
		if _, err = d.ReadToken(); err == nil {
			return waybill.Errorf(waybill.Invalid, "there is more behind the JSON value, at byte %d", d.InputOffset())
		}
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return waybill.Errorf(waybill.Invalid, "the body is not JSON: %v", err)
	case errors.Is(syntax, jsontext.ErrDuplicateName):
		return waybill.Errorf(waybill.Invalid, "the name at %.200q occurs twice in its object", syntax.JSONPointer)
	case errors.Is(syntax, io.ErrUnexpectedEOF):
		return waybill.Errorf(waybill.Invalid, "the JSON ends early, at byte %d", syntax.ByteOffset)
	}
	return waybill.Errorf(waybill.Invalid, "the body is not JSON: %v at byte %d", syntax.Err, syntax.ByteOffset)
}

// entry reads what happened to one account.
func (d *decoding) entry(body []byte) report {
	r := report{events: d.events}
	d.events = nil
	at := d.received
	start := d.at
	for name := range d.members() {
		switch name {
		case "id":
			r.account = d.scalar()
		case "time":
			// A time far ahead would keep all later changes out.
			t := d.instant()
			if t != waybill.Never && t <= d.received+waybill.Instant(waybill.MaxAhead.Seconds()) {
				at = t
			}
		case "changes":
			for range d.elements(&d.tally.malformed) {
				d.change(&r)
			}
		default:
			d.skip()
		}
	}
	for i := range r.facts {
		r.facts[i].At = at
	}
	if !d.broken {
		r.raw = body[start:d.at]
	}
	return r
}

// change reads one change and adds what it says to r. The field that names the
// kind of the change may stand behind its value.
func (d *decoding) change(r *report) {
	var field string
	v := &d.value
	v.reset()
	for name := range d.members() {
		switch name {
		case "field":
			field = d.word()
		case "value":
			d.changeValue(v)
		default:
			d.skip()
		}
	}
	if d.broken {
		return
	}
	switch {
	case v.template.Code != "" && isTemplateField(field):
		r.facts = append(r.facts, v.template)
	case field == "messages" || field == "":
		d.messages(v, r)
	default:
		d.tally.ignored++
	}
}

// isTemplateField reports whether changes of a field are about a template. What
// such a change says is told by its members, because one example in Meta's
// reference names the wrong one of these fields.
func isTemplateField(field string) bool {
	return field == "" || field == "template_category_update" || strings.HasPrefix(field, "message_template_")
}

// messages adds the events of a change of the field messages.
func (d *decoding) messages(v *changeValue, r *report) {
	d.tally.vendorErrors += v.errors
	if len(v.statuses)+len(v.messages)+v.errors+v.odd == 0 {
		d.tally.ignored++ // such as user_actions, which name no message
	}
	d.tally.malformed += v.odd
	m := mapping{value: v, tally: &d.tally, report: r, sender: phone(v.displayNumber)}
	if last := len(r.senders) - 1; m.sender != "" && isID(v.numberID) && (last < 0 || r.senders[last].number != m.sender) {
		r.senders = append(r.senders, senderID{m.sender, v.numberID})
	}
	m.grow(len(v.statuses) + 2*len(v.messages))
	for i := range v.statuses {
		m.status(&v.statuses[i])
	}
	for i := range v.messages {
		m.message(&v.messages[i])
	}
}
