package rest

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill"
)

// A bound is a parameter that begins or ends a range: a moment, or a date, which is
// its midnight in a zone that is known later.
type bound struct {
	moment moment
	date   time.Time // zero where a moment was given
}

const dateLayout = "2006-01-02"

// ParseParam reads a date or a moment.
func (b *bound) ParseParam(name, text string) error {
	if date, err := time.Parse(dateLayout, text); err == nil {
		b.date = date
		if at := waybill.InstantOf(date); at < 0 || at > waybill.MaxInstant {
			return waybill.Errorf(waybill.Invalid, "%s %s is not between 1970 and 2200", name, cut(text))
		}
		return nil
	}
	return b.moment.ParseParam(name, text)
}

// Schema describes a bound.
func (*bound) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeString, Format: "date-time"},
		{Type: huma.TypeString, Format: "date", Description: "Midnight in `time_zone`."},
		{Type: huma.TypeInteger, Format: "int64", Description: "Milliseconds since 1970."},
	}}
}

// in returns the time in whole seconds, rounded down.
func (b *bound) in(zone *time.Location) waybill.Instant {
	if b.date.IsZero() {
		return waybill.Instant(b.moment / 1000)
	}
	return midnight(b.date.Year(), b.date.Month(), b.date.Day(), zone)
}

// midnight returns the start of a day in a zone, or the end of what is known as time
// that is next to it.
func midnight(year int, month time.Month, day int, zone *time.Location) waybill.Instant {
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone) // a clock change can skip midnight
	return min(max(0, waybill.Day.BucketOf(waybill.InstantOf(noon), zone).Start), waybill.MaxInstant)
}

// A last is a parameter that is a range up to now.
type last struct {
	n    int
	unit byte // h or d
}

// Bounds of a last.
const (
	maxLastHours = 10_000
	maxLastDays  = 4000
)

var lastShape = regexp.MustCompile(`^([1-9][0-9]{0,4})([hd])$`)

// ParseParam reads a number and its unit.
func (l *last) ParseParam(name, text string) error {
	m := lastShape.FindStringSubmatch(text)
	if m == nil {
		return waybill.Errorf(waybill.Invalid, "%s %s is not a number of hours or days, such as 24h or 7d", name, cut(text))
	}
	n, _ := strconv.Atoi(m[1]) // is an integer by its shape
	*l = last{n, m[2][0]}
	if most := map[byte]int{'h': maxLastHours, 'd': maxLastDays}[l.unit]; n > most {
		return waybill.Errorf(waybill.Invalid, "%s %s is more than %d%c", name, cut(text), most, l.unit)
	}
	return nil
}

// Schema describes a last.
func (*last) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: lastShape.String()}
}

// span returns the hours or days of a zone of which the last is the present one.
func (l *last) span(now time.Time, zone *time.Location) waybill.Bucket {
	if l.unit == 'h' {
		end := waybill.Hour.BucketOf(waybill.InstantOf(now), zone).End
		return waybill.Bucket{Start: end - waybill.Instant(l.n)*60*60, End: end}
	}
	y, m, d := now.In(zone).Date()
	return waybill.Bucket{Start: midnight(y, m, d-l.n+1, zone), End: midnight(y, m, d+1, zone)}
}

// A zone is a parameter that is a time zone.
type zone struct{ *time.Location }

// ParseParam reads a name of the IANA database.
func (z *zone) ParseParam(name, text string) error {
	location, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return waybill.Errorf(waybill.Invalid, "%s %s is no time zone of the IANA database, such as Asia/Jakarta", name, cut(text))
	}
	z.Location = location
	return nil
}

// Schema describes a zone.
func (*zone) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

// A span is the range of a call. The zone is that of the dates in it, and of the
// buckets of a series.
type span struct {
	From *bound `query:"from" doc:"The start, which counts." example:"2026-11-20"`
	To   *bound `query:"to" doc:"The end, which no longer counts." example:"2026-11-27"`
	Last *last  `query:"last" doc:"Instead of from and to: so many hours or days of the zone, of which the last is the present one." example:"7d"`
	Zone *zone  `query:"time_zone" doc:"Zone of the IANA database; where it is absent that of the channels if they have one in common, else UTC." example:"Asia/Jakarta"`
}

// zoneOf returns the zone of the call.
func (s *span) zoneOf(channels []waybill.Channel) *time.Location {
	if s.Zone != nil {
		return s.Zone.Location
	}
	common := time.UTC
	for i := range channels {
		own := channels[i].Zone
		if own == nil || i > 0 && own.String() != common.String() {
			return time.UTC
		}
		common = own
	}
	return common
}

// within returns the range of the call, which need not have one where whole says
// so: then it is all time.
func (s *span) within(now time.Time, zone *time.Location, whole bool) (from, to waybill.Instant, err error) {
	switch {
	case s.Last != nil && (s.From != nil || s.To != nil):
		return 0, 0, waybill.Errorf(waybill.Invalid, "last stands instead of from and to, but is given beside them")
	case s.Last != nil:
		b := s.Last.span(now, zone)
		return max(0, b.Start), b.End, nil
	case whole:
		to = waybill.MaxInstant
	case s.From == nil:
		return 0, 0, waybill.Errorf(waybill.Invalid, "parameter from is missing; last=7d stands for from and to")
	case s.To == nil:
		return 0, 0, waybill.Errorf(waybill.Invalid, "parameter to is missing")
	}
	if s.From != nil {
		from = s.From.in(zone)
	}
	if s.To != nil {
		to = s.To.in(zone)
		if s.To.moment%1000 != 0 {
			to++
		}
	}
	if to <= from {
		return from, to, waybill.Errorf(waybill.Invalid, "the range ends at %s, not after its start at %s", shown(to, zone), shown(from, zone))
	}
	return from, to, nil
}

// shown returns a time as answers have it.
func shown(i waybill.Instant, zone *time.Location) string {
	return i.Time().In(zone).Format(time.RFC3339)
}

// maxBuckets is how many buckets auto has at most.
const maxBuckets = 200

// granularityOf returns the granularity with a name; auto is the finest that has no
// more than maxBuckets.
func granularityOf(name string, from, to waybill.Instant) waybill.Granularity {
	lengths := []struct {
		waybill.Granularity
		seconds waybill.Instant
	}{
		{waybill.QuarterHour, 15 * 60},
		{waybill.HalfHour, 30 * 60},
		{waybill.Hour, 60 * 60},
		{waybill.Day, 24 * 60 * 60},
		{waybill.Month, math.MaxInt64},
	}
	for _, g := range lengths {
		if name == g.String() || name == "auto" && (to-from)/g.seconds <= maxBuckets {
			return g.Granularity
		}
	}
	return waybill.Total
}
