package census_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"waybill"
	"waybill/internal/census"
	"waybill/internal/store/storetest"
)

const noon = waybill.Instant(1767268800)

// A business, made in a bubble of synctest, is a store with so many channels, "c1" and so on.
type business struct {
	waybill.Store
	channels []waybill.Channel
}

func newBusiness(t *testing.T, channels int) *business {
	t.Helper()
	time.Sleep(time.Until(noon.Time())) // the clock of a bubble begins in 2000
	b := &business{Store: storetest.NewModel()}
	var states []waybill.ChannelState
	for n := range channels {
		number := waybill.ChannelNumber(n + 1)
		states = append(states, waybill.ChannelState{Number: number, Provider: waybill.ProviderWABA})
		b.channels = append(b.channels, waybill.Channel{ID: fmt.Sprint("c", number), Number: number})
	}
	if err := b.Configure(t.Context(), waybill.Change{Channels: states}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *business) add(t *testing.T, channel waybill.ChannelNumber, message, template string, s waybill.Status) {
	t.Helper()
	e := waybill.Event{Channel: channel, Message: message, Status: s, At: noon}
	if template != "" {
		e.Labels.Set(waybill.LabelTemplate, template, waybill.RankOwn)
	}
	if _, err := b.Append(t.Context(), []waybill.Event{e}); err != nil {
		t.Fatal(err)
	}
}

// gather returns the series of a census with their values.
func gather(t *testing.T, c *census.Census) []string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	var series []string
	for _, f := range families {
		if f.GetName() == "waybill_messages_timestamp_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			series = append(series, fmt.Sprintf("%s %v", strings.Join(labels, " "), m.GetGauge().GetValue()))
		}
	}
	return series
}

func TestCensus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBusiness(t, 2)
		c := census.New(census.Options{
			Store: b, Channels: func() []waybill.Channel { return b.channels }, MaxChannels: 20,
			Templates: []census.Template{{"c1", "welcome"}, {"c1", "never"}, {"c1", "welcome"}, {"gone", "x"}},
			Every:     30 * time.Second, Log: slog.New(slog.DiscardHandler),
		})
		b.add(t, 1, "a", "welcome", waybill.StatusRead)
		b.add(t, 1, "b", "", waybill.StatusSent)
		b.add(t, 2, "c", "welcome", waybill.StatusFailed)
		if series := gather(t, c); len(series) != 0 {
			t.Errorf("a first scrape has %v", series)
		}
		wants := func(want ...string) {
			t.Helper()
			synctest.Wait()
			series := gather(t, c)
			for _, line := range want {
				if !slices.Contains(series, line) {
					t.Errorf("no %q in\n%s", line, strings.Join(series, "\n"))
				}
			}
			if len(series) != 6*4 {
				t.Errorf("%d series, want those of two channels and two templates", len(series))
			}
		}
		wants("c1 accepted 2", "c1 sent 2", "c1 delivered 1", "c1 read 1", "c1 failed 0", "c1 clicked 0",
			"c2 failed 1", "c2 sent 0", "c1 read welcome 1", "c1 sent never 0")
		b.add(t, 1, "b", "never", waybill.StatusDelivered)
		wants("c1 delivered 1") // they are not asked for again so soon
		time.Sleep(31 * time.Second)
		gather(t, c)
		wants("c1 delivered 2", "c1 sent never 1", "c1 sent welcome 1")
	})
}

func TestCensusIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBusiness(t, 30)
		b.channels[1].ID = "other" // as it may be called
		slices.Reverse(b.channels)
		for n := range 30 {
			b.add(t, waybill.ChannelNumber(n+1), "m", "", waybill.StatusSent)
		}
		c := census.New(census.Options{
			Store: b, Channels: func() []waybill.Channel { return b.channels }, MaxChannels: 3,
			Every: time.Second, Log: slog.New(slog.DiscardHandler),
		})
		gather(t, c)
		synctest.Wait()
		series := gather(t, c)
		for _, want := range []string{"c1 sent 1", "c3 sent 1", "c4 sent 1", "other sent 27"} {
			if !slices.Contains(series, want) {
				t.Errorf("no %q in\n%s", want, strings.Join(series, "\n"))
			}
		}
		if len(series) != 6*4 {
			t.Errorf("%d series, want those of four channels", len(series))
		}
		if b.channels[0].ID != "c30" {
			t.Error("the list of channels, which is shared, was sorted")
		}
	})
}

// failing fails now and then.
type failing struct {
	*business
	broken atomic.Bool
}

func (f *failing) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	if f.broken.Load() {
		return nil, waybill.Errorf(waybill.Unavailable, "the disk failed")
	}
	return f.business.Points(ctx, q)
}

func TestCensusOfAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{business: newBusiness(t, 1)}
		f.add(t, 1, "m", "", waybill.StatusSent)
		var log strings.Builder
		c := census.New(census.Options{
			Store: f, Channels: func() []waybill.Channel { return f.channels }, MaxChannels: 1,
			Every: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		gather(t, c)
		synctest.Wait()
		f.broken.Store(true)
		time.Sleep(time.Minute)
		gather(t, c)
		synctest.Wait()
		if series := gather(t, c); !slices.Contains(series, "c1 sent 1") {
			t.Errorf("the last counts are gone: %v", series)
		}
		if !strings.Contains(log.String(), "the disk failed") {
			t.Errorf("the log is %q", log.String())
		}
	})
}

func TestTemplate(t *testing.T) {
	var got census.Template
	if err := got.UnmarshalText([]byte("1022/a/b")); err != nil || got != (census.Template{Channel: "1022", Code: "a/b"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "x", "/x", "x/", "\xff/x", strings.Repeat("x", 257) + "/x", "x/" + strings.Repeat("x", 257)} {
		if err := got.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "is not a template") {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
