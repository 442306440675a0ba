package meta_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestQueryFormAsItArrives has a field in the form of a query whose & nobody has
// escaped, so that all but the first argument are parameters of the call.
func TestQueryFormAsItArrives(t *testing.T) {
	g := lucky(t)
	g.record(`{"channel": "102290129340410", "message": "a", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "16315551000", "recipient": "16505551234", "template": "2632273056924580", "pricing": {"type": "REGULAR", "category": "MARKETING"}}
		{"channel": "102290129340410", "message": "b", "status": "sent", "at": "2026-01-16T12:00:00Z", "sender": "16315551000", "template": "2632273056924580"}`)
	ask := func(query string) string { return "/v25.0/" + shop + "?fields=" + query }
	for raw, escaped := range map[string]string{
		"template_analytics?start=2026-01-15&end=2026-01-16&granularity=DAILY":                         "template_analytics.start(2026-01-15).end(2026-01-16).granularity(DAILY)",
		"template_analytics?start=2026-01-15&end=2026-01-16&granularity=DAILY&metric_types=SENT,READ":  "template_analytics.start(2026-01-15).end(2026-01-16).granularity(DAILY).metric_types(SENT,READ)",
		"id,template_analytics?start=2026-01-15{start}&end=2026-01-16&granularity=DAILY&limit=1":       "id,template_analytics.start(2026-01-15).end(2026-01-16).granularity(DAILY).limit(1){start}",
		"pricing_analytics?start=2026-01-15&granularity=DAILY&end=2026-01-16&dimensions=[\"COUNTRY\"]": "pricing_analytics.start(2026-01-15).end(2026-01-16).granularity(DAILY).dimensions(COUNTRY)",
		"analytics?start=2026-01-15&end=2026-01-16&granularity=DAY&product_types=0":                    "analytics.start(2026-01-15).end(2026-01-16).granularity(DAY).product_types(0)",
		"analytics?start=2026-01-15&end=2026-01-16&granularity=DAY&country_codes[]=US":                 "analytics.start(2026-01-15).end(2026-01-16).granularity(DAY).country_codes(US)",
	} {
		want := g.shopGet(ask(escaped))
		if want.Code != http.StatusOK || !strings.Contains(want.Body.String(), `"start":`) {
			t.Fatalf("%s is answered %s", escaped, want.Body)
		}
		wantAnswer(t, g.shopGet(ask(raw)), want.Body.String())
	}
	// Without the question mark the parameters are nobody's.
	wantFailure(t, g.shopGet(ask("template_analytics.start(2026-01-15)&end=2026-01-16&granularity=DAILY")),
		http.StatusBadRequest, 100, 0, "OAuthException", "(#100) The parameter end is required.")
}

// TestListsOfPHP sends lists as PHP writes them.
func TestListsOfPHP(t *testing.T) {
	g := lucky(t)
	g.record(`{"channel": "102290129340410", "message": "a", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "16315551000", "recipient": "16505551234", "pricing": {"type": "REGULAR", "category": "MARKETING"}}
		{"channel": "102290129340410", "message": "b", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "16315551000", "recipient": "493012345678", "pricing": {"type": "REGULAR", "category": "MARKETING"}}`)
	base := "/v25.0/" + shop + "/pricing_analytics?start=2026-01-15&end=2026-01-16&granularity=DAILY&metric_types=VOLUME"
	want := g.shopGet(base + "&dimensions=COUNTRY,PHONE&country_codes=US").Body.String()
	if strings.Count(want, `"start"`) != 1 {
		t.Fatalf("the answer is %s", want)
	}
	want, _, _ = strings.Cut(want, `,"paging"`)
	for _, spelling := range []string{
		"&dimensions[0]=COUNTRY&dimensions[1]=PHONE&country_codes[0]=US",
		"&dimensions[]=COUNTRY&dimensions[]=PHONE&country_codes[]=US",
		"&dimensions%5B0%5D=COUNTRY&dimensions%5B1%5D=PHONE&country_codes%5B%5D=US",
		"&dimensions=TIER&dimensions[]=COUNTRY&dimensions[]=PHONE&country_codes[7]=US",
	} {
		w := g.shopGet(base + spelling)
		if got, _, _ := strings.Cut(w.Body.String(), `,"paging"`); got != want {
			t.Errorf("%s is answered %d %s, want %s", spelling, w.Code, got, want)
		}
		form := "access_token=shop-token&method=get" + spelling
		r := g.raw("POST " + base + " HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n\n" + form)
		if got, _, _ := strings.Cut(r.Body.String(), `,"paging"`); got != want {
			t.Errorf("the form %s is answered %d %s", form, r.Code, got)
		}
	}
	kind, body := multipartOf("method", "get", "access_token", "shop-token", "dimensions[0]", "COUNTRY", "dimensions[1]", "PHONE", "country_codes[]", "US")
	r := g.raw("POST " + base + " HTTP/1.1\nContent-Type: " + kind + "\n\n" + body)
	if got, _, _ := strings.Cut(r.Body.String(), `,"paging"`); got != want {
		t.Errorf("the form in parts is answered %d %s", r.Code, got)
	}
	wantAnswer(t, g.shopGet("/v25.0/"+shop+"?fields[]=name&fields[]=currency"), `{"name":"Shop","currency":"USD","id":"102290129340410"}`)
	wantAnswer(t, g.shopGet("/v25.0/?ids[]="+shop+"&fields=id"), `{"102290129340410":{"id":"102290129340410"}}`)
}

// TestBrokenLists has lists that end too early: an invalid parameter, which is
// named.
func TestBrokenLists(t *testing.T) {
	g := lucky(t)
	const series = "&start=2026-01-15&end=2026-01-16&granularity=DAILY"
	for path, want := range map[string]string{
		"/" + shop + "/template_analytics?metric_types=[SENT" + series: `(#100) Param metric_types cannot be read: Syntax error "Expected "]", got end of string" at character 5: [SENT`,
		"/?ids=[1,2": `(#100) Param ids cannot be read: Syntax error "Expected "]", got end of string" at character 4: [1,2`,
		"/" + shop + "/message_templates?name='a": `(#100) Param name cannot be read: Syntax error "Expected closing quote, got end of string" at character 2: 'a`,
	} {
		wantFailure(t, g.shopGet("/v25.0"+path), http.StatusBadRequest, 100, 0, "OAuthException", want)
	}
}

// TestNoTimeSaysWhatOneIs has a start that is neither seconds nor a date.
func TestNoTimeSaysWhatOneIs(t *testing.T) {
	wantFailure(t, lucky(t).shopGet("/v25.0/"+shop+"?fields=analytics.start(2026-02-30).end(2).granularity(DAY)"), http.StatusBadRequest, 100, 0,
		"OAuthException", `(#100) Param start must be a UNIX time in seconds or a date such as 2026-01-31 - got "2026-02-30"`)
}

// TestValuesOfTemplateID asks for each value that the edge has answered: an ID, a
// name that the registry doesn't know, and one that it knows in two languages.
func TestValuesOfTemplateID(t *testing.T) {
	g := lucky(t)
	for i, template := range []string{"2632273056924580", "sale", "unheard_of"} {
		g.record(`{"channel": "102290129340410", "message": "` + string(rune('a'+i)) + `", "status": "sent", "at": "2026-01-15T12:00:00Z", "template": "` + template + `"}`)
	}
	const path = "/v25.0/" + shop + "/template_analytics?start=2026-01-15&end=2026-01-15&granularity=DAILY&metric_types=SENT&fields=template_id,sent"
	var all struct {
		Data []struct {
			DataPoints []struct {
				ID string `json:"template_id"`
			} `json:"data_points"`
		}
	}
	w := g.shopGet(path)
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all.Data) != 1 || len(all.Data[0].DataPoints) != 3 {
		t.Fatalf("the answer is %s", w.Body)
	}
	for _, point := range all.Data[0].DataPoints {
		got := g.shopGet(path + "&template_ids=" + url.QueryEscape(point.ID)).Body.String()
		if want := `{"data":[{"data_points":[{"template_id":"` + point.ID + `","sent":1}]}],`; !strings.HasPrefix(got, want) {
			t.Errorf("%s is answered %s, want %s", point.ID, got, want)
		}
	}
}

// TestSummaryAlone asks for no elements.
func TestSummaryAlone(t *testing.T) {
	g := lucky(t)
	wantAnswer(t, g.shopGet("/v25.0/"+shop+"/message_templates?limit=0&summary=total_count"), `{"data":[],"summary":{"total_count":3}}`)
	wantAnswer(t, g.shopGet("/v25.0/"+shop+"?fields=message_templates.limit(0).summary(true,total_count)"),
		`{"message_templates":{"data":[],"summary":{"total_count":3}},"id":"102290129340410"}`)
}
