package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"waybill"
	"waybill/internal/census"
	"waybill/internal/dialect"
	"waybill/internal/server"
)

// observeFlags say what is told of a server's work.
type observeFlags struct {
	AccessLog string        `help:"Which requests have a line in the log: ${enum}. Errors are all but those answered with success." enum:"on,errors,off" default:"on"`
	SlowQuery time.Duration `help:"Log questions to the store that take at least so long; 0s logs none." default:"1s" placeholder:"DURATION"`

	MetricsChannels  int               `help:"How many channels /metrics tells apart, those first that came first. The rest is counted as other." default:"20" placeholder:"N"`
	MetricsTemplates []census.Template `help:"Templates that /metrics counts, each as the ID of its channel and its code." placeholder:"CHANNEL/CODE"`
}

// countEvery is how old the counts of messages of a scrape may be.
const countEvery = 30 * time.Second

func (f *observeFlags) check() error {
	switch {
	case f.SlowQuery < 0:
		return fmt.Errorf("--slow-query is %s, less than 0s", f.SlowQuery)
	case f.MetricsChannels < 0 || f.MetricsChannels > census.MaxChannels:
		return fmt.Errorf("--metrics-channels is %d, not between 0 and %d", f.MetricsChannels, census.MaxChannels)
	case len(f.MetricsTemplates) > census.MaxTemplates:
		return fmt.Errorf("--metrics-templates names %d templates, more than %d", len(f.MetricsTemplates), census.MaxTemplates)
	}
	return nil
}

func (f *observeFlags) accessLog() server.AccessLog {
	return map[string]server.AccessLog{"errors": server.LogErrors, "off": server.LogNone}[f.AccessLog]
}

// observe registers the metrics of what open has opened, and begins to look at what
// a scrape does not wait for.
func (a *app) observe() error {
	messages := census.New(census.Options{
		Store: a.store, Channels: func() []waybill.Channel { return a.directory.View().Channels() },
		MaxChannels: a.flags.MetricsChannels, Templates: a.flags.MetricsTemplates, Every: countEvery, Log: a.log,
	})
	return errors.Join(
		a.metrics.Build(version),
		a.metrics.Register(a.store.Collector(), messages),
		a.metrics.Register(a.recorder.Collectors()...),
		a.metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "waybill_bodies_bytes",
			Help: "Memory that the bodies of requests in progress take.",
		}, func() float64 { return float64(a.server.BodyBytes()) })),
		a.metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "waybill_certificate_expires_timestamp_seconds",
			Help: "When the certificate of the public listener expires; 0 where there is none.",
		}, a.certificateExpires)),
	)
}

// certificateExpires returns seconds since 1970.
func (a *app) certificateExpires() float64 {
	until, ok := a.certificate.Until()
	if !ok {
		return 0
	}
	return float64(until.Unix())
}

// questions returns the store as the dialects ask it.
func (a *app) questions() waybill.Store {
	return dialect.Observe(a.store, dialect.ObservedOptions{
		Metrics: a.metrics, Log: a.log, Slow: a.flags.SlowQuery,
		Channel: func(n waybill.ChannelNumber) string {
			c, _ := a.directory.View().ChannelByNumber(n)
			return c.ID
		},
	})
}
