package storetest

import "waybill"

var reopenCases = []contractCase{
	{"everything acknowledged is there after reopening", func(f *fixture) {
		f.countries()
		f.append(event("a", waybill.StatusFailed, 40, because("7")), event("b", waybill.StatusClicked, 50, press("c", "Yes")))
		f.put("k", "v")
		before, state := f.list(), f.state(chatapp)
		q := total(every(waybill.QuarterHour), byLabel(waybill.LabelCountry))
		want := []string{
			"01-01 00:00 +15m0s : accepted 1 sent 1",
			"01-01 00:00 +15m0s ID: accepted 2 sent 2",
			"01-01 00:00 +15m0s VN: accepted 1 sent 1",
			"01-01 00:30 +15m0s ID: failed 1",
			"01-01 00:45 +15m0s ID: delivered 1 clicked 1 clicks 1",
		}
		f.want(q, want...)
		for range 3 {
			f.reopen()
			f.want(q, want...)
			f.want(total(by(waybill.DimDetail)), "7: failed 1", "reply/Yes: clicked 1 clicks 1")
			f.wantChannels(before...)
			f.wantRecords("", "k=v")
			f.wantValues(chatapp, waybill.LabelCountry, "ID", "VN")
			f.wantMessage(chatapp, "a", Join(state, []waybill.Event{
				event("a", waybill.StatusSent, 1, with(waybill.LabelCountry, "ID")),
				event("a", waybill.StatusFailed, 40, because("7")),
			}))
			f.wantVerified()
		}
	}},
	{"events merge with what was there before reopening", func(f *fixture) {
		f.append(event("m", waybill.StatusFailed, 30, because("7")))
		f.reopen()
		f.wantOutcomes([]waybill.Outcome{no}, event("m", waybill.StatusFailed, 30, because("7")))
		f.append(event("m", waybill.StatusDelivered, 10, with(template, "t")))
		f.reopen()
		f.want(total(every(waybill.QuarterHour), byLabel(template)), "01-01 00:00 +15m0s t: accepted 1 sent 1 delivered 1")
	}},
	{"a provider conflicts after reopening as well", func(f *fixture) {
		f.reopen()
		err := f.store.Configure(f.Context(), waybill.Change{
			Channels: []waybill.ChannelState{{Number: chatapp, Provider: waybill.ProviderMomo}},
		})
		if code(err) != waybill.Conflict {
			f.Errorf("Configure fails with %v, want Conflict", err)
		}
	}},
	{"marks follow a change that was cut short by closing", func(f *fixture) {
		f.manyMessages()
		f.enable(chatapp, waybill.ProviderChatapp, at(400))
		f.reopen()
		f.settle()
		f.wantSum(total(collected), 600)
		f.wantSum(total(), 1000)
		f.wantVerified()
	}},
	{"marks follow the last of several changes that were cut short", func(f *fixture) {
		f.manyMessages()
		for _, minute := range []int{400, 100, 700} {
			f.enable(chatapp, waybill.ProviderChatapp, at(minute))
			f.append(event("new"+string(rune(minute)), waybill.StatusSent, minute))
			f.reopen()
		}
		f.settle()
		f.wantSum(total(collected), 301)
		f.wantSum(total(), 1003)
		f.wantVerified()
	}},
	{"a new setting applies at once after reopening", func(f *fixture) {
		f.enable(chatapp, waybill.ProviderChatapp, waybill.Never)
		f.reopen()
		f.append(event("m", waybill.StatusSent, 1))
		f.settle()
		f.want(total(collected))
	}},
}
