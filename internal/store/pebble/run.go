package pebble

import (
	"context"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// runPrefix begins the names of the files that are made for the engine to take
// over. What a crash leaves behind of them is removed at the next start.
const runPrefix = "run-"

// writeRuns writes the states of a generation, and the names, as sorted runs and
// hands them to the engine, past its log and its table in memory.
func (s *Store) writeRuns(g *generation) error {
	t := g.table
	order := t.sorted()
	if len(order) == 0 {
		return nil
	}
	states, err := s.createRun("states")
	if err != nil {
		return err
	}
	var key, value []byte
	for _, i := range order {
		slot := &t.slots[i]
		key = appendMessageKey(key[:0], spaceMessage, slot.part, slot.channel, slot.hash)
		value = appendState(value[:0], &slot.state, t.extraOf(&slot.state))
		if err := states.Set(key, value); err != nil {
			return err
		}
	}
	if err := states.Close(); err != nil {
		return err
	}
	paths := []string{s.path(runPrefix + "states")}
	if len(t.arena) > 0 {
		if err := s.writeNames(t, order); err != nil {
			return err
		}
		paths = append(paths, s.path(runPrefix+"names"))
	}
	if err := s.db.Ingest(context.Background(), paths); err != nil {
		return fmt.Errorf("ingest a run: %w", err)
	}
	s.adoptRuns(t, order)
	return nil
}

func (s *Store) writeNames(t *table, order []int32) error {
	names, err := s.createRun("names")
	if err != nil {
		return err
	}
	var key []byte
	for _, i := range order {
		slot := &t.slots[i]
		name := t.name(int(i))
		if name == nil {
			continue
		}
		key = appendMessageKey(key[:0], spaceName, slot.part, slot.channel, slot.hash)
		if err := names.Set(key, name); err != nil {
			return err
		}
	}
	return names.Close()
}

func (s *Store) createRun(name string) (*sstable.Writer, error) {
	f, err := s.disk.Create(s.path(runPrefix+name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	last := len(s.engine.Levels) - 1
	opt := s.engine.MakeWriterOptions(last, s.db.TableFormat())
	return sstable.NewWriter(objstorageprovider.NewFileWritable(f), opt), nil
}

// removeRuns removes what a crash has left behind.
func (s *Store) removeRuns() {
	names, _ := s.disk.List(s.dir)
	for _, name := range names {
		if strings.HasPrefix(name, runPrefix) {
			_ = s.disk.Remove(s.path(name))
		}
	}
}

// adoptRuns makes the messages of a run known to the filter and their partitions
// to look-ups.
func (s *Store) adoptRuns(t *table, order []int32) {
	b := s.bloom.Load()
	found := make(map[partition]bool)
	for _, i := range order {
		slot := &t.slots[i]
		found[slot.part] = true
		if b != nil {
			b.add(slot.channel, &slot.hash)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.partitions {
		found[p] = true
	}
	s.partitions = sortedPartitions(found)
}
