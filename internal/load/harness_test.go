package load_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/load"
	"waybill/internal/store/storetest"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// event is a line of Waybill's own format about a message.
func event(id, status string) string {
	return `{"channel":"first","message":"` + id + `","status":"` + status + `","at":"2026-11-20T10:00:00Z"}` + "\n"
}

func channels(id string) (waybill.ChannelNumber, error) {
	if id != "first" {
		return 0, waybill.Errorf(waybill.Invalid, "channel %q is unknown", id)
	}
	return 1, nil
}

// A ledger is where a test imports to.
type ledger struct {
	*load.Local
	store waybill.Store
}

func newLedger(t testing.TB) ledger {
	t.Helper()
	store := storetest.NewModel()
	if err := store.Configure(t.Context(), waybill.Change{Channels: []waybill.ChannelState{{Number: 1, Provider: waybill.ProviderWABA}}}); err != nil {
		t.Fatal(err)
	}
	return ledger{&load.Local{Store: store, Channels: channels, Now: func() time.Time { return noon }}, store}
}

// message returns the history of a message of the first channel.
func (l ledger) message(t testing.TB, id string) waybill.Message {
	t.Helper()
	m, err := l.store.Message(t.Context(), 1, id)
	if err != nil {
		t.Fatalf("message %s: %v", id, err)
	}
	return m
}

// file makes an input of a text.
func file(t testing.TB, name, text string) load.Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load.Input{Name: path}
}

// A result is what an import says.
type result struct {
	load.Counts
	rejected []load.Rejected
	notes    []string
}

// run imports and returns what it says.
func run(ctx context.Context, opt load.Options) (result, error) {
	var r result
	opt.Rejected = func(x load.Rejected) error {
		x.File = filepath.Base(x.File)
		r.rejected = append(r.rejected, x)
		return nil
	}
	opt.Note = func(text string) { r.notes = append(r.notes, text) }
	err := load.Run(ctx, opt)
	r.Counts = opt.Checkpoint.Counts
	return r, err
}

func mustRun(t testing.TB, opt load.Options) result {
	t.Helper()
	r, err := run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reasons returns where and why rows were rejected.
func (r result) reasons() []string {
	var all []string
	for _, x := range r.rejected {
		all = append(all, strings.Join([]string{x.File, strconv.Itoa(x.Line), x.Why}, ":"))
	}
	return all
}

// A stopping sink fails after so many pieces.
type stopping struct {
	load.Sink
	left int
}

var errStopped = errors.New("the sink has stopped")

func (s *stopping) Take(ctx context.Context, p *load.Piece) (load.Result, error) {
	if s.left--; s.left < 0 {
		return load.Result{}, errStopped
	}
	return s.Sink.Take(ctx, p)
}
