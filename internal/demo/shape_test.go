package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers"

	"waybill"
	"waybill/internal/dialect"
)

// A history is the traffic as the ledger sees it: messages, not events.
type history struct {
	messages map[string]*waybill.Message
	channels map[string]waybill.ChannelNumber
	numbers  map[string]string // recipients by message
	segments []waybill.Segment
}

func historyOf(o Options) *history {
	h := &history{
		segments: New(o).Segments(func(string) waybill.ChannelNumber { return 1 }),
		messages: make(map[string]*waybill.Message),
		channels: make(map[string]waybill.ChannelNumber),
		numbers:  make(map[string]string),
	}
	for e := range events(o) {
		m, ok := h.messages[e.Message]
		if !ok {
			m = new(waybill.Message)
			h.messages[e.Message] = m
			h.channels[e.Message], h.numbers[e.Message] = e.Channel, e.Recipient
		}
		m.Merge(e.History())
	}
	return h
}

// count returns how many messages the conditions hold for.
func (h *history) count(conditions ...func(id string, m *waybill.Message) bool) int {
	n := 0
	for id, m := range h.messages {
		if !slices.ContainsFunc(conditions, func(holds func(string, *waybill.Message) bool) bool { return !holds(id, m) }) {
			n++
		}
	}
	return n
}

func reached(s waybill.Stage) func(string, *waybill.Message) bool {
	return func(_ string, m *waybill.Message) bool { return m.Reached(s) != waybill.Never }
}

func kind(k waybill.Kind) func(string, *waybill.Message) bool {
	return func(_ string, m *waybill.Message) bool { return m.Kind() == k }
}

func label(l waybill.Label, value string) func(string, *waybill.Message) bool {
	return func(_ string, m *waybill.Message) bool { return m.Labels[l].Value == value }
}

func (h *history) on(channel waybill.ChannelNumber) func(string, *waybill.Message) bool {
	return func(id string, _ *waybill.Message) bool { return h.channels[id] == channel }
}

func failed(_ string, m *waybill.Message) bool {
	return m.At[waybill.Failed] != waybill.Never && m.Reached(waybill.Delivered) == waybill.Never
}

func outbound(_ string, m *waybill.Message) bool { return !m.Inbound }

func clicked(_ string, m *waybill.Message) bool { return len(m.Clicks) > 0 }

// quarter is the default demo, made once for the tests of its shape.
var quarter = Options{Seed: 1, Days: 90, Now: now}

func TestTheTrafficLooksLikeABusiness(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a quarter of traffic")
	}
	h := historyOf(quarter)
	t.Run("its shares are those of real traffic", h.checkShares)
	t.Run("it has a weekly rhythm", h.checkWeek)
	t.Run("it grows", h.checkGrowth)
	t.Run("advertising is not sent at night", h.checkNights)
	t.Run("campaigns stand out", h.checkCampaigns)
	t.Run("numbers are those of their countries", h.checkNumbers)
	t.Run("every message of a template learns its labels", h.checkLabels)
	t.Run("segments of the page are finished but for some", h.checkSegments)
	t.Log("\n" + h.chart(shopChannel, "America/Los_Angeles") + h.chart(airlineChannel, "Asia/Shanghai") +
		h.chart(cafeChannel, "Asia/Ho_Chi_Minh") + h.chart(clinicChannel, "America/New_York"))
	t.Log("\n" + h.hours())
}

// A bound is a share that a test expects.
type bound struct {
	name     string
	part, of int
	min, max float64
}

func (b bound) check(t *testing.T) {
	t.Helper()
	share := float64(b.part) / float64(b.of)
	t.Logf("%-32s %7d of %7d  %.4f", b.name, b.part, b.of, share)
	if !(b.min <= share && share <= b.max) {
		t.Errorf("%s is %.4f, not between %g and %g", b.name, share, b.min, b.max)
	}
}

func (h *history) checkShares(t *testing.T) {
	sent := h.count(outbound, reached(waybill.Sent))
	delivered := h.count(outbound, reached(waybill.Delivered))
	days := 90
	recent := func(id string, m *waybill.Message) bool {
		return m.Earliest() > waybill.InstantOf(now.Add(-90*24*time.Hour))
	}
	for _, b := range []bound{
		{"messages per day", h.count(recent), days, 1500, 2100},
		{"delivered of sent", delivered, sent, .93, .99},
		{"read of delivered", h.count(outbound, reached(waybill.Read)), delivered, .50, .80},
		{"failed of accepted", h.count(failed), h.count(outbound, reached(waybill.Accepted)), .01, .06},
		{"clicked of delivered", h.count(clicked), delivered, .05, .20},
		{"inbound of all", h.count(kind(waybill.KindInbound)), len(h.messages), .03, .15},
		{"sessions of all", h.count(kind(waybill.KindSession)), len(h.messages), .03, .15},
		{
			"read with delivered untold",
			h.count(func(_ string, m *waybill.Message) bool {
				return m.At[waybill.Read] != 0 && m.At[waybill.Delivered] == 0
			}),
			h.count(reached(waybill.Read)), .01, .03,
		},
		{
			"delivered after an hour",
			h.count(outbound, func(_ string, m *waybill.Message) bool {
				return m.At[waybill.Sent] != 0 && m.At[waybill.Delivered] > m.At[waybill.Sent]+3600
			}),
			delivered, .01, .04,
		},
		{
			"read after 18 hours",
			h.count(outbound, func(_ string, m *waybill.Message) bool {
				return m.At[waybill.Delivered] != 0 && m.At[waybill.Read] > m.At[waybill.Delivered]+18*3600
			}),
			h.count(reached(waybill.Read)), .015, .06,
		},
	} {
		b.check(t)
	}
	for country, limits := range map[string][2]float64{"US": {.005, .03}, "DE": {.005, .03}, "IN": {.02, .08}, "CN": {.025, .06}} {
		in := label(waybill.LabelCountry, country)
		bound{"failed in " + country, h.count(failed, in), h.count(outbound, in), limits[0], limits[1]}.check(t)
	}
}

// perDay counts the sent messages by day of the zone.
func (h *history) perDay(zone string, conditions ...func(string, *waybill.Message) bool) map[string]int {
	at := location(zone)
	days := make(map[string]int)
	for id, m := range h.messages {
		if i := m.Reached(waybill.Sent); i != waybill.Never && !m.Inbound &&
			!slices.ContainsFunc(conditions, func(holds func(string, *waybill.Message) bool) bool { return !holds(id, m) }) {
			days[i.Time().In(at).Format(time.DateOnly)]++
		}
	}
	return days
}

func (h *history) checkWeek(t *testing.T) {
	var utilities, promos [7]int
	week := func(category string) (counts [7]int) {
		for date, n := range h.perDay("America/Los_Angeles", h.on(shopChannel),
			label(waybill.LabelCategory, category), label(waybill.LabelCampaign, "")) {
			d, _ := time.Parse(time.DateOnly, date)
			counts[d.Weekday()] += n
		}
		return counts
	}
	utilities, promos = week(utility), week(marketing)
	t.Logf("from Sunday on: utility %v, automatic marketing %v", utilities, promos)
	bound{"utility on Sunday to Tuesday", utilities[time.Sunday], utilities[time.Tuesday], .2, .75}.check(t)
	bound{"marketing on Friday to Tuesday", promos[time.Friday], promos[time.Tuesday], 1.8, 5}.check(t)
}

func (h *history) checkGrowth(t *testing.T) {
	var first, last int
	for date, n := range h.perDay("America/Los_Angeles", h.on(shopChannel), label(waybill.LabelCategory, utility)) {
		switch d, _ := time.Parse(time.DateOnly, date); {
		case now.Sub(d) > 62*24*time.Hour:
			first += n
		case now.Sub(d) < 29*24*time.Hour && now.Sub(d) > 24*time.Hour:
			last += n
		}
	}
	bound{"last four weeks to first four", last, first, 1.05, 1.6}.check(t)
}

// hourOf returns the hour of sending by the recipient's clock.
func hourOf(m *waybill.Message, countries map[string]*country) int {
	c := countries[m.Labels[waybill.LabelCountry].Value]
	return m.Reached(waybill.Sent).Time().In(c.zone).Hour()
}

func (h *history) checkNights(t *testing.T) {
	countries := newCountries(1)
	for _, code := range slices.Sorted(maps.Keys(countries)) {
		var hours [24]int
		for _, m := range h.messages {
			if !m.Inbound && m.Labels[waybill.LabelCountry].Value == code && m.Reached(waybill.Sent) != waybill.Never {
				at := hourOf(m, countries)
				hours[at]++
				if m.Labels[waybill.LabelCategory].Value == marketing && (at < 7 || at > 21) {
					t.Errorf("an advertisement went out to %s at %d o'clock", code, at)
				}
			}
		}
		night, day := hours[1]+hours[2]+hours[3], hours[11]+hours[12]+hours[13]
		bound{"night to noon in " + code, night, day, .005, .2}.check(t)
	}
}

func (h *history) checkCampaigns(t *testing.T) {
	size, broken, codes := map[string]int{}, map[string]int{}, map[string]int{}
	for _, m := range h.messages {
		name := m.Labels[waybill.LabelCampaign].Value
		size[name]++
		if failed("", m) {
			broken[name]++
			if strings.HasPrefix(name, "winback") {
				codes[m.Failure.Code]++
			}
		}
	}
	var big, sales, bad int
	for name, n := range size {
		if name == "" || strings.HasPrefix(name, "1") {
			continue // no campaign, or one of the page
		}
		share := float64(broken[name]) / float64(n)
		t.Logf("%-22s %5d, failed %.3f", name, n, share)
		if n > 1500 {
			big++
		}
		if n > 4500 {
			sales++
		}
		if share > .3 {
			bad++
		} else if n > 500 && share > .09 {
			t.Errorf("campaign %s failed for %.2f", name, share)
		}
	}
	if big < 4 || sales != 1 || bad != 1 {
		t.Errorf("%d big campaigns, %d sales, %d that went wrong", big, sales, bad)
	}
	for _, code := range []string{"131026", "131049", "132015"} {
		if codes[code] < 100 {
			t.Errorf("the campaign that went wrong has %d failures %s", codes[code], code)
		}
	}
}

func (h *history) checkNumbers(t *testing.T) {
	seen := make(map[string]bool)
	for id, m := range h.messages {
		number, country := h.numbers[id], m.Labels[waybill.LabelCountry].Value
		if seen[number] {
			continue
		}
		seen[number] = true
		if len(seen)%8 != 0 {
			continue // the library is slow
		}
		parsed, err := phonenumbers.Parse("+"+number, "")
		if err != nil || !phonenumbers.IsValidNumber(parsed) {
			t.Errorf("%s in %s is no valid number: %v", number, country, err)
		}
		if got := dialect.CountryOf(number); got != country {
			t.Errorf("%s is of %s, not %s", number, got, country)
		}
	}
	if len(seen) < 10_000 {
		t.Errorf("only %d people", len(seen))
	}
}

func (h *history) checkLabels(t *testing.T) {
	for id, m := range h.messages {
		l := m.Labels.Values()
		if l[waybill.LabelSender] == "" || l[waybill.LabelCountry] == "" {
			t.Fatalf("message %s has no sender or country", id)
		}
		named := l[waybill.LabelTemplate] != "" && l[waybill.LabelLanguage] != ""
		recent := m.Earliest() > waybill.InstantOf(now.Add(-2*time.Hour))
		if (m.Kind() == waybill.KindTemplate) != named && !recent {
			t.Fatalf("message %s is a %s of template %q in %q", id, m.Kind(), l[waybill.LabelTemplate], l[waybill.LabelLanguage])
		}
	}
}

func (h *history) checkSegments(t *testing.T) {
	size, open := map[string]int{}, map[string]int{}
	for _, m := range h.messages {
		segment := m.Labels[waybill.LabelSegment].Value
		size[segment]++
		if m.Reached(waybill.Sent) == waybill.Never && m.At[waybill.Failed] == waybill.Never {
			open[segment]++
		}
	}
	delete(size, "")
	delete(open, "")
	bound{"unfinished segments", len(open), len(size), .03, .25}.check(t)
	bound{"segments per week", len(size), 52, 1.8, 3}.check(t)
	h.checkDefined(t, size)
}

// checkDefined compares the segments that messages name with those that are
// defined.
func (h *history) checkDefined(t *testing.T, messages map[string]int) {
	conditions := make(map[string]int)
	for _, g := range h.segments {
		if err := g.Validate(now); err != nil {
			t.Errorf("segment %+v: %v", g, err)
		}
		if n := messages[g.ID]; n > int(g.Size) || g.TemplateData == "" || g.CreatedAt > now.UnixMilli() {
			t.Errorf("segment %+v has %d messages", g, n)
		}
		conditions[g.Condition]++
		delete(messages, g.ID)
	}
	if len(messages) > 0 || len(h.segments) < 90 {
		t.Errorf("%d segments are defined, but not %v", len(h.segments), messages)
	}
	bound{"conditions", len(conditions), 5, 1, 1}.check(t)
}

// chart draws the messages of a channel that were sent per day.
func (h *history) chart(channel waybill.ChannelNumber, zone string) string {
	days := h.perDay(zone, h.on(channel))
	most := slices.Max(slices.Collect(maps.Values(days)))
	var text strings.Builder
	fmt.Fprintf(&text, "channel %d\n", channel)
	for _, date := range slices.Sorted(maps.Keys(days)) {
		d, _ := time.Parse(time.DateOnly, date)
		fmt.Fprintf(&text, "%s %s %5d %s\n", date, d.Format("Mon"), days[date], strings.Repeat("#", 1+100*days[date]/most))
	}
	return text.String()
}

// hours draws the messages per hour by the clocks of their recipients.
func (h *history) hours() string {
	countries := newCountries(1)
	rows := make(map[string]*[24]int)
	for _, m := range h.messages {
		if m.Reached(waybill.Sent) == waybill.Never || m.Labels[waybill.LabelCampaign].Value != "" {
			continue
		}
		code := m.Labels[waybill.LabelCountry].Value
		if rows[code] == nil {
			rows[code] = new([24]int)
		}
		rows[code][hourOf(m, countries)]++
	}
	var text strings.Builder
	for _, code := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&text, "%s %5d\n", code, *rows[code])
	}
	return text.String()
}
