package load

import (
	"context"
	"sync"
	"time"

	"waybill"
	"waybill/internal/event"
)

// Local is a Sink that appends to a store. Its calls share commits as the store's
// do, so that events of one piece are decoded while those of another are written.
type Local struct {
	Store    waybill.Store
	Channels event.Channels
	Now      func() time.Time // the clock that bounds the times of events

	events sync.Pool // of *[]waybill.Event, for the next piece
}

// Take implements Sink.
func (l *Local) Take(ctx context.Context, p *Piece) (Result, error) {
	room, ok := l.events.Get().(*[]waybill.Event)
	if !ok {
		room = new([]waybill.Event)
	}
	batch, err := event.ParseInto(*room, p.Text, l.Channels)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		*room = batch.Events
		clear(*room) // the texts of the events need not stay in memory
		l.events.Put(room)
	}()
	checked, rejected := waybill.Check(batch.Events, l.Now())
	for _, x := range rejected {
		batch.Reject(x.Index, x.Err)
	}
	prepared, err := l.Store.Prepare(checked)
	if err != nil {
		return Result{}, err
	}
	defer prepared.Release()
	l.Store.Commit(ctx, []waybill.Batch{prepared})
	outcomes, err := prepared.Result()
	if err != nil {
		return Result{}, err
	}
	r := Result{Received: batch.Received}
	for _, o := range outcomes {
		switch o {
		case waybill.Changed:
			r.Changed++
		case waybill.TooLate:
			r.TooLate++
		}
	}
	for _, x := range batch.Rejections() {
		r.Rejected = append(r.Rejected, Rejection{Line: x.Line, Reason: x.Error})
	}
	r.Rejected = p.rejections(r.Rejected)
	return r, nil
}
