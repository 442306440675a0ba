package storetest

import "waybill"

var lookupCases = []contractCase{
	{"a message is the join of its events", func(f *fixture) {
		events := []waybill.Event{
			event("m", waybill.StatusRead, 9, with(waybill.LabelCountry, "ID")),
			event("m", waybill.StatusSent, 2, revised(waybill.LabelCampaign, "c", waybill.RankOwn, 5)),
			event("m", waybill.StatusFailed, 3, because("7"), func(e *waybill.Event) { e.Failure.Title = "gone" }),
			event("m", waybill.StatusClicked, 8, press("b", "Yes")),
			event("m", waybill.StatusClicked, 7, press("a", "No")),
			event("m", waybill.StatusNone, 1, func(e *waybill.Event) { e.Inbound, e.Templated = true, true }),
		}
		for _, e := range events {
			f.append(e)
		}
		f.wantMessage(chatapp, "m", Join(f.state(chatapp), events))
	}},
	{"an unknown message is not found", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1))
		f.wantNotFound(chatapp, "n")
		f.wantNotFound(chatapp, "")
		f.wantNotFound(waba, "m")
		f.wantNotFound(stranger, "m")
	}},
	{"a message of which only labels are known is found", func(f *fixture) {
		e := event("m", waybill.StatusNone, 1, with(template, "t"))
		f.append(e)
		f.wantMessage(chatapp, "m", Join(f.state(chatapp), []waybill.Event{e}))
		f.wantValues(chatapp, template, "t")
	}},
	{"values are ascending, each once, of one channel and label", func(f *fixture) {
		for i, country := range []string{"VN", "ID", "VN", "", "BR"} {
			f.append(event(string(rune('a'+i)), waybill.StatusSent, 1, with(waybill.LabelCountry, country)))
		}
		f.append(event("m", waybill.StatusSent, 1, on(waba), with(waybill.LabelCountry, "US")))
		f.wantValues(chatapp, waybill.LabelCountry, "BR", "ID", "VN")
		f.wantValues(waba, waybill.LabelCountry, "US")
		f.wantValues(chatapp, waybill.LabelLanguage)
		f.wantValues(stranger, waybill.LabelCountry)
	}},
	{"values that messages had are kept", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1, revised(template, "old", waybill.RankOwn, 0)))
		f.append(event("m", waybill.StatusSent, 1, revised(template, "new", waybill.RankOwn, 1)))
		f.wantValues(chatapp, template, "new", "old")
		f.reopen()
		f.wantValues(chatapp, template, "new", "old")
	}},
	{"verify finds nothing where nothing is wrong", func(f *fixture) {
		f.wantVerified()
		f.countries()
		f.append(event("a", waybill.StatusFailed, 1, because("7")), event("b", waybill.StatusClicked, 1, press("c", "Yes")))
		f.append(event("a", waybill.StatusDelivered, 1), event("c", waybill.StatusNone, 1, with(template, "t")))
		f.wantVerified()
		f.reopen()
		f.wantVerified()
	}},
}
