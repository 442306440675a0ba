package storetest

import (
	"slices"
	"strconv"
	"time"

	"waybill"
)

var pointsCases = []contractCase{
	{"nothing recorded is no points", func(f *fixture) {
		f.want(total())
		f.want(total(every(waybill.QuarterHour), by(waybill.DimChannel)))
	}},
	{"empty buckets are left out and the rest is in order", func(f *fixture) {
		f.append(event("a", waybill.StatusSent, 200), event("b", waybill.StatusSent, 10), event("c", waybill.StatusSent, 100))
		f.want(total(every(waybill.Hour)),
			"01-01 00:00 +1h0m0s accepted 1 sent 1",
			"01-01 01:00 +1h0m0s accepted 1 sent 1",
			"01-01 03:00 +1h0m0s accepted 1 sent 1")
	}},
	{"within a bucket points are ordered by key, the absent value first", func(f *fixture) {
		f.append(
			event("a", waybill.StatusSent, 1, with(waybill.LabelCountry, "VN")),
			event("b", waybill.StatusSent, 1, with(waybill.LabelCountry, "ID"), with(waybill.LabelLanguage, "z")),
			event("c", waybill.StatusSent, 1, with(waybill.LabelCountry, "ID"), with(waybill.LabelLanguage, "en")),
			event("d", waybill.StatusSent, 1),
			event("e", waybill.StatusSent, 60, with(waybill.LabelCountry, "BR")))
		f.want(total(every(waybill.Hour), by(waybill.Dimension(waybill.LabelCountry), waybill.Dimension(waybill.LabelLanguage))),
			"01-01 00:00 +1h0m0s |: accepted 1 sent 1",
			"01-01 00:00 +1h0m0s ID|en: accepted 1 sent 1",
			"01-01 00:00 +1h0m0s ID|z: accepted 1 sent 1",
			"01-01 00:00 +1h0m0s VN|: accepted 1 sent 1",
			"01-01 01:00 +1h0m0s BR|: accepted 1 sent 1")
	}},
	{"neighbouring values of two dimensions do not run together", func(f *fixture) {
		f.append(
			event("a", waybill.StatusSent, 1, with(waybill.LabelCampaign, "x"), with(waybill.LabelSegment, "yz")),
			event("b", waybill.StatusSent, 1, with(waybill.LabelCampaign, "xy"), with(waybill.LabelSegment, "z")))
		f.want(total(by(waybill.Dimension(waybill.LabelCampaign), waybill.Dimension(waybill.LabelSegment))),
			"x|yz: accepted 1 sent 1", "xy|z: accepted 1 sent 1")
	}},
	{"every dimension can be grouped by", everyDimension},
	{"the order of group_by is the order of the key", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1, with(waybill.LabelCountry, "ID"), with(waybill.LabelTemplate, "t")))
		f.want(total(by(waybill.DimKind, waybill.Dimension(waybill.LabelTemplate), waybill.DimChannel, waybill.Dimension(waybill.LabelCountry))),
			"template|t|1|ID: accepted 1 sent 1")
	}},
	{"a filter keeps any of its values", func(f *fixture) {
		f.countries()
		country := waybill.Dimension(waybill.LabelCountry)
		f.want(total(where(country, "ID")), "accepted 2 sent 2")
		f.want(total(where(country, "VN", "ID", "VN", "unheard of")), "accepted 3 sent 3")
		f.want(total(where(country, "unheard of")))
	}},
	{"a message without a category has that of its template in the query", templateCategories},
	{"the empty string filters for an absent label", func(f *fixture) {
		f.countries()
		country := waybill.Dimension(waybill.LabelCountry)
		f.want(total(where(country, "")), "accepted 1 sent 1")
		f.want(total(where(country, "", "VN"), by(country)), ": accepted 1 sent 1", "VN: accepted 1 sent 1")
	}},
	{"a filter without values lets nothing pass", func(f *fixture) {
		f.countries()
		f.want(total(where(waybill.Dimension(waybill.LabelCountry))))
		f.want(total(where(waybill.DimKind)))
	}},
	{"all filters must hold, also two of one dimension", func(f *fixture) {
		f.countries()
		country := waybill.Dimension(waybill.LabelCountry)
		f.want(total(where(country, "ID"), where(waybill.DimKind, "template")), "accepted 1 sent 1")
		f.want(total(where(country, "ID", "VN"), where(country, "VN", "")), "accepted 1 sent 1")
		f.want(total(where(country, "ID"), where(country, "VN")))
	}},
	{"kinds can be filtered", func(f *fixture) {
		f.countries()
		f.want(total(where(waybill.DimKind, "template")), "accepted 1 sent 1")
		f.want(total(where(waybill.DimKind, "session", "inbound")), "accepted 3 sent 3")
		f.want(total(where(waybill.DimKind, "")))
	}},
	{"only the named channels count, each once", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1), event("m", waybill.StatusSent, 1, on(waba)))
		f.want(total(channels(waba)), "accepted 1 sent 1")
		f.want(total(channels(waba, waba)), "accepted 1 sent 1")
		f.want(total(channels()))
	}},
	{"a channel that is not configured counts nothing", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1))
		f.want(total(channels(stranger)))
		f.want(total(channels(stranger, chatapp)), "accepted 1 sent 1")
	}},
	{"the range is widened to whole quarters at every granularity", func(f *fixture) {
		for i, minute := range []int{14, 15, 29, 30, 44, 45} {
			f.append(event(string(rune('a'+i)), waybill.StatusSent, minute))
		}
		for g := waybill.Total; g <= waybill.Month; g++ {
			f.wantSum(total(every(g), between(at(15)+899, at(30)+1)), 4)
			f.wantSum(total(every(g), between(at(15), at(30))), 2)
		}
		f.want(total(every(waybill.Day), between(at(29), at(31))), "01-01 00:00 +24h0m0s accepted 4 sent 4")
	}},
	{"each granularity has its own buckets", func(f *fixture) {
		for i, minute := range []int{0, 15, 30, 60, 24 * 60, 31 * 24 * 60} {
			f.append(event(string(rune('a'+i)), waybill.StatusSent, minute))
		}
		for g, want := range map[waybill.Granularity][]string{
			waybill.Total:       {"6"},
			waybill.QuarterHour: {"01-01 00:00 +15m0s 1", "01-01 00:15 +15m0s 1", "01-01 00:30 +15m0s 1", "01-01 01:00 +15m0s 1", "01-02 00:00 +15m0s 1", "02-01 00:00 +15m0s 1"},
			waybill.HalfHour:    {"01-01 00:00 +30m0s 2", "01-01 00:30 +30m0s 1", "01-01 01:00 +30m0s 1", "01-02 00:00 +30m0s 1", "02-01 00:00 +30m0s 1"},
			waybill.Hour:        {"01-01 00:00 +1h0m0s 3", "01-01 01:00 +1h0m0s 1", "01-02 00:00 +1h0m0s 1", "02-01 00:00 +1h0m0s 1"},
			waybill.Day:         {"01-01 00:00 +24h0m0s 4", "01-02 00:00 +24h0m0s 1", "02-01 00:00 +24h0m0s 1"},
			waybill.Month:       {"01-01 00:00 +744h0m0s 5", "02-01 00:00 +696h0m0s 1"},
		} {
			for i, bucket := range want {
				n := bucket[len(bucket)-1:]
				want[i] = bucket[:len(bucket)-1] + "accepted " + n + " sent " + n
			}
			f.want(total(every(g), between(start, start+40*24*60*60)), want...)
		}
	}},
	{"the bucket of a total is the widened range", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 20))
		want := waybill.Bucket{Start: at(15), End: at(45)}
		for _, p := range f.points(total(between(at(16), at(31)))) {
			if p.Bucket != want {
				f.Errorf("bucket is %v, want %v", p.Bucket, want)
			}
		}
	}},
	{"days and months are those of the zone", func(f *fixture) {
		jakarta := time.FixedZone("UTC+7", 7*60*60)
		f.append(event("a", waybill.StatusSent, 16*60+59), event("b", waybill.StatusSent, 17*60))
		f.want(total(every(waybill.Day), in(jakarta)),
			"12-31 17:00 +24h0m0s accepted 1 sent 1", "01-01 17:00 +24h0m0s accepted 1 sent 1")
		f.want(total(every(waybill.Month), in(jakarta)), "12-31 17:00 +744h0m0s accepted 2 sent 2")
	}},
	{"a zone of quarter hours has buckets of its own", func(f *fixture) {
		kathmandu := time.FixedZone("UTC+5:45", (5*60+45)*60)
		f.append(event("a", waybill.StatusSent, 14), event("b", waybill.StatusSent, 15))
		f.want(total(every(waybill.Hour), in(kathmandu)),
			"12-31 23:15 +1h0m0s accepted 1 sent 1", "01-01 00:15 +1h0m0s accepted 1 sent 1")
	}},
	{"a day of a clock change has 23 or 25 hours", clockChange},
	{"a basis of send counts everything when the message was sent", func(f *fixture) {
		f.append(event("a", waybill.StatusAccepted, 0), event("a", waybill.StatusSent, 20), event("a", waybill.StatusRead, 100),
			event("b", waybill.StatusAccepted, 35), event("b", waybill.StatusFailed, 50, because("7")))
		f.want(total(every(waybill.QuarterHour), bySend),
			"01-01 00:15 +15m0s accepted 1 sent 1 delivered 1 read 1",
			"01-01 00:30 +15m0s accepted 1 failed 1")
		f.want(total(every(waybill.QuarterHour)),
			"01-01 00:00 +15m0s accepted 1",
			"01-01 00:15 +15m0s sent 1",
			"01-01 00:30 +15m0s accepted 1",
			"01-01 00:45 +15m0s failed 1",
			"01-01 01:30 +15m0s delivered 1 read 1")
	}},
	{"a query that makes no sense is refused", func(f *fixture) {
		for _, spoil := range []queryOption{
			between(at(1), at(1)), between(-1, at(1)), between(at(1), waybill.MaxInstant+1),
			every(waybill.Month + 1), by(waybill.DimKind, waybill.DimKind), by(waybill.DimDetail + 1),
			where(waybill.DimChannel, "1"), where(waybill.DimDetail, "7"),
			func(q *waybill.Query) { q.Basis = waybill.NumBases },
		} {
			q := total(spoil)
			if _, err := f.store.Points(f.Context(), q); code(err) != waybill.Invalid {
				f.Errorf("Points of %s fails with %v, want Invalid", describe(q), err)
			}
		}
	}},
	{"the widest range can be asked", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1))
		f.want(total(every(waybill.Month), between(0, waybill.MaxInstant)), "01-01 00:00 +744h0m0s accepted 1 sent 1")
	}},
	{"answers whose memory is used again are right", recycledAnswers},
}

// recycledAnswers asks large questions in turns, each after the answer before was
// recycled.
func recycledAnswers(f *fixture) {
	const messages = 6000 // in a quarter of their own
	events := make([]waybill.Event, messages)
	for i := range events {
		events[i] = event(strconv.Itoa(i), waybill.StatusSent, 15*i, with(waybill.LabelTier, strconv.Itoa(i%3)))
	}
	f.append(events...)
	all := between(start, at(15*messages))
	questions := []waybill.Query{
		total(every(waybill.QuarterHour), all, by(waybill.Dimension(waybill.LabelTier))),
		total(every(waybill.QuarterHour), all, where(waybill.Dimension(waybill.LabelTier), "0", "2")),
		total(every(waybill.QuarterHour), all),
	}
	for i := range 3 * len(questions) {
		q := questions[i%len(questions)]
		points := f.points(q)
		want := messages - len(q.Where)*messages/3
		if len(points) != want {
			f.Fatalf("question %d has %d points, want %d", i, len(points), want)
		}
		for j, p := range points {
			if len(q.Where) > 0 {
				j += (j + 1) / 2 // every third is left out
			}
			tier := []string{strconv.Itoa(j % 3)}[:len(q.GroupBy)]
			if p.Bucket.Start != at(15*j) || !slices.Equal(p.Key, tier) || p.Counts != (waybill.Counts{1, 1}) {
				f.Fatalf("question %d has the point %+v, want %d by %q with one sent message", i, p, at(15*j), tier)
			}
		}
		waybill.Recycle(points)
	}
}

func channels(numbers ...waybill.ChannelNumber) queryOption {
	return func(q *waybill.Query) { q.Channels = numbers }
}

// countries records four messages: two of ID, one of them of a template, one of
// VN, and one of an unknown country.
func (f *fixture) countries() {
	f.append(
		event("a", waybill.StatusSent, 1, with(waybill.LabelCountry, "ID")),
		event("b", waybill.StatusSent, 1, with(waybill.LabelCountry, "ID"), with(waybill.LabelTemplate, "t")),
		event("c", waybill.StatusSent, 1, with(waybill.LabelCountry, "VN")),
		event("d", waybill.StatusSent, 1))
}

// wantSum compares how many messages were sent in all buckets together.
func (f *fixture) wantSum(q waybill.Query, want int64) {
	f.Helper()
	var sum int64
	for _, p := range f.points(q) {
		sum += p.Counts[waybill.Metric(waybill.Sent)]
	}
	if sum != want {
		f.Errorf("sent of %s sums to %d, want %d", describe(q), sum, want)
	}
}

func everyDimension(f *fixture) {
	e := event("m", waybill.StatusFailed, 1, because("131026"))
	for l := range waybill.Label(waybill.NumLabels) {
		e.Labels.Set(l, "a "+l.String(), waybill.RankVendor)
	}
	f.append(e)
	for l := range waybill.Label(waybill.NumLabels) {
		f.want(total(byLabel(l)), "a "+l.String()+": accepted 1 failed 1")
		f.want(total(where(waybill.Dimension(l), "a "+l.String())), "accepted 1 failed 1")
		f.want(total(where(waybill.Dimension(l), "")))
	}
	f.want(total(by(waybill.DimKind)), "template: accepted 1 failed 1")
	f.want(total(by(waybill.DimChannel)), "1: accepted 1 failed 1")
	f.want(total(by(waybill.DimDetail)), "131026: failed 1")
}

func clockChange(f *fixture) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	spring := waybill.InstantOf(time.Date(2024, 3, 31, 0, 0, 0, 0, berlin))
	autumn := waybill.InstantOf(time.Date(2024, 10, 27, 0, 0, 0, 0, berlin))
	for i, at := range []waybill.Instant{spring, spring + 23*60*60 - 1, spring + 23*60*60, autumn, autumn + 25*60*60 - 1} {
		e := event(string(rune('a'+i)), waybill.StatusSent, 0)
		e.At = at
		f.append(e)
	}
	f.want(total(every(waybill.Day), in(berlin), between(spring, autumn+25*60*60)),
		"03-30 23:00 +23h0m0s accepted 2 sent 2",
		"03-31 22:00 +24h0m0s accepted 1 sent 1",
		"10-26 22:00 +25h0m0s accepted 2 sent 2")
}

func templateCategories(f *fixture) {
	template := func(value string) eventOption { return with(waybill.LabelTemplate, value) }
	f.append(
		event("own", waybill.StatusSent, 1, template("t"), with(waybill.LabelCategory, "UTILITY")),
		event("en", waybill.StatusSent, 1, template("t"), with(waybill.LabelLanguage, "en")),
		event("vi", waybill.StatusSent, 1, template("t"), with(waybill.LabelLanguage, "vi")),
		event("none", waybill.StatusSent, 1, template("u")),
		event("session", waybill.StatusSent, 1),
		event("elsewhere", waybill.StatusSent, 1, on(waba), template("t")))
	category := waybill.Dimension(waybill.LabelCategory)
	named := func(q *waybill.Query) {
		q.Categories = map[waybill.TemplateRef]string{
			{Channel: chatapp, Template: "t"}:                 "MARKETING",
			{Channel: chatapp, Template: "t", Language: "vi"}: "UTILITY",
			{Channel: chatapp, Template: ""}:                  "nobody's",
		}
	}
	f.want(total(named, by(category)),
		": accepted 3 sent 3", "MARKETING: accepted 1 sent 1", "UTILITY: accepted 2 sent 2")
	f.want(total(named, where(category, "MARKETING")), "accepted 1 sent 1")
	f.want(total(by(category)), ": accepted 5 sent 5", "UTILITY: accepted 1 sent 1")
}
