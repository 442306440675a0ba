package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

type queryCmd struct {
	clientFlags `embed:""`
	rangeFlags  `embed:""`
	filterFlags `embed:""`

	By          []string `env:"-" help:"Break the counts down by these: ${enum}." enum:"sender,template,language,country,category,campaign,segment,pricing_type,pricing_category,tier,kind,channel,error,button" placeholder:"LABEL"`
	Granularity string   `env:"-" short:"g" help:"Length of the buckets: ${enum}." enum:"quarter_hour,half_hour,hour,day,month,total,auto" default:"day"`
	Metrics     []string `env:"-" help:"The counts to show: ${enum}; all by default." enum:"accepted,sent,delivered,read,failed,clicked,clicks" placeholder:"NAME"`
	Rates       bool     `env:"-" help:"Show rates, too; a table always does. With --basis send they are those of the messages of the range."`
	Order       string   `env:"-" help:"Rank the groups by this count, with a minus the largest first." placeholder:"METRIC"`
	Top         int      `env:"-" help:"Show only so many groups, the largest." placeholder:"N"`

	Format string `env:"-" help:"How the answer is written: ${enum}; auto is what the name of the file ends in, else a table." enum:"auto,table,csv,json,ndjson,parquet" default:"auto"`
	Output string `env:"-" short:"o" help:"Write to this file, whole or not at all." predictor:"file" placeholder:"FILE"`
}

// Help has the examples.
func (*queryCmd) Help() string {
	return `Examples:
  waybill query
  waybill query --last 30d --by template --top 10
  waybill query --from 2026-11-01 --to 2026-12-01 --time-zone Asia/Jakarta --by country,category --basis send
  waybill query --last 24h --granularity hour --template 1100 -o today.csv`
}

// Run prints the answer to one question.
func (cmd *queryCmd) Run(ctx context.Context, c console) error {
	if len(cmd.By) == 0 && (cmd.Top != 0 || cmd.Order != "") {
		return errors.New("--top and --order rank groups: name by --by what makes them, such as --by template")
	}
	cmd.Format = cmd.format()
	if cmd.Format == "parquet" && cmd.Output == "" && isTerminal(c.out) {
		return errors.New("a Parquet file is not for a terminal: give -o FILE")
	}
	return cmd.withClient(ctx, func(api *client) error {
		return writeOutput(cmd.Output, c, func(w io.Writer) error {
			if cmd.Format == "table" {
				return cmd.table(ctx, api, w)
			}
			return cmd.copy(ctx, api, w)
		})
	})
}

// format returns how the answer is written.
func (cmd *queryCmd) format() string {
	if cmd.Format != "auto" {
		return cmd.Format
	}
	switch ending := strings.TrimPrefix(filepath.Ext(cmd.Output), "."); ending {
	case "csv", "json", "ndjson", "parquet":
		return ending
	}
	return "table"
}

// parameters returns what the API is asked.
func (cmd *queryCmd) parameters() url.Values {
	q := url.Values{}
	cmd.filterFlags.add(q)
	cmd.rangeFlags.add(q)
	q.Set("granularity", cmd.Granularity)
	if len(cmd.By) > 0 {
		q.Set("group_by", strings.Join(cmd.By, ","))
	}
	if len(cmd.Metrics) > 0 {
		q.Set("metrics", strings.Join(cmd.Metrics, ","))
	}
	if cmd.Rates {
		q.Set("rates", "true")
	}
	if cmd.Order != "" {
		q.Set("order", cmd.Order)
	}
	if cmd.Top != 0 {
		q.Set("limit", strconv.Itoa(cmd.Top))
	}
	return q
}

// copy writes the answer as the API formats it.
func (cmd *queryCmd) copy(ctx context.Context, api *client, w io.Writer) error {
	q := cmd.parameters()
	q.Set("format", cmd.Format)
	answer, err := api.open(ctx, http.MethodGet, path("metrics")+"?"+q.Encode(), "*/*", nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, answer.Body)
	return errors.Join(err, answer.Body.Close())
}
