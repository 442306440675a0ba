package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"waybill/internal/dialect/rest/params"
	"waybill/internal/ndjson"
)

// schemas are the JSON schemas of the types in the table of routes.
type schemas struct{ huma.Registry }

const schemaPrefix = "#/components/schemas/"

func newSchemas() *schemas {
	s := &schemas{huma.NewMapRegistry(schemaPrefix, schemaName)}
	for from, to := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[ndjson.Time]():     reflect.TypeFor[moment](),
		reflect.TypeFor[count]():           reflect.TypeFor[int64](),
		reflect.TypeFor[millis]():          reflect.TypeFor[int64](),
		reflect.TypeFor[content]():         reflect.TypeFor[string](),
		reflect.TypeFor[jsontext.Value]():  reflect.TypeFor[[]snapshotObject](),
		reflect.TypeFor[json.RawMessage](): reflect.TypeFor[anyObject](),
	} {
		s.RegisterTypeAlias(from, to)
	}
	return s
}

// anyObject is an object that says itself what is in it.
type anyObject struct{}

// Schema describes it.
func (anyObject) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// schemaName returns the name of a type in the document: what is shown of an object
// has the object's. Types of other packages have the name of theirs in front, but
// for that of a format.
func schemaName(t reflect.Type, hint string) string {
	name := strings.TrimPrefix(huma.DefaultSchemaNamer(t, hint), "Shown")
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	own, format := reflect.TypeFor[route]().PkgPath(), reflect.TypeFor[ndjson.Rejection]().PkgPath()
	if path := t.PkgPath(); path != "" && path != own && path != format {
		pkg := path[strings.LastIndex(path, "/")+1:]
		name = strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

// settle undoes what huma adds for its own decoder: that an array may be null. It
// fails where huma saw less of a type than encoding/json does.
func (s *schemas) settle() error {
	for name, schema := range s.Map() {
		settle(schema)
		t := s.TypeFromRef(schemaPrefix + name)
		for i := range t.NumField() {
			if f := t.Field(i); f.Anonymous && !f.IsExported() {
				return fmt.Errorf("%v embeds %v: the document lacks its fields until its name is exported", t, f.Type)
			}
		}
	}
	return nil
}

func settle(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	for _, p := range s.Properties {
		settle(p)
	}
	settle(s.Items)
	if inner, ok := s.AdditionalProperties.(*huma.Schema); ok {
		settle(inner)
	}
}

// valueOf returns an example or default of a parameter as a value of JSON.
func valueOf(p *params.Parameter, text string) any {
	switch {
	case p.Comma:
		return strings.Split(text, ",")
	case p.List:
		return []string{text}
	case p.Type.Kind() == reflect.Int:
		n, _ := strconv.Atoi(text) // was checked with the type
		return n
	case p.Type.Kind() == reflect.Bool:
		return text == "true"
	}
	return text
}

// problemNames are the names of failures in the document.
var problemNames = map[int]string{
	http.StatusBadRequest:            "BadRequest",
	http.StatusUnauthorized:          "Unauthorized",
	http.StatusForbidden:             "Forbidden",
	http.StatusNotFound:              "NotFound",
	http.StatusNotAcceptable:         "NotAcceptable",
	http.StatusConflict:              "Conflict",
	http.StatusPreconditionFailed:    "PreconditionFailed",
	http.StatusRequestEntityTooLarge: "TooLarge",
	http.StatusUnsupportedMediaType:  "UnsupportedMediaType",
	http.StatusUnprocessableEntity:   "UnprocessableContent",
	http.StatusTooManyRequests:       "TooManyRequests",
	http.StatusInternalServerError:   "InternalServerError",
	http.StatusServiceUnavailable:    "ServiceUnavailable",
}

// problemDocs say when a call fails so.
var problemDocs = map[int]string{
	http.StatusBadRequest:            "A parameter or the body is not what it should be; the detail names the value.",
	http.StatusUnauthorized:          "There is no token, or it is unknown or has expired.",
	http.StatusForbidden:             "The token does not have the scope that the call needs, or the policies of its user do not allow the call.",
	http.StatusNotFound:              "There is no such thing, or the token does not reach it.",
	http.StatusNotAcceptable:         "The header Accept names no format that the answer can have.",
	http.StatusConflict:              "It contradicts what stands.",
	http.StatusPreconditionFailed:    "It is no longer what the header If-Match names, or has no version that it could name.",
	http.StatusRequestEntityTooLarge: "The body, or the answer, is larger than a bound allows.",
	http.StatusUnsupportedMediaType:  "The body has a content type that the call does not take.",
	http.StatusUnprocessableEntity:   "The document has mistakes, which are listed; nothing was changed.",
	http.StatusTooManyRequests:       "There were too many calls; try again after the seconds that Retry-After says.",
	http.StatusInternalServerError:   "The server failed; its log says why.",
	http.StatusServiceUnavailable:    "The server cannot do it now; try again after the seconds that Retry-After says.",
}

// problems describes the failures of routes.
func (s *schemas) problems(routes []route) map[string]*huma.Response {
	responses := make(map[string]*huma.Response)
	schema := s.Schema(reflect.TypeFor[problem](), true, "")
	for status, name := range problemNames {
		if !slices.ContainsFunc(routes, func(rt route) bool { return slices.Contains(rt.failures(), status) }) {
			continue
		}
		example, _ := json.Marshal(problem{ // of texts and numbers cannot fail
			Type: "about:blank", Title: http.StatusText(status), Status: status,
			Detail: problemDocs[status], RequestID: "01JD3Z5Q",
		})
		r := &huma.Response{Description: problemDocs[status], Content: map[string]*huma.MediaType{
			problemType: {Schema: schema, Example: json.RawMessage(example)},
		}}
		switch status {
		case http.StatusUnauthorized:
			r.Headers = header("WWW-Authenticate", huma.TypeString, "How to authenticate.")
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			r.Headers = header("Retry-After", huma.TypeInteger, "Seconds to wait.")
		}
		responses[name] = r
	}
	return responses
}

func header(name, sort, doc string) map[string]*huma.Header {
	return map[string]*huma.Header{name: {Description: doc, Schema: &huma.Schema{Type: sort}}}
}

// failures returns the statuses of the failures of a route.
func (rt *route) failures() []int {
	all := slices.Clone(rt.errors)
	add := func(when bool, statuses ...int) {
		if when {
			all = append(all, statuses...)
		}
	}
	parameters := rt.params.All()
	reads := rt.body != nil || rt.reads != nil
	add(true, http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable)
	add(!rt.open, http.StatusUnauthorized, http.StatusTooManyRequests)
	add(!rt.open, http.StatusForbidden) // for want of a scope, or by a user's policies
	add(rt.method != http.MethodGet, http.StatusPreconditionFailed)
	add(slices.ContainsFunc(parameters, func(p params.Parameter) bool { return p.In == params.InPath || p.Name == "channel" }), http.StatusNotFound)
	add(rt.isTabular(), http.StatusNotAcceptable)
	add(reads || rt.heavy, http.StatusRequestEntityTooLarge)
	slices.Sort(all)
	return slices.Compact(all)
}
