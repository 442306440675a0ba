package rest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/dialect/rest/params"
	"waybill/internal/ndjson"
)

// An operation is what a route runs, with the types of what it takes and answers.
type operation struct {
	in, out reflect.Type
	params  *params.Set
	body    *bodyField // nil where the call takes no JSON object
	run     func(*API, context.Context, *call, any) (any, error)
}

// does makes an operation of a method. In is a struct with the parameters, as
// package params reads them; a field with the tag body is the JSON object in the
// body, of at most as many bytes as the tag says. Out is the answer, or nothing.
// A mistake in the types panics.
func does[In, Out any](run func(*API, context.Context, *call, *In) (Out, error)) operation {
	in := reflect.TypeFor[In]()
	set, err := params.Of(in)
	if err != nil {
		panic(err)
	}
	out := reflect.TypeFor[Out]()
	if out.Implements(answererType) {
		var zero Out
		out = any(zero).(answerer).answer()
	}
	return operation{
		in: in, out: out, params: set, body: bodyOf(in),
		run: func(a *API, ctx context.Context, c *call, in any) (any, error) {
			return run(a, ctx, c, in.(*In))
		},
	}
}

// An answerer is an answer that writes itself as JSON of another type.
type answerer interface {
	answer() reflect.Type
	streamer
}

var answererType = reflect.TypeFor[answerer]()

// answers reports whether a success has a body.
func (o *operation) answers() bool { return o.out != reflect.TypeFor[nothing]() }

// decode returns a new In with what the request says.
func (o *operation) decode(c *call, path map[string]string) (any, error) {
	in := reflect.New(o.in)
	if err := o.params.Decode(path, c.URL.RawQuery, in.Interface()); err != nil {
		return nil, err
	}
	if o.body == nil {
		return in.Interface(), nil
	}
	return in.Interface(), o.body.read(c, in.Elem().FieldByIndex(o.body.index).Addr().Interface())
}

// A bodyField is the field of an In that is the JSON object in the body.
type bodyField struct {
	index    []int
	object   reflect.Type
	maxBytes int
}

// maxObject bounds a JSON object in a body whose tag does not say otherwise, in
// bytes.
const maxObject = 16 << 10

func bodyOf(in reflect.Type) *bodyField {
	for _, f := range reflect.VisibleFields(in) {
		text, ok := f.Tag.Lookup("body")
		if !ok {
			continue
		}
		b := &bodyField{index: f.Index, object: f.Type, maxBytes: maxObject}
		if text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				panic(fmt.Errorf("field %s of %v: %w", f.Name, in, err))
			}
			b.maxBytes = n
		}
		return b
	}
	return nil
}

// read reads the body strictly into the struct that v points to.
func (b *bodyField) read(c *call, v any) error {
	body, err := dialect.ReadBody(c.Request, int64(b.maxBytes))
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return waybill.Errorf(waybill.Invalid, "the body is empty")
	}
	f := ndjson.Format{Name: "body", MaxObjects: 1, MaxBytes: b.maxBytes, MaxDepth: 16, Fields: fieldsOf(b.object)}
	return f.Decode(body, v)
}

// fieldsOf returns the function that tells the names of the fields in an object of
// type t, "" for itself, and in those that are its fields.
func fieldsOf(t reflect.Type) func(of string) []string {
	names := make(map[string][]string)
	addFields(names, "", t)
	return func(of string) []string { return names[of] }
}

func addFields(names map[string][]string, of string, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, known := names[of]; known || t.Kind() != reflect.Struct {
		return
	}
	names[of] = nil
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		names[of] = append(names[of], name)
		addFields(names, name, f.Type)
	}
}
