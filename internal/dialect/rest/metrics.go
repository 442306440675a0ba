package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"waybill"
)

// metricsParams ask for a series.
type metricsParams struct {
	Channels []string `query:"channel" doc:"IDs of channels, each as a parameter of its own; all that the token reaches where there is none." example:"cams-demo"`
	span
	Granularity string   `query:"granularity" enum:"quarter_hour,half_hour,hour,day,month,total,auto" default:"day" doc:"Length of the buckets, on the clock and calendar of the zone. Auto is the finest with at most 200 buckets, and the answer says which that is."`
	GroupBy     []string `query:"group_by" list:"comma" enum:"sender,template,language,country,category,campaign,segment,pricing_type,pricing_category,tier,kind,channel,error,button" doc:"What to break the counts down by. Error leaves failures that have a code; button leaves clicks, as type:text." example:"template,country"`
	labels
	Basis   string   `query:"basis" enum:"event,send" default:"event" doc:"When a message counts: each stage at its own time, or all of them at the time it was sent, so that rates are those of the messages of a period."`
	Metrics []string `query:"metrics" list:"comma" enum:"accepted,sent,delivered,read,failed,clicked,clicks" doc:"Which counts to show; all where it is absent." example:"sent,delivered"`
	Rates   bool     `query:"rates" doc:"Show rates, too: delivered/sent, read/delivered, failed/accepted, clicked/delivered." example:"true"`
	Order   string   `query:"order" enum:"accepted,sent,delivered,read,failed,clicked,clicks,-accepted,-sent,-delivered,-read,-failed,-clicked,-clicks" doc:"Rank the groups by their sum over the range, the smallest first, or with a minus the largest."`
	Limit   int      `query:"limit" min:"1" max:"10000" doc:"Show only so many groups, the first by order, which is the largest first where it is absent." example:"20"`
	tables
}

// maxSeries bounds a series, in points.
const maxSeries = 300_000

// metrics answers a series of counts.
func (a *API) metrics(ctx context.Context, c *call, p *metricsParams) (*series, error) {
	chosen, err := a.channelsOf(c, p.Channels)
	if err != nil {
		return nil, err
	}
	s, err := p.series(chosen)
	if err != nil {
		return nil, err
	}
	q, err := a.metricsQuery(p, chosen)
	if err != nil {
		return nil, err
	}
	points, err := a.opt.Store.Points(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(points) > maxSeries {
		return nil, waybill.Errorf(waybill.TooLarge, "the answer would have %d points, more than %d", len(points), maxSeries)
	}
	s.query = q
	s.set(points)
	return s, nil
}

// metricsQuery returns the question to the store.
func (a *API) metricsQuery(p *metricsParams, chosen selection) (waybill.Query, error) {
	zone := p.zoneOf(chosen)
	from, to, err := p.within(a.opt.Now(), zone, false)
	if err != nil {
		return waybill.Query{}, err
	}
	q := waybill.Query{
		Channels: chosen.numbers(), From: from, To: to, Granularity: granularityOf(p.Granularity, from, to), Zone: zone,
		Basis: basisOf(p.Basis), Where: p.where(), Collected: p.Collected,
	}
	for _, name := range p.GroupBy {
		q.GroupBy = append(q.GroupBy, dimensionOf(name))
	}
	if len(p.Category) > 0 || slices.Contains(p.GroupBy, waybill.LabelCategory.String()) {
		q.Categories = chosen.categories(a.opt.Directory.View())
	}
	return q, q.Validate()
}

func basisOf(name string) waybill.Basis {
	if name == "send" {
		return waybill.BySend
	}
	return waybill.ByEvent
}

// metricOf returns the metric with a name, which may have a minus in front.
func metricOf(name string) (m waybill.Metric) {
	for m.String() != strings.TrimPrefix(name, "-") {
		m++
	}
	return m
}

// counted returns what is counted of the groups that p asks for, and which of the
// two sorts of detail they have, if any.
func (p *metricsParams) counted() (metrics []waybill.Metric, detail string, err error) {
	for m := range waybill.NumMetrics {
		metrics = append(metrics, waybill.Metric(m))
	}
	for _, name := range p.GroupBy {
		switch {
		case dimensionOf(name) != waybill.DimDetail:
			continue
		case detail != "":
			return nil, "", waybill.Errorf(waybill.Invalid, "group_by names error and button, but no count has both")
		case name == byError:
			metrics = []waybill.Metric{waybill.Metric(waybill.Failed)}
		default:
			metrics = []waybill.Metric{waybill.Clicked, waybill.Clicks}
		}
		detail = name
	}
	return metrics, detail, nil
}

// series returns the series that p asks for, still empty, or what is wrong with its
// combination.
func (p *metricsParams) series(chosen selection) (*series, error) {
	counted, detail, err := p.counted()
	if err != nil {
		return nil, err
	}
	s := &series{groups: p.GroupBy, detail: detail, rates: p.Rates, channels: chosen, metrics: counted}
	if p.Rates && detail != "" {
		return nil, waybill.Errorf(waybill.Invalid, "there are no rates by %s: sent and delivered messages have none", detail)
	}
	wanted := slices.Clone(p.Metrics)
	if p.Order != "" {
		wanted = append(wanted, p.Order)
	}
	for _, name := range wanted {
		if m := metricOf(name); !slices.Contains(counted, m) {
			return nil, waybill.Errorf(waybill.Invalid, "%s is not counted by %s", m, detail)
		}
	}
	if len(p.Metrics) > 0 {
		s.metrics = nil
		for _, name := range p.Metrics {
			s.metrics = append(s.metrics, metricOf(name))
		}
	}
	if p.Order == "" && p.Limit == 0 {
		return s, nil
	}
	if len(p.GroupBy) == 0 {
		return nil, waybill.Errorf(waybill.Invalid, "order and limit rank groups, but group_by is missing")
	}
	s.ranking = &ranking{metric: s.metrics[0], largest: true, limit: p.Limit}
	if p.Order != "" {
		s.ranking.metric, s.ranking.largest = metricOf(p.Order), strings.HasPrefix(p.Order, "-")
	}
	return s, nil
}

func metricsRoutes() []route {
	return []route{
		{
			method: http.MethodGet, pattern: "/metrics", scope: waybill.ScopeMetricsRead, perChannel: true, heavy: true,
			id: "getMetrics", tag: tagMetrics, summary: "A series of counts",
			doc: "Buckets in which nothing counts are left out. Totals are the sums over all points, those of groups that `limit` " +
				"leaves out too.\n\n" +
				"The counters know quarters of an hour: the start is rounded down to one and the end up, and exactly these count. " +
				"A bucket is shown whole.\n\n" +
				"Messages that came in count too, as accepted, sent and delivered: `kind=session&kind=template` leaves those that went " +
				"out, as the vendors count them.\n\n" +
				"Rates are null where they would divide by 0. With `basis=event` they can pass 1, since what is read today was " +
				"perhaps sent yesterday: ask with `basis=send` for rates.\n\n" +
				"Every number can be opened: `GET /messages` with the same filters lists the messages that it counts.",
			operation: does((*API).metrics),
			example: `{"from":"2026-11-20T00:00:00+07:00","to":"2026-11-27T00:00:00+07:00","granularity":"day","time_zone":"Asia/Jakarta",` +
				`"basis":"send","group_by":["template"],"points":[{"start":"2026-11-20T00:00:00+07:00","end":"2026-11-21T00:00:00+07:00",` +
				`"group":{"template":"1100"},"counts":{"accepted":5,"sent":5,"delivered":4,"read":2,"failed":0,"clicked":1,"clicks":1},` +
				`"rates":{"delivered":0.8,"read":0.5,"failed":0,"clicked":0.25}}],` +
				`"totals":{"counts":{"accepted":5,"sent":5,"delivered":4,"read":2,"failed":0,"clicked":1,"clicks":1},` +
				`"rates":{"delivered":0.8,"read":0.5,"failed":0,"clicked":0.25}}}`,
		},
	}
}
