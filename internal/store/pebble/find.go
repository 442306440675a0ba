package pebble

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// Messages implements waybill.Store. It goes through the states in the order of
// their keys: those in memory, which it copies, and those in the runs of all
// partitions that can have messages of the time that is asked for.
func (s *Store) Messages(ctx context.Context, q waybill.MessageQuery) (waybill.MessagePage, error) {
	if err := s.enter(ctx); err != nil {
		return waybill.MessagePage{}, err
	}
	defer s.leave()
	f := &finder{s: s, q: &q}
	if err := q.Validate(); err != nil {
		return waybill.MessagePage{}, err
	}
	var err error
	if f.after, err = base64.RawURLEncoding.DecodeString(q.After); err != nil || q.After != "" && len(f.after) != messageBytes {
		return waybill.MessagePage{}, waybill.Errorf(waybill.Invalid, "after %q is not the end of a page", q.After)
	}
	return f.page(ctx)
}

// A finder makes one page. What is in memory it looks at once, with the right to
// write held. A state in a run counts unless there is a newer one in memory, for
// which it looks when it has found one. When a generation ends meanwhile it begins
// anew, since what was in memory is then in runs that it does not see.
type finder struct {
	s     *Store
	q     *waybill.MessageQuery
	after []byte // the key of the last message of the page before

	it         *engine.Iterator
	generation uint64
	ch         waybill.ChannelState
	view       view
	texts      []string
	passes     []int8   // by ref: 1 where the tuple passes the filters, -1 where not
	found      []stored // in memory, in the order of their keys, at most Limit+1
	partitions []partition
}

var errRotated = errors.New("a generation has ended")

func (f *finder) page(ctx context.Context) (waybill.MessagePage, error) {
	for {
		page, err := f.try(ctx)
		if !errors.Is(err, errRotated) {
			return page, err
		}
	}
}

func (f *finder) try(ctx context.Context) (page waybill.MessagePage, err error) {
	ok, err := f.begin(ctx)
	if err != nil || !ok {
		return page, err
	}
	defer f.it.Close()
	last := f.after
	err = f.each(ctx, func(st stored) (more bool, err error) {
		if len(page.Messages) == f.q.Limit {
			page.Next = base64.RawURLEncoding.EncodeToString(last)
			return false, nil
		}
		n, err := f.name(ctx, st.key)
		if err != nil {
			return false, err
		}
		last = st.key.append(nil)
		page.Messages = append(page.Messages, waybill.FoundMessage{
			ID: n.id, Recipient: n.recipient, Message: st.state.message(st.extra, &f.view, f.texts),
		})
		return true, nil
	})
	return page, err
}

// begin takes hold of what is there. ok is false where the channel is unknown.
func (f *finder) begin(ctx context.Context) (ok bool, err error) {
	s := f.s
	if err := s.hold(ctx); err != nil {
		return false, err
	}
	defer s.unlock()
	ch := s.channels[f.q.Channel]
	if ch == nil {
		return false, nil
	}
	f.ch, f.view, f.texts = ch.ChannelState, ch.words.view, s.texts.all()
	f.passes = make([]int8, len(f.view.tuples))
	f.generation, f.found = s.overlay.generation, nil
	f.look(s.live, nil)
	if s.previous != nil {
		f.look(s.previous.table, s.live)
	}
	slices.SortFunc(f.found, func(a, b stored) int { return a.key.compare(&b.key) })
	if f.partitions, err = f.within(); err != nil {
		return false, err
	}
	f.it, err = s.db.NewIterWithContext(ctx, nil)
	return err == nil, s.readError(err)
}

// look adds the states of a table that count and come after the last page, but for
// those that a newer table has.
func (f *finder) look(t, newer *table) {
	for i, tag := range t.tags {
		s := &t.slots[i]
		if tag == 0 || s.channel != f.q.Channel || s.ref == noRef || s.part < f.s.horizon {
			continue
		}
		st := stored{messageKey{s.part, s.channel, s.hash}, s.state, t.extraOf(&s.state)}
		if !f.counts(&st) || bytes.Compare(st.key.append(nil), f.after) <= 0 || newer != nil && has(newer, &st.key) {
			continue
		}
		f.found = append(f.found, st)
		if len(f.found) >= 4*(f.q.Limit+1) {
			f.keepFirst()
		}
	}
	f.keepFirst()
}

// keepFirst drops what cannot be on the page.
func (f *finder) keepFirst() {
	slices.SortFunc(f.found, func(a, b stored) int { return a.key.compare(&b.key) })
	f.found = f.found[:min(len(f.found), f.q.Limit+1)]
}

// each calls take with the messages that count, in the order of their keys, until
// it returns false.
func (f *finder) each(ctx context.Context, take func(stored) (bool, error)) error {
	seen := 0
	for _, p := range f.partitions {
		prefix := appendPartitionChannel(nil, spaceMessage, p, f.q.Channel)
		f.it.SetBounds(prefix, after(prefix))
		ok := f.it.First()
		if bytes.Compare(f.after, prefix) > 0 {
			ok = f.it.SeekGE(append(bytes.Clone(f.after), 0))
		}
		for ; ok; ok = f.it.Next() {
			if seen++; seen%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			value, err := f.it.ValueAndErr()
			if err != nil {
				return f.s.readError(err)
			}
			st, err := decodeStored(f.it.Key(), value, &f.view)
			if err != nil {
				return err
			}
			if !f.counts(&st) {
				continue
			}
			if more, err := f.upTo(&st.key, take); err != nil || !more {
				return err
			}
			newer, err := f.superseded(ctx, &st.key)
			if err != nil {
				return err
			}
			if newer {
				continue
			}
			if more, err := take(st); err != nil || !more {
				return err
			}
		}
		if err := f.it.Error(); err != nil {
			return f.s.readError(err)
		}
	}
	_, err := f.upTo(nil, take)
	return err
}

// upTo calls take with the messages in memory up to a key, or with all.
func (f *finder) upTo(k *messageKey, take func(stored) (bool, error)) (more bool, err error) {
	for len(f.found) > 0 && (k == nil || f.found[0].key.compare(k) <= 0) {
		if more, err := take(f.found[0]); err != nil || !more {
			return false, err
		}
		f.found = f.found[1:]
	}
	return true, nil
}

// superseded reports whether there is a newer state in memory.
func (f *finder) superseded(ctx context.Context, k *messageKey) (bool, error) {
	if err := f.s.hold(ctx); err != nil {
		return false, err
	}
	defer f.s.unlock()
	if f.s.overlay.generation != f.generation {
		return false, errRotated
	}
	return has(f.s.live, k) || f.s.previous != nil && has(f.s.previous.table, k), nil
}

// has reports whether t has a state of the message in the partition of k.
func has(t *table, k *messageKey) bool {
	i := t.find(k.channel, &k.hash)
	return i >= 0 && t.slots[i].ref != noRef && t.slots[i].part == k.part
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

func (f *finder) name(ctx context.Context, k messageKey) (name, error) {
	if err := f.s.hold(ctx); err != nil {
		return name{}, err
	}
	defer f.s.unlock()
	return f.s.nameOf(k)
}

// Erase implements waybill.Store. It begins a new generation and waits until the
// one before is folded, so that what is to be erased lies in the runs and in no
// log; then it overwrites it and lets the engine write those files anew. Files that
// the engine keeps to use again may hold bytes of it until they are.
func (s *Store) Erase(ctx context.Context, recipient string) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	if recipient == "" {
		return 0, waybill.Errorf(waybill.Invalid, "recipient is missing")
	}
	if err := s.foldAll(ctx); err != nil {
		return 0, err
	}
	keys, err := s.namesOf(ctx, recipient)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	if err := s.eraseNames(ctx, keys); err != nil {
		return 0, err
	}
	space := []byte{spaceName}
	err = s.disk.guard(func() error { return s.db.Compact(ctx, space, after(space), false) })
	return len(keys), err
}

// namesOf returns the keys in runs of the names with a recipient.
func (s *Store) namesOf(ctx context.Context, recipient string) (keys []messageKey, err error) {
	err = s.scan(ctx, []byte{spaceName}, func(key, value []byte) error {
		k, whole := parseMessageKey(key)
		n, ok := decodeName(value)
		if !ok || !whole {
			return errState(k.channel, &k.hash)
		}
		if n.recipient == recipient {
			keys = append(keys, k)
		}
		return nil
	})
	return keys, err
}

// eraseNames removes names from the runs, and from the table of a generation that
// is folded, which is kept for look-ups.
func (s *Store) eraseNames(ctx context.Context, keys []messageKey) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	c := s.commit
	c.begin()
	for i := range keys {
		k := &keys[i]
		if err := c.batch.Delete(appendMessageKey(nil, spaceName, k.part, k.channel, k.hash), nil); err != nil {
			return errors.Join(err, c.abandon())
		}
	}
	if err := c.finish(); err != nil {
		return err
	}
	if s.previous != nil && isClosed(s.previous.folded) {
		s.previous.table.forgetNames()
	}
	return nil
}

// foldAll returns when all commits that were made before the call are folded.
func (s *Store) foldAll(ctx context.Context) error {
	for range 2 { // what is the previous generation now, and the present one
		if err := s.lock(ctx); err != nil {
			return err
		}
		g := s.previous
		if g == nil || isClosed(g.folded) {
			s.rotate()
			g = s.previous
		}
		s.unlock()
		select {
		case <-g.folded:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.disk.stopped:
			return s.disk.failure()
		case <-s.closing:
			return errClosed()
		}
	}
	return nil
}
