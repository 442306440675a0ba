package meta_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

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
