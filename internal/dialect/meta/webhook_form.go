package meta

import (
	"strings"
)

// A form is how a status is spelt, apart from what its strings say. The statuses of
// a sender differ in nothing else, so that what is spelt as one that was read before
// need not be taken apart again: the names in it are known to be right, and to occur
// once.
type form struct {
	parts []part
	tail  string // all behind the last string
}

// A part is a string, with the text that comes before it.
type part struct {
	before string // up to its first quote
	field  statusField
}

// A statusField is what a string of a status says.
type statusField uint8

const (
	fieldNone statusField = iota
	fieldID
	fieldStatus
	fieldTime
	fieldKind
	fieldRecipient
	fieldUserID
	fieldRecipientType
	fieldCallback
	fieldPricingModel
	fieldPricingType
	fieldPricingCategory
	fieldPricingTier
)

// A level is the object in which a member of a status lies.
type level uint8

const (
	inStatus level = iota
	inPricing
	elsewhere // of which nothing is read
)

// below returns the level of the members of an object that is a member itself.
func (l level) below(name string) level {
	if l == inStatus && name == "pricing" {
		return inPricing
	}
	return elsewhere
}

// statusFieldOf returns the field of a member of a status. It agrees with
// decoding.status.
func statusFieldOf(in level, name string) statusField {
	switch in {
	case inStatus:
	case inPricing:
		switch name {
		case "pricing_model":
			return fieldPricingModel
		case "type":
			return fieldPricingType
		case "category":
			return fieldPricingCategory
		case "tier":
			return fieldPricingTier
		}
		return fieldNone
	case elsewhere:
		return fieldNone
	}
	switch name {
	case "id":
		return fieldID
	case "status":
		return fieldStatus
	case "timestamp":
		return fieldTime
	case "type":
		return fieldKind
	case "recipient_id":
		return fieldRecipient
	case "recipient_user_id":
		return fieldUserID
	case "recipient_type":
		return fieldRecipientType
	case "biz_opaque_callback_data":
		return fieldCallback
	}
	return fieldNone
}

func (s *wireStatus) set(f statusField, text string) {
	switch f {
	case fieldNone:
	case fieldID:
		s.id = text
	case fieldStatus:
		s.status = text
	case fieldTime:
		s.at = instant(text)
	case fieldKind:
		s.kind = text
	case fieldRecipient:
		s.recipient = text
	case fieldUserID:
		s.userID = text
	case fieldRecipientType:
		s.recipientType = text
	case fieldCallback:
		s.callback = text
	case fieldPricingModel:
		s.pricingModel = text
	case fieldPricingType:
		s.pricingType = text
	case fieldPricingCategory:
		s.pricingCategory = text
	case fieldPricingTier:
		s.pricingTier = text
	}
}

// spelt reads the next status into s if it has the form f, and reports whether it
// has. Else s may hold anything.
func (d *decoding) spelt(f *form, s *wireStatus) bool {
	at := d.at
	for i := range f.parts {
		p := &f.parts[i]
		if !strings.HasPrefix(d.text[at:], p.before) {
			return false
		}
		at += len(p.before)
		end := at + ordinary(d.text[at:])
		value, ok := d.text[at:end], d.byteAt(end) == '"'
		if !ok {
			if value, end, ok = d.escaped(at); !ok {
				return false
			}
		}
		s.set(p.field, value)
		at = end
	}
	if !strings.HasPrefix(d.text[at:], f.tail) {
		return false
	}
	d.at = at + len(f.tail)
	return true
}

// escaped reads a string, of which the first byte is at, that may not stand for
// itself. It returns where the string ends, and leaves the walk where it is.
func (d *decoding) escaped(at int) (value string, end int, ok bool) {
	back := d.at
	d.at = at - 1
	inside, plain := d.quoted()
	end, d.at = d.at-1, back
	if d.broken {
		d.broken = false // who reads it member by member finds out
		return "", 0, false
	}
	return d.known(inside, plain), end, true
}

const (
	// maxForms is how many are known at a time. A sender has about one for each
	// status and price.
	maxForms = 8

	// learnEvery bounds what it costs to learn forms that do not come again, and
	// maxForm what it takes to keep one, in bytes.
	learnEvery = 8
	maxForm    = 2048
)

// forms are those that were read last.
type forms struct {
	known  []form
	oldest int // of a full set
	missed int // statuses since the beginning
}

// formed reads a status of a form that is known.
func (d *decoding) formed(s *wireStatus) bool {
	for i := range d.forms.known {
		if d.spelt(&d.forms.known[i], s) {
			return true
		}
		*s = wireStatus{}
	}
	return false
}

// learn notes the form of the status that begins at start and was read into s, now
// and then.
func (d *decoding) learn(start int, s *wireStatus) {
	h, end := &d.forms, d.at
	h.missed++
	if h.missed%learnEvery != 1 || end-start > maxForm {
		return
	}
	l := learner{}
	l.reset(d.text[start:end], maxDepth)
	l.object(inStatus)
	l.tail = strings.Clone(l.text[l.from:])
	var again wireStatus
	d.at = start
	if l.broken || !d.spelt(&l.form, &again) || d.at != end || again != *s {
		d.at = end
		return
	}
	if len(h.known) < maxForms {
		h.known = append(h.known, l.form)
		return
	}
	h.known[h.oldest] = l.form
	h.oldest = (h.oldest + 1) % maxForms
}

// A learner finds out the form of a status. It breaks off at what no form has: an
// array, such as that of errors.
type learner struct {
	reader
	form
	from int // the end of the last string
}

// object reads an object, and in is the level of its members.
func (l *learner) object(in level) {
	for name := range l.members() {
		switch l.peek() {
		case '{':
			l.object(in.below(name))
		case '[':
			l.fail()
		case '"':
			l.part(statusFieldOf(in, name))
		default:
			l.skip()
		}
	}
}

func (l *learner) part(f statusField) {
	start := l.at + 1
	inside, _ := l.quoted()
	if l.broken {
		return
	}
	l.parts = append(l.parts, part{before: strings.Clone(l.text[l.from:start]), field: f})
	l.from = start + len(inside)
}
