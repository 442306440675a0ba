package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

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
