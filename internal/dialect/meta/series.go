package meta

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect/meta/fields"
)

// A seriesSpec is an edge that counts messages.
type seriesSpec struct {
	params []string // names of the arguments
	paged  bool     // is answered as an edge where it is read as a field, too
	read   func(a *API, ctx context.Context, s *session, n *node, in *input) (*rows, error)
}

// rows are the points of a series and what stands before them.
type rows struct {
	head object
	keys []string // the names that the parts of a point can have
	list []row    // ascending by key
	none bool     // there is nothing of which there could be points
	flat bool     // as a field the head and the points are not in an array
}

type row struct {
	key   string
	point object
}

// seriesType is what errors call an element of an edge that counts messages.
const seriesType = "WhatsAppBusinessAccountAnalyticsData"

// rowKey returns the key of a point: it orders them by time, then by the values.
func rowKey(start waybill.Instant, values ...string) string {
	return fmt.Sprintf("%012d\x00%s", start, strings.Join(values, "\x00"))
}

// edge returns a page of the points as an edge: an array of one element.
func (r *rows) edge(s *session, n *node, in *input) (any, error) {
	if r.none {
		return object{{"data", []object{}}}, nil
	}
	from, to := in.window(len(r.list), func(i int) string { return r.list[i].key })
	element, err := r.element(r.list[from:to], in.selection)
	if err != nil {
		return nil, err
	}
	out := object{{"data", []object{element}}}
	if from < to {
		out = append(out, member{
			"paging",
			in.paging(s, n, from > 0, to < len(r.list), r.list[from].key, r.list[to-1].key),
		})
	}
	return out, nil
}

// field returns all points as a field has them.
func (r *rows) field(selection []fields.Field) (any, error) {
	switch {
	case r.none && r.flat:
		return append(slices.Clone(r.head), member{"data_points", []object{}}), nil
	case r.none:
		return object{{"data", []object{}}}, nil
	}
	element, err := r.element(r.list, selection)
	if err != nil {
		return nil, err
	}
	return object{{"data", []object{element}}}, nil
}

// element returns the element that holds the points, with the parts that the
// selection names. It may name parts of the element or of its points.
func (r *rows) element(list []row, selection []fields.Field) (object, error) {
	whole := append(slices.Clone(r.head), member{"data_points", points{r.keys, list}})
	var outer, inner []fields.Field
	for _, f := range selection {
		if slices.Contains(r.keys, f.Name) {
			inner = append(inner, f)
		} else {
			outer = append(outer, f)
		}
	}
	if inner != nil {
		outer = append(outer, fields.Field{Name: "data_points", Sub: inner})
	}
	return whole.pick(outer, seriesType)
}

// points are the points of a series.
type points struct {
	keys []string
	list []row
}

// pick returns the parts that the selection names of each point. A point need not
// have all parts.
func (p points) pick(selection []fields.Field) (any, error) {
	// A wrong name is refused where there are no points, too.
	if _, err := (object{}).pickKnown(p.keys, selection, seriesType); err != nil {
		return nil, err
	}
	picked := make([]object, len(p.list))
	for i, row := range p.list {
		var err error
		if picked[i], err = row.point.pickKnown(p.keys, selection, seriesType); err != nil {
			return nil, err
		}
	}
	return picked, nil
}

// MarshalJSONTo implements json.MarshalerTo.
func (p points) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, row := range p.list {
		if err := row.point.MarshalJSONTo(e); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndArray)
}

// The granularities of all analytics but the field analytics.
var (
	seriesSpellings = []spelling{
		{"DAILY", "DAY", waybill.Day},
		{"HALF_HOUR", "HALF_HOUR", waybill.HalfHour},
		{"MONTHLY", "MONTH", waybill.Month},
	}
	dailySpelling = []spelling{{"DAILY", "DAY", waybill.Day}}
)
