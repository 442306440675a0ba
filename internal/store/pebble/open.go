package pebble

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"waybill"
)

// formatVersion is the version of the layout in doc.go.
const formatVersion = 4

const (
	defaultCacheBytes = 128 << 20
	defaultGeneration = 680_000 // just fits a table of a million slots

	// memTableBytes is also the size of the engine's logs, of which it keeps some to
	// use them again. All that goes through its table in number is the store's log.
	memTableBytes = 16 << 20
)

// The facts of a store, which follow spaceFacts in their keys.
const (
	factFolded  = 'f' // up to where the counters are folded
	factHashKey = 'h' // the secret of the hash of IDs
	factBases   = 'b' // 1 where the store counts by send
	factHorizon = 'p' // the first partition that is not dropped
	factSpan    = 's' // partition:2 -> its earliest and latest time
	factOld     = 'o' // when events came that are older than messages are kept
	factSeen    = 'k' // about when the last commit was
	factStamp   = 'n' // of what is folded: see stamp
	factErasing = 'e' // where files may have names that are erased
)

// Open opens the store in dir, which it makes where there is none. It fails with
// Conflict where another process has the store open, and with Invalid where another
// Waybill wrote it in a format that this one does not know.
func Open(dir string, opt Options) (*Store, error) {
	fs := cmp.Or(opt.FS, vfs.Default)
	s := &Store{
		disk:         newDisk(fs, fs.PathJoin(dir, stagingName)),
		dir:          dir,
		now:          opt.Now,
		log:          cmp.Or(opt.Log, slog.New(slog.DiscardHandler)),
		keep:         opt.KeepNames,
		keepMessages: opt.KeepMessages,
		limit:        cmp.Or(opt.GenerationMessages, defaultGeneration),
		texts:        newTexts(),
		filter:       blooms{large: largeBloom},
		writer:       make(chan struct{}, 1),
		channels:     make(map[waybill.ChannelNumber]*channel),
		pass:         pass{over: make(chan struct{})},
		folding:      make(chan struct{}, 1),
		erasing:      make(chan struct{}, 1),
		copying:      make(chan struct{}, 1),
		closing:      make(chan struct{}),
		wake:         make(chan struct{}, 1),
		work:         make(chan struct{}, 1),
		due:          make(chan struct{}, 1),
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.sets = newLabelSets()
	s.beginCounting()
	err := s.disk.guard(func() error { return s.open(opt) })
	switch {
	case errors.Is(err, errLocked):
		return nil, waybill.Errorf(waybill.Conflict,
			"data directory %s is in use by another process", dir)
	case err != nil:
		return nil, fmt.Errorf("open data directory %s: %w", dir, err)
	}
	s.background.Go(s.runPasses)
	s.background.Go(s.runFolder)
	s.background.Go(s.runUpkeep)
	s.wakeUpkeep()
	return s, nil
}

func (s *Store) open(opt Options) error {
	// The engine takes its tables in memory out of the cache: one that is written
	// to and one that is flushed or kept to be used again.
	cache := engine.NewCache(cmp.Or(opt.CacheBytes, defaultCacheBytes) + 2*memTableBytes)
	defer cache.Unref()
	s.engine = s.engineOptions(cache)
	s.engine.ErrorIfNotExists = opt.MustExist
	db, err := engine.Open(s.dir, s.engine)
	if err != nil && strings.Contains(err.Error(), "merger name") {
		return errMerger(err)
	}
	if errors.Is(err, engine.ErrDBDoesNotExist) {
		return waybill.Errorf(waybill.NotFound, "there is no store")
	}
	if err != nil {
		return err
	}
	s.db = db
	s.opened.Store(true)
	if err = s.checkVersion(); err == nil {
		err = s.load(opt)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return s.beginRetention()
}

// errMerger tells of a store with other merge operations.
func errMerger(err error) error {
	for _, old := range []string{`"waybill.cells.v1"`, `"pebble.concatenate"`} {
		if strings.Contains(err.Error(), old) {
			return errOlder("1, 2 or 3")
		}
	}
	return waybill.Errorf(waybill.Invalid, "a newer Waybill wrote it, or its file OPTIONS is damaged: %v", err)
}

func errOlder(version string) error {
	return waybill.Errorf(waybill.Invalid,
		"its format is version %s, from before the first release; this Waybill reads version %d: "+
			"begin a new data directory, and send the events again or import (waybill import) "+
			"what the build that wrote this one exports (waybill export messages)", version, formatVersion)
}

// checkVersion writes the format version of a new store and compares that of
// another.
func (s *Store) checkVersion() error {
	value, err := s.get([]byte{spaceVersion})
	if err != nil || value == nil {
		return err // a new store gets it with its facts
	}
	d := decoder{rest: value}
	switch version := d.uvarint(); {
	case !d.complete():
		return errors.New("the format version is corrupt")
	case version > formatVersion:
		return waybill.Errorf(waybill.Invalid,
			"its format is version %d, of a newer Waybill; this one knows version %d",
			version, formatVersion)
	case version < formatVersion:
		return errOlder(fmt.Sprint(version))
	}
	return nil
}

// get returns a copy of the value of a key, nil where there is none.
func (s *Store) get(key []byte) ([]byte, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, s.readError(err)
	}
	defer closer.Close()
	return append([]byte{}, value...), nil
}

// load brings what is stored into memory.
func (s *Store) load(opt Options) error {
	folded, err := s.loadFacts(opt)
	if err != nil {
		return err
	}
	if err := cmp.Or(s.checkRun(folded), s.loadChannels()); err != nil {
		return err
	}
	if s.partitions, err = s.listPartitions(); err != nil {
		return err
	}
	s.live = newTable(s.keep != KeepNothing)
	s.overlay = newOverlay(folded.generation + 1)
	s.commit = newCommit(s)
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	r := replay{s: s, table: s.live, overlay: s.overlay, words: s.wordsOf}
	s.seq, err = r.run(context.Background(), it, folded.last)
	if err := errors.Join(err, it.Close()); err != nil {
		return err
	}
	s.overlay.publishAll()
	s.counters.live.Store(int64(s.live.count))
	path := s.path(markName)
	acknowledged, err := readMark(s.disk, path)
	if err == nil {
		err = checkMark(path, acknowledged, s.seq)
	}
	if err != nil {
		return err
	}
	if s.acknowledged, err = openMark(s.disk, path, s.seq); err != nil {
		return err
	}
	s.loadBloom()
	s.removeLeftovers()
	for _, ch := range s.channels {
		ch.view = ch.words.view
	}
	s.notePending(nil)
	return nil
}

func (s *Store) path(name string) string { return s.disk.PathJoin(s.dir, name) }

// loadFacts reads the facts, and writes those of a new store.
func (s *Store) loadFacts(opt Options) (folded fold, err error) {
	facts := make(map[byte][]byte)
	for _, fact := range []byte{factFolded, factHashKey, factBases, factHorizon, factStamp} {
		if facts[fact], err = s.get([]byte{spaceFacts, fact}); err != nil {
			return folded, err
		}
	}
	isNew, drawn := facts[factHashKey] == nil, drawStamp()
	if facts[factStamp] == nil {
		facts[factStamp] = drawn[:]
		if !isNew { // it is from before there were stamps
			err = s.db.Set([]byte{spaceFacts, factStamp}, drawn[:], engine.Sync)
		}
	}
	if err != nil {
		return folded, err
	}
	if isNew {
		facts[factHashKey] = make([]byte, 16)
		if _, err := rand.Read(facts[factHashKey]); err != nil {
			return folded, err
		}
		facts[factBases] = []byte{1}
		if opt.EventBasisOnly {
			facts[factBases] = []byte{0}
		}
		facts[factHorizon] = []byte{0, 0}
		facts[factFolded] = fold{}.append(nil)
		batch := s.db.NewBatch()
		err := batch.Set([]byte{spaceVersion}, binary.AppendUvarint(nil, formatVersion), nil)
		for fact, value := range facts {
			err = errors.Join(err, batch.Set([]byte{spaceFacts, fact}, value, nil))
		}
		if err := errors.Join(err, batch.Commit(engine.Sync)); err != nil {
			return folded, err
		}
	}
	if len(facts[factHashKey]) != 16 || len(facts[factStamp]) != stampBytes || len(facts[factBases]) != 1 || len(facts[factHorizon]) != 2 {
		return folded, errors.New("the facts of the store are corrupt")
	}
	s.hashKey = [2]uint64{
		binary.BigEndian.Uint64(facts[factHashKey]), binary.BigEndian.Uint64(facts[factHashKey][8:]),
	}
	s.filter.stamps = [2]stamp{stamp(facts[factStamp]), stamp(facts[factStamp])}
	s.bySend = facts[factBases][0] == 1
	s.horizon = partition(binary.BigEndian.Uint16(facts[factHorizon]))
	if value, err := s.get([]byte{spaceTooLate}); err != nil {
		return folded, err
	} else if value != nil {
		d := decoder{rest: value}
		s.tooLate = d.varint()
		s.counters.tooLate.Store(s.tooLate)
	}
	return decodeFold(facts[factFolded])
}

// loadChannels reads settings and dictionaries.
func (s *Store) loadChannels() error {
	ctx := context.Background()
	err := s.scan(ctx, []byte{spaceSetting}, func(key, value []byte) error {
		set, ok := decodeSetting(channelOf(key), value)
		if !ok {
			return fmt.Errorf("the setting of channel %d is corrupt", set.Number)
		}
		s.channels[set.Number] = &channel{setting: set, words: newWords()}
		return nil
	})
	if err != nil {
		return err
	}
	for _, space := range []byte{spaceText, spaceTuple, spaceDetail} {
		if err := s.scan(ctx, []byte{space}, s.loadWord); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) loadWord(key, value []byte) error {
	broken := fmt.Errorf("dictionary entry %x is corrupt", key)
	if key[0] == spaceText {
		if len(key) != 1+4 || !s.texts.load(binary.BigEndian.Uint32(key[1:]), string(value)) {
			return broken
		}
		return nil
	}
	ch, ok := s.channels[channelOf(key)]
	if !ok {
		return broken
	}
	if key[0] == spaceTuple {
		t, ok := decodeTuple(value, s.texts.values)
		if !ok || refOf(key) != uint32(len(ch.words.tuples)) {
			return broken
		}
		if _, twice := ch.words.find(&t); twice {
			return broken
		}
		ch.words.add(&t)
		return nil
	}
	d, ok := decodeDetail(value, s.texts.values)
	if _, twice := ch.words.byDetail[d]; !ok || twice || refOf(key) != uint32(len(ch.words.details)) {
		return broken
	}
	ch.words.addDetail(d)
	return nil
}

// wordsOf returns the dictionaries of a channel as the writer sees them.
func (s *Store) wordsOf(c waybill.ChannelNumber) (*view, bool) {
	ch, ok := s.channels[c]
	if !ok {
		return nil, false
	}
	return &ch.words.view, true
}

// listPartitions returns the partitions that have runs.
func (s *Store) listPartitions() ([]partition, error) {
	it, err := s.db.NewIter(&engine.IterOptions{LowerBound: []byte{spaceMessage}, UpperBound: []byte{spaceMessage + 1}})
	if err != nil {
		return nil, err
	}
	var found []partition
	for ok := it.First(); ok; {
		k, whole := parseBundleKey(it.Key())
		if !whole {
			err = fmt.Errorf("the key %x of a bundle is corrupt", it.Key())
			break
		}
		found = append(found, k.part)
		ok = it.SeekGE(after(appendPartition(nil, spaceMessage, k.part)))
	}
	return found, errors.Join(err, s.readError(it.Error()), it.Close())
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
