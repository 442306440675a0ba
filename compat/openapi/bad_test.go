package openapi

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

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
