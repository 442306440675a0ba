package telemetry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"waybill/internal/telemetry"
)

// scrape returns the lines that Prometheus would read.
func scrape(t *testing.T, m *telemetry.Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	return strings.Split(w.Body.String(), "\n")
}

func wants(t *testing.T, lines []string, want ...string) {
	t.Helper()
	has := make(map[string]bool)
	for _, line := range lines {
		has[line] = true
	}
	for _, line := range want {
		if !has[line] {
			t.Errorf("no line %s", line)
		}
	}
}

func TestMetrics(t *testing.T) {
	m := telemetry.New()
	m.Events("meta", "received", 3)
	m.Events("meta", "received", 2)
	m.Events("meta", "received", 0)
	m.Events("meta", "received", -1) // a counter can't go down
	m.Events("rest", "rejected", 1)
	m.Source("momo")
	m.Commit(5, 3*time.Millisecond)
	m.Query(30 * time.Millisecond)
	m.Request("meta", "analytics", "ok", 2*time.Millisecond)
	m.Request("meta", "", "refused", time.Second)
	m.Request("meta", "none", "refused", time.Second)
	lines := scrape(t, m)
	wants(t, lines,
		`waybill_events_total{outcome="received",source="meta"} 5`,
		`waybill_events_total{outcome="rejected",source="rest"} 1`,
		`waybill_commit_seconds_count 1`,
		`waybill_commit_seconds_sum 0.003`,
		`waybill_commit_events_sum 5`,
		`waybill_events_total{outcome="too_late",source="momo"} 0`,
		`waybill_query_seconds_sum 0.03`,
		`waybill_requests_total{dialect="meta",operation="analytics",outcome="ok"} 1`,
		`waybill_requests_total{dialect="meta",operation="none",outcome="refused"} 2`,
		`waybill_request_seconds_sum{dialect="meta",operation="analytics"} 0.002`,
	)
	if text := strings.Join(lines, "\n"); !strings.Contains(text, "go_goroutines") ||
		!strings.Contains(text, "process_resident_memory_bytes") {
		t.Error("no metrics of the runtime and the process")
	}
}

func TestNoMetrics(t *testing.T) {
	var m *telemetry.Metrics
	m.Events("meta", "received", 3)
	m.Commit(5, time.Second)
	m.Query(time.Second)
	m.Request("meta", "analytics", "ok", time.Second)
	if err := m.Register(prometheus.NewCounter(prometheus.CounterOpts{Name: "x"})); err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
}

// However many words come in, the number of series is bounded, and nothing goes
// uncounted.
func TestLabelsAreBounded(t *testing.T) {
	m := telemetry.New()
	const n = 5000
	for i := range n {
		m.Events("meta", "status "+strconv.Itoa(i), 1)
		m.Events("meta", strconv.Itoa(i), 1)
		m.Request("meta", strconv.Itoa(i), "ok", time.Millisecond)
		m.Request(strconv.Itoa(i), strconv.Itoa(i), strconv.Itoa(i), time.Millisecond)
	}
	lines := scrape(t, m)
	for name, limit := range map[string]int{
		"waybill_events_total": 131, "waybill_requests_total": 131, "waybill_request_seconds_count": 51,
	} {
		series, sum := 0, 0
		for _, line := range lines {
			if strings.HasPrefix(line, name+"{") {
				var count int
				if _, err := fmt.Sscan(line[strings.LastIndex(line, " "):], &count); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				series, sum = series+1, sum+count
			}
		}
		if series > limit || sum != 2*n {
			t.Errorf("%s has %d series with %d, want at most %d with %d", name, series, sum, limit, 2*n)
		}
	}
}

// The rest of a dialect's operations still counts as the dialect's.
func TestTheRestOfADialect(t *testing.T) {
	m := telemetry.New()
	for i := range 200 {
		m.Request("meta", strconv.Itoa(i), "ok", time.Millisecond)
	}
	m.Request("momo", "report", "failed", time.Millisecond)
	wants(t, scrape(t, m),
		`waybill_requests_total{dialect="meta",operation="other",outcome="ok"} 100`,
		`waybill_requests_total{dialect="momo",operation="other",outcome="failed"} 1`,
		`waybill_request_seconds_count{dialect="meta",operation="other"} 180`)
}

func TestLabelsAreWords(t *testing.T) {
	m := telemetry.New()
	for _, outcome := range []string{strings.Repeat("x", 65), "\xff", "a\x00", "a\n", `"`, `\`, "é"} {
		m.Events("meta", outcome, 1)
	}
	m.Events("meta", strings.Repeat("x", 64), 1)
	m.Events("", "", 1)
	m.Request("rest", "GET /messages/{id}", "ok", time.Second)
	wants(t, scrape(t, m),
		`waybill_events_total{outcome="other",source="meta"} 7`,
		`waybill_events_total{outcome="`+strings.Repeat("x", 64)+`",source="meta"} 1`,
		`waybill_events_total{outcome="none",source="none"} 1`,
		`waybill_requests_total{dialect="rest",operation="GET /messages/{id}",outcome="ok"} 1`)
}

func TestMetricsUsedByMany(t *testing.T) {
	m := telemetry.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				m.Request("meta", strconv.Itoa(i%3), "ok", time.Millisecond)
				m.Events("meta", "received", 1)
			}
		})
	}
	wg.Wait()
	wants(t, scrape(t, m),
		`waybill_events_total{outcome="received",source="meta"} 8000`,
		`waybill_requests_total{dialect="meta",operation="1",outcome="ok"} 2664`)
}

func TestBuild(t *testing.T) {
	m := telemetry.New()
	if err := m.Build("v1.2.3"); err != nil {
		t.Fatal(err)
	}
	wants(t, scrape(t, m), `waybill_build_info{go_version="`+runtime.Version()+`",version="v1.2.3"} 1`)
}

func TestRegister(t *testing.T) {
	m := telemetry.New()
	depth := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "waybill_queue_events"}, func() float64 { return 7 })
	if err := m.Register(depth); err != nil {
		t.Fatal(err)
	}
	if m.Register(depth) == nil {
		t.Error("registered twice")
	}
	wants(t, scrape(t, m), "waybill_queue_events 7")
}

func BenchmarkRequest(b *testing.B) {
	m := telemetry.New()
	b.ReportAllocs()
	for b.Loop() {
		m.Request("meta", "analytics", "ok", time.Millisecond)
	}
}
