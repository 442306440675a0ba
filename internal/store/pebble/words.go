package pebble

import (
	"encoding/binary"
	"strings"
	"sync"

	"waybill"
)

// texts numbers the distinct texts of a store: label values, error codes, button
// texts. 0 is the empty one. A number that is stored stands for its text for good.
type texts struct {
	mu     sync.RWMutex
	values []string
	nums   map[string]uint32
	stored []bool // by number; owned by the writer
}

func newTexts() *texts {
	return &texts{values: []string{""}, nums: map[string]uint32{"": 0}}
}

// num returns the number of s and gives it one where it has none. It keeps a
// copy: s may be part of a large body.
func (t *texts) num(s string) uint32 {
	if s == "" {
		return 0
	}
	t.mu.RLock()
	n, ok := t.nums[s]
	t.mu.RUnlock()
	if ok {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.nums[s]; ok {
		return n
	}
	s = strings.Clone(s)
	n = uint32(len(t.values))
	t.values, t.nums[s] = append(t.values, s), n
	return n
}

// lookup returns the number of s where it has one.
func (t *texts) lookup(s string) (uint32, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, ok := t.nums[s]
	return n, ok
}

// all returns the texts as they are now. The slice never changes.
func (t *texts) all() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.values
}

// load adds a stored text.
func (t *texts) load(n uint32, s string) bool {
	_, twice := t.nums[s]
	if twice || n == 0 || n > 1<<30 {
		return false
	}
	for uint32(len(t.values)) <= n {
		t.values = append(t.values, "")
	}
	t.values[n], t.nums[s] = s, n
	t.markStored(n)
	return true
}

func (t *texts) markStored(n uint32) {
	for uint32(len(t.stored)) <= n {
		t.stored = append(t.stored, false)
	}
	t.stored[n] = true
}

func (t *texts) isStored(n uint32) bool {
	return n == 0 || uint64(n) < uint64(len(t.stored)) && t.stored[n]
}

// A tuple is what messages are counted under, with how its labels came to be
// known: label values as numbers of texts, ranks, and marks. Keeping ranks here
// leaves one number of it in a state. Revisions are not in it: a source that
// numbers every event would make a tuple of every message.
type tuple struct {
	values [waybill.NumLabels]uint32
	ranks  uint32 // rankBits of each label, label 0 the lowest
	flags  uint8
}

const (
	flagInbound   = 1 << 0
	flagTemplated = 1 << 1
	flagCollected = 1 << 2

	rankBits = 3
	rankMask = 1<<rankBits - 1
)

func (t *tuple) rank(l int) waybill.Rank {
	return waybill.Rank(t.ranks >> (rankBits * l) & rankMask)
}

func (t *tuple) setRank(l int, r waybill.Rank) {
	t.ranks = t.ranks&^(rankMask<<(rankBits*l)) | uint32(r)<<(rankBits*l)
}

func (t *tuple) collected() bool { return t.flags&flagCollected != 0 }

// kind agrees with waybill.Message.Kind.
func (t *tuple) kind() waybill.Kind {
	switch {
	case t.flags&flagInbound != 0:
		return waybill.KindInbound
	case t.flags&flagTemplated != 0, t.values[waybill.LabelTemplate] != 0, t.values[waybill.LabelCategory] != 0:
		return waybill.KindTemplate
	}
	return waybill.KindSession
}

// segment returns the segment in which messages of t count, 0 where there is none.
func (t *tuple) segment() uint32 {
	if t.flags&flagInbound != 0 {
		return 0
	}
	return t.values[waybill.LabelSegment]
}

func (t *tuple) hash() uint64 {
	h := uint64(t.ranks)<<8 | uint64(t.flags)
	for _, v := range t.values {
		h = (h ^ uint64(v)) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h
}

// bySender and byTemplate return what the projections keep of t.
func (t *tuple) bySender() tuple {
	p := tuple{flags: t.projected()}
	p.values[waybill.LabelSender] = t.values[waybill.LabelSender]
	return p
}

func (t *tuple) byTemplate() tuple {
	p := tuple{flags: t.projected()}
	for _, l := range templateLabels {
		p.values[l] = t.values[l]
	}
	return p
}

var templateLabels = []waybill.Label{waybill.LabelTemplate, waybill.LabelLanguage, waybill.LabelCategory}

// projected returns flags that tell kind and mark.
func (t *tuple) projected() uint8 {
	flags := t.flags & flagCollected
	switch t.kind() {
	case waybill.KindInbound:
		flags |= flagInbound
	case waybill.KindTemplate:
		flags |= flagTemplated
	}
	return flags
}

// A detail is a waybill.Detail as numbers of texts.
type detail struct{ code, button, text uint32 }

// An index finds what is numbered from 0 by its hash. It has eight bytes an entry.
type index struct {
	refs []uint32 // 1 + number; 0 is free
	n    int
}

func (x *index) find(h uint64, equal func(ref uint32) bool) (uint32, bool) {
	if len(x.refs) == 0 {
		return 0, false
	}
	mask := uint64(len(x.refs) - 1)
	for i := h >> 20 & mask; x.refs[i] != 0; i = (i + 1) & mask {
		if equal(x.refs[i] - 1) {
			return x.refs[i] - 1, true
		}
	}
	return 0, false
}

// add adds ref, which x does not have.
func (x *index) add(ref uint32, hashOf func(ref uint32) uint64) {
	if 2*(x.n+1) > len(x.refs) {
		old := x.refs
		x.refs = make([]uint32, max(16, 2*len(old)))
		for _, r := range old {
			if r != 0 {
				x.place(r-1, hashOf(r-1))
			}
		}
	}
	x.place(ref, hashOf(ref))
	x.n++
}

func (x *index) place(ref uint32, h uint64) {
	mask := uint64(len(x.refs) - 1)
	i := h >> 20 & mask
	for x.refs[i] != 0 {
		i = (i + 1) & mask
	}
	x.refs[i] = ref + 1
}

// words are the dictionaries of one channel, as the writer sees them. They only
// grow, and have about 75 bytes a tuple.
type words struct {
	view
	byTuple    index
	bySender   index // of the refs that stand for their class
	byTemplate index
	byDetail   map[detail]uint32
	toggled    []uint32 // by ref: 1 + ref with the other mark, 0 where unknown
	collected  bool     // whether any tuple has the mark
}

// A view is a state of the dictionaries of a channel. It never changes.
type view struct {
	tuples    []tuple
	senders   []uint32 // by ref: the first ref that bySender does not tell apart
	templates []uint32 // the same of byTemplate
	details   []detail
}

func newWords() *words {
	return &words{view: view{details: []detail{{}}}, byDetail: map[detail]uint32{{}: 0}}
}

func (w *words) hashOf(ref uint32) uint64 { return w.tuples[ref].hash() }

func (w *words) find(t *tuple) (uint32, bool) {
	return w.byTuple.find(t.hash(), func(ref uint32) bool { return w.tuples[ref] == *t })
}

// add adds t, which w does not have.
func (w *words) add(t *tuple) uint32 {
	ref := uint32(len(w.tuples))
	w.tuples = append(w.tuples, *t)
	w.toggled = append(w.toggled, 0)
	w.collected = w.collected || t.collected()
	w.byTuple.add(ref, w.hashOf)
	w.senders = append(w.senders, w.classOf(&w.bySender, ref, (*tuple).bySender))
	w.templates = append(w.templates, w.classOf(&w.byTemplate, ref, (*tuple).byTemplate))
	return ref
}

// classOf returns the ref that stands for all tuples that have the projection of
// that of ref: the first of them.
func (w *words) classOf(x *index, ref uint32, project func(*tuple) tuple) uint32 {
	p := project(&w.tuples[ref])
	first, ok := x.find(p.hash(), func(r uint32) bool { return project(&w.tuples[r]) == p })
	if ok {
		return first
	}
	x.add(ref, func(r uint32) uint64 {
		p := project(&w.tuples[r])
		return p.hash()
	})
	return ref
}

func (w *words) addDetail(d detail) uint32 {
	ref := uint32(len(w.details))
	w.details, w.byDetail[d] = append(w.details, d), ref
	return ref
}

// tuple returns the waybill.Tuple of t.
func (t *tuple) tuple(texts []string) waybill.Tuple {
	out := waybill.Tuple{Kind: t.kind(), Collected: t.collected()}
	for l, n := range t.values {
		out.Values[l] = texts[n]
	}
	return out
}

func (d detail) detail(texts []string) waybill.Detail {
	return waybill.Detail{Code: texts[d.code], Button: waybill.Button{Type: texts[d.button], Text: texts[d.text]}}
}

// appendTuple appends mask of labels, their texts, ranks and flags.
func appendTuple(dst []byte, t *tuple) []byte {
	var mask uint64
	for l, v := range t.values {
		if v != 0 {
			mask |= 1 << l
		}
	}
	dst = binary.AppendUvarint(dst, mask)
	for _, v := range t.values {
		if v != 0 {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
	}
	return append(binary.AppendUvarint(dst, uint64(t.ranks)), t.flags)
}

// decodeTuple fails where a text is not one of texts.
func decodeTuple(data []byte, texts []string) (t tuple, ok bool) {
	d := decoder{rest: data}
	mask := d.uvarint()
	for l := range t.values {
		if mask&(1<<l) == 0 {
			continue
		}
		if t.values[l] = d.uint32(); t.values[l] == 0 || !hasText(texts, t.values[l]) {
			d.fail()
		}
	}
	t.ranks, t.flags = d.uint32(), d.byte()
	return t, d.complete() && mask < 1<<waybill.NumLabels
}

func appendDetail(dst []byte, d detail) []byte {
	for _, n := range []uint32{d.code, d.button, d.text} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	return dst
}

func decodeDetail(data []byte, texts []string) (detail, bool) {
	d := decoder{rest: data}
	out := detail{d.uint32(), d.uint32(), d.uint32()}
	return out, d.complete() && hasText(texts, out.code) && hasText(texts, out.button) && hasText(texts, out.text)
}

// hasText reports whether n is the number of a text.
func hasText(texts []string, n uint32) bool {
	return n == 0 || uint64(n) < uint64(len(texts)) && texts[n] != ""
}
