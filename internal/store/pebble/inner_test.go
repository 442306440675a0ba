package pebble

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"waybill"
)

const inTest = waybill.Instant(1767225600)

// newInTest returns a store with one channel.
func newInTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	configureInTest(t, s, waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA})
	return s
}

func configureInTest(t *testing.T, s *Store, state waybill.ChannelState) {
	t.Helper()
	if err := s.Configure(t.Context(), waybill.Change{Channels: []waybill.ChannelState{state}}); err != nil {
		t.Fatal(err)
	}
}

func appendInTest(t *testing.T, s *Store, e waybill.Event) {
	t.Helper()
	e.Channel = 1
	if _, err := s.Append(t.Context(), []waybill.Event{e}); err != nil {
		t.Fatal(err)
	}
}

// locked calls f with the right to write.
func locked(t *testing.T, s *Store, f func()) {
	t.Helper()
	if err := s.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.unlock()
	f()
}

// TestPassesRenewWhatWasLoadedInVain: a read that fails in the middle of a commit
// leaves messages in the live table that the commit has not changed, with the marks
// that they had in the runs.
func TestPassesRenewWhatWasLoadedInVain(t *testing.T) {
	for _, rotated := range []bool{false, true} {
		s := newInTest(t)
		e := waybill.Event{Channel: 1, Message: "m", Status: waybill.StatusSent, At: inTest}
		appendInTest(t, s, e)
		if err := s.foldAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		locked(t, s, func() {
			enableInTest(t, s, inTest)
			c := s.commit
			c.begin()
			s.live.reserve(1)
			if err := c.load([]op{{hash: s.hashID("m"), at: uint32(e.At), ch: s.channels[1], event: &e}}); err != nil {
				t.Fatal(err)
			}
			if err := c.abandon(); err != nil {
				t.Fatal(err)
			}
			if rotated {
				s.rotate()
			}
		})
		if err := s.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m, err := s.Message(t.Context(), 1, "m"); err != nil || !m.Collected {
			t.Errorf("rotated %t: after the pass the message is %+v, %v", rotated, m, err)
		}
		for range 2 {
			if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
				t.Errorf("rotated %t: Verify returns %+v, %v", rotated, differences, err)
			}
			if err := s.foldAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPassesGoBackToWhatTheyCouldNotRenew: a read that fails in the middle of a pass
// leaves the cursor before the messages that were found and are not renewed.
func TestPassesGoBackToWhatTheyCouldNotRenew(t *testing.T) {
	s := newInTest(t)
	sendInTest(t, s, "m", 10)
	for range 2 { // then no table has them
		if err := s.foldAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	key := messageKey{part: partitionOf(uint32(s.now().Unix())), channel: 1}
	corrupt := noBundle(key.part)
	locked(t, s, func() {
		enableInTest(t, s, inTest)
		ch := s.channels[1]
		ch.cursor = key.append(nil) // as after a chunk
		if err := s.db.Set(corrupt, nil, nil); err != nil {
			t.Fatal(err)
		}
		s.commit.begin()
		if _, err := s.commit.renewRuns(ch); err == nil {
			t.Error("the pass does not fail")
		}
		if err := errors.Join(s.commit.abandon(), s.db.Delete(corrupt, nil)); err != nil {
			t.Fatal(err)
		}
	})
	if err := s.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("after the pass Verify returns %+v, %v", differences, err)
	}
}

// noBundle returns a key that is behind all bundles of channel 1, and that no bundle
// can have.
func noBundle(p partition) []byte {
	return binary.BigEndian.AppendUint16(appendPartitionChannel(nil, spaceMessage, p, 1), 1<<bundleBits)
}

// enableInTest does what Configure does, with the right to write held.
func enableInTest(t *testing.T, s *Store, at waybill.Instant) {
	t.Helper()
	settings, err := s.resolve([]waybill.ChannelState{{Number: 1, Provider: waybill.ProviderWABA, MetricsEnabled: at}})
	if err != nil {
		t.Fatal(err)
	}
	s.commit.begin()
	if err := s.commit.configure(settings, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.commit.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyBeforeAChannelIsThere: a new channel is in memory before its commit.
func TestVerifyBeforeAChannelIsThere(t *testing.T) {
	s := newInTest(t)
	state := waybill.ChannelState{Number: 2, Provider: waybill.ProviderWABA}
	locked(t, s, func() { s.adopt(map[waybill.ChannelNumber]setting{2: {ChannelState: state}}) })
	if differences, err := s.Verify(t.Context(), 1); err != nil || len(differences) > 0 {
		t.Errorf("Verify returns %+v, %v", differences, err)
	}
	configureInTest(t, s, state)
}

// TestNewerStatesHideThoseInRuns moves what a message counts to another day, and
// looks for it before, while and after the newer state is folded.
func TestNewerStatesHideThoseInRuns(t *testing.T) {
	const day = 24 * 60 * 60
	s := newInTest(t)
	appendInTest(t, s, waybill.Event{Message: "m", Status: waybill.StatusSent, At: inTest + day})
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendInTest(t, s, waybill.Event{Message: "m", Status: waybill.StatusSent, At: inTest})
	want := func(when string) {
		t.Helper()
		for n, at := range []waybill.Instant{inTest, inTest + day} {
			page, err := s.Messages(t.Context(), waybill.MessageQuery{
				Channel: 1, Metric: waybill.Metric(waybill.Sent), From: at, To: at + day, Limit: 1,
			})
			if err != nil || len(page.Messages) != 1-n {
				t.Errorf("%s day %d has %+v, %v", when, n, page, err)
			}
		}
	}
	want("in the live table")
	s.folding <- struct{}{} // the folder waits
	locked(t, s, s.rotate)
	want("in the previous table")
	<-s.folding
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("in the runs")
}

// TestLooksFollowATable: a generation ends in the middle of the look at it, and what
// it has is loaded into the next one, at which nobody looks.
func TestLooksFollowATable(t *testing.T) {
	s := newInTest(t)
	e := waybill.Event{Message: "m", Status: waybill.StatusSent, At: inTest}
	appendInTest(t, s, e)
	f := &finder{s: s, q: &waybill.MessageQuery{
		Channel: 1, Metric: waybill.Metric(waybill.Sent), To: waybill.MaxInstant, Limit: 1,
	}}
	generation := s.overlay.generation
	locked(t, s, s.rotate)
	appendInTest(t, s, e)
	if err := f.look(t.Context(), generation, generation); err != nil || len(f.found) != 1 {
		t.Errorf("%d messages are found, %v", len(f.found), err)
	}
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.found = nil
	if err := f.look(t.Context(), generation, generation); err != nil || len(f.found) != 0 {
		t.Errorf("%d messages are found in a table that is used again, %v", len(f.found), err)
	}
}

// TestErasedNamesLeaveTheLastGeneration: its table is kept for look-ups when it is
// folded.
func TestErasedNamesLeaveTheLastGeneration(t *testing.T) {
	s := newInTest(t)
	appendInTest(t, s, waybill.Event{Message: "m", Recipient: "62811", Status: waybill.StatusSent, At: inTest})
	var folded chan struct{}
	locked(t, s, func() {
		s.rotate()
		folded = s.previous.folded
	})
	<-folded
	keys, err := s.namesOf(t.Context(), "62811")
	if err != nil || len(keys) != 1 {
		t.Fatalf("%d names are found, %v", len(keys), err)
	}
	if err := s.eraseNames(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	if recipient, err := s.Recipient(t.Context(), 1, "m"); err != nil || recipient != "" {
		t.Errorf("the recipient is %q, %v", recipient, err)
	}
}

// TestDroppedWhileAPageIsMade: a message that is dropped after it was found to count,
// and before its name was read, is not on the page.
func TestDroppedWhileAPageIsMade(t *testing.T) {
	s := newInTest(t)
	appendInTest(t, s, waybill.Event{Message: "m", Recipient: "62811", Status: waybill.StatusSent, At: inTest})
	for range 2 { // then no table has it
		if err := s.foldAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	key := messageKey{partitionOf(uint32(inTest)), 1, s.hashID("m")}
	for _, dropped := range []bool{false, true} {
		f := &finder{
			s: s, waiting: []candidate{{stored{key: key}, true}},
			q: &waybill.MessageQuery{Channel: 1, Metric: waybill.Metric(waybill.Sent), To: waybill.MaxInstant, Limit: 1},
		}
		names, err := f.present(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if dropped {
			dropInTest(t, s, key.part)
		}
		if err := f.place(names); err != nil || len(f.page.Messages) > 0 == dropped {
			t.Errorf("dropped %t: the page has %+v, %v", dropped, f.page.Messages, err)
		}
	}
}

// dropInTest returns when the messages of a partition and all before are dropped.
func dropInTest(t *testing.T, s *Store, p partition) {
	t.Helper()
	locked(t, s, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.horizon = p + 1
	})
	s.wakeUpkeep()
	for in := s.inRuns(); len(in) > 0 && in[0] <= p; in = s.inRuns() {
		runtime.Gosched()
	}
}

// TestVerifyReadsNames: a name that cannot be read is found although nothing counts it.
func TestVerifyReadsNames(t *testing.T) {
	s := newInTest(t)
	configureInTest(t, s, waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA})
	sendInTest(t, s, "m", 3)
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	var name bundleWriter
	k := messageKey{partitionOf(uint32(inTest)), 1, hash{1, 2, 3}}
	name.add(&k.hash, []byte{9})
	if err := s.db.Merge(appendBundleKey(nil, spaceName, &k), name.out, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "name of message 000000010000000200000003 of channel 1 is corrupt") {
		t.Errorf("Verify returns %v", err)
	}
}
