package rest

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"waybill/internal/dialect/rest/params"
	"waybill/internal/table"
)

const (
	problemType = "application/problem+json"
	jsonType    = "application/json"
	security    = "token"
)

// newDocument returns the OpenAPI 3.1 document of routes.
//
// https://spec.openapis.org/oas/v3.1.1
func newDocument(routes []route, version string) (json.RawMessage, error) {
	s := newSchemas()
	paths := make(map[string]*huma.PathItem)
	for i := range routes {
		rt := &routes[i]
		if paths[rt.pattern] == nil {
			paths[rt.pattern] = &huma.PathItem{}
		}
		setOperation(paths[rt.pattern], rt.method, s.operation(rt))
	}
	api := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Waybill", Version: version, Description: introduction,
			License: &huma.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: base, Description: "The server that this document came from."}},
		Paths:   paths,
		Components: &huma.Components{
			Schemas:   s.Registry,
			Responses: s.problems(routes),
			SecuritySchemes: map[string]*huma.SecurityScheme{security: {
				Type: "http", Scheme: "bearer",
				Description: "A token of the directory, or the operator's, which `waybill serve` leaves in the file `admin-token`.",
			}},
		},
	}
	for _, t := range tags {
		api.Tags = append(api.Tags, &huma.Tag{Name: string(t.name), Description: t.doc})
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	return api.MarshalJSON()
}

const introduction = `The own API of a Waybill server: events in, numbers out.

* Times are RFC 3339, or integer milliseconds since 1970. A range has its start and not its end.
* Unknown and repeated parameters are refused, and so are unknown fields.
* A channel that the token does not reach is answered like one that does not exist.
* Every answer to a GET has an ETag where it is not longer than a MiB; ` + "`If-None-Match`" + ` is honoured.
* A PUT or DELETE of an object with an ETag takes it in ` + "`If-Match`" + `, so that nothing is overwritten that was not seen.
* A token makes so many calls a second: ` + "`RateLimit-Policy` and `RateLimit`" + ` say what is left, as in the IETF's draft.
* Errors are problem details (RFC 9457) with the ID of the request.`

func setOperation(item *huma.PathItem, method string, o *huma.Operation) {
	switch method {
	case http.MethodGet:
		item.Get = o
	case http.MethodPost:
		item.Post = o
	case http.MethodPut:
		item.Put = o
	case http.MethodPatch:
		item.Patch = o
	case http.MethodDelete:
		item.Delete = o
	}
}

// operation describes a route.
func (s *schemas) operation(rt *route) *huma.Operation {
	o := &huma.Operation{
		OperationID: rt.id, Tags: []string{string(rt.tag)}, Summary: rt.summary, Description: rt.description(),
		Security:  []map[string][]string{{security: {}}},
		Responses: make(map[string]*huma.Response),
	}
	if rt.open {
		o.Security = []map[string][]string{} // none at all
	}
	for _, p := range rt.params.All() {
		o.Parameters = append(o.Parameters, s.parameter(&p))
	}
	if rt.conditional {
		o.Parameters = append(o.Parameters, conditions(rt)...)
	}
	o.RequestBody = s.requestBody(rt)
	o.Responses[strconv.Itoa(rt.success())] = s.response(rt)
	if rt.conditional && rt.method == http.MethodPut {
		made := *o.Responses["200"]
		made.Description = "Done; there was no such object before."
		o.Responses["201"] = &made
	}
	if rt.method == http.MethodGet {
		o.Responses["304"] = &huma.Response{Description: "The answer is still what `If-None-Match` names."}
	}
	for _, status := range rt.failures() {
		o.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + problemNames[status]}
	}
	return o
}

// conditions describes the headers that ask for the version of an object.
func conditions(rt *route) []*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	all := []*huma.Param{{
		Name: "If-Match", In: "header", Schema: text, Example: `"Zk3vQ0y8mJ5r1cT7uB2x"`,
		Description: "The ETag of the object as it was read; if it was changed meanwhile, nothing is done and the answer is 412.",
	}}
	if rt.method == http.MethodPut {
		all = append(all, &huma.Param{
			Name: "If-None-Match", In: "header", Schema: text, Example: "*",
			Description: "`*` asks that there is no such object yet.",
		})
	}
	return all
}

// description adds who may call to what is said of the call.
func (rt *route) description() string {
	who := "Any token may call it."
	switch {
	case rt.open:
		who = "It needs no token."
	case rt.operator:
		who = "It needs the operator's token."
	case rt.scope != "":
		who = "It needs a token with the scope `" + rt.scope + "`."
	}
	return strings.TrimSpace(rt.doc + "\n\n" + who)
}

// success returns the status of a success.
func (rt *route) success() int {
	switch {
	case !rt.answers():
		return http.StatusNoContent
	case rt.status != 0:
		return rt.status
	}
	return http.StatusOK
}

// parameter describes a parameter.
func (s *schemas) parameter(p *params.Parameter) *huma.Param {
	schema := s.Schema(p.Type, true, "")
	for _, value := range p.Enum {
		schema.Enum = append(schema.Enum, value)
	}
	if p.Min != nil {
		least := float64(*p.Min)
		schema.Minimum = &least
	}
	if p.Max != nil {
		most := float64(*p.Max)
		schema.Maximum = &most
	}
	d := &huma.Param{Name: p.Name, In: p.In, Description: p.Doc, Required: p.Required, Schema: schema}
	if p.List {
		d.Schema = &huma.Schema{Type: huma.TypeArray, Items: schema}
		explode := !p.Comma
		d.Style, d.Explode = "form", &explode
	}
	if p.Default != "" {
		d.Schema.Default = valueOf(p, p.Default)
	}
	switch {
	case p.Example == "":
	case p.Required:
		d.Example = valueOf(p, p.Example)
	default:
		// Pages to try a call fill examples in, and a filter that nobody chose
		// finds nothing.
		d.Description += " Such as `" + p.Example + "`."
		d.Extensions = map[string]any{"x-example": valueOf(p, p.Example)}
	}
	return d
}

// requestBody describes the body of a route, nil where it has none.
func (s *schemas) requestBody(rt *route) *huma.RequestBody {
	if rt.body != nil {
		return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			jsonType: {Schema: s.Schema(rt.body.object, true, "")},
		}}
	}
	r := rt.reads
	if r == nil {
		return nil
	}
	object := s.Schema(reflect.TypeOf(r.object), true, "")
	body := &huma.RequestBody{Required: true, Content: make(map[string]*huma.MediaType)}
	for _, kind := range r.kinds {
		switch {
		case strings.Contains(kind, "json") && kind != jsonType, r.text && kind != jsonType, kind == "text/plain":
			body.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}, Example: r.example}
		case kind != jsonType: // taken, but not to be recommended
		case r.many:
			array := &huma.Schema{Type: huma.TypeArray, Items: object}
			body.Content[kind] = &huma.MediaType{Schema: &huma.Schema{OneOf: []*huma.Schema{array, object}}, Example: json.RawMessage(r.example)}
		case r.text:
			body.Content[kind] = &huma.MediaType{Schema: object}
		default:
			body.Content[kind] = &huma.MediaType{Schema: object, Example: json.RawMessage(r.example)}
		}
	}
	if r.many {
		body.Description = "One object on each line, or an array of them; plain, gzip or zstd."
	}
	return body
}

// response describes the success of a route.
func (s *schemas) response(rt *route) *huma.Response {
	if !rt.answers() {
		return &huma.Response{Description: "Done."}
	}
	r := &huma.Response{Description: "Done.", Content: map[string]*huma.MediaType{
		jsonType: {Schema: s.Schema(rt.out, true, ""), Example: json.RawMessage(rt.example)},
	}}
	if rt.isTabular() {
		for _, f := range []table.Format{table.CSV, table.NDJSON, table.Parquet} {
			kind, _, _ := strings.Cut(f.ContentType(), ";")
			same := &huma.Schema{Type: huma.TypeString, Description: "The same as a table."}
			if f == table.Parquet {
				same.Format = "binary"
			}
			r.Content[kind] = &huma.MediaType{Schema: same}
		}
	}
	switch {
	case rt.method == http.MethodPut && rt.conditional:
		r.Headers = map[string]*huma.Header{"ETag": {
			Description: "The version of the object, for `If-Match`.",
			Schema:      &huma.Schema{Type: huma.TypeString},
		}}
	case rt.method == http.MethodGet:
		r.Headers = map[string]*huma.Header{"ETag": {
			Description: "Changes with the answer; absent where that is longer than a MiB.",
			Schema:      &huma.Schema{Type: huma.TypeString},
		}}
	}
	return r
}
