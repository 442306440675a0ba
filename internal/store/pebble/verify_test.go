package pebble

import (
	"testing"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// TestVerifyFindsStaleMarks changes a channel's setting behind the store's back,
// as if a pass over its messages had been lost.
func TestVerifyFindsStaleMarks(t *testing.T) {
	const at = 1767225600
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	state := waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA}
	if err := s.Configure(t.Context(), waybill.Change{Channels: []waybill.ChannelState{state}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), []waybill.Event{{Channel: 1, Message: "m", Status: waybill.StatusSent, At: at}}); err != nil {
		t.Fatal(err)
	}
	set := setting{ChannelState: state}
	set.MetricsEnabled = at
	for _, pending := range []bool{false, true} {
		set.pending = pending
		if err := s.db.Set(appendChannel(nil, spaceSetting, 1), appendSetting(nil, &set), engine.Sync); err != nil {
			t.Fatal(err)
		}
		differences, err := s.Verify(t.Context(), 10)
		if err != nil || (len(differences) == 0) != pending {
			t.Errorf("with a pass due %t: %+v %v", pending, differences, err)
		}
	}
}
