//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill"
	"waybill/bench/traffic"
)

// verify compares the answers of an engine with the right ones.
func verify(m *measurement, answers [][]waybill.Point) error {
	for i, q := range traffic.Questions() {
		if have, want := m.Checksums[i], traffic.Checksum(answers[i]); have != want {
			return fmt.Errorf("%s answers %s wrongly: checksum %s, want %s", m.Engine, q.Name, have, want)
		}
	}
	return nil
}

// A row is a line of the table: one or two numbers of a measurement.
type row struct {
	name   string
	of     func(*measurement) []float64
	digits int  // after the point
	more   bool // more is better
}

func rows(messages int) []row {
	latency := func(of func(*measurement) latencies) func(*measurement) []float64 {
		return func(m *measurement) []float64 { return []float64{of(m).P50, of(m).P99} }
	}
	one := func(of func(*measurement) float64) func(*measurement) []float64 {
		return func(m *measurement) []float64 { return []float64{of(m)} }
	}
	all := []row{
		{"bulk ingest, events/s", one(func(m *measurement) float64 { return m.Rate }), 0, true},
		{"CPU, µs/event", one(func(m *measurement) float64 { return m.CPU }), 2, false},
		{"commit of a batch, p50 / p99, ms", latency(func(m *measurement) latencies { return m.Commit }), 1, false},
		{"64 writers of one event, events/s", one(func(m *measurement) float64 { return m.SmallRate }), 0, true},
		{"their CPU, µs/event", one(func(m *measurement) float64 { return m.SmallCPU }), 2, false},
		{"their commits, p50 / p99, ms", latency(func(m *measurement) latencies { return m.SmallCommit }), 2, false},
	}
	for i, q := range traffic.Questions() {
		all = append(all, row{
			q.Name + ": " + q.About + ", p50 / p99, ms",
			latency(func(m *measurement) latencies { return m.Queries[i] }), 1, false,
		})
	}
	return append(all,
		row{"disk, bytes/message", one(func(m *measurement) float64 { return float64(m.Disk) / float64(messages) }), 1, false},
		row{"largest resident memory, MB", one(func(m *measurement) float64 { return float64(m.Memory) / 1e6 }), 0, false},
		row{"restart, s", one(func(m *measurement) float64 { return m.Restart }), 2, false},
		row{"restart after a crash, s", one(func(m *measurement) float64 { return m.Recover }), 2, false})
}

// surroundings are what the figures have to be seen with.
func surroundings() []row {
	return []row{
		{"cores that others used meanwhile", func(m *measurement) []float64 { return []float64{m.Others} }, 2, false},
		{"making the events, % of the ingest's time", func(m *measurement) []float64 { return []float64{100 * m.Generating} }, 0, false},
	}
}

// table returns the medians of each engine, in Markdown, and how many times the
// first engine is better.
func table(messages, batch int, all []measurement) string {
	var names []string
	byName := make(map[string][]measurement)
	for _, m := range all {
		if byName[m.Engine] == nil {
			names = append(names, m.Engine)
		}
		byName[m.Engine] = append(byName[m.Engine], m)
	}
	if len(names) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s messages, %s events, batches of %s. In brackets: how many times better %s is.\n\n",
		grouped(float64(messages), 0), grouped(float64(all[0].Events), 0), grouped(float64(batch), 0), names[0])
	fmt.Fprintf(&b, "| | %s |\n|---%s|\n", strings.Join(names, " | "), strings.Repeat("|---", len(names)))
	line := func(r row, compare bool) {
		b.WriteString("| " + r.name)
		first := r.median(byName[names[0]])
		for i, name := range names {
			have := r.median(byName[name])
			b.WriteString(" | " + r.text(have))
			if compare && i > 0 {
				b.WriteString(" (" + r.ratio(first, have) + ")")
			}
		}
		b.WriteString(" |\n")
	}
	for _, r := range rows(messages) {
		line(r, true)
	}
	for _, r := range surroundings() {
		line(r, false)
	}
	return b.String()
}

func (r *row) median(all []measurement) []float64 {
	var medians []float64
	for i := range r.of(&all[0]) {
		var values []float64
		for j := range all {
			values = append(values, r.of(&all[j])[i])
		}
		slices.Sort(values)
		medians = append(medians, values[len(values)/2])
	}
	return medians
}

// text writes 0 as what was not measured.
func (r *row) text(values []float64) string {
	var parts []string
	for _, v := range values {
		if v == 0 {
			parts = append(parts, "-")
		} else {
			parts = append(parts, grouped(v, r.digits))
		}
	}
	return strings.Join(parts, " / ")
}

// ratio compares the first numbers.
func (r *row) ratio(first, other []float64) string {
	ratio := other[0] / first[0]
	if r.more {
		ratio = first[0] / other[0]
	}
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) || ratio == 0 {
		return "-"
	}
	if ratio < 10 {
		return fmt.Sprintf("%.1f×", ratio)
	}
	return grouped(ratio, 0) + "×"
}

// grouped writes a number with commas between thousands.
func grouped(n float64, digits int) string {
	text := strconv.FormatFloat(n, 'f', digits, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

// machine returns where and when this is measured.
func machine(dir string) (string, error) {
	sync, err := syncTime(filepath.Join(dir, "sync"))
	if err != nil {
		return "", err
	}
	model := "an unknown CPU"
	for line := range strings.Lines(readFile("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
		}
	}
	memory := float64(kilobytes("/proc/meminfo", "MemTotal:")) / 1e9
	return fmt.Sprintf("%s: %d cores of %s, %.0f GB, Linux %s, %s; appending 4 KB and syncing takes %.2f / %.2f ms (p50 / p99).",
		time.Now().Format(time.DateTime), runtime.NumCPU(), model, memory,
		readFile("/proc/sys/kernel/osrelease"), runtime.Version(), sync.P50, sync.P99), nil
}

// syncTime measures what bounds every durable commit, in a new file.
func syncTime(path string) (latencies, error) {
	f, err := os.Create(path)
	if err != nil {
		return latencies{}, err
	}
	var took []time.Duration
	for range 300 {
		began := time.Now()
		_, err := f.Write(make([]byte, 4096))
		if err = errors.Join(err, f.Sync()); err != nil {
			return latencies{}, errors.Join(err, f.Close())
		}
		took = append(took, time.Since(began))
	}
	return latenciesOf(took), errors.Join(f.Close(), os.Remove(path))
}
