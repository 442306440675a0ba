package rest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/store/storetest"
)

// Every number of a series can be opened: the messages that GET /messages lists for
// it over all pages are as many as it says, each once. Of clicks they are those that
// were clicked.
func TestEveryNumberCanBeOpened(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t, storetest.NewModel())
		f.post(strings.Join(rapid.SliceOfN(eventLines, 20, 60).Draw(rt, "events"), "\n"))
		query := seriesQueries.Draw(rt, "query")
		w := f.metrics(query.Encode())
		if w.Code != 200 {
			rt.Fatalf("%s: answered %d %s", query.Encode(), w.Code, w.Body)
		}
		var answer metricsAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			rt.Fatal(err)
		}
		totals := make(map[string]int64)
		for _, p := range answer.Points {
			for metric, n := range countsOf(rt, p.Counts) {
				totals[metric] += n
				cell := cellQuery(rt, query, &answer, &p)
				cell.Set("metric", metric)
				if found := f.open(rt, cell); found != n && metric != "clicks" || found > n || n > 0 && found == 0 {
					rt.Fatalf("%s: %s of %v is %d, opened it has %d", query.Encode(), metric, p.Group, n, found)
				}
			}
		}
		for metric, n := range countsOf(rt, answer.Totals.Counts) {
			if totals[metric] != n {
				rt.Errorf("%s: the points have %d %s, the totals %d", query.Encode(), totals[metric], metric, n)
			}
		}
	})
}

func countsOf(t *rapid.T, c metricCounts) map[string]int64 {
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int64)
	if err := json.Unmarshal(text, &counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

// cellQuery returns the question for the messages of a point: its group and its
// bucket, as far as the range has it, beside the filters of the series.
func cellQuery(t *rapid.T, series url.Values, answer *metricsAnswer, p *point) url.Values {
	cell := url.Values{"from": {laterOf(t, p.Start, answer.From)}, "to": {p.End}, "limit": {"2"}}
	if laterOf(t, p.End, answer.To) == p.End {
		cell.Set("to", answer.To)
	}
	for _, name := range []string{"template", "country", "kind", "campaign", "basis"} {
		if series.Has(name) {
			cell[name] = series[name]
		}
	}
	for name, value := range p.Group {
		cell[name] = []string{value}
	}
	return cell
}

func laterOf(t *rapid.T, a, b string) string {
	at, err := time.Parse(time.RFC3339, a)
	if err != nil {
		t.Fatal(err)
	}
	bt, err := time.Parse(time.RFC3339, b)
	if err != nil {
		t.Fatal(err)
	}
	if at.After(bt) {
		return a
	}
	return b
}

// open returns how many messages all pages have.
func (f *fixture) open(t *rapid.T, query url.Values) int64 {
	var ids []string
	for {
		w := f.do("GET", "/waybill/v1/messages?"+query.Encode(), "token-one", "")
		var page messagePage
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%s: answered %d %s", query.Encode(), w.Code, w.Body)
		}
		for _, m := range page.Messages {
			ids = append(ids, m.Message)
		}
		if page.Next == "" {
			break
		}
		query.Set("after", page.Next)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) {
		t.Fatalf("%s lists %d messages, of which %d differ", query.Encode(), len(ids), n)
	}
	return int64(len(ids))
}

// quarters are how many of them something lies before noon, up to 20 days.
var quarters = rapid.SampledFrom([]int{0, 1, 2, 3, 5, 40, 90, 96, 100, 200, 500, 1000, 1900})

// eventLines are events of few messages, so that their histories get long.
var eventLines = rapid.Custom(func(t *rapid.T) string {
	e := map[string]any{
		"channel": rapid.SampledFrom([]string{"first", "shared"}).Draw(t, "channel"),
		"message": strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "message")),
		"status":  rapid.SampledFrom([]string{"accepted", "sent", "delivered", "read", "failed", "clicked"}).Draw(t, "status"),
		"at":      noon.UnixMilli() - int64(quarters.Draw(t, "quarters before"))*15*60*1000,
	}
	for _, label := range []string{"template", "campaign"} {
		if v := rapid.SampledFrom([]string{"", "x", "y&z"}).Draw(t, label); v != "" {
			e[label] = v
		}
	}
	if rapid.Bool().Draw(t, "recipient") {
		e["recipient"] = rapid.SampledFrom([]string{"6281234567890", "84701072694"}).Draw(t, "number")
	}
	switch e["status"] {
	case "failed":
		if code := rapid.SampledFrom([]string{"", "131026", "131049"}).Draw(t, "code"); code != "" {
			e["error"] = map[string]string{"code": code}
		}
	case "clicked":
		e["click"] = strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "click"))
		e["button"] = map[string]string{
			"type": rapid.SampledFrom([]string{"url", `u:r\l`}).Draw(t, "button type"),
			"text": rapid.SampledFrom([]string{"Go", "a:b"}).Draw(t, "button text"),
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
})

// seriesQueries always group by channel, since messages are of one.
var seriesQueries = rapid.Custom(func(t *rapid.T) url.Values {
	from, to := quarters.Draw(t, "from"), quarters.Draw(t, "to")
	from, to = max(from, to), min(from, to)
	groups := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"template", "country", "kind", "campaign"}), 0, 3, rapid.ID).Draw(t, "groups")
	groups = append(groups, "channel")
	if detail := rapid.SampledFrom([]string{"", "error", "button"}).Draw(t, "detail"); detail != "" {
		groups = append(groups, detail)
	}
	q := url.Values{
		"from":        {fmt.Sprint(noon.Add(-time.Duration(from) * 15 * time.Minute).UnixMilli())},
		"to":          {fmt.Sprint(noon.Add(-time.Duration(to)*15*time.Minute + time.Minute).UnixMilli())},
		"group_by":    {strings.Join(groups, ",")},
		"granularity": {rapid.SampledFrom([]string{"quarter_hour", "half_hour", "hour", "day", "month", "total", "auto"}).Draw(t, "granularity")},
		"time_zone":   {rapid.SampledFrom([]string{"UTC", "Asia/Jakarta", "America/Los_Angeles", "Asia/Kathmandu"}).Draw(t, "zone")},
		"basis":       {rapid.SampledFrom([]string{"event", "send"}).Draw(t, "basis")},
	}
	filters := map[string][]string{"template": {"x", "y&z", ""}, "country": {"ID", "VN", ""}, "kind": {"session", "template"}}
	for _, name := range []string{"template", "country", "kind"} {
		if values := rapid.SliceOfNDistinct(rapid.SampledFrom(filters[name]), 0, 2, rapid.ID).Draw(t, name); len(values) > 0 {
			q[name] = values
		}
	}
	return q
})

func TestButtonNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune(`a:\é`)))
		b := waybill.Button{Type: text.Draw(t, "type"), Text: text.Draw(t, "text")}
		if got, err := parseButton(buttonName(b)); err != nil || got != b {
			t.Errorf("%q of %+v is %+v, %v", buttonName(b), b, got, err)
		}
	})
}

func TestRefusedMessages(t *testing.T) {
	f := metricsFixture(t)
	for query, want := range map[string]string{
		"last=7d":                                        "parameter channel is missing",
		"channel=first":                                  "parameter from is missing; last=7d stands for from and to",
		"channel=first&last=7d&metric=reads":             `metric "reads" is not one of accepted, sent, delivered, read, failed, clicked, clicks, did you mean "read"?`,
		"channel=first&last=7d&error=1":                  `error "1" is of metric failed, not of accepted`,
		"channel=first&last=7d&button=url:Go":            `button "url:Go" is of metric clicked or clicks, not of accepted`,
		"channel=first&last=7d&metric=clicked&button=Go": `button "Go" has no colon between its type and its text`,
		"channel=first&last=7d&limit=1001":               "limit 1001 is not between 1 and 1000",
		"channel=first&channel=shared&last=7d":           "parameter channel is given 2 times",
	} {
		wantProblem(t, f.do("GET", "/waybill/v1/messages?"+query, "token-one", ""), 400, want)
	}
	wantProblem(t, f.do("GET", "/waybill/v1/messages?channel=second&last=7d", "token-one", ""), 404, `channel "second" is unknown`)
}

func TestLabelValues(t *testing.T) {
	f := metricsFixture(t)
	get := func(query string) string {
		w := f.do("GET", "/waybill/v1/labels/"+query, "token-reader", "")
		if w.Code != 200 {
			t.Errorf("%s: answered %d %s", query, w.Code, w.Body)
		}
		return w.Body.String()
	}
	for query, want := range map[string]string{
		"template":                          `[{"value":"","count":2},{"value":"t1","count":2},{"value":"t2","count":2}]`,
		"country?channel=first&order=value": `[{"value":"ID","count":2},{"value":"VN","count":2}]`,
		"country":                           `[{"value":"VN","count":4},{"value":"ID","count":2}]`,
		"country?prefix=I":                  `[{"value":"ID","count":2}]`,
		"country?from=2026-11-18T17:10:00Z": `[{"value":"VN","count":4}]`,
		"country?to=2026-11-18T17:00:00Z":   `[{"value":"ID","count":2}]`,
		"country?last=1d":                   `[]`,
		"kind":                              `[{"value":"template","count":4},{"value":"session","count":2}]`,
		"error":                             `[{"value":"131026","count":1}]`,
		"button":                            `[{"value":"url:Go","count":2}]`,
	} {
		if got := get(query); !strings.Contains(got, `"values":`+want+`}`) {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, order := range []string{"value", "-count"} {
		var all []string
		query := "template?limit=1&order=" + order
		for after := ""; len(all) < 10; {
			var page labelPage
			if err := json.Unmarshal([]byte(get(query+"&after="+after)), &page); err != nil {
				t.Fatal(err)
			}
			for _, v := range page.Values {
				all = append(all, v.Value)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if !slices.Equal(all, []string{"", "t1", "t2"}) {
			t.Errorf("pages by %s have %q", order, all)
		}
	}
	wantProblem(t, f.do("GET", "/waybill/v1/labels/template?after=%21", "token-one", ""), 400, `after "!" is no next of a page`)
	wantProblem(t, f.do("GET", "/waybill/v1/labels/templates", "token-one", ""), 400, `label "templates" is not one of sender, template, `+
		`language, country, category, campaign, segment, pricing_type, pricing_category, tier, kind, error, button, did you mean "template"?`)
}
