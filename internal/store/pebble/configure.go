package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"waybill"
)

// A setting is what is stored of a channel besides its messages.
type setting struct {
	waybill.ChannelState
	pending bool   // the marks of the messages in runs after cursor may be stale
	cursor  []byte // the last key of spaceMessage of which the mark is right
}

func appendSetting(dst []byte, s *setting) []byte {
	pending := byte(0)
	if s.pending {
		pending = 1
	}
	dst = append(dst, byte(s.Provider), pending)
	dst = binary.AppendVarint(dst, int64(s.MetricsEnabled))
	return append(dst, s.cursor...)
}

func decodeSetting(c waybill.ChannelNumber, data []byte) (setting, bool) {
	d := decoder{rest: data}
	s := setting{ChannelState: waybill.ChannelState{Number: c}}
	s.Provider, s.pending = waybill.Provider(d.byte()), d.byte() != 0
	s.MetricsEnabled = waybill.Instant(d.varint())
	s.cursor = bytes.Clone(d.rest)
	return s, !d.bad
}

// Configure implements waybill.Store.
func (s *Store) Configure(ctx context.Context, c waybill.Change) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	// Before it is decided whether a pass is due: it may leave messages to the runs
	// that were in memory.
	if err := s.makeRoom(); err != nil {
		return err
	}
	settings, err := s.resolve(c.Channels)
	if err != nil {
		return err
	}
	s.commit.begin()
	if err := s.commit.configure(settings, c.Records); err != nil {
		return errors.Join(err, s.commit.abandon())
	}
	return s.commit.finish()
}

// resolve returns the settings of the channels as they will be.
func (s *Store) resolve(states []waybill.ChannelState) (map[waybill.ChannelNumber]setting, error) {
	settings := make(map[waybill.ChannelNumber]setting, len(states))
	for _, state := range states {
		old, ok := settings[state.Number]
		if ch := s.channels[state.Number]; !ok && ch != nil {
			old, ok = ch.setting, true
		}
		switch {
		case state.Number == 0:
			return nil, waybill.Errorf(waybill.Invalid, "channel number is missing")
		case state.Provider.String() == "":
			return nil, waybill.Errorf(waybill.Invalid, "provider %d is unknown", state.Provider)
		case ok && old.Provider != state.Provider:
			return nil, waybill.Errorf(waybill.Conflict, "channel %d is of provider %s, not %s",
				state.Number, old.Provider, state.Provider)
		}
		set := setting{ChannelState: state, pending: old.pending, cursor: old.cursor}
		if ok && old.MetricsEnabled != state.MetricsEnabled {
			set.pending, set.cursor = len(s.inRuns()) > 0, nil
		}
		settings[state.Number] = set
	}
	return settings, nil
}

// configure puts settings and records into the commit, and renews the marks of the
// messages in memory; a pass renews those in runs. The settings take effect at
// once: nothing can fail after this but the disk, which stops the store.
func (c *commit) configure(settings map[waybill.ChannelNumber]setting, records []waybill.Record) error {
	for _, r := range records {
		c.key = append(append(c.key[:0], spaceRecord), r.Key...)
		var err error
		if r.Value == nil {
			err = c.batch.Delete(c.key, nil)
		} else {
			err = c.batch.Set(c.key, r.Value, nil)
		}
		if err != nil {
			return err
		}
	}
	renewed := make(map[waybill.ChannelNumber]*channel)
	for number, set := range settings {
		if ch := c.s.channels[number]; ch != nil && ch.MetricsEnabled != set.MetricsEnabled {
			renewed[number] = ch
		}
		c.putSetting(&set)
	}
	c.s.adopt(settings)
	if len(renewed) > 0 {
		c.renewTables(renewed)
	}
	return nil
}

func (c *commit) putSetting(set *setting) {
	c.key = appendChannel(c.key[:0], spaceSetting, set.Number)
	c.value = appendSetting(c.value[:0], set)
	c.set()
}

// adopt makes settings those in memory.
func (s *Store) adopt(settings map[waybill.ChannelNumber]setting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number, set := range settings {
		ch, ok := s.channels[number]
		if !ok {
			ch = &channel{words: newWords()}
			ch.view = ch.words.view
			s.channels[number] = ch
		}
		ch.setting = set
	}
	s.notePending(nil)
}
