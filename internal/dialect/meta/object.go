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

// add appends the value of field f under its name or alias, unless it is nil.
// The parser has seen to it that no name stands twice.
func (o *object) add(f fields.Field, value any) {
	if value != nil {
		*o = append(*o, member{f.Key(), value})
	}
}

// A selector is a value of which parts can be selected.
type selector interface {
	pick(selection []fields.Field) (any, error)
}

// pick returns the members that the selection names, in its order, and of each
// the parts that it names; all of them where there is no selection. node is what
// errors call o.
func (o object) pick(selection []fields.Field, node string) (object, error) {
	if selection == nil {
		return o, nil
	}
	picked := object{}
	for _, f := range selection {
		i := slices.IndexFunc(o, func(m member) bool { return m.name == f.Name })
		if i < 0 {
			return nil, errNoField(f.Name, node)
		}
		value, err := pickValue(o[i].value, f)
		if err != nil {
			return nil, err
		}
		picked.add(f, value)
	}
	return picked, nil
}

// pickKnown returns the members that the selection names, as pick does, of an
// object that need not have all those that are known.
func (o object) pickKnown(known []string, selection []fields.Field, node string) (object, error) {
	if selection == nil {
		return o, nil
	}
	picked := object{}
	for _, f := range selection {
		if !slices.Contains(known, f.Name) {
			return nil, errNoField(f.Name, node)
		}
		var value any
		if i := slices.IndexFunc(o, func(m member) bool { return m.name == f.Name }); i >= 0 {
			value = o[i].value
		}
		value, err := pickValue(value, f)
		if err != nil {
			return nil, err
		}
		picked.add(f, value)
	}
	return picked, nil
}

// pickValue returns what f asks of a value. No value takes parameters, save for
// another name.
func pickValue(value any, f fields.Field) (any, error) {
	if slices.ContainsFunc(f.Calls, func(c fields.Call) bool { return c.Name != "as" }) {
		return nil, errParam("Field %s takes no parameters", f.Name)
	}
	if f.Sub == nil {
		return value, nil
	}
	if s, ok := value.(selector); ok {
		return s.pick(f.Sub)
	}
	return nil, errParam("Field %s has no fields of its own", f.Name)
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
