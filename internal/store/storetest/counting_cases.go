package storetest

import (
	"waybill"
)

const template = waybill.LabelTemplate

var countingCases = []contractCase{
	{"a late label moves what was counted without it", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1))
		f.append(event("m", waybill.StatusRead, 30))
		f.want(total(byLabel(template)), ": accepted 1 sent 1 delivered 1 read 1")
		f.append(event("m", waybill.StatusNone, 40, with(template, "1100")))
		f.want(total(byLabel(template)), "1100: accepted 1 sent 1 delivered 1 read 1")
		f.want(total(by(waybill.DimKind)), "template: accepted 1 sent 1 delivered 1 read 1")
	}},
	{"a label that comes before any status counts nothing yet", func(f *fixture) {
		f.append(event("m", waybill.StatusNone, 1, with(template, "1100")))
		f.want(total())
		f.append(event("m", waybill.StatusSent, 20))
		f.want(total(every(waybill.QuarterHour), byLabel(template)), "01-01 00:15 +15m0s 1100: accepted 1 sent 1")
	}},
	{"a later revision corrects a label of an own event", func(f *fixture) {
		own := func(value string, rev int64) waybill.Event {
			return event("m", waybill.StatusSent, 1, revised(waybill.LabelCampaign, value, waybill.RankOwn, rev))
		}
		f.append(own("z", 0))
		f.append(own("b", 2))
		f.want(total(byLabel(waybill.LabelCampaign)), "b: accepted 1 sent 1")
		f.append(own("c", 1))
		f.want(total(byLabel(waybill.LabelCampaign)), "b: accepted 1 sent 1")
		f.append(own("z", waybill.MaxRev-1), own("a", waybill.MaxRev))
		f.want(total(byLabel(waybill.LabelCampaign)), "a: accepted 1 sent 1")
	}},
	{"a better source wins whatever the revision and order", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1, revised(template, "z", waybill.RankCallback, 9)))
		f.append(event("m", waybill.StatusSent, 1, revised(template, "b", waybill.RankOwn, 0)))
		f.append(event("m", waybill.StatusSent, 1, revised(template, "y", waybill.RankVendor, 0)))
		f.want(total(byLabel(template)), "b: accepted 1 sent 1")
	}},
	{"an absent label takes nothing away, whatever its rank", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1, revised(template, "", waybill.RankOwn, 9)))
		f.append(event("m", waybill.StatusSent, 1, revised(template, "t", waybill.RankDerived, 0)))
		f.append(event("m", waybill.StatusSent, 1, revised(template, "", waybill.RankOwn, 9)))
		f.want(total(byLabel(template)), "t: accepted 1 sent 1")
	}},
	{"failures are broken down by their code", func(f *fixture) {
		f.append(
			event("a", waybill.StatusFailed, 1, because("131026")),
			event("b", waybill.StatusFailed, 1, because("131026")),
			event("c", waybill.StatusFailed, 1, because("470")),
			event("d", waybill.StatusFailed, 1))
		f.want(total(), "accepted 4 failed 4")
		f.want(total(by(waybill.DimDetail)), "131026: failed 2", "470: failed 1")
	}},
	{"the code of the earliest failure counts", func(f *fixture) {
		f.append(event("m", waybill.StatusFailed, 20, because("1")))
		f.append(event("m", waybill.StatusFailed, 10, because("2")))
		f.append(event("m", waybill.StatusFailed, 10))
		f.want(total(every(waybill.QuarterHour), by(waybill.DimDetail)), "01-01 00:00 +15m0s 2: failed 1")
	}},
	{"delivery takes a failure back", func(f *fixture) {
		f.append(event("m", waybill.StatusFailed, 1, because("7")))
		f.want(total(), "accepted 1 failed 1")
		f.append(event("m", waybill.StatusSent, 2))
		f.want(total(), "accepted 1 sent 1 failed 1")
		f.append(event("m", waybill.StatusDelivered, 3))
		f.want(total(), "accepted 1 sent 1 delivered 1")
		f.want(total(by(waybill.DimDetail)))
	}},
	{"sending takes a failure back at MoMo", func(f *fixture) {
		f.append(event("m", waybill.StatusFailed, 1, on(momo), because("7")))
		f.want(total(), "accepted 1 failed 1")
		f.append(event("m", waybill.StatusSent, 2, on(momo)))
		f.want(total(), "accepted 1 sent 1")
	}},
	{"a click takes a failure back and reads nothing", func(f *fixture) {
		f.append(event("m", waybill.StatusFailed, 1, because("7")), event("m", waybill.StatusClicked, 2, press("c", "Yes")))
		f.want(total(), "accepted 1 sent 1 delivered 1 clicked 1 clicks 1")
	}},
	{"clicks are broken down by their button", func(f *fixture) {
		f.append(
			event("a", waybill.StatusClicked, 1, press("1", "Yes")),
			event("a", waybill.StatusClicked, 2, press("2", "Yes")),
			event("a", waybill.StatusClicked, 3, press("3", "No")),
			event("b", waybill.StatusClicked, 1, press("1", "Yes")),
			event("b", waybill.StatusClicked, 2))
		f.want(total(), "accepted 2 sent 2 delivered 2 clicked 2 clicks 5")
		f.want(total(by(waybill.DimDetail)), "reply/No: clicked 1 clicks 1", "reply/Yes: clicked 2 clicks 3")
	}},
	{"a button can have a type or a text alone", func(f *fixture) {
		f.append(
			event("a", waybill.StatusClicked, 1, func(e *waybill.Event) { e.Button.Type = "url" }),
			event("b", waybill.StatusClicked, 1, func(e *waybill.Event) { e.Button.Text = "url" }),
			event("c", waybill.StatusFailed, 1, because("url")))
		f.want(total(by(waybill.DimDetail)), "/url: clicked 1 clicks 1", "url: failed 1", "url/: clicked 1 clicks 1")
	}},
	{"a repeated click counts once, at its earliest time and smallest button", func(f *fixture) {
		f.append(event("m", waybill.StatusClicked, 40, press("c", "Yes")))
		f.append(event("m", waybill.StatusClicked, 20, press("c", "Yes")))
		f.append(event("m", waybill.StatusClicked, 20, press("c", "No")))
		f.want(total(every(waybill.QuarterHour), by(waybill.DimDetail)), "01-01 00:15 +15m0s reply/No: clicked 1 clicks 1")
	}},
	{"clicks without ID on one button in one second are one", func(f *fixture) {
		f.append(event("m", waybill.StatusClicked, 1, press("", "Yes")), event("m", waybill.StatusClicked, 1, press("", "Yes")),
			event("m", waybill.StatusClicked, 1, press("", "No")), event("m", waybill.StatusClicked, 2, press("", "Yes")))
		f.want(total(), "accepted 1 sent 1 delivered 1 clicked 1 clicks 3")
	}},
	{"the first click of a button is counted in its own quarter", func(f *fixture) {
		f.append(event("m", waybill.StatusClicked, 5, press("1", "No")), event("m", waybill.StatusClicked, 20, press("2", "Yes")),
			event("m", waybill.StatusClicked, 35, press("3", "Yes")))
		f.want(total(every(waybill.QuarterHour), by(waybill.DimDetail)),
			"01-01 00:00 +15m0s reply/No: clicked 1 clicks 1",
			"01-01 00:15 +15m0s reply/Yes: clicked 1 clicks 1",
			"01-01 00:30 +15m0s reply/Yes: clicks 1")
		f.want(total(every(waybill.QuarterHour), by(waybill.DimDetail), bySend),
			"01-01 00:00 +15m0s reply/No: clicked 1 clicks 1",
			"01-01 00:00 +15m0s reply/Yes: clicked 1 clicks 2")
	}},
	{"an inbound message is its own kind, whatever its template", func(f *fixture) {
		inbound := func(e *waybill.Event) { e.Inbound = true }
		f.append(event("m", waybill.StatusDelivered, 1, with(template, "t")), event("m", waybill.StatusDelivered, 1, inbound))
		f.want(total(by(waybill.DimKind)), "inbound: accepted 1 sent 1 delivered 1")
	}},
	{"template evidence without a template makes the kind", func(f *fixture) {
		f.append(
			event("a", waybill.StatusSent, 1, func(e *waybill.Event) { e.Templated = true }),
			event("b", waybill.StatusSent, 1, with(waybill.LabelCategory, "MARKETING")),
			event("c", waybill.StatusSent, 1, with(waybill.LabelLanguage, "en")))
		f.want(total(by(waybill.DimKind)), "session: accepted 1 sent 1", "template: accepted 2 sent 2")
	}},
	{"participants of a group are one message at the earliest times", func(f *fixture) {
		for i, recipient := range []string{"62812", "62813", "62814"} {
			to := func(e *waybill.Event) { e.Recipient = recipient }
			f.append(event("m", waybill.StatusDelivered, 30-10*i, to), event("m", waybill.StatusRead, 60-10*i, to))
		}
		f.want(total(every(waybill.QuarterHour)),
			"01-01 00:00 +15m0s accepted 1 sent 1 delivered 1", "01-01 00:30 +15m0s read 1")
	}},
}
