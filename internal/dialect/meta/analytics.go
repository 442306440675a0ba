package meta

import (
	"context"
	"log/slog"
	"slices"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/meta/fields"
)

// analyticsType is what errors call the value of the field analytics.
const analyticsType = "WhatsAppBusinessAccountAnalytics"

// dataPoint is one bucket of the field analytics. Start and end are UNIX
// seconds, the end is the start of the next bucket.
type dataPoint struct {
	Start     int64 `json:"start"`
	End       int64 `json:"end"`
	Sent      int64 `json:"sent"`
	Delivered int64 `json:"delivered"`
}

// analytics answers the field analytics of a WhatsApp Business Account.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics/
func (a *API) analytics(ctx context.Context, node waybill.Channel, f fields.Field) (any, error) {
	dialect.SetLogAttr(ctx, slog.String("operation", "analytics"))
	p, err := parseAnalytics(f, node.Zone)
	if err != nil {
		return nil, err
	}
	phones, err := a.phonesInScope(ctx, node, p.phones)
	if err != nil {
		return nil, err
	}
	points, err := a.dataPoints(ctx, node, p)
	if err != nil {
		return nil, err
	}
	out := object{{"phone_numbers", phones}}
	if p.countriesNamed {
		countries, err := a.countriesInScope(ctx, node, p.countries)
		if err != nil {
			return nil, err
		}
		out = append(out, member{"country_codes", countries})
	}
	out = append(out, member{"granularity", p.granularityName}, member{"data_points", points})
	return out.pick(f.Sub, analyticsType)
}

// dataPoints are the buckets of the field analytics, ascending.
type dataPoints []dataPoint

// pick returns the parts that the selection names of each point.
func (ps dataPoints) pick(selection []fields.Field) (any, error) {
	// A wrong name is refused where there are no points, too.
	if _, err := (dataPoint{}).pick(selection); err != nil {
		return nil, err
	}
	picked := make([]object, len(ps))
	for i, p := range ps {
		var err error
		if picked[i], err = p.pick(selection); err != nil {
			return nil, err
		}
	}
	return picked, nil
}

func (p dataPoint) pick(selection []fields.Field) (object, error) {
	whole := object{{"start", p.Start}, {"end", p.End}, {"sent", p.Sent}, {"delivered", p.Delivered}}
	return whole.pick(selection, analyticsType)
}

// dataPoints returns the buckets in which something was sent or delivered.
func (a *API) dataPoints(ctx context.Context, node waybill.Channel, p analyticsParams) (dataPoints, error) {
	q := waybill.Query{
		Channels:    []waybill.ChannelNumber{node.Number},
		From:        p.start,
		To:          p.end,
		Granularity: p.granularity,
		Zone:        node.Zone,
		Where:       []waybill.Filter{{By: waybill.DimKind, Values: p.kinds}},
	}
	if len(p.phones) > 0 {
		q.Where = append(q.Where, waybill.Filter{By: waybill.Dimension(waybill.LabelSender), Values: p.phones})
	}
	if len(p.countries) > 0 {
		q.Where = append(q.Where, waybill.Filter{By: waybill.Dimension(waybill.LabelCountry), Values: p.countries})
	}
	points, err := a.store.Points(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make(dataPoints, 0, len(points))
	for _, point := range points {
		sent, delivered := point.Counts[waybill.Sent], point.Counts[waybill.Delivered]
		if sent == 0 && delivered == 0 {
			continue
		}
		out = append(out, dataPoint{int64(point.Bucket.Start), int64(point.Bucket.End), sent, delivered})
	}
	return out, nil
}

// phonesInScope returns the numbers that an answer is about: those asked for,
// else all that the account has registered or that have sent or received.
func (a *API) phonesInScope(ctx context.Context, node waybill.Channel, asked []string) ([]string, error) {
	if len(asked) > 0 {
		return asked, nil
	}
	seen, err := a.store.Values(ctx, node.Number, waybill.LabelSender)
	if err != nil {
		return nil, err
	}
	all := append(slices.Clone(node.Senders), seen...)
	all = slices.DeleteFunc(all, func(s string) bool { return !digitsPattern.MatchString(s) })
	slices.Sort(all)
	return slices.Compact(all), nil
}

// countriesInScope returns the countries asked for, else all that were seen.
func (a *API) countriesInScope(ctx context.Context, node waybill.Channel, asked []string) ([]string, error) {
	if len(asked) > 0 {
		return asked, nil
	}
	return a.store.Values(ctx, node.Number, waybill.LabelCountry)
}
