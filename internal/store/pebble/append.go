package pebble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"waybill"
)

// Append implements waybill.Store.
func (s *Store) Append(ctx context.Context, events []waybill.Event) ([]bool, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	now := s.now()
	for i := range events {
		if err := events[i].Validate(now); err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
	}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	s.write.begin()
	changed, err := s.write.merge(events)
	if err != nil {
		return nil, errors.Join(err, s.write.abandon())
	}
	if err := s.write.commit(); err != nil {
		return nil, err
	}
	return changed, nil
}

type messageKey struct {
	channel waybill.ChannelNumber
	id      string
}

// merge merges events into the histories of their messages.
func (w *write) merge(events []waybill.Event) ([]bool, error) {
	histories, of, err := w.group(events)
	if err != nil {
		return nil, err
	}
	for _, h := range histories {
		if err := w.read(h); err != nil {
			return nil, err
		}
	}
	changed := make([]bool, len(events))
	for i := range events {
		m := &of[i].new
		before := *m
		m.Merge(events[i].History())
		changed[i] = !m.Equal(&before)
	}
	for _, h := range histories {
		if err := w.put(h); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// group returns the histories that the events belong to, each once in the order
// of their keys, and the one of each event.
func (w *write) group(events []waybill.Event) (histories, of []*history, err error) {
	known := make(map[messageKey]*history, len(events))
	of = make([]*history, len(events))
	for i := range events {
		e := &events[i]
		ch, ok := w.s.channels[e.Channel]
		if !ok {
			return nil, nil, waybill.Errorf(waybill.Invalid,
				"event %d: channel %d is not configured", i, e.Channel)
		}
		k := messageKey{e.Channel, e.Message}
		if of[i], ok = known[k]; !ok {
			of[i] = &history{ch: ch, id: e.Message}
			known[k] = of[i]
			histories = append(histories, of[i])
		}
	}
	slices.SortFunc(histories, func(a, b *history) int {
		return cmp.Or(cmp.Compare(a.ch.Number, b.ch.Number), cmp.Compare(a.id, b.id))
	})
	return histories, of, nil
}
