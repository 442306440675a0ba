package pebble

import (
	"hash/maphash"
	"sync"

	"waybill"
)

// A labelSet is what an event says of its message apart from times. Most events
// share theirs with many others.
type labelSet struct {
	tuple
	id   uint64 // never used again
	hash uint64
}

// labelSets finds the labelSet of an event.
type labelSets struct {
	texts *texts
	seed  maphash.Seed

	mu     sync.RWMutex
	sets   map[uint64]*labelSet
	nextID uint64
}

// maxLabelSets bounds the cache; when it is full it begins anew.
const maxLabelSets = 1 << 17

func newLabelSets(t *texts) *labelSets {
	return &labelSets{texts: t, seed: maphash.MakeSeed(), sets: make(map[uint64]*labelSet)}
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
func (set *labelSet) says(e *waybill.Event, texts []string) bool {
	if set.flags != setFlags(e) {
		return false
	}
	for l := range e.Labels {
		v := &e.Labels[l]
		if texts[set.values[l]] != v.Value || v.Value != "" && set.rank(l) != v.Rank {
			return false
		}
	}
	return true
}

// resolve sets the label sets of ops whose events are plain.
func (s *labelSets) resolve(ops []op) {
	missing := false
	s.mu.RLock()
	texts := s.texts.all()
	for i := range ops {
		o := &ops[i]
		h, plain, empty := s.hashEvent(o.event)
		switch {
		case !plain:
			o.slow = true
		case !empty:
			set := s.sets[h]
			if set == nil || !set.says(o.event, texts) {
				missing = true
				continue
			}
			o.set = set
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
		if set := s.sets[h]; set != nil && set.says(o.event, s.texts.all()) {
			o.set = set
			continue
		}
		set := &labelSet{id: s.nextID, hash: h}
		s.nextID++
		set.flags = setFlags(o.event)
		for l := range o.event.Labels {
			if v := &o.event.Labels[l]; v.Value != "" {
				set.values[l] = s.texts.num(v.Value)
				set.setRank(l, v.Rank)
			}
		}
		if len(s.sets) >= maxLabelSets {
			clear(s.sets)
		}
		s.sets[h], o.set = set, set
	}
}
