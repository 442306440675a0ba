package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A document is what generates calls: a part of the OpenAPI document.
type document struct {
	Paths      map[string]map[string]*operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	ID          string `json:"operationId"`
	Parameters  []parameter
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]any }
	Security    []any

	method, path string
}

type parameter struct {
	Name, In string
	Required bool
	Schema   schema
	Example  any
	Optional any `json:"x-example"` // the example, where it is not required
}

type media struct {
	Schema  schema
	Example any
}

type schema struct {
	Type       any
	Ref        string `json:"$ref"`
	Enum       []any
	Default    any
	Examples   []any
	Items      *schema
	Required   []string
	Properties map[string]*schema
	OneOf      []*schema
	AnyOf      []*schema
	Minimum    *float64
}

// readDocument returns the document of a server, and its text.
func readDocument(t *testing.T, w *waybill) (*document, []byte) {
	t.Helper()
	a := w.call(t, "GET", "/openapi.json", "", "")
	var d document
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatal(err)
	}
	for path, operations := range d.Paths {
		for method, o := range operations {
			o.method, o.path = strings.ToUpper(method), path
		}
	}
	return &d, a.body
}

// operations returns all operations: what makes things first, what deletes them
// last.
func (d *document) operations() []*operation {
	var all []*operation
	for _, operations := range d.Paths {
		for _, o := range operations {
			all = append(all, o)
		}
	}
	order := []string{"PUT", "POST", "PATCH", "GET", "DELETE"}
	slices.SortFunc(all, func(a, b *operation) int {
		if n := slices.Index(order, a.method) - slices.Index(order, b.method); n != 0 {
			return n
		}
		if n := strings.Count(a.path, "/") - strings.Count(b.path, "/"); n != 0 {
			if a.method == "DELETE" {
				return -n // what lies in something before it
			}
			return n
		}
		if a.method == "DELETE" {
			return strings.Compare(b.ID, a.ID) // accounts after their channels
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// example returns an example of a schema, made of those of its properties.
func (d *document) example(s *schema) any {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return d.example(s.OneOf[0])
	case s.Items != nil:
		return []any{d.example(s.Items)}
	case s.Properties != nil:
		object := make(map[string]any)
		for name, p := range s.Properties {
			object[name] = d.example(p)
		}
		return object
	}
	switch kind := fmt.Sprint(s.Type); {
	case strings.Contains(kind, "boolean"):
		return true
	case strings.Contains(kind, "integer"):
		return 1
	case strings.Contains(kind, "string"):
		return "x"
	}
	return map[string]any{}
}

// body returns a body that an operation takes, empty where it takes none.
func (d *document) body(t *testing.T, o *operation) string {
	t.Helper()
	if o.RequestBody == nil {
		return ""
	}
	m := o.RequestBody.Content["application/json"]
	v := m.Example
	if v == nil {
		v = d.example(&m.Schema)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// texts returns the values of an example as they stand in a query.
func texts(p *parameter, v any) []string {
	list, ok := v.([]any)
	if !ok {
		return []string{text(v)}
	}
	var all []string
	for _, v := range list {
		all = append(all, text(v))
	}
	if !strings.Contains(p.Name, "group_by") && p.Name != "metrics" {
		return all
	}
	return []string{strings.Join(all, ",")}
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v) // came from JSON
	return string(b)
}

// value returns a good value of a parameter.
func (p *parameter) value() []string {
	switch {
	case p.Example != nil:
		return texts(p, p.Example)
	case p.Optional != nil:
		return texts(p, p.Optional)
	case p.Schema.Default != nil:
		return texts(p, p.Schema.Default)
	case len(p.Schema.Enum) > 0:
		return texts(p, p.Schema.Enum[0])
	case p.Schema.Items != nil && len(p.Schema.Items.Enum) > 0:
		return texts(p, p.Schema.Items.Enum[:1])
	case len(p.Schema.Examples) > 0:
		return texts(p, p.Schema.Examples[0])
	}
	return []string{"x"}
}

// bad returns values that the document does not allow for a parameter.
func (p *parameter) bad() []string {
	kind := p.Schema
	if kind.Items != nil {
		kind = *kind.Items
	}
	switch {
	case len(kind.Enum) > 0:
		return []string{"nonsense", ""}
	case kind.Type == "integer":
		return []string{"-1", "many", "99999999999999999999", "1.5", ""}
	case kind.Type == "boolean":
		return []string{"maybe", ""}
	case len(kind.OneOf)+len(kind.AnyOf) > 0:
		return []string{"yesterday", "", "1763632800"}
	}
	return nil
}

// successKinds returns the content types of a success.
func (o *operation) successKinds() []string {
	return slices.Collect(maps.Keys(o.Responses["200"].Content))
}

// at returns the path of an operation, its parts named.
func (o *operation) at(names map[string]string) string {
	var parts []string
	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			part = url.PathEscape(names[strings.TrimSuffix(name, "}")])
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/")
}
