package pebble

import (
	"cmp"
	"encoding/binary"
	"slices"

	"waybill"
)

// A table holds the states of one generation of messages: those that were touched
// since the generation began. It is an open-addressing table. A byte of each hash
// lies in tags, which the processor's cache can hold, so that what is not here is
// told without a look at the slots.
type table struct {
	tags  []uint8 // 0 is free
	slots []slot
	count int

	// doubled is set where a message may have two slots, as a replay can leave
	// it: one in a partition that is about to be dropped, and one of reports that
	// came after the horizon had moved.
	doubled bool

	extras     []*extra
	extraBytes int // memory of extras

	fetched uint32 // of no use but that the compiler leaves the reads in

	names []uint32 // by slot: 1 + place in arena; empty where names are not kept
	arena []byte   // ID and recipient of each message, as texts
}

type slot struct {
	hash    hash
	channel waybill.ChannelNumber
	stamp   uint32 // the last commit that touched it
	state
}

const smallestTable = 1 << 10

// newTable returns an empty table. It makes room as it fills.
func newTable(keepNames bool) *table {
	t := &table{}
	t.resize(smallestTable, keepNames)
	return t
}

func (t *table) resize(slots int, keepNames bool) {
	t.tags, t.slots = make([]uint8, slots), make([]slot, slots)
	if keepNames {
		t.names = make([]uint32, slots)
	}
}

// reset empties t and keeps its memory.
func (t *table) reset() {
	clear(t.tags)
	clear(t.names)
	clear(t.extras)
	t.count, t.extras, t.extraBytes, t.arena, t.doubled = 0, t.extras[:0], 0, t.arena[:0], false
}

func (h *hash) tag() uint8 { return uint8(h[1]>>24) | 1 }

func (t *table) home(h *hash) int { return int(uint64(h[0]) * uint64(len(t.tags)) >> 32) }

// find returns the slot of a message, or -1: the later one where it has two.
func (t *table) find(c waybill.ChannelNumber, h *hash) int {
	if t.doubled {
		return t.findLater(c, h)
	}
	tag := h.tag()
	for i := t.home(h); ; {
		switch t.tags[i] {
		case 0:
			return -1
		case tag:
			if s := &t.slots[i]; s.hash == *h && s.channel == c {
				return i
			}
		}
		if i++; i == len(t.tags) {
			i = 0
		}
	}
}

// atOnce is for how many ops what they need of a table is read at once, before it is
// needed. The processor waits for such reads together; one by one it would wait for
// each, since nearly every one misses its caches.
const atOnce = 64

// fetch reads what find will look at first.
func (t *table) fetch(ops []op) {
	read := uint32(0)
	for i := range ops {
		read += uint32(t.tags[t.home(&ops[i].hash)])
	}
	for i := range ops {
		if at := t.home(&ops[i].hash); t.tags[at] == ops[i].hash.tag() {
			read += t.slots[at].stamp
		}
	}
	t.fetched = read
}

// fetchSlots reads the slots of ops.
func (t *table) fetchSlots(ops []op) {
	read := uint32(0)
	for i := range ops {
		read += t.slots[ops[i].slot].stamp
	}
	t.fetched = read
}

func (t *table) findLater(c waybill.ChannelNumber, h *hash) int {
	latest := -1
	t.each(c, h, func(i int) bool {
		if latest < 0 || t.slots[i].part > t.slots[latest].part {
			latest = i
		}
		return true
	})
	return latest
}

// findIn returns the slot of a message in a partition, or -1.
func (t *table) findIn(c waybill.ChannelNumber, h *hash, p partition) int {
	found := -1
	t.each(c, h, func(i int) bool {
		if t.slots[i].part == p {
			found = i
		}
		return found < 0
	})
	return found
}

// each calls f with the slots of a message until it returns false.
func (t *table) each(c waybill.ChannelNumber, h *hash, f func(i int) bool) {
	tag := h.tag()
	for i := t.home(h); t.tags[i] != 0; {
		if s := &t.slots[i]; t.tags[i] == tag && s.hash == *h && s.channel == c && !f(i) {
			return
		}
		if i++; i == len(t.tags) {
			i = 0
		}
	}
}

// reserve makes room for n more messages. It moves the slots.
func (t *table) reserve(n int) {
	if (t.count+n)*3 <= len(t.tags)*2 {
		return
	}
	old := *t
	size := len(t.tags)
	for (t.count+n)*3 > size*2 {
		size *= 2
	}
	t.resize(size, t.names != nil)
	for i, tag := range old.tags {
		if tag == 0 {
			continue
		}
		j := t.free(&old.slots[i].hash)
		t.tags[j], t.slots[j] = tag, old.slots[i]
		if t.names != nil {
			t.names[j] = old.names[i]
		}
	}
}

func (t *table) free(h *hash) int {
	i := t.home(h)
	for t.tags[i] != 0 {
		if i++; i == len(t.tags) {
			i = 0
		}
	}
	return i
}

// insert adds a message that t does not have, for which there must be room.
func (t *table) insert(c waybill.ChannelNumber, h *hash, s state, x *extra) int {
	i := t.free(h)
	t.tags[i] = h.tag()
	s.extra = 0
	t.slots[i] = slot{hash: *h, channel: c, state: s}
	if t.names != nil {
		t.names[i] = 0
	}
	t.count++
	t.setExtra(i, x)
	return i
}

func (t *table) extraOf(s *state) *extra {
	if s.extra == 0 {
		return nil
	}
	return t.extras[s.extra-1]
}

func (t *table) setExtra(i int, x *extra) {
	s := &t.slots[i]
	t.extraBytes += x.memory() - t.extraOf(&s.state).memory()
	switch {
	case x == nil:
		s.extra = 0
	case s.extra != 0:
		t.extras[s.extra-1] = x
	default:
		t.extras = append(t.extras, x)
		s.extra = uint32(len(t.extras))
	}
}

// setName keeps the ID and recipient of the message in slot i.
func (t *table) setName(i int, id, recipient string) {
	t.names[i] = uint32(len(t.arena)) + 1
	t.arena = appendText(appendText(t.arena, id), recipient)
}

// name returns what setName kept, as bytes that belong to t, nil for nothing.
func (t *table) name(i int) []byte {
	if len(t.names) == 0 || t.names[i] == 0 {
		return nil
	}
	from := t.arena[t.names[i]-1:]
	rest := from
	for range 2 {
		n, k := binary.Uvarint(rest)
		rest = rest[k+int(n):]
	}
	return from[:len(from)-len(rest)]
}

// forgetNames drops all names.
func (t *table) forgetNames() {
	clear(t.names)
	clear(t.arena)
	t.arena = t.arena[:0]
}

// sorted returns the numbers of the slots in the order of their keys, without
// those of which nothing is known. The slots are nearly in the order of their
// hashes, so that each group needs little sorting.
func (t *table) sorted() []int32 {
	type group struct {
		part    partition
		channel waybill.ChannelNumber
	}
	groups := make(map[group][]int32)
	var last group
	var slots []int32
	for i, tag := range t.tags {
		if tag == 0 || t.slots[i].ref == noRef {
			continue
		}
		if g := (group{t.slots[i].part, t.slots[i].channel}); g != last {
			groups[last] = slots
			last, slots = g, groups[g]
		}
		slots = append(slots, int32(i))
	}
	groups[last] = slots
	keys := make([]group, 0, len(groups))
	for g := range groups {
		keys = append(keys, g)
	}
	slices.SortFunc(keys, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.channel, b.channel))
	})
	all := make([]int32, 0, t.count)
	for _, g := range keys {
		t.insertionSort(groups[g])
		all = append(all, groups[g]...)
	}
	return all
}

func (t *table) insertionSort(slots []int32) {
	// What was displaced around the end comes first and belongs last.
	wrapped := 0
	for wrapped < len(slots) && t.home(&t.slots[slots[wrapped]].hash) > int(slots[wrapped]) {
		wrapped++
	}
	if wrapped > 0 {
		slots2 := append(slices.Clone(slots[wrapped:]), slots[:wrapped]...)
		copy(slots, slots2)
	}
	for i := 1; i < len(slots); i++ {
		for j := i; j > 0 && t.slots[slots[j]].hash.less(&t.slots[slots[j-1]].hash); j-- {
			slots[j], slots[j-1] = slots[j-1], slots[j]
		}
	}
}

func (h *hash) less(o *hash) bool {
	switch {
	case h[0] != o[0]:
		return h[0] < o[0]
	case h[1] != o[1]:
		return h[1] < o[1]
	}
	return h[2] < o[2]
}
