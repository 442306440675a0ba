package storetest

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"waybill"
)

// Recipient implements waybill.Store.
func (s *Model) Recipient(ctx context.Context, c waybill.ChannelNumber, id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := messageID{c, id}
	if _, ok := s.events[k]; !ok {
		return "", waybill.Errorf(waybill.NotFound, "message %q", id)
	}
	return s.recipient(k), ctx.Err()
}

// recipient returns the first one that was named.
func (s *Model) recipient(k messageID) string {
	for _, e := range s.events[k] {
		if e.Recipient != "" && !s.erased[k] {
			return e.Recipient
		}
	}
	return ""
}

// Messages implements waybill.Store. The pages are in the order of the IDs.
func (s *Model) Messages(ctx context.Context, q waybill.MessageQuery) (waybill.MessagePage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := q.Validate(); err != nil {
		return waybill.MessagePage{}, err
	}
	after, err := hex.DecodeString(q.After)
	if err != nil {
		return waybill.MessagePage{}, waybill.Errorf(waybill.Invalid, "after %q", q.After)
	}
	var ids []string
	for k := range s.events {
		if k.channel == q.Channel && k.id > string(after) && s.countsIn(&q, k) {
			ids = append(ids, k.id)
		}
	}
	slices.Sort(ids)
	var page waybill.MessagePage
	for _, id := range ids {
		if len(page.Messages) == q.Limit {
			page.Next = hex.EncodeToString([]byte(ids[q.Limit-1]))
			break
		}
		k := messageID{q.Channel, id}
		found := waybill.FoundMessage{
			ID: id, Recipient: s.recipient(k), Message: Join(s.channels[q.Channel], s.events[k]),
		}
		if s.erased[k] {
			found.ID = ""
		}
		page.Messages = append(page.Messages, found)
	}
	return page, ctx.Err()
}

// countsIn looks at all cells of a message.
func (s *Model) countsIn(q *waybill.MessageQuery, k messageID) bool {
	counted := q.Query()
	from, to := newBuckets(counted).rounded()
	for cell := range Cells(s.channels[k.channel], s.events[k]) {
		at := waybill.Instant(cell.Slot.Quarter) * quarter
		if cell.Slot.Metric == q.Metric && at >= from && at < to && counts(counted, k.channel, cell) &&
			(q.Detail == "" || valueOf(counted, waybill.DimDetail, k.channel, cell) == q.Detail) {
			return true
		}
	}
	return false
}

// Erase implements waybill.Store.
func (s *Model) Erase(ctx context.Context, recipient string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.TrimSpace(recipient) == "" {
		return 0, waybill.Errorf(waybill.Invalid, "recipient is missing")
	}
	n := 0
	for k := range s.events {
		if s.recipient(k) == recipient {
			s.erased[k] = true
			n++
		}
	}
	return n, ctx.Err()
}
