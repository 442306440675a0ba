package traffic_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"waybill"
	"waybill/bench/traffic"
)

// all returns all reports of tr, taken from its stream by so many at a time.
func all(tr traffic.Traffic, size int) []waybill.Event {
	var events []waybill.Event
	batch := make([]waybill.Event, size)
	for s := tr.Stream(); ; {
		n := s.Next(batch)
		events = append(events, batch[:n]...)
		if n < size {
			return events
		}
	}
}

// A story is the reports of one message in the order of their arrival, each with
// its place among all.
type story struct {
	events []waybill.Event
	places []int
}

// first returns the place of the first report of a status, -1 without one.
func (s *story) first(status waybill.Status) int {
	i := slices.IndexFunc(s.events, func(e waybill.Event) bool { return e.Status == status })
	if i < 0 {
		return -1
	}
	return s.places[i]
}

func TestTheTrafficIsAsItSays(t *testing.T) {
	const messages = 200_000
	events := all(traffic.Traffic{Messages: messages}, 1000)
	stories := make(map[string]*story)
	for i, e := range events {
		if err := e.Validate(traffic.Now()); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if len(e.Message) != 60 {
			t.Fatalf("ID %q has not 60 bytes", e.Message)
		}
		s := stories[e.Message]
		if s == nil {
			s = &story{}
			stories[e.Message] = s
		}
		s.events, s.places = append(s.events, e), append(s.places, i)
	}
	count := make(map[string]float64)
	var distances []int
	for _, s := range stories {
		var labels waybill.Labels
		seen := make(map[waybill.Status]waybill.Instant)
		for _, e := range s.events {
			if e.Status == waybill.StatusAccepted {
				labels = e.Labels
			} else if e.Labels != (waybill.Labels{}) {
				t.Fatalf("a report of status %d has labels", e.Status)
			}
			if at, again := seen[e.Status]; again {
				count["repeated"]++
				if at > e.At {
					count["earlier when repeated"]++
				}
			}
			seen[e.Status] = e.At
		}
		if s.events[0].Channel == traffic.Main {
			count["main"]++
		}
		if labels[waybill.LabelCampaign].Value != "" {
			count["campaign"]++
		}
		accepted, delivered, read := s.first(waybill.StatusAccepted), s.first(waybill.StatusDelivered), s.first(waybill.StatusRead)
		if accepted > s.places[0] && len(seen) > 1 {
			count["late"]++
		}
		if read >= 0 {
			count["read"]++
			if accepted < len(events)/4 { // after the last message the traffic gets thin
				distances = append(distances, read-accepted)
			}
			if delivered > read {
				count["read before delivered"]++
			}
			if delivered < 0 {
				count["read without delivered"]++
			}
		}
	}
	slices.Sort(distances)
	for _, tt := range []struct {
		name       string
		have, want float64
	}{
		{"messages", float64(len(stories)), messages},
		{"events of a message", float64(len(events)) / messages, 3.203},
		{"share of the main channel", count["main"] / messages, .85},
		{"share in campaigns", count["campaign"] / messages, .30},
		{"share of late registrations", count["late"] / messages, .015},
		{"share of repeated reports", count["repeated"] / (float64(len(events)) - count["repeated"]), .05},
		{"share of repetitions with an earlier time", count["earlier when repeated"] / count["repeated"], .10},
		{"share of readings before the delivery", count["read before delivered"] / count["read"], .03},
		{"share of readings without a delivery", count["read without delivered"] / count["read"], .02},
		{"median distance of a reading in messages", float64(distances[len(distances)/2]) / traffic.EventsPerMessage, 60_000},
	} {
		if math.Abs(tt.have/tt.want-1) > .15 {
			t.Errorf("%s: have %g, want %g", tt.name, tt.have, tt.want)
		}
		t.Logf("%s: %g", tt.name, tt.have)
	}
}

func TestTheTrafficIsTheSameInAnyBatches(t *testing.T) {
	tr := traffic.Traffic{Messages: 3000}
	if !reflect.DeepEqual(all(tr, 7), all(tr, 1000)) {
		t.Error("batches of 7 differ from batches of 1000")
	}
	if reflect.DeepEqual(all(tr, 1000), all(traffic.Traffic{Messages: 3000, Seed: 1}, 1000)) {
		t.Error("another seed makes the same traffic")
	}
}

func TestWrongAnswersAreFound(t *testing.T) {
	right := traffic.Traffic{Messages: 3000}.Answers()
	for i, q := range traffic.Questions() {
		if len(right[i]) == 0 {
			t.Fatalf("%s has no points", q.Name)
		}
		for name, change := range map[string]func(p []waybill.Point) []waybill.Point{
			"a count":       func(p []waybill.Point) []waybill.Point { p[0].Counts[waybill.Read]++; return p },
			"a bucket":      func(p []waybill.Point) []waybill.Point { p[0].Bucket.End++; return p },
			"a point less":  func(p []waybill.Point) []waybill.Point { return p[1:] },
			"a point twice": func(p []waybill.Point) []waybill.Point { return append(p, p[len(p)-1]) },
			"a key":         func(p []waybill.Point) []waybill.Point { p[0].Key = []string{"x"}; return p },
		} {
			wrong := change(slices.Clone(right[i]))
			if traffic.Compare(wrong, right[i]) == nil || traffic.Checksum(wrong) == traffic.Checksum(right[i]) {
				t.Errorf("%s: %s is not found", q.Name, name)
			}
		}
		if err := traffic.Compare(slices.Clone(right[i]), right[i]); err != nil {
			t.Errorf("%s: the right answer is refused: %v", q.Name, err)
		}
	}
}

func BenchmarkStream(b *testing.B) {
	events := make([]waybill.Event, 10_000)
	s := traffic.Traffic{Messages: 20_000_000}.Stream()
	n := 0
	for b.Loop() {
		n += s.Next(events)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
