package pebble

import (
	"context"
	"time"
)

// runUpkeep drops old partitions, ends erasures that were interrupted and keeps the
// filter, until the store is closed. All of that takes long, and writers wait for
// the folder: so it is apart from that.
func (s *Store) runUpkeep() {
	const every = 2 * time.Second
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-s.closing:
		case <-s.disk.stopped:
		case <-ctx.Done():
		}
		cancel()
	}()
	timer := time.NewTicker(every)
	defer timer.Stop()
	for {
		select {
		case <-s.due:
		case <-timer.C:
		case <-s.disk.stopped:
			return
		case <-s.closing:
			return
		}
		if err := s.disk.guard(func() error { return s.maintain(ctx) }); err != nil && !isClosed(s.closing) {
			s.log.Error("old histories or the filter could not be kept up", "err", err) // the timer tries again
		}
	}
}

func (s *Store) maintain(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.resumeErasure, s.retain, s.renewBloom, s.trimLogs} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) wakeUpkeep() {
	select {
	case s.due <- struct{}{}:
	default:
	}
}
