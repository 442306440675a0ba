package pebble

import (
	"context"
	"errors"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

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
		s.write.begin()
		set, err := s.write.renew(ch)
		if err != nil {
			return false, errors.Join(err, s.write.abandon())
		}
		if err := s.write.commit(); err != nil {
			return false, err
		}
		s.adopt(map[waybill.ChannelNumber]setting{ch.Number: set})
		return true, nil
	}
	return false, nil
}

// passMessages is how many messages a pass reads while others wait to write.
const passMessages = 2000

// renew marks the next messages of ch and returns the setting with the new
// cursor.
func (w *write) renew(ch *channel) (setting, error) {
	set := ch.setting
	prefix := appendChannel(nil, spaceMessage, ch.Number)
	from := prefix
	if set.cursor != nil {
		from = append(append(append([]byte(nil), prefix...), set.cursor...), 0)
	}
	it, err := w.s.db.NewIter(&engine.IterOptions{LowerBound: from, UpperBound: after(prefix)})
	if err != nil {
		return set, err
	}
	defer it.Close()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n > passMessages {
			return set, w.putSetting(&set)
		}
		h := history{ch: ch, id: string(it.Key()[channelPrefix:])}
		value, err := it.ValueAndErr()
		if err != nil {
			return set, err
		}
		if err := h.decode(value); err != nil {
			return set, err
		}
		if err := w.put(&h); err != nil {
			return set, err
		}
		set.cursor = []byte(h.id)
	}
	if it.Error() != nil {
		return set, it.Error()
	}
	set.pending, set.cursor = false, nil
	return set, w.putSetting(&set)
}
