package pebble

import (
	"context"
	"errors"

	"waybill"
)

// Erase implements waybill.Store. It begins a new generation and waits until the
// one before is folded, so that what is to be erased lies in the runs; then it
// overwrites it and lets the engine write anew the files that had it: those of the
// names, and the logs. Where that is interrupted, the next Erase, the upkeep or the
// next start goes on.
func (s *Store) Erase(ctx context.Context, recipient string) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	if recipient == "" {
		return 0, waybill.Errorf(waybill.Invalid, "recipient is missing")
	}
	if err := s.acquire(ctx, s.erasing); err != nil {
		return 0, err
	}
	defer func() { <-s.erasing }()
	n, err := s.eraseRecipient(ctx, recipient)
	if err != nil {
		return n, err
	}
	return n, s.disk.guard(func() error { return s.finishErasure(ctx) })
}

// eraseRecipient removes the names with a recipient, and notes that files have them.
func (s *Store) eraseRecipient(ctx context.Context, recipient string) (int, error) {
	if err := s.foldAll(ctx); err != nil {
		return 0, err
	}
	keys, err := s.namesOf(ctx, recipient)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	return len(keys), s.eraseNames(ctx, keys)
}

// finishErasure renews the files, if that is noted, with the right to erase held.
func (s *Store) finishErasure(ctx context.Context) error {
	noted, err := s.get([]byte{spaceFacts, factErasing})
	if err != nil || noted == nil {
		return err
	}
	if err := s.renewFiles(ctx); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	if err := batch.Delete([]byte{spaceFacts, factErasing}, nil); err != nil {
		return errors.Join(err, batch.Close())
	}
	return s.commitBatch(batch)
}

// resumeErasure finishes what was interrupted, unless somebody is at it.
func (s *Store) resumeErasure(ctx context.Context) error {
	select {
	case s.erasing <- struct{}{}:
		defer func() { <-s.erasing }()
		return s.finishErasure(ctx)
	default:
		return nil
	}
}

// renewFiles lets the engine drop what is deleted of names and of the log. The logs
// of the engine itself come last.
func (s *Store) renewFiles(ctx context.Context) error {
	for _, space := range []byte{spaceName, spaceLog} {
		if err := s.db.Compact(ctx, []byte{space}, []byte{space + 1}, false); err != nil {
			return err
		}
	}
	return s.renewLogs(ctx)
}

// namesOf returns the keys in runs of the names with a recipient.
func (s *Store) namesOf(ctx context.Context, recipient string) (keys []messageKey, err error) {
	err = s.scan(ctx, []byte{spaceName}, func(key, value []byte) error {
		return eachEntry(key, value, func(k messageKey, entry []byte) error {
			if len(entry) == 0 {
				return nil
			}
			n, ok := decodeName(entry)
			if !ok {
				return errState(k.channel, &k.hash)
			}
			if n.recipient == recipient {
				keys = append(keys, k)
			}
			return nil
		})
	})
	return keys, err
}

// eraseNames removes names, which are in the order of their keys, from the runs, and
// from the table of a generation that is folded, which is kept for look-ups.
func (s *Store) eraseNames(ctx context.Context, keys []messageKey) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	c := s.commit
	c.begin()
	erased := bundler{space: spaceName, put: func(key, value []byte) error { return c.batch.Merge(key, value, nil) }}
	for i := range keys {
		if err := erased.add(&keys[i], nil); err != nil {
			return errors.Join(err, c.abandon())
		}
	}
	if err := erased.end(); err != nil {
		return errors.Join(err, c.abandon())
	}
	c.key, c.value = append(c.key[:0], spaceFacts, factErasing), append(c.value[:0], 1)
	c.set()
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
