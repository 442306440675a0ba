package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/alibaba"
	"waybill/internal/dialect/meta"
	"waybill/internal/dialect/momo"
	"waybill/internal/dialect/rest"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/server"
	"waybill/internal/store/pebble"
	"waybill/internal/telemetry"
)

// serveFlags are the settings of a server, shared by serve and demo.
type serveFlags struct {
	Listen      string `help:"Address of the public listener." default:"127.0.0.1:8080" placeholder:"ADDR"`
	AdminListen string `help:"Address of /metrics, /healthz, /readyz and pprof; empty turns it off." default:"127.0.0.1:8081" placeholder:"ADDR"`

	LogFormat string     `help:"Form of the log lines: ${enum}." enum:"text,json" default:"text"`
	LogLevel  slog.Level `help:"Least level that is logged: debug, info, warn, error." default:"info" placeholder:"LEVEL"`

	MetaCallsPerHour int `help:"Graph API calls per hour for each app and WhatsApp Business Account; 0 is no limit." default:"0" placeholder:"N"`

	MomoCallsPerSecond int `help:"Calls of MoMo's API per second for each credential; 0 is no limit." default:"0" placeholder:"N"`

	alibabaFlags `embed:"" prefix:"alibaba-"`
}

// alibabaFlags are the settings of the dialect of Alibaba Cloud. A limit is in
// calls per second and account.
type alibabaFlags struct {
	Hosts        []string       `help:"Names under which clients call this server, each with its port if it is not the usual one, where a proxy changes the Host header." placeholder:"HOST"`
	Proxies      []netip.Prefix `help:"Peers whose X-Forwarded-Host, -Proto and -For are believed." placeholder:"CIDR"`
	Bearer       bool           `help:"Take bearer tokens, over TLS only."`
	EnableLimit  int            `help:"Limit of EnableWhatsappROIMetric; negative is none." default:"5" placeholder:"N"`
	MetricsLimit int            `help:"Limit of each of the two Get operations; negative is none." default:"50" placeholder:"N"`
	GatewayLimit int            `help:"Limit of all calls with a valid signature; negative is none." default:"1000" placeholder:"N"`
	Delay        time.Duration  `help:"How long after Enable the first metrics are shown; 24h is the vendor's." default:"0s" placeholder:"DURATION"`
}

// dataFlags say where the embedded store lies and what opens its secrets.
type dataFlags struct {
	Data          string `help:"Directory of the embedded store." default:"waybill-data" placeholder:"DIR"`
	SecretKeyFile string `help:"File with the key of the secrets at rest; WAYBILL_SECRET_KEY stands over it. Made beside the data when absent." placeholder:"FILE"`
}

type serveCmd struct {
	serveFlags `embed:""`
	dataFlags  `embed:""`
	keepFlags  `embed:""`
}

// Run serves until it is told to stop.
func (cmd *serveCmd) Run(ctx context.Context, c console) error {
	a, err := newApp(cmd.serveFlags, cmd.dataFlags, c)
	if err != nil {
		return err
	}
	a.keep = cmd.options()
	return a.run(ctx, a.ready)
}

// An app is a server and all that it is made of. This file is the only place
// that knows every part.
type app struct {
	flags     serveFlags
	data      dataFlags
	keep      pebble.Options   // what the store keeps of messages
	lines     *telemetry.Lines // of log
	log       *slog.Logger
	metrics   *telemetry.Metrics
	public    net.Listener
	admin     net.Listener  // nil where it is turned off
	store     *pebble.Store // nil until the data is open
	key       directory.Key
	directory *directory.Directory
	recorder  *ingest.Recorder
	server    *server.Server
}

// newApp takes the addresses; nothing is answered yet.
func newApp(flags serveFlags, data dataFlags, c console) (*app, error) {
	if flags.Listen == "" {
		return nil, errors.New("--listen is empty; name an address such as 127.0.0.1:8080")
	}
	if flags.MetaCallsPerHour < 0 {
		return nil, fmt.Errorf("--meta-calls-per-hour is %d, less than 0", flags.MetaCallsPerHour)
	}
	if flags.MomoCallsPerSecond < 0 {
		return nil, fmt.Errorf("--momo-calls-per-second is %d, less than 0", flags.MomoCallsPerSecond)
	}
	lines := telemetry.NewLines(c.err)
	a := &app{
		flags: flags, data: data, lines: lines, log: telemetry.NewLogger(lines, flags.LogFormat, flags.LogLevel),
		metrics: telemetry.New(),
	}
	a.server = server.New(server.Options{Log: a.log, Metrics: a.metrics, Check: a.check})
	var err error
	if a.public, err = net.Listen("tcp", flags.Listen); err != nil {
		return nil, err
	}
	if flags.AdminListen == "" {
		return a, nil
	}
	if a.admin, err = net.Listen("tcp", flags.AdminListen); err != nil {
		return nil, errors.Join(err, a.public.Close())
	}
	return a, nil
}

// heapFloor is address space that is never touched. The garbage collector takes it
// for memory in use and lets as much garbage come together before it works: a
// server that holds little would else collect dozens of times a second.
const heapFloor = 64 << 20

// run serves until ctx is done. Requests get 503 while the data is opened; then
// prepare is called, and has to call ready.
func (a *app) run(ctx context.Context, prepare func(context.Context) error) error {
	defer a.lines.Flush()
	defer runtime.KeepAlive(make([]byte, heapFloor))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		defer cancel() // a server that failed ends the preparation
		served <- a.server.Serve(ctx, a.public, a.admin)
	}()
	err := a.open(ctx)
	if err == nil {
		err = prepare(ctx)
	}
	switch {
	case errors.Is(err, context.Canceled):
		err = nil // told to stop while it prepared, or the server says why
	case err != nil:
		cancel()
	}
	return errors.Join(err, <-served, a.close())
}

// open opens the data.
func (a *app) open(ctx context.Context) (err error) {
	if a.store, a.directory, a.key, err = openData(ctx, a.data, a.keep, a.log); err != nil {
		return err
	}
	a.recorder = ingest.NewRecorder(a.store, ingest.RecorderOptions{Now: time.Now, Log: a.log, Metrics: a.metrics})
	return nil
}

// check says whether reports can be recorded.
func (a *app) check() error {
	select {
	case <-a.store.Stopped():
		return errors.New("the store has stopped for good, because its disk failed")
	default:
		return nil
	}
}

// close writes the events that were taken and not written yet, and closes the
// data. No request is in progress any more.
func (a *app) close() error {
	var errs []error
	if a.recorder != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		errs = append(errs, a.recorder.Close(ctx))
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// ready lets requests in.
func (a *app) ready(ctx context.Context) error {
	if err := a.ensureAdminToken(ctx); err != nil {
		return err
	}
	dialects, err := a.dialects(ctx)
	if err != nil {
		return err
	}
	a.server.Ready(dialects...)
	attrs := []any{"url", a.url(), "listen", a.public.Addr().String()}
	if a.admin != nil {
		attrs = append(attrs, "admin", "http://"+a.admin.Addr().String())
	}
	a.log.InfoContext(ctx, "ready", attrs...)
	return nil
}

// dialects wires the dialects. A new one is one more here.
func (a *app) dialects(ctx context.Context) ([]dialect.Dialect, error) {
	parking, err := ingest.NewParking(a.store, ingest.ParkingOptions{Now: time.Now, Log: a.log, Metrics: a.metrics})
	if err != nil {
		return nil, err
	}
	webhook := meta.NewWebhook(meta.WebhookOptions{
		Directory: a.directory, Recorder: a.recorder, Parking: parking,
		Log: a.log, Metrics: a.metrics, Now: time.Now,
	})
	a.directory.OnChannel(webhook.ReplayParked)
	if err := webhook.ReplayAll(ctx); err != nil {
		return nil, err
	}
	go tend(ctx, parking, webhook, a.log)
	tokens, err := alibaba.NewTokens(a.key, time.Now)
	if err != nil {
		return nil, err
	}
	own, err := a.ownAPI()
	if err != nil {
		return nil, err
	}
	logins, err := momo.NewTokens(a.key, time.Now)
	if err != nil {
		return nil, err
	}
	return []dialect.Dialect{
		own,
		momo.New(momo.Options{
			Directory: a.directory, Store: a.store, Recorder: a.recorder, Tokens: logins,
			CallsPerSecond: a.flags.MomoCallsPerSecond, Now: time.Now, Log: a.log, Metrics: a.metrics,
		}),
		meta.New(meta.Options{
			Directory: a.directory, Store: a.store, Webhook: webhook,
			CallsPerHour: a.flags.MetaCallsPerHour, Log: a.log, Now: time.Now,
		}),
		alibaba.New(alibaba.Options{
			Directory: a.directory, Store: a.store, Recorder: a.recorder, Tokens: tokens,
			Auth:   alibaba.AuthOptions{Hosts: a.flags.Hosts, Proxies: a.flags.Proxies, Bearer: a.flags.Bearer},
			Limits: alibaba.Limits{Enable: a.flags.EnableLimit, Metrics: a.flags.MetricsLimit, Gateway: a.flags.GatewayLimit},
			Delay:  a.flags.Delay, Now: time.Now, Log: a.log, Metrics: a.metrics,
		}),
	}, nil
}

// ownAPI wires Waybill's own API.
func (a *app) ownAPI() (*rest.API, error) {
	tokens, err := alibaba.NewTokens(a.key, time.Now)
	if err != nil {
		return nil, err
	}
	return rest.New(rest.Options{
		Directory: a.directory, Recorder: a.recorder, Store: a.store, Backup: a.store.Checkpoint,
		TemporaryKey: func(account, user string, life time.Duration) (any, error) {
			return newTemporaryKey(tokens, account, user, life)
		},
		Log: a.log, Metrics: a.metrics, Now: time.Now, Version: version,
	}), nil
}

// tendEvery is how often parked bodies are looked through.
const tendEvery = time.Hour

// tend drops old parked bodies and records those that an owner has appeared for
// by other ways than a new channel, now and then, until ctx is done.
func tend(ctx context.Context, parking *ingest.Parking, webhook *meta.Webhook, log *slog.Logger) {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for {
		if err := errors.Join(parking.Sweep(ctx), webhook.ReplayAll(ctx)); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "parked bodies are not looked through", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// openData opens the store in a directory and the tenants in it. Whoever gives no
// KeepMessages drops no histories.
func openData(ctx context.Context, data dataFlags, opt pebble.Options, log *slog.Logger) (*pebble.Store, *directory.Directory, directory.Key, error) {
	opt.Now, opt.Log = time.Now, log
	store, err := pebble.Open(data.Data, opt)
	if err != nil {
		return nil, nil, directory.Key{}, err
	}
	file := data.keyFile()
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.WarnContext(ctx, "others can read the secret key", "file", file, "mode", info.Mode().String())
	}
	key, err := directory.LoadKey(ctx, store, os.Getenv(secretKeyVariable), file)
	if err != nil {
		return nil, nil, key, errors.Join(err, store.Close())
	}
	dir, err := directory.Open(ctx, store, key, directory.Options{Now: time.Now, Log: log})
	if err != nil {
		return nil, nil, key, errors.Join(err, store.Close())
	}
	return store, dir, key, nil
}

const secretKeyVariable = "WAYBILL_SECRET_KEY"

func (d *dataFlags) keyFile() string {
	if d.SecretKeyFile != "" {
		return d.SecretKeyFile
	}
	return filepath.Join(d.Data, "secret.key")
}

// adminTokenFile is where serve leaves the operator's token at the first start.
const adminTokenFile = "admin-token"

func (a *app) adminTokenPath() string { return filepath.Join(a.data.Data, adminTokenFile) }

// url is where the public listener can be reached from this machine.
func (a *app) url() string {
	address := a.public.Addr().(*net.TCPAddr)
	host := "127.0.0.1"
	if !address.IP.IsUnspecified() {
		host = address.IP.String()
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(address.Port))
}

// operatorName is the name of the operator's token.
const operatorName = "operator"

// ensureAdminToken makes the token of the operator, who applies directories,
// unless the one in the file is good. It goes into a file that only the owner can
// read, not to the log. Whoever loses the file gets a new token at the next start.
func (a *app) ensureAdminToken(ctx context.Context) error {
	path := a.adminTokenPath()
	if text, err := os.ReadFile(path); err == nil {
		token, ok := a.directory.View().Token(strings.TrimSpace(string(text)))
		if ok && token.Operator() {
			return nil
		}
	}
	err := a.directory.RevokeToken(ctx, "", operatorName)
	if err != nil && waybill.CodeOf(err) != waybill.NotFound {
		return fmt.Errorf("revoke the operator's lost token: %w", err)
	}
	secret, err := a.directory.IssueToken(ctx, waybill.Token{Name: operatorName, Scopes: []string{waybill.ScopeAdmin}})
	if err != nil {
		return fmt.Errorf("make the operator's token: %w", err)
	}
	if err := writeSecret(path, []byte(secret+"\n")); err != nil {
		return fmt.Errorf("write the operator's token: %w", err)
	}
	a.log.InfoContext(ctx, "made the operator's token", "file", path)
	return nil
}

// writeSecret makes a file what text says, whole or not at all, for the owner
// alone.
func writeSecret(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
