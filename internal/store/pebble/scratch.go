package pebble

import "sync"

// A scratch is memory that a question needs until it is answered. Questions hand it
// on to each other: made anew it would be most of what small ones take, and bring the
// garbage collector into large ones.
type scratch struct {
	sheets  [2]*sheet // empty
	slots   []int32
	groupOf []int32  // by ref: the group, undecided but for the refs in decided
	decided []uint32 // each once
}

// takeScratch returns a scratch that is spare, or a new one.
func takeScratch(spare *sync.Pool) *scratch {
	if mem, ok := spare.Get().(*scratch); ok {
		return mem
	}
	return &scratch{sheets: [2]*sheet{{}, {}}}
}

// give makes m spare. One that is large is left to the collector: such questions
// are rare, and take long anyway.
func (m *scratch) give(spare *sync.Pool) {
	const most = 16 << 20
	if 4*cap(m.groupOf)+4*cap(m.decided)+m.sheets[0].bytes()+m.sheets[1].bytes() <= most {
		spare.Put(m)
	}
}

// undecided returns n groups that are undecided, in the memory of those before.
func (m *scratch) undecided(n int) []int32 {
	if few := len(m.groupOf) / 8; len(m.decided) <= few {
		for _, ref := range m.decided {
			m.groupOf[ref] = undecided
		}
	} else {
		clear(m.groupOf)
	}
	m.decided = m.decided[:0]
	if n > len(m.groupOf) {
		m.groupOf = make([]int32, n+n/8)
	}
	return m.groupOf[:n]
}

// bytes returns the memory of s.
func (s *sheet) bytes() (n int) {
	for i := range s.rows {
		n += cap(s.rows[i].counts)*countsBytes + 8*cap(s.rows[i].set)
	}
	return n
}
