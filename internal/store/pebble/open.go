package pebble

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// formatVersion is the version of the layout in doc.go.
const formatVersion = 2

const (
	defaultCacheBytes = 128 << 20

	// memTableBytes is small: a search in a table that fits no processor cache
	// costs more than a flush.
	memTableBytes = 16 << 20
)

// Open opens the store in dir, which it makes where there is none. It fails with
// Conflict where another process has the store open or a newer Waybill wrote it.
func Open(dir string, opt Options) (*Store, error) {
	s := &Store{
		disk:     newDisk(cmp.Or(opt.FS, vfs.Default)),
		now:      opt.Now,
		log:      cmp.Or(opt.Log, slog.New(slog.DiscardHandler)),
		writer:   make(chan struct{}, 1),
		channels: make(map[waybill.ChannelNumber]*channel),
		pass:     pass{over: make(chan struct{})},
		closing:  make(chan struct{}),
		wake:     make(chan struct{}, 1),
	}
	if s.now == nil {
		s.now = time.Now
	}
	err := s.disk.guard(func() error { return s.open(dir, cmp.Or(opt.CacheBytes, defaultCacheBytes)) })
	switch {
	case errors.Is(err, errLocked):
		return nil, waybill.Errorf(waybill.Conflict,
			"data directory %s is in use by another process", dir)
	case err != nil:
		return nil, fmt.Errorf("open data directory %s: %w", dir, err)
	}
	s.passes.Go(s.runPasses)
	return s, nil
}

func (s *Store) open(dir string, cacheBytes int64) error {
	cache := engine.NewCache(cacheBytes)
	defer cache.Unref()
	db, err := engine.Open(dir, s.engineOptions(cache))
	if err != nil {
		return err
	}
	s.db = db
	if err = s.checkVersion(); err == nil {
		err = s.load()
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

func (s *Store) engineOptions(cache *engine.Cache) *engine.Options {
	o := &engine.Options{
		FS:                          s.disk,
		Cache:                       cache,
		Merger:                      newMerger(),
		Logger:                      logger{s.log},
		FormatMajorVersion:          engine.FormatTableFormatV6,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               64 << 20,
		WALBytesPerSync:             512 << 10,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	o.EventListener = &engine.EventListener{
		BackgroundError: func(err error) { s.log.Warn("engine: background work failed", "err", err) },
		DataCorruption: func(info engine.DataCorruptionInfo) {
			s.log.Error("engine: a file is corrupt", "path", info.Path, "err", info.Details)
		},
	}
	return o
}

// checkVersion writes the format version of a new store and compares that of
// another.
func (s *Store) checkVersion() error {
	key := []byte{spaceVersion}
	value, closer, err := s.db.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return s.db.Set(key, binary.AppendUvarint(nil, formatVersion), engine.Sync)
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	d := decoder{rest: value}
	switch version := d.uvarint(); {
	case !d.complete():
		return errors.New("the format version is corrupt")
	case version > formatVersion:
		return waybill.Errorf(waybill.Conflict,
			"its format is version %d, of a newer Waybill; this one knows version %d",
			version, formatVersion)
	case version < formatVersion:
		return waybill.Errorf(waybill.Conflict,
			"its format is version %d, from before the first release; this Waybill reads version %d: "+
				"begin a new data directory and send the events again", version, formatVersion)
	}
	return nil
}

// load reads settings and dictionaries into memory.
func (s *Store) load() error {
	ctx := context.Background()
	all := newTexts()
	err := s.scan(ctx, []byte{spaceSetting}, func(key, value []byte) error {
		set, ok := decodeSetting(channelOf(key), value)
		if !ok {
			return fmt.Errorf("the setting of channel %d is corrupt", set.Number)
		}
		s.channels[set.Number] = &channel{setting: set, words: newWords(all)}
		return nil
	})
	for _, space := range []byte{spaceTuple, spaceDetail} {
		if err == nil {
			err = s.scan(ctx, []byte{space}, s.loadWord)
		}
	}
	if err != nil {
		return err
	}
	s.write = newWrite(s, all)
	for _, ch := range s.channels {
		ch.view = ch.words.view()
	}
	s.notePending(nil)
	return nil
}

func (s *Store) loadWord(key, value []byte) error {
	broken := fmt.Errorf("dictionary entry %x is corrupt", key)
	ch, ok := s.channels[channelOf(key)]
	if !ok {
		return broken
	}
	var ref uint32
	var isNew bool
	if key[0] == spaceTuple {
		var t waybill.Tuple
		t, ok = decodeTuple(value)
		ref, isNew = ch.words.tupleRef(t)
	} else {
		var d waybill.Detail
		d, ok = decodeDetail(value)
		ref, isNew = ch.words.detailRef(d)
	}
	if !ok || !isNew || ref != refOf(key) {
		return broken
	}
	return nil
}

// A logger passes on what the engine logs.
type logger struct{ log *slog.Logger }

// Infof implements engine.Logger.
func (l logger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("engine", "message", fmt.Sprintf(format, args...))
	}
}

// Errorf implements engine.Logger.
func (l logger) Errorf(format string, args ...any) {
	l.log.Error("engine", "message", fmt.Sprintf(format, args...))
}

// Fatalf implements engine.Logger. It must not return; what leads here is no
// failure of the disk but one of the engine's own checks.
func (l logger) Fatalf(format string, args ...any) {
	l.log.Error("engine ends the process", "message", fmt.Sprintf(format, args...))
	os.Exit(1)
}
