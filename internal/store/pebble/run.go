package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	engine "github.com/cockroachdb/pebble/v2"
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
	states, err := s.createRun("states")
	if err != nil {
		return err
	}
	err = writeBundles(states, spaceMessage, t, order, func(dst []byte, i int32) []byte {
		slot := &t.slots[i]
		return appendState(dst, &slot.state, t.extraOf(&slot.state))
	})
	if err != nil {
		return err
	}
	// That the run is there is checked when the store is opened; see checkRun.
	if err := states.Set(appendRunKey(nil, g.overlay.generation), nil); err != nil {
		return err
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

func appendRunKey(dst []byte, generation uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, spaceRun), generation)
}

// checkRun fails where the run of the last generation that is folded is missing:
// the engine knows what files it has by a log of its own, and takes a flipped bit at
// the end of that, too, for a write that was cut.
func (s *Store) checkRun(f fold) error {
	if f.generation == 0 {
		return nil
	}
	value, err := s.get(appendRunKey(nil, f.generation))
	if err == nil && value == nil {
		err = fmt.Errorf("the run of generation %d is missing: restore a backup", f.generation)
	}
	return err
}

func (s *Store) writeNames(t *table, order []int32) error {
	names, err := s.createRun("names")
	if err != nil {
		return err
	}
	err = writeBundles(names, spaceName, t, order, func(dst []byte, i int32) []byte {
		return append(dst, t.name(int(i))...)
	})
	if err != nil {
		return err
	}
	return names.Close()
}

// writeBundles writes the messages in some slots of a table, which are in the order of
// their keys, as bundles of a space. appendEntry appends the entry of one, nothing where
// it has none.
func writeBundles(
	to *sstable.Writer, space byte, t *table, order []int32, appendEntry func(dst []byte, slot int32) []byte,
) error {
	bundles := bundler{space: space, put: to.Merge}
	var entry []byte
	for _, i := range order {
		if entry = appendEntry(entry[:0], i); len(entry) == 0 {
			continue
		}
		slot := &t.slots[i]
		if err := bundles.add(&messageKey{slot.part, slot.channel, slot.hash}, entry); err != nil {
			return err
		}
	}
	return bundles.end()
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

// removeLeftovers removes what a crash has left behind.
func (s *Store) removeLeftovers() {
	s.removeStaging()
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
	s.addToBloom(t, order)
	found := make(map[partition]bool)
	for _, i := range order {
		found[t.slots[i].part] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.partitions {
		found[p] = true
	}
	s.partitions = slices.Sorted(maps.Keys(found))
}

// A span holds the earliest and the latest time of the messages of a partition that
// are in runs, so that who looks for messages of some time can pass by the others.
type span struct{ first, last uint32 }

func (s *span) add(at uint32) {
	if at != 0 {
		s.first, s.last = min(s.first, at), max(s.last, at)
	}
}

func appendSpanKey(dst []byte, p partition) []byte {
	return binary.BigEndian.AppendUint16(append(dst, spaceFacts, factSpan), uint16(p))
}

// spanOf returns the span of a partition, all times where it is not known.
func (s *Store) spanOf(p partition) (span, error) {
	value, err := s.get(appendSpanKey(nil, p))
	if err != nil || value == nil {
		return span{0, math.MaxUint32}, err
	}
	d := decoder{rest: value}
	sp := span{d.uint32(), d.uint32()}
	if !d.complete() {
		return sp, fmt.Errorf("the span of partition %d is corrupt", p)
	}
	return sp, nil
}

// widenSpans writes the spans of the partitions that a table has messages of.
func (s *Store) widenSpans(t *table, batch *engine.Batch) error {
	spans := make(map[partition]*span)
	for i, tag := range t.tags {
		slot := &t.slots[i]
		if tag == 0 || slot.ref == noRef {
			continue
		}
		sp := spans[slot.part]
		if sp == nil {
			sp = &span{first: math.MaxUint32}
			spans[slot.part] = sp
		}
		for _, at := range slot.at {
			sp.add(at)
		}
		if x := t.extraOf(&slot.state); x != nil {
			for _, click := range x.clicks {
				sp.add(uint32(click.At))
			}
		}
	}
	for p, sp := range spans {
		key := appendSpanKey(nil, p)
		value, err := s.get(key)
		if err != nil {
			return err
		}
		if value != nil {
			old, err := s.spanOf(p)
			if err != nil {
				return err
			}
			sp.add(old.first)
			sp.add(old.last)
		}
		value = binary.AppendUvarint(binary.AppendUvarint(nil, uint64(sp.first)), uint64(sp.last))
		if err := batch.Set(key, value, nil); err != nil {
			return err
		}
	}
	return nil
}
