package meta

import (
	"context"
	"slices"
	"strings"

	"waybill"
)

// pricingSeries is the field and edge pricing_analytics: the messages delivered,
// by what Meta charges for them.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics/
var pricingSeries = &seriesSpec{
	params: append(slices.Clone(spanArguments), "metric_types", "pricing_types", "pricing_categories", "dimensions"),
	shape: seriesShape(nil,
		"start", "end", "phone_number", "country", "tier", "pricing_type", "pricing_category", "volume", "cost"),
	read: (*API).pricingAnalytics,
}

// The values of the parameters of pricing_analytics.
var (
	pricingMetrics = []string{"COST", "VOLUME"}
	pricingTypes   = []string{"REGULAR", "FREE_CUSTOMER_SERVICE", "FREE_ENTRY_POINT"}
)

// pricingDimensions are the dimensions by which volumes can be broken down, in
// the order of their keys in a point.
var pricingDimensions = []struct {
	name, key string
	label     waybill.Label
}{
	{"PHONE", "phone_number", waybill.LabelSender},
	{"COUNTRY", "country", waybill.LabelCountry},
	{"TIER", "tier", waybill.LabelTier},
	{"PRICING_TYPE", "pricing_type", waybill.LabelPricingType},
	{"PRICING_CATEGORY", "pricing_category", waybill.LabelPricingCategory},
}

// pricingParams are the parameters of pricing_analytics.
type pricingParams struct {
	span
	metrics, types, categories, dimensions []string
}

func parsePricing(in *input, n *node) (p pricingParams, err error) {
	if p.span, err = parseSpan(&in.arguments, n.channel.Zone, seriesSpellings); err != nil {
		return p, err
	}
	names := make([]string, len(pricingDimensions))
	for i, d := range pricingDimensions {
		names[i] = d.name
	}
	for _, l := range []struct {
		name  string
		into  *[]string
		words []string
	}{
		{"metric_types", &p.metrics, pricingMetrics},
		{"pricing_types", &p.types, pricingTypes},
		{"pricing_categories", &p.categories, waybill.PricingCategories},
		{"dimensions", &p.dimensions, names},
	} {
		if *l.into, err = in.list(l.name, oneOf(l.words...)); err != nil {
			return p, err
		}
	}
	if len(p.metrics) == 0 {
		p.metrics = pricingMetrics
	}
	return p, nil
}

// pricingAnalytics answers pricing_analytics.
func (a *API) pricingAnalytics(ctx context.Context, s *session, n *node, in *input) (*rows, error) {
	p, err := parsePricing(in, n)
	if err != nil {
		return nil, err
	}
	var card *rateCard
	if slices.Contains(p.metrics, "COST") {
		card = s.rateCard(n.channel)
		if card == nil && len(p.metrics) == 1 {
			return nil, errNoCard(n.channel)
		}
	}
	q := p.query(n.channel)
	where(&q, waybill.DimKind, []string{waybill.KindTemplate.String(), waybill.KindSession.String()})
	where(&q, waybill.Dimension(waybill.LabelPricingType), p.types)
	where(&q, waybill.Dimension(waybill.LabelPricingCategory), p.categories)
	volumes := newVolumes(&q, p, card)
	for _, part := range card.parts(p.start, p.end) {
		q.From, q.To = part.Start, part.End
		list, err := a.points(ctx, s, q)
		if err != nil {
			return nil, err
		}
		volumes.add(list, part.Start)
		waybill.Recycle(list)
	}
	return &rows{list: volumes.rows(p)}, nil
}

// volumes collect the points of pricing_analytics.
type volumes struct {
	card *rateCard
	at   map[waybill.Label]int // of each label in the keys of the points
	show []int                 // the dimensions that were asked for
	sums map[string]*volume
}

type volume struct {
	bucket   waybill.Bucket
	values   []string // of the dimensions that were asked for
	messages int64
	cost     money
}

// newVolumes makes q group by what the points need: the dimensions that were
// asked for, and what tells the price.
func newVolumes(q *waybill.Query, p pricingParams, card *rateCard) *volumes {
	v := &volumes{card: card, at: make(map[waybill.Label]int), sums: make(map[string]*volume)}
	for i, d := range pricingDimensions {
		asked := slices.Contains(p.dimensions, d.name)
		if asked {
			v.show = append(v.show, i)
		}
		needed := d.label == waybill.LabelPricingType || d.label == waybill.LabelPricingCategory ||
			card != nil && d.label != waybill.LabelSender
		if asked || needed {
			v.at[d.label] = len(q.GroupBy)
			q.GroupBy = append(q.GroupBy, waybill.Dimension(d.label))
		}
	}
	return v
}

// value returns the value of a label in the key of a point, empty where the
// points are not grouped by it.
func (v *volumes) value(p *waybill.Point, l waybill.Label) string {
	if i, ok := v.at[l]; ok {
		return p.Key[i]
	}
	return ""
}

// add adds points of a part of the range in which prices are the same. A message
// of whose price nothing was reported counts nowhere, so that a whole is the sum
// of its parts.
func (v *volumes) add(list []waybill.Point, at waybill.Instant) {
	for i := range list {
		p := &list[i]
		what := priced{
			category: v.value(p, waybill.LabelPricingCategory), kind: v.value(p, waybill.LabelPricingType),
			country: v.value(p, waybill.LabelCountry), tier: v.value(p, waybill.LabelTier),
		}
		n := p.Counts[waybill.Delivered]
		if n == 0 || what.category == "" && what.kind == "" {
			continue
		}
		values := make([]string, len(v.show))
		for j, d := range v.show {
			values[j] = v.value(p, pricingDimensions[d].label)
		}
		key := rowKey(p.Bucket.Start, values...)
		sum := v.sums[key]
		if sum == nil {
			sum = &volume{bucket: p.Bucket, values: values}
			v.sums[key] = sum
		}
		sum.messages += n
		if v.card != nil {
			sum.cost.add(v.card, what, n, at)
		}
	}
}

// rows returns the points of which there is something to tell. A point without a
// value of a dimension leaves that out, as Meta does with the tier of a free
// message.
func (v *volumes) rows(p pricingParams) []row {
	list := make([]row, 0, len(v.sums))
	for key, sum := range v.sums {
		point := object{{"start", int64(sum.bucket.Start)}, {"end", int64(sum.bucket.End)}}
		for j, d := range v.show {
			if sum.values[j] != "" {
				point = append(point, member{pricingDimensions[d].key, sum.values[j]})
			}
		}
		withVolume := slices.Contains(p.metrics, "VOLUME")
		if withVolume {
			point = append(point, member{"volume", sum.messages})
		}
		cost, known := sum.cost.known()
		if known {
			point = append(point, member{"cost", decimal(cost)})
		}
		if !withVolume && !known {
			continue
		}
		list = append(list, row{key, point})
	}
	slices.SortFunc(list, func(a, b row) int { return strings.Compare(a.key, b.key) })
	return list
}
