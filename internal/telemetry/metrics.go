// Package telemetry says how Waybill is doing: counters for Prometheus and logs
// by slog. It counts Waybill's own work, never messages; those are the store's.
//
// docs/observability.md of the repository has all metrics, those of other packages
// included, with their labels and bounds.
package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the counters of one process, in a registry of their own. All
// methods can be called concurrently; a nil *Metrics does nothing.
type Metrics struct {
	registry *prometheus.Registry

	events   *family[prometheus.Counter]
	requests *family[request]
	seconds  *family[prometheus.Observer] // of requests

	querySeconds prometheus.Histogram

	commitSeconds prometheus.Histogram
	commitEvents  prometheus.Histogram
}

// A request is the counter and histogram of one kind of request.
type request struct {
	total   prometheus.Counter
	seconds prometheus.Observer
}

// New returns Metrics that start at zero, with those of the Go runtime and of
// the process beside them.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "waybill_commit_seconds",
			Help:    "Time of a group commit, until it is durable.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}),
		commitEvents: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "waybill_commit_events",
			Help:    "Events in a group commit.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 10),
		}),
		querySeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "waybill_query_seconds",
			Help:    "Time of a question to the store. A call can ask several.",
			Buckets: callBuckets,
		}),
	}
	m.registry.MustRegister(m.commitSeconds, m.commitEvents, m.querySeconds,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registerEvents()
	m.registerRequests()
	return m
}

// callBuckets are few, since there is a histogram for each operation.
var callBuckets = []float64{0.005, 0.025, 0.1, 0.5, 2.5}

// The bounds of the families. Each is more than a server needs that is used as it
// should be; the rest of a dialect counts as its "other".
const (
	maxEvents   = 100 // sources and outcomes
	maxRequests = 100 // dialects, operations and outcomes
	maxTimed    = 20  // dialects and operations with a histogram
)

func (m *Metrics) registerEvents() {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waybill_events_total",
		Help: "Events by where they came from and what became of them.",
	}, []string{"source", "outcome"})
	m.registry.MustRegister(total)
	rest := func(v labels) labels { return labels{v[0], otherLabel, v[2]} }
	m.events = newFamily(maxEvents, rest, func(v labels) prometheus.Counter {
		return total.WithLabelValues(v[0], v[1])
	})
}

// Source begins to tell of a source before its first event, so that this is an
// increase.
func (m *Metrics) Source(name string) {
	for _, outcome := range []string{"received", "changed", "repeated", "rejected", "too_late"} {
		m.events.of(labels{name, outcome})
	}
}

func (m *Metrics) registerRequests() {
	names := []string{"dialect", "operation", "outcome"}
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waybill_requests_total",
		Help: "Answered requests.",
	}, names)
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "waybill_request_seconds",
		Help:    "Time until a request was answered.",
		Buckets: callBuckets,
	}, names[:2])
	m.registry.MustRegister(total, seconds)
	rest := func(v labels) labels { return labels{v[0], otherLabel, v[2]} }
	m.seconds = newFamily(maxTimed, rest, func(v labels) prometheus.Observer {
		return seconds.WithLabelValues(v[0], v[1])
	})
	m.requests = newFamily(maxRequests, rest, func(v labels) request {
		return request{total.WithLabelValues(v[:]...), m.seconds.of(labels{v[0], v[1]})}
	})
}

// Events counts n events of a source (a dialect) by what became of them:
// received, changed, repeated, rejected, parked, foreign, unknown_status and so
// on. Both words must be of a fixed set.
func (m *Metrics) Events(source, outcome string, n int) {
	if m == nil || n <= 0 {
		return
	}
	m.events.of(labels{source, outcome}).Add(float64(n))
}

// Commit counts a group commit of so many events.
func (m *Metrics) Commit(events int, took time.Duration) {
	if m == nil {
		return
	}
	m.commitSeconds.Observe(took.Seconds())
	m.commitEvents.Observe(float64(events))
}

// Query counts a question to the store.
func (m *Metrics) Query(took time.Duration) {
	if m != nil {
		m.querySeconds.Observe(took.Seconds())
	}
}

// Request counts one answered request. All three words must be of a fixed set;
// the operation is empty where the dialect names none.
func (m *Metrics) Request(dialect, operation, outcome string, took time.Duration) {
	if m == nil {
		return
	}
	r := m.requests.of(labels{dialect, operation, outcome})
	r.total.Inc()
	r.seconds.Observe(took.Seconds())
}

// Register adds the counters of other parts of Waybill. It fails if one of
// their names is there already.
func (m *Metrics) Register(cs ...prometheus.Collector) error {
	if m == nil {
		return nil
	}
	for _, c := range cs {
		if err := m.registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Build tells which program this is.
func (m *Metrics) Build(version string) error {
	return m.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "waybill_build_info",
		Help:        "Always 1; its labels say which program runs.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	}, func() float64 { return 1 }))
}

// Handler answers scrapes in Prometheus's text format.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/
func (m *Metrics) Handler() http.Handler {
	if m == nil {
		return http.NotFoundHandler()
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
