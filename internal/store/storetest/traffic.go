package storetest

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"

	"waybill"
)

// Traffic makes the reports of a number of messages, as vendors would send
// them: most are sent, delivered and read within minutes or hours, some fail,
// some are clicked; a few templates and campaigns get most of the traffic;
// reports come repeated, in any order, without their labels or with labels that
// a later revision corrects. The same Traffic always makes the same events.
type Traffic struct {
	Seed     uint64
	Messages int // how many; each has between 0 and 20 events, 3.6 on average

	// Channels are those that the messages go through.
	Channels []waybill.ChannelState

	// Start is when the first message begins. The others follow by their
	// numbers, PerDay of them a day.
	Start  waybill.Instant
	PerDay int

	// Window is the number of messages whose reports are mixed with each
	// other; 0 mixes all.
	Window int

	// Batch is the largest number of events in a batch, 400 where it is 0.
	// Most batches are much smaller.
	Batch int
}

// A reference names one report of a message. Reports are made again from it
// when they are sent, so that millions can be shuffled.
type reference struct {
	message uint32
	report  uint8
}

// Batches returns the events in batches of random size, none empty.
func (tr Traffic) Batches() iter.Seq[[]waybill.Event] {
	return func(yield func([]waybill.Event) bool) {
		r := rand.New(rand.NewPCG(tr.Seed, 1))
		limit := cmp.Or(tr.Batch, 400)
		for number := 0; number < tr.Messages; {
			var window []reference
			for n := 0; number < tr.Messages && (tr.Window == 0 || n < tr.Window); n++ {
				window = tr.refer(window, uint32(number), r)
				number++
			}
			r.Shuffle(len(window), func(i, j int) { window[i], window[j] = window[j], window[i] })
			for len(window) > 0 {
				n := min(1+int(r.ExpFloat64()*float64(limit)/6)%limit, len(window))
				if !yield(tr.reports(window[:n])) {
					return
				}
				window = window[n:]
			}
		}
	}
}

// refer appends the reports of a message, some of them several times.
func (tr Traffic) refer(window []reference, message uint32, r *rand.Rand) []reference {
	for report := range tr.Message(message) {
		times := 1
		if r.IntN(8) == 0 {
			times += 1 + r.IntN(2)
		}
		for range times {
			window = append(window, reference{message, uint8(report)})
		}
	}
	return window
}

func (tr Traffic) reports(refs []reference) []waybill.Event {
	events := make([]waybill.Event, len(refs))
	for i, ref := range refs {
		events[i] = tr.Message(ref.message)[ref.report]
	}
	return events
}

// Begin returns when the message with the given number begins: none of its
// events is earlier.
func (tr Traffic) Begin(number uint32) waybill.Instant {
	return tr.Start + waybill.Instant(number)*24*60*60/waybill.Instant(tr.PerDay)
}

// Message returns all events of the message with the given number.
func (tr Traffic) Message(number uint32) []waybill.Event {
	g := &messageReports{r: rand.New(rand.NewPCG(tr.Seed, uint64(number)<<8|2))}
	g.base = waybill.Event{
		Channel:   tr.Channels[g.r.IntN(len(tr.Channels))].Number,
		Message:   fmt.Sprintf("wamid.%08x", number*2654435761),
		Recipient: fmt.Sprintf("62812%07d", g.r.IntN(1e7)),
	}
	g.at = tr.Begin(number)
	if g.r.IntN(12) == 0 {
		g.base.Inbound = true
		g.labels(0)
		g.report(waybill.StatusDelivered, 0)
		return g.events
	}
	g.life()
	g.corrections()
	return g.events
}

// messageReports makes the events of one message.
type messageReports struct {
	r      *rand.Rand
	base   waybill.Event
	at     waybill.Instant
	events []waybill.Event
}

// chance is true in percent of 100 cases.
func (g *messageReports) chance(percent int) bool { return g.r.IntN(100) < percent }

// zipf returns a number below n, the small ones most often.
func (g *messageReports) zipf(n int) int {
	return min(int(g.r.ExpFloat64()*float64(n)/5), n-1)
}

// report adds an event some seconds after the message began. A tenth of the
// reports carry no labels.
func (g *messageReports) report(s waybill.Status, after int64) *waybill.Event {
	e := g.base
	e.Status, e.At = s, g.at+waybill.Instant(after)
	if g.chance(10) {
		e.Labels = waybill.Labels{}
	}
	g.events = append(g.events, e)
	return &g.events[len(g.events)-1]
}

// life makes the reports of an outbound message. Some are missing: what they
// would say is implied by later ones.
func (g *messageReports) life() {
	g.labels(60)
	late := g.r.Int64N(30)
	if g.chance(50) {
		g.report(waybill.StatusAccepted, 0)
	}
	if g.chance(95) {
		g.report(waybill.StatusSent, late)
	}
	if g.chance(8) {
		e := g.report(waybill.StatusFailed, late+g.r.Int64N(7200))
		if g.chance(90) {
			e.Failure = waybill.Failure{Code: fmt.Sprint(131000 + g.zipf(40)), Title: "undeliverable"}
		}
		if g.chance(80) {
			return
		}
	}
	late += int64(g.r.ExpFloat64() * 600)
	if g.chance(85) {
		g.report(waybill.StatusDelivered, late)
	}
	if g.chance(60) {
		late += int64(g.r.ExpFloat64() * 4 * 3600)
		status := waybill.StatusRead
		if g.chance(5) {
			status = waybill.StatusPlayed
		}
		g.report(status, late)
	}
	g.clicks(late)
}

func (g *messageReports) clicks(late int64) {
	if !g.chance(12) {
		return
	}
	for range 1 + g.zipf(5) {
		late += g.r.Int64N(900)
		e := g.report(waybill.StatusClicked, late)
		if g.chance(60) {
			e.Click = fmt.Sprint("click", g.r.IntN(6))
		}
		if g.chance(90) {
			e.Button = waybill.Button{Type: "quick_reply_button", Text: []string{"Yes", "No", "Later"}[g.zipf(3)]}
		}
	}
}

// labels sets what most reports of the message say of it. percent of the
// messages are made from a template.
func (g *messageReports) labels(percent int) {
	ls := &g.base.Labels
	ls.Set(waybill.LabelSender, fmt.Sprint("861380000000", g.zipf(4)), waybill.RankVendor)
	ls.Set(waybill.LabelCountry, []string{"ID", "VN", "SG", "BR", "IN", "MX"}[g.zipf(6)], waybill.RankDerived)
	ls.Set(waybill.LabelTier, []string{"", "", "100-1000"}[g.zipf(3)], waybill.RankVendor)
	if !g.chance(percent) {
		ls.Set(waybill.LabelPricingCategory, "service", waybill.RankVendor)
		return
	}
	g.base.Templated = g.chance(50)
	ls.Set(waybill.LabelTemplate, fmt.Sprint(1100+g.zipf(30)), waybill.RankCallback)
	ls.Set(waybill.LabelLanguage, []string{"en", "id", "vi"}[g.zipf(3)], waybill.RankCallback)
	ls.Set(waybill.LabelCategory, []string{"MARKETING", "UTILITY", "AUTHENTICATION"}[g.zipf(3)], waybill.RankVendor)
	ls.Set(waybill.LabelPricingType, "regular", waybill.RankVendor)
	if g.chance(40) {
		ls.Set(waybill.LabelCampaign, fmt.Sprint("c-", g.zipf(20)), waybill.RankCallback)
		ls.Set(waybill.LabelSegment, fmt.Sprint("s-", g.zipf(5)), waybill.RankCallback)
	}
}

// corrections adds own events that carry labels alone, and reports that were
// first sent with a later time.
func (g *messageReports) corrections() {
	if g.chance(6) {
		e := g.report(waybill.StatusNone, g.r.Int64N(86400))
		e.Labels = waybill.Labels{}
		e.Labels[waybill.LabelCampaign] = waybill.LabelValue{
			Value: fmt.Sprint("c-", g.zipf(20)), Rank: waybill.RankOwn, Rev: int64(g.r.IntN(3)),
		}
		e.Labels.Set(waybill.LabelTemplate, fmt.Sprint(1100+g.zipf(30)), waybill.RankOwn)
	}
	if len(g.events) > 0 && g.chance(10) {
		e := g.events[g.r.IntN(len(g.events))]
		e.At += waybill.Instant(g.r.Int64N(3000))
		g.events = append(g.events, e)
	}
}
