package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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

// recordOverhead is what a record is counted with beside its own bytes, so that
// a flood of tiny bodies is bounded as well.
const recordOverhead = 256

// ParkingOptions are the settings of a Parking; zero values take defaults.
type ParkingOptions struct {
	Now            func() time.Time
	MaxAge         time.Duration // how long a body is kept
	MaxBytes       int64         // of all bodies together
	MaxPerKey      int           // bodies of one vendor account
	MaxBytesPerKey int64         // of the bodies of one vendor account
	Metrics        *telemetry.Metrics
	Log            *slog.Logger
}

// A Parking keeps webhook bodies of vendor accounts that nobody owns yet, since
// the vendor will not send them again. All methods can be called concurrently,
// but not from within the callback of Replay, Park excepted.
type Parking struct {
	store waybill.Store
	opt   ParkingOptions
	turn  chan struct{} // holds one token while records are read and removed

	mu   sync.Mutex
	last uint64 // the latest sequence number
	all  usage
	by   map[string]usage // by prefix
}

// A usage is what a set of records takes.
type usage struct {
	bodies int
	bytes  int64
}

func (u usage) plus(v usage) usage {
	return usage{u.bodies + v.bodies, u.bytes + v.bytes}
}

func (u usage) minus(v usage) usage {
	return usage{u.bodies - v.bodies, u.bytes - v.bytes}
}

func usageOf(r waybill.Record) usage {
	return usage{1, int64(len(r.Key) + len(r.Value) + recordOverhead)}
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
	p := &Parking{store: store, opt: opt, turn: make(chan struct{}, 1), by: make(map[string]usage)}
	records, err := store.Records(context.Background(), parkedPrefix)
	if err != nil {
		return nil, fmt.Errorf("read parked bodies: %w", err)
	}
	for _, r := range records {
		cut := strings.LastIndexByte(r.Key, '/') + 1
		sequence, err := strconv.ParseUint(r.Key[cut:], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("parked body with key %q: %w", r.Key, err)
		}
		p.last = max(p.last, sequence)
		p.add(r.Key[:cut], usageOf(r))
	}
	return p, nil
}

// Park keeps a body, durable when it returns nil. A body over the bounds is
// dropped and counted, which is no error: whoever sent it could not help it.
//
// The owner may appear while the body is being parked. A caller must therefore
// look again after Park returns, and Replay if there is an owner by then.
func (p *Parking) Park(ctx context.Context, body Parked) error {
	if body.Received == waybill.Never {
		body.Received = waybill.InstantOf(p.opt.Now())
	}
	under := prefix(body.Dialect, body.VendorAccount)
	record := waybill.Record{Key: under, Value: body.encode()}
	if !p.admit(under, &record) {
		p.opt.Metrics.Events(body.Dialect, "parking_full", 1)
		p.opt.Log.Warn("parking is full, body dropped", "dialect", body.Dialect,
			"vendor_account", body.VendorAccount, "bytes", len(body.Body))
		return nil
	}
	if err := p.store.Configure(ctx, waybill.Change{Records: []waybill.Record{record}}); err != nil {
		p.forget(under, usageOf(record))
		return fmt.Errorf("park a body of %s: %w", body.Dialect, err)
	}
	p.opt.Metrics.Events(body.Dialect, "parked", 1)
	return nil
}

// admit completes the key of r with the next sequence number and reserves its
// place. It reports false where a bound would be passed.
func (p *Parking) admit(under string, r *waybill.Record) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The clock is only a floor, which keeps a number from being used again
	// after the bodies with higher ones are gone and the program restarted.
	sequence := max(p.last+1, uint64(max(p.opt.Now().UnixNano(), 0)))
	r.Key = fmt.Sprintf("%s%016x", under, sequence)
	u := usageOf(*r)
	own := p.by[under].plus(u)
	if p.all.plus(u).bytes > p.opt.MaxBytes ||
		own.bytes > p.opt.MaxBytesPerKey || own.bodies > p.opt.MaxPerKey {
		return false
	}
	p.last = sequence
	p.add(under, u)
	return true
}

// Replay gives the bodies of a vendor account to apply, in the order in which
// they came, and removes those that apply calls done. The others stay. An error
// of apply ends the replay and keeps its body and those behind it. Bodies that
// are parked during the replay are replayed too. One replay runs at a time.
func (p *Parking) Replay(ctx context.Context, dialect, vendorAccount string,
	apply func(context.Context, Parked) (done bool, err error),
) error {
	under := prefix(dialect, vendorAccount)
	if p.holds(under).bodies == 0 {
		return nil
	}
	release, err := p.take(ctx)
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
		done, err := p.applyAll(ctx, fresh, apply)
		p.opt.Metrics.Events(dialect, "replayed", len(done))
		if err := errors.Join(err, p.remove(ctx, under, done)); err != nil {
			return fmt.Errorf("replay parked bodies of %s account %q: %w", dialect, vendorAccount, err)
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

// applyAll returns the records that apply calls done, up to its first error.
func (p *Parking) applyAll(ctx context.Context, records []waybill.Record,
	apply func(context.Context, Parked) (bool, error),
) (done []waybill.Record, err error) {
	for _, r := range records {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		body, err := decodeParked(r.Value)
		if err != nil {
			p.opt.Log.Error("parked body is unreadable", "key", r.Key, "err", err)
			continue // Sweep drops it
		}
		ok, err := apply(ctx, body)
		if err != nil {
			return done, err
		}
		if ok {
			done = append(done, r)
		}
	}
	return done, nil
}

// Sweep drops the bodies that are older than MaxAge, and unreadable ones.
func (p *Parking) Sweep(ctx context.Context) error {
	release, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	horizon := waybill.InstantOf(p.opt.Now().Add(-p.opt.MaxAge))
	for _, under := range p.prefixes() {
		records, err := p.store.Records(ctx, under)
		if err != nil {
			return fmt.Errorf("read parked bodies: %w", err)
		}
		old := slices.DeleteFunc(records, func(r waybill.Record) bool {
			body, err := decodeParked(r.Value)
			return err == nil && body.Received >= horizon
		})
		if err := p.remove(ctx, under, old); err != nil {
			return fmt.Errorf("sweep parked bodies: %w", err)
		}
		dialect, _, _ := strings.Cut(strings.TrimPrefix(under, parkedPrefix), "/")
		p.opt.Metrics.Events(dialect, "parking_expired", len(old))
	}
	return nil
}

// remove deletes records under one prefix.
func (p *Parking) remove(ctx context.Context, under string, records []waybill.Record) error {
	if len(records) == 0 {
		return nil
	}
	var c waybill.Change
	var u usage
	for _, r := range records {
		c.Records = append(c.Records, waybill.Record{Key: r.Key})
		u = u.plus(usageOf(r))
	}
	if err := p.store.Configure(ctx, c); err != nil {
		return err
	}
	p.forget(under, u)
	return nil
}

// take waits for the turn of the caller to read and remove records: two of them
// at once would subtract a record twice.
func (p *Parking) take(ctx context.Context) (release func(), err error) {
	select {
	case p.turn <- struct{}{}:
		return func() { <-p.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// add counts records that are kept; the caller holds mu or owns p alone.
func (p *Parking) add(under string, u usage) {
	p.all = p.all.plus(u)
	p.by[under] = p.by[under].plus(u)
}

// forget counts records that are gone. A Park that failed may have been stored
// all the same, so that more can be removed than was counted.
func (p *Parking) forget(under string, u usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.by[under]
	gone := usage{min(u.bodies, own.bodies), min(u.bytes, own.bytes)}
	if gone.bodies == own.bodies {
		gone = own
	}
	p.all = p.all.minus(gone)
	p.by[under] = own.minus(gone)
	if p.by[under].bodies == 0 {
		delete(p.by, under)
	}
}

func (p *Parking) holds(under string) usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.by[under]
}

func (p *Parking) prefixes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.by))
}
