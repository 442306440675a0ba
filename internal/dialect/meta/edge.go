package meta

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"waybill/internal/dialect"
	"waybill/internal/dialect/meta/fields"
)

// An edge is what hangs on an object: a list of other objects, or a series. It is
// read by a path of its own, or as a field of the object.
type edge struct {
	list   listEdge
	node   *nodeKind // of the elements of list
	series *seriesSpec
}

// A listEdge returns the elements of an edge.
type listEdge func(a *API, ctx context.Context, s *session, n *node, in *input) (elements, error)

// elements are the nodes of a list, in the order of their keys. A node is made
// when it is on the page that was asked for.
type elements struct {
	count int
	key   func(int) string
	node  func(int) *node
}

// An input is what a call asks of an edge.
type input struct {
	edge string
	arguments
	selection []fields.Field // nil where nothing is selected
	pager
}

// pathInput reads the parameters of a call to the path of an edge.
func pathInput(s *session, name string) (*input, error) {
	selection, err := fields.Parse(s.params.value("fields"))
	if err != nil {
		return nil, err
	}
	in := &input{edge: name, arguments: pathArguments(s.params), selection: selection}
	return in, in.readPager()
}

// fieldInput reads the calls after an edge that is read as a field.
func fieldInput(s *session, f fields.Field, known []string) (*input, error) {
	in := &input{edge: f.Name, arguments: fieldArguments(f), selection: f.Sub}
	if err := in.complete(s, known); err != nil {
		return nil, err
	}
	if err := in.only(append(known, "as")); err != nil {
		return nil, err
	}
	return in, in.readPager()
}

// readEdge answers a call to the path of an edge.
func (a *API) readEdge(ctx context.Context, s *session, n *node, name string, e edge) (any, error) {
	dialect.SetLogAttr(ctx, slog.String("operation", name))
	if err := require(s.token, scopeManagement); err != nil {
		return nil, err
	}
	in, err := pathInput(s, name)
	if err != nil {
		return nil, err
	}
	if e.series == nil {
		return a.listEdge(ctx, s, n, e, in)
	}
	rows, err := e.series.read(a, ctx, s, n, in)
	if err != nil {
		return nil, err
	}
	return e.series.edge(s, n, in, rows)
}

// expandEdge answers an edge as a field. Some analytics have a form of their own
// there, with all points at once, unless the call asks for a page.
func (a *API) expandEdge(ctx context.Context, s *session, n *node, e edge, f fields.Field) (any, error) {
	known := listArguments
	if e.series != nil {
		known = e.series.params
	}
	in, err := fieldInput(s, f, slices.Concat(known, pagingArguments))
	if err != nil {
		return nil, err
	}
	if e.series == nil {
		return a.listEdge(ctx, s, n, e, in)
	}
	rows, err := e.series.read(a, ctx, s, n, in)
	if err != nil {
		return nil, err
	}
	if e.series.paged || in.has("limit") || in.has("after") || in.has("before") {
		return e.series.edge(s, n, in, rows)
	}
	return e.series.field(in, rows)
}

// listArguments are what lists of objects understand besides paging.
var listArguments = []string{"summary", "name", "language", "status", "category", "quality_score", "filtering"}

// listEdge answers a list of objects.
func (a *API) listEdge(ctx context.Context, s *session, n *node, e edge, in *input) (any, error) {
	if err := s.work.step(ctx); err != nil {
		return nil, err
	}
	list, err := e.list(a, ctx, s, n, in)
	if err != nil {
		return nil, err
	}
	// A wrong name is refused where there are no elements, too.
	empty := &node{kind: e.node, channel: n.channel}
	if _, err := a.nodeFields(ctx, s, empty, in.selection); err != nil {
		return nil, err
	}
	from, to := in.window(list.count, list.key)
	if err := s.work.count((to - from) * max(len(in.selection), len(e.node.defaults))); err != nil {
		return nil, err
	}
	data := make([]object, 0, to-from)
	for i := from; i < to; i++ {
		of := list.node(i)
		element, err := a.nodeFields(ctx, s, of, in.selection)
		if err != nil {
			return nil, err
		}
		if !element.has("id") {
			element = append(element, member{"id", of.id})
		}
		data = append(data, element)
	}
	out := object{{"data", data}}
	if from < to {
		out = append(out, member{"paging", in.paging(s, n, from > 0, to < list.count, list.key(from), list.key(to-1))})
	}
	summary, err := in.summary(list.count)
	if summary != nil {
		out = append(out, member{"summary", summary})
	}
	return out, err
}

// summary returns the summary of a list, nil where the call asks for none:
// summary=true, or summary=total_count.
func (in *input) summary(total int) (object, error) {
	asked, err := in.words("summary")
	if err != nil {
		return nil, err
	}
	out := object{}
	for _, word := range asked {
		switch strings.ToLower(word) {
		case "true", "1", "total_count":
			if !out.has("total_count") {
				out = append(out, member{"total_count", total})
			}
		case "false", "0":
		default:
			return nil, errParam("Param summary[0] must be one of {total_count} - got %q", word)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}
