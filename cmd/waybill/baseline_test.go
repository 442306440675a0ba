package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"waybill"
	"waybill/internal/ingest"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
	"waybill/internal/telemetry"
)

// The baselines of BenchmarkWebhook, from the one that does least.
const (
	baselineBare    = "bare"    // net/http alone, which reads the body and answers
	baselineNothing = "nothing" // Waybill's server with a dialect that does the same
	baselineLeast   = "least"   // all of Waybill but the store: that syncs the IDs and counts nothing
	baselineLean    = "lean"    // all of Waybill, with a store that counts by event only and keeps no IDs
)

func startBaseline(b *testing.B, name string) *process {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "data")
	if name == baselineLean {
		makeLean(b, dir)
	}
	apply(b, dir, killTenants)
	cmd := waybillCmd(dir)
	cmd.Env = append(cmd.Env, asBinary+"="+name)
	return startCmd(b, cmd, false)
}

// runBaseline serves a baseline until the process is killed.
func runBaseline(name string, args []string) {
	flags := serveFlags{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", LogFormat: "json"}
	var err error
	switch name {
	case baselineBare:
		err = runBare()
	case baselineNothing:
		err = runNothing(flags)
	case baselineLeast:
		err = runLeast(flags, args[0])
	case baselineLean:
		err = runLean(flags, args[0])
	}
	console{err: os.Stderr}.fail(1, err)
	os.Exit(1)
}

func runBare() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	telemetry.NewLogger(os.Stderr, "json", nil).Info("ready", "url", "http://"+l.Addr().String())
	return (&http.Server{Handler: http.HandlerFunc(readOnly), ReadHeaderTimeout: time.Minute}).Serve(l)
}

// readOnly reads a body and answers as a webhook does.
func readOnly(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, `{"success":true}`)
}

// An idle dialect is Meta's in name only.
type idle struct{ http.HandlerFunc }

func (idle) Name() string             { return "meta" }
func (idle) Match(*http.Request) bool { return false }

func runNothing(flags serveFlags) error {
	a, err := newApp(flags, dataFlags{}, console{err: os.Stderr})
	if err != nil {
		return err
	}
	a.server.Ready(idle{readOnly})
	a.log.Info("ready", "url", a.url(), "admin", "http://"+a.admin.Addr().String())
	return a.server.Serve(context.Background(), a.public, a.admin)
}

// A leastStore does the least that a durable store can do, and no more where it
// has no file.
type leastStore struct {
	waybill.Store
	file *os.File // whose writes are synced
}

func (leastStore) Prepare(events waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: events.Events()}, nil
}

func (s leastStore) Commit(ctx context.Context, batches []waybill.Batch) {
	var text []byte
	storetest.CommitPlain(ctx, batches, func(_ context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
		for i := range events {
			if s.file != nil {
				text = append(text, events[i].Message...)
			}
		}
		return make([]waybill.Outcome, len(events)), nil
	})
	if s.file == nil {
		return
	}
	if _, err := s.file.WriteAt(text, 0); err != nil { // a file that does not grow costs the file system less
		panic(err)
	}
}

func runLeast(flags serveFlags, dir string) error {
	file, err := os.OpenFile(filepath.Join(filepath.Dir(dir), "least"), os.O_CREATE|os.O_RDWR|syscall.O_DSYNC, 0o600)
	if err != nil {
		return err
	}
	a, err := newApp(flags, dataFlags{Data: dir}, console{err: os.Stderr})
	if err != nil {
		return err
	}
	return a.run(context.Background(), func(ctx context.Context) error {
		a.useStore(leastStore{a.store, file})
		return a.ready(ctx)
	})
}

// makeLean makes a store, which counts for good by what it was made to.
func makeLean(b *testing.B, dir string) {
	b.Helper()
	s, err := pebble.Open(dir, pebble.Options{EventBasisOnly: true})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}

func runLean(flags serveFlags, dir string) error {
	a, err := newApp(flags, dataFlags{Data: dir}, console{err: os.Stderr})
	if err != nil {
		return err
	}
	a.keep = pebble.Options{KeepNames: pebble.KeepNothing}
	return a.run(context.Background(), a.ready)
}

// useStore makes the app record events in another store.
func (a *app) useStore(s waybill.Store) {
	a.recorder = ingest.NewRecorder(s, ingest.RecorderOptions{Now: time.Now, Log: a.log, Metrics: a.metrics})
}
