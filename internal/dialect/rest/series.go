package rest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill"
	"waybill/internal/table"
)

// metricsAnswer is a series as this API answers it.
type metricsAnswer struct {
	From        string   `json:"from" format:"date-time" doc:"The start, rounded down to a quarter of an hour." example:"2026-11-20T00:00:00+07:00"`
	To          string   `json:"to" format:"date-time" doc:"The end, which no longer counts, rounded up to a quarter of an hour." example:"2026-11-27T00:00:00+07:00"`
	Granularity string   `json:"granularity" enum:"quarter_hour,half_hour,hour,day,month,total" doc:"Length of the buckets."`
	TimeZone    string   `json:"time_zone" doc:"Zone of the buckets." example:"Asia/Jakarta"`
	Basis       string   `json:"basis" enum:"event,send" doc:"When a message counts."`
	GroupBy     []string `json:"group_by" doc:"What the counts are broken down by."`
	Points      []point  `json:"points" doc:"By start, and then by rank where an order was asked for, else by the values of the group."`
	Totals      Sums     `json:"totals" doc:"The sums over all points, those of groups that were left out too."`
}

// A point is one bucket of a group.
type point struct {
	Start string            `json:"start" format:"date-time" doc:"Start of the whole bucket." example:"2026-11-20T00:00:00+07:00"`
	End   string            `json:"end" format:"date-time" doc:"The first time after it." example:"2026-11-21T00:00:00+07:00"`
	Group map[string]string `json:"group" doc:"The values of what the counts are broken down by; empty ones are absent labels."`
	Sums
}

// Sums are counts, with rates where they were asked for.
type Sums struct {
	Counts metricCounts `json:"counts" doc:"The counts that were asked for."`
	Rates  *rates       `json:"rates,omitempty" doc:"Where they were asked for."`
}

// metricCounts are the counts that were asked for.
type metricCounts struct {
	Accepted  *int64 `json:"accepted,omitempty" doc:"Messages that the vendor took." example:"5"`
	Sent      *int64 `json:"sent,omitempty" doc:"Messages that the vendor sent on." example:"5"`
	Delivered *int64 `json:"delivered,omitempty" doc:"Messages that reached the device." example:"4"`
	Read      *int64 `json:"read,omitempty" doc:"Messages that were read." example:"2"`
	Failed    *int64 `json:"failed,omitempty" doc:"Messages that will not arrive." example:"0"`
	Clicked   *int64 `json:"clicked,omitempty" doc:"Messages with at least one click." example:"1"`
	Clicks    *int64 `json:"clicks,omitempty" doc:"All clicks." example:"1"`
}

// rates are shares of counts.
type rates struct {
	Delivered *float64 `json:"delivered" doc:"Delivered / sent." example:"0.8"`
	Read      *float64 `json:"read" doc:"Read / delivered." example:"0.5"`
	Failed    *float64 `json:"failed" doc:"Failed / accepted." example:"0"`
	Clicked   *float64 `json:"clicked" doc:"Clicked / delivered." example:"0.25"`
}

// ratios are the rates: what is divided by what.
var ratios = []struct{ of, by waybill.Metric }{
	{waybill.Metric(waybill.Delivered), waybill.Metric(waybill.Sent)},
	{waybill.Metric(waybill.Read), waybill.Metric(waybill.Delivered)},
	{waybill.Metric(waybill.Failed), waybill.Metric(waybill.Accepted)},
	{waybill.Clicked, waybill.Metric(waybill.Delivered)},
}

// ratesOf returns the rates of counts, in the order of ratios; nil where they would
// divide by 0.
func ratesOf(c waybill.Counts) []*float64 {
	all := make([]*float64, len(ratios))
	for i, r := range ratios {
		if c[r.by] != 0 {
			rate := float64(c[r.of]) / float64(c[r.by])
			all[i] = &rate
		}
	}
	return all
}

// A ranking says which groups are shown, and in which order.
type ranking struct {
	metric  waybill.Metric
	largest bool // first
	limit   int  // 0 is none
}

// A series is the answer to a call for metrics.
type series struct {
	query    waybill.Query
	channels selection
	groups   []string // names of what the counts are broken down by
	detail   string   // byError, byButton, or empty
	metrics  []waybill.Metric
	rates    bool
	ranking  *ranking

	points []waybill.Point // their keys in the words of this API
	totals waybill.Counts
}

// answer is what a series is as JSON.
func (*series) answer() reflect.Type { return reflect.TypeFor[metricsAnswer]() }

// set takes the answer of the store.
func (s *series) set(points []waybill.Point) {
	s.points = points[:0]
	for _, p := range points {
		if s.name(&p) {
			s.points = append(s.points, p)
			s.totals.Add(p.Counts)
		}
	}
	// The names of channels and buttons order otherwise than their numbers.
	slices.SortStableFunc(s.points, func(a, b waybill.Point) int { return a.Compare(&b) })
	if s.ranking != nil {
		s.rank()
	}
}

// name puts the key of a point into the words of this API. It reports whether the
// point belongs here: details have both error codes and buttons.
func (s *series) name(p *waybill.Point) bool {
	key := p.Key // which points of other buckets may share
	for i, d := range s.query.GroupBy {
		switch d {
		case waybill.DimChannel:
			p.Key = slices.Clone(p.Key)
			p.Key[i] = s.channels.id(key[i])
		case waybill.DimDetail:
			name, by := detailName(key[i])
			if by != s.detail {
				return false
			}
			p.Key = slices.Clone(p.Key)
			p.Key[i] = name
		}
	}
	return true
}

// id returns the ID of the channel with a number in digits.
func (s selection) id(number string) string {
	n, _ := strconv.ParseUint(number, 10, 32) // as the store writes it
	for i := range s {
		if uint64(s[i].Number) == n {
			return s[i].ID
		}
	}
	return ""
}

// rank orders the points of each bucket by the sums of their groups, and drops the
// groups beyond the limit.
func (s *series) rank() {
	sums := make(map[string]int64)
	keyOf := func(p *waybill.Point) string { return strings.Join(p.Key, "\xff") } // in no UTF-8 text
	for i := range s.points {
		sums[keyOf(&s.points[i])] += s.points[i].Counts[s.ranking.metric]
	}
	order := make([]string, 0, len(sums))
	for key := range sums {
		order = append(order, key)
	}
	slices.SortFunc(order, func(a, b string) int {
		least := cmp.Compare(sums[a], sums[b])
		if s.ranking.largest {
			least = -least
		}
		return cmp.Or(least, cmp.Compare(a, b))
	})
	if s.ranking.limit > 0 {
		order = order[:min(len(order), s.ranking.limit)]
	}
	place := make(map[string]int, len(order))
	for i, key := range order {
		place[key] = i
	}
	s.points = slices.DeleteFunc(s.points, func(p waybill.Point) bool {
		_, kept := place[keyOf(&p)]
		return !kept
	})
	slices.SortStableFunc(s.points, func(a, b waybill.Point) int {
		return cmp.Or(cmp.Compare(a.Bucket.Start, b.Bucket.Start), cmp.Compare(place[keyOf(&a)], place[keyOf(&b)]))
	})
}

// head returns the answer without its points.
func (s *series) head() metricsAnswer {
	from, to := s.query.Quarters()
	return metricsAnswer{
		From: shown(from.Start(), s.query.Zone), To: shown(to.Start(), s.query.Zone),
		Granularity: s.query.Granularity.String(), TimeZone: s.query.Zone.String(), Basis: basisName(s.query.Basis),
		GroupBy: append([]string{}, s.groups...), Points: []point{}, Totals: s.sums(s.totals),
	}
}

func basisName(b waybill.Basis) string {
	if b == waybill.BySend {
		return "send"
	}
	return "event"
}

func (s *series) sums(c waybill.Counts) Sums {
	var shown Sums
	all := []**int64{
		&shown.Counts.Accepted, &shown.Counts.Sent, &shown.Counts.Delivered, &shown.Counts.Read,
		&shown.Counts.Failed, &shown.Counts.Clicked, &shown.Counts.Clicks,
	}
	for _, m := range s.metrics {
		*all[m] = &c[m]
	}
	if s.rates {
		r := ratesOf(c)
		shown.Rates = &rates{r[0], r[1], r[2], r[3]}
	}
	return shown
}

// done lets another answer have the memory of the points.
func (s *series) done() {
	waybill.Recycle(s.points)
	s.points = nil
}

// stream writes the answer as JSON, point by point: all at once it may be large. It can
// be called once.
func (s *series) stream(w io.Writer) error {
	defer s.done()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s.head()); err != nil {
		return err
	}
	const none = `"points":[]`
	head, tail, _ := bytes.Cut(bytes.TrimSpace(b.Bytes()), []byte(none))
	tail = bytes.Clone(tail)
	if _, err := w.Write(append(head, none[:len(none)-1]...)); err != nil {
		return err
	}
	for i := range s.points {
		b.Reset()
		if i > 0 {
			b.WriteByte(',')
		}
		p := &s.points[i]
		group := make(map[string]string, len(p.Key))
		for j, value := range p.Key {
			group[s.groups[j]] = value
		}
		shown := point{shown(p.Bucket.Start, s.query.Zone), shown(p.Bucket.End, s.query.Zone), group, s.sums(p.Counts)}
		if err := e.Encode(shown); err != nil {
			return err
		}
		if _, err := w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n"))); err != nil {
			return err
		}
	}
	_, err := w.Write(append([]byte("]"), tail...))
	return err
}

// table returns the points as rows, which can be read once.
func (s *series) table() ([]table.Column, iter.Seq[[]any]) {
	columns := []table.Column{{Name: "start", Type: table.Time}, {Name: "end", Type: table.Time}}
	for _, name := range s.groups {
		columns = append(columns, table.Column{Name: name, Type: table.Text})
	}
	for _, m := range s.metrics {
		columns = append(columns, table.Column{Name: m.String(), Type: table.Int})
	}
	for _, r := range ratios {
		if s.rates {
			columns = append(columns, table.Column{Name: r.of.String() + "_rate", Type: table.Float})
		}
	}
	return columns, func(yield func([]any) bool) {
		defer s.done()
		row := make([]any, 0, len(columns))
		for i := range s.points {
			row = s.row(row[:0], &s.points[i])
			if !yield(row) {
				return
			}
		}
	}
}

func (s *series) row(row []any, p *waybill.Point) []any {
	at := func(i waybill.Instant) time.Time { return i.Time().In(s.query.Zone) }
	row = append(row, at(p.Bucket.Start), at(p.Bucket.End))
	for _, value := range p.Key {
		row = append(row, value)
	}
	for _, m := range s.metrics {
		row = append(row, p.Counts[m])
	}
	if !s.rates {
		return row
	}
	for _, rate := range ratesOf(p.Counts) {
		if rate == nil {
			row = append(row, nil)
			continue
		}
		row = append(row, *rate)
	}
	return row
}
