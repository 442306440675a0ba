package demo

import (
	"math/rand/v2"

	"waybill"
)

// A reason says why a message failed, in Meta's words.
//
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
type reason waybill.Failure

// The reasons.
var (
	undeliverable = reason{"131026", "Message undeliverable"}
	limited       = reason{"131049", "This message was not delivered to maintain healthy ecosystem engagement."}
	stopped       = reason{"131050", "User has stopped marketing messages from your business"}
	experiment    = reason{"130472", "User's number is part of an experiment"}
	wrong         = reason{"131000", "Something went wrong"}
	expired       = reason{"131047", "Re-engagement message"}
	paused        = reason{"132015", "Template is paused"}
)

// reason draws why m fails.
func (m *message) reason(r *rand.Rand) *reason {
	luck := r.Float64()
	switch {
	case m.template == nil:
		return &expired
	case m.template.category == marketing && luck < .42:
		return &limited
	case m.template.category == marketing && luck < .54:
		return &stopped
	case m.template.category == marketing && luck < .58:
		return &experiment
	case luck > .93:
		return &wrong
	}
	return &undeliverable
}

// The categories of templates.
const (
	marketing      = "MARKETING"
	utility        = "UTILITY"
	authentication = "AUTHENTICATION"
)

// A habit is how people treat a kind of message.
type habit struct {
	seen    float64 // share of the delivered ones that are opened
	minutes float64 // until then, in the median
}

var habits = map[string]habit{
	"":             {.96, 2}, // in a conversation
	marketing:      {.70, 38},
	utility:        {.90, 9},
	authentication: {.86, .5},
}

const (
	second = int64(1000) // milliseconds, the unit of all times here
	minute = 60 * second
	hour   = 60 * minute
)

// live tells what becomes of a message that was accepted at the given time.
func (g *generator) live(r *rand.Rand, m *message, at int64) {
	c := m.person.country
	if r.Float64() < c.failing {
		g.fail(r, m, at+r.Int64N(second), m.reason(r))
		return
	}
	at += 150 + lognormal(r, .4, .6)
	if r.Float64() > .003 {
		g.tell(r, m, report{status: waybill.StatusSent, at: at, priced: true})
	}
	delivered, ok := m.reach(r, at)
	if !ok {
		g.settle(r, m, at)
		return
	}
	h := habits[m.category()]
	opened := r.Float64() < h.seen
	read := delivered + m.patience(r, h)
	if read-delivered > 2*minute {
		read = awake(r, read, c)
	}
	receipt := opened && !m.person.shy
	implied := receipt && r.Float64() < .02
	if !implied {
		g.tell(r, m, report{status: waybill.StatusDelivered, at: delivered, priced: true})
	}
	if receipt {
		g.tell(r, m, report{status: waybill.StatusRead, at: read, priced: implied})
	}
	g.settle(r, m, at)
	if opened {
		g.press(r, m, read)
	}
}

// reach returns when a message sent at the given time gets to the device. Phones
// are off for hours, and a code is of no use then.
func (m *message) reach(r *rand.Rand, at int64) (delivered int64, ok bool) {
	if r.Float64() < m.person.country.unseen {
		return 0, false
	}
	if r.Float64() < .97 {
		return at + lognormal(r, 2.8, 1.1), true
	}
	off := min(lognormal(r, 2.2*3600, 1), 5*24*hour)
	return at + off, m.category() != authentication || off < 10*minute
}

// patience returns how long a delivered message waits until it is opened.
func (m *message) patience(r *rand.Rand, h habit) int64 {
	if m.category() != authentication && r.Float64() < .03 {
		return 18*hour + r.Int64N(12*hour)
	}
	return 2*second + lognormal(r, 60*h.minutes, 1.3)
}

// awake puts off what would happen at night until the morning, for most people.
func awake(r *rand.Rand, at int64, c *country) int64 {
	const wakes = 6*3600 + 40*60
	asleep := wakes - secondOfDay(waybill.Instant(at/second), c.zone)
	if asleep <= 0 || r.Float64() < .15 {
		return at
	}
	return at + int64(asleep)*second + lognormal(r, 50*60, .7)
}

// fail tells that a message failed. Some had been sent before that.
func (g *generator) fail(r *rand.Rand, m *message, at int64, why *reason) {
	if why != &paused && r.Float64() < .12 {
		at += 150 + lognormal(r, .4, .6)
		g.tell(r, m, report{status: waybill.StatusSent, at: at, priced: true})
	}
	at += 200 + lognormal(r, 1.6, .8)
	g.tell(r, m, report{status: waybill.StatusFailed, at: at, failure: waybill.Failure(*why)})
	g.settle(r, m, at)
}

// settle tells the labels of a message that its first reports left out.
func (g *generator) settle(r *rand.Rand, m *message, at int64) {
	if !m.late {
		return
	}
	m.late = false
	p := report{status: waybill.StatusNone, at: at, m: m, arrives: at + minute + r.Int64N(40*minute)}
	g.queue.add(p)
}

// press tells which buttons of an opened message are pressed.
func (g *generator) press(r *rand.Rand, m *message, read int64) {
	if m.template == nil {
		return
	}
	for i := range m.template.buttons {
		b := &m.template.buttons[i]
		rate := b.rate * .2
		if m.person.taps {
			rate = b.rate * 1.65
		}
		if r.Float64() >= rate {
			continue
		}
		at := read + second + lognormal(r, 18, 1)
		if b.kind == quickReply {
			g.answer(r, m, b, at)
			return
		}
		g.follow(r, m, b, at)
		if r.Float64() < .15 {
			g.follow(r, m, b, at+minute+r.Int64N(3*hour))
		}
	}
}

// follow tells of a press on a link or a number. The vendors send no report of
// these; the business counts them where the link leads to.
func (g *generator) follow(r *rand.Rand, m *message, b *button, at int64) {
	id := string(serial(r, "0123456789abcdef", 16))
	g.tell(r, m, report{status: waybill.StatusClicked, at: at, click: id, button: b.pressed(m.language), bare: true})
}

// answer tells of a press on a quick reply: it is a message of its own as well.
func (g *generator) answer(r *rand.Rand, m *message, b *button, at int64) {
	in := g.receive(r, m.person, m.sender, at)
	g.tell(r, m, report{status: waybill.StatusClicked, at: at, click: in.id, button: b.pressed(m.language), bare: true})
	if b.talk && r.Float64() < .6 {
		g.reply(r, m.person, m.sender, at+minute+lognormal(r, 4*60, .8))
	}
}
