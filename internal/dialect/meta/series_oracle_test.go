package meta_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSeriesEqualTheEvents gives an account a random history, rate card and
// registry, asks for template and pricing analytics at random, and compares each
// answer with what a plain count over the messages says.
func TestSeriesEqualTheEvents(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("round ", seed), func(t *testing.T) {
			o := newSeriesOracle(t, seed)
			points := 0
			for range 40 {
				points += o.askPricing() + o.askTemplates()
			}
			if points < 200 {
				t.Errorf("only %d points in all answers", points)
			}
		})
	}
}

const (
	oracleBegin = 1741219200 // 2025-03-06, three days before the clock changes in Los Angeles
	oracleDays  = 8
)

// A seriesOracle knows all that the store was told.
type seriesOracle struct {
	*graph
	r        *rand.Rand
	zone     *time.Location
	messages map[string]*told
	rates    []oracleRate
}

// told is what the events of a message say, put together.
type told struct {
	sent, delivered, read        int64 // 0 is never
	template, language, country  string
	kind, category, tier, sender string
	clicks                       []toldClick
	id                           string // of the template
	inbound                      bool
	firstClick                   int64
}

type toldClick struct {
	at         int64
	kind, text string
}

type oracleRate struct {
	category, country, tier string
	micros                  int64
	from                    int64
}

var registry = [][3]string{ // code, name, language
	{"11", "sale", "en"}, {"12", "sale", "id"}, {"13", "code", "en"}, {"14", "", "en"}, {"15", "15x", "vi"},
}

func newSeriesOracle(t *testing.T, seed uint64) *seriesOracle {
	o := &seriesOracle{r: rand.New(rand.NewPCG(seed, 7)), messages: make(map[string]*told)}
	o.zone, _ = time.LoadLocation("America/Los_Angeles")
	document := `accounts:
  - id: "1000000000000001"
    tokens: [{name: t, token: lucky-token, scopes: [whatsapp_business_management]}]
    rates:` + o.drawRates() + `
channels: [{id: "200", provider: waba, account: "1000000000000001", currency: USD, template_insights: enabled}]
templates:
`
	for _, x := range registry {
		document += fmt.Sprintf(`  - {channel: "200", code: %q, name: %q, language: %q}`+"\n", x[0], x[1], x[2])
	}
	o.graph = newGraph(t, openStore(t), document, 0)
	var lines []string
	for i := range 400 {
		lines = append(lines, o.drawMessage(fmt.Sprint("m", i))...)
	}
	o.r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	o.record(strings.Join(append(lines, lines[:50]...), "\n"))
	return o
}

func (o *seriesOracle) pick(of ...string) string { return of[o.r.IntN(len(of))] }

func (o *seriesOracle) drawRates() string {
	text := " []"
	seen := make(map[string]bool)
	for range o.r.IntN(14) {
		r := oracleRate{category: o.pick("MARKETING", "UTILITY", "MARKETING_LITE"), country: o.pick("", "US", "ID"), tier: o.pick("", "", "0:MAX"), micros: o.r.Int64N(200_000)}
		from := ""
		switch o.r.IntN(3) {
		case 1: // a day of the account's zone
			day := time.Date(2025, 3, 5+o.r.IntN(oracleDays), 0, 0, 0, 0, o.zone)
			r.from, from = day.Unix(), ", valid_from: "+day.Format(time.DateOnly)
		case 2:
			r.from = oracleBegin + o.r.Int64N(oracleDays*96)*900
			from = ", valid_from: " + time.Unix(r.from, 0).UTC().Format(time.RFC3339)
		}
		if key := fmt.Sprint(r.category, r.country, r.tier, from); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		if text == " []" {
			text = ""
		}
		text += fmt.Sprintf("\n      - {category: %s, price: %q, currency: USD%s", r.category, strconv.FormatFloat(float64(r.micros)/1e6, 'f', 6, 64), from)
		if r.country != "" {
			text += ", country: " + r.country
		}
		if r.tier != "" {
			text += fmt.Sprintf(", tier: %q", r.tier)
		}
		text += "}"
		o.rates = append(o.rates, r)
	}
	return text
}

// drawMessage makes up a message and returns its events.
func (o *seriesOracle) drawMessage(id string) []string {
	m := &told{
		template: o.pick("", "11", "12", "13", "14", "sale", "code", "sale", "unknown"), language: o.pick("", "en", "id"),
		country: o.pick("US", "ID", "BR"), sender: o.pick("8613800000000", "8613800000001"),
		kind: o.pick("", "REGULAR", "REGULAR", "FREE_CUSTOMER_SERVICE"), tier: o.pick("", "", "0:MAX"),
		inbound: o.r.IntN(12) == 0,
	}
	if m.kind != "" || o.r.IntN(4) == 0 {
		m.category = o.pick("MARKETING", "UTILITY", "MARKETING_LITE", "SERVICE")
	}
	m.id = m.template
	for _, x := range registry {
		switch {
		case m.template == "sale" && x[1] == "sale" && x[2] == m.language, m.template == "code" && x[1] == "code":
			m.id = x[0]
		}
	}
	o.messages[id] = m
	at := oracleBegin + o.r.Int64N(oracleDays*86400)
	base := fmt.Sprintf(`{"channel": "200", "message": %q, "sender": %q, "country": %q, "template": %q, "language": %q, "pricing": {"type": %q, "category": %q, "tier": %q}`,
		id, m.sender, m.country, m.template, m.language, m.kind, m.category, m.tier)
	if m.inbound {
		base += `, "kind": "inbound"`
	}
	var lines []string
	tell := func(status string, at int64, more string) {
		lines = append(lines, fmt.Sprintf(`%s, "status": %q, "at": %q%s}`, base, status, time.Unix(at, 0).UTC().Format(time.RFC3339), more))
	}
	first := func(to *int64, at int64) {
		if *to == 0 || at < *to {
			*to = at
		}
	}
	stages := o.r.IntN(4)
	for i, s := range []string{"sent", "delivered", "read"} {
		if i > stages || o.r.IntN(4) == 0 {
			continue
		}
		at += o.r.Int64N(90_000)
		tell(s, at, "")
		first([]*int64{&m.sent, &m.delivered, &m.read}[i], at)
	}
	for i := range o.r.IntN(4) {
		c := toldClick{at + o.r.Int64N(90_000), o.pick("quick_reply_button", "url_button", "phone_number_button"), o.pick("A", "B")}
		m.clicks = append(m.clicks, c)
		tell("clicked", c.at, fmt.Sprintf(`, "button": {"type": %q, "text": %q}, "click": "%d"`, c.kind, c.text, i))
		first(&m.firstClick, c.at)
	}
	// What implies what.
	for _, later := range []int64{m.read, m.firstClick} {
		if later != 0 {
			first(&m.delivered, later)
		}
	}
	if m.delivered != 0 {
		first(&m.sent, m.delivered)
	}
	return lines
}

func (o *seriesOracle) compare(question string, got []json.RawMessage, want []string) int {
	o.t.Helper()
	texts := make([]string, len(got))
	starts := make([]int64, len(got))
	for i, p := range got {
		texts[i] = string(p)
		var point struct{ Start int64 }
		_ = json.Unmarshal(p, &point)
		starts[i] = point.Start
	}
	if !slices.IsSorted(starts) {
		o.t.Errorf("%s: the points do not ascend: %s", question, texts)
	}
	sort.Strings(texts)
	sort.Strings(want)
	if !slices.Equal(texts, want) {
		o.t.Fatalf("%s\nanswers\n%s\nwant\n%s\nrates %+v", question, strings.Join(texts, "\n"), strings.Join(want, "\n"), o.rates)
	}
	return len(got)
}
