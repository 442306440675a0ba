package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// An answer is what the API says of metrics.
type metricsAnswer struct {
	From        string         `json:"from"`
	To          string         `json:"to"`
	Granularity string         `json:"granularity"`
	TimeZone    string         `json:"time_zone"`
	Basis       string         `json:"basis"`
	GroupBy     []string       `json:"group_by"`
	Points      []metricsPoint `json:"points"`
	Totals      metricsSums    `json:"totals"`
}

type metricsPoint struct {
	Start string            `json:"start"`
	Group map[string]string `json:"group"`
	metricsSums
}

type metricsSums struct {
	Counts map[string]int64    `json:"counts"`
	Rates  map[string]*float64 `json:"rates"`
}

// Names of counts and rates, in the order in which they are shown.
var (
	metricNames = []string{"accepted", "sent", "delivered", "read", "failed", "clicked", "clicks"}
	rateNames   = []string{"delivered", "read", "failed", "clicked"}
)

// Widths of a chart, in characters. Where there is no room for the least, there is
// none.
const (
	leastChart = 8
	mostChart  = 60
	mostLabel  = 40 // of a value of a label
)

// table prints the answer for a person: a row for each bucket, or where the counts
// are broken down a row for each group, with a chart where that is a terminal.
func (cmd *queryCmd) table(ctx context.Context, api *client, w io.Writer) error {
	q := cmd.parameters()
	if !slices.Contains(cmd.By, "error") && !slices.Contains(cmd.By, "button") {
		q.Set("rates", "true")
	}
	q.Del("metrics") // the rates of groups are made of counts that may not be shown
	var a metricsAnswer
	if err := api.get(ctx, path("metrics"), q, &a); err != nil {
		return err
	}
	s, ok := w.(*screen)
	if !ok {
		s = &screen{Writer: w}
	}
	if len(a.Points) == 0 {
		_, err := fmt.Fprintf(s, "nothing counts from %s to %s (%s)\n", a.From, a.To, a.TimeZone)
		return err
	}
	t := &metricsTable{answer: &a, screen: s, wanted: cmd.Metrics, ranked: cmd.Top > 0}
	t.head()
	if len(a.GroupBy) == 0 {
		t.byBucket()
	} else {
		t.byGroup()
	}
	return t.write()
}

// A metricsTable is an answer as a table.
type metricsTable struct {
	answer *metricsAnswer
	screen *screen
	wanted []string // metrics; none are all
	ranked bool     // some groups are not shown

	metrics []string // those in the answer
	rates   []string
	labels  int // columns before the numbers

	rows   [][]string
	series [][]int64 // what the chart of a row shows: one value is a bar, more are a line
}

// head adds the names of the columns.
func (t *metricsTable) head() {
	a := t.answer
	row := slices.Clone(a.GroupBy)
	if len(row) == 0 {
		row = []string{strings.ReplaceAll(a.Granularity, "_", " ")}
	}
	t.labels = len(row)
	for _, name := range metricNames {
		if t.shows(name) {
			t.metrics, row = append(t.metrics, name), append(row, name)
		}
	}
	for _, name := range rateNames {
		if _, ok := a.Totals.Rates[name]; ok && (t.shows(name) || len(t.wanted) > 0) {
			t.rates, row = append(t.rates, name), append(row, name+" %")
		}
	}
	t.add(row, nil)
}

// shows reports whether a count has a column. Clicks have none where nobody asked
// for them and nobody clicked.
func (t *metricsTable) shows(name string) bool {
	n, counted := t.answer.Totals.Counts[name]
	if len(t.wanted) > 0 {
		return counted && slices.Contains(t.wanted, name)
	}
	return counted && (n > 0 || !strings.HasPrefix(name, "click"))
}

func (t *metricsTable) add(row []string, chart []int64) {
	t.rows, t.series = append(t.rows, row), append(t.series, chart)
}

// charted is the count that the chart shows.
func (t *metricsTable) charted() string {
	for _, name := range []string{"sent", "accepted"} {
		if slices.Contains(t.metrics, name) {
			return name
		}
	}
	return t.metrics[0]
}

// numbers appends the cells of counts and rates.
func (t *metricsTable) numbers(row []string, s *metricsSums) []string {
	for _, name := range t.metrics {
		row = append(row, grouped(s.Counts[name]))
	}
	for _, name := range t.rates {
		cell := "-"
		if rate := s.Rates[name]; rate != nil {
			cell = fmt.Sprintf("%.1f", 100**rate)
		}
		row = append(row, cell)
	}
	return row
}

func (t *metricsTable) byBucket() {
	for i := range t.answer.Points {
		p := &t.answer.Points[i]
		t.add(t.numbers([]string{t.bucket(p.Start)}, &p.metricsSums), []int64{p.Counts[t.charted()]})
	}
	t.total()
}

// bucket writes the start of a bucket, no more exactly than its length.
func (t *metricsTable) bucket(start string) string {
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		return start
	}
	switch t.answer.Granularity {
	case "day":
		return at.Format("Mon " + time.DateOnly)
	case "month":
		return at.Format("2006-01")
	case "total":
		return at.Format(time.DateOnly)
	}
	return at.Format("Mon 2006-01-02 15:04")
}

// byGroup adds up the buckets of each group; its chart shows them.
func (t *metricsTable) byGroup() {
	a := t.answer
	var keys []string
	sums, lines, starts := map[string]*metricsSums{}, map[string]map[string]int64{}, []string{}
	for i := range a.Points {
		p := &a.Points[i]
		var labels []string
		for _, name := range a.GroupBy {
			labels = append(labels, p.Group[name])
		}
		key := strings.Join(labels, "\x00")
		if sums[key] == nil {
			keys = append(keys, key)
			sums[key], lines[key] = &metricsSums{Counts: map[string]int64{}}, map[string]int64{}
		}
		for name, n := range p.Counts {
			sums[key].Counts[name] += n
		}
		lines[key][p.Start] += p.Counts[t.charted()]
		if len(starts) == 0 || starts[len(starts)-1] != p.Start {
			starts = append(starts, p.Start)
		}
	}
	for _, key := range keys {
		row := strings.Split(key, "\x00")
		for i, label := range row {
			if row[i] = runewidth.Truncate(printable(label), mostLabel, "…"); label == "" {
				row[i] = "(none)"
			}
		}
		var line []int64
		for _, start := range starts {
			line = append(line, lines[key][start])
		}
		sums[key].Rates = ratesOf(sums[key].Counts)
		t.add(t.numbers(row, sums[key]), line)
	}
	t.total()
}

// ratesOf returns the rates of counts, as the API defines them.
func ratesOf(n map[string]int64) map[string]*float64 {
	rates := make(map[string]*float64)
	for of, by := range map[string]string{"delivered": "sent", "read": "delivered", "failed": "accepted", "clicked": "delivered"} {
		if n[by] != 0 {
			rate := float64(n[of]) / float64(n[by])
			rates[of] = &rate
		}
	}
	return rates
}

func (t *metricsTable) total() {
	row := make([]string, t.labels)
	row[0] = "total"
	t.add(t.numbers(row, &t.answer.Totals), nil)
}

// dispensable lists the columns that a narrow terminal has no room for, in the
// order in which they go.
var dispensable = []string{
	"clicks", "clicked %", "clicked", "failed %", "accepted", "read %", "failed", "delivered %", "read", "delivered",
}

// fit leaves out columns until the rows are no wider than the screen, and returns
// their names.
func (t *metricsTable) fit() (left []string) {
	for _, name := range dispensable {
		widths := columnWidths(t.rows)
		used := 2 * (len(widths) - 1)
		for _, width := range widths {
			used += width
		}
		if t.screen.width == 0 || used <= t.screen.width {
			return left
		}
		i := slices.Index(t.rows[0][t.labels:], name)
		if i < 0 || len(widths) == t.labels+1 {
			continue
		}
		left = append(left, name)
		for r := range t.rows {
			t.rows[r] = slices.Delete(t.rows[r], t.labels+i, t.labels+i+1)
		}
	}
	return left
}

// write prints the rows, and below them what they are.
func (t *metricsTable) write() error {
	left := t.fit()
	right := make([]bool, len(t.rows[0]))
	for i := t.labels; i < len(right); i++ {
		right[i] = true
	}
	var text strings.Builder
	if err := writeAligned(&text, t.rows, right); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	used := 0
	for _, line := range lines {
		used = max(used, runewidth.StringWidth(line))
	}
	room := min(t.screen.width-used-2, mostChart)
	largest := int64(0)
	for _, line := range t.series {
		if len(line) == 1 {
			largest = max(largest, line[0])
		}
	}
	for i, line := range lines {
		switch {
		case i == 0:
			line = t.screen.style(bold, line)
		case i == len(lines)-1:
			line = t.screen.style(bold, line)
		case room >= leastChart && len(t.series[i]) > 0:
			chart := spark(t.series[i], room)
			if len(t.series[i]) == 1 {
				chart = bar(t.series[i][0], largest, room)
			}
			gap := strings.Repeat(" ", used+2-runewidth.StringWidth(line))
			line += gap + t.screen.style(blue, chart)
		}
		if _, err := fmt.Fprintln(t.screen, line); err != nil {
			return err
		}
	}
	a := t.answer
	about := fmt.Sprintf("%s to %s, %s, counted by %s", a.From, a.To, a.TimeZone, a.Basis)
	if t.ranked {
		about += "; the total has the other groups, too"
	}
	if room >= leastChart {
		about += "; the chart is of " + t.charted()
	}
	if len(left) > 0 {
		about += "\nno room for " + strings.Join(left, ", ")
	}
	_, err := fmt.Fprintln(t.screen, t.screen.style(dim, about))
	return err
}
