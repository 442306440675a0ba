package alibaba_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
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

// A fields is what a call sends.
type fields map[string]string

// with returns fs with others in addition, or without those whose value is "-".
func (fs fields) with(others fields) fields {
	all := maps.Clone(fs)
	if all == nil {
		all = fields{}
	}
	for name, value := range others {
		if all[name] = value; value == "-" {
			delete(all, name)
		}
	}
	return all
}

// encode returns the canonical form of fs, which is a valid query as well.
func (fs fields) encode() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fs)) {
		parts = append(parts, percent(name)+"="+percent(fs[name]))
	}
	return strings.Join(parts, "&")
}

// percent encodes as RFC 3986 has it.
func percent(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

// call sends a call as the SDKs of today do: signed with ACS3-HMAC-SHA256, its
// parameters in the query. The secret of a key is its ID and "-secret".
func (g *rig) call(key, action string, fs fields) answer {
	g.t.Helper()
	return g.send(g.acs3(key, key+"-secret", http.MethodPost, fs, map[string]string{
		"x-acs-action": action, "x-acs-version": "2020-06-06",
	}))
}

// acs3 returns a signed request; headers with the value "-" are left out.
func (g *rig) acs3(key, secret, method string, fs fields, headers map[string]string) *http.Request {
	g.t.Helper()
	r, err := http.NewRequest(method, g.http.URL+"/?"+fs.encode(), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	signed := map[string]string{
		"host":                  r.URL.Host,
		"x-acs-date":            g.clock.now().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": fmt.Sprint("nonce-", g.nonce.Add(1)),
		"x-acs-content-sha256":  sha(""),
	}
	for name, value := range headers {
		if signed[name] = value; value == "-" {
			delete(signed, name)
		}
	}
	names := slices.Sorted(maps.Keys(signed))
	canonical := method + "\n/\n" + fs.encode() + "\n"
	for _, name := range names {
		canonical += name + ":" + signed[name] + "\n"
		if name != "host" {
			r.Header.Set(name, signed[name])
		}
	}
	list := strings.Join(names, ";")
	canonical += "\n" + list + "\n" + signed["x-acs-content-sha256"]
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + sha(canonical)))
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+key+",SignedHeaders="+list+
		",Signature="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// rpc sends a call as older SDKs do: signed with HMAC-SHA1, all of its parameters
// in the query of a GET.
func (g *rig) rpc(key, action string, fs fields) answer {
	g.t.Helper()
	return g.send(g.rpcRequest(key, http.MethodGet, fs.with(fields{"Action": action})))
}

// rpcRequest returns such a request; a POST has its parameters in a form.
func (g *rig) rpcRequest(key, method string, fs fields) *http.Request {
	g.t.Helper()
	all := fields{
		"Version": "2020-06-06", "AccessKeyId": key, "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": fmt.Sprint("nonce-", g.nonce.Add(1)), "Timestamp": g.clock.now().Format("2006-01-02T15:04:05Z"),
	}.with(fs)
	mac := hmac.New(sha1.New, []byte(key+"-secret&"))
	mac.Write([]byte(method + "&%2F&" + percent(all.encode())))
	text := all.with(fields{"Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil))}).encode()
	if method == http.MethodPost {
		r, err := http.NewRequest(method, g.http.URL+"/", strings.NewReader(text))
		if err != nil {
			g.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	r, err := http.NewRequest(method, g.http.URL+"/?"+text, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

// requestID is the form of the ID of every answer.
var requestID = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)

// want checks the status and the whole body, in which $ID stands for the ID of
// the request and $HOST for the server's name.
func (a answer) want(status int, body string) {
	a.t.Helper()
	id := a.header.Get("X-Acs-Request-Id")
	u := strings.NewReplacer("$ID", id, "$DIAGNOSTIC", base64.StdEncoding.EncodeToString([]byte(id)))
	if a.status != status || a.hostless() != u.Replace(body) {
		a.t.Errorf("answer %d %s\nwant   %d %s", a.status, a.hostless(), status, u.Replace(body))
	}
}

// hostless returns the body with $HOST for what the server is called.
func (a answer) hostless() string {
	const name = "127.0.0.1:"
	before, after, ok := strings.Cut(a.body, name)
	if !ok {
		return a.body
	}
	return before + "$HOST" + strings.TrimLeft(after, "0123456789")
}

// wantError checks the status and the code of a refusal.
func (a answer) wantError(status int, code string) {
	a.t.Helper()
	var e struct {
		Code, Message string
		RequestID     string `json:"RequestId"`
		HostID        string `json:"HostId"`
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != status || e.Code != code {
		a.t.Errorf("answer %d %s, want %d %s", a.status, a.body, status, code)
	}
	if e.Message == "" || e.RequestID == "" || e.RequestID != a.header.Get("X-Acs-Request-Id") || e.HostID == "" {
		a.t.Errorf("incomplete error %s", a.body)
	}
}

// wantOK checks that a call succeeded.
func (a answer) wantOK() answer {
	a.t.Helper()
	if a.status != http.StatusOK || !strings.Contains(a.body, `"Code":"OK"`) {
		a.t.Errorf("answer %d %s, want OK", a.status, a.body)
	}
	return a
}

// rows returns Data, one row in short form each.
func (a answer) rows() []string {
	a.t.Helper()
	a.wantOK()
	var body struct {
		Data []struct {
			TemplateCode, Language, PhoneNumber, Granularity string
			SentCount, DeliveredCount, ReadCount             int32
			Start, End                                       int64
			Cliented                                         []struct {
				Type, ButtonContent string
				Count               int32
			}
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	rows := []string{}
	for _, d := range body.Data {
		row := fmt.Sprintf("%s-%s %s%s %d/%d", stamp(d.Start), stamp(d.End), d.Language, d.PhoneNumber, d.SentCount, d.DeliveredCount)
		if d.PhoneNumber == "" && d.Granularity == "" {
			row += fmt.Sprintf("/%d", d.ReadCount)
		}
		for _, c := range d.Cliented {
			row += fmt.Sprintf(" %s=%d", c.ButtonContent, c.Count)
		}
		rows = append(rows, row)
	}
	return rows
}

// stamp is a time in UTC, as short as it can be.
func stamp(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	return t.Format("02T15:04")
}

func (a answer) wantRows(want ...string) {
	a.t.Helper()
	if want == nil {
		want = []string{}
	}
	if got := a.rows(); !slices.Equal(got, want) {
		a.t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
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
