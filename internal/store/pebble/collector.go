package pebble

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// A gauge or counter of the store, and what its value is.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Store) float64
}

// A metric of what is observed.
type observedMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*observation) float64
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("waybill_"+name, help, labels, nil)
}

// metrics are told at once, as they are.
var metrics = []metric{
	{describe("store_stopped", "1 where the store has stopped for good, because its disk failed."), gauge, func(s *Store) float64 {
		if s.disk.failure() != nil {
			return 1
		}
		return 0
	}},
	{
		describe("store_memory_messages", "Messages of the present generation, which is in memory."), gauge,
		func(s *Store) float64 { return float64(s.counters.live.Load()) },
	},
	{
		describe("store_memory_limit_messages", "With how many messages a generation is full."), gauge,
		func(s *Store) float64 { return float64(s.limit) },
	},
	{
		describe("store_waiting_messages", "Messages of the full generation that is being folded, or waits for it."), gauge,
		func(s *Store) float64 { return float64(s.counters.full.Load()) },
	},
	{
		describe("store_too_late_total", "Events from before the oldest histories that are kept, since the store was made."), counter,
		func(s *Store) float64 { return float64(s.counters.tooLate.Load()) },
	},
	{
		describe("store_fold_failures_total", "Tries to fold a generation that failed."), counter,
		func(s *Store) float64 { return float64(s.counters.foldFailures.Load()) },
	},
	{
		describe("store_dropped_partitions_total", "Partitions of 28 days whose messages were dropped because of their age."), counter,
		func(s *Store) float64 { return float64(s.counters.dropped.Load()) },
	},
	{
		describe("store_bloom_messages", "Messages that the Bloom filter knows."), gauge,
		func(s *Store) float64 { messages, _ := s.filter.size(); return float64(messages) },
	},
	{
		describe("store_bloom_limit_messages", "How many messages the Bloom filter is made for."), gauge,
		func(s *Store) float64 { _, room := s.filter.size(); return float64(room) },
	},
	{
		describe("store_bloom_rebuilds_total", "How often the Bloom filter was made anew."), counter,
		func(s *Store) float64 { return float64(s.counters.bloomRebuilds.Load()) },
	},
}

// observedMetrics are told as they were a few seconds ago.
var observedMetrics = []observedMetric{
	{describe("store_channels", "Channels that are configured."), gauge, func(o *observation) float64 { return float64(o.channels) }},
	{
		describe("store_partitions", "Partitions of 28 days that have messages on disk."), gauge,
		func(o *observation) float64 { return float64(o.partitions) },
	},
	{
		describe("store_kept_from_timestamp_seconds", "Histories from before this time are dropped; 0 where none is."), gauge,
		func(o *observation) float64 { return float64(o.keptFrom) },
	},
	{
		describe("engine_compactions_total", "Compactions of the engine."), counter,
		func(o *observation) float64 { return float64(o.engine.Compact.Count) },
	},
	{
		describe("engine_compaction_seconds_total", "Time that compactions of the engine took."), counter,
		func(o *observation) float64 { return o.engine.Compact.Duration.Seconds() },
	},
	{
		describe("engine_compaction_debt_bytes", "Bytes that the engine still has to compact."), gauge,
		func(o *observation) float64 { return float64(o.engine.Compact.EstimatedDebt) },
	},
	{
		describe("engine_flushed_bytes_total", "Bytes that the engine wrote from its table in memory."), counter,
		func(o *observation) float64 {
			total := o.engine.Total()
			return float64(total.TableBytesFlushed)
		},
	},
	{
		describe("engine_ingested_bytes_total", "Bytes of runs that the engine took over."), counter,
		func(o *observation) float64 {
			total := o.engine.Total()
			return float64(total.TableBytesIngested)
		},
	},
	{
		describe("engine_compacted_bytes_total", "Bytes that compactions wrote."), counter,
		func(o *observation) float64 {
			total := o.engine.Total()
			return float64(total.TableBytesCompacted)
		},
	},
	{
		describe("engine_log_written_bytes_total", "Bytes that commits gave to the engine's log."), counter,
		func(o *observation) float64 { return float64(o.engine.WAL.BytesIn) },
	},
	{
		describe("engine_files", "Sorted files of the engine."), gauge,
		func(o *observation) float64 { total := o.engine.Total(); return float64(total.TablesCount) },
	},
	{
		describe("engine_read_amplification", "How many sorted files a look-up may have to read."), gauge,
		func(o *observation) float64 { return float64(o.engine.ReadAmp()) },
	},
	{
		describe("engine_block_cache_bytes", "Memory of the engine's cache of blocks."), gauge,
		func(o *observation) float64 { return float64(o.engine.BlockCache.Size) },
	},
	{
		describe("engine_block_cache_hits_total", "Blocks that were in the engine's cache."), counter,
		func(o *observation) float64 { return float64(o.engine.BlockCache.Hits) },
	},
	{
		describe("engine_block_cache_misses_total", "Blocks that had to be read."), counter,
		func(o *observation) float64 { return float64(o.engine.BlockCache.Misses) },
	},
}

var (
	bytesDesc  = describe("store_bytes", "Bytes on disk, by what is in them.", "kind")
	freeDesc   = describe("store_disk_free_bytes", "Free bytes of the disk of the data directory, as far as Waybill may use them.")
	sizeDesc   = describe("store_disk_bytes", "Size of the disk of the data directory.")
	seenDesc   = describe("store_observed_timestamp_seconds", "When the sizes and the engine were looked at for this scrape.")
	stallsDesc = describe("store_stalls_total", "How often writers waited, by what for: fold, the folder; engine, the engine.", "cause")
	waitedDesc = describe("store_stall_seconds_total", "How long writers waited, by what for.", "cause")
)

// Collector returns the metrics of the store. A scrape takes none of the locks that
// writers and the engine need, and waits for no disk: what needs them is looked at
// in the background, at most every ten seconds, when somebody scrapes.
func (s *Store) Collector() prometheus.Collector { return collector{s} }

type collector struct{ s *Store }

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range metrics {
		to <- m.desc
	}
	for _, m := range observedMetrics {
		to <- m.desc
	}
	for _, d := range []*prometheus.Desc{bytesDesc, freeDesc, sizeDesc, seenDesc, stallsDesc, waitedDesc} {
		to <- d
	}
	c.s.counters.folds.Describe(to)
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	for _, m := range metrics {
		send(m.desc, m.kind, m.value(c.s))
	}
	for cause, w := range map[string]*stall{"fold": &c.s.counters.folder, "engine": &c.s.counters.engine} {
		send(stallsDesc, counter, float64(w.times.Load()), cause)
		send(waitedDesc, counter, w.total().Seconds(), cause)
	}
	c.s.counters.folds.Collect(to)
	o, at, ok := c.s.counters.observed.Latest()
	if !ok {
		return
	}
	send(seenDesc, gauge, float64(at.Unix()))
	for _, m := range observedMetrics {
		send(m.desc, m.kind, m.value(&o))
	}
	for _, kind := range slices.Sorted(maps.Keys(o.bytes)) {
		send(bytesDesc, gauge, float64(o.bytes[kind]), kind)
	}
	if o.diskSize > 0 {
		send(freeDesc, gauge, float64(o.diskFree))
		send(sizeDesc, gauge, float64(o.diskSize))
	}
}
