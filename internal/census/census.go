// Package census counts the messages of a store for Prometheus: how many reached
// each stage, by channel, and by those templates that somebody named. What a server
// does itself is counted by package telemetry.
package census

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"waybill"
	"waybill/internal/telemetry"
)

const (
	// MaxTemplates bounds the templates that are counted, each of which has a series
	// for every stage.
	MaxTemplates = 50

	// MaxChannels bounds the channels that are told apart.
	MaxChannels = 100

	// other stands for the channels that are not told apart.
	other = "other"

	// maxName bounds a part of the name of a template, in bytes.
	maxName = 256
)

// A Template names a template by the ID of its channel and the vendor's code. All
// its languages count.
type Template struct{ Channel, Code string }

// UnmarshalText implements encoding.TextUnmarshaler: CHANNEL/CODE.
func (t *Template) UnmarshalText(text []byte) error {
	channel, code, ok := strings.Cut(string(text), "/")
	if !ok || channel == "" || code == "" || len(channel) > maxName || len(code) > maxName || !utf8.Valid(text) {
		return fmt.Errorf("%.100q is not a template such as 102290129340398/1100: the ID of a channel, a slash, the code", text)
	}
	*t = Template{channel, code}
	return nil
}

// Options are what a Census is made of.
type Options struct {
	Store    waybill.Store
	Channels func() []waybill.Channel // all there are

	// MaxChannels is how many channels are told apart, those first that came
	// first. The others are counted together.
	MaxChannels int

	Templates []Template    // those that are counted
	Every     time.Duration // how old the counts may be
	Log       *slog.Logger
}

// A Census is a prometheus.Collector of the messages of a store. The counts are the
// store's own, as exact as any answer: all-time totals, in which a message counts
// once in each stage that it reached. They are gauges, since a late report can
// move a message to another template. They are asked for in the background, so that
// a scrape never waits.
type Census struct {
	opt    Options
	counts *telemetry.Cached[[]count]
}

// A count is the counts of a channel, or of a template of it.
type count struct {
	channel, template string // the template is empty for the whole channel
	waybill.Counts
}

// New returns a census. Its first scrape has no counts.
func New(opt Options) *Census {
	c := &Census{opt: opt}
	c.counts = telemetry.NewCached(opt.Every, func(ctx context.Context) ([]count, error) {
		counts, err := c.ask(ctx)
		if err != nil {
			opt.Log.WarnContext(ctx, "messages cannot be counted for metrics", "err", err)
		}
		return counts, err
	})
	return c
}

// told are the metrics that are told as stages. Clicks are no messages.
var told = []waybill.Metric{
	waybill.Metric(waybill.Accepted), waybill.Metric(waybill.Sent), waybill.Metric(waybill.Delivered),
	waybill.Metric(waybill.Read), waybill.Metric(waybill.Failed), waybill.Clicked,
}

var (
	channelDesc = prometheus.NewDesc("waybill_messages",
		"Messages of all time that reached a stage. It can fall when a report corrects an earlier one.",
		[]string{"channel", "stage"}, nil)
	templateDesc = prometheus.NewDesc("waybill_template_messages",
		"Messages of all time of a template that reached a stage, for the templates that --metrics-templates names.",
		[]string{"channel", "template", "stage"}, nil)
	timeDesc = prometheus.NewDesc("waybill_messages_timestamp_seconds",
		"When the messages were counted for this scrape.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *Census) Describe(to chan<- *prometheus.Desc) {
	to <- channelDesc
	to <- templateDesc
	to <- timeDesc
}

// Collect implements prometheus.Collector.
func (c *Census) Collect(to chan<- prometheus.Metric) {
	counts, at, ok := c.counts.Latest()
	if !ok {
		return
	}
	send := func(d *prometheus.Desc, value int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	send(timeDesc, at.Unix())
	for _, n := range counts {
		for _, m := range told {
			if n.template == "" {
				send(channelDesc, n.Counts[m], n.channel, m.String())
			} else {
				send(templateDesc, n.Counts[m], n.channel, n.template, m.String())
			}
		}
	}
}

// ask returns the counts of all channels, then those of the templates.
func (c *Census) ask(ctx context.Context) ([]count, error) {
	channels := slices.Clone(c.opt.Channels())
	slices.SortFunc(channels, func(a, b waybill.Channel) int { return int(a.Number) - int(b.Number) })
	counts, err := c.channels(ctx, channels)
	if err != nil {
		return nil, err
	}
	templates, err := c.templates(ctx, channels)
	return append(counts, templates...), err
}

// allTime is the question for everything there is.
func allTime(channels []waybill.ChannelNumber, by waybill.Dimension) waybill.Query {
	return waybill.Query{
		Channels: channels, From: waybill.EarliestEvent, To: waybill.MaxInstant,
		Granularity: waybill.Total, Basis: waybill.ByEvent, GroupBy: []waybill.Dimension{by},
	}
}

func (c *Census) channels(ctx context.Context, channels []waybill.Channel) ([]count, error) {
	numbers := make([]waybill.ChannelNumber, len(channels))
	for i := range channels {
		numbers[i] = channels[i].Number
	}
	points, err := c.opt.Store.Points(ctx, allTime(numbers, waybill.DimChannel))
	if err != nil {
		return nil, err
	}
	by := byKey(points)
	var counts []count
	var rest waybill.Counts
	for i := range channels {
		n := by[strconv.FormatUint(uint64(channels[i].Number), 10)]
		if len(counts) >= c.opt.MaxChannels || channels[i].ID == other {
			rest.Add(n)
			continue
		}
		counts = append(counts, count{channel: channels[i].ID, Counts: n})
	}
	if len(channels) > len(counts) {
		counts = append(counts, count{channel: other, Counts: rest})
	}
	return counts, nil
}

// templates counts the templates of each channel that has some, and leaves out
// channels that do not exist, yet or any more.
func (c *Census) templates(ctx context.Context, channels []waybill.Channel) ([]count, error) {
	var counts []count
	for i := range channels {
		var codes []string
		for _, t := range c.opt.Templates {
			if t.Channel == channels[i].ID && !slices.Contains(codes, t.Code) {
				codes = append(codes, t.Code)
			}
		}
		if len(codes) == 0 {
			continue
		}
		template := waybill.Dimension(waybill.LabelTemplate)
		q := allTime([]waybill.ChannelNumber{channels[i].Number}, template)
		q.Where = []waybill.Filter{{By: template, Values: codes}}
		points, err := c.opt.Store.Points(ctx, q)
		if err != nil {
			return nil, err
		}
		by := byKey(points)
		for _, code := range codes {
			counts = append(counts, count{channel: channels[i].ID, template: code, Counts: by[code]})
		}
	}
	return counts, nil
}

func byKey(points []waybill.Point) map[string]waybill.Counts {
	by := make(map[string]waybill.Counts, len(points))
	for i := range points {
		by[points[i].Key[0]] = points[i].Counts
	}
	return by
}
