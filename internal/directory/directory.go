// Package directory holds the tenants of an installation: accounts with their
// users, tokens, apps and MoMo clients, channels, and the registry of message
// templates. They live in the store, are read through an immutable View in
// memory, and change as a whole or not at all.
//
// Secrets are encrypted in the store; of tokens only a hash is kept. The package
// decides nothing about who may do what.
package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"waybill"
)

// Options are the surroundings of a Directory. The zero value is valid.
type Options struct {
	Now func() time.Time // time.Now where it is nil
	Log *slog.Logger     // nothing is logged where it is nil
}

// A Directory holds the tenants. It is the only writer of its records in the
// store. All methods can be called concurrently.
type Directory struct {
	store  waybill.Store
	sealer sealer
	now    func() time.Time
	log    *slog.Logger
	view   atomic.Pointer[View]

	mu        sync.Mutex // guards what follows, and serialises changes
	entries   map[string]entry
	next      waybill.ChannelNumber // of the next new channel
	uncertain bool                  // whether the store took the last change
	onChannel []func(context.Context, waybill.Channel)
}

// Open returns the directory that store holds, an empty one in a new store. A
// key other than the one that the store's secrets were written with is refused
// with Invalid.
func Open(ctx context.Context, store waybill.Store, key Key, opt Options) (*Directory, error) {
	s, err := newSealer(key)
	if err != nil {
		return nil, err
	}
	d := &Directory{store: store, sealer: s, now: opt.Now, log: opt.Log}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	known, err := d.checkKey(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.load(ctx); err != nil {
		return nil, err
	}
	if !known {
		return d, d.writeCheck(ctx)
	}
	return d, nil
}

// View returns the directory as it stands. The View never changes; call View
// again to see later changes.
func (d *Directory) View() *View { return d.view.Load() }

// OnChannel has f called with each channel that is added later, after it is
// stored and visible, before the Apply that adds it returns. f may use the
// Directory.
func (d *Directory) OnChannel(f func(ctx context.Context, c waybill.Channel)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onChannel = append(d.onChannel, f)
}

// SetMetricsEnabled sets the instant from which the metrics of a channel
// collect, unless one is set, and returns the instant that stands.
func (d *Directory) SetMetricsEnabled(
	ctx context.Context, channelID string, at waybill.Instant,
) (waybill.Instant, error) {
	if at <= waybill.Never {
		return waybill.Never, waybill.Errorf(waybill.Invalid, "instant %d is not after 1970-01-01", at)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.refresh(ctx); err != nil {
		return waybill.Never, err
	}
	key := recordKey(channel{waybill.Channel{ID: channelID}})
	c, ok := d.entries[key].(channel)
	if !ok {
		return waybill.Never, waybill.Errorf(waybill.NotFound, "channel %q does not exist", channelID)
	}
	if c.MetricsEnabled != waybill.Never {
		return c.MetricsEnabled, nil
	}
	c.MetricsEnabled = at
	if err := d.commit(ctx, map[string]entry{key: c}, d.next); err != nil {
		return waybill.Never, err
	}
	return at, nil
}

// keyCheck is what a store holds encrypted to know its key by.
const keyCheck = "waybill"

// checkKey compares the key with the check in the store and reports whether
// there is one.
func (d *Directory) checkKey(ctx context.Context) (known bool, err error) {
	records, err := d.store.Records(ctx, checkRecord)
	if err != nil {
		return false, fmt.Errorf("read key check: %w", err)
	}
	if len(records) == 0 {
		return false, nil
	}
	var have string
	if d.sealer.open(checkRecord, records[0].Value, &have) != nil || have != keyCheck {
		return false, waybill.Errorf(waybill.Invalid,
			"the secret key is not the one that the secrets of this store are encrypted with: "+
				"give the right WAYBILL_SECRET_KEY or key file")
	}
	return true, nil
}

func (d *Directory) writeCheck(ctx context.Context) error {
	sealed, err := d.sealer.seal(checkRecord, keyCheck)
	if err != nil {
		return err
	}
	check := waybill.Change{Records: []waybill.Record{{Key: checkRecord, Value: sealed}}}
	if err := d.store.Configure(ctx, check); err != nil {
		return fmt.Errorf("write key check: %w", err)
	}
	return nil
}

// load reads everything from the store.
func (d *Directory) load(ctx context.Context) error {
	records, err := d.store.Records(ctx, recordRoot)
	if err != nil {
		return fmt.Errorf("read directory: %w", err)
	}
	entries := make(map[string]entry, len(records))
	for _, r := range records {
		if entries[r.Key], err = decode(r, d.sealer); err != nil {
			return fmt.Errorf("read directory: %w", err)
		}
	}
	next, err := d.loadNext(ctx)
	if err != nil {
		return fmt.Errorf("read directory: %w", err)
	}
	d.entries, d.next, d.uncertain = entries, next, false
	d.view.Store(newView(entries, d.sealer.versions))
	return nil
}

// loadNext returns the number of the next new channel: larger than any that
// the store has ever seen.
func (d *Directory) loadNext(ctx context.Context) (waybill.ChannelNumber, error) {
	next := waybill.ChannelNumber(1)
	records, err := d.store.Records(ctx, nextRecord)
	if err != nil {
		return 0, err
	}
	for _, r := range records {
		if err := json.Unmarshal(r.Value, &next); err != nil {
			return 0, fmt.Errorf("record %s: %w", r.Key, err)
		}
	}
	channels, err := d.store.Channels(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range channels {
		next = max(next, c.Number+1)
	}
	return next, nil
}

// refresh reads the store again where the outcome of a change is unknown. The
// caller holds d.mu.
func (d *Directory) refresh(ctx context.Context) error {
	if !d.uncertain {
		return nil
	}
	return d.load(ctx)
}

// commit stores changes, by record key; nil deletes. next is the number of the
// next new channel. Only when the store has accepted do they become visible. The
// caller holds d.mu.
func (d *Directory) commit(
	ctx context.Context, changes map[string]entry, next waybill.ChannelNumber,
) error {
	change, err := d.encode(changes)
	if err != nil {
		return err
	}
	if next != d.next {
		change.Records = append(change.Records,
			waybill.Record{Key: nextRecord, Value: fmt.Append(nil, next)})
	}
	if err := d.store.Configure(ctx, change); err != nil {
		// A store whose context ended first has changed nothing.
		d.uncertain = d.uncertain || ctx.Err() == nil || !errors.Is(err, ctx.Err())
		return fmt.Errorf("store directory: %w", err)
	}
	d.next = next
	for key, e := range changes {
		if e == nil {
			delete(d.entries, key)
		} else {
			d.entries[key] = e
		}
	}
	d.view.Store(d.View().with(changes, d.entries))
	return nil
}

func (d *Directory) encode(changes map[string]entry) (waybill.Change, error) {
	var change waybill.Change
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		r := waybill.Record{Key: key}
		if e := changes[key]; e != nil {
			value, err := e.encode(d.sealer)
			if err != nil {
				return waybill.Change{}, err
			}
			r.Value = value
			if c, ok := e.(channel); ok {
				change.Channels = append(change.Channels, c.state())
			}
		}
		change.Records = append(change.Records, r)
	}
	return change, nil
}
