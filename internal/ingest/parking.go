package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"waybill"
	"waybill/internal/telemetry"
)

// The defaults of ParkingOptions.
const (
	DefaultMaxAge         = 7 * 24 * time.Hour
	DefaultMaxBytes       = 64 << 20
	DefaultMaxPerKey      = 1000
	DefaultMaxBytesPerKey = 8 << 20
)

const (
	// recordOverhead is what a record is counted with beside its own bytes,
	// so that a flood of tiny bodies is bounded as well.
	recordOverhead = 256

	// sweepBatch is how many bodies Sweep drops in one commit.
	sweepBatch = 1000
)

// ParkingOptions are the settings of a Parking; zero values take defaults.
type ParkingOptions struct {
	Now    func() time.Time
	MaxAge time.Duration // how long a body is kept

	// MaxBytes bounds all bodies together. One signer account gets a share
	// of it: a third of what the others leave, thus a quarter when it is
	// alone.
	MaxBytes int64

	MaxPerKey      int   // bodies of one signer account about one vendor account
	MaxBytesPerKey int64 // of these bodies

	Metrics *telemetry.Metrics
	Log     *slog.Logger
}

// A Parking keeps webhook bodies of vendor accounts that nobody owns yet, since
// the vendor will not send them again. What one signer account parks takes no
// place from another's. All methods can be called concurrently, but not from
// within the callback of Replay, Park excepted.
type Parking struct {
	store waybill.Store
	opt   ParkingOptions
	full  rate.Sometimes // tells the log, where any tenant could fill it

	mu   sync.Mutex
	last uint64 // the latest sequence number
	kept shelves
	busy map[string]chan struct{} // prefixes being replayed; closed afterwards
}

// NewParking returns a Parking with the bodies that store already keeps.
func NewParking(store waybill.Store, opt ParkingOptions) (*Parking, error) {
	opt.MaxAge = cmp.Or(opt.MaxAge, DefaultMaxAge)
	opt.MaxBytes = cmp.Or(opt.MaxBytes, DefaultMaxBytes)
	opt.MaxPerKey = cmp.Or(opt.MaxPerKey, DefaultMaxPerKey)
	opt.MaxBytesPerKey = cmp.Or(opt.MaxBytesPerKey, DefaultMaxBytesPerKey)
	opt.Log = cmp.Or(opt.Log, slog.New(slog.DiscardHandler))
	if opt.Now == nil {
		opt.Now = time.Now
	}
	p := &Parking{
		store: store, opt: opt,
		full: rate.Sometimes{Interval: time.Minute},
		kept: shelves{by: make(map[string]*shelf), of: make(map[string]int64)},
		busy: make(map[string]chan struct{}),
	}
	records, err := store.Records(context.Background(), parkedPrefix)
	if err != nil {
		return nil, fmt.Errorf("read parked bodies: %w", err)
	}
	for i := range records {
		at, err := placeOf(&records[i])
		if err != nil {
			return nil, err
		}
		p.last = max(p.last, at.sequence)
		p.kept.add(at)
	}
	return p, nil
}

// placeOf returns the place of a record. An unreadable body has no time, so that
// Sweep drops it.
func placeOf(r *waybill.Record) (place, error) {
	cut := strings.LastIndexByte(r.Key, '/') + 1
	sequence, err := strconv.ParseUint(r.Key[cut:], 16, 64)
	if err != nil {
		return place{}, fmt.Errorf("parked body with key %q: %w", r.Key, err)
	}
	at := place{under: r.Key[:cut], sequence: sequence, bytes: sizeOf(r)}
	if body, err := decodeParked(r.Value); err == nil {
		at.received = body.Received
	}
	return at, nil
}

func sizeOf(r *waybill.Record) int64 { return int64(len(r.Key) + len(r.Value) + recordOverhead) }

// Park keeps a body, durable when it returns nil. A body over the bounds is
// dropped and counted, which is no error: whoever sent it could not help it.
//
// The owner may appear while the body is being parked. A caller must therefore
// look again after Park returns, and Replay if there is an owner by then.
func (p *Parking) Park(ctx context.Context, body Parked) error {
	if body.Received == waybill.Never {
		body.Received = waybill.InstantOf(p.opt.Now())
	}
	record := waybill.Record{Value: body.encode()}
	at, ok := p.admit(&body, &record)
	if !ok {
		p.opt.Metrics.Events(body.Dialect, "parking_full", 1)
		p.full.Do(func() {
			p.opt.Log.Warn("parking is full, a body is dropped; others within a minute are only counted",
				"dialect", body.Dialect, "account", body.SignerAccount,
				"vendor_account", body.VendorAccount, "bytes", len(body.Body))
		})
		return nil
	}
	if err := p.store.Configure(ctx, waybill.Change{Records: []waybill.Record{record}}); err != nil {
		p.forget([]place{at})
		return fmt.Errorf("park a body of %s: %w", body.Dialect, err)
	}
	p.opt.Metrics.Events(body.Dialect, "parked", 1)
	return nil
}

// admit completes r with its key and reserves its place. It reports false where
// a bound would be passed.
func (p *Parking) admit(body *Parked, r *waybill.Record) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The clock is only a floor, which keeps a number from being used again
	// after the bodies with higher ones are gone and the program restarted.
	sequence := max(p.last+1, uint64(max(p.opt.Now().UnixNano(), 0)))
	at := place{under: body.prefix(), sequence: sequence, received: body.Received}
	r.Key = at.key()
	at.bytes = sizeOf(r)
	if own := p.kept.by[at.under]; own != nil &&
		(len(own.places) >= p.opt.MaxPerKey || own.bytes+at.bytes > p.opt.MaxBytesPerKey) {
		return place{}, false
	}
	if overShare(p.kept.of[parent(at.under)]+at.bytes, p.kept.bytes+at.bytes, p.opt.MaxBytes) {
		return place{}, false
	}
	p.last = sequence
	p.kept.add(at)
	return at, true
}

// Replay gives the bodies about a vendor account that were signed for any of the
// given accounts to apply, account by account in the order in which they came,
// and removes those that apply calls done. The others stay. An error of apply
// ends the replay and keeps its body and those behind it. Bodies that are parked
// during the replay are replayed too. Replays of the same bodies wait for one
// another.
func (p *Parking) Replay(ctx context.Context, dialect, vendorAccount string, accounts []string,
	apply func(context.Context, Parked) (done bool, err error),
) error {
	for _, account := range accounts {
		under := prefix(dialect, account, vendorAccount)
		if !p.holds(under) {
			continue
		}
		if err := p.replay(ctx, dialect, under, apply); err != nil {
			return fmt.Errorf("replay bodies of %s account %q parked for %s: %w", dialect, vendorAccount, account, err)
		}
	}
	return nil
}

func (p *Parking) replay(ctx context.Context, dialect, under string,
	apply func(context.Context, Parked) (bool, error),
) error {
	release, err := p.take(ctx, under)
	if err != nil {
		return err
	}
	defer release()
	seen := make(map[string]bool)
	for {
		fresh, err := p.fresh(ctx, under, seen)
		if err != nil || len(fresh) == 0 {
			return err
		}
		done, failure := p.applyAll(ctx, fresh, apply)
		gone, err := p.remove(ctx, done)
		p.opt.Metrics.Events(dialect, "replayed", len(gone))
		if err := errors.Join(failure, err); err != nil {
			return err
		}
	}
}

// fresh returns the records under a prefix that are not yet in seen, and adds
// them to it.
func (p *Parking) fresh(ctx context.Context, under string, seen map[string]bool) ([]waybill.Record, error) {
	records, err := p.store.Records(ctx, under)
	if err != nil {
		return nil, fmt.Errorf("read parked bodies: %w", err)
	}
	records = slices.DeleteFunc(records, func(r waybill.Record) bool { return seen[r.Key] })
	for _, r := range records {
		seen[r.Key] = true
	}
	return records, nil
}

// applyAll returns the places of the records that apply calls done, up to its
// first error.
func (p *Parking) applyAll(ctx context.Context, records []waybill.Record,
	apply func(context.Context, Parked) (bool, error),
) (done []place, err error) {
	for i := range records {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		at, err := placeOf(&records[i])
		if err != nil {
			return done, err
		}
		body, err := decodeParked(records[i].Value)
		if err != nil {
			p.opt.Log.Error("parked body is unreadable", "key", records[i].Key, "err", err)
			continue // Sweep drops it
		}
		ok, err := apply(ctx, body)
		if err != nil {
			return done, err
		}
		if ok {
			done = append(done, at)
		}
	}
	return done, nil
}

// Sweep drops the bodies that are older than MaxAge, and unreadable ones. It
// keeps nobody else waiting.
func (p *Parking) Sweep(ctx context.Context) error {
	p.mu.Lock()
	old := p.kept.before(waybill.InstantOf(p.opt.Now().Add(-p.opt.MaxAge)))
	p.mu.Unlock()
	for part := range slices.Chunk(old, sweepBatch) {
		gone, err := p.remove(ctx, part)
		if err != nil {
			return fmt.Errorf("sweep parked bodies: %w", err)
		}
		for _, at := range gone {
			p.opt.Metrics.Events(at.dialect(), "parking_expired", 1)
		}
	}
	return nil
}

// remove deletes bodies in one commit and returns those that were still there.
func (p *Parking) remove(ctx context.Context, places []place) ([]place, error) {
	if len(places) == 0 {
		return nil, nil
	}
	var c waybill.Change
	for _, at := range places {
		c.Records = append(c.Records, waybill.Record{Key: at.key()})
	}
	if err := p.store.Configure(ctx, c); err != nil {
		return nil, err
	}
	return p.forget(places), nil
}

// forget returns the places that were there.
func (p *Parking) forget(places []place) []place {
	p.mu.Lock()
	defer p.mu.Unlock()
	var gone []place
	for _, at := range places {
		if p.kept.remove(at) {
			gone = append(gone, at)
		}
	}
	return gone
}

// take waits for the turn of the caller to replay what is under a prefix: two at
// once would apply a body twice.
func (p *Parking) take(ctx context.Context, under string) (release func(), err error) {
	for {
		p.mu.Lock()
		other := p.busy[under]
		if other == nil {
			own := make(chan struct{})
			p.busy[under] = own
			p.mu.Unlock()
			return func() { p.giveBack(under, own) }, nil
		}
		p.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *Parking) giveBack(under string, turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, under)
	close(turn)
}

func (p *Parking) holds(under string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept.by[under] != nil
}
