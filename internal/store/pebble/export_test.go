package pebble

import (
	"context"
	"testing"

	"waybill"
)

// HasFilter reports whether the store in dir has a filter as soon as it is opened.
func HasFilter(t *testing.T, dir string) bool {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.filter.bloom.Load() != nil
}

// EraseHalf does what Erase does up to where an interruption leaves names in files.
func (s *Store) EraseHalf(ctx context.Context, recipient string) (int, error) {
	return s.eraseRecipient(ctx, recipient)
}

// ErasurePending reports whether files may have names that are erased.
func (s *Store) ErasurePending() bool {
	noted, err := s.get([]byte{spaceFacts, factErasing})
	return err != nil || noted != nil
}

// FindFilterLarge makes a store take its filter for one that is too large to be
// written with each generation.
func FindFilterLarge(t *testing.T, s *Store) {
	locked(t, s, func() {
		if !isClosed(s.previous.folded) {
			t.Fatal("the folder is at it")
		}
		s.filter.large = 16
	})
}

// HasOld reports whether messages before the horizon are not dropped yet.
func (s *Store) HasOld() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.partitions) > 0 && s.partitions[0] < s.horizon
}

// CountMessages returns how many messages are in runs.
func CountMessages(t *testing.T, s *Store) int {
	t.Helper()
	n, err := s.countEntries(t.Context(), spaceMessage)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// countEntries returns how many entries the bundles of a space have.
func (s *Store) countEntries(ctx context.Context, space byte) (n int, err error) {
	err = s.scan(ctx, []byte{space}, func(key, value []byte) error {
		return eachEntry(key, value, func(messageKey, []byte) error { n++; return nil })
	})
	return n, err
}

// Key returns the key of a message in the order of which pages are.
func (s *Store) Key(c waybill.ChannelNumber, part uint32, id string) string {
	k := messageKey{partition(part), c, s.hashID(id)}
	return string(k.append(nil))
}

// Horizon returns the first partition whose messages are found.
func (s *Store) Horizon() uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return uint32(s.horizon)
}

// WakeUpkeep lets the store look for what there is to drop, without a fold before.
func (s *Store) WakeUpkeep() { s.wakeUpkeep() }
