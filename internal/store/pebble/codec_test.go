package pebble

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"waybill"
)

// drawState draws a state of a partition, as a store may have it.
func drawState(t *rapid.T) (state, *extra) {
	s := state{
		ref: rapid.Uint32Range(0, 1<<21).Draw(t, "ref"), known: rapid.Bool().Draw(t, "known"),
		part: partition(rapid.IntRange(587, 1700).Draw(t, "partition")),
	}
	near := rapid.Custom(func(t *rapid.T) uint32 {
		return uint32(max(1, int64(s.part.start())+rapid.Int64Range(-1<<20, 1<<22).Draw(t, "at")))
	})
	for i := range s.at {
		s.at[i] = rapid.OneOf(rapid.Just(uint32(0)), near, rapid.Uint32Range(1, math.MaxUint32)).Draw(t, "at")
	}
	if rapid.Bool().Draw(t, "plain") {
		return s, nil
	}
	text := rapid.StringN(0, 8, -1)
	x := &extra{failure: waybill.Failure{Code: text.Draw(t, "code"), Title: text.Draw(t, "title")}}
	for range rapid.IntRange(0, 3).Draw(t, "clicks") {
		x.clicks = append(x.clicks, waybill.Click{
			ID: text.Draw(t, "id"), At: waybill.Instant(near.Draw(t, "click")),
			Button: waybill.Button{Type: text.Draw(t, "type"), Text: text.Draw(t, "text")},
		})
	}
	x.revs[waybill.LabelCampaign] = rapid.Int64Range(0, waybill.MaxRev).Draw(t, "rev")
	return s, x
}

func sameExtra(a, b *extra) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.failure == b.failure && a.revs == b.revs && slices.Equal(a.clicks, b.clicks)
}

func TestStatesSurviveTheCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, x := drawState(t)
		d := decoder{rest: appendState(nil, &s, x)}
		if got, gotExtra := decodeState(&d, s.part); !d.complete() || got != s || !sameExtra(gotExtra, x) {
			t.Errorf("%+v %+v becomes %+v %+v", s, x, got, gotExtra)
		}
	})
}

func FuzzDecodeState(f *testing.F) {
	s := state{part: 700, ref: 9, at: [waybill.NumStages]uint32{waybill.Sent: 1700000000, waybill.Read: 1700000900}}
	f.Add(appendState(nil, &s, nil), uint16(700))
	f.Add(appendState(nil, &s, &extra{clicks: []waybill.Click{{ID: "a", At: 1700000000}}}), uint16(3))
	f.Fuzz(func(t *testing.T, data []byte, p uint16) {
		d := decoder{rest: data}
		s, x := decodeState(&d, partition(p))
		if !d.complete() {
			return
		}
		again := decoder{rest: appendState(nil, &s, x)}
		if s2, x2 := decodeState(&again, partition(p)); !again.complete() || s2 != s || x != nil && !x.empty() && !sameExtra(x2, x) {
			t.Errorf("%+v %+v becomes %+v %+v", s, x, s2, x2)
		}
	})
}

// TestFastStatesAgreeWithMessages compares what a store computes from states that
// have no clicks with what the domain says of the message.
func TestFastStatesAgreeWithMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := drawState(t)
		s.ref = 0
		m := s.message(nil, &view{tuples: []tuple{{}}}, []string{""})
		if m.Earliest() != waybill.Instant(s.earliest()) {
			t.Errorf("the earliest time of %+v is %d, want %d", s, s.earliest(), m.Earliest())
		}
		for _, p := range []waybill.Provider{waybill.ProviderChatapp, waybill.ProviderWABA, waybill.ProviderMomo} {
			have := make(map[waybill.Slot]int)
			r := s.reach(p)
			for metric, at := range r {
				if at != 0 {
					have[waybill.Slot{Metric: waybill.Metric(metric), Quarter: waybill.Quarter(at / waybill.QuarterSeconds)}]++
					have[waybill.Slot{Metric: waybill.Metric(metric), Basis: waybill.BySend, Quarter: waybill.Quarter(r.sentQuarter())}]++
				}
			}
			for _, slot := range m.Contributions(p, nil) {
				have[slot]--
			}
			for slot, n := range have {
				if n != 0 {
					t.Errorf("%+v of %s counts %d times too often in %+v", s, p, n, slot)
				}
			}
		}
	})
}

type cellName struct{ major, ref, quarter uint32 }

func drawDeltas(t *rapid.T, total map[cellName]waybill.Counts) []delta {
	var deltas []delta
	for range rapid.IntRange(0, 60).Draw(t, "deltas") {
		d := delta{
			major:   rapid.Uint32Range(0, 2).Draw(t, "major") * rapid.SampledFrom([]uint32{0, 1, 300}).Draw(t, "by"),
			ref:     rapid.SampledFrom([]uint32{0, 1, 2, 127, 128, 1 << 20}).Draw(t, "ref"),
			quarter: uint8(rapid.IntRange(0, quartersPerDay-1).Draw(t, "quarter")),
		}
		for m := range d.counts {
			d.counts[m] = int8(rapid.IntRange(0, 2).Draw(t, "count"))
		}
		k := cellName{d.major, d.ref, uint32(d.quarter)}
		sum := total[k]
		for m, n := range d.counts {
			sum[m] += int64(n)
		}
		total[k] = sum
		deltas = append(deltas, d)
	}
	return deltas
}

func TestMergingAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := make(map[cellName]waybill.Counts)
		var packed []byte
		for range rapid.IntRange(1, 5).Draw(t, "merges") {
			deltas := drawDeltas(t, want)
			sortDeltas(deltas, nil)
			var err error
			if packed, err = mergeCells(packed, deltas); err != nil {
				t.Fatal(err)
			}
		}
		u := unpack(packed)
		for u.next() {
			k := cellName{u.major, u.ref, u.quarter}
			if u.counts != want[k] {
				t.Errorf("%+v is %v, want %v", k, u.counts, want[k])
			}
			delete(want, k)
		}
		for k, n := range want {
			if n != (waybill.Counts{}) {
				t.Errorf("%+v is missing, want %v", k, n)
			}
		}
		if u.err() != nil {
			t.Error(u.err())
		}
	})
}

// TestTakingAwayLeavesNothing merges deltas and then their opposites.
func TestTakingAwayLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		deltas := drawDeltas(t, make(map[cellName]waybill.Counts))
		sortDeltas(deltas, nil)
		packed, err := mergeCells(nil, deltas)
		if err != nil {
			t.Fatal(err)
		}
		for i := range deltas {
			for m := range deltas[i].counts {
				deltas[i].counts[m] *= -1
			}
		}
		if packed, err = mergeCells(packed, deltas); err != nil || len(packed) > 0 {
			t.Errorf("%x is left, %v", packed, err)
		}
		if len(deltas) > 0 && deltas[0].counts != [waybill.NumMetrics]int8{} {
			if _, err := mergeCells(nil, deltas); err == nil {
				t.Error("a count below zero is no error")
			}
		}
	})
}

// TestManyDeltasAreSorted has enough of them for the sort by digits.
func TestManyDeltasAreSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint32().Draw(t, "seed")
		deltas := make([]delta, 9000)
		for i := range deltas {
			seed = seed*1664525 + 1013904223
			deltas[i] = delta{ref: seed >> 8 % (1 << 23), quarter: uint8(seed % quartersPerDay)}
			if i%50 == 0 {
				deltas[i].major = seed % 5
			}
		}
		want := slices.Clone(deltas)
		slices.SortFunc(want, func(a, b delta) int { return a.compare(&b) })
		if sortDeltas(deltas, nil); !slices.Equal(deltas, want) {
			t.Error("deltas are not in order")
		}
	})
}

func FuzzUnpack(f *testing.F) {
	p := packer{}
	p.add(&cell{ref: 3, quarter: 9, counts: waybill.Counts{1, 1}})
	p.add(&cell{major: 1, ref: 3, quarter: 9, counts: waybill.Counts{4: 700}})
	f.Add(p.packed)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, again := unpack(data), packer{}
		for u.next() {
			again.add(&u.cell)
		}
		if u.err() != nil {
			return
		}
		v := unpack(again.packed)
		for w := unpack(data); w.next(); {
			if w.counts != (waybill.Counts{}) && (!v.next() || v.cell != w.cell) {
				t.Fatalf("%+v becomes %+v", w.cell, v.cell)
			}
		}
	})
}

func TestTuplesAndDetailsSurviveTheCodec(t *testing.T) {
	texts := make([]string, 300)
	for i := range texts {
		texts[i] = "x"
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32Range(0, 299)
		tup := tuple{ranks: rapid.Uint32Range(0, 1<<30-1).Draw(t, "ranks"), flags: uint8(rapid.IntRange(0, 7).Draw(t, "flags"))}
		for l := range tup.values {
			tup.values[l] = n.Draw(t, "value")
		}
		if got, ok := decodeTuple(appendTuple(nil, &tup), texts); !ok || got != tup {
			t.Errorf("%+v becomes %+v", tup, got)
		}
		d := detail{n.Draw(t, "code"), n.Draw(t, "button"), n.Draw(t, "text")}
		if got, ok := decodeDetail(appendDetail(nil, d), texts); !ok || got != d {
			t.Errorf("%+v becomes %+v", d, got)
		}
	})
}

// TestTablesHoldWhatIsPut compares a table with a map while it grows, and its order
// with that of the keys.
func TestTablesHoldWhatIsPut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := newTable(true)
		want := make(map[messageKey]uint32)
		seed := rapid.Uint32().Draw(t, "seed")
		next := func() uint32 { seed = seed*1664525 + 1013904223; return seed >> 4 << 4 }
		for i := range uint32(rapid.IntRange(0, 5000).Draw(t, "messages")) {
			k := messageKey{part: partition(700 + i%3), channel: waybill.ChannelNumber(1 + i%2), hash: hash{next(), next(), i}}
			tab.reserve(1)
			slot := tab.insert(k.channel, &k.hash, state{ref: i, part: k.part}, nil)
			tab.setName(slot, "id", "recipient")
			want[k] = i
		}
		var last []byte
		for _, i := range tab.sorted() {
			s := &tab.slots[i]
			k := messageKey{s.part, s.channel, s.hash}
			if key := k.append(nil); bytes.Compare(last, key) >= 0 {
				t.Fatalf("%x comes before %x", last, key)
			} else {
				last = key
			}
			if found := tab.find(k.channel, &k.hash); found != int(i) || s.ref != want[k] {
				t.Fatalf("%+v is found at %d, want %d", k, found, i)
			}
			delete(want, k)
		}
		if len(want) > 0 || tab.find(9, &hash{1, 2, 3}) >= 0 {
			t.Errorf("%d messages are missing", len(want))
		}
	})
}

func TestBloomFindsWhatWasAdded(t *testing.T) {
	b := newBloom(100_000)
	seed := uint32(1)
	next := func() uint32 { seed = seed*1664525 + 1013904223; return seed ^ seed>>13 }
	added := make([]hash, 100_000)
	for i := range added {
		added[i] = hash{next(), next(), next()}
		b.add(7, &added[i])
	}
	for i := range added {
		if !b.has(7, &added[i]) {
			t.Fatal("a message is missing")
		}
	}
	wrong := 0
	for range 100_000 {
		if b.has(7, &hash{next(), next(), next()}) {
			wrong++
		}
	}
	if wrong > 400 {
		t.Errorf("%d of 100000 others are found, want at most 0.4 %%", wrong)
	}
}
