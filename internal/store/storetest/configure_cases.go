package storetest

import (
	"slices"
	"strings"

	"waybill"
)

var configureCases = []contractCase{
	{"channels are listed in ascending order", func(f *fixture) {
		f.enable(300, waybill.ProviderMomo, waybill.Never)
		f.enable(70, waybill.ProviderWABA, at(1))
		f.wantChannels(
			waybill.ChannelState{Number: chatapp, Provider: waybill.ProviderChatapp, MetricsEnabled: start},
			waybill.ChannelState{Number: waba, Provider: waybill.ProviderWABA, MetricsEnabled: start},
			waybill.ChannelState{Number: momo, Provider: waybill.ProviderMomo, MetricsEnabled: start},
			waybill.ChannelState{Number: 70, Provider: waybill.ProviderWABA, MetricsEnabled: at(1)},
			waybill.ChannelState{Number: 300, Provider: waybill.ProviderMomo})
	}},
	{"a large channel number is a number like any", func(f *fixture) {
		const largest = waybill.ChannelNumber(1<<32 - 1)
		f.enable(largest, waybill.ProviderWABA, start)
		f.append(event("m", waybill.StatusSent, 1, on(largest)))
		f.want(total(channels(largest), by(waybill.DimChannel)), "4294967295: accepted 1 sent 1")
	}},
	{"another provider is a conflict that stores nothing of the change", func(f *fixture) {
		before := f.list()
		err := f.store.Configure(f.Context(), waybill.Change{
			Channels: []waybill.ChannelState{
				{Number: 9, Provider: waybill.ProviderWABA},
				{Number: chatapp, Provider: waybill.ProviderMomo, MetricsEnabled: at(9)},
			},
			Records: []waybill.Record{{Key: "k", Value: []byte("v")}},
		})
		if code(err) != waybill.Conflict {
			f.Errorf("Configure fails with %v, want Conflict", err)
		}
		f.wantChannels(before...)
		f.wantRecords("")
		f.refused(event("good", waybill.StatusSent, 1), event("bad", waybill.StatusSent, 1, on(9)))
	}},
	{"an empty change is no error", func(f *fixture) {
		before := f.list()
		f.configure(waybill.Change{})
		f.wantChannels(before...)
	}},
	{"channels and records are stored together", func(f *fixture) {
		f.configure(waybill.Change{
			Channels: []waybill.ChannelState{{Number: 9, Provider: waybill.ProviderWABA}},
			Records:  []waybill.Record{{Key: "channel/9", Value: []byte("nine")}},
		})
		f.append(event("m", waybill.StatusSent, 1, on(9)))
		f.wantRecords("channel/", "channel/9=nine")
	}},
	{"records are found by prefix in the order of their keys", func(f *fixture) {
		f.put("b", "2", "a/2", "y", "a", "1", "a/10", "x", "a\xff", "z", "\xff\xffk", "w", "a0", "v")
		f.wantRecords("a/", "a/10=x", "a/2=y")
		f.wantRecords("a", "a=1", "a/10=x", "a/2=y", "a0=v", "a\xff=z")
		f.wantRecords("a\xff", "a\xff=z")
		f.wantRecords("\xff", "\xff\xffk=w")
		f.wantRecords("\xff\xff", "\xff\xffk=w")
		f.wantRecords("c")
		f.wantRecords("", "a=1", "a/10=x", "a/2=y", "a0=v", "a\xff=z", "b=2", "\xff\xffk=w")
	}},
	{"a record is replaced, and a nil value deletes it", func(f *fixture) {
		f.put("a", "1", "b", "2")
		f.put("a", "3")
		f.wantRecords("", "a=3", "b=2")
		f.configure(waybill.Change{Records: []waybill.Record{{Key: "a"}, {Key: "never there"}}})
		f.wantRecords("", "b=2")
		f.reopen()
		f.wantRecords("", "b=2")
	}},
	{"an empty value is a value", func(f *fixture) {
		f.configure(waybill.Change{Records: []waybill.Record{{Key: "a", Value: []byte{}}}})
		f.wantRecords("", "a=")
		f.reopen()
		f.wantRecords("", "a=")
	}},
	{"a record may be large", func(f *fixture) {
		large := strings.Repeat("body", 1<<20)
		f.put("parked/1", large)
		f.reopen()
		f.wantRecords("parked/", "parked/1="+large)
	}},
	{"records share no memory with the caller", func(f *fixture) {
		value := []byte("v")
		f.configure(waybill.Change{Records: []waybill.Record{{Key: "k", Value: value}}})
		value[0] = 'x'
		f.wantRecords("", "k=v")
		records, err := f.store.Records(f.Context(), "")
		if err != nil || len(records) != 1 {
			f.Fatalf("Records returns %v, %v", records, err)
		}
		records[0].Value[0] = 'x'
		f.wantRecords("", "k=v")
	}},
	{"only messages that happened since metrics are enabled are collected", func(f *fixture) {
		f.enable(chatapp, waybill.ProviderChatapp, at(60))
		f.settle()
		f.append(
			event("before", waybill.StatusSent, 59), event("at", waybill.StatusSent, 60),
			event("across", waybill.StatusAccepted, 59), event("across", waybill.StatusDelivered, 61))
		f.want(total(collected), "accepted 1 sent 1")
		f.want(total(), "accepted 3 sent 3 delivered 1")
	}},
	{"a message that turns out to be older is collected no more", func(f *fixture) {
		f.enable(chatapp, waybill.ProviderChatapp, at(60))
		f.settle()
		f.append(event("m", waybill.StatusDelivered, 61))
		f.want(total(collected), "accepted 1 sent 1 delivered 1")
		f.append(event("m", waybill.StatusSent, 59))
		f.want(total(collected))
	}},
	{"a channel whose metrics are not enabled collects nothing", func(f *fixture) {
		f.enable(9, waybill.ProviderWABA, waybill.Never)
		f.append(event("m", waybill.StatusSent, 1, on(9)))
		f.want(total(channels(9), collected))
		f.want(total(channels(9)), "accepted 1 sent 1")
	}},
	{"a change of the setting applies at once to later events", func(f *fixture) {
		f.enable(chatapp, waybill.ProviderChatapp, waybill.Never)
		f.append(event("a", waybill.StatusSent, 1))
		f.enable(chatapp, waybill.ProviderChatapp, at(1))
		f.append(event("b", waybill.StatusSent, 1, with(template, "b")), event("c", waybill.StatusSent, 0, with(template, "c")))
		f.want(total(collected, where(waybill.Dimension(template), "b", "c")), "accepted 1 sent 1")
	}},
	{"the marks of stored messages follow a change", func(f *fixture) {
		f.manyMessages()
		for _, from := range []int{-1, 100, 900, 0} {
			enabled, want := waybill.Never, int64(0)
			if from >= 0 {
				enabled, want = at(from), int64(1000-from)
			}
			f.enable(chatapp, waybill.ProviderChatapp, enabled)
			f.settle()
			f.wantSum(total(collected), want)
			f.wantSum(total(), 1000)
			f.wantVerified()
		}
	}},
	{"a change of one channel leaves the marks of others alone", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1), event("m", waybill.StatusSent, 1, on(waba)))
		f.enable(chatapp, waybill.ProviderChatapp, waybill.Never)
		f.settle()
		f.want(total(collected, by(waybill.DimChannel)), "2: accepted 1 sent 1")
	}},
	{"a repeated event changes nothing while marks are being rewritten", func(f *fixture) {
		e := event("m", waybill.StatusSent, 1)
		f.append(e)
		f.enable(chatapp, waybill.ProviderChatapp, waybill.Never)
		f.wantOutcomes([]waybill.Outcome{no}, e)
		f.settle()
		f.want(total(collected))
		f.want(total(), "accepted 1 sent 1")
		f.wantVerified()
	}},
	{"settled returns at once where nothing changed", func(f *fixture) {
		f.settle()
		f.enable(chatapp, waybill.ProviderChatapp, start)
		f.settle()
		f.settle()
	}},
}

func (f *fixture) put(pairs ...string) {
	f.Helper()
	var c waybill.Change
	for pair := range slices.Chunk(pairs, 2) {
		c.Records = append(c.Records, waybill.Record{Key: pair[0], Value: []byte(pair[1])})
	}
	f.configure(c)
}

func (f *fixture) list() []waybill.ChannelState {
	f.Helper()
	channels, err := f.store.Channels(f.Context())
	if err != nil {
		f.Fatalf("Channels: %v", err)
	}
	return channels
}

func (f *fixture) wantChannels(want ...waybill.ChannelState) {
	f.Helper()
	if got := f.list(); !slices.Equal(got, want) {
		f.Errorf("channels are %+v, want %+v", got, want)
	}
}

// manyMessages records 1000 messages of the chatapp channel, one a minute.
func (f *fixture) manyMessages() {
	var events []waybill.Event
	for i := range 1000 {
		events = append(events, event("many"+string(rune(i+0x4e00)), waybill.StatusSent, i))
	}
	f.append(events...)
}
