package pebble

import (
	"context"
	"encoding/base64"

	"waybill"
)

// A candidate is a message that counted. Its state is that in the runs, if it was
// found there.
type candidate struct {
	stored
	inRuns bool
}

// decide puts the waiting candidates that count on the page.
func (f *finder) decide(ctx context.Context) error {
	if len(f.waiting) == 0 {
		return nil
	}
	names, err := f.present(ctx)
	if err != nil {
		return err
	}
	if err := f.place(names); err != nil {
		return err
	}
	f.after = f.waiting[len(f.waiting)-1].key.append(nil)
	f.waiting = f.waiting[:0]
	return nil
}

// place puts candidates on the page with their names, those in runs where none is
// given.
func (f *finder) place(names []*name) error {
	for i := range f.waiting {
		c := &f.waiting[i]
		if c.state.ref == noRef || !f.counts(&c.stored) {
			continue
		}
		if len(f.page.Messages) == f.q.Limit {
			f.page.Next = base64.RawURLEncoding.EncodeToString(f.last)
			return errFull
		}
		n := names[i]
		if n == nil {
			// It is in the runs, which it leaves only for good: where it is erased, or
			// dropped with the message.
			inRuns, err := f.s.nameInRuns(c.key)
			if err != nil {
				return err
			}
			if !f.s.keeps(c.key.part) {
				continue
			}
			n = &inRuns
		}
		f.last = c.key.append(nil)
		f.page.Messages = append(f.page.Messages, waybill.FoundMessage{
			ID: n.id, Recipient: n.recipient, Message: c.state.message(c.extra, &f.view, f.texts),
		})
	}
	return nil
}

// present brings the states of the waiting candidates up to date, to noRef where
// they have been dropped, and returns the names that are in memory.
func (f *finder) present(ctx context.Context) ([]*name, error) {
	names := make([]*name, len(f.waiting))
	if err := f.hold(ctx); err != nil {
		return nil, err
	}
	defer f.s.unlock()
	for i := range f.waiting {
		c := &f.waiting[i]
		if err := f.update(c); err != nil {
			return nil, err
		}
		names[i] = f.s.nameInMemory(c.key)
	}
	return names, nil
}

// update brings a candidate up to date.
func (f *finder) update(c *candidate) error {
	s := f.s
	if c.key.part < s.horizon {
		c.state = state{ref: noRef}
		return nil
	}
	for _, t := range s.tables() {
		if i := t.has(&c.key); i >= 0 {
			c.state, c.extra = t.slots[i].state, t.extraOf(&t.slots[i].state)
			return nil
		}
	}
	if c.inRuns && s.overlay.generation == f.generation {
		return nil
	}
	var err error
	c.stored, err = s.readStored(&c.key, &f.view)
	return err
}

// has returns the slot with the state of a message in the partition of k, or -1.
func (t *table) has(k *messageKey) int {
	i := t.findIn(k.channel, &k.hash, k.part)
	if i < 0 || t.slots[i].ref == noRef {
		return -1
	}
	return i
}
