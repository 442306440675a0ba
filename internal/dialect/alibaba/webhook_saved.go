package alibaba

import (
	"context"

	"waybill"
	"waybill/internal/dialect"
)

// RecordSaved records a push about a channel that was saved when it came. It fails
// with NotFound where there is no such channel, and with Invalid for what is no
// push.
func (a *API) RecordSaved(ctx context.Context, channelID string, body []byte) (dialect.Saved, error) {
	h := a.receipts
	channel, ok := h.directory.View().Channel(channelID)
	if !ok || otherProvider(channel) {
		return dialect.Saved{}, waybill.Errorf(waybill.NotFound, "there is no channel %.100q of Alibaba's", channelID)
	}
	b, err := decodeReceipts(body, &channel, waybill.InstantOf(h.now()))
	if err != nil {
		return dialect.Saved{}, err
	}
	receipt, err := h.record(ctx, channel.Account, &b)
	if err != nil {
		return dialect.Saved{}, err
	}
	s := dialect.Saved{Events: len(b.events) - len(receipt.Rejected), Changed: receipt.Changed, TooLate: receipt.TooLate}
	s.Leave(b.malformed, "malformed")
	s.Leave(b.unknownStatus, "of an unknown status")
	s.Leave(b.foreign, "about another channel")
	for _, r := range receipt.Rejected {
		s.Left = append(s.Left, r.Err.Error())
	}
	return s, nil
}
