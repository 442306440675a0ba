package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"waybill"
)

// each runs do(0) to do(n-1) at the same time and waits for all.
func each(n int, do func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { do(i) })
	}
	group.Wait()
}

var concurrencyCases = []contractCase{
	{"a query counts what was acknowledged before it started, whole batches only", func(f *fixture) {
		const writers, batches, size = 3, 40, 5
		var started, acknowledged, finished atomic.Int64
		each(writers+2, func(i int) {
			if i >= writers {
				for finished.Load() < writers {
					f.readBatches(&started, &acknowledged, size)
				}
				return
			}
			defer finished.Add(1)
			for b := range batches {
				started.Add(size)
				name := fmt.Sprintf("%d-%d", i, b)
				f.appendBatch(name, size)
				acknowledged.Add(size)
				f.want(total(where(waybill.Dimension(waybill.LabelSegment), name)), "accepted 5 sent 5")
			}
		})
		f.wantSum(total(), writers*batches*size)
		f.wantVerified()
	}},
	{"a label that moves is never seen twice or not at all", func(f *fixture) {
		const messages, moves = 20, 60
		move := func(rev int64) []waybill.Event {
			var events []waybill.Event
			for i := range messages {
				events = append(events, event(fmt.Sprint(i), waybill.StatusSent, 20*i,
					revised(waybill.LabelCampaign, fmt.Sprint("c", rev%3), waybill.RankOwn, rev)))
			}
			return events
		}
		f.append(move(0)...)
		var done atomic.Bool
		each(3, func(i int) {
			switch i {
			case 0:
				defer done.Store(true)
				for rev := range int64(moves) {
					f.append(move(rev + 1)...)
				}
			default:
				for !done.Load() {
					f.wantSum(total(byLabel(waybill.LabelCampaign)), messages)
					f.wantSum(total(every(waybill.QuarterHour), byLabel(waybill.LabelCampaign), bySend), messages)
					if n := len(f.points(total(byLabel(waybill.LabelCampaign)))); n != 1 {
						f.Errorf("the messages have %d campaigns at a time, want 1", n)
					}
				}
			}
		})
		f.wantVerified()
	}},
	{"writers of the same messages end where the model does", func(f *fixture) {
		model, traffic := f.model(), f.traffic(1300)
		batches := slices.Collect(traffic.Batches())
		each(4, func(i int) {
			for b, batch := range batches {
				if b%4 == i || b%7 == i {
					f.append(batch...)
				}
			}
		})
		for _, batch := range batches {
			if _, err := model.Append(f.Context(), batch); err != nil {
				f.Fatalf("Append: %v", err)
			}
		}
		f.settle()
		f.wantTraffic(model, traffic)
	}},
	{"marks are rewritten while events come in", func(f *fixture) {
		model, traffic := f.model(), f.traffic(900)
		var done atomic.Bool
		var settings []waybill.Instant
		each(3, func(i int) {
			switch i {
			case 0:
				defer done.Store(true)
				for batch := range traffic.Batches() {
					f.append(batch...)
					if _, err := model.Append(f.Context(), batch); err != nil {
						f.Errorf("Append: %v", err)
					}
				}
			case 1:
				for n := 0; !done.Load() || n == 0; n++ {
					settings = append(settings, traffic.Start+waybill.Instant(n%5)*24*60*60)
					f.enable(waba, waybill.ProviderWABA, settings[n])
				}
			case 2:
				for !done.Load() {
					f.settle()
				}
			}
		})
		last := waybill.ChannelState{Number: waba, Provider: waybill.ProviderWABA, MetricsEnabled: settings[len(settings)-1]}
		if err := model.Configure(f.Context(), waybill.Change{Channels: []waybill.ChannelState{last}}); err != nil {
			f.Fatal(err)
		}
		f.settle()
		f.wantTraffic(model, traffic)
	}},
	{"closing loses nothing that was acknowledged", func(f *fixture) {
		var acknowledged sync.Map
		var count atomic.Int64
		each(4, func(i int) {
			if i == 3 {
				for count.Load() < 10 {
					_, _ = f.store.Points(f.Context(), total())
				}
				if err := f.store.Close(); err != nil {
					f.Errorf("Close: %v", err)
				}
				return
			}
			for b := range 200 {
				id := fmt.Sprintf("%d-%d", i, b)
				if _, err := f.store.Append(f.Context(), []waybill.Event{event(id, waybill.StatusSent, b)}); err != nil {
					return
				}
				acknowledged.Store(id, event(id, waybill.StatusSent, b))
				count.Add(1)
			}
		})
		f.store = f.open()
		acknowledged.Range(func(id, e any) bool {
			f.wantMessage(chatapp, id.(string), Join(f.state(chatapp), []waybill.Event{e.(waybill.Event)}))
			return true
		})
		f.wantVerified()
	}},
}

// appendBatch records size messages of which each part of a reader's invariant
// holds: they share a segment of their own.
func (f *fixture) appendBatch(name string, size int) {
	var events []waybill.Event
	for m := range size {
		events = append(events, event(fmt.Sprintf("%s-%d", name, m), waybill.StatusSent, 100*m, with(waybill.LabelSegment, name)))
	}
	if _, err := f.store.Append(f.Context(), events); err != nil {
		f.Errorf("Append: %v", err)
	}
}

func (f *fixture) readBatches(started, acknowledged *atomic.Int64, size int64) {
	low := acknowledged.Load()
	points, err := f.store.Points(f.Context(), total(byLabel(waybill.LabelSegment)))
	high := started.Load()
	if err != nil {
		f.Errorf("Points: %v", err)
	}
	var sum int64
	for _, p := range points {
		n := p.Counts[waybill.Sent]
		if n != size {
			f.Errorf("batch %s is seen with %d messages of %d", p.Key, n, size)
		}
		sum += n
	}
	if sum < low || sum > high {
		f.Errorf("a query counts %d messages, want between %d acknowledged and %d started", sum, low, high)
	}
}

// model returns a model with the channels of the fixture.
func (f *fixture) model() *Model {
	m := NewModel()
	if err := m.Configure(f.Context(), waybill.Change{Channels: f.list()}); err != nil {
		f.Fatal(err)
	}
	return m
}

// traffic returns the mixed events of some messages in the fixture's channels.
func (f *fixture) traffic(messages int) Traffic {
	return Traffic{Seed: 7, Messages: messages, Channels: f.list(), Start: start, PerDay: 300}
}

// wantTraffic compares all that traffic made with the model.
func (f *fixture) wantTraffic(m *Model, tr Traffic) {
	f.Helper()
	f.wantVerified()
	for _, basis := range []waybill.Basis{waybill.ByEvent, waybill.BySend} {
		for l := range waybill.Dimension(waybill.NumLabels) {
			f.wantModel(m,
				waybill.Query{
					Channels: []waybill.ChannelNumber{chatapp, waba, momo}, To: waybill.MaxInstant,
					Granularity: waybill.Hour, Basis: basis, GroupBy: []waybill.Dimension{waybill.DimKind, l},
				},
				waybill.Query{
					Channels: []waybill.ChannelNumber{chatapp, waba, momo}, To: waybill.MaxInstant,
					Granularity: waybill.Day, Basis: basis, Collected: true,
					GroupBy: []waybill.Dimension{waybill.DimChannel, waybill.DimDetail, l},
				})
		}
	}
}
