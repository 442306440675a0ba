package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checkQueries has a real Prometheus scrape a server, and asks it all queries of the
// dashboard and of the alerts.
func checkQueries(t *testing.T, p *process) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	program := needs(t, "prometheus", "prometheus")
	url := startPrometheus(t, program, strings.TrimPrefix(p.admin, "http://"))
	client := newClient()
	awaitScrapes(t, client, url)
	variables := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*", "$channel", ".*")
	empty := 0
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			n, err := ask(client, url, variables.Replace(target.Expr))
			if err != nil {
				t.Errorf("%q: %v", panel.Title, err)
			}
			if n == 0 && !strings.Contains(target.Expr, "offset 1h") {
				empty++
				t.Logf("%q has no data: %s", panel.Title, target.Expr)
			}
		}
	}
	if empty > 0 {
		t.Errorf("%d queries of the dashboard have no data", empty)
	}
	for _, a := range readAlerts(t) {
		if _, err := ask(client, url, a.Expr); err != nil {
			t.Errorf("%s: %v", a.Alert, err)
		}
	}
}

// startPrometheus runs Prometheus with the example of a configuration, but for the
// target and the times.
func startPrometheus(t *testing.T, program, target string) string {
	t.Helper()
	text, err := os.ReadFile(deploy + "/prometheus/prometheus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("127.0.0.1:8081", target, "15s", "250ms").Replace(string(text))
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yaml")
	rules, err := os.ReadFile(deploy + "/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{file: config, filepath.Join(dir, "alerts.yaml"): string(rules)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // for the program to take
	cmd := exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus: %.3000s", log.String())
		}
	})
	return "http://" + address
}

// awaitScrapes waits until there are rates, and counts that a scrape does not wait
// for.
func awaitScrapes(t *testing.T, client *http.Client, url string) {
	t.Helper()
	for range 300 {
		n, err := ask(client, url, "count_over_time(waybill_messages_timestamp_seconds[1m]) >= 3")
		if err == nil && n > 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("Prometheus has not scraped within 15 s")
}

// ask returns how many series a query has.
func ask(client *http.Client, address, query string) (int, error) {
	response, err := client.Get(address + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
		Warnings      []string
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" || len(answer.Warnings) > 0 {
		return 0, fmt.Errorf("%s: %s %v", query, answer.Error, answer.Warnings)
	}
	return len(answer.Data.Result), nil
}
