package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"waybill/internal/table"
)

type exportCmd struct {
	Cells    exportCellsCmd    `cmd:"" help:"Write the counts of a range, as fine as they are kept."`
	Messages exportMessagesCmd `cmd:"" help:"Write what is known of the messages of a range, as events that import reads."`
}

// exportFlags are what both exports have.
type exportFlags struct {
	clientFlags `embed:""`
	rangeFlags  `embed:""`
	filterFlags `embed:""`

	Format string `env:"-" help:"How it is written: ${enum}; auto is what the name of the file ends in." enum:"auto,ndjson,csv,parquet" default:"auto"`
	Output string `env:"-" short:"o" help:"Write to this file, whole or not at all, and not to standard output." predictor:"file" placeholder:"FILE"`
	Quiet  bool   `env:"-" short:"q" help:"Print no progress and no summary."`
}

// format returns the format of the output.
func (f *exportFlags) format(c console) (table.Format, error) {
	name := f.Format
	if name == "auto" {
		switch filepath.Ext(f.Output) {
		case ".csv":
			name = "csv"
		case ".parquet":
			name = "parquet"
		default:
			name = "ndjson"
		}
	}
	if name == "parquet" && f.Output == "" && isTerminal(c.out) {
		return 0, errors.New("a Parquet file is not for a terminal: give -o FILE")
	}
	return table.ParseFormat(name)
}

// An export is one under way.
type export struct {
	api   *client
	total metricsAnswer // of the range: its ends, its zone and how much there is
	zone  *time.Location
	from  time.Time
	to    time.Time
	done  atomic.Int64 // of what the progress counts
	rows  atomic.Int64
}

// begin asks how much there is.
func (f *exportFlags) begin(ctx context.Context, api *client) (*export, error) {
	q := url.Values{}
	f.filterFlags.add(q)
	f.rangeFlags.add(q)
	q.Set("granularity", "total")
	e := &export{api: api}
	if err := api.get(ctx, path("metrics"), q, &e.total); err != nil {
		return nil, err
	}
	var err error
	if e.zone, err = time.LoadLocation(e.total.TimeZone); err != nil {
		return nil, err
	}
	if e.from, err = time.Parse(time.RFC3339, e.total.From); err != nil {
		return nil, err
	}
	e.to, err = time.Parse(time.RFC3339, e.total.To)
	return e, err
}

// run writes an export, with progress.
func (f *exportFlags) run(ctx context.Context, c console, of func(*export) work, write func(*export, io.Writer) error) error {
	return f.withClient(ctx, func(api *client) error {
		e, err := f.begin(ctx, api)
		if err != nil {
			return err
		}
		begun := time.Now()
		p := newProgress(c, f.Quiet, of(e))
		err = writeOutput(f.Output, c, func(w io.Writer) error { return write(e, w) })
		p.end()
		if err != nil || f.Quiet {
			return err
		}
		name := f.Output
		if name == "" {
			name = "standard output"
		}
		_, err = fmt.Fprintf(c.err, "%s rows from %s to %s in %s; %.1f s\n",
			grouped(e.rows.Load()), e.total.From, e.total.To, name, time.Since(begun).Seconds())
		return err
	})
}
