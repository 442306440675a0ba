package pebble

import (
	"math/bits"
	"slices"

	"waybill"
)

// A scribe makes points of the sheets of a board, in a goroutine of its own from the
// second sheet on: in a large answer that takes about as long as the adding up.
type scribe struct {
	from, to waybill.Instant // of the question

	sheets chan *sheet // two, but for those that the board and the scribe have
	jobs   chan job    // nil as long as there is no goroutine
	ended  chan struct{}

	// Owned by who has a sheet out of sheets that is not the board's.
	out    []waybill.Point
	sorted int // the points that earlier channels made end here
	few    []int32
	err    error
}

// A job is a sheet with the groups that it has, in their order.
type job struct {
	*sheet
	order groupOrder
}

// newScribe returns a scribe of a question from and to. It takes an empty sheet.
func newScribe(from, to waybill.Instant, empty *sheet) *scribe {
	s := &scribe{from: from, to: to, sheets: make(chan *sheet, 2)}
	s.sheets <- empty
	return s
}

// sheet returns an empty sheet, once all that was given before is written.
func (s *scribe) sheet() (*sheet, error) {
	next := <-s.sheets
	return next, s.err
}

// write makes points of a sheet, empties it and puts it back. Where more are to come it
// need not wait for that.
func (s *scribe) write(full *sheet, order groupOrder, more bool) {
	j := job{full, order}
	if s.jobs == nil && !more {
		s.do(&j)
		return
	}
	if s.jobs == nil {
		s.jobs, s.ended = make(chan job), make(chan struct{})
		go s.run()
	}
	s.jobs <- j
}

func (s *scribe) run() {
	defer close(s.ended)
	for j := range s.jobs {
		s.do(&j)
	}
}

func (s *scribe) do(j *job) {
	s.grow(j)
	for i := range j.buckets {
		if s.err == nil {
			s.err = s.emit(j.buckets[i], &j.rows[i], &j.order)
		}
	}
	j.buckets = j.buckets[:0]
	s.sheets <- j.sheet
}

// stop ends the goroutine.
func (s *scribe) stop() {
	if s.jobs != nil {
		close(s.jobs)
		<-s.ended
	}
}

// wait returns when all sheets are written.
func (s *scribe) wait() error {
	sheet, err := s.sheet()
	s.sheets <- sheet
	return err
}

// endChannel ends the points of a channel.
func (s *scribe) endChannel() error {
	if err := s.wait(); err != nil {
		return err
	}
	if s.sorted > 0 && len(s.out) > s.sorted {
		s.combine()
	}
	s.sorted = len(s.out)
	return s.bound()
}

func (s *scribe) bound() error {
	if len(s.out)-s.sorted > waybill.MaxPoints {
		return waybill.Errorf(waybill.TooLarge, "the answer would have more than %d points", waybill.MaxPoints)
	}
	return nil
}

// combine sorts the points of several channels and adds up equal ones.
func (s *scribe) combine() {
	slices.SortFunc(s.out, func(x, y waybill.Point) int { return x.Compare(&y) })
	n := 0
	for i := range s.out {
		if n > 0 && s.out[n-1].Compare(&s.out[i]) == 0 {
			s.out[n-1].Counts.Add(s.out[i].Counts)
			continue
		}
		s.out[n] = s.out[i]
		n++
	}
	s.out = s.out[:n]
}

func (s *scribe) answer() ([]waybill.Point, error) {
	s.sorted = 0
	return s.out, s.bound()
}

// emit makes points of a row, in the order of their keys, and empties it.
func (s *scribe) emit(bucket waybill.Bucket, r *row, of *groupOrder) error {
	n := r.groups()
	if 4*n >= len(of.order) {
		for _, g := range of.order {
			if int(g)/64 < len(r.set) && r.set[g/64]>>(g%64)&1 != 0 {
				s.add(bucket, of.values[g], &r.counts[g])
			}
		}
	} else {
		few := s.few[:0]
		for i, word := range r.set {
			for ; word != 0; word &= word - 1 {
				few = append(few, int32(i*64+bits.TrailingZeros64(word)))
			}
		}
		slices.SortFunc(few, func(x, y int32) int { return int(of.rank[x] - of.rank[y]) })
		for _, g := range few {
			s.add(bucket, of.values[g], &r.counts[g])
		}
		s.few = few
	}
	clear(r.set)
	return s.bound()
}

// add makes a point of counts, unless they are all 0, and clears them. There is room
// for it. It is written field by field: a copy of the whole costs a third more.
func (s *scribe) add(bucket waybill.Bucket, key []string, counts *waybill.Counts) {
	some := int64(0)
	for _, n := range counts {
		some |= n
	}
	if some == 0 {
		return
	}
	s.out = s.out[:len(s.out)+1]
	p := &s.out[len(s.out)-1]
	p.Bucket = bucket
	p.Key = key
	p.Counts = *counts
	*counts = waybill.Counts{}
}

// grow makes room for the points of a sheet, and where there is none for as many as
// there will be, if they go on as they began: copying large answers costs more than
// adding them up.
func (s *scribe) grow(j *job) {
	need := len(s.out)
	for i := range j.buckets {
		need += j.rows[i].groups()
	}
	need = min(need, s.sorted+waybill.MaxPoints+len(j.order.values)) // where emit fails
	if need <= cap(s.out) {
		return
	}
	room, all := 2*need, s.to-s.from
	switch done := j.buckets[len(j.buckets)-1].End - s.from; {
	case done >= all:
		room = need
	case done > all/100:
		room = s.sorted + int(int64(need-s.sorted)*int64(all)/int64(done)*17/16)
	}
	s.out = append(waybill.MakePoints(max(need, min(room, waybill.MaxPoints))), s.out...)
}
