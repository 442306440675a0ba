package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
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
