package pebble

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// A projection keeps fewer labels and longer spans than the cells of a day, for
// the questions that are asked most. A period is 32 days since 1970.
const (
	periodBits = 5
	periodDays = 1 << periodBits
)

func (s *Store) wakeFolder() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// runFolder folds generations until the store is closed.
func (s *Store) runFolder() {
	const idle = 2 * time.Second
	timer := time.NewTicker(idle)
	defer timer.Stop()
	last := uint64(0)
	for {
		select {
		case <-s.work:
		case <-timer.C:
			last = s.foldWhenIdle(last)
		case <-s.disk.stopped:
			return
		case <-s.closing:
			return
		}
		if err := s.disk.guard(s.foldPrevious); err != nil {
			s.log.Error("counters could not be folded", "err", err) // the timer tries again
		}
	}
}

// foldWhenIdle begins a new generation when nothing has come in for a while, so
// that queries need not look through many differences. It returns the last commit.
func (s *Store) foldWhenIdle(last uint64) uint64 {
	const worthwhile = 20_000 // messages
	if !s.lockUnlessWork() {
		return last
	}
	defer s.unlock()
	ready := s.previous == nil || isClosed(s.previous.folded)
	much := s.live.count > worthwhile || s.overlay.count > 8*worthwhile
	if s.seq == last && much && ready && s.disk.failure() == nil {
		s.rotate()
	}
	return s.seq
}

// lockUnlessWork is lock for the folder. A writer may be waiting for it to fold: it
// gives up when a generation is to be folded.
func (s *Store) lockUnlessWork() bool {
	select {
	case s.writer <- struct{}{}:
		return true
	case <-s.work:
		s.wakeFolder()
	case <-s.closing:
	}
	return false
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// foldPrevious folds the previous generation, if that is not done yet.
func (s *Store) foldPrevious() error {
	s.folding <- struct{}{}
	defer func() { <-s.folding }()
	s.mu.RLock()
	g := s.previous
	s.mu.RUnlock()
	if g == nil || isClosed(g.folded) {
		return nil
	}
	begun := time.Now()
	err := s.foldGeneration(g)
	s.noteFold(begun, err)
	if err != nil {
		select {
		case g.failed <- err:
		default:
		}
	}
	return err
}

// foldGeneration writes the states of a generation as runs, adds its differences to
// the packed counters and deletes its log. A crash in between leaves the runs, which
// say what the log says.
func (s *Store) foldGeneration(g *generation) error {
	if !g.written {
		if err := s.writeRuns(g); err != nil {
			return err
		}
		g.written = true // trying again must not write them again
	}
	drawn := s.filter.draw()
	if err := s.saveBloom(g.overlay.generation); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	f := newFolder(s, batch)
	if err := f.overlay(g.overlay); err != nil {
		return errors.Join(err, batch.Close())
	}
	done := fold{g.last, g.overlay.generation}
	err := s.widenSpans(g.table, batch)
	if err == nil {
		err = batch.Set([]byte{spaceFacts, factFolded}, done.append(nil), nil)
	}
	if err == nil {
		err = batch.Set([]byte{spaceFacts, factStamp}, drawn[:], nil)
	}
	if err == nil {
		err = batch.DeleteRange(appendLogKey(nil, 0), appendLogKey(nil, g.last+1), nil)
	}
	if err != nil {
		return errors.Join(err, batch.Close())
	}
	if err := s.commitBatch(batch); err != nil {
		return err
	}
	s.filter.folded()
	s.mu.Lock()
	g.overlay = nil
	s.counters.full.Store(0)
	close(g.folded)
	s.mu.Unlock()
	s.wakeUpkeep()
	return s.freeLog(g.last)
}

// freeLog lets the engine free the room of the log up to a commit, where it is worth
// the work.
func (s *Store) freeLog(last uint64) error {
	const worthwhile = 16 << 20
	from, to := appendLogKey(nil, 0), appendLogKey(nil, last+1)
	if size, err := s.db.EstimateDiskUsage(from, to); err != nil || size < worthwhile {
		return err
	}
	return s.db.Compact(context.Background(), from, to, false)
}

// commitBatch makes a batch of the folder durable.
func (s *Store) commitBatch(batch *engine.Batch) error {
	if err := batch.Commit(engine.Sync); err != nil {
		s.disk.stop(err)
		return s.disk.failure()
	}
	return batch.Close()
}

// A folder adds differences to packed counters in one batch.
type folder struct {
	s       *Store
	batch   *engine.Batch
	view    *view
	put     func(key []byte, deltas []delta) error // what is done with sorted deltas
	scratch []delta
	copied  []delta

	// The projections of a period, until all of its days have been folded.
	period    place // its day is the number of the period
	senders   []delta
	templates map[uint32]*[]delta // by text of the template
}

func newFolder(s *Store, batch *engine.Batch) *folder {
	f := &folder{s: s, batch: batch}
	f.put = f.merge
	return f
}

func (f *folder) overlay(o *overlay) error {
	if err := f.lists(o.sorted()); err != nil {
		return err
	}
	for c, of := range o.totals {
		for segment, n := range of.each() {
			if err := f.total(c, segment, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// lists folds lists, which are in the order of their places.
func (f *folder) lists(lists []*list) error {
	for _, l := range lists {
		if err := f.list(l.place, l.all); err != nil {
			return err
		}
	}
	return f.endPeriod()
}

func (f *folder) list(p place, deltas []delta) error {
	f.copied = append(f.copied[:0], deltas...)
	f.scratch = sortDeltas(f.copied, f.scratch)
	if err := f.put(appendCellsKey(nil, spaceCells, p.channel, p.basis, p.day), f.copied); err != nil {
		return err
	}
	period := p
	period.day >>= periodBits
	if period != f.period {
		if err := f.endPeriod(); err != nil {
			return err
		}
		f.period = period
	}
	f.project(p, f.copied)
	return nil
}

// merge adds sorted deltas to a packed value.
func (f *folder) merge(key []byte, deltas []delta) error {
	old, err := f.s.get(key)
	if err != nil {
		return err
	}
	packed, err := mergeCells(old, deltas)
	if err != nil {
		return fmt.Errorf("fold %x: %w", key, err)
	}
	if len(packed) == 0 {
		return f.batch.Delete(key, nil)
	}
	return f.batch.Set(key, packed, nil)
}

// project adds the sorted deltas of a day to the projections of its period.
func (f *folder) project(p place, deltas []delta) {
	v := f.view
	if v == nil {
		of := f.s.viewOf(p.channel)
		v = &of
	}
	if f.templates == nil {
		f.templates = make(map[uint32]*[]delta)
	}
	known := uint32(noRef)
	var sender, template uint32
	var of *[]delta
	for len(deltas) > 0 && deltas[0].major == 0 {
		var n waybill.Counts
		d := deltas[0]
		deltas = deltas[sumDeltas(deltas, &n):]
		if d.ref != known {
			known, sender, template = d.ref, v.senders[d.ref], v.templates[d.ref]
			of = f.template(v.tuples[d.ref].values[waybill.LabelTemplate])
		}
		d.major, d.counts = p.day%periodDays, [waybill.NumMetrics]int8{}
		d.ref = sender
		f.senders = appendDeltas(f.senders, d, &n)
		d.ref = template
		*of = appendDeltas(*of, d, &n)
	}
}

// template returns what is collected of a template in the period.
func (f *folder) template(text uint32) *[]delta {
	of := f.templates[text]
	if of == nil {
		of = new([]delta)
		f.templates[text] = of
	}
	return of
}

// endPeriod writes the projections of a period.
func (f *folder) endPeriod() error {
	p := f.period
	if len(f.senders) > 0 {
		f.sortProjection(f.senders)
		if err := f.put(appendCellsKey(nil, spaceSender, p.channel, p.basis, p.day), f.senders); err != nil {
			return err
		}
	}
	for _, template := range slices.Sorted(maps.Keys(f.templates)) {
		of := f.templates[template]
		if len(*of) == 0 {
			continue
		}
		f.sortProjection(*of)
		if err := f.put(appendTemplateKey(nil, p.channel, p.basis, p.day, template), *of); err != nil {
			return err
		}
		*of = (*of)[:0]
	}
	f.senders = f.senders[:0]
	return nil
}

// sortProjection sorts deltas whose days are in order.
func (f *folder) sortProjection(deltas []delta) {
	for len(deltas) > 0 {
		n := 1
		for n < len(deltas) && deltas[n].major == deltas[0].major {
			n++
		}
		day := deltas[0].major
		for i := range deltas[:n] {
			deltas[i].major = 0
		}
		f.scratch = sortDeltas(deltas[:n], f.scratch)
		for i := range deltas[:n] {
			deltas[i].major = day
		}
		deltas = deltas[n:]
	}
}

func (f *folder) total(c waybill.ChannelNumber, segment uint32, n waybill.Counts) error {
	key := appendSegmentKey(nil, spaceTotal, c, f.s.texts.all()[segment])
	old, err := f.s.get(key)
	if err != nil {
		return err
	}
	if old != nil {
		counts, err := decodeCounts(old)
		if err != nil {
			return err
		}
		n.Add(counts)
	}
	if n == (waybill.Counts{}) {
		return f.batch.Delete(key, nil)
	}
	return f.batch.Set(key, appendCounts(nil, &n), nil)
}

// viewOf returns the dictionaries of a channel that is configured.
func (s *Store) viewOf(c waybill.ChannelNumber) view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.channels[c].view
}
