package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
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

	edgeFlags `embed:""`

	AllowNetworkFileSystem bool `help:"Serve also where the data directory is on a network file system, which can lose data."`

	LogFormat string     `help:"Form of the log lines: ${enum}." enum:"text,json" default:"text"`
	LogLevel  slog.Level `help:"Least level that is logged: debug, info, warn, error." default:"info" placeholder:"LEVEL"`

	observeFlags `embed:""`

	CallsPerSecond int `help:"Calls of Waybill's own API per second for each token but the operator's; 0 is no limit." default:"100" placeholder:"N"`

	MetaCallsPerHour int `help:"Graph API calls per hour for each app and WhatsApp Business Account; 0 is no limit." default:"0" placeholder:"N"`

	MomoCallsPerSecond int `help:"Calls of MoMo's API per second for each credential; 0 is no limit." default:"0" placeholder:"N"`

	alibabaFlags `embed:"" prefix:"alibaba-"`
}

// alibabaFlags are the settings of the dialect of Alibaba Cloud. A limit is in
// calls per second and account.
type alibabaFlags struct {
	Hosts        []string      `help:"Names under which clients call this server, each with its port if it is not the usual one, where a proxy changes the Host header." placeholder:"HOST"`
	Bearer       bool          `help:"Take bearer tokens, over TLS only."`
	EnableLimit  int           `help:"Limit of EnableWhatsappROIMetric; negative is none." default:"5" placeholder:"N"`
	MetricsLimit int           `help:"Limit of each of the two Get operations; negative is none." default:"50" placeholder:"N"`
	GatewayLimit int           `help:"Limit of all calls with a valid signature; negative is none." default:"1000" placeholder:"N"`
	Delay        time.Duration `help:"How long after Enable the first metrics are shown; 24h is the vendor's." default:"0s" placeholder:"DURATION"`
}

type serveCmd struct {
	serveFlags `embed:""`
	dataFlags  `embed:""`
	keepFlags  `embed:""`
}

// Run serves until it is told to stop.
func (cmd *serveCmd) Run(ctx context.Context, c console, line commandLine) error {
	a, err := newApp(cmd.serveFlags, cmd.dataFlags, c)
	if err != nil {
		return err
	}
	a.line = line
	a.keep = cmd.options()
	return a.run(ctx, a.ready)
}

// An app is a server and all that it is made of. This file is the only place
// that knows every part.
type app struct {
	console     console
	line        commandLine // that is read again for a reload; nil never is
	flags       serveFlags
	data        dataFlags
	keep        pebble.Options   // what the store keeps of messages
	lines       *telemetry.Lines // of log
	level       slog.LevelVar
	log         *slog.Logger
	metrics     *telemetry.Metrics
	public      net.Listener
	admin       net.Listener // nil where it is turned off
	certificate server.Certificate
	store       *pebble.Store // nil until the data is open
	key         directory.Key
	directory   *directory.Directory
	recorder    *ingest.Recorder
	server      *server.Server
}

// newApp takes the addresses; nothing is answered yet.
func newApp(flags serveFlags, data dataFlags, c console) (*app, error) {
	if err := flags.edgeFlags.checkEdge(); err != nil {
		return nil, err
	}
	if flags.Listen == "" {
		return nil, errors.New("--listen is empty; name an address such as 127.0.0.1:8080")
	}
	if flags.CallsPerSecond < 0 {
		return nil, fmt.Errorf("--calls-per-second is %d, less than 0", flags.CallsPerSecond)
	}
	if flags.MetaCallsPerHour < 0 {
		return nil, fmt.Errorf("--meta-calls-per-hour is %d, less than 0", flags.MetaCallsPerHour)
	}
	if flags.MomoCallsPerSecond < 0 {
		return nil, fmt.Errorf("--momo-calls-per-second is %d, less than 0", flags.MomoCallsPerSecond)
	}
	if err := flags.check(); err != nil {
		return nil, err
	}
	lines := telemetry.NewLines(c.err)
	a := &app{
		console: c, flags: flags, data: data, lines: lines, metrics: telemetry.New(),
	}
	a.level.Set(flags.LogLevel)
	a.log = telemetry.NewLogger(lines, flags.LogFormat, &a.level)
	if err := flags.loadCertificate(&a.certificate, a.log); err != nil {
		return nil, err
	}
	public, admin := flags.tls(&a.certificate)
	a.server = server.New(server.Options{
		Log: a.log, Metrics: a.metrics, AccessLog: flags.accessLog(), Check: a.check, TLS: public, AdminTLS: admin,
	})
	a.server.TrustProxies(flags.proxies())
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
const heapFloor = 128 << 20

// run serves until ctx is done. Requests get 503 while the data is opened; then
// prepare is called, and has to call ready.
func (a *app) run(ctx context.Context, prepare func(context.Context) error) error {
	defer a.lines.Flush()
	defer runtime.KeepAlive(make([]byte, heapFloor))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(pebble.GCPercent)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = notify("STOPPING=1") }) // it sees the end without being told
	served := make(chan error, 1)
	go func() {
		defer cancel() // a server that failed ends the preparation
		served <- a.server.Serve(ctx, a.public, a.admin)
	}()
	err := a.reloads(ctx)
	if err == nil {
		err = a.open(ctx)
	}
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
	place := newPlace(a.data.Data, a.log)
	if err := place.check(a.flags.AllowNetworkFileSystem); err != nil {
		return err
	}
	a.store, a.directory, a.key, err = openData(ctx, a.data, a.keep, a.log)
	if waybill.CodeOf(err) == waybill.Conflict {
		return fmt.Errorf("%w%s: stop it first, or choose another --data", err, holderOf(a.data.Data))
	}
	if err != nil {
		return err
	}
	go place.watch(ctx)
	go watchExpiry(ctx, &a.certificate, a.log)
	go a.watchStore(ctx)
	a.recorder = ingest.NewRecorder(a.store, ingest.RecorderOptions{Now: time.Now, Log: a.log, Metrics: a.metrics})
	return a.observe()
}

var errStopped = errors.New("the store has stopped for good, because its disk failed")

// check says whether reports can be recorded.
func (a *app) check() error {
	select {
	case <-a.store.Stopped():
		return errStopped
	default:
		return nil
	}
}

// watchStore logs it at once when the store stops, also where nothing comes in.
func (a *app) watchStore(ctx context.Context) {
	select {
	case <-a.store.Stopped():
		a.log.ErrorContext(ctx, "the store has stopped: mend the disk, or make room on it, and restart", "err", errStopped)
	case <-ctx.Done():
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
	for _, d := range dialects {
		a.metrics.Source(d.Name())
	}
	a.server.Ready(dialects...)
	attrs := []any{"url", a.url(), "listen", a.public.Addr().String()}
	if a.admin != nil {
		attrs = append(attrs, "admin", scheme(a.flags.AdminTLS)+a.admin.Addr().String())
	}
	a.log.InfoContext(ctx, "ready", attrs...)
	if err := notify("READY=1"); err != nil {
		a.log.WarnContext(ctx, "the service manager is not told", "err", err)
	}
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
	store := a.questions()
	return []dialect.Dialect{
		own,
		momo.New(momo.Options{
			Directory: a.directory, Store: store, Recorder: a.recorder, Tokens: logins,
			CallsPerSecond: a.flags.MomoCallsPerSecond, Now: time.Now, Log: a.log, Metrics: a.metrics,
		}),
		meta.New(meta.Options{
			Directory: a.directory, Store: store, Webhook: webhook,
			CallsPerHour: a.flags.MetaCallsPerHour, Log: a.log, Now: time.Now,
		}),
		alibaba.New(alibaba.Options{
			Directory: a.directory, Store: store, Recorder: a.recorder, Tokens: tokens,
			Auth:   alibaba.AuthOptions{Hosts: a.flags.Hosts, Bearer: a.flags.Bearer},
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
		Directory: a.directory, Recorder: a.recorder, Store: a.questions(), Backup: a.store.Checkpoint,
		CallsPerSecond: a.flags.CallsPerSecond,
		TemporaryKey: func(account, user string, life time.Duration) (rest.TemporaryKey, error) {
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

// url is where the public listener can be reached from this machine.
func (a *app) url() string {
	address := a.public.Addr().(*net.TCPAddr)
	host := "127.0.0.1"
	if !address.IP.IsUnspecified() {
		host = address.IP.String()
	}
	return scheme(a.flags.TLSCert != "") + net.JoinHostPort(host, strconv.Itoa(address.Port))
}
