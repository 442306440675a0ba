package pebble

import (
	"hash/maphash"
	"sync"

	"waybill"
)

// A labelSet is what an event says of its message apart from times. Most events
// share theirs with many others.
//
// Texts get their numbers when they become part of a tuple, which the writer sees
// to: what is refused, or loses against what is known, must not fill the dictionary.
type labelSet struct {
	tuple // its values are owned by the writer: 0 until their numbers are needed
	texts string
	ends  [waybill.NumLabels]uint16 // where the text of each label ends in texts
	id    uint64                    // never used again
	last  memo                      // a join of it, owned by the writer
}

// text returns the text of a label.
func (set *labelSet) text(l int) string {
	from := uint16(0)
	if l > 0 {
		from = set.ends[l-1]
	}
	return set.texts[from:set.ends[l]]
}

// number returns the number of the text of a label. Only the writer calls it.
func (set *labelSet) number(l int, t *texts) uint32 {
	if set.values[l] == 0 {
		set.values[l] = t.num(set.text(l))
	}
	return set.values[l]
}

// labelSets finds the labelSet of an event.
type labelSets struct {
	seed maphash.Seed

	mu     sync.RWMutex
	sets   map[uint64]*labelSet
	bytes  int // of their texts
	nextID uint64
}

// maxLabelSets and maxLabelBytes bound the cache; when it is full it begins anew.
const (
	maxLabelSets  = 1 << 17
	maxLabelBytes = 32 << 20
)

func newLabelSets() *labelSets {
	return &labelSets{seed: maphash.MakeSeed(), sets: make(map[uint64]*labelSet)}
}

func setFlags(e *waybill.Event) (flags uint8) {
	if e.Inbound {
		flags |= flagInbound
	}
	if e.Templated {
		flags |= flagTemplated
	}
	return flags
}

// hashEvent returns a hash of what makes a labelSet. plain is false where there is
// none, because a label has a revision; empty is true where e says nothing.
func (s *labelSets) hashEvent(e *waybill.Event) (h uint64, plain, empty bool) {
	h, empty = uint64(setFlags(e)), !e.Inbound && !e.Templated
	for l := range e.Labels {
		v := &e.Labels[l]
		if v.Value == "" {
			continue
		}
		if v.Rev != 0 {
			return 0, false, false
		}
		empty = false
		h = (h ^ maphash.String(s.seed, v.Value) ^ uint64(l)<<8 ^ uint64(v.Rank)) * 0x9e3779b97f4a7c15
		h ^= h >> 31
	}
	return h, true, empty
}

// says reports whether set is what e says.
func (set *labelSet) says(e *waybill.Event) bool {
	if set.flags != setFlags(e) {
		return false
	}
	for l := range e.Labels {
		v := &e.Labels[l]
		if set.text(l) != v.Value || v.Value != "" && (set.rank(l) != v.Rank || v.Rev != 0) {
			return false
		}
	}
	return true
}

// resolve sets the label sets of ops whose events are plain. Many say what the one
// before them does, which is sooner seen than hashed.
func (s *labelSets) resolve(ops []op) {
	missing := false
	var last *labelSet
	s.mu.RLock()
	for i := range ops {
		o := &ops[i]
		if last != nil && last.says(o.event) {
			o.set = last
			continue
		}
		h, plain, empty := s.hashEvent(o.event)
		switch {
		case !plain:
			o.slow = true
		case !empty:
			set := s.sets[h]
			if set == nil || !set.says(o.event) {
				missing = true
				continue
			}
			o.set, last = set, set
		}
	}
	s.mu.RUnlock()
	if missing {
		s.add(ops)
	}
}

// add makes the label sets that resolve did not find.
func (s *labelSets) add(ops []op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range ops {
		o := &ops[i]
		if o.slow || o.set != nil {
			continue
		}
		h, _, empty := s.hashEvent(o.event)
		if empty {
			continue
		}
		if set := s.sets[h]; set != nil && set.says(o.event) {
			o.set = set
			continue
		}
		if len(s.sets) >= maxLabelSets || s.bytes >= maxLabelBytes {
			clear(s.sets)
			s.bytes = 0
		}
		set := s.make(o.event)
		s.sets[h], o.set = set, set
	}
}

// make returns the label set of an event. It copies texts, which may be part of a
// large body, into one: a text of its own for each label is what the garbage collector
// would look at most.
func (s *labelSets) make(e *waybill.Event) *labelSet {
	set := &labelSet{id: s.nextID}
	s.nextID++
	set.flags = setFlags(e)
	var all []byte
	for l := range e.Labels {
		if v := &e.Labels[l]; v.Value != "" {
			set.setRank(l, v.Rank)
			all = append(all, v.Value...)
		}
		set.ends[l] = uint16(len(all))
	}
	set.texts = string(all)
	s.bytes += len(all)
	return set
}
