package demo

import (
	"math/rand/v2"

	"waybill"
)

// talks makes the conversations that people begin.
func (g *generator) talks() {
	if g.line.talks == 0 {
		return
	}
	r := g.b.chance("talks", g.line.name, g.day.number)
	for range count(r, g.line.talks*shopWeek[g.day.weekday()]*season(g.day)) {
		from := g.b.countries[g.line.talkers.pick(r)]
		g.talk(r, from.person(r), g.clock(from, &shopping).draw(r))
	}
}

// talk makes a conversation: the person writes, we answer, and so on.
func (g *generator) talk(r *rand.Rand, with person, at int64) {
	us := g.line.sender(with.country)
	for range 1 + min(count(r, 1.1), 6) {
		g.receive(r, with, us, at)
		if r.Float64() < .35 {
			at += 5*second + lognormal(r, 25, .7)
			g.receive(r, with, us, at)
		}
		at += 15*second + lognormal(r, 3.5*60, .9)
		g.reply(r, with, us, at)
		at += 10*second + lognormal(r, 2*60, 1)
	}
}

// receive tells of a message from a person.
func (g *generator) receive(r *rand.Rand, from person, us string, at int64) *message {
	m := &message{line: g.line, person: from, sender: us, inbound: true}
	m.id = g.messageID(r, from.number, true)
	g.tell(r, m, report{status: waybill.StatusDelivered, at: at})
	return m
}

// reply sends an answer, which is no template.
func (g *generator) reply(r *rand.Rand, to person, us string, at int64) {
	m := &message{line: g.line, person: to, sender: us, answers: true}
	m.id = g.messageID(r, to.number, false)
	g.live(r, m, at)
}
