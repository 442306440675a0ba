// Package engine has the stores that are compared: Waybill's own, and the same
// ledger written plainly on Pebble, SQLite and PostgreSQL.
//
// The three others share the code that merges reports and finds out which
// counters change (ledger.go), so that they differ only in where states and
// counters lie: a row or key for each, changed in one durable transaction a
// batch. They are kept to what the traffic asks of them, in their favour. Only one
// report of a message carries labels; counters are by event; a message is found
// by a hash of 64 bits; codes of failures, recipients and IDs are not kept.
package engine

import (
	"context"
	"errors"
	"runtime/debug"

	"waybill"
	"waybill/bench/traffic"
	"waybill/internal/store/pebble"
)

// An Engine is what is measured of a waybill.Store, under the same contract.
type Engine interface {
	Append(ctx context.Context, events []waybill.Event) (outcomes []waybill.Outcome, err error)
	Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error)
	Close() error
}

// A Kind is a sort of engine.
type Kind struct {
	Name  string
	About string

	// Open opens the engine in a directory, which exists; what was in it is
	// kept. Other users must be able to enter the directories above it.
	Open func(ctx context.Context, dir string) (Engine, error)

	// Spare is the folder of files that are not needed after a clean stop, if
	// there is one.
	Spare string

	// Server tells that the engine is a process of its own, whose files cannot
	// be opened a second time.
	Server bool

	// Missing says what the engine needs and does not find here; empty where
	// it can run.
	Missing func() string
}

// Kinds are all engines. Ratios are to the first.
func Kinds() []Kind {
	here := func() string { return "" }
	return []Kind{
		{
			Name: "waybill", About: "internal/store/pebble",
			Open: openWaybill(pebble.Options{}), Missing: here,
		},
		{
			Name: "waybill-event", About: "the same without counting by send, IDs and recipients",
			Open: openWaybill(pebble.Options{EventBasisOnly: true, KeepNames: pebble.KeepNothing}), Missing: here,
		},
		{
			Name: "pebble", About: "Pebble, a key for each message and a merged key for each counter",
			Open: openPebble, Missing: here,
		},
		{
			Name: "sqlite", About: "SQLite, WAL, synchronous=FULL, rowid keys, a cache of recent messages",
			Open: openSQLite, Missing: missingSQLite,
		},
		{
			Name: "postgres", About: "PostgreSQL, a server of its own, upserts of arrays, the same cache",
			Open: openPostgres, Missing: missingPostgres, Spare: "data/pg_wal", Server: true,
		},
	}
}

// openWaybill returns how to open the store with the given options.
func openWaybill(opt pebble.Options) func(context.Context, string) (Engine, error) {
	opt.Now = traffic.Now
	return func(ctx context.Context, dir string) (Engine, error) {
		debug.SetGCPercent(pebble.GCPercent) // as the server does
		s, err := pebble.Open(dir, opt)
		if err != nil {
			return nil, err
		}
		if err := s.Configure(ctx, waybill.Change{Channels: traffic.Channels()}); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		return s, nil
	}
}
