package meta

import (
	"context"

	"waybill"
	"waybill/internal/dialect"
)

// RecordSaved records the body of a webhook of an app that was saved when it came.
// Accounts that are no channel's wait for one as those of a webhook do. It fails
// with NotFound where there is no such app, and with Invalid for what is no
// webhook.
func (h *Webhook) RecordSaved(ctx context.Context, appID string, body []byte) (dialect.Saved, error) {
	view := h.directory.View()
	app, ok := view.App(appID)
	if !ok {
		return dialect.Saved{}, waybill.Errorf(waybill.NotFound, "there is no app %.100q", appID)
	}
	received := waybill.InstantOf(h.now())
	reports, tally, err := h.decode(body, received)
	if err != nil {
		return dialect.Saved{}, err
	}
	b := route(view, app.Account, reports, tally)
	events := len(b.events)
	receipt, err := h.record(ctx, &b, app.Account)
	if err != nil {
		return dialect.Saved{}, err
	}
	if err := h.park(ctx, &b, &app, received); err != nil {
		return dialect.Saved{}, err
	}
	s := dialect.Saved{Events: events - len(receipt.Rejected), Changed: receipt.Changed, TooLate: receipt.TooLate}
	s.Leave(b.tally.malformed, "malformed")
	s.Leave(b.tally.unknownStatus, "of an unknown status")
	s.Leave(b.tally.callbackErrors, "with callback data that is not in the channel's format")
	s.Leave(b.foreign, "about channels that the app may not write to")
	s.Leave(b.unnamed, "about what is no account")
	s.Leave(b.overflow, "about too many unknown accounts in one body")
	for _, account := range b.unowned {
		s.Left = append(s.Left, "account "+account+" is no channel: its reports wait until it is one")
	}
	for _, r := range receipt.Rejected {
		s.Left = append(s.Left, r.Err.Error())
	}
	return s, nil
}
