package rest

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"waybill"
)

// labelParams ask for the values of a label.
type labelParams struct {
	Label    string   `path:"label" enum:"sender,template,language,country,category,campaign,segment,pricing_type,pricing_category,tier,kind,error,button" doc:"The label; error stands for error codes of failures, button for the buttons of clicks, as type:text."`
	Channels []string `query:"channel" doc:"IDs of channels, each as a parameter of its own; all that the token reaches where there is none." example:"cams-demo"`
	span
	Prefix string `query:"prefix" doc:"Only values that begin so." example:"11"`
	Order  string `query:"order" enum:"value,-count" default:"-count" doc:"What comes first: the smallest value, or the largest count."`
	Limit  int    `query:"limit" default:"100" min:"1" max:"1000" doc:"Length of the page."`
	After  string `query:"after" doc:"The next of the page before." example:"NTo4"`
}

// A labelValue is a value in use.
type labelValue struct {
	Value string `json:"value" doc:"The value; empty for messages that have none." example:"1100"`
	Count int64  `json:"count" doc:"How many messages have it; of error codes how many failed with it, of buttons how many clicks they got." example:"1200"`
}

// labelPage is a page of the values of a label.
type labelPage struct {
	Label  string       `json:"label" doc:"The label." example:"template"`
	Values []labelValue `json:"values" doc:"In the order that was asked for."`
	Next   string       `json:"next,omitempty" doc:"To be passed as after; absent on the last page." example:"NTo4"`
}

// labelValues answers the values of a label in use, with counts.
func (a *API) labelValues(ctx context.Context, c *call, p *labelParams) (page labelPage, err error) {
	page.Label = p.Label
	from, err := p.position()
	if err != nil {
		return page, err
	}
	chosen, err := a.channelsOf(c, p.Channels)
	if err != nil {
		return page, err
	}
	zone := p.zoneOf(chosen)
	q := waybill.Query{Channels: chosen.numbers(), GroupBy: []waybill.Dimension{dimensionOf(p.Label)}}
	if q.From, q.To, err = p.within(a.opt.Now(), zone, true); err != nil {
		return page, err
	}
	if p.Label == waybill.LabelCategory.String() {
		q.Categories = chosen.categories(a.opt.Directory.View())
	}
	points, err := a.opt.Store.Points(ctx, q)
	if err != nil {
		return page, err
	}
	values := p.values(points)
	waybill.Recycle(points)
	slices.SortFunc(values, p.compare)
	if from != nil {
		i, found := slices.BinarySearchFunc(values, *from, p.compare)
		if found {
			i++
		}
		values = values[i:]
	}
	page.Values = values[:min(len(values), p.Limit)]
	if len(values) > p.Limit {
		page.Next = cursorOf(page.Values[p.Limit-1])
	}
	return page, nil
}

// values returns the values that points have.
func (p *labelParams) values(points []waybill.Point) []labelValue {
	values := make([]labelValue, 0, len(points))
	for i := range points {
		v := labelValue{points[i].Key[0], points[i].Counts[waybill.Accepted]}
		if dimensionOf(p.Label) == waybill.DimDetail {
			var by string
			if v.Value, by = detailName(v.Value); by != p.Label {
				continue
			}
			v.Count = points[i].Counts[waybill.Failed] + points[i].Counts[waybill.Clicks]
		}
		if v.Count > 0 && strings.HasPrefix(v.Value, p.Prefix) {
			values = append(values, v)
		}
	}
	return values
}

// compare orders values as the call asks.
func (p *labelParams) compare(v, w labelValue) int {
	byValue := cmp.Compare(v.Value, w.Value)
	if p.Order == "value" {
		return byValue
	}
	return cmp.Or(cmp.Compare(w.Count, v.Count), byValue)
}

// cursorOf returns the cursor behind a value.
func cursorOf(v labelValue) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(v.Count, 10) + ":" + v.Value))
}

// position returns the value behind which the page begins, nil for the first page.
func (p *labelParams) position() (*labelValue, error) {
	if p.After == "" {
		return nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.After)
	count, value, ok := strings.Cut(string(text), ":")
	n, notInteger := strconv.ParseInt(count, 10, 64)
	if err != nil || !ok || notInteger != nil {
		return nil, waybill.Errorf(waybill.Invalid, "after %s is no next of a page", cut(p.After))
	}
	return &labelValue{value, n}, nil
}

func labelRoutes() []route {
	return []route{{
		method: http.MethodGet, pattern: "/labels/{label}", scope: waybill.ScopeMetricsRead, perChannel: true, heavy: true,
		id: "getLabelValues", tag: tagMetrics, summary: "The values of a label in use, with counts",
		doc: "What filters can choose from. Without a range it counts all messages ever. A message counts by when it was accepted, " +
			"a failure or click by when it happened. While messages come in, a value whose count changes between two pages can be " +
			"missing or come twice; `order=value` has no such gaps.",
		operation: does((*API).labelValues),
		example:   `{"label":"template","values":[{"value":"1100","count":1200},{"value":"","count":17}],"next":"MTc6"}`,
	}}
}
