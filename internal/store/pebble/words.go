package pebble

import (
	"strings"

	"waybill"
)

// A tuple is a waybill.Tuple with its label values as numbers of texts. The
// numbers hold for one run of the process.
type tuple struct {
	values    [waybill.NumLabels]uint32
	kind      waybill.Kind
	collected bool
}

// texts numbers the distinct label values of a store; 0 is the empty one. It
// only grows.
type texts struct {
	values []string
	nums   map[string]uint32
}

func newTexts() *texts {
	return &texts{values: []string{""}, nums: map[string]uint32{"": 0}}
}

// num returns the number of s and gives it one where it has none. It keeps a
// copy: s may be part of a large body.
func (t *texts) num(s string) uint32 {
	n, ok := t.nums[s]
	if !ok {
		s = strings.Clone(s)
		n = uint32(len(t.values))
		t.values, t.nums[s] = append(t.values, s), n
	}
	return n
}

// words are the dictionaries of one channel, as the writer sees them: with the
// entries of the batch that it is working on.
type words struct {
	texts      *texts
	tuples     []tuple
	tupleRefs  map[tuple]uint32
	details    []waybill.Detail
	detailRefs map[waybill.Detail]uint32
}

func newWords(t *texts) *words {
	return &words{
		texts:      t,
		tupleRefs:  make(map[tuple]uint32),
		details:    []waybill.Detail{{}},
		detailRefs: map[waybill.Detail]uint32{{}: 0},
	}
}

// tupleRef returns the ref of t and whether it is a new one.
func (w *words) tupleRef(t waybill.Tuple) (ref uint32, isNew bool) {
	short := tuple{kind: t.Kind, collected: t.Collected}
	for l, v := range t.Values {
		short.values[l] = w.texts.num(v)
	}
	ref, ok := w.tupleRefs[short]
	if !ok {
		ref = uint32(len(w.tuples))
		w.tuples, w.tupleRefs[short] = append(w.tuples, short), ref
	}
	return ref, !ok
}

// detailRef returns the ref of d and whether it is a new one.
func (w *words) detailRef(d waybill.Detail) (ref uint32, isNew bool) {
	if d == (waybill.Detail{}) {
		return 0, false
	}
	ref, ok := w.detailRefs[d]
	if !ok {
		d = waybill.Detail{Code: strings.Clone(d.Code), Button: waybill.Button{
			Type: strings.Clone(d.Button.Type), Text: strings.Clone(d.Button.Text),
		}}
		ref = uint32(len(w.details))
		w.details, w.detailRefs[d] = append(w.details, d), ref
	}
	return ref, !ok
}

// forget drops the entries from the given lengths on, which nobody else has
// seen.
func (w *words) forget(tuples, details int) {
	for _, t := range w.tuples[tuples:] {
		delete(w.tupleRefs, t)
	}
	for _, d := range w.details[details:] {
		delete(w.detailRefs, d)
	}
	w.tuples, w.details = w.tuples[:tuples], w.details[:details]
}

// view returns the entries as they are now.
func (w *words) view() view {
	return view{texts: w.texts.values, tuples: w.tuples, details: w.details}
}

// A view is a state of the dictionaries of a channel. It never changes, since
// they only grow.
type view struct {
	texts   []string
	tuples  []tuple
	details []waybill.Detail
}

// labels returns the label values of a tuple, without ranks.
func (v *view) labels(ref uint32) (labels waybill.Labels, ok bool) {
	if uint64(ref) >= uint64(len(v.tuples)) {
		return labels, false
	}
	for l, n := range v.tuples[ref].values {
		labels[l].Value = v.texts[n]
	}
	return labels, true
}

// tuple returns the tuple of a ref that v has.
func (v *view) tuple(ref uint32) waybill.Tuple {
	short := v.tuples[ref]
	t := waybill.Tuple{Kind: short.kind, Collected: short.collected}
	for l, n := range short.values {
		t.Values[l] = v.texts[n]
	}
	return t
}

// has reports whether the refs of e are known. A list of cells with others was
// not written by a store.
func (v *view) has(e *entry) bool {
	return uint64(e.tuple) < uint64(len(v.tuples)) && uint64(e.detail) < uint64(len(v.details))
}

func appendTuple(dst []byte, t *waybill.Tuple) []byte {
	collected := byte(0)
	if t.Collected {
		collected = 1
	}
	dst = append(dst, byte(t.Kind), collected)
	for _, v := range t.Values {
		dst = appendText(dst, v)
	}
	return dst
}

func decodeTuple(data []byte) (t waybill.Tuple, ok bool) {
	d := decoder{rest: data}
	t.Kind, t.Collected = waybill.Kind(d.byte()), d.byte() != 0
	for l := range t.Values {
		t.Values[l] = d.text()
	}
	return t, d.complete() && t.Kind <= waybill.KindInbound
}

func appendDetail(dst []byte, d waybill.Detail) []byte {
	return appendText(appendText(appendText(dst, d.Code), d.Button.Type), d.Button.Text)
}

func decodeDetail(data []byte) (waybill.Detail, bool) {
	d := decoder{rest: data}
	detail := waybill.Detail{Code: d.text(), Button: waybill.Button{Type: d.text(), Text: d.text()}}
	return detail, d.complete()
}
