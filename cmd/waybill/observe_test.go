package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"waybill/internal/demo"
)

// strange is a part of all that the load makes up: of IDs, paths, names. What a
// caller can choose must not come to be the value of a label.
const strange = "zq7"

// demoTemplate is a template of the demo.
const demoTemplate = "cams-demo59320431/1100477997601320776"

// TestObservability loads a demo with 1000 templates and with all calls there are,
// and looks at what a scrape has then, and what is made of it.
func TestObservability(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".demo")
	p := start(t, "demo", "--data", dir, "--days=1", "--metrics-templates", demoTemplate, "--slow-query=1ns")
	var c demo.Credentials
	text, err := os.ReadFile(filepath.Join(dir, credentialsFile))
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.load(t, &c)
	families := p.scrapeSettled(t)
	t.Run("series", func(t *testing.T) { checkSeries(t, families) })
	t.Run("labels", func(t *testing.T) { checkLabels(t, families, &c) })
	t.Run("lint", func(t *testing.T) { checkLint(t, families) })
	t.Run("page", func(t *testing.T) { checkMetricsPage(t, families) })
	t.Run("dashboard", func(t *testing.T) { checkDashboard(t, families) })
	t.Run("rules", func(t *testing.T) { checkRules(t, families) })
	t.Run("prometheus", func(t *testing.T) { checkQueries(t, p) })
	p.stop()
	t.Run("log", func(t *testing.T) { checkLog(t, p.log.String()) })
}

// load sends events of 1000 templates from two dialects, and all calls that are
// known, with IDs that are made up, to strangers' and the operator's eyes. Scrapes
// go on meanwhile.
func (p *process) load(t *testing.T, c *demo.Credentials) {
	t.Helper()
	client := newClient()
	stop := make(chan struct{})
	var scrapes sync.WaitGroup
	scrapes.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			if _, err := p.scrape(client); err != nil {
				t.Error(err)
				return
			}
		}
	})
	at := time.Now().Add(-time.Hour)
	for part := range 10 {
		var own strings.Builder
		var list []status
		for i := range 100 {
			n := part*100 + i
			fmt.Fprintf(&own, `{"channel":%q,"message":"%s-%d","status":"delivered","at":%q,"template":"%s_%d","sender":"4917%d"}`+"\n",
				c.Alibaba.CustSpaceID, strange, n, at.UTC().Format(time.RFC3339), strange, n, n)
			s := newStatus(fmt.Sprint("wamid.", strange, n), "read", at.Unix())
			s.Callback = fmt.Sprintf(`{"template":"%s_%d"}`, strange, n)
			list = append(list, s)
		}
		send(t, client, http.MethodPost, p.url+"/waybill/v1/events", own.String(), "Authorization", "Bearer "+c.AdminToken)
		body := statusBody(c.Meta.WABAID, c.Meta.PhoneNumbers[0], list...)
		if r := p.webhook(client, c.Meta.AppID, c.Meta.AppSecret, body); r.status != http.StatusOK {
			t.Fatalf("webhook: %d %s", r.status, r.body)
		}
	}
	p.callAll(t, client, c)
	close(stop)
	scrapes.Wait()
}

// callAll makes every call that the program tells a lost stranger of, and some
// that there are not.
func (p *process) callAll(t *testing.T, client *http.Client, c *demo.Credentials) {
	t.Helper()
	var lost struct{ Places map[string][]string }
	if err := json.Unmarshal([]byte(send(t, client, http.MethodGet, p.url+"/nowhere", "").body), &lost); err != nil {
		t.Fatal(err)
	}
	tokens := []string{"", strange, c.AdminToken, c.Meta.AccessToken, c.Momo.Token}
	for _, places := range lost.Places {
		for _, place := range places {
			method, path, ok := strings.Cut(place, " ")
			if !ok {
				method, path = http.MethodPost, place+"/"+strange
			}
			path = regexp.MustCompile(`\{[a-z_-]+\}|<[^>]+>`).ReplaceAllString(path, strange+"1")
			for _, token := range tokens {
				send(t, client, method, p.url+path, `{"`+strange+`":1}`, "Authorization", "Bearer "+token, "Content-Type", "application/json")
			}
		}
	}
	span := fmt.Sprintf("start(%d).end(%d)", time.Now().Add(-48*time.Hour).Unix(), time.Now().Unix())
	for _, path := range []string{
		"/v25.0/" + c.Meta.WABAID + "?fields=analytics." + span + ".granularity(DAY)", "/v25.0/" + c.Meta.WABAID + "?fields=id",
		"/v25.0/" + c.Meta.WABAID + "/message_templates", "/v25.0/" + c.Meta.WABAID + "/phone_numbers", "/v25.0/" + c.Meta.WABAID + "/" + strange,
		"/v25.0/debug_token?input_token=" + strange, "/v25.0/" + strange, "/v25.0/?ids=" + c.Meta.WABAID, "/12345" + strange, "/" + strange,
	} {
		for _, token := range tokens {
			send(t, client, http.MethodGet, p.url+path, "", "Authorization", "Bearer "+token)
			send(t, client, "Z"+strings.ToUpper(strange), p.url+path, "", "Authorization", "Bearer "+token)
		}
	}
	send(t, client, http.MethodPost, p.url+"/api/v1/business-pages/"+c.Momo.PageID+"/chat/messages/report",
		`{"report_time_range":"DAY_AGO_30","limit":2}`, "Authorization", "Bearer "+c.Momo.Token)
	send(t, client, http.MethodPost, p.url+"/?Action="+strange+"&Version=2020-06-06", "", "x-acs-action", strange)
	for _, vendor := range []string{"alibaba", "momo", "meta", "waybill", strange} {
		send(t, client, http.MethodPost, p.url+"/webhooks/"+vendor+"/"+strange, `[]`)
	}
}

// scrape returns what Prometheus reads, by name.
func (p *process) scrape(client *http.Client) (map[string]*dto.MetricFamily, error) {
	response, err := client.Get(p.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}

// scrapeSettled scrapes until the counts are there that a scrape does not wait for.
func (p *process) scrapeSettled(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	client := newClient()
	for range 200 {
		families, err := p.scrape(client)
		if err != nil {
			t.Fatal(err)
		}
		if families["waybill_messages"] != nil && families["waybill_store_bytes"] != nil {
			return families
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("a scrape has no messages, or no sizes of the store")
	return nil
}

// samples returns how many samples a scrape of a family has.
func samples(f *dto.MetricFamily) int {
	n := 0
	for _, m := range f.GetMetric() {
		n++
		if h := m.GetHistogram(); h != nil {
			n += len(h.GetBucket()) + 1
		}
		if s := m.GetSummary(); s != nil {
			n += len(s.GetQuantile()) + 1
		}
	}
	return n
}

func checkSeries(t *testing.T, families map[string]*dto.MetricFamily) {
	n := 0
	for _, f := range families {
		n += samples(f)
	}
	t.Logf("a scrape has %d series", n)
	if n >= 500 {
		t.Errorf("a scrape has %d series, want fewer than 500", n)
		for name, f := range families {
			if samples(f) > 20 {
				t.Logf("%s has %d", name, samples(f))
			}
		}
	}
}

// checkLabels looks at the value of every label. A new label needs a row here.
func checkLabels(t *testing.T, families map[string]*dto.MetricFamily, c *demo.Credentials) {
	words := func(list string) func(string) bool {
		return func(v string) bool { return slices.Contains(strings.Fields(list), v) }
	}
	number := func(v string) bool {
		_, err := strconv.ParseFloat(v, 64)
		return err == nil
	}
	operation := regexp.MustCompile(`^[A-Za-z_]{2,64}$`)
	channel, _, _ := strings.Cut(demoTemplate, "/")
	bounds := map[string]func(string) bool{
		"source": words("alibaba meta momo waybill"),
		"outcome": words("received changed repeated rejected too_late malformed ignored foreign parked parking_full parking_expired " +
			"replayed ok refused failed gone aborted unknown_status vendor_error bad_callback no_account"),
		"dialect":    words("alibaba meta momo waybill none"),
		"operation":  operation.MatchString,
		"stage":      words("accepted sent delivered read failed clicked"),
		"kind":       words("messages names cells projections segments words records log engine_log obsolete bloom"),
		"cause":      words("fold engine"),
		"channel":    words(strings.Join([]string{c.Alibaba.CustSpaceID, c.Meta.WABAID, c.Momo.PageID, channel}, " ") + " 230094237034170 other"),
		"template":   words(strings.TrimPrefix(demoTemplate, channel+"/")),
		"version":    func(v string) bool { return v == version },
		"go_version": func(v string) bool { return strings.HasPrefix(v, "go1.") },
		"quantile":   number,
	}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				bound, known := bounds[l.GetName()]
				if name == "go_info" && l.GetName() == "version" {
					bound = bounds["go_version"]
				}
				if !known || !bound(l.GetValue()) || strings.Contains(l.GetValue(), strange) {
					t.Errorf("%s has the label %s=%q, which is not one of a known set", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
}

func checkLint(t *testing.T, families map[string]*dto.MetricFamily) {
	var own []*dto.MetricFamily
	for name, f := range families {
		if strings.HasPrefix(name, "waybill_") {
			own = append(own, f)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(own).Lint()
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// checkMetricsPage compares the table of docs/observability.md with a scrape.
func checkMetricsPage(t *testing.T, families map[string]*dto.MetricFamily) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for name, f := range families {
		if !strings.HasPrefix(name, "waybill_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |", name,
			strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp()))
	}
	slices.Sort(rows)
	var have []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `waybill_") {
			have = append(have, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(have, rows) {
		t.Errorf("the page has\n%s\n\na scrape has\n%s", strings.Join(have, "\n"), strings.Join(rows, "\n"))
	}
}

// checkLog looks at the lines of requests and of slow questions, and that the page
// tells of all their fields.
func checkLog(t *testing.T, log string) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	untold := make(map[string]bool)
	for text := range strings.Lines(log) {
		var line map[string]any
		if json.Unmarshal([]byte(text), &line) != nil {
			continue
		}
		msg, _ := line["msg"].(string)
		counts[msg]++
		if msg != "request" && msg != "slow question" {
			continue
		}
		for field := range line {
			if !strings.Contains(string(page), "| `"+field+"` |") {
				untold[field] = true
			}
		}
	}
	if counts["request"] < 100 || counts["slow question"] < 2 {
		t.Errorf("the log has %v", counts)
	}
	for field := range untold {
		t.Errorf("the page does not tell of the field %s", field)
	}
}
