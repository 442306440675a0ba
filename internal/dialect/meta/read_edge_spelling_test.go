package meta_test

import (
	"net/url"
	"strings"
	"testing"
)

// TestSiblingSpellings checks that the siblings of analytics take arguments in
// every way that clients write them, in the calls of a field.
func TestSiblingSpellings(t *testing.T) {
	const (
		pricing      = "pricing_analytics.start(2026-01-15).end(2026-01-18).granularity(DAILY)"
		conversation = "conversation_analytics.start(1).end(2).granularity(DAILY)"
		templates    = "template_analytics.start(2026-01-15).end(2026-01-17).granularity(DAILY)"
	)
	tests := []struct {
		name, plain string
		spellings   []string
	}{
		{"no list", pricing, []string{
			pricing + ".dimensions([])", pricing + ".dimensions()", pricing + ".dimensions[]", pricing + ".phone_numbers([])",
			"pricing_analytics.start(2026-01-15).end(2026-01-18).granularity(daily)",
			"pricing_analytics.start(2026-01-15).end(2026-01-18).granularity(DAY)",
			"pricing_analytics.start(1768464000).end(1768723200).granularity(\"DAILY\")",
			"pricing_analytics?start=1768464000&end=1768723200&granularity=DAILY",
			"pricing_analytics\n    .start(2026-01-15)\n    .end(2026-01-18)\n    .granularity(DAILY)",
		}},
		{"words", pricing + ".metric_types(COST,VOLUME).dimensions(PRICING_CATEGORY,PRICING_TYPE,TIER,COUNTRY)", []string{
			pricing + ".metric_types([COST,VOLUME]).dimensions([PRICING_CATEGORY,PRICING_TYPE,TIER,COUNTRY])",
			pricing + `.metric_types(["COST","VOLUME"]).dimensions(["PRICING_CATEGORY","PRICING_TYPE","TIER","COUNTRY"])`,
			pricing + ".metric_types(['COST','VOLUME']).dimensions(['PRICING_CATEGORY', 'PRICING_TYPE', 'TIER', 'COUNTRY'])",
			pricing + ".metric_types[\"COST\",\"VOLUME\"].dimensions[PRICING_CATEGORY,PRICING_TYPE,TIER,COUNTRY]",
			pricing + ".metric_types( cost , Volume ).dimensions(country, tier,\n  pricing_type, pricing_category)",
			pricing + ".dimensions([\n  \"PRICING_CATEGORY\",\n  \"PRICING_TYPE\",\n  \"TIER\",\n  \"COUNTRY\"\n])",
		}},
		{"countries and numbers", pricing + ".country_codes(US,BR).phone_numbers(16315551000)", []string{
			pricing + `.country_codes(["US","BR"]).phone_numbers(["+16315551000"])`,
			pricing + ".country_codes([us, br]).phone_numbers([16315551000])",
		}},
		{"one word", conversation + ".dimensions([CONVERSATION_TYPE])", []string{
			conversation + ".dimensions(conversation_type)", conversation + `.dimensions(["CONVERSATION_TYPE"])`,
			conversation + ".metric_types(['COST','CONVERSATION'])",
		}},
		{"IDs", templates + ".template_ids(1421988012088524,2632273056924580)", []string{
			templates + ".template_ids([1421988012088524,2632273056924580])",
			templates + `.template_ids(["1421988012088524","2632273056924580"])`,
			templates + ".template_ids(['1421988012088524', 2632273056924580])",
			"template_analytics?start=2026-01-15&end=2026-01-17&granularity=DAILY&template_ids=[1421988012088524,2632273056924580]",
		}},
	}
	g := lucky(t)
	g.record(shopHistory(t))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := g.shopGet("/v25.0/" + shop + "?fields=" + url.QueryEscape(tt.plain)).Body.String()
			if !strings.HasPrefix(want, `{"`+tt.plain[:strings.Index(tt.plain, ".")]+`":{"data":`) {
				t.Fatalf("%s\nanswers %s", tt.plain, want)
			}
			for _, spelling := range tt.spellings {
				for _, encoded := range encodings(spelling) {
					wantAnswer(t, g.shopGet("/v25.0/"+shop+"?fields="+encoded), want)
				}
			}
		})
	}
}

// TestEdgeSpellings checks the same for the parameters of an edge, in the query
// and in the body of a post.
func TestEdgeSpellings(t *testing.T) {
	const days = "start=2026-01-15&end=2026-01-17&granularity=DAILY"
	tests := []struct {
		name, plain string
		spellings   []string
	}{
		{"days", days, []string{
			"start=1768435200&end=1768608000&granularity=DAILY", "start=1768500000&end=1768650000&granularity=daily",
			`start="2026-01-15"&end='2026-01-17'&granularity=["DAILY"]`, "granularity=DAY&end=2026-01-17&start=2026-01-15&start=2026-01-15",
			days + "&metric_types=[]&template_ids=&product_type=CLOUD_API&use_waba_timezone=false",
			days + "&product_type=cloud_api&use_waba_timezone=0",
		}},
		{"metrics", days + "&metric_types=SENT,DELIVERED", []string{
			days + `&metric_types=["SENT","DELIVERED"]`, days + "&metric_types=[SENT,DELIVERED]", days + "&metric_types=['SENT','DELIVERED']",
			days + "&metric_types=sent,delivered", days + "&metric_types=sent, delivered", days + "&metric_types=[\n\"SENT\",\n\"DELIVERED\"\n]",
			days + "&metric_types=delivered,sent,SENT",
		}},
		{"IDs", days + "&template_ids=1421988012088524,2632273056924580", []string{
			days + "&template_ids=[1421988012088524,2632273056924580]", days + `&template_ids=["1421988012088524","2632273056924580"]`,
			days + "&template_ids=['1421988012088524', '2632273056924580']",
		}},
		{"the zone", days + "&use_waba_timezone=true", []string{days + "&use_waba_timezone=1", days + "&use_waba_timezone=TRUE", days + `&use_waba_timezone="true"`}},
	}
	g := lucky(t)
	g.record(shopHistory(t))
	const path = "/v25.0/" + shop + "/template_analytics"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := g.shopGet(path + "?" + tt.plain).Body.String()
			if !strings.Contains(want, `"template_id"`) {
				t.Fatalf("%s answers %s", tt.plain, want)
			}
			for _, spelling := range tt.spellings {
				for _, query := range []string{encodeValues(spelling, true), encodeValues(spelling, false)} {
					wantAnswer(t, g.shopGet(path+"?"+query), want)
					wantAnswer(t, g.raw("POST "+path+" HTTP/1.1\nAuthorization: Bearer shop-token\n"+
						"Content-Type: application/x-www-form-urlencoded\n\nmethod=get&"+query), want)
				}
			}
		})
	}
	t.Run("arrays of JSON", func(t *testing.T) {
		want := g.shopGet(path + "?" + days + "&metric_types=SENT&template_ids=1421988012088524").Body.String()
		body := `{"method": "get", "start": 1768435200, "end": "2026-01-17", "granularity": "DAILY", "metric_types": ["SENT"], "template_ids": [1421988012088524], "use_waba_timezone": false}`
		wantAnswer(t, g.raw("POST "+path+" HTTP/1.1\nAuthorization: Bearer shop-token\nContent-Type: application/json\n\n"+body), want)
	})
	t.Run("broken lists", func(t *testing.T) {
		for query, message := range map[string]string{
			"&metric_types=[SENT":         `(#100) Param metric_types cannot be read: Syntax error "Expected "]", got end of string" at character 5: [SENT`,
			"&metric_types=SENT;READ":     `(#100) Param metric_types[0] must be one of {SENT, DELIVERED, READ, CLICKED, COST, APP_ACTIVATIONS, APP_ADD_TO_CART, APP_CHECKOUTS_INITIATED, APP_PURCHASES, APP_PURCHASES_CONVERSION_VALUE, WEBSITE_ADD_TO_CART, WEBSITE_CHECKOUTS_INITIATED, WEBSITE_PURCHASES, WEBSITE_PURCHASES_CONVERSION_VALUE} - got "SENT;READ"`,
			"&granularity=DAILY,DAILY":    `(#100) Param granularity takes one value, got 2`,
			`&template_ids={"1":2}`:       `(#100) Param template_ids cannot be read: Syntax error "Expected value, objects are not supported." at character 0: {"1":2}`,
			"&template_ids=[[1]]":         `(#100) Param template_ids cannot be read: Syntax error "Expected value, arrays do not nest." at character 1: [[1]]`,
			"&limit=5,6":                  `(#100) Param limit takes one value, got 2`,
			"&use_waba_timezone=[yes,no]": `(#100) Param use_waba_timezone takes one value, got 2`,
		} {
			if f := failureOf(t, g.shopGet(path+"?"+encodeValues(days+query, true))); f.Message != message {
				t.Errorf("%s\nanswers %s\nwant    %s", query, f.Message, message)
			}
		}
	})
}

// encodeValues encodes the values of a query, all of them or no more than must be.
func encodeValues(query string, all bool) string {
	var pairs []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if all {
			value = url.QueryEscape(value)
		} else {
			value = strings.NewReplacer("%", "%25", "+", "%2B", "#", "%23", " ", "%20", "\n", "%0A").Replace(value)
		}
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, "&")
}
