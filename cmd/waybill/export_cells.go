package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"waybill/internal/table"
)

type exportCellsCmd struct {
	exportFlags `embed:""`

	By          []string `env:"-" help:"What the counts are broken down by: ${enum}." enum:"sender,template,language,country,category,campaign,segment,pricing_type,pricing_category,tier,kind,channel,error,button" default:"channel,kind,sender,template,language,country,category,campaign" placeholder:"LABEL"`
	Granularity string   `env:"-" short:"g" help:"Length of the buckets: ${enum}." enum:"quarter_hour,half_hour,hour,day" default:"hour"`
}

// Help has the examples.
func (*exportCellsCmd) Help() string {
	return `Examples:
  waybill export cells --last 30d -o cells.parquet
  waybill export cells --from 2026-01-01 --to 2026-02-01 --by template,country --granularity day -o january.csv`
}

// Run writes the counts day by day, so that no answer is too long.
func (cmd *exportCellsCmd) Run(ctx context.Context, c console) error {
	format, err := cmd.format(c)
	if err != nil {
		return err
	}
	return cmd.run(ctx, c, func(e *export) work {
		return work{total: int64(e.to.Sub(e.from).Seconds()), state: func() (int64, string) {
			return e.done.Load(), grouped(e.rows.Load()) + " rows"
		}}
	}, func(e *export, w io.Writer) error {
		cells := &cellWriter{by: cmd.By, metrics: cmd.counted(), zone: e.zone, export: e}
		if cells.out, err = table.NewWriter(w, format, cells.columns()); err != nil {
			return err
		}
		for from := e.from; from.Before(e.to); {
			to := earlier(nextDay(from, e.zone), e.to)
			if err := cmd.slice(ctx, e, cells, from, to); err != nil {
				return err
			}
			e.done.Add(int64(to.Sub(from).Seconds()))
			from = to
		}
		return cells.out.Close()
	})
}

// counted are the metrics that have the dimensions.
func (cmd *exportCellsCmd) counted() []string {
	switch {
	case slices.Contains(cmd.By, "error"):
		return []string{"failed"}
	case slices.Contains(cmd.By, "button"):
		return []string{"clicked", "clicks"}
	}
	return metricNames
}

// nextDay returns when the day after the one of at begins in a zone.
func nextDay(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	next := time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	if !next.After(at) { // a clock change has no such midnight
		next = next.Add(2 * time.Hour)
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// leastSlice is the shortest range that the counters know.
const leastSlice = 15 * time.Minute

// slice writes the counts of a range. Where that are too many for one answer, and
// the buckets are shorter, it asks for the halves of the range.
func (cmd *exportCellsCmd) slice(ctx context.Context, e *export, cells *cellWriter, from, to time.Time) error {
	q := url.Values{}
	cmd.filterFlags.add(q)
	maps.Copy(q, url.Values{
		"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}, "time_zone": {e.zone.String()},
		"granularity": {cmd.Granularity}, "group_by": {strings.Join(cmd.By, ",")}, "format": {"ndjson"},
	})
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := e.api.open(ctx, http.MethodGet, path("metrics")+"?"+q.Encode(), "*/*", nil)
	if r, ok := errors.AsType[*refusal](err); ok && r.code == http.StatusRequestEntityTooLarge {
		bucket := map[string]time.Duration{"quarter_hour": leastSlice, "half_hour": 2 * leastSlice, "hour": 4 * leastSlice}[cmd.Granularity]
		half := (to.Sub(from) / 2).Truncate(max(bucket, leastSlice))
		if bucket == 0 || half < bucket {
			return fmt.Errorf("%w; break the counts down by less, with --by", err)
		}
		return errors.Join(cmd.slice(ctx, e, cells, from, from.Add(half)), cmd.slice(ctx, e, cells, from.Add(half), to))
	}
	if err != nil {
		return err
	}
	return errors.Join(cells.write(answer.Body), answer.Body.Close())
}

// A cellWriter writes counts as rows.
type cellWriter struct {
	out     *table.Writer
	by      []string
	metrics []string
	zone    *time.Location
	export  *export
}

func (c *cellWriter) columns() []table.Column {
	columns := []table.Column{{Name: "start", Type: table.Time}, {Name: "end", Type: table.Time}}
	for _, name := range c.by {
		columns = append(columns, table.Column{Name: name, Type: table.Text})
	}
	for _, name := range c.metrics {
		columns = append(columns, table.Column{Name: name, Type: table.Int})
	}
	return columns
}

// write copies the lines of an answer.
func (c *cellWriter) write(answer io.Reader) error {
	lines := bufio.NewScanner(answer)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var cell map[string]any
		d := json.NewDecoder(strings.NewReader(lines.Text()))
		d.UseNumber()
		if err := d.Decode(&cell); err != nil {
			return fmt.Errorf("the server answered %.200q: %w", lines.Text(), err)
		}
		if err := c.row(cell); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (c *cellWriter) row(cell map[string]any) error {
	row := make([]any, 0, 2+len(c.by)+len(c.metrics))
	for _, name := range []string{"start", "end"} {
		text, _ := cell[name].(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return fmt.Errorf("the server answered a cell without its %s: %w", name, err)
		}
		row = append(row, at.In(c.zone))
	}
	for _, name := range c.by {
		text, _ := cell[name].(string)
		row = append(row, text)
	}
	for _, name := range c.metrics {
		number, _ := cell[name].(json.Number)
		n, err := number.Int64()
		if err != nil {
			return fmt.Errorf("the server answered a cell without its count %s: %w", name, err)
		}
		row = append(row, n)
	}
	c.export.rows.Add(1)
	return c.out.Row(row...)
}
