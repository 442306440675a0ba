package meta_test

import (
	"archive/zip"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/storetest"
)

// TestAnswersEqualTheEvents gives accounts in all zones random histories around
// a clock change, asks at random and compares each answer, byte for byte, with
// what the plain events say.
func TestAnswersEqualTheEvents(t *testing.T) {
	const perRound = 20
	names := zoneNames(t)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for round := 0; len(names) > 0; round++ {
		n := min(perRound, len(names))
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) { newRound(t, names[:n], uint64(round)).play(80) })
		names = names[n:]
		if testing.Short() && round == 2 {
			return
		}
	}
}

// zoneNames returns one name of every zone in Go's database.
func zoneNames(t *testing.T) []string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	seen := make(map[uint32]bool)
	var names []string
	for _, f := range archive.File {
		if !f.FileInfo().IsDir() && !seen[f.CRC32] {
			seen[f.CRC32] = true
			names = append(names, f.Name)
		}
	}
	if len(names) < 300 {
		t.Fatalf("only %d zones", len(names))
	}
	return names
}

// A round is a few accounts in different zones, their history and the source of
// chance.
type round struct {
	*graph
	zones   []*time.Location
	begin   int64
	r       *rand.Rand
	history []map[string][]waybill.Event // by zone and message
	answers int                          // that had points
}

// The spans of time in which the northern and the southern half of the earth
// change their clocks.
var changes = []int64{1740787200, 1758672000} // 2025-03-01, 2025-09-24

func newRound(t *testing.T, names []string, seed uint64) *round {
	rd := &round{begin: changes[seed%2], r: rand.New(rand.NewPCG(seed, 3))}
	document := `accounts: [{id: "1000000000000001", name: Lucky, tokens: [` +
		`{name: t, token: lucky-token, scopes: [whatsapp_business_management, whatsapp_business_messaging]}]}]` + "\nchannels:\n"
	for i, name := range names {
		document += fmt.Sprintf(`  - {id: "%d", provider: waba, account: "1000000000000001", time_zone: %q, senders: ["861380000000%d"]}`+"\n",
			100+i, name, i)
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		rd.zones = append(rd.zones, zone)
		rd.history = append(rd.history, make(map[string][]waybill.Event))
	}
	rd.graph = newGraph(t, openStore(t), document, 0)
	traffic := storetest.Traffic{Seed: seed, Messages: 1500, Start: waybill.Instant(rd.begin), PerDay: 35}
	index := make(map[waybill.ChannelNumber]int)
	for i := range names {
		c, _ := rd.directory.View().Channel(fmt.Sprint(100 + i))
		index[c.Number] = i
		traffic.Channels = append(traffic.Channels, waybill.ChannelState{Number: c.Number, Provider: c.Provider})
	}
	for batch := range traffic.Batches() {
		if _, err := rd.store.Append(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			of := rd.history[index[e.Channel]]
			of[e.Message] = append(of[e.Message], e)
		}
	}
	return rd
}

// A question is a call of the field analytics.
type question struct {
	zone       int
	start, end int64
	unit       string
	phones     []string
	types      []string
	countries  []string // nil where the call does not name them
}

// play asks a number of questions.
func (rd *round) play(n int) {
	for range n {
		q := rd.draw()
		w := rd.get(fmt.Sprintf("/v25.0/%d?fields=%s", 100+q.zone, q.fields()))
		if want := rd.answer(q); w.Code != 200 || w.Body.String() != want {
			rd.t.Fatalf("in %s %s\nanswers %d %s\nwant      %s", rd.zones[q.zone], q.fields(), w.Code, w.Body, want)
		}
	}
	if rd.answers < n/6 {
		rd.t.Errorf("only %d of %d answers had points", rd.answers, n)
	}
}

func (rd *round) draw() question {
	const day = 24 * 60 * 60
	some := func(of ...string) []string {
		return slices.DeleteFunc(of, func(string) bool { return rd.r.IntN(2) == 0 })
	}
	length := []int64{900, 2 * day, 40 * day, 800 * day}[rd.r.IntN(4)]
	q := question{
		zone: rd.r.IntN(len(rd.zones)),
		unit: []string{"HALF_HOUR", "DAY", "MONTH"}[rd.r.IntN(3)],
	}
	q.start = rd.begin - length/2 + rd.r.Int64N(45*day)
	if rd.r.IntN(2) == 0 {
		q.start -= q.start % 900
	}
	q.end = q.start + 1 + rd.r.Int64N(length)
	if rd.r.IntN(3) == 0 {
		q.phones = some("8613800000000", "8613800000001", "8613800000002", "4930123456")
	}
	if rd.r.IntN(2) == 0 {
		q.types = some("0", "2", "100")
	}
	if rd.r.IntN(3) == 0 {
		q.countries = append([]string{}, some("ID", "VN", "SG", "BR", "DE")...)
	}
	return q
}

// fields spells q.
func (q question) fields() string {
	text := fmt.Sprintf("analytics.start(%d).end(%d).granularity(%s)", q.start, q.end, q.unit)
	if q.phones != nil {
		text += ".phone_numbers([" + strings.Join(q.phones, ",") + "])"
	}
	if q.types != nil {
		text += ".product_types(" + strings.Join(q.types, ",") + ")"
	}
	if q.countries != nil {
		text += ".country_codes(" + strings.Join(q.countries, ",") + ")"
	}
	return text
}

// answer computes the answer to q from the events alone.
func (rd *round) answer(q question) string {
	type counts struct{ sent, delivered int }
	buckets := make(map[[2]int64]*counts)
	phones, countries := map[string]bool{fmt.Sprint("861380000000", q.zone): true}, map[string]bool{}
	from, to := q.start/900*900, (q.end+899)/900*900
	for _, events := range rd.history[q.zone] {
		m := summary(events)
		phones[m.sender], countries[m.country] = true, true
		if !allows(q.phones, m.sender) || !allows(q.countries, m.country) || !allows(q.types, m.kind) ||
			len(q.types) == 0 && m.kind == "100" {
			continue
		}
		for i, at := range []int64{m.sent, m.delivered} {
			if at < from || at >= to {
				continue // also where it was never reached
			}
			b := bucketAround(at, q.unit, rd.zones[q.zone])
			if buckets[b] == nil {
				buckets[b] = &counts{}
			}
			if i == 0 {
				buckets[b].sent++
			} else {
				buckets[b].delivered++
			}
		}
	}
	var points []string
	for b, c := range buckets {
		points = append(points, fmt.Sprintf(`{"start":%d,"end":%d,"sent":%d,"delivered":%d}`, b[0], b[1], c.sent, c.delivered))
	}
	sort.Strings(points) // all starts have ten digits
	if len(points) > 0 {
		rd.answers++
	}
	text := `{"analytics":{"phone_numbers":` + list(q.phones, phones)
	if q.countries != nil {
		text += `,"country_codes":` + list(q.countries, countries)
	}
	return text + fmt.Sprintf(`,"granularity":"%s","data_points":[%s]},"id":"%d"}`, q.unit, strings.Join(points, ","), 100+q.zone)
}

// A messageSummary is what the analytics see of a message.
type messageSummary struct {
	sent, delivered       int64 // 0 is never
	kind, sender, country string
}

func summary(events []waybill.Event) messageSummary {
	m := messageSummary{kind: "2"}
	for _, e := range events {
		first := func(at *int64) {
			if *at == 0 || int64(e.At) < *at {
				*at = int64(e.At)
			}
		}
		switch e.Status {
		case waybill.StatusSent:
			first(&m.sent)
		case waybill.StatusDelivered, waybill.StatusRead, waybill.StatusPlayed, waybill.StatusClicked:
			first(&m.sent)
			first(&m.delivered)
		}
		// The traffic never contradicts itself in these two.
		m.sender = max(m.sender, e.Labels[waybill.LabelSender].Value)
		m.country = max(m.country, e.Labels[waybill.LabelCountry].Value)
		switch {
		case e.Inbound:
			m.kind = "100"
		case m.kind != "100" && (e.Templated || e.Labels[waybill.LabelTemplate].Value != "" || e.Labels[waybill.LabelCategory].Value != ""):
			m.kind = "0"
		}
	}
	return m
}

func allows(filter []string, value string) bool {
	return len(filter) == 0 || slices.Contains(filter, value)
}

// list writes what was asked for, else all that was seen.
func list(asked []string, seen map[string]bool) string {
	if len(asked) == 0 {
		for v := range seen {
			if v != "" {
				asked = append(asked, v)
			}
		}
		sort.Strings(asked)
	}
	if len(asked) == 0 {
		return "[]"
	}
	return `["` + strings.Join(asked, `","`) + `"]`
}

// bucketAround walks to both sides for as long as the zone's clock and calendar
// show the same unit.
func bucketAround(at int64, unit string, zone *time.Location) [2]int64 {
	show := func(at int64) string {
		t := time.Unix(at, 0).In(zone)
		switch unit {
		case "MONTH":
			return t.Format("2006-01")
		case "DAY":
			return t.Format(time.DateOnly)
		}
		return t.Format("2006-01-02 15 -0700") + fmt.Sprint(t.Minute()/30)
	}
	at -= at % 900
	b := [2]int64{at, at + 900}
	for _, step := range []int64{24 * 60 * 60, 60 * 60, 900} {
		for show(b[0]-step) == show(at) {
			b[0] -= step
		}
		for show(b[1]+step-900) == show(at) {
			b[1] += step
		}
	}
	return b
}
