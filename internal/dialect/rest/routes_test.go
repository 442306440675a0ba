package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"waybill/internal/dialect/rest/params"
	"waybill/internal/store/storetest"
)

// Every row of the table says all that the document needs.
func TestRoutesAreComplete(t *testing.T) {
	ids := make(map[string]bool)
	camel := regexp.MustCompile(`^(get|list|post|put|patch|delete)[A-Z][A-Za-z]+$`)
	for _, rt := range routes() {
		t.Run(rt.method+" "+rt.pattern, func(t *testing.T) {
			if !camel.MatchString(rt.id) || ids[rt.id] {
				t.Errorf("the operation's ID %q is no name in camel case, or is taken", rt.id)
			}
			ids[rt.id] = true
			if len(rt.summary) < 10 || strings.HasSuffix(rt.summary, ".") || !unicode.IsUpper([]rune(rt.summary)[0]) {
				t.Errorf("the summary is %q", rt.summary)
			}
			if !slices.ContainsFunc(tags, func(known struct {
				name tag
				doc  string
			},
			) bool {
				return known.name == rt.tag
			}) {
				t.Errorf("the tag %q is unknown", rt.tag)
			}
			if n := howMany(rt.open, rt.operator, rt.scope != ""); n > 1 {
				t.Errorf("%d of open, operator and scope are set", n)
			}
			checkPath(t, &rt)
			checkExamples(t, &rt)
			for _, status := range rt.failures() {
				if problemNames[status] == "" || problemDocs[status] == "" {
					t.Errorf("a failure with status %d is not described", status)
				}
			}
		})
	}
}

func howMany(all ...bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// checkPath compares the pattern with the parameters.
func checkPath(t *testing.T, rt *route) {
	t.Helper()
	var have, want []string
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(rt.pattern, -1) {
		want = append(want, m[1])
	}
	for _, p := range rt.params.All() {
		if p.In == params.InPath {
			have = append(have, p.Name)
		}
		if !strings.HasSuffix(p.Doc, ".") {
			t.Errorf("the doc of parameter %s is %q", p.Name, p.Doc)
		}
		if p.Example == "" && p.Default == "" && p.Enum == nil {
			t.Errorf("parameter %s has no example, default or enum", p.Name)
		}
	}
	if !slices.Equal(have, want) {
		t.Errorf("path parameters %q, in the pattern %q", have, want)
	}
}

func checkExamples(t *testing.T, rt *route) {
	t.Helper()
	if rt.answers() != (rt.example != "") {
		t.Errorf("answers %v, the example is %q", rt.out, rt.example)
	}
	if rt.answers() {
		checkExample(t, rt.out, rt.example)
	}
	switch {
	case rt.reads != nil && (len(rt.reads.kinds) == 0 || rt.reads.object == nil || rt.reads.example == ""):
		t.Errorf("what it reads is not described: %+v", rt.reads)
	case rt.reads != nil && !rt.reads.text && !json.Valid([]byte(rt.reads.example)):
		t.Errorf("the example of the body is no JSON: %s", rt.reads.example)
	case rt.reads != nil && rt.body != nil:
		t.Error("both the pipeline and the operation read the body")
	case (rt.reads != nil || rt.body != nil) != slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, rt.method) &&
		rt.id != "postAccessKey": // about which the caller has nothing to say
		t.Errorf("the method is %s, and it reads a body or does not", rt.method)
	}
}

// checkExample reads an example strictly into the type of the answer, and compares
// what that writes.
func checkExample(t *testing.T, answer reflect.Type, example string) {
	t.Helper()
	v := reflect.New(answer)
	d := json.NewDecoder(strings.NewReader(example))
	d.DisallowUnknownFields()
	if err := d.Decode(v.Interface()); err != nil {
		t.Fatalf("example of %v: %v in %s", answer, err, example)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v.Interface()); err != nil || strings.TrimSpace(b.String()) != example {
		t.Errorf("example of %v: %v\n%s\nis written\n%s", answer, err, example, b.String())
	}
}

// The document has every call, and every schema says what each property is.
func TestDocument(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	w := f.do("GET", "/waybill/v1/openapi.json", "", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json; charset=utf-8" || w.Header().Get("ETag") == "" {
		t.Fatalf("answered %d %v %.200s", w.Code, w.Header(), w.Body)
	}
	type schema struct {
		Description, Type, Ref string
		Properties             map[string]map[string]any
	}
	var document struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]map[string]struct {
			OperationID string
			Responses   map[string]any
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if document.OpenAPI != "3.1.0" || document.Info.Version != "1.2.3" {
		t.Errorf("OpenAPI %s of version %s", document.OpenAPI, document.Info.Version)
	}
	for _, rt := range routes() {
		o, ok := document.Paths[rt.pattern][strings.ToLower(rt.method)]
		if !ok || o.OperationID != rt.id || len(o.Responses) < 3 {
			t.Errorf("%s %s is documented as %+v", rt.method, rt.pattern, o)
		}
	}
	for name, s := range document.Components.Schemas {
		if strings.HasPrefix(name, "Shown") || strings.HasPrefix(name, "Ndjson") {
			t.Errorf("clients get a type of the name %s", name)
		}
		for property, p := range s.Properties {
			if p["description"] == nil || p["description"] == "" {
				t.Errorf("property %s of %s has no description", property, name)
			}
		}
	}
	if disabled := document.Components.Schemas["KeyBody"].Properties["disabled"]; disabled["type"] != "boolean" {
		t.Errorf("what must be given can be %v", disabled["type"])
	}
	again := f.do("GET", "/waybill/v1/openapi.json", "", "", "If-None-Match", w.Header().Get("ETag"))
	if again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("answered %d %.100s, want 304", again.Code, again.Body)
	}
}
