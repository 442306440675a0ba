package meta

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/meta/fields"
)

// A node is an object that has an ID: a WhatsApp Business Account, one of its
// phone numbers, one of its templates.
type node struct {
	kind     *nodeKind
	id       string
	channel  waybill.Channel
	phone    string           // of a phone number
	template waybill.Template // of a template
}

// A nodeKind says what a kind of nodes can do.
type nodeKind struct {
	name     string // as Graph calls it in its errors
	defaults []fields.Field
	fields   map[string]readField
	unknown  []string // fields that Meta's node has, and of which Waybill knows nothing
	edges    map[string]edge
	update   func(*API, context.Context, *session, *node) (any, error) // nil where nothing can be changed
}

// A readField returns the value of a field, nil where it has none.
type readField func(a *API, ctx context.Context, s *session, n *node, f fields.Field) (any, error)

// scalar returns the reader of a field whose value has no parts, and is absent
// where it is empty text.
func scalar(read func(*node) any) readField { return (*shape)(nil).reader(read) }

// reader returns the reader of a field whose value has the shape.
func (s *shape) reader(read func(*node) any) readField {
	return func(_ *API, _ context.Context, _ *session, n *node, f fields.Field) (any, error) {
		value := read(n)
		if value == "" {
			value = nil
		}
		return s.pick(value, f)
	}
}

// names returns fields of the given names, without calls.
func names(list ...string) []fields.Field {
	selection := make([]fields.Field, len(list))
	for i, name := range list {
		selection[i].Name = name
	}
	return selection
}

// maxIDs is how many objects one call may name.
const maxIDs = 50

// objects answers a read of several objects: an object by their IDs.
//
// https://developers.facebook.com/docs/graph-api/guides/field-expansion
func (a *API) objects(ctx context.Context, s *session) (any, error) {
	ids, err := parseList("ids", s.params.value("ids"))
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, errParam("Param ids must name an object")
	}
	if len(ids) > maxIDs {
		return nil, errParam("Param ids names %d objects, more than %d", len(ids), maxIDs)
	}
	if s.verb() != "get" {
		return nil, errObject(s.verb(), ids[0])
	}
	var out object
	for _, id := range ids {
		if id = strings.TrimSpace(id); out.has(id) {
			continue
		}
		value, err := a.object(ctx, s, id, s.path)
		if err != nil {
			return nil, err
		}
		out = append(out, member{id, value})
	}
	return out, nil
}

// object answers a call about one object or one of its edges.
func (a *API) object(ctx context.Context, s *session, id string, path []string) (any, error) {
	if err := s.work.step(ctx); err != nil {
		return nil, err
	}
	n, err := a.node(ctx, s, id)
	if err != nil {
		return nil, err
	}
	if err := a.usage.count(s, n.channel); err != nil {
		return nil, err
	}
	verb := s.verb()
	switch {
	case verb == "post" && len(path) == 0 && n.kind.update != nil:
		return a.updateNode(ctx, s, n)
	case verb != "get":
		return nil, errObject(verb, n.id)
	case len(path) == 0:
		dialect.SetLogAttr(ctx, slog.String("operation", "node"))
		return a.readNode(ctx, s, n)
	case len(path) == 1:
		if e, ok := n.kind.edges[path[0]]; ok {
			return a.readEdge(ctx, s, n, path[0], e)
		}
	}
	return nil, errPath(strings.Join(path, "/"))
}

// node returns the object with the given ID, if the token may see it.
func (a *API) node(ctx context.Context, s *session, id string) (*node, error) {
	if !digitsPattern.MatchString(id) {
		return nil, errAlias(id)
	}
	if c, ok := s.view.Channel(id); ok && s.reaches(&c) {
		return &node{kind: accountKind, id: id, channel: c}, nil
	}
	for _, of := range s.view.SendersByID(id) {
		if s.reaches(&of.Channel) {
			return phoneNode(of.Channel, of.Number), nil
		}
	}
	n, err := a.search(ctx, s, id)
	if n == nil && err == nil {
		err = errObject(s.verb(), id)
	}
	return n, err
}

// maxDigits is how many digits a phone number has at most, which is fewer than
// most IDs have.
//
// https://www.itu.int/rec/T-REC-E.164
const maxDigits = 15

// search looks for an object in all accounts that the token may see: a template,
// or a number by its digits. It returns nil where there is none.
func (a *API) search(ctx context.Context, s *session, id string) (*node, error) {
	for _, c := range s.view.Channels() {
		if !s.reaches(&c) {
			continue
		}
		if list := s.view.TemplatesByCode(c.ID, id); len(list) > 0 {
			return templateNode(c, list[0]), nil
		}
		if len(id) > maxDigits {
			continue
		}
		seen, err := a.seen(ctx, s.work, c)
		if err != nil {
			return nil, err
		}
		if slices.Contains(seen, id) || slices.Contains(c.Senders, id) {
			return phoneNode(c, id), nil
		}
	}
	return nil, nil
}

// seen returns the numbers of an account that have sent or received, for which
// the store is asked once in a request.
func (a *API) seen(ctx context.Context, w *work, c waybill.Channel) ([]string, error) {
	if numbers, ok := w.seen[c.Number]; ok {
		return numbers, nil
	}
	numbers, err := a.store.Values(ctx, c.Number, waybill.LabelSender)
	if err != nil {
		return nil, err
	}
	if w.seen == nil {
		w.seen = make(map[waybill.ChannelNumber][]string)
	}
	w.seen[c.Number] = numbers
	return numbers, nil
}

// reaches reports whether c is a WhatsApp Business Account that the token may
// see.
func (s *session) reaches(c *waybill.Channel) bool {
	return c.Provider == waybill.ProviderWABA && s.token.Reaches(c)
}

// maxSeries is how many series and edges one call may ask for, under aliases: each
// is work of its own, and the call counts once against the limit of calls.
const maxSeries = 20

// readNode answers a read of fields of an object.
func (a *API) readNode(ctx context.Context, s *session, n *node) (any, error) {
	if err := require(s.token, scopeManagement); err != nil {
		return nil, err
	}
	list, err := fields.Parse(s.params.value("fields"))
	if err != nil {
		return nil, err
	}
	series := 0
	for _, f := range list {
		if _, isEdge := n.kind.edges[f.Name]; isEdge || f.Name == "analytics" {
			series++
		}
	}
	if series > maxSeries {
		return nil, errParam("The call asks for analytics and edges %d times, more than %d", series, maxSeries)
	}
	out, err := a.nodeFields(ctx, s, n, list)
	if err != nil {
		return nil, err
	}
	if !out.has("id") {
		out = append(out, member{"id", n.id})
	}
	return out, nil
}

// nodeFields returns the fields of n that the selection names, the default ones
// where it names none.
func (a *API) nodeFields(ctx context.Context, s *session, n *node, selection []fields.Field) (object, error) {
	if len(selection) == 0 {
		selection = n.kind.defaults
	}
	out := object{}
	for _, f := range selection {
		if f.Key() == "id" && f.Name != "id" { // the object would be taken for another
			return nil, errTwice("id")
		}
		value, err := a.nodeField(ctx, s, n, f)
		if err != nil {
			return nil, err
		}
		out.add(f, value)
	}
	return out, nil
}

// nodeField returns the value of one field, nil where there is none: Graph leaves
// out a field without a value.
func (a *API) nodeField(ctx context.Context, s *session, n *node, f fields.Field) (any, error) {
	if read, ok := n.kind.fields[f.Name]; ok {
		return read(a, ctx, s, n, f)
	}
	if e, ok := n.kind.edges[f.Name]; ok {
		return a.expandEdge(ctx, s, n, e, f)
	}
	if slices.Contains(n.kind.unknown, f.Name) {
		return nil, nil
	}
	return nil, errNoField(f.Name, n.kind.name)
}

// updateNode changes an object.
func (a *API) updateNode(ctx context.Context, s *session, n *node) (any, error) {
	dialect.SetLogAttr(ctx, slog.String("operation", "update"))
	if err := require(s.token, scopeManagement); err != nil {
		return nil, err
	}
	return n.kind.update(a, ctx, s, n)
}

// truthOf reads a parameter that is true or false.
func (s *session) truthOf(name string) (bool, error) {
	switch text := strings.ToLower(strings.TrimSpace(s.params.value(name))); text {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, errParam("Param %s must be a boolean - got %q", name, s.params.value(name))
	}
}

// asGone translates that something has been deleted meanwhile.
func asGone(err error, verb, id string) error {
	if waybill.CodeOf(err) == waybill.NotFound {
		return errObject(verb, id)
	}
	return err
}
