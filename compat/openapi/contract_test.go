package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
)

// A contract holds answers against the document.
type contract struct {
	*waybill
	*document
	validator validator.Validator
	names     map[string]string          // of what the demo has, for the parts of paths
	seen      map[string]map[int]int     // answers, by operation and status
	problems  map[string]map[string]bool // what is wrong, by operation, each once
}

func newContract(t *testing.T, flags ...string) *contract {
	t.Helper()
	w := start(t, flags...)
	d, text := readDocument(t, w)
	parsed, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(parsed, config.WithFormatAssertions())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Error(e.Message, e.Reason)
		}
	}
	return &contract{
		waybill: w, document: d, validator: v, seen: make(map[string]map[int]int), problems: make(map[string]map[string]bool),
		names: map[string]string{
			"channel": w.Alibaba.Channel, "code": w.Alibaba.Templates[0], "account": "7000000000000007", "user": "reporter",
			"name": "dashboard", "label": "template", "id": "s-1",
		},
	}
}

// hold calls and holds the answer against the document.
func (c *contract) hold(t *testing.T, o *operation, path, token, body string, header ...string) answer {
	t.Helper()
	a := c.call(t, o.method, path, token, body, header...)
	if c.seen[o.ID] == nil {
		c.seen[o.ID], c.problems[o.ID] = make(map[int]int), make(map[string]bool)
	}
	c.seen[o.ID][a.response.StatusCode]++
	if kind := a.response.Header.Get("Content-Type"); kind != "" && !strings.Contains(kind, "json;") && !strings.HasSuffix(kind, "+json") {
		c.holdTable(t, o, a)
		return a
	}
	a.response.Body = io.NopCloser(bytes.NewReader(a.body))
	ok, errs := c.validator.ValidateHttpResponse(a.request, a.response)
	if a.response.StatusCode >= http.StatusInternalServerError {
		t.Errorf("%s: %v", o.ID, a)
	}
	if ok {
		return a
	}
	for _, e := range errs {
		what := fmt.Sprint(a.response.StatusCode, " ", e.Message, ": ", e.Reason)
		for _, s := range e.SchemaValidationErrors {
			what += fmt.Sprint("; ", s.FieldPath, " ", s.Reason)
		}
		if !c.problems[o.ID][what] {
			c.problems[o.ID][what] = true
			t.Errorf("%s: %v\n%s", o.ID, a, what)
		}
	}
	return a
}

// holdTable wants the document to name the content type of a table. What is in it
// is no JSON that could be held against a schema.
func (c *contract) holdTable(t *testing.T, o *operation, a answer) {
	t.Helper()
	kind, _, _ := mime.ParseMediaType(a.response.Header.Get("Content-Type"))
	if a.response.StatusCode != http.StatusOK || !slices.Contains(o.successKinds(), kind) {
		t.Errorf("%s: the document does not name %s: %v", o.ID, kind, a)
	}
}

// query returns the parameters of an operation with good values: those that are
// required, and others by their names.
func (c *contract) query(o *operation, others ...string) url.Values {
	q := make(url.Values)
	for i := range o.Parameters {
		p := &o.Parameters[i]
		if p.In != "query" || !p.Required && !slices.Contains(others, p.Name) {
			continue
		}
		if q[p.Name] = p.value(); p.Name == "channel" {
			q.Set(p.Name, c.names["channel"])
		}
	}
	if (o.ID == "getMetrics" || o.ID == "listMessages") && !q.Has("from") && !q.Has("to") {
		q.Set("last", "7d")
	}
	return q
}

// confirmed lists the operations that destroy what others need: they are called on
// what was made for them.
var confirmed = map[string]string{"deleteAccount": "account", "deleteChannel": "channel"}

// TestContract calls every operation with good and bad input and every sort of
// token, and holds each answer against the document, errors too.
func TestContract(t *testing.T) {
	c := newContract(t, "--calls-per-second=0")
	c.prepare(t)
	for _, o := range c.operations() {
		t.Run(o.ID, func(t *testing.T) {
			c.strangers(t, o)
			c.badParameters(t, o)
			c.badBodies(t, o)
			if o.method != "DELETE" {
				c.good(t, o)
				c.each(t, o)
			}
		})
	}
	// In the end, since what is deleted is gone for the others.
	for _, o := range c.operations() {
		if o.method == "DELETE" {
			t.Run(o.ID+" in the end", func(t *testing.T) { c.good(t, o) })
		}
	}
	c.checkSeen(t)
}

// prepare makes an account with a channel of its own, so that all can be deleted.
func (c *contract) prepare(t *testing.T) {
	t.Helper()
	for _, step := range []struct{ method, path, body string }{
		{"PUT", "/accounts/" + c.names["account"], `{"name":"Contract"}`},
		{"PUT", "/channels/contract", `{"account":"` + c.names["account"] + `","provider":"waba","time_zone":"Asia/Jakarta"}`},
		{"PUT", "/accounts/" + c.names["account"] + "/users/reporter", `{"policies":[]}`},
		{"PUT", "/channels/contract/segments/s-1", `{"size":2,"source":"snapshots"}`},
		{"PUT", "/channels/contract/templates/1100?language=en", `{"name":"spring"}`},
		{"POST", "/events", `{"channel":"contract","message":"s-1","status":"failed","at":"2026-01-20T10:00:00Z","template":"1100","error":{"code":"131026"}}`},
	} {
		if a := c.call(t, step.method, step.path, c.Admin, step.body); a.response.StatusCode > 201 {
			t.Fatal(a)
		}
	}
	a := c.call(t, "POST", "/accounts/"+c.names["account"]+"/tokens", c.Admin, `{"name":"dashboard","scopes":["metrics:read"]}`)
	var made struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(a.body, &made); err != nil || made.Token == "" {
		t.Fatal(a)
	}
	c.names["channel"], c.names["code"], c.names["reader"] = "contract", "1100", made.Token
}

// strangers calls without a good token, and with one that may only read.
func (c *contract) strangers(t *testing.T, o *operation) {
	path, body := o.at(c.names)+"?"+c.query(o).Encode(), c.goodBody(t, o)
	for _, token := range []string{"", "wrong", c.Meta.Token, c.names["reader"]} {
		a := c.hold(t, o, path, token, body)
		if status := a.response.StatusCode; (token == "" || token == "wrong") && status != http.StatusUnauthorized && o.ID != "getOpenAPI" {
			t.Error(a)
		}
	}
}

// badParameters gives each parameter a bad value, an unknown one, and each twice.
func (c *contract) badParameters(t *testing.T, o *operation) {
	body := c.goodBody(t, o)
	refuse := func(q url.Values) {
		a := c.hold(t, o, o.at(c.names)+"?"+q.Encode(), c.Admin, body)
		if a.response.StatusCode != http.StatusBadRequest {
			t.Errorf("want 400: %v", a)
		}
	}
	unknown := c.query(o)
	unknown.Set("no_such_parameter", "1")
	refuse(unknown)
	for i := range o.Parameters {
		p := &o.Parameters[i]
		switch p.In {
		case "query":
			for _, bad := range p.bad() {
				q := c.query(o)
				if p.Name == "from" || p.Name == "to" {
					q.Del("last")
				}
				q[p.Name] = []string{bad}
				refuse(q)
			}
			if p.Schema.Items == nil {
				q := c.query(o, p.Name)
				q[p.Name] = append(q[p.Name], q[p.Name][0])
				refuse(q)
			}
			if p.Required {
				q := c.query(o)
				q.Del(p.Name)
				refuse(q)
			}
		case "path":
			names := maps.Clone(c.names)
			names[p.Name] = "none"
			if o.method == "GET" || o.method == "DELETE" {
				c.hold(t, o, o.at(names)+"?"+c.query(o).Encode(), c.Admin, body)
			}
		}
	}
}

// badBodies sends what is no body of the operation.
func (c *contract) badBodies(t *testing.T, o *operation) {
	if o.RequestBody == nil {
		return
	}
	path := o.at(c.names) + "?" + c.query(o).Encode()
	for _, body := range []string{"", "{", "null", `"text"`, `{"no_such_field":1}`, "[1]", "\xff", strings.Repeat("[", 200)} {
		if o.ID == "postDirectory" && body == "" {
			continue // an empty directory is one
		}
		c.hold(t, o, path, c.Admin, body)
	}
	c.hold(t, o, path, c.Admin, "x", "Content-Type", "text/html")
	c.hold(t, o, path, c.Admin, strings.Repeat(" ", 9<<20), "Content-Encoding", "gzip")
}

// goodBody returns a body that makes sense in the demo.
func (c *contract) goodBody(t *testing.T, o *operation) string {
	t.Helper()
	switch o.ID {
	case "postBackup":
		return fmt.Sprintf(`{"directory":%q}`, filepath.Join(c.dir, "backup"))
	case "postEvents":
		return `{"channel":"contract","message":"m-1","status":"delivered","at":"2026-01-20T10:00:00Z"}`
	case "postDirectory":
		return `{"document":"accounts: []"}`
	case "postSnapshots":
		return `{"at":"2026-01-20T10:00:00Z","sent":1}`
	case "putSegment":
		return `{"campaign":"c"}`
	case "putChannel":
		return `{"account":"` + c.names["account"] + `","provider":"waba","time_zone":"Asia/Jakarta"}`
	case "putUser":
		return `{"policies":[]}`
	case "putAccount":
		return `{"name":"Contract"}`
	case "postToken":
		return `{"name":"made","scopes":["metrics:read"]}`
	case "postTemporaryKey":
		return `{"account":"` + c.names["account"] + `","user":"reporter"}`
	case "postAccessExplanation":
		return `{"account":"` + c.names["account"] + `","user":"reporter","action":"cams:GetChatappTemplateMetric"}`
	}
	return c.body(t, o)
}

// good calls as the document says, and wants a success.
func (c *contract) good(t *testing.T, o *operation) {
	names := maps.Clone(c.names)
	if strings.Contains(o.path, "/access-keys/{id}") {
		names["id"] = c.accessKey(t)
	}
	q := c.query(o)
	if what, ok := confirmed[o.ID]; ok {
		q.Set("confirm", c.names[what])
	}
	path := o.at(names) + "?" + q.Encode()
	a := c.hold(t, o, path, c.Admin, c.goodBody(t, o))
	if a.response.StatusCode >= 300 {
		t.Error(a)
	}
	if o.method != "GET" {
		return
	}
	if etag := a.response.Header.Get("ETag"); etag != "" {
		if a := c.hold(t, o, path, c.Admin, "", "If-None-Match", etag); a.response.StatusCode != http.StatusNotModified {
			t.Error(a)
		}
	}
	if a := c.call(t, "HEAD", path, c.Admin, ""); a.response.StatusCode != http.StatusOK || len(a.body) != 0 {
		t.Error(a)
	}
}

// accessKey makes an access key and returns its ID.
func (c *contract) accessKey(t *testing.T) string {
	t.Helper()
	a := c.call(t, "POST", "/accounts/"+c.names["account"]+"/users/reporter/access-keys", c.Admin, "")
	var made struct {
		ID string `json:"access_key"`
	}
	if err := json.Unmarshal(a.body, &made); err != nil || made.ID == "" {
		t.Fatal(a)
	}
	return made.ID
}

// each calls with each parameter alone, with all of its enum.
func (c *contract) each(t *testing.T, o *operation) {
	if o.method != "GET" {
		return
	}
	for i := range o.Parameters {
		p := &o.Parameters[i]
		if p.In != "query" || p.Name == "after" {
			continue
		}
		values := [][]string{p.value()}
		kind := p.Schema
		if kind.Items != nil {
			kind = *kind.Items
		}
		for _, v := range kind.Enum {
			values = append(values, []string{text(v)})
		}
		for _, value := range values {
			q := c.query(o, p.Name)
			q[p.Name] = value
			switch p.Name {
			case "channel":
				q.Set("channel", c.names["channel"])
			case "from", "to":
				if o.ID == "getMetrics" || o.ID == "listMessages" {
					q.Set("from", "2026-01-01")
					q.Set("to", "2026-12-01T00:00:00Z")
				}
			case "limit", "order":
				if o.ID == "getMetrics" {
					q.Set("group_by", "template,kind")
				}
			case "error":
				q.Set("metric", "failed")
			case "button":
				q.Set("metric", "clicked")
			}
			if a := c.hold(t, o, o.at(c.names)+"?"+q.Encode(), c.Admin, ""); a.response.StatusCode != http.StatusOK {
				t.Error(a)
			}
		}
	}
	if o.ID == "getMetrics" {
		c.hold(t, o, "/metrics?last=7d", c.Admin, "", "Accept", "text/html")
		c.hold(t, o, "/metrics?last=7d&rates=true&group_by=channel,template,country,kind", c.Admin, "")
		c.hold(t, o, "/metrics?last=7d&format=parquet", c.Admin, "")
	}
}

// checkSeen wants every operation to have succeeded, and refused what it must.
func (c *contract) checkSeen(t *testing.T) {
	answers := 0
	for _, o := range c.operations() {
		seen := c.seen[o.ID]
		for _, n := range seen {
			answers += n
		}
		for _, wanted := range []int{http.StatusBadRequest, http.StatusUnauthorized} {
			if seen[wanted] == 0 && known(o, wanted) {
				t.Errorf("%s was never answered %d", o.ID, wanted)
			}
		}
		if seen[http.StatusOK]+seen[http.StatusCreated]+seen[http.StatusNoContent] == 0 {
			t.Errorf("%s never succeeded: %v", o.ID, seen)
		}
	}
	t.Logf("%d answers of %d operations", answers, len(c.seen))
}

func known(o *operation, status int) bool {
	_, ok := o.Responses[strconv.Itoa(status)]
	return ok
}

// TestTooManyCalls holds a refusal for too many calls against the document.
func TestTooManyCalls(t *testing.T) {
	c := newContract(t, "--calls-per-second=1")
	c.prepare(t)
	o := c.Paths["/version"]["get"]
	for range 100 {
		if c.hold(t, o, "/version", c.names["reader"], "").response.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("100 calls are not too many")
}
