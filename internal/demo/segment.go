package demo

import (
	"math/rand/v2"
	"strconv"

	"waybill"
)

// segment makes the message of a MoMo page to one segment of its customers, on
// three days of most weeks. The page's system tells of it with own events.
func (g *generator) segment() {
	slot := map[int]int{tuesday: 1, thursday: 2, saturday: 3}[g.day.weekday()]
	r := g.b.chance("segment", g.line.name, g.day.number)
	if slot == 0 || r.Float64() < .2 {
		return
	}
	vietnam := g.b.countries["VN"]
	start := g.day.at(10, vietnam.zone) + r.Int64N(hour)
	size := 60 + int(lognormal(r, 150*season(g.day), .6)/second)
	t := &g.line.templates[r.IntN(len(g.line.templates))]
	stops := 1.0 // the share after which sending stops
	if r.Float64() < .12 {
		stops = .4 + .5*r.Float64()
	}
	base := message{
		line: g.line, template: t, sender: g.line.id,
		campaign: strconv.FormatInt(start-2320, 10),
		segment:  strconv.Itoa(g.segmentNumber(slot)),
	}
	for i := range min(size, 900) {
		m := base
		m.person = vietnam.person(r)
		m.id = m.segment + "-" + g.messageID(r, m.person.number, false)
		accepted := start + int64(i)*25 + r.Int64N(second)
		g.tell(r, &m, report{status: waybill.StatusAccepted, at: accepted})
		if float64(i) < stops*float64(size) {
			g.liveOnPage(r, &m, accepted+second+int64(i)*4*second)
		}
	}
}

// segmentNumber counts on from 2023, three segments a week.
func (g *generator) segmentNumber(slot int) int {
	const start = 19359 // 2023-01-02, a Monday
	return 700 + (g.day.number-start)/7*3 + slot
}

// liveOnPage tells what becomes of a message that the page begins to send at the
// given time. MoMo gives no reasons of failures.
func (g *generator) liveOnPage(r *rand.Rand, m *message, at int64) {
	at += lognormal(r, 1.5, .6)
	if r.Float64() < .028 {
		g.tell(r, m, report{status: waybill.StatusFailed, at: at})
		return
	}
	g.tell(r, m, report{status: waybill.StatusSent, at: at})
	if r.Float64() < .035 {
		return
	}
	at += lognormal(r, 8, 1.6)
	g.tell(r, m, report{status: waybill.StatusDelivered, at: at})
	if r.Float64() >= .56 {
		return
	}
	at = awake(r, at+minute+lognormal(r, 90*60, 1.2), m.person.country)
	g.tell(r, m, report{status: waybill.StatusRead, at: at})
	if r.Float64() < m.template.buttons[0].rate {
		g.follow(r, m, &m.template.buttons[0], at+second+lognormal(r, 15, 1))
	}
}
