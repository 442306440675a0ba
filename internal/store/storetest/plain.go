package storetest

import (
	"context"

	"waybill"
)

// A Plain is a batch of a store that prepares nothing.
type Plain struct {
	Events []waybill.Event

	outcomes []waybill.Outcome
	err      error
}

var _ waybill.Batch = (*Plain)(nil)

// Result implements waybill.Batch.
func (p *Plain) Result() ([]waybill.Outcome, error) { return p.outcomes, p.err }

// Release implements waybill.Batch.
func (p *Plain) Release() { *p = Plain{} }

// CommitPlain is Commit of a store whose batches are Plain and that can append.
func CommitPlain(ctx context.Context, batches []waybill.Batch,
	appendAll func(context.Context, []waybill.Event) ([]waybill.Outcome, error),
) {
	for _, b := range batches {
		p := b.(*Plain)
		p.outcomes, p.err = appendAll(ctx, p.Events)
	}
}
