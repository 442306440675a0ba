package demo

import "math/rand/v2"

// A campaign is an advertisement to many people on one morning: each gets it in
// the same hours by the own clock.
type campaign struct {
	name     string
	template string
	people   float64
	hour     float64 // at which it begins
	minutes  float64 // how long it takes
	audience audience
	lift     float64 // by how much it raises the sales of the day
	bad      bool    // goes wrong: see campaign.failing
}

// cycleWeeks is after how many weeks the calendar of campaigns begins again.
// Every 90 days see all of it.
const cycleWeeks = 12

// week returns the week of the cycle that d lies in.
func (d day) week() int {
	const firstMonday = 4 // 1970-01-05
	return (d.number - firstMonday) / 7 % cycleWeeks
}

// Days of the week.
const (
	tuesday   = 1
	wednesday = 2
	thursday  = 3
	friday    = 4
	saturday  = 5
)

// shopCampaigns returns the campaigns of the shop on a day: a letter before each
// weekend, a new collection, one that goes wrong, and the great sale.
func (b *Business) shopCampaigns(d day) []campaign {
	week, weekday := d.week(), d.weekday()
	month := d.date().Format("2006_01")
	all := audience{{"BR", 40}, {"MX", 24}, {"IN", 22}, {"DE", 8}, {"ID", 6}}
	c := campaign{hour: 9.5, minutes: 75, audience: all}
	switch {
	case week == 2 && weekday == wednesday:
		c.name, c.template, c.people, c.lift = "collection_"+month, "new_collection", 2900, .25
	case week == 5 && weekday == tuesday:
		c.name, c.template, c.people, c.bad = "winback_"+month, "weekend_offer", 3200, true
	case week == 8 && weekday == thursday:
		c.name, c.template, c.people, c.lift = "sale_preview_"+month, "season_sale", 1800, .15
	case week == 8 && weekday == friday:
		c.name, c.template, c.people, c.lift = "sale_"+month, "season_sale", 5600, 1.3
		c.hour, c.minutes = 8.5, 110
	case week == 11 && weekday == wednesday:
		c.name, c.template, c.people, c.lift = "last_pieces_"+month, "new_collection", 1900, .15
	case week != 8 && weekday == friday+int(b.chance("letter", d.number-weekday).Uint64N(5)/4):
		c.name, c.template, c.people, c.lift = "weekend_"+d.date().Format("2006_01_02"), "weekend_offer", 620, .08
		c.hour, c.minutes = 10, 60
	default:
		return nil
	}
	return []campaign{c}
}

// airlineCampaigns returns the campaigns of the airline on a day: every third
// week one, by turns of fares and of miles.
func (b *Business) airlineCampaigns(d day) []campaign {
	weekday := tuesday + int(b.chance("airline campaign", d.number-d.weekday()).Uint64N(3))
	if d.week()%3 != 1 || d.weekday() != weekday {
		return nil
	}
	c := campaign{
		name: "fares_" + d.date().Format("2006_01_02"), template: "fare_sale", people: 2700,
		hour: 9, minutes: 90, lift: .35,
		audience: audience{{"ID", 46}, {"VN", 28}, {"IN", 14}, {"CN", 8}, {"DE", 4}},
	}
	if d.week()%6 == 4 {
		c.name, c.template, c.people, c.lift = "miles_"+d.date().Format("2006_01"), "miles_bonus", 1900, .1
		c.audience = audience{{"ID", 60}, {"IN", 25}, {"VN", 15}}
	}
	return []campaign{c}
}

// clinicCampaigns returns the one reminder a month of the foreign account.
func (b *Business) clinicCampaigns(d day) []campaign {
	if d.week()%4 != 0 || d.weekday() != tuesday {
		return nil
	}
	return []campaign{{
		name: "flu_" + d.date().Format("2006_01_02"), template: "flu_shots", people: 260,
		hour: 10, minutes: 60, audience: audience{{"US", 1}},
	}}
}

// campaign makes the messages of a campaign. The countries get it when it is morning
// there: of all mornings the one that lies in the day.
func (g *generator) campaign(c *campaign) {
	r := g.b.chance("campaign", g.line.name, c.name, g.day.number)
	t := g.line.template(c.template)
	size := c.people * season(g.day) * (.8 + .4*r.Float64())
	for range count(r, size) {
		to := g.b.countries[c.audience.pick(r)]
		part := r.Float64()
		at := g.day.at(c.hour, to.zone) + int64(part*c.minutes*60_000)
		m := g.message(r, t, to.person(r))
		m.campaign = c.name
		if f := c.failing(r, part); f != nil {
			g.fail(r, m, at, f)
			continue
		}
		g.live(r, m, at)
	}
}

// failing returns why a message of a campaign that goes wrong fails, if it does:
// it goes to people who were written to too often or have left, until so many
// complain that the template is paused.
func (c *campaign) failing(r *rand.Rand, part float64) *reason {
	if !c.bad {
		return nil
	}
	luck := r.Float64()
	switch {
	case part > 0.6 && luck < 0.94:
		return &paused
	case luck < 0.30:
		return &limited
	case luck < 0.41:
		return &undeliverable
	}
	return nil
}
