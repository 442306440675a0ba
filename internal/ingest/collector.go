package ingest

import "github.com/prometheus/client_golang/prometheus"

// Collectors return the metrics of the queue. A scrape takes no lock of it.
func (r *Recorder) Collectors() []prometheus.Collector {
	limit := float64(r.queue.limit)
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "waybill_queue_events",
			Help: "Events that wait to be recorded, or are being committed.",
		}, func() float64 { return float64(r.waiting.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "waybill_queue_limit_events",
			Help: "How many events can wait. One owner alone gets a quarter of them.",
		}, func() float64 { return limit }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "waybill_queue_refused_calls_total",
			Help: "Calls that were told to come again, because the queue or the share of their owner was full.",
		}, func() float64 { return float64(r.full.Load()) }),
	}
}
