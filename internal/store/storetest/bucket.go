package storetest

import (
	"time"

	"waybill"
)

// buckets finds the bucket of a quarter hour by walking to both sides for as
// long as the zone's clock shows the same unit. It shares no code with
// Granularity.BucketOf.
type buckets struct {
	query waybill.Query
	found map[waybill.Quarter]waybill.Bucket
}

const quarter = 15 * 60

// startOf returns the start of the quarter hour that contains i.
func startOf(i waybill.Instant) waybill.Instant { return i - i%quarter }

func newBuckets(q waybill.Query) *buckets {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	return &buckets{query: q, found: make(map[waybill.Quarter]waybill.Bucket)}
}

func (b *buckets) of(at waybill.Quarter) waybill.Bucket {
	if b.query.Granularity == waybill.Total {
		from, to := b.rounded()
		return waybill.Bucket{Start: from, End: to}
	}
	if bucket, ok := b.found[at]; ok {
		return bucket
	}
	first, last := at, at
	for b.unit(first-1) == b.unit(at) {
		first--
	}
	for b.unit(last+1) == b.unit(at) {
		last++
	}
	bucket := waybill.Bucket{
		Start: waybill.Instant(first) * quarter,
		End:   waybill.Instant(last+1) * quarter,
	}
	for q := first; q <= last; q++ {
		b.found[q] = bucket
	}
	return bucket
}

// rounded returns the range of the query, widened to whole quarters.
func (b *buckets) rounded() (from, to waybill.Instant) {
	from, to = startOf(b.query.From), startOf(b.query.To)
	if to < b.query.To {
		to += quarter
	}
	return from, to
}

// A unit is what the clock and calendar show at a quarter hour, as far as the
// granularity looks at them.
type unit struct {
	year            int
	month           time.Month
	day, hour, part int
	offset          int
}

func (b *buckets) unit(at waybill.Quarter) unit {
	t := time.Unix(int64(at)*quarter, 0).In(b.query.Zone)
	_, offset := t.Zone()
	switch b.query.Granularity {
	case waybill.QuarterHour:
		return unit{part: int(at)}
	case waybill.HalfHour:
		return unit{t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute() / 30, offset}
	case waybill.Hour:
		return unit{t.Year(), t.Month(), t.Day(), t.Hour(), 0, offset}
	case waybill.Day:
		return unit{year: t.Year(), month: t.Month(), day: t.Day()}
	}
	return unit{year: t.Year(), month: t.Month()}
}
