package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"waybill"
)

// horizonAt returns the first partition that is kept at a time.
func (s *Store) horizonAt(now time.Time) partition {
	oldest := now.Add(-s.keepMessages).Unix()
	if s.keepMessages <= 0 || oldest < 0 {
		return 0
	}
	return partitionOf(uint32(oldest))
}

const (
	// retainEvery is how often old partitions are looked for.
	retainEvery = 24 * time.Hour

	// An import of an old history is let finish: as long as nothing has been
	// dropped, nothing is too late. Nothing is dropped within quiet after the last
	// event that is older than messages are kept, but no longer than patience
	// after the first.
	quiet    = 24 * time.Hour
	patience = 7 * 24 * time.Hour

	// oldEvery is how exactly the last of them is stored, and that of all commits.
	oldEvery = time.Hour

	// A clock that is so far ahead of the last commit may be wrong, and is not
	// believed at a start: what is dropped does not come back.
	maxJump = 100 * 24 * time.Hour
)

// arrivals say when events came that are older than messages are kept, since the
// horizon last moved.
type arrivals struct{ first, last waybill.Instant }

// patient reports whether more of them may come.
func (a arrivals) patient(now time.Time) bool {
	return a.last != waybill.Never &&
		now.Sub(a.last.Time()) < quiet && now.Sub(a.first.Time()) < patience
}

// noteOld stores that events came that are older than messages are kept.
func (c *commit) noteOld() {
	now := c.s.now()
	if !c.old || now.Sub(c.s.old.last.Time()) < oldEvery {
		return
	}
	c.s.old.last = waybill.InstantOf(now)
	if c.s.old.first == waybill.Never {
		c.s.old.first = c.s.old.last
	}
	c.key = append(c.key[:0], spaceFacts, factOld)
	c.value = binary.AppendVarint(binary.AppendVarint(c.value[:0], int64(c.s.old.first)), int64(c.s.old.last))
	c.set()
}

// noteSeen stores about when the last commit was.
func (c *commit) noteSeen() {
	now := c.s.now()
	if late := now.Sub(c.s.seen.Time()); late >= 0 && late < oldEvery {
		return
	}
	c.s.seen = waybill.InstantOf(now)
	c.key = append(c.key[:0], spaceFacts, factSeen)
	c.value = binary.AppendVarint(c.value[:0], int64(c.s.seen))
	c.set()
}

// beginRetention moves the horizon at a start, if the clock can be believed, and
// sets aside what the log has of before it.
func (s *Store) beginRetention() error {
	seen, err := s.instants(factSeen, 1)
	if err != nil {
		return err
	}
	old, err := s.instants(factOld, 2)
	if err != nil {
		return err
	}
	s.seen, s.old = seen[0], arrivals{old[0], old[1]}
	s.retained = s.now()
	if jump := s.retained.Sub(s.seen.Time()); s.seen != waybill.Never && jump > maxJump {
		s.log.Warn("the clock is far ahead of the last commit: no histories are dropped for a day", "ahead", jump.String())
	} else if _, err := s.moveHorizon(); err != nil {
		return err
	}
	s.setAside()
	return nil
}

// instants returns the times of a fact, Never where they are not stored.
func (s *Store) instants(fact byte, n int) ([]waybill.Instant, error) {
	times := make([]waybill.Instant, n)
	value, err := s.get([]byte{spaceFacts, fact})
	if err != nil || value == nil {
		return times, err
	}
	d := decoder{rest: value}
	for i := range times {
		times[i] = waybill.Instant(d.varint())
	}
	if !d.complete() {
		return nil, fmt.Errorf("fact %c is corrupt", fact)
	}
	return times, nil
}

// retain drops the partitions that are older than messages are kept, once a day. It
// first moves the horizon, durably: from then on the messages of those partitions
// are not found, and events of their times are too late. Then all that is in memory
// of them is folded, so that the runs have all there is, and they are dropped: see
// dropPartition. In the end their room is freed.
func (s *Store) retain(ctx context.Context) error {
	now := s.now()
	if now.Before(s.retained) { // the clock was set back
		s.retained = now
	}
	if now.Sub(s.retained) >= retainEvery {
		if err := s.lock(ctx); err != nil {
			return err
		}
		moved, err := s.moveHorizon()
		s.unlock()
		if err != nil {
			return err
		}
		if moved {
			s.retained = now
		}
	}
	s.mu.RLock()
	partitions, horizon, g := s.partitions, s.horizon, s.previous
	s.mu.RUnlock()
	if g != nil && !isClosed(g.folded) {
		return nil // the rest comes after the fold
	}
	for _, p := range partitions {
		if p >= horizon {
			break
		}
		if err := s.dropPartition(ctx, p); err != nil {
			return err
		}
	}
	return s.sweep(ctx, horizon)
}

// moveHorizon makes the horizon what the clock says if there are messages before it,
// and begins a new generation, with the right to write held. It returns false where
// it has to be called again.
func (s *Store) moveHorizon() (done bool, err error) {
	horizon := s.horizonAt(s.now())
	if horizon <= s.horizon {
		return true, nil
	}
	if s.previous != nil && !isClosed(s.previous.folded) {
		return false, nil
	}
	if !s.hasBefore(horizon) {
		return true, nil
	}
	if s.old.patient(s.now()) {
		return false, nil
	}
	c := s.commit
	c.begin()
	c.key = append(c.key[:0], spaceFacts, factOld)
	c.remove()
	c.key = append(c.key[:0], spaceFacts, factHorizon)
	c.value = binary.BigEndian.AppendUint16(c.value[:0], uint16(horizon))
	c.set()
	if err := c.finish(); err != nil {
		return false, err
	}
	s.old = arrivals{}
	s.mu.Lock()
	s.horizon = horizon
	s.mu.Unlock()
	s.rotate()
	return true, nil
}

// keeps reports whether the messages of a partition are neither dropped nor about to
// be.
func (s *Store) keeps(p partition) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return p >= s.horizon
}

// hasBefore reports whether there are messages of partitions before p, with the
// right to write held and all but the live table in runs.
func (s *Store) hasBefore(p partition) bool {
	in := s.inRuns()
	return len(in) > 0 && in[0] < p || s.live.hasBefore(p)
}

func (t *table) hasBefore(p partition) bool {
	for i, tag := range t.tags {
		if tag != 0 && t.slots[i].part < p {
			return true
		}
	}
	return false
}

// setAside begins a new generation where the log has messages of partitions that
// are about to be dropped, so that no event finds them.
func (s *Store) setAside() {
	if s.live.hasBefore(s.horizon) {
		s.rotate()
	}
}

// TooLate returns how many events were too late so far.
func (s *Store) TooLate(ctx context.Context) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	if err := s.hold(ctx); err != nil {
		return 0, err
	}
	defer s.unlock()
	return s.tooLate, nil
}

// noteTooLate counts events that were too late.
func (c *commit) noteTooLate(n int64) {
	c.s.tooLate += n
	c.s.counters.tooLate.Store(c.s.tooLate)
	c.key = append(c.key[:0], spaceTooLate)
	c.value = binary.AppendVarint(c.value[:0], c.s.tooLate)
	c.set()
}
