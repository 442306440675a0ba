package meta

import (
	"context"
	"slices"
	"strings"
	"time"

	"waybill"
)

// templateSeries is the edge template_analytics.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics/
var templateSeries = &seriesSpec{
	params: []string{
		"start", "end", "granularity", "template_ids", "metric_types", "product_type", "use_waba_timezone",
	},
	paged: true,
	shape: templateShape("template_id", "start", "end", "sent", "delivered", "read"),
	read:  (*API).templateAnalytics,
}

// templateShape returns the shape of the analytics of templates, or of groups of
// them, whose points have clicks and costs besides the named parts.
func templateShape(point ...string) *shape {
	s := seriesShape([]string{"granularity", "product_type", "waba_timezone"}, point...)
	parts := s.parts["data_points"].parts
	parts["clicked"] = flat("WhatsAppBusinessAccountAnalyticsClicks", "type", "button_content", "count")
	parts["cost"] = flat("WhatsAppBusinessAccountAnalyticsCost", "type", "value")
	return s
}

// The metrics of templates. Those of apps and web sites are known and have no
// values here: Meta measures them where its pixel is.
const (
	metricSent      = "SENT"
	metricDelivered = "DELIVERED"
	metricRead      = "READ"
	metricClicked   = "CLICKED"
	metricCost      = "COST"
)

var templateMetrics = []string{
	metricSent, metricDelivered, metricRead, metricClicked, metricCost,
	"APP_ACTIVATIONS", "APP_ADD_TO_CART", "APP_CHECKOUTS_INITIATED", "APP_PURCHASES",
	"APP_PURCHASES_CONVERSION_VALUE", "WEBSITE_ADD_TO_CART", "WEBSITE_CHECKOUTS_INITIATED",
	"WEBSITE_PURCHASES", "WEBSITE_PURCHASES_CONVERSION_VALUE",
}

// liteCategory is the pricing category of messages that went through the
// Marketing Messages API; all others went through the Cloud API.
const liteCategory = "MARKETING_LITE"

// product reads a product type, by which of the two APIs sent a message.
func product(text string) (value, want string) {
	if strings.EqualFold(text, "marketing_messages_lite_api") { // the older name
		text = "MARKETING_MESSAGES_API_FOR_WHATSAPP"
	}
	return oneOf("CLOUD_API", "MARKETING_MESSAGES_API_FOR_WHATSAPP")(text)
}

// days are a range of whole days of a zone.
type days struct {
	start, end waybill.Instant // half-open
	zone       *time.Location
	local      bool // the zone is the account's
}

// parseDays reads start and end, which stand for the days that they are in. The
// day of the end is in the range: a range within one day is that day, as Meta's
// example shows. In the account's zone only dates say what is meant.
func parseDays(args *arguments, zone *time.Location) (d days, err error) {
	if d.local, err = args.truth("use_waba_timezone"); err != nil {
		return d, err
	}
	if d.zone = time.UTC; d.local {
		d.zone = zone
		for _, name := range []string{"start", "end"} {
			text, err := args.scalar(name)
			if err != nil {
				return d, err
			}
			if _, err := time.Parse(time.DateOnly, text); err != nil {
				return d, errParam("Param %s must be a date such as 2026-01-31 with use_waba_timezone - got %q", name, text)
			}
		}
	}
	if d.start, err = args.instant("start", d.zone); err != nil {
		return d, err
	}
	if d.end, err = args.instant("end", d.zone); err != nil {
		return d, err
	}
	d.start = waybill.Day.BucketOf(d.start, d.zone).Start
	last := waybill.Day.BucketOf(d.end, d.zone)
	if last.Start < d.start {
		return d, errParam("Param end must not be before start - got start %d and end %d", d.start, d.end)
	}
	d.end = min(last.End, waybill.MaxInstant)
	if _, _, err = args.granularity(dailySpelling); err != nil {
		return d, err
	}
	return d, nil
}

// templateParams are the parameters of template_analytics.
type templateParams struct {
	days
	ids     []string // empty means all
	metrics []string
	lite    bool // messages of the Marketing Messages API
}

func (p *templateParams) wants(metric string) bool { return slices.Contains(p.metrics, metric) }

func parseTemplates(args *arguments, zone *time.Location) (p templateParams, err error) {
	if p.days, err = parseDays(args, zone); err != nil {
		return p, err
	}
	if p.ids, err = args.list("template_ids", templateID); err != nil {
		return p, err
	}
	if p.metrics, err = args.list("metric_types", oneOf(templateMetrics...)); err != nil {
		return p, err
	}
	if len(p.metrics) == 0 {
		p.metrics = templateMetrics
	}
	text, ok, err := args.optional("product_type")
	if err != nil || !ok {
		return p, err
	}
	name, want := product(text)
	if want != "" {
		return p, errParam("Param product_type must be %s - got %q", want, text)
	}
	p.lite = name != "CLOUD_API"
	return p, nil
}

// templateAnalytics answers the edge template_analytics.
func (a *API) templateAnalytics(ctx context.Context, s *session, n *node, in *input) (*rows, error) {
	switch n.channel.Insights {
	case waybill.InsightsDisabled:
		return nil, errInsightsDisabled()
	case waybill.InsightsUnavailable:
		return nil, errInsightsUnavailable()
	}
	p, err := parseTemplates(&in.arguments, n.channel.Zone)
	if err != nil {
		return nil, err
	}
	count := newTemplateCount(s, n, p)
	var card *rateCard
	if p.wants(metricCost) {
		card = s.rateCard(n.channel)
		if card == nil && len(p.metrics) == 1 {
			return nil, errNoCard(n.channel)
		}
	}
	if err := a.countTemplates(ctx, s, n, p, card, count); err != nil {
		return nil, err
	}
	product := "cloud_api"
	if p.lite {
		product = "marketing_messages_api_for_whatsapp"
	}
	out := &rows{head: object{{"granularity", "DAILY"}, {"product_type", product}}}
	if p.local {
		out.head = append(out.head, member{"waba_timezone", n.channel.Zone.String()})
	}
	out.list = count.rows(p)
	return out, nil
}

// countTemplates counts what the points are made of.
func (a *API) countTemplates(
	ctx context.Context, s *session, n *node, p templateParams, card *rateCard, count *templateCount,
) error {
	q := waybill.Query{
		Channels: []waybill.ChannelNumber{n.channel.Number}, From: p.start, To: p.end,
		Granularity: waybill.Day, Zone: p.zone,
		GroupBy: []waybill.Dimension{
			waybill.Dimension(waybill.LabelTemplate), waybill.Dimension(waybill.LabelLanguage),
			waybill.Dimension(waybill.LabelPricingCategory),
		},
	}
	where(&q, waybill.Dimension(waybill.LabelTemplate), count.values())
	if p.wants(metricClicked) || card != nil {
		clicks := q
		clicks.GroupBy = append(slices.Clone(q.GroupBy), waybill.DimDetail)
		list, err := a.points(ctx, s, clicks)
		if err != nil {
			return err
		}
		count.addClicks(list)
		waybill.Recycle(list)
	}
	if card != nil {
		q.GroupBy = append(q.GroupBy, waybill.Dimension(waybill.LabelPricingType),
			waybill.Dimension(waybill.LabelCountry), waybill.Dimension(waybill.LabelTier))
	}
	for _, part := range card.parts(p.start, p.end) {
		q.From, q.To = part.Start, part.End
		list, err := a.points(ctx, s, q)
		if err != nil {
			return err
		}
		count.add(list, card, part.Start)
		waybill.Recycle(list)
	}
	return nil
}
