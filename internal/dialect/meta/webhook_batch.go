package meta

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/ingest"
)

const (
	dialectName = "meta"

	// maxParkedAccounts bounds how many unknown accounts one body may name,
	// since each costs a commit. Meta's bodies name few.
	maxParkedAccounts = 32
)

// A batch is what one webhook makes Waybill remember.
type batch struct {
	events   []waybill.Event
	facts    []directory.TemplateFact
	senders  map[string]map[string]string // new IDs of numbers, by channel and number
	unowned  []string                     // accounts of nobody, in the order of the body
	unread   map[string][][]byte          // their entries
	tally    tally
	foreign  int // reports about accounts of others
	unnamed  int // reports about what is no account
	overflow int // reports beyond maxParkedAccounts
}

// route distributes reports: those about channels that account may write to are
// to be recorded, those about accounts that nobody owns are to be kept until
// somebody does, and all others are dropped.
func route(view *directory.View, account string, reports []report, t tally) batch {
	b := batch{tally: t}
	callbacks := callbackReader{tally: &b.tally}
	for i := range reports {
		r := &reports[i]
		channel, known := view.Channel(r.account)
		switch {
		case known && channel.Provider == waybill.ProviderWABA && channel.Writable(account):
			b.own(r, channel, &callbacks)
		case known:
			b.foreign++
		case !isID(r.account):
			b.unnamed++
		default:
			b.keep(r)
		}
	}
	return b
}

// own adds a report about a channel.
func (b *batch) own(r *report, c waybill.Channel, callbacks *callbackReader) {
	for i := range r.events {
		r.events[i].Channel = c.Number
	}
	for _, a := range r.callbacks {
		callbacks.apply(c.Callback, a.text, &r.events[a.event].Labels)
	}
	for _, f := range r.facts {
		f.Channel = c.ID
		b.facts = append(b.facts, f)
	}
	b.learnSenders(r, c)
	if b.events == nil {
		b.events = r.events
		return
	}
	b.events = append(b.events, r.events...)
}

// learnSenders adds the IDs of numbers that are not known yet. As a rule there are
// none.
func (b *batch) learnSenders(r *report, c waybill.Channel) {
	for _, s := range r.senders {
		if _, known := c.SenderIDs[s.number]; known {
			continue
		}
		if b.senders == nil {
			b.senders = make(map[string]map[string]string)
		}
		if b.senders[c.ID] == nil {
			b.senders[c.ID] = make(map[string]string)
		}
		b.senders[c.ID][s.number] = s.id
	}
}

func (b *batch) keep(r *report) {
	if b.unread[r.account] == nil {
		if len(b.unowned) == maxParkedAccounts {
			b.overflow++
			return
		}
		b.unowned = append(b.unowned, r.account)
	}
	if b.unread == nil {
		b.unread = make(map[string][][]byte)
	}
	b.unread[r.account] = append(b.unread[r.account], r.raw)
}

// count counts what became of the reports; recorded events are counted by record.
func (b *batch) count(h *Webhook) {
	for _, c := range [...]struct {
		outcome string
		n       int
	}{
		{"malformed", b.tally.malformed},
		{"unknown_status", b.tally.unknownStatus},
		{"ignored", b.tally.ignored},
		{"vendor_error", b.tally.vendorErrors},
		{"bad_callback", b.tally.callbackErrors},
		{"foreign", b.foreign},
		{"no_account", b.unnamed},
		{"parking_full", b.overflow},
	} {
		h.metrics.Events(dialectName, c.outcome, c.n)
	}
}

// record makes the batch that account has signed durable but for what is to be
// parked: the events in one commit.
func (h *Webhook) record(ctx context.Context, b *batch, account string) (ingest.Receipt, error) {
	if len(b.facts) > 0 {
		if err := h.directory.Learn(ctx, b.facts); err != nil {
			return ingest.Receipt{}, fmt.Errorf("learn templates: %w", err)
		}
	}
	for channel, ids := range b.senders {
		err := h.directory.LearnSenderIDs(ctx, channel, ids)
		if err != nil && waybill.CodeOf(err) != waybill.NotFound { // the channel may have gone meanwhile
			return ingest.Receipt{}, fmt.Errorf("learn IDs of numbers: %w", err)
		}
	}
	if len(b.events) == 0 {
		return ingest.Receipt{}, nil
	}
	receipt, err := h.recorder.RecordFor(ctx, dialectName+"/"+account, b.events)
	if err != nil {
		return receipt, fmt.Errorf("record %d events: %w", len(b.events), err)
	}
	h.countReceipt(receipt, len(b.events))
	h.recycle(b.events)
	return receipt, nil
}

// recycle lets the next webhook have the memory of events that are recorded, unless
// there is more of it than one usually needs.
func (h *Webhook) recycle(events []waybill.Event) {
	const maxKept = 1024
	if cap(events) > maxKept {
		return
	}
	clear(events)
	events = events[:0]
	h.events.Put(&events)
}

func (h *Webhook) countReceipt(receipt ingest.Receipt, events int) {
	receipt.Count(h.metrics, dialectName, events, 0)
	if len(receipt.Rejected) > 0 {
		h.rejects.Do(func() {
			h.log.Warn("meta: events of a webhook rejected; others within a minute are only counted",
				"events", len(receipt.Rejected), "first", receipt.Rejected[0].Err)
		})
	}
}

// park keeps the entries about accounts of nobody, as webhooks of their own.
func (h *Webhook) park(ctx context.Context, b *batch, signer *waybill.App, received waybill.Instant) error {
	for _, account := range b.unowned {
		err := h.parking.Park(ctx, ingest.Parked{
			Dialect: dialectName, SignerAccount: signer.Account, VendorAccount: account, Signer: signer.ID,
			Received: received, Body: wrap(b.unread[account]),
		})
		if err != nil {
			return err
		}
		// The account may have got an owner, and its replay may be over,
		// while the body was on its way.
		if c, ok := h.directory.View().Channel(account); ok {
			h.ReplayParked(ctx, c)
		}
	}
	return nil
}

// wrap returns a webhook with the given entries.
func wrap(entries [][]byte) []byte {
	body := []byte(`{"object":"` + webhookObject + `","entry":[`)
	for i, e := range entries {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, e...)
	}
	return append(body, "]}"...)
}

// ReplayParked records what was parked for c before it was added, as far as it
// was signed by an app that may write to c. It is to be called for each channel
// that is added. What can't be recorded now stays parked.
func (h *Webhook) ReplayParked(ctx context.Context, c waybill.Channel) {
	if err := h.replay(ctx, c); err != nil {
		h.log.ErrorContext(ctx, "meta: parked webhooks not replayed", "channel", c.ID, "err", err)
	}
}

// ReplayAll does what ReplayParked does for all channels that exist. It is to be
// called once at start, because a replay may have been cut off. It tries all
// channels and returns the errors of those that failed.
func (h *Webhook) ReplayAll(ctx context.Context) error {
	var errs []error
	for _, c := range h.directory.View().Channels() {
		errs = append(errs, h.replay(ctx, c))
	}
	return errors.Join(errs...)
}

func (h *Webhook) replay(ctx context.Context, c waybill.Channel) error {
	if c.Provider != waybill.ProviderWABA {
		return nil
	}
	writers := []string{c.Account, c.ISV}
	return h.parking.Replay(ctx, dialectName, c.ID, writers, func(ctx context.Context, p ingest.Parked) (bool, error) {
		view := h.directory.View()
		app, ok := view.App(p.Signer)
		if !ok || !c.Writable(app.Account) {
			return false, nil
		}
		reports, _, err := h.decode(p.Body, p.Received)
		if err != nil {
			h.log.ErrorContext(ctx, "meta: parked webhook dropped", "channel", c.ID, "err", err)
			return true, nil
		}
		b := route(view, app.Account, reports, tally{})
		if _, err := h.record(ctx, &b, app.Account); err != nil {
			return false, err
		}
		h.log.InfoContext(ctx, "meta: parked webhook recorded",
			slog.String("channel", c.ID), slog.Int("events", len(b.events)))
		return true, nil
	})
}
