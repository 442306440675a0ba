package pebble_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// TestQueriesSeeOneVersion asks while generations are folded, partitions dropped
// and labels moved, and compares each answer with those that the model gives after
// each commit that the query may have seen.
func TestQueriesSeeOneVersion(t *testing.T) {
	batches := 300
	if testing.Short() {
		batches = 100
	}
	h := newHammer(t, batches)
	clock := &atomic.Int64{}
	clock.Store(int64(start))
	s := mustOpen(t, t.TempDir(), pebble.Options{
		GenerationMessages: 25, KeepMessages: 30 * 24 * time.Hour,
		Now: func() time.Time { return time.Unix(clock.Load(), 0) },
	})
	defer s.Close()
	configure(t, s, hammerChannels...)
	var began, ended atomic.Int64 // versions
	var group sync.WaitGroup
	asked := make([]int, len(hammerQueries))
	for i := range hammerQueries {
		group.Go(func() {
			for ended.Load() < int64(batches) {
				asked[i]++
				h.ask(s, i, &began, &ended)
			}
		})
	}
	for n, batch := range h.batches {
		clock.Store(int64(hammerTime(n) + day))
		began.Store(int64(n + 1))
		appendAll(t, s, batch)
		ended.Store(int64(n + 1))
	}
	group.Wait()
	t.Logf("%d commits, %v questions", batches, asked)
	if differences, err := s.Verify(t.Context(), 3); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
	awaitNotFound(t, s, "2") // its partition has been dropped
}

var hammerChannels = []waybill.ChannelState{
	{Number: 1, Provider: waybill.ProviderWABA, MetricsEnabled: start},
	{Number: 2, Provider: waybill.ProviderMomo, MetricsEnabled: start},
}

func hammerTime(batch int) waybill.Instant { return start + waybill.Instant(batch)*day }

// A hammer has the commits of the test and the answers after each.
type hammer struct {
	*testing.T
	batches [][]waybill.Event
	answers [][]string // by query and number of commits
}

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

func newHammer(t *testing.T, batches int) *hammer {
	h := &hammer{T: t, answers: make([][]string, len(hammerQueries))}
	r := rand.New(rand.NewPCG(11, 12))
	model := storetest.NewModel()
	configure(t, model, hammerChannels...)
	for n := range batches + 1 {
		for i := range hammerQueries {
			points, err := model.Points(t.Context(), hammerQuery(i))
			if err != nil {
				t.Fatal(err)
			}
			h.answers[i] = append(h.answers[i], fmt.Sprint(points))
		}
		if n == batches {
			break
		}
		h.batches = append(h.batches, hammerBatch(r, n))
		if _, err := model.Append(t.Context(), h.batches[n]); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// hammerBatch reports of messages of the last two days. Some get a campaign that
// moves all that they count.
func hammerBatch(r *rand.Rand, n int) []waybill.Event {
	events := make([]waybill.Event, 6)
	for i := range events {
		message := max(0, n*3-r.IntN(18))
		e := streamEvent(r, message)
		e.Message = fmt.Sprint(message)
		e.At = hammerTime(message/3) + waybill.Instant(r.IntN(40_000))
		e.Labels.Set(waybill.LabelSegment, fmt.Sprint(message%4), waybill.RankVendor)
		events[i] = e
	}
	return events
}

// ask compares an answer with those of the versions that it may be of.
func (h *hammer) ask(s *pebble.Store, i int, began, ended *atomic.Int64) {
	least := ended.Load()
	points, err := s.Points(h.Context(), hammerQuery(i))
	most := began.Load()
	if err != nil {
		h.Errorf("Points: %v", err)
		return
	}
	if got := fmt.Sprint(points); !slices.Contains(h.answers[i][least:most+1], got) {
		h.Errorf("the answer to query %d is of no version between %d and %d:\n%s\nwant\n%s",
			i, least, most, got, h.answers[i][most])
	}
}
