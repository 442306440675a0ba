package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v4"
)

// deploy is where the files for Prometheus and Grafana are.
const deploy = root + "/deploy"

// A panel is a panel of a dashboard, or a row of them.
type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Datasource  struct{ UID string }
	Targets     []struct{ Expr, RefID string }
	FieldConfig struct {
		Defaults struct{ Unit string }
	}
}

type dashboard struct {
	UID, Title string
	Panels     []panel
	Templating struct {
		List []struct{ Name, Type string }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	text, err := os.ReadFile(deploy + "/grafana/waybill.json")
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func checkDashboard(t *testing.T, families map[string]*dto.MetricFamily) {
	d := readDashboard(t)
	var rows []string
	ids := make(map[int]string)
	taken := make(map[[2]int]string)
	for _, p := range d.Panels {
		if other, twice := ids[p.ID]; twice || p.ID == 0 {
			t.Errorf("%q and %q have the ID %d", p.Title, other, p.ID)
		}
		ids[p.ID] = p.Title
		p.place(t, taken)
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %d, %q, misses a title, description, unit, query or the variable datasource", p.ID, p.Title)
		}
		for _, target := range p.Targets {
			if target.RefID == "" {
				t.Errorf("%q has a query without a name", p.Title)
			}
			checkMetricNames(t, p.Title, target.Expr, families)
		}
	}
	if got := strings.Join(rows, ", "); got != "Overview, Ingest, Store, API, Business" {
		t.Errorf("the rows are %s", got)
	}
	if v := d.Templating.List; len(v) == 0 || v[0].Name != "datasource" || v[0].Type != "datasource" {
		t.Errorf("the variables are %v", v)
	}
}

// place takes the cells of a panel in the grid, which is 24 wide.
func (p *panel) place(t *testing.T, taken map[[2]int]string) {
	t.Helper()
	g := p.GridPos
	if g.W < 1 || g.H < 1 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
		t.Errorf("%q lies at %+v", p.Title, g)
	}
	for x := g.X; x < g.X+g.W; x++ {
		for y := g.Y; y < g.Y+g.H; y++ {
			if other, ok := taken[[2]int{x, y}]; ok {
				t.Errorf("%q lies over %q", p.Title, other)
				return
			}
			taken[[2]int{x, y}] = p.Title
		}
	}
}

var metricName = regexp.MustCompile(`\b(?:waybill|process|go)_[a-z0-9_]+`)

// histogramSeries is what follows the name of a histogram in a query.
var histogramSeries = regexp.MustCompile(`_(bucket|sum|count)$`)

// rated is a metric whose growth a query asks for.
var rated = regexp.MustCompile(`\b(?:rate|irate|increase)\(([a-z0-9_]+)`)

// checkMetricNames fails where a query names a metric that a scrape does not have,
// asks for the growth of a gauge, or for a counter without its growth.
func checkMetricNames(t *testing.T, where, query string, families map[string]*dto.MetricFamily) {
	t.Helper()
	names := metricName.FindAllString(query, -1)
	growth := make(map[string]bool)
	for _, m := range rated.FindAllStringSubmatch(query, -1) {
		growth[m[1]] = true
	}
	if len(names) == 0 && !strings.Contains(query, "up{") {
		t.Errorf("%s: %s names no metric", where, query)
	}
	for _, name := range names {
		f := families[name]
		if base := histogramSeries.ReplaceAllString(name, ""); f == nil && families[base].GetType() == dto.MetricType_HISTOGRAM {
			f = families[base]
		}
		if f == nil {
			t.Errorf("%s: there is no metric %s", where, name)
			continue
		}
		if grows, asked := f.GetType() != dto.MetricType_GAUGE, growth[name]; grows != asked {
			t.Errorf("%s: %s is a %s, and a query asks for its growth: %t", where, name, f.GetType(), asked)
		}
	}
}

// An alert is a rule of deploy/prometheus/alerts.yaml.
type alert struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func readAlerts(t *testing.T) []alert {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	text, err := os.ReadFile(deploy + "/prometheus/alerts.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil || len(file.Groups) != 1 {
		t.Fatalf("%d groups of alerts, %v", len(file.Groups), err)
	}
	return file.Groups[0].Rules
}

var alertTests = []string{"alerts_test.yaml", "alerts_slow_test.yaml"}

// checkRules looks at the alerts: the metrics they name, that each is tested, and
// that the page says what to do.
func checkRules(t *testing.T, families map[string]*dto.MetricFamily) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	var tests []byte
	for _, name := range alertTests {
		text, err := os.ReadFile(deploy + "/prometheus/" + name)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, text...)
	}
	headings := 0
	for _, a := range readAlerts(t) {
		checkMetricNames(t, a.Alert, a.Expr, families)
		anchor := "docs/observability.md#" + strings.ToLower(a.Alert)
		if a.Annotations["runbook"] != anchor || a.Annotations["summary"] == "" {
			t.Errorf("%s: annotations %v, want the runbook %s", a.Alert, a.Annotations, anchor)
		}
		if severity := a.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s: severity %q", a.Alert, severity)
		}
		if !strings.Contains(string(page), "\n### "+a.Alert+"\n") {
			t.Errorf("the page does not say what to do about %s", a.Alert)
		}
		headings++
		if fires, quiet := "exp_alerts:\n", "exp_alerts: []\n"; !strings.Contains(string(tests), "alertname: "+a.Alert+"\n        "+fires) ||
			!strings.Contains(string(tests), "alertname: "+a.Alert+"\n        "+quiet) {
			t.Errorf("no test has %s fire, or none has it stay quiet", a.Alert)
		}
	}
	if n := strings.Count(string(page), "\n### Waybill"); n != headings {
		t.Errorf("the page tells of %d alerts, there are %d", n, headings)
	}
}

// TestAlerts runs the tests of the alerts, and looks at the example of a
// configuration.
func TestAlerts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	promtool := needs(t, "promtool", "prometheus")
	for _, args := range [][]string{
		{"check", "config", "prometheus.yaml"},
		{"check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml"},
		append([]string{"test", "rules"}, alertTests...),
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = deploy + "/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// needs returns the path of a program of one of Debian's packages. Without it a
// test is skipped, but not in CI, which installs it.
func needs(t *testing.T, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program) // for users whose PATH has no daemons
	}
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%v; Debian has it in the package %s", err, debian)
	}
	t.Skipf("%v; Debian has it in the package %s", err, debian)
	return ""
}
