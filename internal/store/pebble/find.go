package pebble

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// Messages implements waybill.Store. It goes through the states in the order of
// their keys: those in memory, and those in the runs of all partitions that can have
// messages of the time that is asked for.
func (s *Store) Messages(ctx context.Context, q waybill.MessageQuery) (waybill.MessagePage, error) {
	if err := s.enter(ctx); err != nil {
		return waybill.MessagePage{}, err
	}
	defer s.leave()
	f := &finder{s: s, q: &q}
	if err := cmp.Or(q.Validate(), s.checkBasis(q.Basis)); err != nil {
		return waybill.MessagePage{}, err
	}
	var err error
	if f.after, err = base64.RawURLEncoding.DecodeString(q.After); err != nil || q.After != "" && len(f.after) != messageBytes {
		return waybill.MessagePage{}, waybill.Errorf(waybill.Invalid, "after %q is not the end of a page", q.After)
	}
	for more := true; more && err == nil; {
		more, err = f.round(ctx)
	}
	if err != nil && !errors.Is(err, errNoChannel) {
		return waybill.MessagePage{}, err
	}
	return f.page, nil
}

// A finder makes one page, while commits go on and generations end. It first
// collects candidates: the keys of states that count, in memory and then in the runs
// as they are after that. A message goes from the tables into the runs and never
// back without staying there, so that none is passed by. What becomes of a
// candidate is decided by its present state, wherever that is by then; its key never
// changes.
//
// Of what is in memory a round takes the first keys only. Where there are more, a
// further round follows on those.
type finder struct {
	s     *Store
	q     *waybill.MessageQuery
	page  waybill.MessagePage
	last  []byte // the key of the last message on the page
	after []byte // the key of the last candidate that was decided on, or of the page before

	ch     waybill.ChannelState
	view   view
	texts  []string
	passes []int8 // by ref: 1 where the tuple passes the filters, -1 where not

	found   []messageKey // in memory
	cut     bool         // whether there may be more than those
	waiting []candidate  // in the order of their keys

	generation uint64 // what the iterator does not have lies in this one and the one before
	partitions []partition
}

const (
	// lookSlots is how many slots of a table are looked at while others wait to
	// write, and decideAtOnce how many candidates are.
	lookSlots    = 1 << 16
	decideAtOnce = 64

	// leastFound bounds how often tables are gone through for a short page.
	leastFound = 1024
)

var (
	errNoChannel = errors.New("the channel is unknown")
	errFull      = errors.New("the page is full")
	errPassed    = errors.New("the last key that is known of the tables is passed")
)

// hold takes the right to write, with all words known that states then have. It
// fails with errNoChannel where there is no such channel.
func (f *finder) hold(ctx context.Context) error {
	if err := f.s.hold(ctx); err != nil {
		return err
	}
	ch := f.s.channels[f.q.Channel]
	if ch == nil {
		f.s.unlock()
		return errNoChannel
	}
	f.ch, f.view, f.texts = ch.ChannelState, ch.words.view, f.s.texts.all()
	f.passes = append(f.passes, make([]int8, len(f.view.tuples)-len(f.passes))...)
	return nil
}

// round decides on candidates after f.after. It returns true where there may be
// further ones and room for them.
func (f *finder) round(ctx context.Context) (more bool, err error) {
	f.found, f.cut, f.waiting = f.found[:0], false, f.waiting[:0]
	if err := f.hold(ctx); err != nil {
		return false, err
	}
	live := f.s.overlay.generation
	f.s.unlock()
	// The live table last: what it has of the previous one is left to the look at it.
	for _, generation := range []uint64{live - 1, live} {
		if err := f.look(ctx, generation, live); err != nil {
			return false, err
		}
	}
	it, err := f.open(ctx)
	if err != nil {
		return false, err
	}
	defer it.Close()
	err = f.walk(ctx, it)
	if errors.Is(err, errFull) {
		return false, nil
	}
	return f.cut, err
}

// tableOf returns the table of a generation, nil where it is not needed: all of it
// is in runs then. The caller holds the right to write.
func (s *Store) tableOf(generation uint64) *table {
	switch {
	case generation == s.overlay.generation:
		return s.live
	case generation+1 == s.overlay.generation && s.previous != nil:
		return s.previous.table
	}
	return nil
}

// look adds the keys of the states of a generation's table that count, slice by
// slice, and begins anew where the table has grown. Those that the table of the last
// generation has too are left to the look at that.
func (f *finder) look(ctx context.Context, generation, last uint64) error {
	size := 0
	for from := 0; ; from += lookSlots {
		if err := f.hold(ctx); err != nil {
			return err
		}
		t := f.s.tableOf(generation)
		if t != nil && len(t.tags) != size {
			from, size = 0, len(t.tags)
		}
		if t == nil || from >= size {
			f.s.unlock()
			return nil
		}
		var newer *table
		if generation != last {
			newer = f.s.tableOf(last)
		}
		f.lookAt(t, newer, from, min(from+lookSlots, size))
		f.s.unlock()
	}
}

func (f *finder) lookAt(t, newer *table, from, to int) {
	for i := from; i < to; i++ {
		s := &t.slots[i]
		if t.tags[i] == 0 || s.channel != f.q.Channel || s.ref == noRef || s.part < f.s.horizon {
			continue
		}
		st := stored{messageKey{s.part, s.channel, s.hash}, s.state, t.extraOf(&s.state)}
		if !f.counts(&st) || bytes.Compare(st.key.append(nil), f.after) <= 0 || newer != nil && newer.has(&st.key) >= 0 {
			continue
		}
		if f.found = append(f.found, st.key); len(f.found) >= 4*f.mostFound() {
			f.keepFirst()
		}
	}
	f.keepFirst()
}

func (f *finder) mostFound() int { return max(f.q.Limit+1, leastFound) }

// keepFirst drops what is found twice, and all but the first keys.
func (f *finder) keepFirst() {
	slices.SortFunc(f.found, func(a, b messageKey) int { return a.compare(&b) })
	f.found = slices.Compact(f.found)
	if most := f.mostFound(); len(f.found) > most {
		f.found, f.cut = f.found[:most], true
	}
}

// open returns an iterator that has all that was not in the tables.
func (f *finder) open(ctx context.Context) (*engine.Iterator, error) {
	if err := f.hold(ctx); err != nil {
		return nil, err
	}
	defer f.s.unlock()
	f.generation = f.s.overlay.generation
	var err error
	if f.partitions, err = f.within(); err != nil {
		return nil, err
	}
	it, err := f.s.db.NewIterWithContext(ctx, nil)
	return it, f.s.readError(err)
}

// walk decides on all candidates, in memory and in runs, in the order of their keys.
// It fails with errFull when the page is full.
func (f *finder) walk(ctx context.Context, it *engine.Iterator) error {
	for _, p := range f.partitions {
		w := walk{part: p, channel: f.q.Channel, view: &f.view}
		if k, ok := parseMessageKey(f.after); ok {
			w.past = &k
		}
		err := f.s.walkStates(ctx, it, w, func(st stored) error {
			if !f.counts(&st) {
				return nil
			}
			return f.addStored(ctx, st)
		})
		if errors.Is(err, errPassed) {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := f.upTo(ctx, nil); err != nil {
		return err
	}
	return f.decide(ctx)
}

// addStored adds the candidates in memory before one in a run, and then that. It
// fails with errPassed where there may be ones in memory that are not known.
func (f *finder) addStored(ctx context.Context, st stored) error {
	if err := f.upTo(ctx, &st.key); err != nil {
		return err
	}
	if len(f.found) == 0 && f.cut {
		return errPassed
	}
	if len(f.found) > 0 && f.found[0] == st.key {
		f.found = f.found[1:]
	}
	return f.add(ctx, candidate{st, true})
}

// upTo adds the candidates in memory before a key, or all.
func (f *finder) upTo(ctx context.Context, k *messageKey) error {
	for len(f.found) > 0 && (k == nil || f.found[0].compare(k) < 0) {
		c := candidate{stored: stored{key: f.found[0]}}
		f.found = f.found[1:]
		if err := f.add(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// add takes the next candidate. It fails with errFull when the page is full.
func (f *finder) add(ctx context.Context, c candidate) error {
	f.waiting = append(f.waiting, c)
	if len(f.waiting) < decideAtOnce {
		return nil
	}
	return f.decide(ctx)
}

// counts reports whether a message counts in the query.
func (f *finder) counts(st *stored) bool {
	ref := st.state.ref
	if f.passes[ref] == 0 {
		f.passes[ref] = -1
		q := f.q.Query()
		if q.Passes(f.q.Channel, f.view.tuples[ref].tuple(f.texts)) {
			f.passes[ref] = 1
		}
	}
	if f.passes[ref] < 0 {
		return false
	}
	if st.extra != nil {
		m := st.state.message(st.extra, &f.view, f.texts)
		return f.q.Counts(f.ch.Provider, &m)
	}
	if f.q.Metric >= waybill.NumStages || f.q.Detail != "" {
		return false
	}
	r := st.state.reach(f.ch.Provider)
	at := r[f.q.Metric] / waybill.QuarterSeconds
	if f.q.Basis == waybill.BySend {
		at = r.sentQuarter()
	}
	counted := f.q.Query()
	from, to := counted.Quarters()
	return r[f.q.Metric] != 0 && waybill.Quarter(at) >= from && waybill.Quarter(at) < to
}

// within returns the partitions whose messages have times that are asked for.
func (f *finder) within() ([]partition, error) {
	counted := f.q.Query()
	from, to := counted.Quarters()
	var within []partition
	for _, p := range f.s.partitionsNear(0) {
		sp, err := f.s.spanOf(p)
		if err != nil {
			return nil, err
		}
		if waybill.Instant(sp.last) >= from.Start() && waybill.Instant(sp.first) < to.Start() {
			within = append(within, p)
		}
	}
	slices.Sort(within)
	return within, nil
}
