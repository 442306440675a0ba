package demo

import (
	"math"
	"slices"
	"time"

	"waybill"
)

// A line is a channel and what is sent over it.
type line struct {
	id        string
	name      string
	provider  waybill.Provider
	account   string
	zoneName  string // empty for the provider's own
	senders   []sender
	templates []template
	flows     []flow
	campaigns func(*Business, day) []campaign
	talks     float64 // conversations that people begin, per day
	talkers   audience

	zone  *time.Location
	first day
}

// A sender is a number of ours and the countries that it serves.
type sender struct {
	number, numberID string
	serves           []string // codes of countries; empty for all
}

// A flow is a kind of message that is sent day in, day out.
type flow struct {
	template string
	perDay   float64
	week     [7]float64 // how the days compare, from Monday on
	hours    *profile
	audience audience
	lifted   bool // grows with the sales of a campaign
}

// The weeks: offices rest, shops do not, and advertisements go out before the
// weekend.
var (
	workWeek  = [7]float64{1.18, 1.15, 1.12, 1.10, 1.05, .55, .35}
	shopWeek  = [7]float64{1.08, 1.02, 1.00, 1.02, 1.10, .92, .80}
	promoWeek = [7]float64{.50, .55, .70, .95, 1.70, 1.60, 1.00}
	codeWeek  = [7]float64{1.05, 1.03, 1.02, 1.02, 1.06, .92, .88}
	tripWeek  = [7]float64{1.10, .92, .90, .96, 1.22, .90, 1.00}
)

// volume returns how many messages of f there are on a day, on average.
func (f *flow) volume(d day, l *line, b *Business) float64 {
	n := f.perDay * f.week[d.weekday()] * season(d)
	if f.lifted {
		n *= b.lift(l, d)
	}
	mood := b.chance("mood", l.name, f.template, d.number)
	return n * math.Exp(0.07*mood.NormFloat64())
}

// season returns how the business does in the course of a year: it grows from
// February to the first week of December, and January is slow. On top of that a
// year is a little better than the one before, for ten years.
func season(d day) float64 {
	date := d.date()
	const slowest = 35 // day of the year
	part := float64((date.YearDay()-slowest+366)%366) / 366
	const peak = 0.84 // early December
	within := 1.02 - (part-peak)/(1-peak)*0.46
	if part < peak {
		within = 0.56 + part/peak*0.46
	}
	years := float64(d.number)/365.25 - 55 // since 2025
	return within * (1 + 0.06*min(max(years, 0), 10))
}

// lift returns how much the campaigns of the last days add to sales.
func (b *Business) lift(l *line, d day) float64 {
	if l.campaigns == nil {
		return 1
	}
	lift := 1.0
	for i, share := range [...]float64{1, .7, .35, .15} {
		before := day{number: d.number - i}
		for _, c := range l.campaigns(b, before) {
			lift += c.lift * share
		}
	}
	return lift
}

// sender returns the number from which a person is written to.
func (l *line) sender(c *country) string {
	for _, s := range l.senders {
		if len(s.serves) == 0 || slices.Contains(s.serves, c.code) {
			return s.number
		}
	}
	return l.senders[0].number
}
