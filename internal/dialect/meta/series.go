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
	flat   bool     // as a field the head and the points are not in an array
	shape  *shape   // of an element; nil where nobody knows
	read   func(a *API, ctx context.Context, s *session, n *node, in *input) (*rows, error)
}

// rows are the points of a series and what stands before them.
type rows struct {
	head object
	list []row // ascending by key
	none bool  // there is nothing of which there could be points
}

type row struct {
	key   string
	point object
}

// seriesShape returns the shape of an element of an edge that counts messages:
// what stands before the points, and the parts of a point.
func seriesShape(head []string, point ...string) *shape {
	const node = "WhatsAppBusinessAccountAnalyticsData"
	element := flat(node, head...)
	element.parts["data_points"] = flat(node, point...)
	return element
}

// rowKey returns the key of a point: it orders them by time, then by the values.
func rowKey(start waybill.Instant, values ...string) string {
	return fmt.Sprintf("%012d\x00%s", start, strings.Join(values, "\x00"))
}

// edge returns a page of the points as an edge: an array of one element.
func (spec *seriesSpec) edge(s *session, n *node, in *input, r *rows) (any, error) {
	from, to := in.window(len(r.list), func(i int) string { return r.list[i].key })
	out, err := spec.array(r, r.list[from:to], in.selection)
	if err != nil {
		return nil, err
	}
	if from < to {
		out = append(out, member{
			"paging",
			in.paging(s, n, from > 0, to < len(r.list), r.list[from].key, r.list[to-1].key),
		})
	}
	return out, nil
}

// field returns all points as a field has them.
func (spec *seriesSpec) field(in *input, r *rows) (any, error) {
	if spec.flat {
		return spec.element(r, r.list, in.selection)
	}
	return spec.array(r, r.list, in.selection)
}

// array returns the array of the one element that holds the points.
func (spec *seriesSpec) array(r *rows, list []row, selection []fields.Field) (object, error) {
	element, err := spec.element(r, list, selection)
	if r.none {
		return object{{"data", []object{}}}, err
	}
	return object{{"data", []object{element}}}, err
}

// element returns the element that holds the points, with the parts that the
// selection names. It may name parts of the element or of its points.
func (spec *seriesSpec) element(r *rows, list []row, selection []fields.Field) (object, error) {
	whole := append(slices.Clone(r.head), member{"data_points", points(list)})
	if selection == nil || spec.shape == nil {
		return whole, nil
	}
	selection, err := spec.ofElement(selection)
	if err != nil {
		return nil, err
	}
	return spec.shape.pickObject(whole, selection)
}

// ofElement returns a selection with what it names of the points moved into the
// points that it names, which it may also leave out.
func (spec *seriesSpec) ofElement(selection []fields.Field) ([]fields.Field, error) {
	const name = "data_points"
	var outer, inner []fields.Field
	for _, f := range selection {
		if _, ok := spec.shape.parts[name].parts[f.Name]; ok {
			inner = append(inner, f)
		} else {
			outer = append(outer, f)
		}
	}
	if inner == nil {
		return outer, nil
	}
	at := slices.IndexFunc(outer, func(f fields.Field) bool { return f.Name == name })
	switch {
	case at < 0:
		outer = append(outer, fields.Field{Name: name, Sub: inner})
	case outer[at].Sub != nil: // else all parts were asked for
		outer[at].Sub = merged(outer[at].Sub, inner)
	}
	if err := unique(outer); err != nil {
		return nil, err
	}
	return outer, nil
}

// merged returns a selection with those of a second one that it lacks.
func merged(selection, more []fields.Field) []fields.Field {
	selection = slices.Clip(selection)
	for _, f := range more {
		same := func(g fields.Field) bool { return g.Name == f.Name && g.Key() == f.Key() }
		if !slices.ContainsFunc(selection, same) {
			selection = append(selection, f)
		}
	}
	return selection
}

// unique refuses a selection that gives two values one name, as the parser does
// of what stands on one level.
func unique(selection []fields.Field) error {
	seen := make(map[string]bool)
	for _, f := range selection {
		if seen[f.Key()] {
			return errTwice(f.Key())
		}
		seen[f.Key()] = true
		if err := unique(f.Sub); err != nil {
			return err
		}
	}
	return nil
}

// points are the points of a series.
type points []row

func (p points) objects() []object {
	list := make([]object, len(p))
	for i, row := range p {
		list[i] = row.point
	}
	return list
}

// MarshalJSONTo implements json.MarshalerTo.
func (p points) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, row := range p {
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
