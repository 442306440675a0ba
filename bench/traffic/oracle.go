package traffic

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"waybill"
)

// zone is that of the queries. Its clock is always eight hours ahead.
var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// A Question is a query with a name.
type Question struct {
	Name  string
	About string
	Query waybill.Query
	Top   int // keep that many points, those of the most sent messages; 0 keeps all
}

// askedTemplate is the template that q1 asks about, neither rare nor the first.
const askedTemplate = 5

// Questions are what is asked once all reports are in, the same for every Traffic.
func Questions() []Question {
	of := func(from, length waybill.Instant, q waybill.Query) waybill.Query {
		q.Channels = []waybill.ChannelNumber{Main}
		q.From, q.To, q.Zone = Start+from*day, Start+(from+length)*day, zone
		return q
	}
	by := func(l waybill.Label) []waybill.Dimension { return []waybill.Dimension{waybill.Dimension(l)} }
	return []Question{
		{"q1", "one template, 30 days, by day", of(180, 30, waybill.Query{
			Granularity: waybill.Day,
			Where: []waybill.Filter{{
				By: waybill.Dimension(waybill.LabelTemplate), Values: []string{templateNames[askedTemplate]},
			}},
		}), 0},
		{"q2", "an account, 365 days, by half hour and sender", of(0, days, waybill.Query{
			Granularity: waybill.HalfHour, GroupBy: by(waybill.LabelSender),
		}), 0},
		{"q3", "the top 20 templates of 90 days", of(200, 90, waybill.Query{
			Granularity: waybill.Total, GroupBy: by(waybill.LabelTemplate),
		}), 20},
	}
}

// Answer makes the answer to q of the points of its query, which it may reorder.
func (q *Question) Answer(points []waybill.Point) []waybill.Point {
	if q.Top == 0 {
		return points
	}
	slices.SortFunc(points, func(a, b waybill.Point) int {
		return cmp.Or(cmp.Compare(b.Counts[waybill.Sent], a.Counts[waybill.Sent]), a.Compare(&b))
	})
	return points[:min(q.Top, len(points))]
}

// Answers returns the right answers to Questions once all reports of tr are in.
// They come from what the messages are, not from their reports: nothing is
// merged, and no code of a store or of the domain counts.
func (tr Traffic) Answers() [][]waybill.Point {
	questions := Questions()
	names := [][]string{nil, senderNames, templateNames} // of the groups
	sums := make([]sum, len(questions))
	for i := range questions {
		sums[i] = newSum(&questions[i].Query, max(1, len(names[i])))
	}
	for number := range uint32(tr.Messages) {
		m := tr.message(number)
		if m.channel != Main {
			continue
		}
		for stage, at := range m.reached() {
			if at == waybill.Never {
				continue
			}
			if m.template == askedTemplate {
				sums[0].count(at, 0, stage)
			}
			sums[1].count(at, int(m.sender), stage)
			sums[2].count(at, int(m.template), stage)
		}
	}
	answers := make([][]waybill.Point, len(questions))
	for i := range questions {
		answers[i] = questions[i].Answer(sums[i].points(names[i]))
	}
	return answers
}

// A sum is the answer to a question while it is added up: the counts by bucket
// and then by group.
type sum struct {
	from, to waybill.Instant
	width    waybill.Instant // of a bucket
	groups   int
	counts   []waybill.Counts
}

func newSum(q *waybill.Query, groups int) sum {
	s := sum{from: q.From, to: q.To, groups: groups}
	switch q.Granularity {
	case waybill.Day:
		s.width = day
	case waybill.HalfHour:
		s.width = 30 * 60
	default:
		s.width = q.To - q.From
	}
	s.counts = make([]waybill.Counts, int((s.to-s.from)/s.width)*s.groups)
	return s
}

func (s *sum) count(at waybill.Instant, group, stage int) {
	if s.from <= at && at < s.to {
		s.counts[int((at-s.from)/s.width)*s.groups+group][stage]++
	}
}

// points returns the points in order. The names of the groups are in order too.
func (s *sum) points(names []string) []waybill.Point {
	var points []waybill.Point
	for i, counts := range s.counts {
		if counts == (waybill.Counts{}) {
			continue
		}
		start := s.from + waybill.Instant(i/s.groups)*s.width
		p := waybill.Point{Bucket: waybill.Bucket{Start: start, End: start + s.width}, Counts: counts}
		if names != nil {
			p.Key = []string{names[i%s.groups]}
		}
		points = append(points, p)
	}
	return points
}

// Checksum returns a short text that differs where answers differ.
func Checksum(points []waybill.Point) string {
	h := fnv.New64a()
	for i := range points {
		p := &points[i]
		h.Write(fmt.Appendln(nil, p.Bucket.Start, p.Bucket.End, p.Key, p.Counts))
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Compare returns the first difference between an answer and the right one, or
// nil.
func Compare(have, want []waybill.Point) error {
	for i := range max(len(have), len(want)) {
		switch {
		case i >= len(have):
			return fmt.Errorf("point %d is missing: want %v", i, want[i])
		case i >= len(want):
			return fmt.Errorf("point %d is too many: have %v", i, have[i])
		case have[i].Compare(&want[i]) != 0 || have[i].Bucket != want[i].Bucket || have[i].Counts != want[i].Counts:
			return fmt.Errorf("point %d is %v, want %v", i, have[i], want[i])
		}
	}
	return nil
}
