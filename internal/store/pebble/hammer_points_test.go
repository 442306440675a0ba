package pebble_test

import (
	"fmt"
	"slices"

	"waybill"
)

// hammerQueries do not look at marks.
var hammerQueries = []waybill.Query{
	{Granularity: waybill.Total},
	{Granularity: waybill.Total, GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelCampaign)}},
	{Granularity: waybill.Day, GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelTemplate), waybill.DimChannel}},
	{Granularity: waybill.HalfHour, Basis: waybill.BySend, GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelSender)}},
	{Granularity: waybill.Month, GroupBy: []waybill.Dimension{waybill.DimDetail}},
}

func hammerQuery(i int) waybill.Query {
	q := hammerQueries[i]
	q.Channels, q.To = []waybill.ChannelNumber{1, 2}, waybill.MaxInstant
	return q
}

// hammerMarked are of collected messages, which are told apart by the only label of
// each group: in the cells of days, and in those of both projections.
var hammerMarked = []waybill.Query{
	{Channels: []waybill.ChannelNumber{1, 2, hammerMass}, Granularity: waybill.Total, GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelTier)}},
	{Channels: []waybill.ChannelNumber{hammerMass}, Granularity: waybill.Day, GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelSender)}},
	{Channels: []waybill.ChannelNumber{hammerMass}, Granularity: waybill.Total, Basis: waybill.BySend, GroupBy: []waybill.Dimension{waybill.Dimension(waybill.LabelTemplate)}},
}

func markedQuery(i int) waybill.Query {
	q := hammerMarked[i]
	q.To, q.Collected = waybill.MaxInstant, true
	return q
}

// answer notes the answers of the present version.
func (s *hammerScript) answer() {
	for i := range s.sums {
		s.answers[i] = append(s.answers[i], fmt.Sprint(s.sums[i].points()))
	}
}

// ask compares an answer with those of the versions that it may be of. A pass moves
// what messages count from one mark to the other, which must not show here.
func (h *hammer) ask(w *witness, i int) {
	least := h.least(w)
	points, err := h.store.Points(h.Context(), hammerQuery(i))
	most := h.most()
	if err != nil {
		h.Errorf("Points: %v", err)
		return
	}
	got := fmt.Sprint(points)
	v := within(least, most, func(v int) bool { return h.answers[i][v] == got })
	if v < 0 {
		h.Errorf("the answer to query %d is of no version between %d and %d:\n%s\nwant\n%s",
			i, least, most, got, h.answers[i][most])
		return
	}
	w.version = v
}

// askMarked wants what each collected message counts at one version, of those whose
// marks may be renewed or not.
func (h *hammer) askMarked(w *witness, i int) {
	least := h.least(w)
	points, err := h.store.Points(h.Context(), markedQuery(i))
	most := h.most()
	if err != nil {
		h.Errorf("Points: %v", err)
		return
	}
	got := make(map[string][]waybill.Point)
	for _, p := range points {
		got[p.Key[0]] = append(got[p.Key[0]], p)
	}
	wrong := ""
	v := within(least, most, func(v int) bool {
		wrong = h.wrongMarked(w, i, v, got)
		return wrong == ""
	})
	if v < 0 {
		h.Errorf("the answer to marked query %d is of no version between %d and %d: %s", i, least, most, wrong)
		return
	}
	w.version = v
	settled := true
	for _, l := range h.lives {
		if n := l.at(v); n >= 0 && len(l.points[n][i]) > 0 {
			right := h.noteMark(w, l, v, least, most, len(got[l.id]) > 0)
			settled = settled && (right || !l.kept(most))
		}
	}
	if !settled {
		h.passing.Add(1)
	}
}

// wrongMarked returns what an answer has that a version has not, empty for nothing.
func (h *hammer) wrongMarked(w *witness, i, version int, got map[string][]waybill.Point) string {
	seen := 0
	for _, l := range h.lives {
		have, want := got[l.id], []waybill.Point(nil)
		n := l.at(version)
		if n >= 0 {
			want = l.points[n][i]
		}
		on, off := false, true
		if len(want) > 0 {
			on, off = h.marks(l, version, w.right[l])
		}
		switch {
		case len(have) == 0 && !off:
			return fmt.Sprintf("message %s is missing, of %+v", l.id, want)
		case len(have) > 0 && (!on || !slices.EqualFunc(have, want, samePoint)):
			return fmt.Sprintf("message %s has %+v, want %+v, collected %t", l.id, have, want, on)
		case len(have) > 0:
			seen++
		}
	}
	if seen != len(got) {
		return fmt.Sprintf("%d groups are of %d messages", len(got), seen)
	}
	return ""
}

func samePoint(a, b waybill.Point) bool {
	return a.Compare(&b) == 0 && a.Bucket == b.Bucket && a.Counts == b.Counts
}
