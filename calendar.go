package waybill

import (
	"sort"
	"time"
)

// A Granularity is the length of the buckets of a series.
type Granularity uint8

// The granularities. All but QuarterHour and Total are units of a zone's clock
// and calendar.
const (
	Total Granularity = iota // one bucket for the whole range
	QuarterHour
	HalfHour
	Hour
	Day
	Month
)

var granularityNames = [...]string{"total", "quarter_hour", "half_hour", "hour", "day", "month"}

func (g Granularity) String() string { return granularityNames[g] }

// A Bucket is a half-open span of time: End is the first Instant after it.
type Bucket struct{ Start, End Instant }

// Contains reports whether i lies in b.
func (b Bucket) Contains(i Instant) bool { return b.Start <= i && i < b.End }

// BucketOf returns the bucket of granularity g in zone that contains i. The
// buckets of a zone tile time without gap or overlap, whatever its clock does: a
// day of a clock change is as long as it is there, 23 or 25 hours as a rule, and
// an hour in which the clock jumps is cut at the jump, or at the end of its
// Quarter where it jumps within one. Total has no bucket of its own: BucketOf
// returns the zero Bucket.
func (g Granularity) BucketOf(i Instant, zone *time.Location) Bucket {
	switch g {
	case QuarterHour:
		q := i.Quarter()
		return Bucket{q.Start(), (q + 1).Start()}
	case HalfHour:
		return clockBucket(i, zone, 30*60)
	case Hour:
		return clockBucket(i, zone, 60*60)
	case Day, Month:
		return g.dateBucket(i, zone)
	}
	return Bucket{}
}

// offsetAt returns by how much the zone's clock is ahead of UTC at i. Buckets
// are found by offsets alone: time.Time.ZoneBounds reports changes that are none
// at the ends of years, and an end before the instant on the last day of a leap
// year (https://go.dev/issue/81583).
func offsetAt(i Instant, zone *time.Location) Instant {
	_, offset := time.Unix(int64(i), 0).In(zone).Zone()
	return Instant(offset)
}

// clockBucket returns the span of length seconds on the zone's clock around i.
// Where the offset changes within it, the bucket ends or starts there.
func clockBucket(i Instant, zone *time.Location, length Instant) Bucket {
	start := i.Quarter().Start()
	end, offset := start+QuarterSeconds, offsetAt(start, zone)
	into := (i + offset) % length
	if into < 0 {
		into += length
	}
	b := Bucket{i - into, i - into + length}
	for start > b.Start && offsetAt(start-QuarterSeconds, zone) == offset {
		start -= QuarterSeconds
	}
	for end < b.End && offsetAt(end, zone) == offset {
		end += QuarterSeconds
	}
	return Bucket{max(start, b.Start), min(end, b.End)}
}

// dateBucket returns the day or month around i.
func (g Granularity) dateBucket(i Instant, zone *time.Location) Bucket {
	y, m, d := time.Unix(int64(i), 0).In(zone).Date()
	step := func() { d++ }
	if g == Month {
		d, step = 1, func() { m++ }
	}
	for {
		start := dateStart(y, m, d, zone)
		step()
		// The loop goes on where a clock set back over midnight repeats the
		// end of a date after the next one has begun.
		if end := dateStart(y, m, d, zone); i < end {
			return Bucket{start, end}
		}
	}
}

// dateStart returns the first Instant at which the zone's calendar shows the
// given date or a later one: midnight, or the end of the gap where the clock
// jumps over it. Day and month may be out of range, as in time.Date.
func dateStart(y int, m time.Month, d int, zone *time.Location) Instant {
	const hour = 60 * 60
	midnight := InstantOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
	// Zones are between 14 hours ahead of UTC and 12 behind it.
	from, to := midnight-15*hour, midnight+13*hour
	before, after := offsetAt(from, zone), offsetAt(to, zone)
	if before == after {
		return midnight - before
	}
	quarters := sort.Search(int(to-from)/QuarterSeconds, func(n int) bool {
		return offsetAt(from+Instant(n)*QuarterSeconds, zone) == after
	})
	change := from + Instant(quarters)*QuarterSeconds
	if midnight-before < change {
		return midnight - before
	}
	return max(midnight-after, change)
}
