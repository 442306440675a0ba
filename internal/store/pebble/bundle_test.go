package pebble

import (
	"bytes"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"waybill"
)

// bundleOf makes a bundle of the messages that have entries.
func bundleOf(entries map[hash]string) bundle {
	var w bundleWriter
	order := slices.SortedFunc(maps.Keys(entries), func(a, b hash) int {
		if a.less(&b) {
			return -1
		}
		return 1
	})
	for _, h := range order {
		w.add(&h, []byte(entries[h]))
	}
	return w.out
}

// drawEntries draws messages of the bundle that begins with first, so few that several
// draws share some.
func drawEntries(t *rapid.T, first hash) map[hash]string {
	words := func(most uint32) *rapid.Generator[uint32] {
		return rapid.SampledFrom([]uint32{0, 1, 2, 127, 128, most - 1, most})
	}
	hashes := rapid.Custom(func(t *rapid.T) hash {
		const most = 1<<32 - 1
		return hash{first[0] | words(1<<lowBits-1).Draw(t, "low"), words(most).Draw(t, "1"), words(most).Draw(t, "2")}
	})
	return rapid.MapOfN(hashes, rapid.StringN(0, 200, 300), 0, 20).Draw(t, "entries")
}

func entriesOf(t *rapid.T, key []byte, b bundle) map[hash]string {
	found := make(map[hash]string)
	var last *messageKey
	err := eachEntry(key, b, func(k messageKey, entry []byte) error {
		if last != nil && last.compare(&k) >= 0 {
			t.Errorf("%v comes after %v", k, *last)
		}
		last, found[k.hash] = &k, string(entry)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return found
}

// TestTheNewerEntryStands merges bundles in every grouping that the engine may choose.
func TestTheNewerEntryStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := messageKey{700, 9, hash{rapid.Uint32Range(0, 1<<bundleBits-1).Draw(t, "bundle") << lowBits}}
		key := appendBundleKey(nil, spaceMessage, &first)
		want := make(map[hash]string)
		var parts []bundle
		for range rapid.IntRange(1, 5).Draw(t, "bundles") {
			entries := drawEntries(t, first.hash)
			maps.Copy(want, entries)
			parts = append(parts, bundleOf(entries))
		}
		for len(parts) > 1 {
			from := rapid.IntRange(0, len(parts)-2).Draw(t, "from")
			to := rapid.IntRange(from+1, len(parts)-1).Draw(t, "to")
			parts = slices.Replace(parts, from, to+1, mergeAll(t, parts[from:to+1]))
		}
		if got := entriesOf(t, key, parts[0]); !maps.Equal(got, want) {
			t.Errorf("the bundle has %v, want %v", got, want)
		}
		for h := range drawEntries(t, first.hash) {
			entry, err := parts[0].find(&h)
			if wanted, ok := want[h]; err != nil || string(entry) != wanted || ok != (entry != nil) {
				t.Errorf("find of %v returns %q, %v, want %q, %t", h, entry, err, wanted, ok)
			}
		}
	})
}

// mergeAll merges bundles, the oldest first, as the engine would: from either end.
func mergeAll(t *rapid.T, parts []bundle) bundle {
	older := rapid.Bool().Draw(t, "older")
	if older {
		parts = slices.Clone(parts)
		slices.Reverse(parts)
	}
	m, err := bundleMerger.Merge(nil, parts[0])
	for _, part := range parts[1:] {
		if err == nil && older {
			err = m.MergeOlder(part)
		} else if err == nil {
			err = m.MergeNewer(part)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	merged, _, err := m.Finish(true)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(merged)
}

// TestBundlesOfManyMessages makes bundles of messages of several partitions and channels,
// of which many share one.
func TestBundlesOfManyMessages(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var keys []messageKey
	for range 20_000 {
		h := hash{random.Uint32() >> 3, random.Uint32(), random.Uint32()}
		keys = append(keys, messageKey{partition(700 + random.IntN(2)), waybill.ChannelNumber(1 + random.IntN(2)), h})
	}
	slices.SortFunc(keys, func(a, b messageKey) int { return a.compare(&b) })
	var found []messageKey
	var last []byte
	b := bundler{space: spaceName, put: func(key, value []byte) error {
		if bytes.Compare(key, last) <= 0 {
			t.Errorf("the bundle %x comes after %x", key, last)
		}
		last = bytes.Clone(key)
		return eachEntry(key, value, func(k messageKey, entry []byte) error {
			if string(entry) != "entry" {
				t.Errorf("%v has %q", k, entry)
			}
			found = append(found, k)
			return nil
		})
	}}
	for i := range keys {
		if err := b.add(&keys[i], []byte("entry")); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.end(); err != nil || !slices.Equal(found, keys) {
		t.Errorf("the bundles have %d messages, %v, want the %d that were added", len(found), err, len(keys))
	}
}

// FuzzBundle: what is read of a bundle makes the same bundle again, and nothing makes
// the reader read past its end.
func FuzzBundle(f *testing.F) {
	f.Add([]byte(bundleOf(map[hash]string{{1, 2, 3}: "a", {1, 2, 4}: "", {900, 0, 0}: "bc"})), []byte{})
	f.Add([]byte(bundleOf(map[hash]string{{5, 0, 0}: "long"})), []byte(bundleOf(map[hash]string{{5, 0, 0}: ""})))
	f.Fuzz(func(t *testing.T, older, newer []byte) {
		var again bundleWriter
		r := bundleReader{rest: older}
		for r.next() {
			h := r.hash(&hash{})
			again.add(&h, r.entry)
		}
		if r.err() == nil && len(again.out) > len(older) {
			t.Errorf("%x becomes %x", older, again.out)
		}
		var w, alone bundleWriter
		if w.merge(older, newer) != nil {
			return
		}
		if err := alone.merge(nil, w.out); err != nil || !bytes.Equal(alone.out, w.out) {
			t.Errorf("%x and %x become %x, which becomes %x, %v", older, newer, w.out, alone.out, err)
		}
	})
}

// TestTheEngineMergesBundles lets the engine merge them when it reads and compacts, and
// fail where one is corrupt.
func TestTheEngineMergesBundles(t *testing.T) {
	db, err := engine.Open("", &engine.Options{
		FS: vfs.NewMem(), Merger: bundleMerger, Logger: logger{slog.New(slog.DiscardHandler)}, FormatMajorVersion: engine.FormatTableFormatV6,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	key := []byte("key")
	for _, entries := range []map[hash]string{{{1}: "a", {2}: "b"}, {{2}: "c"}, {{1}: "", {3}: "d"}} {
		if err := db.Merge(key, bundleOf(entries), nil); err != nil {
			t.Fatal(err)
		}
		if err := db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	want := bundleOf(map[hash]string{{1}: "", {2}: "c", {3}: "d"})
	check := func() {
		t.Helper()
		value, closer, err := db.Get(key)
		if err != nil || !bytes.Equal(value, want) {
			t.Fatalf("the engine has %x, %v, want %x", value, err, want)
		}
		closer.Close()
	}
	check()
	if err := db.Compact(t.Context(), []byte("a"), []byte("z"), false); err != nil {
		t.Fatal(err)
	}
	check()
	if err := db.Merge(key, []byte{1}, nil); err != nil {
		t.Fatal(err)
	}
	if value, _, err := db.Get(key); err == nil {
		t.Errorf("of a corrupt bundle the engine makes %x", value)
	}
}
