package meta

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill/internal/dialect/meta/fields"
)

// An object is a JSON object whose members stay in order: Graph answers fields
// in the order in which they were asked for.
type object []member

type member struct {
	name  string
	value any
}

func (o object) has(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

// value returns the value of a member, nil where there is none.
func (o object) value(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// add appends the value of field f under its name or alias, unless it is nil.
// The parser has seen to it that no name stands twice.
func (o *object) add(f fields.Field, value any) {
	if value != nil {
		*o = append(*o, member{f.Key(), value})
	}
}

// objects are a value that is made of objects.
type objects interface{ objects() []object }

// A shape says of which parts a value is made, or each of several.
type shape struct {
	node  string            // what errors call the value
	parts map[string]*shape // by name, nil for a part without parts of its own
}

// flat returns the shape of an object whose parts have none of their own.
func flat(node string, names ...string) *shape {
	s := &shape{node, make(map[string]*shape, len(names))}
	for _, name := range names {
		s.parts[name] = nil
	}
	return s
}

// pick returns what f asks of a value, which is nil where there is none: a wrong
// name is refused all the same. No value takes parameters, save for another
// name. A nil shape has no parts.
func (s *shape) pick(value any, f fields.Field) (any, error) {
	if slices.ContainsFunc(f.Calls, func(c fields.Call) bool { return c.Name != "as" }) {
		return nil, errParam("Field %s takes no parameters", f.Name)
	}
	if f.Sub == nil {
		return value, nil
	}
	if s == nil {
		return nil, errParam("Field %s has no fields of its own", f.Name)
	}
	return s.pickParts(value, f.Sub)
}

// pickParts returns the parts that the selection names of a value or of each of
// several, in the order of the selection.
func (s *shape) pickParts(value any, selection []fields.Field) (any, error) {
	list, several := value.([]object)
	if o, ok := value.(objects); ok {
		list, several = o.objects(), true
	}
	one, _ := value.(object)
	picked, err := s.pickObject(one, selection)
	switch {
	case err != nil || value == nil:
		return nil, err
	case !several:
		return picked, nil
	}
	all := make([]object, len(list))
	for i, o := range list {
		if all[i], err = s.pickObject(o, selection); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *shape) pickObject(o object, selection []fields.Field) (object, error) {
	picked := object{}
	for _, f := range selection {
		part, known := s.parts[f.Name]
		if !known {
			return nil, errNoField(f.Name, s.node)
		}
		value, err := part.pick(o.value(f.Name), f)
		if err != nil {
			return nil, err
		}
		picked.add(f, value)
	}
	return picked, nil
}

// MarshalJSONTo implements json.MarshalerTo.
func (o object) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, m := range o {
		if err := e.WriteToken(jsontext.String(m.name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e, m.value); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}
