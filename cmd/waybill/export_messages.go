package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync/atomic"

	"waybill/internal/table"
)

type exportMessagesCmd struct {
	exportFlags `embed:""`
}

// Help has the examples.
func (*exportMessagesCmd) Help() string {
	return `Each row is an event: a stage that a message reached, or a click, with all labels of the message that
events can have. Labels of price and tiers are not among them. Messages are left out that the store
keeps no history or no ID of (see serve --keep-messages and --keep-ids).

Examples:
  waybill export messages --last 1d -o yesterday.ndjson
  waybill export messages --channel cams-acme --from 2026-01-01 --to 2026-02-01 -o january.parquet
  waybill export messages --last 7d | gzip > week.ndjson.gz`
}

// A history is a message as the API answers it.
type history struct {
	Channel   string            `json:"channel"`
	Message   string            `json:"message"`
	Recipient string            `json:"recipient"`
	Kind      string            `json:"kind"`
	Stages    map[string]string `json:"stages"`
	Labels    map[string]string `json:"labels"`
	Failure   *struct {
		Code  string `json:"code"`
		Title string `json:"title"`
	} `json:"failure"`
	Clicks []struct {
		ID     string `json:"id"`
		At     string `json:"at"`
		Button *struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"button"`
	} `json:"clicks"`
}

// Run writes the events of the messages of all channels, one after the other.
func (cmd *exportMessagesCmd) Run(ctx context.Context, c console) error {
	format, err := cmd.format(c)
	if err != nil {
		return err
	}
	var nameless, counted, found atomic.Int64
	err = cmd.run(ctx, c, func(e *export) work {
		counted.Store(e.total.Totals.Counts["accepted"])
		return work{total: max(counted.Load(), 1), state: func() (int64, string) {
			return e.done.Load(), grouped(e.done.Load()) + " messages"
		}}
	}, func(e *export, w io.Writer) error {
		events, err := newEventWriter(w, format)
		if err != nil {
			return err
		}
		channels, err := cmd.channels(ctx, e)
		if err != nil {
			return err
		}
		for _, channel := range channels {
			err := cmd.channel(ctx, e, channel, func(h *history) error {
				e.done.Add(1)
				found.Add(1)
				if h.Message == "" {
					nameless.Add(1)
					return nil
				}
				for _, event := range h.events() {
					e.rows.Add(1)
					if err := events.write(&event); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return events.close()
	})
	if err != nil {
		return err
	}
	if n := nameless.Load(); n > 0 {
		return exitError{exitRejected, fmt.Errorf("%s messages are left out, whose IDs the store does not keep", grouped(n))}
	}
	if n := counted.Load() - found.Load(); n > 0 {
		return exitError{exitRejected, fmt.Errorf("%s messages are left out, whose histories the store no longer keeps", grouped(n))}
	}
	return nil
}

// channels returns the channels of the export.
func (cmd *exportMessagesCmd) channels(ctx context.Context, e *export) ([]string, error) {
	if len(cmd.Channel) > 0 {
		return cmd.Channel, nil
	}
	var ids []string
	err := eachPage(ctx, e.api, path("channels"), url.Values{"limit": {"1000"}}, func(text []byte) (string, error) {
		var p struct {
			Channels []struct {
				Channel string `json:"channel"`
			} `json:"channels"`
			Next string `json:"next"`
		}
		err := json.Unmarshal(text, &p)
		for _, c := range p.Channels {
			ids = append(ids, c.Channel)
		}
		return p.Next, err
	})
	return ids, err
}

// channel gives the messages of a channel to take.
func (cmd *exportMessagesCmd) channel(ctx context.Context, e *export, channel string, take func(*history) error) error {
	q := url.Values{}
	cmd.filterFlags.add(q)
	q.Set("channel", channel)
	q.Set("from", e.total.From)
	q.Set("to", e.total.To)
	q.Set("limit", "1000")
	return eachPage(ctx, e.api, path("messages"), q, func(text []byte) (string, error) {
		var p struct {
			Messages []history `json:"messages"`
			Next     string    `json:"next"`
		}
		if err := json.Unmarshal(text, &p); err != nil {
			return "", err
		}
		for i := range p.Messages {
			if err := take(&p.Messages[i]); err != nil {
				return "", err
			}
		}
		return p.Next, nil
	})
}

// stageNames are the stages that an event can report, first things first.
var stageNames = []string{"accepted", "sent", "delivered", "read", "failed"}

// events returns a history as events.
func (h *history) events() []exported {
	base := exported{
		Channel: h.Channel, Message: h.Message, Recipient: h.Recipient,
		Sender: h.Labels["sender"], Country: h.Labels["country"], Template: h.Labels["template"], Language: h.Labels["language"],
		Category: h.Labels["category"], Campaign: h.Labels["campaign"], Segment: h.Labels["segment"],
	}
	if h.Kind != "session" { // which cannot be said, but follows from the rest
		base.Kind = h.Kind
	}
	var all []exported
	for _, stage := range stageNames {
		if at := h.Stages[stage]; at != "" {
			e := base
			e.Status, e.At = stage, at
			if stage == "failed" && h.Failure != nil {
				e.Error = &exportedError{h.Failure.Code, h.Failure.Title}
			}
			all = append(all, e)
		}
	}
	for _, click := range h.Clicks {
		e := base
		e.Status, e.At, e.Click = "clicked", click.At, click.ID
		if click.Button != nil {
			e.Button = &exportedButton{click.Button.Type, click.Button.Text}
		}
		all = append(all, e)
	}
	return slices.Clip(all)
}

// newEventWriter returns a writer of events in a format.
func newEventWriter(w io.Writer, f table.Format) (*eventWriter, error) {
	if f == table.NDJSON {
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		return &eventWriter{lines: lines}, nil
	}
	out, err := table.NewWriter(w, f, eventColumns())
	return &eventWriter{table: out}, err
}
