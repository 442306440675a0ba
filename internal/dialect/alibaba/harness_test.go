package alibaba_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/alibaba"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/server"
	"waybill/internal/store/pebble"
	"waybill/internal/telemetry"
)

// noon is where the clock of every test starts: noon in Shanghai.
var noon = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)

// The accounts: an owner, a rival, two ISVs, one without the product and one
// without channels. Channel cams-a is the one that most tests are about.
const tenants = `
accounts:
  - id: "1000000000000001"
    products: [cams]
    users:
      - {name: boss, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:*", Resource: "*"}]}], access_keys: [{id: boss, secret: boss-secret}, {id: boss-2, secret: boss-2-secret}]}
      - {name: reader, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:Get*", Resource: "*"}]}], access_keys: [{id: reader, secret: reader-secret}]}
      - {name: nobody, access_keys: [{id: nobody, secret: nobody-secret}]}
      - {name: barred, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}, {Version: "1", Statement: [{Effect: Deny, Action: "cams:GetChatappTemplateMetric", Resource: "*"}]}], access_keys: [{id: barred, secret: barred-secret}]}
      - {name: narrow, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:*", Resource: "acs:cams:*:*:*"}]}], access_keys: [{id: narrow, secret: narrow-secret}]}
      - {name: office, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:*", Resource: "*", Condition: {IpAddress: {"acs:SourceIp": ["192.0.2.0/24"]}}}]}], access_keys: [{id: office, secret: office-secret}]}
      - {name: tls, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:*", Resource: "*", Condition: {Bool: {"acs:SecureTransport": "true"}}}]}], access_keys: [{id: tls, secret: tls-secret}]}
      - {name: timed, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:*", Resource: "*", Condition: {DateLessThan: {"acs:CurrentTime": "2026-11-20T04:30:00Z"}}}]}], access_keys: [{id: timed, secret: timed-secret}]}
  - id: "1000000000000002"
    products: [cams]
    users: [{name: boss, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}], access_keys: [{id: rival, secret: rival-secret}]}]
  - id: "1000000000000003"
    products: [cams]
    users: [{name: boss, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}], access_keys: [{id: isv, secret: isv-secret}]}]
  - id: "1000000000000004"
    products: [cams]
    users: [{name: boss, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}], access_keys: [{id: isv-2, secret: isv-2-secret}]}]
  - id: "1000000000000005"
    users: [{name: boss, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}], access_keys: [{id: poor, secret: poor-secret}]}]
  - id: "1000000000000006"
    products: [cams]
    users: [{name: boss, policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}], access_keys: [{id: bare, secret: bare-secret}]}]
channels:
  - {id: cams-a, provider: chatapp, account: "1000000000000001", isv: "1000000000000003", isv_code: code-a, senders: ["8613800000000", "8613800000001"], webhook_secrets: [hook-a-0123456789abcdef]}
  - {id: cams-b, provider: chatapp, account: "1000000000000001", time_zone: America/New_York, senders: ["15550000001"], webhook_secrets: [hook-b-0123456789abcdef]}
  - {id: cams-c, provider: chatapp, account: "1000000000000001", isv: "1000000000000003", isv_code: code-c}
  - {id: cams-r, provider: chatapp, account: "1000000000000002", senders: ["8613900000000"], webhook_secrets: [hook-r-0123456789abcdef]}
  - {id: cams-o, provider: chatapp, account: "1000000000000002", isv: "1000000000000004", isv_code: code-o}
  - {id: cams-p, provider: chatapp, account: "1000000000000003"}
  - {id: "102290129340398", provider: waba, account: "1000000000000001", webhook_secrets: [hook-w-0123456789abcdef]}
templates:
  - {channel: cams-a, code: "1100", name: sale, language: en, category: MARKETING, buttons: [{type: quick_reply_button, text: "Yes"}, {type: quick_reply_button, text: "Both"}, {type: quick_reply_button, text: "Help"}, {type: url_button, text: "See"}]}
  - {channel: cams-a, code: "1100", name: sale, language: id, category: MARKETING, buttons: [{type: quick_reply_button, text: "Ya"}, {type: quick_reply_button, text: "Both"}]}
  - {channel: cams-a, code: "2200", name: parcel, language: en, category: UTILITY, buttons: [{type: quick_reply_button, text: "Where?"}, {type: quick_reply_button, text: "Help"}]}
  - {channel: cams-a, code: "3300", name: miles, language: en, category: MARKETING, buttons: [{type: quick_reply_button, text: "Help"}, {type: url_button, text: "See"}]}
  - {channel: cams-b, code: "1100", name: sale, language: en, category: MARKETING}
  - {channel: cams-r, code: "9900", name: rivals, language: en, category: MARKETING}
`

// A rig is a server with the dialect, and all that it is made of.
type rig struct {
	t         testing.TB
	folder    string
	opt       alibaba.Options
	clock     *clock
	store     *pebble.Store
	directory *directory.Directory
	recorder  *ingest.Recorder
	tokens    *alibaba.Tokens
	metrics   *telemetry.Metrics
	http      *httptest.Server
	log       *lines
	nonce     atomic.Int64
	settled   func(context.Context) error // what the dialect's store says, if set
}

// A settling store may be slower to settle than the one it is.
type settling struct {
	waybill.Store
	rig *rig
}

func (s settling) Settled(ctx context.Context) error {
	if s.rig.settled != nil {
		return s.rig.settled(ctx)
	}
	return s.Store.Settled(ctx)
}

// A clock is set by tests.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) set(t time.Time)         { c.at.Store(t.UnixNano()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// lines are what was logged.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRig returns a rig with the tenants, with settings that are unlimited unless
// a test changes them.
func newRig(t testing.TB, settings ...func(*alibaba.Options)) *rig {
	t.Helper()
	g := &rig{t: t, folder: t.TempDir(), clock: new(clock), log: new(lines)}
	g.clock.set(noon)
	g.opt.Limits = alibaba.Limits{Enable: -1, Metrics: -1, Gateway: -1}
	for _, set := range settings {
		set(&g.opt)
	}
	g.open()
	t.Cleanup(g.close)
	g.apply(tenants)
	return g
}

func (g *rig) open() {
	g.t.Helper()
	must := func(err error) {
		g.t.Helper()
		if err != nil {
			g.t.Fatal(err)
		}
	}
	var err error
	g.metrics = telemetry.New()
	log := slog.New(slog.NewTextHandler(g.log, nil))
	g.store, err = pebble.Open(g.folder, pebble.Options{Now: g.clock.now})
	must(err)
	g.directory, err = directory.Open(context.Background(), g.store, directory.Key{1}, directory.Options{Now: g.clock.now})
	must(err)
	g.tokens, err = alibaba.NewTokens(directory.Key{1}, g.clock.now)
	must(err)
	g.recorder = ingest.NewRecorder(g.store, ingest.RecorderOptions{Now: g.clock.now})
	opt := g.opt
	opt.Directory, opt.Store, opt.Recorder, opt.Tokens = g.directory, settling{g.store, g}, g.recorder, g.tokens
	opt.Now, opt.Log, opt.Metrics = g.clock.now, log, g.metrics
	s := server.New(server.Options{Log: log, Metrics: g.metrics})
	s.TrustProxies(loopback)
	s.Ready(alibaba.New(opt))
	g.http = httptest.NewServer(s)
}

func (g *rig) close() {
	g.http.Close()
	if err := g.recorder.Close(context.Background()); err != nil {
		g.t.Error(err)
	}
	if err := g.store.Close(); err != nil {
		g.t.Error(err)
	}
}

// restart stops the server and starts it again with the same data.
func (g *rig) restart() {
	g.t.Helper()
	g.close()
	g.open()
}

func (g *rig) apply(document string) {
	g.t.Helper()
	doc, err := directory.Parse(strings.NewReader(document), os.LookupEnv)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.directory.Apply(context.Background(), doc, directory.ApplyOptions{}); err != nil {
		g.t.Fatal(err)
	}
}

// An answer is what a call got.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// send sends a request that is ready.
func (g *rig) send(r *http.Request) answer {
	g.t.Helper()
	w, err := g.http.Client().Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{g.t, w.StatusCode, w.Header, string(body)}
}

// span returns the parameters of a range around noon, given in days.
func span(fs ...fields) fields {
	all := fields{"Start": ms(noon.Add(-72 * time.Hour)), "End": ms(noon.Add(72 * time.Hour))}
	for _, f := range fs {
		all = all.with(f)
	}
	return all
}

func ms(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }

// enable switches metrics on for all channels of the owner.
func (g *rig) enable() {
	g.t.Helper()
	g.call("boss", "EnableWhatsappROIMetric", nil).wantOK()
}

// template and phones ask for series of channel cams-a.
func (g *rig) template(fs fields) answer {
	g.t.Helper()
	return g.call("boss", "GetChatappTemplateMetric", span(fields{"CustSpaceId": "cams-a", "TemplateCode": "1100"}, fs))
}

func (g *rig) phones(fs fields) answer {
	g.t.Helper()
	return g.call("boss", "GetChatappPhoneNumberMetric", span(fields{"CustSpaceId": "cams-a"}, fs))
}

// A fact is an event in short form.
type fact struct {
	channel  string // cams-a unless named
	message  string
	status   waybill.Status
	after    time.Duration // since noon
	template string
	language string
	category string
	sender   string // 8613800000000 unless named; "-" for none
	button   waybill.Button
	click    string
	inbound  bool
}

// record records facts as own events do.
func (g *rig) record(facts ...fact) {
	g.t.Helper()
	events := make([]waybill.Event, len(facts))
	for i, f := range facts {
		if f.channel == "" {
			f.channel = "cams-a"
		}
		c, ok := g.directory.View().Channel(f.channel)
		if !ok {
			g.t.Fatalf("no channel %s", f.channel)
		}
		e := waybill.Event{
			Channel: c.Number, Message: f.message, Status: f.status, At: waybill.InstantOf(noon.Add(f.after)),
			Inbound: f.inbound, Button: f.button, Click: f.click,
		}
		switch f.sender {
		case "":
			f.sender = "8613800000000"
		case "-":
			f.sender = ""
		}
		e.Labels.Set(waybill.LabelSender, f.sender, waybill.RankOwn)
		e.Labels.Set(waybill.LabelTemplate, f.template, waybill.RankOwn)
		e.Labels.Set(waybill.LabelLanguage, f.language, waybill.RankOwn)
		e.Labels.Set(waybill.LabelCategory, f.category, waybill.RankOwn)
		events[i] = e
	}
	receipt, err := g.recorder.Record(context.Background(), events)
	if err != nil || len(receipt.Rejected) > 0 {
		g.t.Fatal(err, receipt.Rejected)
	}
}

// sale returns a fact about a message of template 1100 in English.
func sale(message string, status waybill.Status, after time.Duration) fact {
	return fact{message: message, status: status, after: after, template: "1100", language: "en"}
}

// push posts receipts to the channel of a secret.
func (g *rig) push(secret, body string) answer {
	g.t.Helper()
	r, err := http.NewRequest(http.MethodPost, g.http.URL+"/webhooks/alibaba/"+secret, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return g.send(r)
}

const hookA = "hook-a-0123456789abcdef"

// loopback is a proxy whose headers are believed.
var loopback = dialect.Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
