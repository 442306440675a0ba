package directory

import (
	"context"
	"maps"
	"slices"

	"waybill"
)

// This file has what calls and webhooks of Meta change in the directory, apart
// from what webhooks teach of templates.

// EnableInsights makes the template analytics of a channel answered, durable
// when it returns nil, and returns the state that stands. Where they are
// unavailable they stay so.
func (d *Directory) EnableInsights(ctx context.Context, channelID string) (waybill.Insights, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channelEntry(ctx, channelID)
	if err != nil {
		return waybill.InsightsDisabled, err
	}
	if c.Insights != waybill.InsightsDisabled {
		return c.Insights, nil
	}
	c.Insights = waybill.InsightsEnabled
	if err := d.commit(ctx, map[string]entry{recordKey(c): c}, d.next); err != nil {
		return waybill.InsightsDisabled, err
	}
	return c.Insights, nil
}

// channelEntry returns an entry to change. The caller holds d.mu.
func (d *Directory) channelEntry(ctx context.Context, id string) (channel, error) {
	if err := d.refresh(ctx); err != nil {
		return channel{}, err
	}
	c, ok := d.entries[recordKey(channel{waybill.Channel{ID: id}})].(channel)
	if !ok {
		return channel{}, waybill.Errorf(waybill.NotFound, "channel %q does not exist", id)
	}
	return c, nil
}

// SetLinkTracking says for all languages of a template whether its links are
// opted out of being tracked, durable when it returns nil. It fails with NotFound
// where there is no such template.
func (d *Directory) SetLinkTracking(ctx context.Context, channelID, code string, optedOut bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return err
	}
	known := d.View().TemplatesByCode(channelID, code)
	if len(known) == 0 {
		return waybill.Errorf(waybill.NotFound, "template %q of channel %q does not exist", code, channelID)
	}
	now := waybill.InstantOf(d.now())
	changes := make(map[string]entry)
	for _, k := range known {
		key := recordKey(template{channel: channelID, code: code, language: k.Language})
		t := d.entries[key].(template)
		if k.LinkTrackingOptedOut != optedOut {
			t.optedOut = written{Value: truth(optedOut), At: max(now, t.optedOut.At+1)}
			changes[key] = t
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return d.commit(ctx, changes, d.next)
}

// maxSenderIDs bounds what webhooks teach of the numbers of a channel.
const maxSenderIDs = 1000

// LearnSenderIDs keeps Meta's IDs of phone numbers of a channel, by number,
// durable when it returns nil. The first that is known of a number stays, unless
// a document says otherwise; an ID that was another number's is that no more. It
// costs no write where nothing is new.
func (d *Directory) LearnSenderIDs(ctx context.Context, channelID string, ids map[string]string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.channelEntry(ctx, channelID)
	if err != nil {
		return err
	}
	known := maps.Clone(c.SenderIDs)
	if known == nil {
		known = make(map[string]string)
	}
	for _, number := range slices.Sorted(maps.Keys(ids)) {
		if _, ok := known[number]; ok {
			continue
		}
		dropID(known, ids[number])
		if len(known) < maxSenderIDs {
			known[number] = ids[number]
		}
	}
	if maps.Equal(known, c.SenderIDs) {
		return nil
	}
	c.SenderIDs = known
	return d.commit(ctx, map[string]entry{recordKey(c): c}, d.next)
}

// dropID deletes the number that has an ID.
func dropID(ids map[string]string, id string) {
	maps.DeleteFunc(ids, func(_, of string) bool { return of == id })
}

// keepSenderIDs returns the IDs of a document with those that it leaves out. None
// is of two numbers.
func keepSenderIDs(want, have map[string]string) map[string]string {
	if len(have) == 0 {
		return want
	}
	all := maps.Clone(have)
	for _, id := range want {
		dropID(all, id)
	}
	maps.Copy(all, want)
	return all
}

// showSenderIDs returns what a diff shows of the IDs of numbers.
func showSenderIDs(ids map[string]string) []string {
	var list []string
	for _, number := range slices.Sorted(maps.Keys(ids)) {
		list = append(list, number+"="+ids[number])
	}
	return list
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
