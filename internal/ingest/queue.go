package ingest

import (
	"cmp"
	"fmt"
	"slices"

	"waybill"
)

// A call is one Record that waits for its commit.
type call struct {
	owner  string
	events int // at least one
	batch  waybill.Batch

	outcomes []waybill.Outcome // these two are the store's answer
	err      error
	answered chan struct{} // buffered: nobody may be waiting any more

	// finish is how many events its owner would have been served with this
	// call, if all owners who wait were served one event each in turn.
	finish uint64
}

// start is how many it would have been served before.
func (c *call) start() uint64 { return c.finish - uint64(c.events) }

// A queue holds the calls of all owners in the order of their finish. That is
// first in, first out for the calls of one owner. Between owners it is fair
// whatever the sizes of their calls: a small call of one who has waited for
// nothing lately passes all large ones.
type queue struct {
	limit int // events
	batch int // events

	calls   []*call
	pending int               // events waiting or being committed
	served  uint64            // by how many events the least served owner is
	owners  map[string]*owner // all since the queue was last empty
}

type owner struct {
	pending int
	finish  uint64 // of the latest call
}

// push adds a call, or fails with Unavailable where its owner has its share
// already, or the queue is full. The last call let in may pass these bounds, so
// that a large one is not starved by small ones.
func (q *queue) push(c *call) error {
	o := q.owners[c.owner]
	if o == nil {
		o = new(owner)
	}
	if q.pending >= q.limit || overShare(o.pending, q.pending, q.limit) {
		return busy(fmt.Sprintf("%d events are waiting to be recorded", q.pending))
	}
	// Who had nothing to do starts level with the least served owner: time
	// spent idle earns nothing.
	o.finish = max(o.finish, q.served) + uint64(c.events)
	o.pending += c.events
	q.owners[c.owner] = o
	q.pending += c.events
	c.finish = o.finish
	i, _ := slices.BinarySearchFunc(q.calls, c.finish+1, func(c *call, finish uint64) int {
		return cmp.Compare(c.finish, finish)
	})
	q.calls = slices.Insert(q.calls, i, c)
	return nil
}

// take returns the calls of the next commit: as many as it needs to have batch
// events. The last one may pass that, so that a large call need not wait until
// no small ones come.
func (q *queue) take() []*call {
	if len(q.calls) == 0 {
		return nil
	}
	least := slices.MinFunc(q.calls, func(a, b *call) int { return cmp.Compare(a.start(), b.start()) })
	q.served = least.start()
	n, events := 0, 0
	for n < len(q.calls) && events < q.batch {
		events += q.calls[n].events
		n++
	}
	calls := slices.Clone(q.calls[:n])
	q.calls = slices.Delete(q.calls, 0, n)
	return calls
}

// release forgets a call that was taken and is answered.
func (q *queue) release(c *call) {
	q.pending -= c.events
	q.owners[c.owner].pending -= c.events
	if q.pending == 0 {
		clear(q.owners)
	}
}
