package demo

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"waybill"
)

// A profile is how the hours of a day compare, by the clock of the recipient.
type profile [24]float64

// weight returns the profile at a second of the day. Each value stands for the
// middle of its hour; between them it changes evenly.
func (p *profile) weight(second int) float64 {
	const hour = 3600
	at := second - hour/2
	if at < 0 {
		at += 24 * hour
	}
	part := float64(at%hour) / hour
	return p[at/hour]*(1-part) + p[(at/hour+1)%24]*part
}

// The profiles. Shopping goes on until late, offices keep their hours, nobody
// sends advertisements at night, and codes are asked for day and night.
var (
	shopping = profile{.10, .05, .02, .02, .02, .03, .10, .28, .50, .72, .88, .95, 1, .92, .82, .78, .80, .86, .95, 1, .98, .80, .52, .26}
	office   = profile{0, 0, 0, 0, 0, .01, .08, .35, .85, 1, 1, .95, .70, .85, 1, .98, .92, .75, .45, .25, .12, .05, .01, 0}
	promo    = profile{0, 0, 0, 0, 0, 0, 0, 0, .15, .70, 1, .95, .60, .40, .35, .40, .55, .80, 1, .85, .30, 0, 0, 0}
	codes    = profile{.38, .24, .17, .14, .14, .20, .38, .62, .82, .90, .95, 1, .97, .94, .90, .90, .92, .96, 1, 1, .98, .92, .76, .56}
	flights  = profile{.14, .08, .07, .12, .28, .55, .78, .90, .95, .95, .92, .90, .92, .90, .88, .88, .92, .98, 1, .98, .90, .72, .45, .25}
)

// slotSeconds is the length of the slots in which times of a day are drawn.
const slotSeconds = 15 * 60

// A clock draws times of one day of a channel, so that they follow a profile by
// the clock of a country.
type clock struct {
	start waybill.Instant
	until []float64 // per slot: the weight of the day up to its end
}

func newClock(d day, zone *time.Location, p *profile) *clock {
	c := &clock{start: d.bucket.Start}
	var total float64
	for at := d.bucket.Start; at < d.bucket.End; at += slotSeconds {
		total += p.weight(secondOfDay(at+slotSeconds/2, zone))
		c.until = append(c.until, total)
	}
	return c
}

// draw returns a time in milliseconds.
func (c *clock) draw(r *rand.Rand) int64 {
	at := r.Float64() * c.until[len(c.until)-1]
	slot, _ := slices.BinarySearch(c.until, at)
	slot = min(slot, len(c.until)-1)
	return (int64(c.start)+int64(slot)*slotSeconds)*1000 + r.Int64N(slotSeconds*1000)
}

// secondOfDay returns the time on the zone's clock.
func secondOfDay(i waybill.Instant, zone *time.Location) int {
	_, offset := time.Unix(int64(i), 0).In(zone).Zone()
	const length = 24 * 60 * 60
	return ((int(i%length)+offset)%length + length) % length
}

// at returns the time in milliseconds at which the zone's clock shows the given
// hour within d.
func (d day) at(hour float64, zone *time.Location) int64 {
	wait := int(hour*3600) - secondOfDay(d.bucket.Start, zone)
	if wait < 0 {
		wait += 24 * 60 * 60
	}
	return (int64(d.bucket.Start) + int64(wait)) * 1000
}

// lognormal draws a duration in milliseconds with the given median in seconds.
func lognormal(r *rand.Rand, median, sigma float64) int64 {
	return int64(1000 * median * math.Exp(sigma*r.NormFloat64()))
}

// count draws how often something happens that happens mean times on average.
func count(r *rand.Rand, mean float64) int {
	if mean > 30 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	n, limit := 0, math.Exp(-mean)
	for p := r.Float64(); p > limit; p *= r.Float64() {
		n++
	}
	return n
}
