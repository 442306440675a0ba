package engine

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver sqlite3

	"waybill"
)

// sqliteTables are tables of an SQLite database. The key of a message is the
// rowid, whose B-tree is the smallest and fastest that SQLite has.
type sqliteTables struct {
	db                    *sql.DB
	states, cells, tuples *inserter
}

func missingSQLite() string {
	db, err := sql.Open("sqlite3", ":memory:")
	if err == nil {
		err = errors.Join(db.Ping(), db.Close())
	}
	if err != nil {
		return "cgo: set CGO_ENABLED=1"
	}
	return ""
}

func openSQLite(ctx context.Context, dir string) (Engine, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "ledger.db")+
		"?_journal_mode=WAL&_synchronous=FULL&_cache_size=-262144&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // one cache of pages
	t := &sqliteTables{db: db}
	refs, err := t.prepare(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return newLedger(t, refs, recentMessages), nil
}

// prepare makes what the database does not have yet and returns its tuples.
func (t *sqliteTables) prepare(ctx context.Context) (map[tuple]uint32, error) {
	script := fmt.Sprintf(schema, "INTEGER", "", " WITHOUT ROWID") + "PRAGMA wal_autocheckpoint = 16384"
	if _, err := t.db.ExecContext(ctx, script); err != nil {
		return nil, err
	}
	var err error
	for _, in := range []struct {
		to         **inserter
		table      string
		columns    int
		onConflict string
	}{
		{&t.states, "states", 8, stateUpsert},
		{&t.cells, "cells", 8, cellUpsert},
		{&t.tuples, "tuples", 2 + len(stored), ""},
	} {
		if *in.to, err = newInserter(ctx, t.db, in.table, in.columns, in.onConflict); err != nil {
			return nil, err
		}
	}
	rows, err := t.db.QueryContext(ctx, "SELECT "+columnsOfTuples+" FROM tuples")
	if err != nil {
		return nil, err
	}
	refs, err := readTuples(rows.Next, rows.Scan)
	return refs, errors.Join(err, rows.Err(), rows.Close())
}

func (t *sqliteTables) load(ctx context.Context, keys []uint64, states []*state) error {
	if len(keys) == 0 {
		return nil
	}
	signed, at := make([]int64, len(keys)), make(map[int64]*state, len(keys))
	for i, key := range keys {
		signed[i], at[int64(key)] = int64(key), states[i]
	}
	slices.Sort(signed) // so that neighbours are read from one page
	list, err := json.Marshal(signed)
	if err != nil {
		return err
	}
	rows, err := t.db.QueryContext(ctx, "SELECT "+columnsOfStates+
		" FROM states WHERE key IN (SELECT value FROM json_each(?))", string(list))
	if err != nil {
		return err
	}
	err = readStates(rows.Next, rows.Scan, at)
	return errors.Join(err, rows.Err(), rows.Close())
}

func (t *sqliteTables) commit(ctx context.Context, c *change) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = errors.Join(
		t.tuples.insert(ctx, tx, c.tupleValues()),
		t.states.insert(ctx, tx, c.stateValues()),
		t.cells.insert(ctx, tx, c.cellValues()))
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// The values are those of all rows, one after the other.

func (c *change) tupleValues() []any {
	var values []any
	for ref, t := range c.tuples {
		values = append(values, int64(ref), int64(t.channel))
		for _, l := range stored {
			values = append(values, t.values[l])
		}
	}
	return values
}

func (c *change) stateValues() []any {
	order := make([]int, len(c.keys))
	for i := range order {
		order[i] = i
	}
	// So that neighbours are written to one page.
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(int64(c.keys[i]), int64(c.keys[j])) })
	var values []any
	for _, i := range order {
		s := &c.states[i]
		values = append(values, int64(c.keys[i]), int64(s.channel), int64(s.ref))
		for _, at := range s.at {
			values = append(values, int64(at))
		}
	}
	return values
}

func (c *change) cellValues() []any {
	var values []any
	for _, at := range c.cells() {
		values = append(values, int64(at.channel), int64(at.quarter), int64(at.ref))
		for _, n := range c.counts[at] {
			values = append(values, n)
		}
	}
	return values
}

// An inserter inserts rows, many with each statement.
type inserter struct {
	columns    int
	statements [len(insertRows)]*sql.Stmt
}

// insertRows are the numbers of rows for which there are statements.
var insertRows = [...]int{100, 10, 1}

func newInserter(ctx context.Context, db *sql.DB, table string, columns int, onConflict string) (*inserter, error) {
	in := &inserter{columns: columns}
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	for i, rows := range insertRows {
		var err error
		in.statements[i], err = db.PrepareContext(ctx,
			"INSERT INTO "+table+" VALUES "+row+strings.Repeat(","+row, rows-1)+onConflict)
		if err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *inserter) insert(ctx context.Context, tx *sql.Tx, values []any) error {
	for i, rows := range insertRows {
		if len(values) < rows*in.columns {
			continue
		}
		statement := tx.StmtContext(ctx, in.statements[i])
		for len(values) >= rows*in.columns {
			if _, err := statement.ExecContext(ctx, values[:rows*in.columns]...); err != nil {
				return err
			}
			values = values[rows*in.columns:]
		}
	}
	return nil
}

func (t *sqliteTables) points(ctx context.Context, s *series) ([]waybill.Point, error) {
	rows, err := t.db.QueryContext(ctx, s.query("?"), s.parameters()...)
	if err != nil {
		return nil, err
	}
	points, err := s.readPoints(rows.Next, rows.Scan)
	return points, errors.Join(err, rows.Err(), rows.Close())
}

func (t *sqliteTables) close() error { return t.db.Close() }
