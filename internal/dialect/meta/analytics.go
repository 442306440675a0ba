package meta

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/meta/fields"
)

// analyticsShape is the shape of the field analytics.
var analyticsShape = &shape{"WhatsAppBusinessAccountAnalytics", map[string]*shape{
	"phone_numbers": nil, "country_codes": nil, "granularity": nil,
	"data_points": flat("WhatsAppBusinessAccountAnalytics", "start", "end", "sent", "delivered"),
}}

// dataPoint is one bucket of the field analytics. Start and end are UNIX
// seconds, the end is the start of the next bucket.
type dataPoint struct {
	Start     int64 `json:"start"`
	End       int64 `json:"end"`
	Sent      int64 `json:"sent"`
	Delivered int64 `json:"delivered"`
}

// analyticsField answers the field analytics of a WhatsApp Business Account.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics/
func (a *API) analyticsField(ctx context.Context, s *session, n *node, f fields.Field) (any, error) {
	if err := require(s.token, scopeManagement, scopeMessaging); err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.String("operation", "analytics"))
	p, err := parseAnalytics(s, f, n.channel.Zone)
	if err != nil {
		return nil, err
	}
	phones, err := a.phonesInScope(ctx, n.channel, p.phones)
	if err != nil {
		return nil, err
	}
	points, err := a.dataPoints(ctx, s, n.channel, p)
	if err != nil {
		return nil, err
	}
	out := object{{"phone_numbers", phones}}
	if p.countriesNamed {
		countries, err := a.countriesInScope(ctx, n.channel, p.countries)
		if err != nil {
			return nil, err
		}
		out = append(out, member{"country_codes", countries})
	}
	out = append(out, member{"granularity", p.granularityName}, member{"data_points", points})
	if f.Sub == nil {
		return out, nil
	}
	return analyticsShape.pickObject(out, f.Sub)
}

// dataPoints are the buckets of the field analytics, ascending.
type dataPoints []dataPoint

func (ps dataPoints) objects() []object {
	list := make([]object, len(ps))
	for i, p := range ps {
		list[i] = object{{"start", p.Start}, {"end", p.End}, {"sent", p.Sent}, {"delivered", p.Delivered}}
	}
	return list
}

// A span is the part of a series that most of the analytics are asked for.
type span struct {
	start, end      waybill.Instant
	granularity     waybill.Granularity
	granularityName string
	phones          []string // empty means all
	countries       []string // empty means all
}

var spanArguments = []string{"start", "end", "granularity", "phone_numbers", "country_codes"}

// parseSpan reads what most of the analytics have in common. zone is the
// account's: a date stands for the midnight with which it begins there.
func parseSpan(args *arguments, zone *time.Location, spellings []spelling) (p span, err error) {
	if p.start, p.end, err = args.between(zone); err != nil {
		return p, err
	}
	if p.granularity, p.granularityName, err = args.granularity(spellings); err != nil {
		return p, err
	}
	if p.phones, err = args.list("phone_numbers", phoneNumber); err != nil {
		return p, err
	}
	p.countries, err = args.list("country_codes", countryCode)
	return p, err
}

// query returns the query of the span about a channel.
func (p *span) query(c waybill.Channel) waybill.Query {
	q := waybill.Query{
		Channels: []waybill.ChannelNumber{c.Number}, From: p.start, To: p.end,
		Granularity: p.granularity, Zone: c.Zone,
	}
	where(&q, waybill.Dimension(waybill.LabelSender), p.phones)
	where(&q, waybill.Dimension(waybill.LabelCountry), p.countries)
	return q
}

// where adds a filter to q, unless there are no values.
func where(q *waybill.Query, by waybill.Dimension, values []string) {
	if len(values) > 0 {
		q.Where = append(q.Where, waybill.Filter{By: by, Values: values})
	}
}

// points asks the store, within the bounds of the request.
func (a *API) points(ctx context.Context, s *session, q waybill.Query) ([]waybill.Point, error) {
	if err := s.work.step(ctx); err != nil {
		return nil, err
	}
	points, err := a.store.Points(ctx, q)
	if err != nil {
		return nil, err
	}
	return points, s.work.count(len(points))
}

// analyticsParams are the parameters of the field analytics.
type analyticsParams struct {
	span
	kinds          []string
	countriesNamed bool // the call named country_codes, even if empty
}

var analyticsSpellings = []spelling{
	{"HALF_HOUR", "HALF_HOUR", waybill.HalfHour},
	{"DAY", "DAILY", waybill.Day},
	{"MONTH", "MONTHLY", waybill.Month},
}

// parseAnalytics reads the calls after the field name.
func parseAnalytics(s *session, f fields.Field, zone *time.Location) (p analyticsParams, err error) {
	args := fieldArguments(f)
	known := append(slices.Clone(spanArguments), "product_types")
	if err := args.complete(s, known); err != nil {
		return p, err
	}
	if err := args.only(append(known, "as")); err != nil {
		return p, err
	}
	if p.span, err = parseSpan(&args, zone, analyticsSpellings); err != nil {
		return p, err
	}
	if p.kinds, err = args.list("product_types", productKind); err != nil {
		return p, err
	}
	if len(p.kinds) == 0 {
		p.kinds = []string{waybill.KindTemplate.String(), waybill.KindSession.String()}
	}
	p.countriesNamed = args.has("country_codes") ||
		slices.ContainsFunc(f.Sub, func(part fields.Field) bool { return part.Name == "country_codes" })
	return p, nil
}

// productKind reads a product type: 0 are template messages, 2 all others that
// were sent, 100 those received.
func productKind(text string) (value, want string) {
	switch text {
	case "0":
		return waybill.KindTemplate.String(), ""
	case "2":
		return waybill.KindSession.String(), ""
	case "100":
		return waybill.KindInbound.String(), ""
	}
	return "", "one of {0, 2, 100}"
}

// dataPoints returns the buckets in which something was sent or delivered.
func (a *API) dataPoints(ctx context.Context, s *session, c waybill.Channel, p analyticsParams) (dataPoints, error) {
	q := p.query(c)
	where(&q, waybill.DimKind, p.kinds)
	points, err := a.points(ctx, s, q)
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
	waybill.Recycle(points)
	return out, nil
}

// phonesInScope returns the numbers that an answer is about: those asked for,
// else all that the account has registered or that have sent or received.
func (a *API) phonesInScope(ctx context.Context, c waybill.Channel, asked []string) ([]string, error) {
	if len(asked) > 0 {
		return asked, nil
	}
	seen, err := a.store.Values(ctx, c.Number, waybill.LabelSender)
	if err != nil {
		return nil, err
	}
	all := append(slices.Clone(c.Senders), seen...)
	all = slices.DeleteFunc(all, func(s string) bool { return !digitsPattern.MatchString(s) })
	slices.Sort(all)
	return slices.Compact(all), nil
}

// countriesInScope returns the countries asked for, else all that were seen.
func (a *API) countriesInScope(ctx context.Context, c waybill.Channel, asked []string) ([]string, error) {
	if len(asked) > 0 {
		return asked, nil
	}
	return a.store.Values(ctx, c.Number, waybill.LabelCountry)
}
