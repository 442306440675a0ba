package pebble

import (
	engine "github.com/cockroachdb/pebble/v2"
	tablefilter "github.com/cockroachdb/pebble/v2/bloom"
)

// engineOptions returns how the engine is set up.
func (s *Store) engineOptions(cache *engine.Cache) *engine.Options {
	o := &engine.Options{
		FS:                          s.disk,
		Cache:                       cache,
		Logger:                      logger{s.log},
		Merger:                      bundleMerger,
		FormatMajorVersion:          engine.FormatTableFormatV6,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 8,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               256 << 20,
		WALBytesPerSync:             512 << 10,
		// The engine gathers them in the background while it opens, and panics if
		// it cannot. They help with deleted ranges, which the folder compacts itself.
		DisableTableStats:          true,
		CompactionConcurrencyRange: s.compactions,
	}
	// Questions would begin compactions of the files that they read often, and share
	// the cores with them. What they read lies in one or two files anyway.
	o.Experimental.ReadSamplingMultiplier = -1
	for i := range o.Levels {
		o.Levels[i].BlockSize = 16 << 10
		o.Levels[i].FilterPolicy = tablefilter.FilterPolicy(5)
	}
	o.ApplyCompressionSettings(func() engine.DBCompressionSettings { return engine.DBCompressionBalanced })
	o.EventListener = &engine.EventListener{
		WriteStallBegin: func(engine.WriteStallBeginInfo) { s.counters.engine.begin() },
		WriteStallEnd:   s.counters.engine.end,
		BackgroundError: func(err error) { s.log.Warn("engine: background work failed", "err", err) },
		DataCorruption: func(info engine.DataCorruptionInfo) {
			s.log.Error("engine: a file is corrupt", "path", info.Path, "err", info.Details)
		},
	}
	return o
}

// compactions returns how many compactions may run at once, as a rule and at most.
// As a rule none does while the engine opens: where that fails, it closes what a
// compaction that has just begun still uses. What waits begins with the next file.
func (s *Store) compactions() (rule, most int) {
	if !s.opened.Load() {
		return 0, 1
	}
	return 1, 2
}
