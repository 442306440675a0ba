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
	events := batch.Events
	outcomes, err := l.Store.Append(ctx, events)
	if waybill.CodeOf(err) == waybill.Invalid {
		// Rarely is one invalid, so that they are looked at one by one only then.
		if events = l.valid(batch); len(events) < len(batch.Events) {
			outcomes, err = l.Store.Append(ctx, events)
		}
	}
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

// valid returns the valid events of a batch, and rejects the others.
func (l *Local) valid(batch *event.Batch) []waybill.Event {
	now := l.Now()
	valid := make([]waybill.Event, 0, len(batch.Events))
	for i := range batch.Events {
		if err := batch.Events[i].Validate(now); err != nil {
			batch.Reject(i, err)
			continue
		}
		valid = append(valid, batch.Events[i])
	}
	return valid
}
