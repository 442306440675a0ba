package meta_test

import (
	"cmp"
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

// price returns what one message costs at a time, by looking at every rate.
func (o *seriesOracle) price(m *told, at int64) (int64, bool) {
	if strings.HasPrefix(m.kind, "FREE") {
		return 0, true
	}
	best, rank := oracleRate{}, [3]int64{-1, -1, -1}
	for _, r := range o.rates {
		if m.kind != "REGULAR" || r.category != m.category || r.from > at/900*900 ||
			r.country != "" && r.country != m.country || r.tier != "" && r.tier != m.tier {
			continue
		}
		if new := [3]int64{int64(len(r.country)), int64(len(r.tier)), r.from}; slices.Compare(new[:], rank[:]) > 0 {
			best, rank = r, new
		}
	}
	return best.micros, rank[0] >= 0
}

// askPricing asks for pricing_analytics and returns how many points came.
func (o *seriesOracle) askPricing() int {
	dims := slices.DeleteFunc([]string{"PHONE", "COUNTRY", "TIER", "PRICING_TYPE", "PRICING_CATEGORY"}, func(string) bool { return o.r.IntN(2) == 0 })
	unit := o.pick("HALF_HOUR", "DAY", "MONTH")
	start := oracleBegin + o.r.Int64N(4*86400)
	end := start + 1 + o.r.Int64N(6*86400)
	var countries []string
	field := fmt.Sprintf("pricing_analytics.start(%d).end(%d).granularity(%s).dimensions(%s)", start, end, unit, strings.Join(dims, ","))
	if o.r.IntN(3) == 0 {
		countries = []string{"US", "BR"}
		field += ".country_codes(US,BR)"
	}
	type sum struct {
		volume, micros int64
		unknown        bool
	}
	sums := make(map[string]*sum)
	from, to := start/900*900, (end+899)/900*900
	for _, m := range o.messages {
		if m.inbound || m.delivered < from || m.delivered >= to || m.kind == "" && m.category == "" || !allows(countries, m.country) {
			continue
		}
		b := bucketAround(m.delivered, unit, o.zone)
		key := fmt.Sprintf(`"start":%d,"end":%d`, b[0], b[1])
		for _, d := range []struct{ name, key, value string }{
			{"PHONE", "phone_number", m.sender},
			{"COUNTRY", "country", m.country},
			{"TIER", "tier", m.tier},
			{"PRICING_TYPE", "pricing_type", m.kind},
			{"PRICING_CATEGORY", "pricing_category", m.category},
		} {
			if slices.Contains(dims, d.name) && d.value != "" {
				key += fmt.Sprintf(`,%q:%q`, d.key, d.value)
			}
		}
		if sums[key] == nil {
			sums[key] = &sum{}
		}
		price, ok := o.price(m, m.delivered)
		sums[key].volume++
		sums[key].micros += price
		sums[key].unknown = sums[key].unknown || !ok
	}
	var want []string
	for key, s := range sums {
		text := fmt.Sprintf(`{%s,"volume":%d`, key, s.volume)
		if len(o.rates) > 0 && !s.unknown {
			text += `,"cost":` + money(s.micros)
		}
		want = append(want, text+"}")
	}
	w := o.get("/v25.0/200?fields=" + field)
	var answer struct {
		Pricing struct {
			Data []struct {
				Points []json.RawMessage `json:"data_points"`
			}
		} `json:"pricing_analytics"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Pricing.Data) != 1 {
		o.t.Fatalf("%s answers %d %s: %v", field, w.Code, w.Body, err)
	}
	return o.compare(field, answer.Pricing.Data[0].Points, want)
}

// askTemplates asks for template_analytics and returns how many points came.
func (o *seriesOracle) askTemplates() int {
	first := time.Date(2025, 3, 6+o.r.IntN(oracleDays), 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 0, o.r.IntN(4))
	query := fmt.Sprintf("start=%s&end=%s&granularity=DAILY&limit=1000", first.Format(time.DateOnly), last.Format(time.DateOnly))
	zone := time.UTC
	if o.r.IntN(2) == 0 {
		zone = o.zone
		query += "&use_waba_timezone=true"
	}
	from := bucketAround(first.Add(12*time.Hour).Unix(), "DAY", zone)[0]
	to := bucketAround(last.Add(12*time.Hour).Unix(), "DAY", zone)[1]
	if zone == o.zone { // noon there is another time, and the day the same
		from = time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, zone).Unix()
		to = time.Date(last.Year(), last.Month(), last.Day()+1, 0, 0, 0, 0, zone).Unix()
	}
	var ids []string
	if o.r.IntN(2) == 0 {
		ids = []string{o.pick("11", "13"), o.pick("12", "15")}
		query += "&template_ids=" + strings.Join(ids, ",")
	}
	lite := o.r.IntN(4) == 0
	if lite {
		query += "&product_type=MARKETING_MESSAGES_API_FOR_WHATSAPP"
	}
	days := make(map[string]*templateDaySum)
	day := func(m *told, at int64) *templateDaySum {
		if at < from || at >= to {
			return nil
		}
		b := bucketAround(at, "DAY", zone)
		key := fmt.Sprintf(`{"template_id":%q,"start":%d,"end":%d`, m.id, b[0], b[1])
		if days[key] == nil {
			days[key] = &templateDaySum{clicks: make(map[[2]string]int64), unique: make(map[string]int64)}
		}
		return days[key]
	}
	for _, m := range o.messages {
		if m.template == "" || len(ids) > 0 && !slices.Contains(ids, m.id) || lite != (m.category == "MARKETING_LITE") {
			continue
		}
		if d := day(m, m.sent); d != nil {
			d.sent++
		}
		if d := day(m, m.delivered); d != nil {
			d.delivered++
			price, ok := o.price(m, m.delivered)
			d.micros += price
			d.unknown = d.unknown || !ok
		}
		if d := day(m, m.read); d != nil {
			d.read++
		}
		seen := make(map[[2]string]bool)
		slices.SortFunc(m.clicks, func(a, b toldClick) int { return cmp.Compare(a.at, b.at) })
		for _, c := range m.clicks {
			button := [2]string{c.kind, c.text}
			if d := day(m, c.at); d != nil && c.kind != "phone_number_button" {
				d.clicks[button]++
				if !seen[button] && c.kind == "url_button" {
					d.unique[c.text]++
				}
			}
			seen[button] = true
		}
	}
	var want []string
	for key, d := range days {
		if text, any := d.text(len(o.rates) > 0); any {
			want = append(want, key+text)
		}
	}
	w := o.get("/v25.0/200/template_analytics?" + query)
	var answer struct {
		Data []struct {
			Points []json.RawMessage `json:"data_points"`
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Data) != 1 {
		o.t.Fatalf("%s answers %d %s: %v", query, w.Code, w.Body, err)
	}
	return o.compare(query, answer.Data[0].Points, want)
}

type templateDaySum struct {
	sent, delivered, read, micros int64
	unknown                       bool
	clicks                        map[[2]string]int64
	unique                        map[string]int64
}

func (d *templateDaySum) text(rates bool) (text string, any bool) {
	var clicked []string
	var links int64
	for _, kind := range []string{"quick_reply_button", "url_button", "unique_url_button"} {
		for _, content := range []string{"A", "B"} {
			n := d.clicks[[2]string{kind, content}]
			switch kind {
			case "url_button":
				links += n
			case "unique_url_button":
				n = d.unique[content]
			}
			if n > 0 {
				clicked = append(clicked, fmt.Sprintf(`{"type":%q,"button_content":%q,"count":%d}`, kind, content, n))
			}
		}
	}
	text = fmt.Sprintf(`,"sent":%d,"delivered":%d,"read":%d`, d.sent, d.delivered, d.read)
	if len(clicked) > 0 {
		text += `,"clicked":[` + strings.Join(clicked, ",") + "]"
	}
	if rates && d.delivered > 0 && !d.unknown {
		text += fmt.Sprintf(`,"cost":[{"type":"amount_spent","value":%s},{"type":"cost_per_delivered","value":%s}`,
			money(d.micros), money((d.micros+d.delivered/2)/d.delivered))
		if links > 0 {
			text += fmt.Sprintf(`,{"type":"cost_per_url_button_click","value":%s}`, money((d.micros+links/2)/links))
		}
		text += "]"
	}
	return text + "}", d.sent+d.delivered+d.read > 0 || len(clicked) > 0
}

// money writes millionths as a number without needless zeros.
func money(micros int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6), "0"), ".")
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
