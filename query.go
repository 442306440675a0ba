package waybill

import (
	"cmp"
	"slices"
	"time"
)

// A Dimension is something by which counts can be filtered and grouped. The
// first dimensions are the labels: Dimension(LabelSender).
type Dimension uint8

// The dimensions that are no labels.
const (
	DimKind    Dimension = NumLabels + iota // "session", "template", "inbound"
	DimChannel                              // the channel number in decimal digits
	DimDetail                               // see Query.GroupBy

	numDimensions = NumLabels + 3
)

func (d Dimension) String() string {
	if d < NumLabels {
		return Label(d).String()
	}
	return [...]string{"kind", "channel", "detail"}[d-NumLabels]
}

// A Filter keeps the counts whose value of a dimension is one of Values. The
// empty string is the value of an absent label. No Values let nothing pass.
type Filter struct {
	By     Dimension // a label or DimKind
	Values []string
}

// A Query asks for a series of counts.
type Query struct {
	Channels []ChannelNumber

	// From and To bound the series, half-open. The counters know quarters
	// of an hour: From is rounded down to one and To up, and exactly these
	// quarters count, at every granularity.
	From, To Instant

	Granularity Granularity
	Zone        *time.Location // of the buckets; nil is UTC
	Basis       Basis

	Where     []Filter // all must hold
	Collected bool     // only messages that carry the collected mark

	// Categories are the categories of templates, for messages that have
	// none of their own: filters and groups by LabelCategory see them.
	Categories map[TemplateRef]string

	// GroupBy breaks the counts down. DimDetail leaves only failures that
	// have a code, keyed by Detail.Code, and clicks and clicked messages
	// that have a button, keyed by type, a NUL and text; without it the
	// totals are counted.
	GroupBy []Dimension
}

// A TemplateRef names a template of a channel. An empty Language stands for every
// language that has no TemplateRef of its own.
type TemplateRef struct {
	Channel            ChannelNumber
	Template, Language string
}

// CategoryOf returns the category in q.Categories of a template, if any.
func (q *Query) CategoryOf(t TemplateRef) string {
	if category, ok := q.Categories[t]; ok {
		return category
	}
	t.Language = ""
	return q.Categories[t]
}

// Quarters returns the range of whole quarters that q counts, half-open.
func (q *Query) Quarters() (from, to Quarter) {
	return q.From.Quarter(), (q.To + QuarterSeconds - 1).Quarter()
}

// MaxPoints bounds the answer to one query.
const MaxPoints = 1_000_000

// Validate returns an Invalid error that says what is wrong with q.
func (q *Query) Validate() error {
	switch {
	case q.To <= q.From:
		return Errorf(Invalid, "the range ends at %d, not after its start %d", q.To, q.From)
	case q.From < 0 || q.To > MaxInstant:
		return Errorf(Invalid, "the range %d to %d is not between 0 and %d", q.From, q.To, MaxInstant)
	case int(q.Granularity) >= len(granularityNames):
		return Errorf(Invalid, "granularity %d is unknown", q.Granularity)
	case q.Basis >= NumBases:
		return Errorf(Invalid, "basis %d is unknown", q.Basis)
	}
	for _, f := range q.Where {
		if f.By >= numDimensions {
			return Errorf(Invalid, "filter names unknown dimension %d", f.By)
		}
		if f.By > DimKind {
			return Errorf(Invalid, "counts cannot be filtered by %s", f.By)
		}
	}
	for i, d := range q.GroupBy {
		if d >= numDimensions || slices.Contains(q.GroupBy[:i], d) {
			return Errorf(Invalid, "group_by names dimension %d twice or it is unknown", d)
		}
	}
	return nil
}

// MaxInstant is the largest bound of a query: the start of 2200.
const MaxInstant Instant = 7258118400

// Counts are the values of all metrics in one bucket, indexed by Metric.
type Counts [NumMetrics]int64

// Add adds n to c.
func (c *Counts) Add(n Counts) {
	for m := range c {
		c[m] += n[m]
	}
}

// A Point is one bucket of a series.
type Point struct {
	Bucket Bucket   // the whole calendar bucket; the rounded range for Total
	Key    []string // the values of the dimensions of GroupBy, in that order
	Counts Counts
}

// Compare orders points by start and then by key.
func (p *Point) Compare(o *Point) int {
	return cmp.Or(cmp.Compare(p.Bucket.Start, o.Bucket.Start), slices.Compare(p.Key, o.Key))
}

// A Series collects the counts of cells into the points of a query. It is what
// every store shares between reading cells and answering: buckets, groups,
// order and bounds. The zero Series is not usable; see NewSeries.
type Series struct {
	query  Query
	total  Bucket
	last   Bucket
	points map[seriesKey]*Point
}

type seriesKey struct {
	start Instant
	key   string
}

// NewSeries returns an empty series for q, which must be valid.
func NewSeries(q Query) *Series {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	from, to := q.Quarters()
	return &Series{
		query: q, total: Bucket{from.Start(), to.Start()},
		points: make(map[seriesKey]*Point),
	}
}

// BucketOf returns the bucket of the series in which quarter at counts. It is
// fastest where at does not jump back and forth.
func (s *Series) BucketOf(at Quarter) Bucket {
	if s.query.Granularity == Total {
		return s.total
	}
	if i := at.Start(); !s.last.Contains(i) {
		s.last = s.query.Granularity.BucketOf(i, s.query.Zone)
	}
	return s.last
}

// Add counts n in the bucket of quarter at under the given group key. It fails
// with TooLarge when the series would pass MaxPoints.
func (s *Series) Add(at Quarter, key []string, n Counts) error {
	b := s.BucketOf(at)
	k := seriesKey{b.Start, joinKey(key)}
	p, ok := s.points[k]
	if !ok {
		if len(s.points) >= MaxPoints {
			return Errorf(TooLarge, "the answer would have more than %d points", MaxPoints)
		}
		p = &Point{Bucket: b, Key: slices.Clone(key)}
		s.points[k] = p
	}
	p.Counts.Add(n)
	return nil
}

// Points returns the points that count something, ordered.
func (s *Series) Points() []Point {
	points := make([]Point, 0, len(s.points))
	for _, p := range s.points {
		if p.Counts != (Counts{}) {
			points = append(points, *p)
		}
	}
	slices.SortFunc(points, func(a, b Point) int { return a.Compare(&b) })
	return points
}

func joinKey(key []string) string {
	if len(key) == 1 {
		return key[0]
	}
	var b []byte
	for _, part := range key {
		b = append(b, part...)
		b = append(b, 0xff) // in no UTF-8 text
	}
	return string(b)
}
