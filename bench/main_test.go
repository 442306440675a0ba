//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/bench/engine"
	"waybill/bench/traffic"
)

// TestMeasure measures each engine that is here on little traffic.
func TestMeasure(t *testing.T) {
	tr := traffic.Traffic{Messages: 4000}
	answers := tr.Answers()
	for _, kind := range engine.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			if missing := kind.Missing(); missing != "" && os.Getenv("CI") == "true" {
				t.Fatalf("needs %s", missing)
			} else if missing != "" {
				t.Skipf("needs %s", missing)
			}
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
				t.Fatal(err)
			}
			r := &run{
				kind: kind, dir: dir, traffic: tr, batch: 1000,
				small: time.Millisecond, asking: 100 * time.Millisecond, quiet: 100 * time.Millisecond,
			}
			m, err := r.measure(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(m, answers); err != nil {
				t.Error(err)
			}
			for _, row := range rows(tr.Messages) {
				for _, value := range row.of(m) {
					if value <= 0 && !(kind.Server && strings.Contains(row.name, "crash")) {
						t.Errorf("%s is %g", row.name, value)
					}
				}
			}
			m.Checksums[1] = m.Checksums[0]
			if err := verify(m, answers); err == nil || !strings.Contains(err.Error(), "q2 wrongly") {
				t.Errorf("a wrong answer is reported as %v", err)
			}
		})
	}
}

func TestTable(t *testing.T) {
	of := func(name string, rate, cpu float64) measurement {
		return measurement{
			Engine: name, Events: 3203, Rate: rate, CPU: cpu, Commit: latencies{2, 30}, Others: .5, Generating: .066,
			SmallRate: 1000, SmallCPU: 4, SmallCommit: latencies{.5, 1.25}, Queries: make([]latencies, 3),
			Disk: 30_000, Memory: 200e6, Restart: 1.5,
		}
	}
	have := table(1000, 100, []measurement{
		of("waybill", 1_000_000, 1.5), of("sqlite", 60_000, 15), of("waybill", 1_200_000, 1.4), of("waybill", 1, 100),
	})
	for _, want := range []string{
		"1,000 messages, 3,203 events, batches of 100.",
		"| | waybill | sqlite |\n|---|---|---|\n",
		"| bulk ingest, events/s | 1,000,000 | 60,000 (17×) |\n",
		"| CPU, µs/event | 1.50 | 15.00 (10×) |\n",
		"| commit of a batch, p50 / p99, ms | 2.0 / 30.0 | 2.0 / 30.0 (1.0×) |\n",
		"| q1: one template, 30 days, by day, p50 / p99, ms | - / - | - / - (-) |\n",
		"| disk, bytes/message | 30.0 | 30.0 (1.0×) |\n",
		"| making the events, % of the ingest's time | 7 | 7 |\n",
	} {
		if !strings.Contains(have, want) {
			t.Errorf("the table lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(have)
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-engines waybill,oracle", `engine "oracle" is none of waybill, waybill-event, pebble, sqlite, postgres`},
		{"-batches 10,0", `batch size "0" is not a positive number`},
		{"-messages 0", "messages (0) and count (1) must be positive"},
	} {
		if _, err := parse(strings.Fields(tt.args)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.args, err, tt.want)
		}
	}
}
