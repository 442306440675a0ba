package rest

import (
	"context"

	"waybill"
	"waybill/internal/event"
)

// erasureRequest is the body of a call that forgets a recipient.
type erasureRequest struct {
	Recipient string `json:"recipient"`
}

// erased is the answer to it.
type erased struct {
	Messages int `json:"messages"` // whose ID and recipient are forgotten
}

// postErasure forgets a recipient, and the IDs of the messages to it, in all
// channels. They count on. In copies of the store, backups among them, they stay.
func (a *API) postErasure(ctx context.Context, c *call) (any, error) {
	var asked erasureRequest
	if err := readObject(c, &asked, "recipient"); err != nil {
		return nil, err
	}
	if asked.Recipient == "" {
		return nil, waybill.Errorf(waybill.Invalid, "recipient is missing")
	}
	n, err := a.opt.Store.Erase(ctx, event.Number(asked.Recipient))
	return erased{n}, err
}
