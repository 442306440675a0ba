package meta

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/store/storetest"
	"waybill/internal/telemetry"
)

// The tenants of the tests. Lucky's channels differ in how they read callback
// data; a partner works for Lucky on one of them.
const tenants = `
accounts:
  - id: "1000000000000001"
    name: Lucky
    products: [cams]
    apps: [{id: "71", secrets: [lucky-new, lucky-old], verify_token: lucky-verify}]
  - id: "1000000000000002"
    name: Rival
    products: [cams]
    apps: [{id: "72", secrets: [rival-secret], verify_token: rival-verify}]
  - id: "1000000000000003"
    name: Partner
    products: [cams]
    apps: [{id: "73", secrets: [partner-secret], verify_token: partner-verify}]
channels:
  - {id: "900100", provider: waba, account: "1000000000000001"}
  - {id: "900101", provider: waba, account: "1000000000000001", callback_data: template}
  - {id: "900102", provider: waba, account: "1000000000000001", callback_data: campaign}
  - {id: "900103", provider: waba, account: "1000000000000001", callback_data: ignore, isv: "1000000000000003"}
  - {id: "900200", provider: waba, account: "1000000000000002"}
  - {id: "900300", provider: momo, account: "1000000000000001"}
`

// noon is the clock of the tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A ledger is a model store that counts commits.
type ledger struct {
	*storetest.Model
	mu      sync.Mutex
	commits int
	broken  error         // what Append fails with
	stuck   error         // what Configure fails with
	gate    chan struct{} // where it is not nil, each Append takes one from it
}

func (l *ledger) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	if l.gate != nil {
		<-l.gate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return nil, l.broken
	}
	l.commits++
	return l.Model.Append(ctx, events)
}

func (*ledger) Prepare(events waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: events.Events()}, nil
}

func (l *ledger) Commit(ctx context.Context, batches []waybill.Batch) {
	storetest.CommitPlain(ctx, batches, l.Append)
}

func (l *ledger) Configure(ctx context.Context, c waybill.Change) error {
	if l.stuck != nil {
		return l.stuck
	}
	return l.Model.Configure(ctx, c)
}

// A bench is a Webhook with all that it needs.
type bench struct {
	t         testing.TB
	store     *ledger
	directory *directory.Directory
	recorder  *ingest.Recorder
	metrics   *telemetry.Metrics
	hook      *Webhook
}

func newBench(t testing.TB) *bench {
	t.Helper()
	now := func() time.Time { return noon }
	b := &bench{t: t, store: &ledger{Model: storetest.NewModel()}, metrics: telemetry.New()}
	var err error
	log := slog.New(slog.DiscardHandler)
	b.directory, err = directory.Open(context.Background(), b.store, directory.Key{1}, directory.Options{Now: now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	b.recorder = ingest.NewRecorder(b.store, ingest.RecorderOptions{Now: now, Metrics: b.metrics})
	t.Cleanup(func() { _ = b.recorder.Close(context.Background()) })
	parking, err := ingest.NewParking(b.store, ingest.ParkingOptions{Now: now, Metrics: b.metrics})
	if err != nil {
		t.Fatal(err)
	}
	b.hook = NewWebhook(WebhookOptions{
		Directory: b.directory, Recorder: b.recorder, Parking: parking,
		Log: log, Metrics: b.metrics, Now: now,
	})
	b.directory.OnChannel(b.hook.ReplayParked)
	b.apply(tenants)
	return b
}

func (b *bench) apply(document string) { b.t.Helper(); b.change(document, false) }

func (b *bench) prune(document string) { b.t.Helper(); b.change(document, true) }

func (b *bench) change(document string, prune bool) {
	b.t.Helper()
	doc, err := directory.Parse(strings.NewReader(document), func(string) (string, bool) { return "", false })
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.directory.Apply(context.Background(), doc, directory.ApplyOptions{Prune: prune}); err != nil {
		b.t.Fatal(err)
	}
}

func sign(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

// request returns a webhook to an app, signed with a secret.
func request(path, secret string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(sign(secret, body)))
	return r
}

func (b *bench) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.hook.ServeHTTP(w, r)
	return w
}

// post sends a webhook of Lucky's app and wants it taken.
func (b *bench) post(body string) {
	b.t.Helper()
	if w := b.do(request("/webhooks/meta/71", "lucky-new", []byte(body))); w.Code != http.StatusOK {
		b.t.Fatalf("webhook answered %d %s", w.Code, w.Body)
	}
}

// everything asks for all counts of a channel, by all labels.
func (b *bench) everything(channel string) []string {
	b.t.Helper()
	c, ok := b.directory.View().Channel(channel)
	if !ok {
		b.t.Fatalf("no channel %s", channel)
	}
	groups := []waybill.Dimension{waybill.DimKind}
	for l := range waybill.Dimension(waybill.NumLabels) {
		groups = append(groups, l)
	}
	var lines []string
	for _, detail := range []bool{false, true} {
		q := waybill.Query{Channels: []waybill.ChannelNumber{c.Number}, To: waybill.MaxInstant, GroupBy: groups}
		if detail {
			q.GroupBy = []waybill.Dimension{waybill.DimKind, waybill.DimDetail}
		}
		points, err := b.store.Points(context.Background(), q)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, p := range points {
			lines = append(lines, pointLine(q.GroupBy, p))
		}
	}
	return lines
}

// pointLine writes a point as words: "template country=US: sent 2 read 1".
func pointLine(groups []waybill.Dimension, p waybill.Point) string {
	line := p.Key[0]
	for i, value := range p.Key[1:] {
		if value != "" {
			line += fmt.Sprintf(" %s=%s", groups[i+1], strings.ReplaceAll(value, "\x00", "/"))
		}
	}
	line += ":"
	for m, n := range p.Counts {
		if n != 0 {
			line += fmt.Sprintf(" %s %d", waybill.Metric(m), n)
		}
	}
	return line
}

// outcomes returns what the metrics have counted of this dialect, but for what
// the store could not yet know.
func (b *bench) outcomes() string {
	w := httptest.NewRecorder()
	b.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var counts []string
	for line := range strings.Lines(w.Body.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		outcome, ok := strings.CutPrefix(name, `waybill_events_total{outcome="`)
		if ok {
			outcome, _, _ = strings.Cut(outcome, `"`)
			counts = append(counts, outcome+" "+value)
		}
	}
	slices.Sort(counts)
	return strings.Join(counts, ", ")
}
