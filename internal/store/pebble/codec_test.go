package pebble

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"waybill"
)

// testLabels stands for a dictionary of 100 tuples.
func testLabels(ref uint32) (labels waybill.Labels, ok bool) {
	labels[waybill.LabelTemplate].Value = "t" + string(rune('0'+ref%10))
	return labels, ref < 100
}

func FuzzDecodeMessage(f *testing.F) {
	m := waybill.Message{
		At:      [waybill.NumStages]waybill.Instant{waybill.Sent: 1704067200, waybill.Failed: 1704067100},
		Failure: waybill.Failure{Code: "131026", Title: "undeliverable"},
		Clicks:  []waybill.Click{{ID: "a", At: 1704067300, Button: waybill.Button{Type: "reply", Text: "Yes"}}},
		Inbound: true, Collected: true,
	}
	f.Add(appendMessage(nil, &m, 7))
	m.Labels[waybill.LabelTier] = waybill.LabelValue{Rank: 200, Rev: -3}
	f.Add(appendMessage(nil, &m, 99))
	f.Add([]byte{messageVersion, flagClicks, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, ref, ok := decodeMessage(data, testLabels)
		if !ok {
			return
		}
		again, ref2, ok := decodeMessage(appendMessage(nil, &m, ref), testLabels)
		if !ok || ref2 != ref || !again.Equal(&m) {
			t.Errorf("%+v with tuple %d becomes %+v with %d", m, ref, again, ref2)
		}
	})
}

func FuzzSumCells(f *testing.F) {
	f.Add([]byte{1, 5, 0, 3, 2, 2}, []byte{2, 0, 0, 1, 2, 0, 0, 0, 5, 0, 1, 2})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if sum, err := addUp(a); err == nil {
			if again, err := addUp(sum); err != nil || !bytes.Equal(again, sum) {
				t.Errorf("%x becomes %x, %v", sum, again, err)
			}
		}
		s := &sum{}
		if s.add(a) == nil && s.add(b) == nil {
			_, _, _ = s.Finish(true)
		}
	})
}

func TestHistoriesSurviveTheCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		ref := uint32(rapid.IntRange(0, 99).Draw(t, "ref"))
		labels, _ := testLabels(ref)
		for l := range m.Labels {
			m.Labels[l].Value = labels[l].Value
		}
		got, gotRef, ok := decodeMessage(appendMessage(nil, &m, ref), testLabels)
		if !ok || gotRef != ref || !got.Equal(&m) {
			t.Errorf("%+v with tuple %d becomes %+v with %d", m, ref, got, gotRef)
		}
	})
}

func drawMessage(t *rapid.T) waybill.Message {
	text := rapid.StringN(0, 8, -1)
	instant := rapid.Custom(func(t *rapid.T) waybill.Instant {
		return waybill.Instant(rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, 1<<31)).Draw(t, "at"))
	})
	m := waybill.Message{
		Failure:   waybill.Failure{Code: text.Draw(t, "code"), Title: text.Draw(t, "title")},
		Inbound:   rapid.Bool().Draw(t, "inbound"),
		Templated: rapid.Bool().Draw(t, "templated"),
		Collected: rapid.Bool().Draw(t, "collected"),
	}
	for s := range m.At {
		m.At[s] = instant.Draw(t, "stage")
	}
	for l := range m.Labels {
		m.Labels[l].Rank = waybill.Rank(rapid.Uint8().Draw(t, "rank"))
		m.Labels[l].Rev = rapid.Int64().Draw(t, "rev")
	}
	for range rapid.IntRange(0, 3).Draw(t, "clicks") {
		m.Clicks = append(m.Clicks, waybill.Click{
			ID: text.Draw(t, "id"), At: instant.Draw(t, "click"),
			Button: waybill.Button{Type: text.Draw(t, "type"), Text: text.Draw(t, "text")},
		})
	}
	return m
}

func TestTuplesAndDetailsSurviveTheCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tup := waybill.Tuple{Kind: waybill.KindInbound, Collected: rapid.Bool().Draw(t, "collected")}
		for l := range tup.Values {
			tup.Values[l] = rapid.String().Draw(t, "value")
		}
		if got, ok := decodeTuple(appendTuple(nil, &tup)); !ok || got != tup {
			t.Errorf("%+v becomes %+v", tup, got)
		}
		detail := waybill.Detail{Code: rapid.String().Draw(t, "code"), Button: waybill.Button{
			Type: rapid.String().Draw(t, "type"), Text: rapid.String().Draw(t, "text"),
		}}
		if got, ok := decodeDetail(appendDetail(nil, detail)); !ok || got != detail {
			t.Errorf("%+v becomes %+v", detail, got)
		}
	})
}

// cellRef names a cell of a list.
type cellRef struct{ tuple, detail uint32 }

func cellsOf(t *rapid.T, value []byte) map[cellRef]waybill.Counts {
	cells := make(map[cellRef]waybill.Counts)
	es := readEntries(value)
	for e := (entry{}); es.next(&e); {
		counts := cells[cellRef{e.tuple, e.detail}]
		counts.Add(e.counts)
		cells[cellRef{e.tuple, e.detail}] = counts
		if counts == (waybill.Counts{}) {
			delete(cells, cellRef{e.tuple, e.detail})
		}
	}
	if es.err() != nil {
		t.Fatal(es.err())
	}
	return cells
}

// TestMergingAddsUp draws differences and merges them in groups, from either
// side, as the engine may.
func TestMergingAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := make(map[cellRef]waybill.Counts)
		var values [][]byte
		for range rapid.IntRange(1, 40).Draw(t, "values") {
			values = append(values, drawValue(t, want))
		}
		for len(values) > 1 {
			i := rapid.IntRange(0, len(values)-2).Draw(t, "at")
			n := rapid.IntRange(2, len(values)-i).Draw(t, "group")
			merged := merge(t, values[i:i+n])
			values = append(append(values[:i:i], merged), values[i+n:]...)
		}
		got := cellsOf(t, values[0])
		for k, counts := range want {
			if got[k] != counts {
				t.Errorf("%v is %v, want %v", k, got[k], counts)
			}
		}
	})
}

// drawValue draws a difference and adds it to total.
func drawValue(t *rapid.T, total map[cellRef]waybill.Counts) []byte {
	value := appendRuns(nil, 1)
	var previous uint32
	for tuple := range uint32(3) {
		e := entry{tuple: tuple * 1000, detail: uint32(rapid.IntRange(0, 1).Draw(t, "detail"))}
		for m := range e.counts {
			e.counts[m] = rapid.Int64Range(-1, 1).Draw(t, "count")
		}
		value = appendEntry(value, &previous, &e)
		counts := total[cellRef{e.tuple, e.detail}]
		counts.Add(e.counts)
		total[cellRef{e.tuple, e.detail}] = counts
	}
	return value
}

// merge merges neighbouring values, oldest or newest first.
func merge(t *rapid.T, values [][]byte) []byte {
	oldest, last := rapid.Bool().Draw(t, "oldest first"), len(values)-1
	first := values[last]
	if oldest {
		first = values[0]
	}
	m, err := newMerger().Merge(nil, first)
	for i := 1; i <= last && err == nil; i++ {
		if oldest {
			err = m.MergeNewer(values[i])
		} else {
			err = m.MergeOlder(values[last-i])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := m.Finish(false)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
