package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/alibaba"
	"waybill/internal/dialect/meta"
	"waybill/internal/dialect/momo"
	"waybill/internal/ingest"
	"waybill/internal/load"
	"waybill/internal/ndjson"
	"waybill/internal/store/pebble"
)

// An importSink is where an import writes.
type importSink struct {
	load.Sink
	close func() error
}

// sink opens where the events go.
func (cmd *importCmd) sink(ctx context.Context, c console) (importSink, error) {
	switch {
	case cmd.URL == "":
		return cmd.localSink(ctx)
	case cmd.Webhook != "":
		return importSink{}, errors.New("saved webhooks are imported on the data directory, which has what they need: stop the server and leave --url out")
	}
	return cmd.remoteSink(ctx, c)
}

// remoteSink asks the server for its version first, so that a wrong address or
// token is told at once and not tried again and again.
func (cmd *importCmd) remoteSink(ctx context.Context, c console) (importSink, error) {
	server, err := cmd.remote(cmd.Data)
	if err != nil {
		return importSink{}, err
	}
	if err := server.get(ctx, "/waybill/v1/version", nil, nil); err != nil {
		return importSink{}, err
	}
	remote := load.NewRemote(load.RemoteOptions{
		URL: server.base, Token: server.token,
		Retry: func(reason string) {
			if !cmd.Quiet {
				_, _ = fmt.Fprintf(c.err, "waybill: %s; tries again\n", reason) // there is nobody else to tell
			}
		},
	})
	return importSink{remote, func() error { return nil }}, nil
}

func (cmd *importCmd) localSink(ctx context.Context) (importSink, error) {
	a, err := openLocal(ctx, cmd.dataFlags, pebble.Options{KeepNames: cmd.keepNames(), MustExist: true})
	if err != nil {
		return importSink{}, err
	}
	if cmd.Webhook == "" {
		return importSink{&load.Local{
			Store: a.store, Now: time.Now,
			Channels: func(id string) (waybill.ChannelNumber, error) {
				switch c, ok := a.directory.View().Channel(id); {
				case id == "":
					return 0, waybill.Errorf(waybill.Invalid, "channel is missing")
				case !ok:
					return 0, waybill.Errorf(waybill.Invalid, "channel %s is unknown", ndjson.Cut(id))
				default:
					return c.Number, nil
				}
			},
		}, a.close}, nil
	}
	saved, err := a.savedBodies(cmd.Webhook)
	if err != nil {
		return importSink{}, errors.Join(err, a.close())
	}
	cmd.Parallel = max(cmd.Parallel, savedParallel)
	return importSink{saved, a.close}, nil
}

// savedParallel is how many saved bodies are recorded at a time: they share
// commits.
const savedParallel = 32

// savedBodies is a load.Sink for the saved bodies of one sender.
type savedBodies func(ctx context.Context, body []byte) (dialect.Saved, error)

// savedBodies returns the sink for what --webhook names.
func (a *app) savedBodies(webhook string) (savedBodies, error) {
	vendor, id, _ := strings.Cut(webhook, ":")
	if id == "" {
		return nil, fmt.Errorf("--webhook %q is not meta:APP, alibaba:CHANNEL or momo:CHANNEL", webhook)
	}
	var record func(ctx context.Context, id string, body []byte) (dialect.Saved, error)
	known := false
	switch vendor {
	case "meta":
		parking, err := ingest.NewParking(a.store, ingest.ParkingOptions{Now: time.Now, Log: a.log})
		if err != nil {
			return nil, err
		}
		record = meta.NewWebhook(meta.WebhookOptions{
			Directory: a.directory, Recorder: a.recorder, Parking: parking, Log: a.log, Now: time.Now,
		}).RecordSaved
		_, known = a.directory.View().App(id)
	case "alibaba":
		tokens, err := alibaba.NewTokens(a.key, time.Now)
		if err != nil {
			return nil, err
		}
		record = alibaba.New(alibaba.Options{Directory: a.directory, Store: a.store, Recorder: a.recorder, Tokens: tokens}).RecordSaved
		_, known = a.directory.View().Channel(id)
	case "momo":
		tokens, err := momo.NewTokens(a.key, time.Now)
		if err != nil {
			return nil, err
		}
		record = momo.New(momo.Options{Directory: a.directory, Store: a.store, Recorder: a.recorder, Tokens: tokens}).RecordSaved
		_, known = a.directory.View().Channel(id)
	default:
		return nil, fmt.Errorf("--webhook %q: the vendors are meta, alibaba and momo", webhook)
	}
	if !known {
		return nil, fmt.Errorf("--webhook %q: the directory has no %s %q", webhook, map[bool]string{true: "app", false: "channel"}[vendor == "meta"], id)
	}
	return func(ctx context.Context, body []byte) (dialect.Saved, error) { return record(ctx, id, body) }, nil
}

// Take implements load.Sink. A body that is no webhook is rejected as a whole, and
// one that could be recorded in part with what was left out.
func (s savedBodies) Take(ctx context.Context, p *load.Piece) (load.Result, error) {
	saved, err := s(ctx, p.Text)
	switch code := waybill.CodeOf(err); {
	case err == nil:
	case code == waybill.Invalid || code == waybill.TooLarge:
		saved.Left = []string{err.Error()}
	default:
		return load.Result{}, err
	}
	r := load.Result{Received: saved.Events, Changed: saved.Changed, TooLate: saved.TooLate}
	if len(saved.Left) > 0 {
		r.Received++
		r.Rejected = []load.Rejection{{Line: p.Place(1), Reason: strings.Join(saved.Left, "; "), Text: string(p.Text)}}
	}
	return r, nil
}
