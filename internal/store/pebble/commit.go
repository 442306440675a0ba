package pebble

import (
	"encoding/binary"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// A commit collects what one atomic step changes. There is one at a time, owned
// by who holds Store.writer.
type commit struct {
	s     *Store
	batch *engine.Batch
	stamp uint32

	due partition // histories before it could be dropped
	old bool      // whether events of such came

	loaded  int     // bytes of extras that were brought into the live table
	touched []int32 // slots of the live table, with named
	lists   []*list
	totals  map[totalKey]waybill.Counts
	grown   []*channel // whose dictionaries have new entries

	pending []difference
	recent  [64]*list // where the last lists were found
	memo    []memo
	slots   []waybill.Slot
	key     []byte
	value   []byte
	record  []byte
}

// named marks a touched slot whose name belongs into the log.
const named = 1 << 30

func newCommit(s *Store) *commit {
	return &commit{s: s, totals: make(map[totalKey]waybill.Counts), memo: make([]memo, 1<<memoBits)}
}

// begin empties c for a new step.
func (c *commit) begin() {
	c.batch = c.s.db.NewBatch()
	if c.stamp++; c.stamp == 0 { // which is that of what no commit has touched
		c.s.forgetStamps()
		c.stamp = 1
	}
	c.loaded = 0
	c.due, c.old = c.s.horizonAt(c.s.now()), false
	c.touched, c.lists, c.grown = c.touched[:0], c.lists[:0], c.grown[:0]
	clear(c.totals)
}

// forgetStamps makes everything look untouched, once all stamps have been used.
func (s *Store) forgetStamps() {
	for i := range s.live.slots {
		s.live.slots[i].stamp = 0
	}
	for _, l := range s.overlay.lists {
		l.stamp = 0
	}
	for _, ch := range s.channels {
		ch.grown = 0
	}
}

// abandon drops a step that has changed nothing yet.
func (c *commit) abandon() error { return c.batch.Close() }

// load brings the message of each op into the live table, so that what follows
// cannot fail. There must be room for them, since making it would move the slots. A
// message that is new gets its partition. It fails with TooLarge where they have more
// than a call may bring into memory.
func (c *commit) load(ops []op) error {
	t := c.s.live
	loaded := c.loaded
	most := loaded + c.s.maxLoaded()
	for i := range ops {
		if i%atOnce == 0 {
			t.fetch(ops[i:min(i+atOnce, len(ops))])
		}
		o := &ops[i]
		if o.at < c.s.horizon.start() {
			o.outcome = waybill.TooLate
			continue
		}
		c.old = c.old || o.at < c.due.start()
		slot := t.find(o.ch.Number, &o.hash)
		if slot < 0 {
			s, x, err := c.s.find(o.ch.Number, &o.hash, partitionOf(o.at))
			if err != nil {
				return err
			}
			slot = t.insert(o.ch.Number, &o.hash, s, x)
			if c.loaded += x.memory(); c.loaded > most {
				return waybill.Errorf(waybill.TooLarge,
					"the messages of the first %d of %d events have more than %d bytes of clicks: send fewer in one call",
					i+1, len(ops), most-loaded)
			}
		}
		o.slot = int32(slot)
		if s := &t.slots[slot]; s.ref == noRef {
			if p := partitionOf(o.at); s.part == 0 || p < s.part {
				s.part = p
			}
		}
	}
	return nil
}

// find returns what is known of a message that is not in the live table: a state
// with noRef where it is new.
func (s *Store) find(c waybill.ChannelNumber, h *hash, near partition) (state, *extra, error) {
	if s.previous != nil {
		t := s.previous.table
		if i := t.find(c, h); i >= 0 && t.slots[i].ref != noRef && t.slots[i].part >= s.horizon {
			return t.slots[i].state, t.extraOf(&t.slots[i].state), nil
		}
	}
	if b := s.filter.bloom.Load(); b != nil && !b.has(c, h) {
		return state{ref: noRef}, nil, nil
	}
	return s.findInRuns(c, h, near)
}

// findInRuns looks into all partitions, the likeliest first.
func (s *Store) findInRuns(c waybill.ChannelNumber, h *hash, near partition) (state, *extra, error) {
	words := &view{}
	if ch := s.channels[c]; ch != nil {
		words = &ch.words.view
	}
	for _, p := range s.partitionsNear(near) {
		st, err := s.readStored(&messageKey{p, c, *h}, words)
		if err != nil || st.state.ref != noRef {
			return st.state, st.extra, err
		}
	}
	return state{ref: noRef}, nil, nil
}

// apply merges an event into its message, of which load has found the slot.
func (c *commit) apply(o *op) {
	if o.outcome == waybill.TooLate {
		return
	}
	t := c.s.live
	slot := &t.slots[o.slot]
	before := slot.state
	c.keepName(t, o)
	if o.slow || before.extra != 0 {
		c.applySlowly(o)
		return
	}
	now := before
	if stage, ok := stageOf(o.status); ok && (now.at[stage] == 0 || o.at < now.at[stage]) {
		now.at[stage] = o.at
	}
	nothing := noRef
	if now.ref == noRef {
		now.ref = c.intern(o.ch, o.ch.blank(waybill.Instant(now.earliest())))
		nothing = int(now.ref)
	}
	if o.set != nil {
		now.ref = c.join(o.ch, now.ref, o.set)
	}
	if now.at != before.at || now.ref != before.ref && int(now.ref) != nothing {
		o.outcome = waybill.Changed
	}
	now.ref = c.marked(o.ch, now.ref, waybill.Instant(now.earliest()))
	if now == before {
		return
	}
	slot.state.at, slot.state.ref = now.at, now.ref
	c.touch(o.slot)
	c.countFast(o.ch, &before, &now)
}

// stageOf returns the stage that a status reports.
func stageOf(s waybill.Status) (waybill.Stage, bool) {
	switch s {
	case waybill.StatusAccepted:
		return waybill.Accepted, true
	case waybill.StatusSent:
		return waybill.Sent, true
	case waybill.StatusDelivered:
		return waybill.Delivered, true
	case waybill.StatusRead, waybill.StatusPlayed:
		return waybill.Read, true
	}
	return 0, false
}

// applySlowly does what apply does for all that few events have: failures, clicks,
// revisions.
func (c *commit) applySlowly(o *op) {
	t := c.s.live
	slot := &t.slots[o.slot]
	old := slot.state
	texts := c.s.texts.all()
	before := old.message(t.extraOf(&old), &o.ch.words.view, texts)
	m := before
	m.Merge(o.event.History())
	if !m.Equal(&before) {
		o.outcome = waybill.Changed
	}
	c.replace(o.ch, o.slot, &before, &m)
}

// replace puts m, once it is marked, in the place of what a slot has.
func (c *commit) replace(ch *channel, i int32, before, m *waybill.Message) {
	t := c.s.live
	slot := &t.slots[i]
	m.Mark(ch.MetricsEnabled)
	if slot.ref != noRef && m.Equal(before) {
		return
	}
	if slot.ref != noRef {
		c.count(ch, before, slot.ref, -1)
	}
	for s, at := range m.At {
		slot.at[s] = uint32(at)
	}
	slot.ref = c.intern(ch, c.s.tupleOf(m))
	t.setExtra(int(i), extraOf(m))
	c.count(ch, m, slot.ref, +1)
	c.emit(ch)
	c.touch(i)
}

// tupleOf returns the tuple of m.
func (s *Store) tupleOf(m *waybill.Message) *tuple {
	t := &tuple{}
	for l := range m.Labels {
		t.values[l] = s.texts.num(m.Labels[l].Value)
		t.setRank(l, m.Labels[l].Rank)
	}
	for flag, on := range map[uint8]bool{flagInbound: m.Inbound, flagTemplated: m.Templated, flagCollected: m.Collected} {
		if on {
			t.flags |= flag
		}
	}
	return t
}

// keepName keeps ID and recipient of a message when they are first seen.
func (c *commit) keepName(t *table, o *op) {
	slot := &t.slots[o.slot]
	recipient := ""
	if c.s.keep == KeepRecipients {
		recipient = o.event.Recipient
	}
	if c.s.keep == KeepNothing || slot.ref != noRef && (slot.known || recipient == "") {
		return
	}
	slot.known = recipient != ""
	t.setName(int(o.slot), o.event.Message, recipient)
	slot.stamp = c.stamp
	c.touched = append(c.touched, o.slot|named)
}

// touch notes that the state of a slot belongs into the log.
func (c *commit) touch(slot int32) {
	if s := &c.s.live.slots[slot]; s.stamp != c.stamp {
		s.stamp = c.stamp
		c.touched = append(c.touched, slot)
	}
}

// set adds c.key and c.value to the batch. A batch fails only where it would pass
// 4 GB; the rest of the commit then fails too.
func (c *commit) set() { _ = c.batch.Set(c.key, c.value, nil) }

// remove drops c.key from the store.
func (c *commit) remove() { _ = c.batch.Delete(c.key, nil) }

func (c *commit) grow(ch *channel) {
	if ch.grown != c.stamp {
		ch.grown = c.stamp
		c.grown = append(c.grown, ch)
	}
}

// empty reports whether c would change nothing.
func (c *commit) empty() bool {
	return len(c.touched) == 0 && len(c.lists) == 0 && c.batch.Empty()
}

// finish makes the step durable and visible to readers.
func (c *commit) finish() error {
	if c.empty() {
		return c.batch.Close()
	}
	s := c.s
	seq := s.seq + 1
	c.encode()
	c.publishWords()
	c.key = appendLogKey(c.key[:0], seq)
	batch := c.batch
	err := batch.Set(c.key, c.record, nil)
	if err == nil {
		err = s.disk.guard(func() error {
			if err := batch.Commit(engine.Sync); err != nil {
				return err
			}
			s.acknowledged.note(seq)
			return nil
		})
	}
	if err != nil {
		s.disk.stop(err) // whatever it was: what is stored is not known any more
		return s.disk.failure()
	}
	s.seq = seq
	c.publish()
	return batch.Close()
}

// publishWords lets readers see the words of the step before they can see the step.
func (c *commit) publishWords() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for _, ch := range c.grown {
		ch.view = ch.words.view
	}
}

func (c *commit) publish() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.overlay.publish(c.lists, c.totals)
	c.s.counters.live.Store(int64(c.s.live.count))
}

// encode writes the record of the log:
//
//	version:1, number of states, {channel, partition<<1 | named, hash:12, state,
//	[ID, recipient]}, number of lists, {list}
func (c *commit) encode() {
	t := c.s.live
	c.record = binary.AppendUvarint(append(c.record[:0], recordVersion), uint64(len(c.touched)))
	for _, i := range c.touched {
		s := &t.slots[i&^named]
		c.record = binary.AppendUvarint(c.record, uint64(s.channel))
		c.record = binary.AppendUvarint(c.record, uint64(s.part)<<1|uint64(i&named/named))
		for _, word := range s.hash {
			c.record = binary.BigEndian.AppendUint32(c.record, word)
		}
		c.record = appendState(c.record, &s.state, t.extraOf(&s.state))
		if i&named != 0 {
			c.record = append(c.record, t.name(int(i&^named))...)
		}
	}
	c.record = binary.AppendUvarint(c.record, uint64(len(c.lists)))
	for _, l := range c.lists {
		c.record = appendList(c.record, l)
		l.logged = len(l.all)
	}
}

const recordVersion = 1
