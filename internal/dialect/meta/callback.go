package meta

import (
	"strings"

	"waybill"
)

// maxCallback bounds the callback data that is read, in bytes. Meta allows 512
// characters.
const maxCallback = 4 * 512

// A callback is what the sender of a message attached to it as
// biz_opaque_callback_data. Meta echoes it in every status of the message.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
type callback struct {
	template, language, campaign string
}

// parse reads callback data in the channel's format into c. It reports false
// where the data, or a part of it, is nothing that c can hold; the other parts
// are kept.
func (c *callback) parse(format waybill.CallbackFormat, data string, r *reader) bool {
	*c = callback{}
	switch format {
	case waybill.CallbackIgnore:
		return true
	case waybill.CallbackTemplate:
		return label(&c.template, data)
	case waybill.CallbackCampaign:
		return label(&c.campaign, data)
	}
	return len(data) <= maxCallback && c.parseJSON(data, r)
}

// parseJSON reads an object. Its keys are the sender's, so those that c does not
// know are none of our business.
func (c *callback) parseJSON(data string, r *reader) bool {
	ok := true
	object := false
	r.reset(data, maxCallback) // which no text of that length can exceed
	for name := range r.members() {
		object = true
		switch name {
		case "template":
			ok = label(&c.template, r.scalar()) && ok
		case "language":
			ok = label(&c.language, r.scalar()) && ok
		case "campaign":
			ok = label(&c.campaign, r.scalar()) && ok
		default:
			r.skip()
		}
	}
	if r.finish() != nil || !object {
		*c = callback{}
		return false
	}
	return ok
}

// label sets l to a value that can be a label. Labels are kept, so it must not be
// a part of a longer text.
func label(l *string, value string) bool {
	if value == "" || len(value) > waybill.MaxLabel || !waybill.Printable(value) {
		return false
	}
	*l = strings.Clone(value)
	return true
}

// apply sets the labels that c names.
func (c *callback) apply(labels *waybill.Labels) {
	labels.Set(waybill.LabelTemplate, c.template, waybill.RankCallback)
	labels.Set(waybill.LabelLanguage, c.language, waybill.RankCallback)
	labels.Set(waybill.LabelCampaign, c.campaign, waybill.RankCallback)
}

// A callbackReader reads the callback data of a webhook, in which the same one
// often recurs.
type callbackReader struct {
	tally  *tally
	reader reader

	format waybill.CallbackFormat
	text   string
	last   callback
	ok     bool
}

// apply labels an event with the callback data that came with it.
func (r *callbackReader) apply(format waybill.CallbackFormat, text string, labels *waybill.Labels) {
	if r.text != text || r.format != format {
		r.ok = r.last.parse(format, text, &r.reader)
		r.text, r.format = text, format
	}
	if !r.ok {
		r.tally.callbackErrors++
	}
	r.last.apply(labels)
}
