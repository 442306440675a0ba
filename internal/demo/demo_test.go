package demo

import (
	"hash/maphash"
	"iter"
	"maps"
	"testing"
	"time"

	"waybill"
)

// now is in the afternoon of a Saturday, in the best season.
var now = time.Date(2026, 11, 21, 21, 30, 0, 0, time.UTC)

// numberOf numbers channels by what they are.
func numberOf(b *Business) func(string) waybill.ChannelNumber {
	return func(id string) waybill.ChannelNumber {
		for i, l := range b.lines {
			if l.id == id {
				return waybill.ChannelNumber(i + 1)
			}
		}
		return 0
	}
}

// The channels in numberOf.
const (
	shopChannel = iota + 1
	airlineChannel
	cafeChannel
	clinicChannel
)

// events returns the traffic of a business, event by event.
func events(o Options) iter.Seq[waybill.Event] {
	return func(yield func(waybill.Event) bool) {
		b := New(o)
		for batch := range b.Events(numberOf(b)) {
			for _, e := range batch {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// known counts the events by their hashes. An event may occur twice.
func known(o Options) map[uint64]int {
	counts := make(map[uint64]int)
	for e := range events(o) {
		counts[maphash.Comparable(hashSeed, e)]++
	}
	return counts
}

var hashSeed = maphash.MakeSeed()

func TestTheSameSeedGivesTheSameTraffic(t *testing.T) {
	o := Options{Seed: 1, Days: 12, Now: now}
	again, stop := iter.Pull(events(o))
	defer stop()
	other := make(map[string]bool)
	for e := range events(Options{Seed: 2, Days: 12, Now: now}) {
		other[e.Message] = true
	}
	for e := range events(o) {
		if f, _ := again(); e != f {
			t.Fatalf("event is %+v, then %+v", e, f)
		}
		if other[e.Message] {
			t.Fatalf("another seed gives the message %s as well", e.Message)
		}
	}
	if _, more := again(); more {
		t.Error("the second time there is more")
	}
}

func TestALongerHistoryContainsTheShorterOnes(t *testing.T) {
	whole := known(Options{Seed: 1, Days: 24, Now: now})
	// The year of the page begins where now lies.
	begin := waybill.InstantOf(now.Add(-(pageDays - 3) * 24 * time.Hour))
	for _, tt := range []struct {
		name  string
		short Options
	}{
		{"fewer days", Options{Seed: 1, Days: 9, Now: now}},
		{"earlier the same day", Options{Seed: 1, Days: 24, Now: now.Add(-5 * time.Hour)}},
		{"two days before, over fewer days", Options{Seed: 1, Days: 20, Now: now.Add(-53 * time.Hour)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rest, n := maps.Clone(whole), 0
			for e := range events(tt.short) {
				n++
				h := maphash.Comparable(hashSeed, e)
				if rest[h]--; rest[h] < 0 && e.At >= begin {
					t.Fatalf("event is not in the longer history: %+v", e)
				}
			}
			if n < len(whole)/2 {
				t.Errorf("only %d events", n)
			}
		})
	}
}

func TestEventsAreValidAndInTheRange(t *testing.T) {
	const days = 35
	ids := make(map[string]waybill.Event)
	first := make(map[waybill.ChannelNumber]waybill.Instant)
	for e := range events(Options{Seed: 3, Days: days, Now: now}) {
		if err := e.Validate(now); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		earliest := now.Add(-days * 24 * time.Hour)
		if e.Channel == cafeChannel {
			earliest = now.Add(-pageDays * 24 * time.Hour)
		}
		if e.At < waybill.InstantOf(earliest) || e.At > waybill.InstantOf(now) {
			t.Fatalf("at %s is not between %s and now", e.At.Time(), earliest)
		}
		if first[e.Channel] == 0 || e.At < first[e.Channel] {
			first[e.Channel] = e.At
		}
		one, ok := ids[e.Message]
		if ok && (one.Recipient != e.Recipient || one.Channel != e.Channel || one.Inbound != e.Inbound) {
			t.Fatalf("two messages have the ID %s", e.Message)
		}
		ids[e.Message] = e
	}
	for channel := waybill.ChannelNumber(shopChannel); channel <= clinicChannel; channel++ {
		late := first[channel].Time().Sub(now.Add(-days * 24 * time.Hour))
		if channel != cafeChannel && late > 25*time.Hour {
			t.Errorf("channel %d begins %s after the beginning", channel, late)
		}
	}
}

func TestAChannelWithoutNumberIsLeftOut(t *testing.T) {
	b := New(Options{Seed: 1, Days: 3, Now: now})
	number := func(id string) waybill.ChannelNumber {
		if id == b.ids.airline {
			return 7
		}
		return 0
	}
	for batch := range b.Events(number) {
		for _, e := range batch {
			if e.Channel != 7 {
				t.Fatalf("event of channel %d", e.Channel)
			}
		}
	}
}

func TestTheCallerCanStop(t *testing.T) {
	b := New(Options{Seed: 1, Days: 30, Now: now})
	var n int
	for batch := range b.Events(numberOf(b)) {
		if n++; len(batch) != batchEvents {
			t.Errorf("batch of %d events", len(batch))
		}
		if n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d batches", n)
	}
}

func BenchmarkEvents(b *testing.B) {
	var n int
	for b.Loop() {
		n = 0
		business := New(Options{Seed: 1, Days: 90, Now: now})
		for batch := range business.Events(numberOf(business)) {
			n += len(batch)
		}
	}
	b.ReportMetric(float64(n), "events")
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func TestEveryQuarterHasItsSaleAndItsMisfortune(t *testing.T) {
	b := New(Options{Seed: 5, Days: 90, Now: now})
	shop := b.lines[0]
	var sales, bad []int
	for d := dayOf(waybill.InstantOf(now), shop.zone); len(sales) < 10 || len(bad) < 10; d = d.next(shop.zone) {
		for _, c := range b.shopCampaigns(d) {
			if c.bad {
				bad = append(bad, d.number)
			}
			if c.lift > 1 {
				sales = append(sales, d.number)
			}
		}
	}
	for _, days := range [][]int{sales, bad} {
		for i := range days[1:] {
			if gap := days[i+1] - days[i]; gap > 89 {
				t.Errorf("%d days without", gap)
			}
		}
	}
}
