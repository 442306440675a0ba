package dialect

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"waybill"
	"waybill/internal/telemetry"
)

// maxLoggedChannels bounds the channels that a line of the log names.
const maxLoggedChannels = 10

// An Observed is a store whose questions are counted, and logged where they take
// long. Such a line has what a question asks, but no values: they may be phone
// numbers, or the texts of a customer.
type Observed struct {
	waybill.Store
	opt ObservedOptions
}

// ObservedOptions are what an Observed is made of.
type ObservedOptions struct {
	Metrics *telemetry.Metrics
	Log     *slog.Logger

	// Slow is how long a question takes that is logged; 0 logs none.
	Slow time.Duration

	// Channel returns the ID of a channel for the log.
	Channel func(waybill.ChannelNumber) string
}

// Observe returns store with its questions observed.
func Observe(store waybill.Store, opt ObservedOptions) *Observed { return &Observed{store, opt} }

// Points implements waybill.Store.
func (o *Observed) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	begun := time.Now()
	points, err := o.Store.Points(ctx, q)
	o.note(ctx, begun, "points", len(points), err, func() []slog.Attr { return describePoints(&q, o.ids(q.Channels)) })
	return points, err
}

// Messages implements waybill.Store.
func (o *Observed) Messages(ctx context.Context, q waybill.MessageQuery) (waybill.MessagePage, error) {
	begun := time.Now()
	page, err := o.Store.Messages(ctx, q)
	o.note(ctx, begun, "messages", len(page.Messages), err, func() []slog.Attr {
		asked := q.Query()
		return append(describePoints(&asked, o.ids([]waybill.ChannelNumber{q.Channel})), slog.String("metric", q.Metric.String()))
	})
	return page, err
}

// Segments implements waybill.Store.
func (o *Observed) Segments(ctx context.Context, q waybill.SegmentQuery) ([]waybill.SegmentReport, error) {
	begun := time.Now()
	list, err := o.Store.Segments(ctx, q)
	o.note(ctx, begun, "segments", len(list), err, func() []slog.Attr {
		return []slog.Attr{slog.String("channels", o.ids([]waybill.ChannelNumber{q.Channel})), slog.Int("limit", q.Limit)}
	})
	return list, err
}

// note counts a question that began at some time, and logs it where it was slow.
func (o *Observed) note(ctx context.Context, begun time.Time, asks string, found int, err error, describe func() []slog.Attr) {
	took := time.Since(begun)
	o.opt.Metrics.Query(took)
	if o.opt.Slow <= 0 || took < o.opt.Slow || waybill.CodeOf(err) == waybill.Invalid {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", RequestID(ctx)), slog.String("operation", operationOf(ctx)), slog.String("asks", asks),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000), slog.Int("found", found),
	}
	attrs = append(attrs, describe()...)
	if err != nil {
		attrs = append(attrs, slog.String("err", err.Error()))
	}
	o.opt.Log.LogAttrs(ctx, slog.LevelWarn, "slow question", attrs...)
}

// ids names channels.
func (o *Observed) ids(numbers []waybill.ChannelNumber) string {
	var ids []string
	for _, n := range numbers[:min(len(numbers), maxLoggedChannels)] {
		ids = append(ids, o.opt.Channel(n))
	}
	if len(numbers) > maxLoggedChannels {
		ids = append(ids, "...")
	}
	return strings.Join(ids, ",")
}

// describePoints says what a query asks, without the values of its filters.
func describePoints(q *waybill.Query, channels string) []slog.Attr {
	zone := time.UTC
	if q.Zone != nil {
		zone = q.Zone
	}
	var groups, filters []string
	for _, d := range q.GroupBy {
		groups = append(groups, d.String())
	}
	values := 0
	for _, f := range q.Where {
		filters = append(filters, f.By.String())
		values += len(f.Values)
	}
	return []slog.Attr{
		slog.String("channels", channels), slog.Int("channel_count", len(q.Channels)),
		slog.Time("from", q.From.Time()), slog.Time("to", q.To.Time()),
		slog.String("granularity", q.Granularity.String()), slog.String("zone", zone.String()),
		slog.String("basis", [waybill.NumBases]string{"event", "send"}[q.Basis%waybill.NumBases]),
		slog.String("group_by", strings.Join(groups, ",")),
		slog.String("where", strings.Join(filters, ",")), slog.Int("values", values),
	}
}
