package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill"
)

// Channels that a fixture configures at the start, one for each provider, and
// one that is never configured.
const (
	chatapp waybill.ChannelNumber = iota + 1
	waba
	momo
	stranger
)

// start is the first instant of all cases, a Monday.
const start waybill.Instant = 1704067200 // 2024-01-01 00:00 UTC

// at returns the instant some minutes after start.
func at(minutes int) waybill.Instant { return start + waybill.Instant(minutes)*60 }

// A fixture is an open store with three configured channels. Metrics of all are
// enabled at start.
type fixture struct {
	tb
	store waybill.Store
	open  func() waybill.Store
}

// A tb is a *testing.T or a *rapid.T.
type tb interface {
	rapid.TB
	Context() context.Context
	Cleanup(func())
}

// newFixture opens a store in a fresh directory of test, for the time of t.
func newFixture(t tb, test *testing.T, open Open) *fixture {
	dir := test.TempDir()
	f := &fixture{tb: t, open: func() waybill.Store { return open(test, dir) }}
	f.store = f.open()
	t.Cleanup(func() {
		if err := f.store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	f.configure(waybill.Change{Channels: []waybill.ChannelState{
		{Number: chatapp, Provider: waybill.ProviderChatapp, MetricsEnabled: start},
		{Number: waba, Provider: waybill.ProviderWABA, MetricsEnabled: start},
		{Number: momo, Provider: waybill.ProviderMomo, MetricsEnabled: start},
	}})
	return f
}

func (f *fixture) reopen() {
	f.Helper()
	if err := f.store.Close(); err != nil {
		f.Fatalf("Close: %v", err)
	}
	f.store = f.open()
}

func (f *fixture) configure(c waybill.Change) {
	f.Helper()
	if err := f.store.Configure(f.Context(), c); err != nil {
		f.Fatalf("Configure: %v", err)
	}
}

func (f *fixture) settle() {
	f.Helper()
	if err := f.store.Settled(f.Context()); err != nil {
		f.Fatalf("Settled: %v", err)
	}
}

// enable sets MetricsEnabled of a channel.
func (f *fixture) enable(c waybill.ChannelNumber, p waybill.Provider, from waybill.Instant) {
	f.Helper()
	f.configure(waybill.Change{Channels: []waybill.ChannelState{{Number: c, Provider: p, MetricsEnabled: from}}})
}

func (f *fixture) append(events ...waybill.Event) []waybill.Outcome {
	f.Helper()
	outcomes, err := f.store.Append(f.Context(), events)
	if err != nil {
		f.Fatalf("Append: %v", err)
	}
	return outcomes
}

func (f *fixture) points(q waybill.Query) []waybill.Point {
	f.Helper()
	points, err := f.store.Points(f.Context(), q)
	if err != nil {
		f.Fatalf("Points: %v", err)
	}
	return points
}

// want compares the answer to q, one line a point, with the given lines.
func (f *fixture) want(q waybill.Query, lines ...string) {
	f.Helper()
	var got []string
	for _, p := range f.points(q) {
		got = append(got, line(p, q.Granularity != waybill.Total))
	}
	if !slices.Equal(got, lines) {
		f.Errorf("points of %s:\n%s\nwant:\n%s", describe(q), indent(got), indent(lines))
	}
}

func (f *fixture) wantMessage(c waybill.ChannelNumber, id string, want waybill.Message) {
	f.Helper()
	got, err := f.store.Message(f.Context(), c, id)
	if err != nil {
		f.Fatalf("Message %s: %v", id, err)
	}
	if !got.Equal(&want) {
		f.Errorf("message %s is\n\t%+v, want\n\t%+v", id, got, want)
	}
}

func (f *fixture) wantNotFound(c waybill.ChannelNumber, id string) {
	f.Helper()
	if _, err := f.store.Message(f.Context(), c, id); code(err) != waybill.NotFound {
		f.Errorf("Message %s of channel %d fails with %v, want NotFound", id, c, err)
	}
}

func (f *fixture) wantValues(c waybill.ChannelNumber, l waybill.Label, want ...string) {
	f.Helper()
	got, err := f.store.Values(f.Context(), c, l)
	if err != nil {
		f.Fatalf("Values: %v", err)
	}
	if !slices.Equal(got, want) {
		f.Errorf("values of %s are %q, want %q", l, got, want)
	}
}

func (f *fixture) wantRecords(prefix string, want ...string) {
	f.Helper()
	records, err := f.store.Records(f.Context(), prefix)
	if err != nil {
		f.Fatalf("Records: %v", err)
	}
	var got []string
	for _, r := range records {
		got = append(got, r.Key+"="+string(r.Value))
	}
	if !slices.Equal(got, want) {
		f.Errorf("records under %q are %q, want %q", prefix, got, want)
	}
}

func (f *fixture) wantVerified() {
	f.Helper()
	differences, err := f.store.Verify(f.Context(), 10)
	if err != nil || len(differences) > 0 {
		f.Errorf("Verify returns %+v, %v", differences, err)
	}
}

// code returns the code of err, and nothing for nil.
func code(err error) waybill.Code {
	if err == nil {
		return ""
	}
	return waybill.CodeOf(err)
}

func canceled(err error) bool { return errors.Is(err, context.Canceled) }

// An option changes an event or a query before it is used.
type (
	eventOption func(*waybill.Event)
	queryOption func(*waybill.Query)
)

// event returns an event of the chatapp channel, minutes after start.
func event(message string, s waybill.Status, minutes int, options ...eventOption) waybill.Event {
	e := waybill.Event{Channel: chatapp, Message: message, Status: s, At: at(minutes)}
	for _, o := range options {
		o(&e)
	}
	return e
}

func on(c waybill.ChannelNumber) eventOption {
	return func(e *waybill.Event) { e.Channel = c }
}

func with(l waybill.Label, value string) eventOption {
	return func(e *waybill.Event) { e.Labels.Set(l, value, waybill.RankVendor) }
}

func revised(l waybill.Label, value string, rank waybill.Rank, rev int64) eventOption {
	return func(e *waybill.Event) { e.Labels[l] = waybill.LabelValue{Value: value, Rank: rank, Rev: rev} }
}

func because(code string) eventOption {
	return func(e *waybill.Event) { e.Failure.Code = code }
}

func press(id, text string) eventOption {
	return func(e *waybill.Event) { e.Click, e.Button = id, waybill.Button{Type: "reply", Text: text} }
}

// total asks for all counts of the three channels within two days of start.
func total(options ...queryOption) waybill.Query {
	q := waybill.Query{
		Channels: []waybill.ChannelNumber{chatapp, waba, momo},
		From:     start, To: start + 2*24*60*60,
	}
	for _, o := range options {
		o(&q)
	}
	return q
}

func by(dimensions ...waybill.Dimension) queryOption {
	return func(q *waybill.Query) { q.GroupBy = dimensions }
}

func byLabel(l waybill.Label) queryOption { return by(waybill.Dimension(l)) }

func where(d waybill.Dimension, values ...string) queryOption {
	return func(q *waybill.Query) { q.Where = append(q.Where, waybill.Filter{By: d, Values: values}) }
}

func every(g waybill.Granularity) queryOption {
	return func(q *waybill.Query) { q.Granularity = g }
}

func in(zone *time.Location) queryOption {
	return func(q *waybill.Query) { q.Zone = zone }
}

func between(from, to waybill.Instant) queryOption {
	return func(q *waybill.Query) { q.From, q.To = from, to }
}

func bySend(q *waybill.Query)    { q.Basis = waybill.BySend }
func collected(q *waybill.Query) { q.Collected = true }

// line writes a point as "01-02 15:04 +15m0s a|b: accepted 1 sent 1"; the time
// is left out where the whole range is one bucket.
func line(p waybill.Point, bucket bool) string {
	var parts []string
	if bucket {
		length := time.Duration(p.Bucket.End-p.Bucket.Start) * time.Second
		parts = append(parts, p.Bucket.Start.Time().Format("01-02 15:04"), "+"+length.String())
	}
	if len(p.Key) > 0 {
		parts = append(parts, strings.ReplaceAll(strings.Join(p.Key, "|"), "\x00", "/")+":")
	}
	for m, n := range p.Counts {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", waybill.Metric(m), n))
		}
	}
	return strings.Join(parts, " ")
}

func indent(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }

func describe(q waybill.Query) string {
	zone := "UTC"
	if q.Zone != nil {
		zone = q.Zone.String()
	}
	return fmt.Sprintf("channels %v from %d to %d by %s in %s, basis %d, where %q, collected %t, grouped by %v",
		q.Channels, q.From, q.To, q.Granularity, zone, q.Basis, q.Where, q.Collected, q.GroupBy)
}
