package pebble

import (
	"encoding/binary"
	"testing"
	"time"

	"waybill"
)

// TestRoomIsFreedAfterAnInterruption stops after a partition is dropped: nothing tells
// of it any more but the room that it takes.
func TestRoomIsFreedAfterAnInterruption(t *testing.T) {
	const messages, small = 1000, 1 << 10 // bytes: the rest of a file that has more than messages
	dir := t.TempDir()
	s, err := Open(dir, Options{Now: func() time.Time { return inTest.Time() }})
	if err != nil {
		t.Fatal(err)
	}
	configureInTest(t, s, waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA})
	sendInTest(t, s, "m", messages)
	if err := s.foldAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := partitionOf(uint32(inTest))
	if err := s.db.Set([]byte{spaceFacts, factHorizon}, binary.BigEndian.AppendUint16(nil, uint16(p+1)), nil); err != nil {
		t.Fatal(err)
	}
	d := drop{s: s, part: p, channel: s.states()[0], view: s.viewOf(1)}
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, space := range []byte{spaceMessage, spaceName} {
		for began := time.Now(); ; {
			size, err := s.db.EstimateDiskUsage([]byte{space}, []byte{space + 1})
			if err != nil {
				t.Fatal(err)
			}
			if size <= small {
				break
			}
			if time.Since(began) > 10*time.Second {
				t.Fatalf("what was dropped of space %c takes %d bytes still", space, size)
			}
		}
	}
}
