package pebble

import (
	"bytes"
	"context"
	"errors"
	"time"

	"waybill"
)

// Settled implements waybill.Store.
func (s *Store) Settled(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	for {
		s.mu.RLock()
		p := s.pass
		s.mu.RUnlock()
		if !p.pending || p.err != nil {
			return p.err
		}
		select {
		case <-p.over:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.disk.stopped:
			return s.disk.failure()
		case <-s.closing:
			return errClosed()
		}
	}
}

// A pass is what is known of the passes over stored messages.
type pass struct {
	pending bool
	err     error         // why the last try failed, if it is still pending
	over    chan struct{} // closed when one of the others changes
}

// notePending brings s.pass in line with the settings and the outcome of the
// last try, with mu held.
func (s *Store) notePending(err error) {
	pending := false
	for _, ch := range s.channels {
		pending = pending || ch.pending
	}
	if pending != s.pass.pending || (err != nil) != (s.pass.err != nil) {
		close(s.pass.over)
		s.pass = pass{pending: pending, err: err, over: make(chan struct{})}
	}
	if pending && err == nil {
		s.wakePasses()
	}
}

func (s *Store) wakePasses() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// runPasses brings the marks of stored messages in line with the settings, until
// the store is closed.
func (s *Store) runPasses() {
	const retry = time.Second
	for {
		select {
		case <-s.wake:
		case <-s.disk.stopped:
			return
		case <-s.closing:
			return
		}
		if err := s.passAll(); err != nil {
			s.log.Error("marks of messages could not be renewed", "err", err)
			s.mu.Lock()
			s.notePending(err)
			s.mu.Unlock()
			time.AfterFunc(retry, s.wakePasses)
		}
	}
}

// passAll runs until nothing is pending or the store is closed.
func (s *Store) passAll() error {
	for {
		select {
		case <-s.closing:
			return nil
		default:
		}
		more, err := s.passChunk()
		if err != nil || !more {
			return err
		}
	}
}

// passChunk renews the marks of some messages of one channel, if any is pending.
func (s *Store) passChunk() (more bool, err error) {
	if err := s.lock(context.Background()); err != nil {
		return false, err
	}
	defer s.unlock()
	for _, ch := range s.channels {
		if !ch.pending {
			continue
		}
		if err := s.makeRoom(); err != nil {
			return false, err
		}
		s.commit.begin()
		set, err := s.commit.renewRuns(ch)
		if err != nil {
			return false, errors.Join(err, s.commit.abandon())
		}
		s.commit.putSetting(&set)
		if err := s.commit.finish(); err != nil {
			return false, err
		}
		s.adopt(map[waybill.ChannelNumber]setting{ch.Number: set})
		return true, nil
	}
	return false, nil
}

// renewTables renews the marks of all messages of channels that are in memory.
func (c *commit) renewTables(channels map[waybill.ChannelNumber]*channel) {
	t := c.s.live
	var previous []int32
	if c.s.previous != nil {
		previous = c.stale(c.s.previous.table, channels)
		t.reserve(len(previous)) // first: it moves the slots
	}
	for i, tag := range t.tags {
		if tag != 0 {
			c.renew(channels[t.slots[i].channel], int32(i))
		}
	}
	for _, i := range previous {
		p := c.s.previous.table
		old := &p.slots[i]
		if t.find(old.channel, &old.hash) < 0 {
			c.renew(channels[old.channel], int32(t.insert(old.channel, &old.hash, old.state, p.extraOf(&old.state))))
		}
	}
}

// stale returns the slots of t that have another mark than their channel wants.
func (c *commit) stale(t *table, channels map[waybill.ChannelNumber]*channel) []int32 {
	var stale []int32
	for i, tag := range t.tags {
		s := &t.slots[i]
		if tag == 0 || s.ref == noRef || s.part < c.s.horizon {
			continue
		}
		if ch := channels[s.channel]; ch != nil && ch.stale(&s.state, t.extraOf(&s.state)) {
			stale = append(stale, int32(i))
		}
	}
	return stale
}

// stale reports whether the mark of a state is another than the setting wants.
func (ch *channel) stale(s *state, x *extra) bool {
	return ch.words.tuples[s.ref].collected() != ch.wants(s, x)
}

// wants agrees with waybill.Message.Mark.
func (ch *channel) wants(s *state, x *extra) bool {
	first := waybill.Instant(s.earliest())
	if x != nil {
		for _, click := range x.clicks {
			if first == waybill.Never || click.At < first {
				first = click.At
			}
		}
	}
	return ch.collects(first)
}

// renew brings the mark of a message in the live table in line with the setting.
func (c *commit) renew(ch *channel, i int32) {
	t := c.s.live
	s := &t.slots[i]
	if ch == nil || s.ref == noRef || !ch.stale(&s.state, t.extraOf(&s.state)) {
		return
	}
	before := s.message(t.extraOf(&s.state), &ch.words.view, c.s.texts.all())
	m := before
	c.replace(ch, i, &before, &m)
}

// passMessages is how many messages a pass looks at while others wait to write,
// and passRenewed how many of them it changes.
const (
	passMessages = 20_000
	passRenewed  = 2000
)

// renewRuns renews the marks of the next messages of ch in runs and returns the
// setting with the new cursor. A message that is in memory too has the right mark
// there, unless it was loaded for a commit that then could not be made: its state
// there is the one that counts.
func (c *commit) renewRuns(ch *channel) (setting, error) {
	set := ch.setting
	stale, err := c.staleInRuns(&set)
	if err != nil {
		return set, err
	}
	t := c.s.live
	t.reserve(len(stale)) // first: it moves the slots
	for i := range stale {
		st := &stale[i]
		slot := t.find(st.key.channel, &st.key.hash)
		if slot < 0 {
			if p := c.s.previous; p != nil {
				if i := p.table.has(&st.key); i >= 0 {
					st.state, st.extra = p.table.slots[i].state, p.table.extraOf(&p.table.slots[i].state)
				}
			}
			if !ch.stale(&st.state, st.extra) {
				continue
			}
			slot = t.insert(st.key.channel, &st.key.hash, st.state, st.extra)
		}
		c.renew(ch, int32(slot))
	}
	return set, nil
}

// staleInRuns returns states of the channel of set whose mark is stale, from its
// cursor on, and moves the cursor.
func (c *commit) staleInRuns(set *setting) ([]stored, error) {
	ch := c.s.channels[set.Number]
	it, err := c.s.db.NewIter(nil)
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var past *messageKey
	if k, ok := parseMessageKey(set.cursor); ok {
		past = &k
	}
	set.cursor = bytes.Clone(set.cursor) // that of the channel stays where it is if this fails
	var stale []stored
	seen := 0
	for _, p := range c.s.inRuns() {
		if p < c.s.horizon || past != nil && p < past.part {
			continue
		}
		w := walk{p, set.Number, past, &ch.words.view}
		err := c.s.walkStates(context.Background(), it, w, func(st stored) error {
			if seen++; seen > passMessages || len(stale) >= passRenewed {
				return errEnough
			}
			if ch.stale(&st.state, st.extra) {
				stale = append(stale, st)
			}
			set.cursor = st.key.append(set.cursor[:0])
			return nil
		})
		if errors.Is(err, errEnough) {
			return stale, nil
		}
		if err != nil {
			return nil, err
		}
	}
	set.pending, set.cursor = false, nil
	return stale, nil
}

var errEnough = errors.New("these are enough for now")
