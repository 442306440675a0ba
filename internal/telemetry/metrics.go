// Package telemetry says how Waybill is doing: counters for Prometheus and logs
// by slog. It counts Waybill's own work, never messages; those are the store's.
package telemetry

import (
	"net/http"
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
	}
	m.registry.MustRegister(m.commitSeconds, m.commitEvents,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registerEvents()
	m.registerRequests()
	return m
}

func (m *Metrics) registerEvents() {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waybill_events_total",
		Help: "Events by where they came from and what became of them.",
	}, []string{"source", "outcome"})
	m.registry.MustRegister(total)
	m.events = newFamily(func(v labels) prometheus.Counter {
		return total.WithLabelValues(v[0], v[1])
	})
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
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
	}, names[:2])
	m.registry.MustRegister(total, seconds)
	m.requests = newFamily(func(v labels) request {
		return request{total.WithLabelValues(v[:]...), seconds.WithLabelValues(v[0], v[1])}
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

// Register adds the counters of another part of Waybill. It fails if one of
// that name is there already.
func (m *Metrics) Register(c prometheus.Collector) error {
	if m == nil {
		return nil
	}
	return m.registry.Register(c)
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
