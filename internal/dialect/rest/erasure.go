package rest

import (
	"context"

	"waybill"
	"waybill/internal/event"
)

// An erasure is the body of a call that forgets a recipient.
type erasure struct {
	Recipient string `json:"recipient" doc:"Phone number, or what else the vendor names the recipient by." example:"6281234567890"`
}

type erasureParams struct {
	Body erasure `body:""`
}

// erased is the answer to it.
type erased struct {
	Messages int `json:"messages" doc:"How many messages had their ID and recipient forgotten." example:"12"`
}

// postErasure forgets a recipient, and the IDs of the messages to it, in all
// channels. They count on. In copies of the store, backups among them, they stay.
func (a *API) postErasure(ctx context.Context, _ *call, p *erasureParams) (erased, error) {
	if p.Body.Recipient == "" {
		return erased{}, waybill.Errorf(waybill.Invalid, "recipient is missing")
	}
	n, err := a.opt.Store.Erase(ctx, event.Number(p.Body.Recipient))
	return erased{n}, err
}
