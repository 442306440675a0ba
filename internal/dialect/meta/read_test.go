package meta_test

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/meta"
	"waybill/internal/directory"
	"waybill/internal/store/pebble"
)

// The accounts of testdata/analytics/tenants.yaml.
const (
	pacific   = "102290129340398" // Lucky's, in America/Los_Angeles
	kathmandu = "102290129340399" // Lucky's, which the partner operates
	rivals    = "102290129340400"
	momoPage  = "102290129340401" // Lucky's, but no WhatsApp Business Account
	nobodys   = "102290129340499"
)

const tenantsFile = "testdata/analytics/tenants.yaml"

// start is what the clock of the tests shows first.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A clock is a clock that a test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// A graph is the API over the embedded store, which keeps its files in memory.
type graph struct {
	t         testing.TB
	store     waybill.Store
	directory *directory.Directory
	clock     *clock
	log       *strings.Builder
	api       *meta.API
}

// openStore returns an empty embedded store.
func openStore(t testing.TB) waybill.Store {
	t.Helper()
	store, err := pebble.Open("data", pebble.Options{FS: vfs.NewMem(), Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// newGraph returns the API with the tenants of a document. Calls are limited to
// callsPerHour unless that is 0.
func newGraph(t testing.TB, store waybill.Store, document string, callsPerHour int) *graph {
	t.Helper()
	g := &graph{t: t, store: store, clock: &clock{at: start}, log: new(strings.Builder)}
	log := slog.New(slog.NewTextHandler(g.log, nil))
	var err error
	g.directory, err = directory.Open(context.Background(), store, directory.Key{1}, directory.Options{Now: g.clock.now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	g.apply(document)
	g.api = meta.New(meta.Options{
		Directory: g.directory, Store: store, CallsPerHour: callsPerHour, Log: log, Now: g.clock.now,
		Webhook: meta.NewWebhook(meta.WebhookOptions{Directory: g.directory, Log: log, Now: g.clock.now}),
	})
	return g
}

// lucky returns the API with the tenants of the exchanges.
func lucky(t testing.TB) *graph {
	t.Helper()
	return newGraph(t, openStore(t), readFile(t, tenantsFile), 0)
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// apply makes the directory what the document says.
func (g *graph) apply(document string) {
	g.t.Helper()
	doc, err := directory.Parse(strings.NewReader(document), func(string) (string, bool) { return "", false })
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.directory.Apply(context.Background(), doc, directory.ApplyOptions{Prune: true}); err != nil {
		g.t.Fatal(err)
	}
}

// record stores a history: own events, one a line.
func (g *graph) record(lines string) {
	g.t.Helper()
	var events []waybill.Event
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			events = append(events, g.event(line))
		}
	}
	if _, err := g.store.Append(context.Background(), events); err != nil {
		g.t.Fatal(err)
	}
}

// event reads one own event, as far as the histories of the tests need it.
func (g *graph) event(line string) waybill.Event {
	g.t.Helper()
	var own struct {
		Channel, Message, Status, Sender, Recipient, Kind, Template string
		Country, Language, Click                                    string
		Button                                                      waybill.Button
		Pricing                                                     struct{ Type, Category, Tier string }
		At                                                          time.Time
	}
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&own); err != nil {
		g.t.Fatalf("event %s: %v", line, err)
	}
	channel, found := g.directory.View().Channel(own.Channel)
	status, known := waybill.ParseStatus(own.Status)
	if !found || !known {
		g.t.Fatalf("event %s: unknown channel or status", line)
	}
	e := waybill.Event{
		Channel: channel.Number, Message: own.Message, Status: status, At: waybill.InstantOf(own.At),
		Recipient: own.Recipient, Inbound: own.Kind == "inbound", Click: own.Click, Button: own.Button,
	}
	e.Labels.Set(waybill.LabelSender, own.Sender, waybill.RankOwn)
	e.Labels.Set(waybill.LabelTemplate, own.Template, waybill.RankOwn)
	e.Labels.Set(waybill.LabelCountry, dialect.CountryOf(own.Recipient), waybill.RankDerived)
	e.Labels.Set(waybill.LabelCountry, own.Country, waybill.RankOwn)
	e.Labels.Set(waybill.LabelLanguage, own.Language, waybill.RankOwn)
	e.Labels.Set(waybill.LabelPricingType, own.Pricing.Type, waybill.RankVendor)
	e.Labels.Set(waybill.LabelPricingCategory, own.Pricing.Category, waybill.RankVendor)
	e.Labels.Set(waybill.LabelTier, own.Pricing.Tier, waybill.RankVendor)
	return e
}

// raw sends a request as it stands on the wire. Where it has a body, the length
// is added.
func (g *graph) raw(text string) *httptest.ResponseRecorder {
	g.t.Helper()
	head, body, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n\n")
	if !strings.Contains(head, "\nHost:") {
		head = strings.TrimRight(head, "\n") + "\nHost: graph.example"
	}
	if body != "" && !strings.Contains(head, "Content-Length") {
		head += "\nContent-Length: " + strconv.Itoa(len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimRight(head, "\n") + "\n\n" + body)))
	if err != nil {
		g.t.Fatalf("%s\nis no request: %v", text, err)
	}
	w := httptest.NewRecorder()
	g.api.ServeHTTP(w, r.WithContext(g.t.Context()))
	return w
}

// get sends a GET with Lucky's token in the header.
func (g *graph) get(target string, header ...string) *httptest.ResponseRecorder {
	g.t.Helper()
	header = append(header, "Authorization: Bearer lucky-token")
	return g.raw("GET " + target + " HTTP/1.1\n" + strings.Join(header, "\n"))
}

// A failure is the envelope of an error.
type failure struct {
	Message   string `json:"message"`
	Type      string `json:"type"`
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode"`
	Transient bool   `json:"is_transient"`
	TraceID   string `json:"fbtrace_id"`
}

// failureOf returns the error of an answer, which must be nothing else.
func failureOf(t testing.TB, w *httptest.ResponseRecorder) failure {
	t.Helper()
	var envelope struct {
		Error *failure `json:"error"`
	}
	decoder := json.NewDecoder(strings.NewReader(w.Body.String()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&envelope); err != nil || envelope.Error == nil || decoder.More() {
		t.Fatalf("%d %s is no error of Graph: %v", w.Code, w.Body, err)
	}
	return *envelope.Error
}

// tracePattern is the form of Meta's IDs: AeadGx6xI8M9EVqcy11ynej.
var tracePattern = regexp.MustCompile(`"fbtrace_id":"A[A-Za-z0-9_-]{22}"`)

// untraced returns a body with a trace ID of the right form replaced by "A...",
// so that bodies can be compared.
func untraced(body string) string { return tracePattern.ReplaceAllString(body, `"fbtrace_id":"A..."`) }

// wantAnswer fails unless w is a success with exactly that body.
func wantAnswer(t testing.TB, w *httptest.ResponseRecorder, want string) {
	t.Helper()
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("answer %d %s\nwant   200 %s", w.Code, w.Body, want)
	}
}

// wantFailure fails unless w is that error, whose message must be the whole one.
func wantFailure(t testing.TB, w *httptest.ResponseRecorder, status, code, subcode int, kind, message string) {
	t.Helper()
	f := failureOf(t, w)
	if w.Code != status || f.Code != code || f.Subcode != subcode || f.Type != kind || f.Message != message {
		t.Errorf("answer %d %s\nwant   %d %d/%d %s %s", w.Code, w.Body, status, code, subcode, kind, message)
	}
}
