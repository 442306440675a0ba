package pebble

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// A write collects what one commit changes. There is one at a time.
type write struct {
	s     *Store
	texts *texts
	batch *engine.Batch

	grown  []growth // channels whose dictionaries have new entries
	cells  []cell
	index  map[cellKey]int32 // into cells
	slots  []waybill.Slot
	totals map[segmentName]waybill.Counts // differences of the all-time counts
	key    []byte
	value  []byte
}

// growth is a channel and the lengths of its dictionaries before the write.
type growth struct {
	ch              *channel
	tuples, details int
}

type cellKey struct {
	list
	tuple, detail uint32 // refs
}

// A list is the place of a list of cells.
type list struct {
	channel waybill.ChannelNumber
	basis   waybill.Basis
	quarter waybill.Quarter
}

type cell struct {
	key    cellKey
	counts waybill.Counts
}

func newWrite(s *Store, t *texts) write {
	return write{s: s, texts: t, index: make(map[cellKey]int32), totals: make(map[segmentName]waybill.Counts)}
}

// begin empties w for a new commit.
func (w *write) begin() {
	w.batch = w.s.db.NewBatch()
	w.grown, w.cells = w.grown[:0], w.cells[:0]
	clear(w.index)
	clear(w.totals)
}

// abandon drops a write that was not committed.
func (w *write) abandon() error {
	for _, g := range w.grown {
		g.ch.words.forget(g.tuples, g.details)
	}
	return w.batch.Close()
}

// A history is a message that is being changed.
type history struct {
	ch       *channel
	id       string
	exists   bool
	old, new waybill.Message
	ref      uint32 // the tuple of old
}

func errMessage(c waybill.ChannelNumber, id string) error {
	return fmt.Errorf("the stored history of message %q of channel %d is corrupt", id, c)
}

// read fills in what is stored of h.
func (w *write) read(h *history) error {
	w.key = appendMessageKey(w.key[:0], h.ch.Number, h.id)
	data, closer, err := w.s.db.Get(w.key)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return w.s.readError(err)
	}
	defer closer.Close()
	return h.decode(data)
}

func (h *history) decode(data []byte) error {
	v := h.ch.words.view()
	var ok bool
	if h.old, h.ref, ok = decodeMessage(data, v.labels); !ok {
		return errMessage(h.ch.Number, h.id)
	}
	h.exists, h.new = true, h.old
	return nil
}

// put marks h.new and writes it, with the differences of the counters, unless
// nothing has changed.
func (w *write) put(h *history) error {
	h.new.Mark(h.ch.MetricsEnabled)
	if h.exists && h.new.Equal(&h.old) {
		return nil
	}
	ref, err := w.tupleRef(h)
	if err != nil {
		return err
	}
	if h.exists {
		if err := w.count(h.ch, &h.old, h.ref, -1); err != nil {
			return err
		}
	}
	if err := w.count(h.ch, &h.new, ref, 1); err != nil {
		return err
	}
	w.key = appendMessageKey(w.key[:0], h.ch.Number, h.id)
	w.value = appendMessage(w.value[:0], &h.new, ref)
	return w.batch.Set(w.key, w.value, nil)
}

// tupleRef returns the ref of the tuple of h.new.
func (w *write) tupleRef(h *history) (uint32, error) {
	if h.exists && h.new.Collected == h.old.Collected && h.new.Kind() == h.old.Kind() &&
		h.new.Labels == h.old.Labels {
		return h.ref, nil
	}
	t := h.new.Tuple()
	before := w.growth(h.ch)
	ref, isNew := h.ch.words.tupleRef(t)
	if !isNew {
		return ref, nil
	}
	w.grow(before)
	w.key = appendRefKey(w.key[:0], spaceTuple, h.ch.Number, ref)
	w.value = appendTuple(w.value[:0], &t)
	return ref, w.batch.Set(w.key, w.value, nil)
}

func (w *write) detailRef(ch *channel, d waybill.Detail) (uint32, error) {
	if d == (waybill.Detail{}) {
		return 0, nil
	}
	before := w.growth(ch)
	ref, isNew := ch.words.detailRef(d)
	if !isNew {
		return ref, nil
	}
	w.grow(before)
	w.key = appendRefKey(w.key[:0], spaceDetail, ch.Number, ref)
	w.value = appendDetail(w.value[:0], d)
	return ref, w.batch.Set(w.key, w.value, nil)
}

func (w *write) growth(ch *channel) growth {
	return growth{ch, len(ch.words.tuples), len(ch.words.details)}
}

// grow notes the first growth of a channel.
func (w *write) grow(before growth) {
	if !slices.ContainsFunc(w.grown, func(g growth) bool { return g.ch == before.ch }) {
		w.grown = append(w.grown, before)
	}
}

// count adds n times the contributions of m to the differences.
func (w *write) count(ch *channel, m *waybill.Message, ref uint32, n int64) error {
	w.countSegment(ch, m, n)
	w.slots = m.Contributions(ch.Provider, w.slots[:0])
	for i := range w.slots {
		slot := &w.slots[i]
		detail, err := w.detailRef(ch, slot.Detail)
		if err != nil {
			return err
		}
		k := cellKey{list{ch.Number, slot.Basis, slot.Quarter}, ref, detail}
		at, ok := w.index[k]
		if !ok {
			at = int32(len(w.cells))
			w.index[k] = at
			w.cells = append(w.cells, cell{key: k})
		}
		w.cells[at].counts[slot.Metric] += n
	}
	return nil
}

// commit makes the write durable, and visible to readers.
func (w *write) commit() error {
	if err := errors.Join(w.putCells(), w.putTotals()); err != nil {
		return errors.Join(err, w.abandon())
	}
	if w.batch.Empty() {
		return w.batch.Close()
	}
	// Readers must know the words of every commit that they can see.
	w.s.mu.Lock()
	for _, g := range w.grown {
		g.ch.view = g.ch.words.view()
	}
	w.s.mu.Unlock()
	batch := w.batch
	if err := w.s.disk.guard(func() error { return batch.Commit(engine.Sync) }); err != nil {
		w.s.disk.stop(err) // whatever it was: what is stored is not known any more
		return w.s.disk.failure()
	}
	return batch.Close()
}

// putCells writes the differences, each list of cells as one.
func (w *write) putCells() error {
	slices.SortFunc(w.cells, func(a, b cell) int { return a.key.compare(&b.key) })
	for i := 0; i < len(w.cells); {
		place := w.cells[i].key.list
		w.value = appendRuns(w.value[:0], 1)
		head := len(w.value)
		var previous uint32
		for ; i < len(w.cells) && w.cells[i].key.list == place; i++ {
			c := &w.cells[i]
			w.value = appendEntry(w.value, &previous, &entry{c.key.tuple, c.key.detail, c.counts})
		}
		if len(w.value) == head {
			continue
		}
		w.key = appendCellsKey(w.key[:0], place.channel, place.basis, place.quarter)
		if err := w.batch.Merge(w.key, w.value, nil); err != nil {
			return err
		}
	}
	return nil
}

func (k *cellKey) compare(o *cellKey) int {
	if k.list != o.list {
		return cmp.Or(cmp.Compare(k.channel, o.channel), cmp.Compare(k.basis, o.basis),
			cmp.Compare(k.quarter, o.quarter))
	}
	if k.tuple != o.tuple {
		return cmp.Compare(k.tuple, o.tuple)
	}
	return cmp.Compare(k.detail, o.detail)
}
