package meta_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestSelections asks for parts of values, present and absent ones.
func TestSelections(t *testing.T) {
	g := lucky(t)
	g.record(`{"channel": "102290129340410", "message": "a", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "16315551000", "recipient": "16505551234", "template": "2632273056924580", "pricing": {"type": "REGULAR", "category": "MARKETING"}}
		{"channel": "102290129340410", "message": "a", "status": "clicked", "at": "2026-01-15T12:00:00Z", "click": "1", "button": {"Type": "quick_reply_button", "Text": "Hi"}}`)
	const series = "start=2026-01-15&end=2026-01-15&granularity=DAILY"
	const pricing = "start=2026-01-15&end=2026-01-16&granularity=DAILY"
	const none = "start=1&end=2&granularity=DAILY"
	const day = `"data":[{"data_points":[{`
	tests := []struct {
		name, path, fields string
		want               string // part of the answer, "(#" or a quote of a Syntax error of a refusal
	}{
		{"points named twice are one list", "template_analytics?" + series, "data_points{start},end", day + `"start":1768435200,"end":1768521600}]`},
		{"a part named twice stands once", "pricing_analytics?" + pricing, "data_points{volume},volume", day + `"volume":1}]`},
		{"all parts and one of them", "pricing_analytics?" + pricing, "data_points,volume", `"volume":1`},
		{"points under two names are two lists", "template_analytics?" + series, "data_points.as(a){start},data_points.as(b){end}", `{"a":[{"start":1768435200}],"b":[{"end":1768521600}]}`},
		{"points under another name get the parts", "template_analytics?" + series, "data_points.as(a){start},end", `{"a":[{"start":1768435200,"end":1768521600}]}`},
		{"another takes the name of the points", "template_analytics?" + series, "granularity.as(data_points),start", "Field data_points specified more than once"},
		{"a part takes the name of a part", "template_analytics?" + series, "data_points{end.as(start)},start", "Field start specified more than once"},
		{"the zone of the days, absent", "template_analytics?" + series, "waba_timezone,start", `"data":[{"data_points":[`},
		{"parts of clicks", "template_analytics?" + series, "clicked{type,count}", `"clicked":[{"type":"quick_reply_button","count":1}]`},
		{"parts of costs", "template_analytics?" + series, "cost{value}", `"cost":[{"value":0.01},`},
		{"parts of no clicks", "template_analytics?" + none, "clicked{type}", `"data_points":[]`},
		{"a wrong part of no clicks", "template_analytics?" + none, "clicked{bogus}", "nonexisting field (bogus)"},

		{"parts of a score on the edge", "message_templates?", "name,quality_score{score}", `{"name":"login_code","id":"1421988012088524"}`},
		{"a wrong part of a score that is absent", "message_templates?", "quality_score{bogus}", "nonexisting field (bogus) on node type (WhatsAppMessageTemplateQualityScore)"},
		{"parts of components", "message_templates?", "components{type}", `{"components":[{"type":"BUTTONS"}],"id":"2632273056924580"}`},
		{"parts of parts of components", "message_templates?", "components{buttons{text}}", `{"components":[{"buttons":[{"text":"Contact Support"},{"text":"Tell me more"},{"text":"Call"}]}]`},
		{"a wrong part of components", "message_templates?", "components{bogus}", "nonexisting field (bogus)"},
		{"parts of a text", "message_templates?", "name{x}", "Field name has no fields of its own"},

		{"another name for the ID", "?", "id.as(i)", `{"i":"102290129340410","id":"102290129340410"}`},
		{"the name of the ID for another", "?", "name.as(id)", "Field id specified more than once"},
		{"the name of the ID for another on an edge", "message_templates?", "name.as(id)", "Field id specified more than once"},
		{"no other name", "?", "name.as()", "Expected one name in as."},
		{"two other names", "?", "name.as(a,b)", "Expected one name in as."},
		{"an empty name", "?", `name.as("")`, "Expected one name in as."},

		{"a wrong field of no conversations", "conversation_analytics?" + none, "bogus", "nonexisting field (bogus)"},
		{"a field of no conversations", "conversation_analytics?" + none, "conversation_type,cost,data_points{start}", `{"data":[]}`},
		{"a wrong field of no groups of templates", "template_group_analytics?" + none + "&template_group_ids=1", "data_points{bogus}", "nonexisting field (bogus)"},
		{"a field of no groups of templates", "template_group_analytics?" + none + "&template_group_ids=1", "template_group_id,clicked{count}", `{"data":[]}`},
		{"a wrong field of no groups", "group_analytics?" + none + "&group_ids=1&metric_types=SENT", "template_id", "nonexisting field (template_id)"},
		{"a field of no groups", "group_analytics?" + none + "&group_ids=1&metric_types=SENT", "group_id,joined,left", `{"data":[]}`},
		{"a wrong field of no calls", "call_analytics?" + none, "read", "nonexisting field (read)"},
		{"a field of no calls", "call_analytics?" + none, "average_duration,directions", `{"data":[]}`},
		{"a field whose values nobody knows", "template_performance_metrics?", "bogus", `{"data":[]}`},
		{"a wrong field of no calls as a field", "?", "call_analytics.start(1).end(2).granularity(DAY){data_points{read}}", "nonexisting field (read)"},
		{"a field of no calls as a field", "?", "call_analytics.start(1).end(2).granularity(DAY){count}", `{"call_analytics":{"data_points":[]},`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := g.shopGet("/v25.0/" + shop + "/" + tt.path + "&fields=" + url.QueryEscape(tt.fields))
			body := strings.ReplaceAll(w.Body.String(), `\"`, `"`)
			if status := w.Code; status != http.StatusOK && status != http.StatusBadRequest || !strings.Contains(body, tt.want) {
				t.Errorf("%s\nanswers %d %s\nwant    %s", tt.fields, status, body, tt.want)
			}
		})
	}
	if log := g.log.String(); strings.Contains(log, "request failed") {
		t.Errorf("the log says: %s", log)
	}
}

// TestCallDirections reads back which calls were asked for.
func TestCallDirections(t *testing.T) {
	g := lucky(t)
	const call = "call_analytics.start(1).end(2).granularity(DAILY)"
	for calls, want := range map[string]string{
		"": "", ".directions([])": "",
		".directions(USER_INITIATED)":                      `"directions":"USER_INITIATED",`,
		".directions(user_initiated,BUSINESS_INITIATED)":   `"directions":["USER_INITIATED","BUSINESS_INITIATED"],`,
		`.directions(["BUSINESS_INITIATED"]).dimensions()`: `"directions":"BUSINESS_INITIATED",`,
	} {
		wantAnswer(t, g.shopGet("/v25.0/"+shop+"?fields="+url.QueryEscape(call+calls)),
			`{"call_analytics":{"granularity":"DAILY",`+want+`"data_points":[]},"id":"102290129340410"}`)
	}
}

// TestNothingButCosts asks for costs that are not known.
func TestNothingButCosts(t *testing.T) {
	g := lucky(t)
	g.record(`{"channel": "102290129340410", "message": "a", "status": "delivered", "at": "2026-01-15T12:00:00Z", "recipient": "16505551234", "pricing": {"type": "REGULAR", "category": "SERVICE"}}`)
	w := g.shopGet("/v25.0/" + shop + "/conversation_analytics?start=1&end=2&granularity=DAILY&metric_types=COST")
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "(#100) Cost not available") ||
		!strings.Contains(w.Body.String(), "since Meta charges by message") {
		t.Errorf("the reason is missing in %s", w.Body)
	}
	wantAnswer(t, g.shopGet("/v25.0/"+shop+"/pricing_analytics?start=2026-01-15&end=2026-01-16&granularity=DAILY&metric_types=COST"),
		`{"data":[{"data_points":[]}]}`)
	without := strings.Replace(readFile(t, tenantsFile), "    name: Shop\n    currency: USD\n", "    name: Shop\n", 1)
	g.apply(without)
	w = g.shopGet("/v25.0/" + shop + "/pricing_analytics?start=1&end=2&granularity=DAILY&metric_types=COST")
	if !strings.Contains(w.Body.String(), "has no currency") {
		t.Errorf("the missing currency is not named in %s", w.Body)
	}
}
