package momo_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/storetest"
)

// A broken store fails where it has an error to fail with.
type broken struct {
	waybill.Store
	appending, putting, snapping, looking, listing error
}

func newBroken() *broken { return &broken{Store: storetest.NewModel()} }

func (b *broken) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	if b.appending != nil {
		return nil, b.appending
	}
	return b.Store.Append(ctx, events)
}

func (*broken) Prepare(events waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: events.Events()}, nil
}

func (b *broken) Commit(ctx context.Context, batches []waybill.Batch) {
	storetest.CommitPlain(ctx, batches, b.Append)
}

func (b *broken) PutSegments(
	ctx context.Context, segments []waybill.Segment, snapshots ...waybill.Snapshot,
) ([]waybill.Segment, error) {
	if b.putting != nil {
		return nil, b.putting
	}
	return b.Store.PutSegments(ctx, segments, snapshots...)
}

func (b *broken) PutSnapshots(ctx context.Context, snapshots []waybill.Snapshot) error {
	if b.snapping != nil {
		return b.snapping
	}
	return b.Store.PutSnapshots(ctx, snapshots)
}

func (b *broken) Segment(ctx context.Context, channel waybill.ChannelNumber, id string) (waybill.SegmentReport, error) {
	if b.looking != nil {
		return waybill.SegmentReport{}, b.looking
	}
	return b.Store.Segment(ctx, channel, id)
}

func (b *broken) Segments(ctx context.Context, q waybill.SegmentQuery) ([]waybill.SegmentReport, error) {
	if b.listing != nil {
		return nil, b.listing
	}
	return b.Store.Segments(ctx, q)
}

// errDisk is a failure whose words are for the log alone.
var errDisk = errors.New("disk 7 is gone")

// busy is a failure that ends after the given time.
func busy(after time.Duration) error {
	return &waybill.Error{Code: waybill.Unavailable, Message: "disk 7 is busy", RetryAfter: after}
}

// TestReportOfABrokenStore is told as what it is, and not in the words of the
// store.
func TestReportOfABrokenStore(t *testing.T) {
	store := newBroken()
	r := newRigOn(t, store)
	for _, tt := range []struct {
		name         string
		err          error
		status, code int
		says, after  string
	}{
		{"it is busy for a while", busy(7 * time.Second), 503, 10, "The system is busy", "7"},
		{"a part of a second is a whole one", busy(1200 * time.Millisecond), 503, 10, "The system is busy", "2"},
		{"nobody knows for how long", busy(0), 503, 10, "The system is busy", "1"},
		{"it is broken", errDisk, 500, 99, "Internal error", ""},
		{"it refuses what was never asked", waybill.Errorf(waybill.Conflict, "disk 7"), 500, 99, "Internal error", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store.listing = tt.err
			w := r.report("{}")
			r.refused(w, tt.status, tt.code, tt.says)
			if after := w.Header().Get("Retry-After"); after != tt.after {
				t.Errorf("Retry-After is %q, want %q", after, tt.after)
			}
			if strings.Contains(w.Body.String(), "disk") {
				t.Errorf("the caller is told %s", w.Body)
			}
		})
	}
	store.listing = nil
	if w := r.report("{}"); w.Code != http.StatusOK {
		t.Errorf("once the store is well again the report is answered %d", w.Code)
	}
}

// TestNothingIsCached: a report is of one moment and a token of one client.
func TestNothingIsCached(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		path, body, token string
		status            int
	}{
		{reportURL, "{}", "Bearer token-page", 200},
		{reportURL, "[]", "Bearer token-page", 400},
		{reportURL, "{}", "", 401},
		{"/authentication/login", acme, "", 200},
		{"/authentication/login", "{}", "", 400},
	} {
		w := r.do(http.MethodPost, tt.path, tt.body, "Authorization", tt.token)
		if w.Code != tt.status || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s is answered %d, Cache-Control %q", tt.path, tt.body, w.Code, w.Header().Get("Cache-Control"))
		}
	}
}
