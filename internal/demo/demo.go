// Package demo makes up a business that sends messages over all three vendors:
// its tenants and months of traffic that look like the real thing, so that the
// program can be tried before any vendor is connected.
//
// The traffic of a calendar day follows from the seed and that day alone. So a
// longer history contains every shorter one, and a demo that is started again
// over its old data repeats what it has and adds what came since.
package demo

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"time"
	_ "time/tzdata" // the zones of channels and recipients, also where the system has none

	"waybill"
)

// Options say which business to make up.
type Options struct {
	// Seed chooses the business: names of tenants, people and all chance.
	Seed uint64

	// Days is how many calendar days of traffic there are, the current one
	// included, counted in the zone of each channel. The MoMo page has at
	// least a year of it, because its report looks back that far.
	Days int

	// Now is the current time. What has not arrived by then is not told.
	Now time.Time
}

// pageDays is the least history of the MoMo page.
const pageDays = 365

// A Business is made up. Its methods can be called concurrently.
type Business struct {
	options   Options
	lines     []*line
	countries map[string]*country
	ids       ids
	secrets   secrets
}

// New returns the business of a seed. Its secrets are random, everything else
// follows from the options.
func New(o Options) *Business {
	b := &Business{
		options: o, countries: newCountries(o.Seed),
		ids: newIDs(o.Seed), secrets: newSecrets(),
	}
	for _, l := range []*line{b.shop(), b.airline(), b.cafe(), b.clinic()} {
		l.zone = zoneOf(l.provider, l.zoneName)
		l.first = firstDay(l, o)
		b.lines = append(b.lines, l)
	}
	return b
}

// zoneOf returns the zone of a channel.
func zoneOf(p waybill.Provider, name string) *time.Location {
	if name == "" {
		name = p.DefaultZone()
	}
	return location(name)
}

// location returns a zone by its IANA name. The zones are part of the program.
func location(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// firstDay returns the first day of a channel's traffic: the first one that
// begins within the time that is asked for.
func firstDay(l *line, o Options) day {
	days := o.Days
	if l.provider == waybill.ProviderMomo {
		days = max(days, pageDays)
	}
	start := waybill.InstantOf(o.Now.Add(-time.Duration(days) * 24 * time.Hour))
	d := dayOf(start, l.zone)
	if d.bucket.Start < start {
		d = d.next(l.zone)
	}
	return d
}

// A day is a calendar day of a zone.
type day struct {
	bucket waybill.Bucket
	number int // days since 1970-01-01, a Thursday
}

func dayOf(i waybill.Instant, zone *time.Location) day {
	bucket := waybill.Day.BucketOf(i, zone)
	y, m, d := time.Unix(int64(bucket.Start), 0).In(zone).Date()
	number := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
	return day{bucket, int(number)}
}

func (d day) next(zone *time.Location) day { return dayOf(d.bucket.End, zone) }

// date returns the day at midnight UTC, to tell its date.
func (d day) date() time.Time { return time.Unix(int64(d.number)*24*60*60, 0).UTC() }

// weekday returns the day of the week, Monday being 0.
func (d day) weekday() int { return (d.number + 3) % 7 }

// hash returns a number that looks random and depends on all arguments.
func hash(seed uint64, parts ...any) uint64 {
	h := fnv.New64a()
	var word [8]byte
	put := func(n uint64) {
		binary.LittleEndian.PutUint64(word[:], n)
		h.Write(word[:])
	}
	put(seed)
	for _, part := range parts {
		switch v := part.(type) {
		case string:
			h.Write([]byte(v))
		case int:
			put(uint64(v))
		}
		h.Write([]byte{0xff})
	}
	return mix(h.Sum64())
}

// mix spreads the bits of n (the finalizer of SplitMix64).
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// chance returns a source of chance of its own for each use.
func (b *Business) chance(parts ...any) *rand.Rand {
	h := hash(b.options.Seed, parts...)
	return rand.New(rand.NewPCG(h, mix(h)))
}

// MetricsEnabled returns the instant from which the metrics of the ChatApp
// channel collect: the start of its first day.
func (b *Business) MetricsEnabled() waybill.Instant {
	for _, l := range b.lines {
		if l.provider == waybill.ProviderChatapp {
			return l.first.bucket.Start
		}
	}
	return waybill.Never
}
