package waybill_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"waybill"
)

func TestQueryValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*waybill.Query)
		want   string
	}{
		{"a plain query", func(*waybill.Query) {}, ""},
		{"a range that starts at 0", func(q *waybill.Query) { q.From = 0 }, ""},
		{"a range of one second", func(q *waybill.Query) { q.To = q.From + 1 }, ""},
		{"an empty range", func(q *waybill.Query) { q.To = q.From }, fmt.Sprintf("the range ends at %d, not after its start %d", base, base)},
		{"a range that ends before it starts", func(q *waybill.Query) { q.To = 5 }, "the range ends at 5, not after"},
		{"a negative start", func(q *waybill.Query) { q.From = -1 }, "the range -1 to"},
		{"the last end", func(q *waybill.Query) { q.To = waybill.MaxInstant }, ""},
		{"an end after 2200", func(q *waybill.Query) { q.To = waybill.MaxInstant + 1 }, "is not between 0 and 7258118400"},
		{"milliseconds taken for seconds", func(q *waybill.Query) { q.From, q.To = 1763632800000, 1763632900000 }, "is not between 0 and"},
		{"the last granularity", func(q *waybill.Query) { q.Granularity = waybill.Month }, ""},
		{"an unknown granularity", func(q *waybill.Query) { q.Granularity = waybill.Month + 1 }, "granularity 6 is unknown"},
		{"an unknown basis", func(q *waybill.Query) { q.Basis = waybill.NumBases }, "basis 2 is unknown"},
		{"a filter by label and by kind", filter(waybill.Dimension(waybill.LabelTier), waybill.DimKind), ""},
		{"two filters by one label", filter(waybill.DimKind, waybill.DimKind), ""},
		{"a filter by channel", filter(waybill.DimChannel), "counts cannot be filtered by channel"},
		{"a filter by detail", filter(waybill.DimDetail), "counts cannot be filtered by detail"},
		{"a filter by an unknown dimension", filter(waybill.DimDetail + 1), "filter names unknown dimension 13"},
		{"groups by everything", group(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, waybill.DimKind, waybill.DimChannel, waybill.DimDetail), ""},
		{"groups by one dimension twice", group(waybill.DimKind, 3, waybill.DimKind), "group_by names dimension 10 twice"},
		{"groups by an unknown dimension", group(waybill.DimDetail + 1), "dimension 13"},
		{"no channels", func(q *waybill.Query) { q.Channels = nil }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := waybill.Query{Channels: []waybill.ChannelNumber{1}, From: base, To: base + 900}
			tt.change(&q)
			wantInvalid(t, q.Validate(), tt.want)
		})
	}
}

func filter(by ...waybill.Dimension) func(*waybill.Query) {
	return func(q *waybill.Query) {
		for _, d := range by {
			q.Where = append(q.Where, waybill.Filter{By: d, Values: []string{""}})
		}
	}
}

func group(by ...waybill.Dimension) func(*waybill.Query) {
	return func(q *waybill.Query) { q.GroupBy = by }
}

func TestQueryQuarters(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to waybill.Instant
		want     [2]waybill.Quarter
	}{
		{"whole quarters stay", 900, 1800, [2]waybill.Quarter{1, 2}},
		{"a second is a quarter", 1000, 1001, [2]waybill.Quarter{1, 2}},
		{"the start is rounded down and the end up", 899, 901, [2]waybill.Quarter{0, 2}},
		{"from the very first second", 0, 1, [2]waybill.Quarter{0, 1}},
		{"to the very last", 0, waybill.MaxInstant, [2]waybill.Quarter{0, 8064576}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := waybill.Query{From: tt.from, To: tt.to}
			if from, to := q.Quarters(); from != tt.want[0] || to != tt.want[1] {
				t.Errorf("quarters are %d to %d, want %v", from, to, tt.want)
			}
		})
	}
}

func TestDimensionNames(t *testing.T) {
	var names []string
	for d := range waybill.DimDetail + 1 {
		names = append(names, d.String())
	}
	want := "sender template language country category campaign segment pricing_type pricing_category tier kind channel detail"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("dimensions are %s, want %s", got, want)
	}
}

func sent(n int64) (c waybill.Counts) {
	c[waybill.Sent] = n
	return c
}

func TestSeriesCollectsInOrder(t *testing.T) {
	q := waybill.Query{From: base + 100, To: base + 7300, Granularity: waybill.Hour, GroupBy: []waybill.Dimension{0, 1}}
	s := waybill.NewSeries(q)
	first := base.Quarter()
	for _, add := range []struct {
		at  waybill.Quarter
		key []string
		n   int64
	}{
		{first + 7, []string{"b", ""}, 1},
		{first, []string{"b", ""}, 2},
		{first + 3, []string{"b", ""}, 3},
		{first + 1, []string{"", "b"}, 4},
		{first + 4, []string{"gone", ""}, 5},
		{first + 5, []string{"gone", ""}, -5},
	} {
		if err := s.Add(add.at, add.key, sent(add.n)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, p := range s.Points() {
		got = append(got, fmt.Sprint((p.Bucket.Start-base)/60, "-", (p.Bucket.End-base)/60, " ", strings.Join(p.Key, "|"), " ", p.Counts[waybill.Sent]))
	}
	if want := "0-60 |b 4, 0-60 b| 5, 60-120 b| 1"; strings.Join(got, ", ") != want {
		t.Errorf("points are %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestSeriesKeepsNoMemoryOfItsCaller(t *testing.T) {
	s := waybill.NewSeries(waybill.Query{From: base, To: base + 900, GroupBy: []waybill.Dimension{0}})
	key := []string{"a"}
	if err := s.Add(base.Quarter(), key, sent(1)); err != nil {
		t.Fatal(err)
	}
	key[0] = "b"
	if p := s.Points(); len(p) != 1 || p[0].Key[0] != "a" {
		t.Errorf("points are %+v", p)
	}
}

func TestSeriesOfATotal(t *testing.T) {
	s := waybill.NewSeries(waybill.Query{From: base + 1, To: base + 901, Zone: time.UTC})
	for q := range waybill.Quarter(2) {
		if err := s.Add(base.Quarter()+q, nil, sent(1)); err != nil {
			t.Fatal(err)
		}
	}
	p := s.Points()
	if want := (waybill.Bucket{Start: base, End: base + 1800}); len(p) != 1 || p[0].Bucket != want || p[0].Counts != sent(2) {
		t.Errorf("points are %+v, want 2 in %v", p, want)
	}
}

func TestSeriesIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a million points")
	}
	s := waybill.NewSeries(waybill.Query{From: 0, To: waybill.MaxInstant, Granularity: waybill.QuarterHour})
	for q := range waybill.Quarter(waybill.MaxPoints) {
		if err := s.Add(q, nil, sent(1)); err != nil {
			t.Fatalf("point %d: %v", q, err)
		}
	}
	if err := s.Add(0, nil, sent(1)); err != nil {
		t.Errorf("a point that is there already: %v", err)
	}
	if err := s.Add(waybill.MaxPoints, nil, sent(1)); waybill.CodeOf(err) != waybill.TooLarge {
		t.Errorf("one point more fails with %v, want TooLarge", err)
	}
}
