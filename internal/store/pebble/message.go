package pebble

import (
	"context"

	"waybill"
)

// Message implements waybill.Store.
func (s *Store) Message(
	ctx context.Context, c waybill.ChannelNumber, id string,
) (waybill.Message, error) {
	m, _, err := s.lookup(ctx, c, id)
	return m, err
}

// Recipient implements waybill.Store.
func (s *Store) Recipient(ctx context.Context, c waybill.ChannelNumber, id string) (string, error) {
	_, name, err := s.lookup(ctx, c, id)
	return name.recipient, err
}

// A name is what is kept of a message besides what is counted.
type name struct{ id, recipient string }

func decodeName(data []byte) (name, bool) {
	d := decoder{rest: data}
	n := name{d.text(), d.text()}
	return n, d.complete()
}

// lookup returns what is known of a message. What is in memory belongs to the
// writer, so that it waits for its turn.
func (s *Store) lookup(
	ctx context.Context, c waybill.ChannelNumber, id string,
) (m waybill.Message, n name, err error) {
	if err := s.enter(ctx); err != nil {
		return m, n, err
	}
	defer s.leave()
	if err := s.hold(ctx); err != nil {
		return m, n, err
	}
	defer s.unlock()
	notFound := waybill.Errorf(waybill.NotFound, "channel %d has no message %q", c, id)
	ch := s.channels[c]
	if ch == nil {
		return m, n, notFound
	}
	h := s.hashID(id)
	st, x, err := s.current(c, &h)
	if err != nil {
		return m, n, err
	}
	if st.ref == noRef {
		return m, n, notFound
	}
	n, err = s.nameOf(messageKey{st.part, c, h})
	return st.message(x, &ch.words.view, s.texts.all()), n, err
}

// current returns the state of a message, with the right to write held.
func (s *Store) current(c waybill.ChannelNumber, h *hash) (state, *extra, error) {
	if i := s.live.find(c, h); i >= 0 && s.live.slots[i].ref != noRef {
		return s.live.slots[i].state, s.live.extraOf(&s.live.slots[i].state), nil
	}
	return s.find(c, h, partitionOf(uint32(s.now().Unix())))
}

// nameOf returns what is kept of a message, with the right to write held.
func (s *Store) nameOf(k messageKey) (name, error) {
	if n := s.nameInMemory(k); n != nil {
		return *n, nil
	}
	return s.nameInRuns(k)
}

// nameInMemory returns what the tables have, nil where they have nothing. The caller
// holds the right to write.
func (s *Store) nameInMemory(k messageKey) *name {
	for _, t := range s.tables() {
		i := t.findIn(k.channel, &k.hash, k.part)
		if i < 0 {
			continue
		}
		if data := t.name(i); data != nil {
			n, _ := decodeName(data)
			return &n
		}
	}
	return nil
}

func (s *Store) nameInRuns(k messageKey) (n name, err error) {
	err = s.readEntry(spaceName, &k, func(entry []byte) error {
		if len(entry) == 0 {
			return nil // there was none, or it is erased
		}
		var ok bool
		if n, ok = decodeName(entry); !ok {
			return errState(k.channel, &k.hash)
		}
		return nil
	})
	return n, err
}

// tables returns those in memory, the newest first.
func (s *Store) tables() []*table {
	if s.previous == nil {
		return []*table{s.live}
	}
	return []*table{s.live, s.previous.table}
}

// inRuns returns the partitions that have runs, ascending. The folder adds to them
// and drops some.
func (s *Store) inRuns() []partition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.partitions
}

// partitionsNear returns the partitions that have runs, those next to p first. The
// ones before the horizon are about to be dropped and left out.
func (s *Store) partitionsNear(p partition) []partition {
	all := s.inRuns()
	near := make([]partition, 0, len(all))
	above := 0
	for above < len(all) && all[above] <= p {
		above++
	}
	// A report comes after the message began: the partition itself and the ones
	// before it are the likeliest.
	for below := above - 1; below >= 0 || above < len(all); {
		if below >= 0 {
			near = append(near, all[below])
			below--
		}
		if above < len(all) {
			near = append(near, all[above])
			above++
		}
	}
	live := near[:0]
	for _, p := range near {
		if p >= s.horizon {
			live = append(live, p)
		}
	}
	return live
}
