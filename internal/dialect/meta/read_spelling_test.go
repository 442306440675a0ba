package meta_test

import (
	"net/url"
	"strings"
	"testing"
)

// spellingHistory has a message for each filter to keep and one for it to drop.
const spellingHistory = `
{"channel": "102290129340398", "message": "t", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "16315551000", "recipient": "12125551234", "template": "1100"}
{"channel": "102290129340398", "message": "s", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "16315551001", "recipient": "5511961234567"}
{"channel": "102290129340398", "message": "d", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "13125550142", "recipient": "4917012345678"}
{"channel": "102290129340398", "message": "i", "status": "delivered", "at": "2026-01-15T12:00:00Z", "sender": "16315551000", "recipient": "12125551234", "kind": "inbound"}
`

// TestSpellings checks that however an argument is written, and whether or not
// its client encodes it, the answer is that of the plainest spelling.
func TestSpellings(t *testing.T) {
	const range2026 = "analytics.start(1767254400).end(1769932800).granularity(DAY)"
	tests := []struct {
		name, plain string
		spellings   []string
	}{
		{
			"no list", range2026,
			[]string{
				range2026 + ".phone_numbers([])", range2026 + ".phone_numbers()", range2026 + ".phone_numbers[]",
				range2026 + ".product_types([])", range2026 + ".product_types( )", range2026 + ".product_types([ ])",
			},
		},
		{
			"one number", range2026 + ".phone_numbers(16315551000)",
			[]string{
				range2026 + ".phone_numbers([16315551000])", range2026 + ".phone_numbers[16315551000]",
				range2026 + `.phone_numbers(["16315551000"])`, range2026 + ".phone_numbers(['16315551000'])",
				range2026 + `.phone_numbers("16315551000")`, range2026 + ".phone_numbers('+1 (631) 555-1000')",
				range2026 + ".phone_numbers([+16315551000])", range2026 + ".phone_numbers(+1 631 555 1000)",
				range2026 + ".phone_numbers(16315551000,16315551000)",
			},
		},
		{
			"two numbers", range2026 + ".phone_numbers(16315551000,16315551001)",
			[]string{
				range2026 + ".phone_numbers([16315551000,16315551001])",
				range2026 + `.phone_numbers(["16315551000","16315551001"])`,
				range2026 + ".phone_numbers(['16315551000', '16315551001'])",
				range2026 + ".phone_numbers([16315551000, \"16315551001\"])",
				range2026 + ".phone_numbers([\n    16315551000,\n    16315551001\n  ])",
				range2026 + `.phone_numbers(["\u0031\u0036315551000",'+16315551001'])`,
			},
		},
		{
			"two types", range2026 + ".product_types(0,100)",
			[]string{
				range2026 + ".product_types([0,100])", range2026 + `.product_types(["0","100"])`,
				range2026 + ".product_types(['0', 100])", range2026 + ".product_types( 0 ,\t100 )",
				range2026 + ".product_types([100,0,100])",
			},
		},
		{
			"two countries", range2026 + ".country_codes(US,BR)",
			[]string{
				range2026 + ".country_codes([US,BR])", range2026 + `.country_codes(["US","BR"])`,
				range2026 + ".country_codes(['US','BR'])", range2026 + ".country_codes(us,br)",
				range2026 + ".country_codes([US, BR, us])", range2026 + `.country_codes([" US ","BR"])`,
			},
		},
		{
			"all at once", range2026 + ".product_types(0).country_codes(US).phone_numbers(16315551000)",
			[]string{
				"analytics.phone_numbers(16315551000).country_codes(US).product_types(0).granularity(DAY).end(1769932800).start(1767254400)",
				"analytics\n  .start(1767254400)\n  .end(1769932800)\n  .granularity(DAY)\n  .product_types([0])\n  .country_codes([\"US\"])\n  .phone_numbers([\"16315551000\"])",
			},
		},
		{
			"scalars", range2026,
			[]string{
				`analytics.start("1767254400").end('1769932800').granularity("DAY")`,
				"analytics.start([1767254400]).end([1769932800]).granularity([day])",
				"analytics.start( 1767254400 ).end( 1769932800 ).granularity( Day )",
				"analytics.start(2026-01-01).end(2026-02-01).granularity(DAILY)",
				"analytics.start('2026-01-01').end(1769932800).granularity(daily)",
				"analytics.start(5).start(1767254400).end(1769932800).granularity(DAY)",
				"analytics?start=1767254400&end=1769932800&granularity=DAY",
			},
		},
	}
	g := lucky(t)
	g.record(spellingHistory)
	answers := make(map[string]string)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := g.get("/v25.0/" + pacific + "?fields=" + url.QueryEscape(tt.plain))
			want := w.Body.String()
			if w.Code != 200 || !strings.Contains(want, `"sent":`) {
				t.Fatalf("%s\nanswers %d %s", tt.plain, w.Code, want)
			}
			answers[want] = tt.name
			for _, spelling := range tt.spellings {
				for _, encoded := range encodings(spelling) {
					wantAnswer(t, g.get("/v25.0/"+pacific+"?fields="+encoded), want)
				}
			}
		})
	}
	// "scalars" asks for the same as "no list".
	if len(answers) != len(tests)-1 {
		t.Errorf("%d answers to %d questions: the history does not tell them apart", len(answers), len(tests))
	}
}

// encodings returns the ways in which clients encode a value in a query: all of
// it, without plus signs, or no more than they must.
func encodings(value string) []string {
	all := url.QueryEscape(value)
	must := strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", "#", "%23", " ", "%20", "\n", "%0A", "\t", "%09")
	return []string{all, strings.ReplaceAll(all, "+", "%20"), must.Replace(value), lowerEscapes(all)}
}

// lowerEscapes writes %2B as %2b.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := range b {
		if i+2 < len(b) && b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// TestSpellingsThatAreRefused names what no client means.
func TestSpellingsThatAreRefused(t *testing.T) {
	g := lucky(t)
	const call = "analytics.start(1).end(2).granularity(DAY)"
	tests := []struct {
		name, fields string
		code         int
		message      string
	}{
		{"a nested array", call + ".product_types([[0]])", 2500, `Syntax error "Expected value, arrays do not nest." at character 58: analytics.start(1).end(2).granularity(DAY).product_types([[0]])`},
		{"an object", call + `.product_types({"a":1})`, 2500, `Syntax error "Expected value, objects are not supported." at character 57: analytics.start(1).end(2).granularity(DAY).product_types({"a":1})`},
		{"a comma too many", call + ".country_codes(US,)", 2500, `Syntax error "Expected value instead of ")"." at character 60: analytics.start(1).end(2).granularity(DAY).country_codes(US,)`},
		{"a quote that is not closed", call + ".country_codes('US)", 2500, `Syntax error "Expected closing quote, got end of string" at character 61: analytics.start(1).end(2).granularity(DAY).country_codes('US)`},
		{"a semicolon between countries", call + ".country_codes(US;BR)", 100, `(#100) Param country_codes[0] must be an ISO 3166 country code of two letters - got "US;BR"`},
		{"two words", call + ".country_codes(US BR)", 100, `(#100) Param country_codes[0] must be an ISO 3166 country code of two letters - got "US BR"`},
		{"a NUL", call + ".country_codes(\x00)", 100, `(#100) Param country_codes[0] must be an ISO 3166 country code of two letters - got "\x00"`},
		{"invalid UTF-8", call + ".country_codes(\xff\xfe)", 100, `(#100) Param country_codes[0] must be an ISO 3166 country code of two letters - got "` + "\ufffd\ufffd" + `"`},
		{"a NUL in a name", "analytics\x00", 2500, "Syntax error \"Expected end of string instead of \"\x00\".\" at character 9: analytics\x00"},
		{"a letter that is upper-case ASCII", call + ".country_codes(ıſ)", 100, `(#100) Param country_codes[0] must be an ISO 3166 country code of two letters - got "ıſ"`},
		{"digits of another script", call + ".phone_numbers(١٢٣)", 100, `(#100) Param phone_numbers[0] must be a phone number - got "١٢٣"`},
		{"a type with a sign", call + ".product_types(-0)", 100, `(#100) Param product_types[0] must be one of {0, 2, 100} - got "-0"`},
		{"a function in capitals", "analytics.START(1).end(2).granularity(DAY)", 100, `(#100) Field analytics has no parameter START`},
		{"a field in capitals", "ANALYTICS.start(1).end(2).granularity(DAY)", 100, `(#100) Tried accessing nonexisting field (ANALYTICS) on node type (WhatsAppBusinessAccount)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := g.get("/v25.0/" + pacific + "?fields=" + url.QueryEscape(tt.fields))
			wantFailure(t, w, 400, tt.code, 0, "OAuthException", tt.message)
		})
	}
}
