package fields

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	// Short for the many rows that spell one call of one field.
	one := func(args ...string) []Field {
		return []Field{{Name: "a", Calls: []Call{{"x", append([]string{}, args...)}}}}
	}
	tests := []struct {
		name string
		in   string
		want []Field
	}{
		{"nothing selects the default fields", "", nil},
		{"blanks are nothing", " \n\t ", nil},
		{"one field", "id", []Field{{Name: "id"}}},
		{"fields in order", "id,name,currency", []Field{{Name: "id"}, {Name: "name"}, {Name: "currency"}}},
		{"blanks after commas", "id, name", []Field{{Name: "id"}, {Name: "name"}}},
		{"a name may start with a digit or hold a colon", "0,actions:post", []Field{{Name: "0"}, {Name: "actions:post"}}},

		{"empty parentheses are an empty list", "a.x()", one()},
		{"empty brackets are an empty list", "a.x([])", one()},
		{"empty brackets with blanks", "a.x( [ ] )", one()},
		{"brackets without parentheses", "a.x[]", one()},
		{"values in brackets without parentheses", `a.x["COST"]`, one("COST")},
		{"an empty string is not an empty list", `a.x("")`, one("")},
		{"a number", "a.x(1543543200)", one("1543543200")},
		{"a word", "a.x(DAY)", one("DAY")},
		{"a date", "a.x(2026-01-01)", one("2026-01-01")},
		{"a time", "a.x(2018-04-06T18:00:00)", one("2018-04-06T18:00:00")},
		{"a date and a time, one blank between", "a.x(2018-04-06 \n 18:00)", one("2018-04-06 18:00")},
		{"a bare list", "a.x(COST,VOLUME)", one("COST", "VOLUME")},
		{"a bare list with blanks", "a.x( US , IN )", one("US", "IN")},
		{"a bare list of quoted values", `a.x("US",'IN')`, one("US", "IN")},
		{"bare words in brackets", "a.x([COST,VOLUME])", one("COST", "VOLUME")},
		{"one bare word in brackets", "a.x([CONVERSATION_TYPE])", one("CONVERSATION_TYPE")},
		{"a JSON array of strings", `a.x(["COST","VOLUME"])`, one("COST", "VOLUME")},
		{"a JSON array with blanks", "a.x([\n  \"COST\",\n  \"VOLUME\"\n])", one("COST", "VOLUME")},
		{"single quotes", "a.x(['COST','CONVERSATION'])", one("COST", "CONVERSATION")},
		{"single quotes and a blank after the comma", "a.x(['SENT', 'READ'])", one("SENT", "READ")},
		{"numbers in brackets", "a.x([0,2])", one("0", "2")},
		{"numbers as strings", `a.x(["0","2"])`, one("0", "2")},
		{"long template IDs", "a.x([1924084211297547,954638012257287])", one("1924084211297547", "954638012257287")},
		{"a phone number without quotes", "a.x(16505550111)", one("16505550111")},
		{"phone numbers with a plus", `a.x(["+123","456"])`, one("+123", "456")},
		{"a bare plus and a bare blank", "a.x(+1 650,2)", one("+1 650", "2")},
		{"blanks inside quotes stay", `a.x(" 1 , 2 ")`, one(" 1 , 2 ")},
		{"punctuation inside quotes", `a.x("),]}'")`, one("),]}'")},
		{"escapes", `a.x("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")`, one("\"\\/\b\f\n\r\té😀")},
		{"escapes in single quotes", `a.x('\'"\"\\')`, one(`'""\`)},
		{"half a surrogate pair", `a.x("\ud83dx")`, one("\ufffdx")},
		{"a line break inside quotes", "a.x(\"1\n2\")", one("1\n2")},
		{"an escaped quote does not end the value for blanks either", `a.x("\" , ")`, one(`" , `)},

		{"calls in order", "a.start(1).end(2).end(3)", []Field{{Name: "a", Calls: []Call{
			{"start", []string{"1"}}, {"end", []string{"2"}}, {"end", []string{"3"}},
		}}}},
		{"blanks around names, dots and parentheses", " a . start ( 1 ) \n .end(2)\n", []Field{{Name: "a", Calls: []Call{
			{"start", []string{"1"}}, {"end", []string{"2"}},
		}}}},
		{"a nested selection", "a{b,c}", []Field{{Name: "a", Sub: []Field{{Name: "b"}, {Name: "c"}}}}},
		{"a nested selection after calls, with calls of its own", "albums.limit(5){name,photos.limit(2){id}},id", []Field{
			{Name: "albums", Calls: []Call{{"limit", []string{"5"}}}, Sub: []Field{
				{Name: "name"},
				{Name: "photos", Calls: []Call{{"limit", []string{"2"}}}, Sub: []Field{{Name: "id"}}},
			}},
			{Name: "id"},
		}},
		{"the same name on another level", "id,a{id}", []Field{{Name: "id"}, {Name: "a", Sub: []Field{{Name: "id"}}}}},
		{"the same field under an alias", "a.as(b),a", []Field{{Name: "a", Calls: []Call{{"as", []string{"b"}}}}, {Name: "a"}}},

		{"the query form", "template_analytics?start=2026-01-01&granularity=DAILY&metric_types=['SENT', 'READ']&ids=[],id", []Field{
			{Name: "template_analytics", Calls: []Call{
				{"start", []string{"2026-01-01"}},
				{"granularity", []string{"DAILY"}},
				{"metric_types", []string{"SENT", "READ"}},
				{"ids", []string{}},
			}},
			{Name: "id"},
		}},
		{"the query form without values", "a?x=&y=", []Field{{Name: "a", Calls: []Call{{"x", []string{}}, {"y", []string{}}}}}},
		{"the query form with blanks and a selection", "a ? x = '&' { b }", []Field{
			{Name: "a", Calls: []Call{{"x", []string{"&"}}}, Sub: []Field{{Name: "b"}}},
		}},
		{"a call before the query form", "a.x(1)?y=2", []Field{{Name: "a", Calls: []Call{{"x", []string{"1"}}, {"y", []string{"2"}}}}}},

		{"as the Node.js SDK sends it", `id,name,analytics.start(1543543200).end(1544148000).granularity(DAY).phone_numbers([]).product_types([0,2]).country_codes(["US","BR"])`, []Field{
			{Name: "id"},
			{Name: "name"},
			{Name: "analytics", Calls: []Call{
				{"start", []string{"1543543200"}},
				{"end", []string{"1544148000"}},
				{"granularity", []string{"DAY"}},
				{"phone_numbers", []string{}},
				{"product_types", []string{"0", "2"}},
				{"country_codes", []string{"US", "BR"}},
			}},
		}},
		{"as the documentation prints it", "pricing_analytics\n    .start(1)\n    .dimensions(PRICING_CATEGORY,\n        TIER)\n", []Field{
			{Name: "pricing_analytics", Calls: []Call{
				{"start", []string{"1"}}, {"dimensions", []string{"PRICING_CATEGORY", "TIER"}},
			}},
		}},
		{"bytes that are not UTF-8", "a.x(\"\xff\")", one("\ufffd")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Parse(%q)\n got %#v\nwant %#v", tt.in, got, tt.want)
			}
		})
	}
}

func TestParseError(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat("a{", levels-1) + "a" + strings.Repeat("}", levels-1)
	}
	numbered := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ",f%d", i)
		}
		return b.String()[1:]
	}
	long := "a.x(" + strings.Repeat("1,", 4093) + "23)"
	tests := []struct {
		name string
		in   string
		want string // without the text after the position, unless it differs from in
		text string
	}{
		{"captured: no name at all", "*****", `Expected name." at character 0`, ""},
		{"captured: a dot without a call", "app_,0.7933770411601355access_token,messenger_profile{home_url}", `Expected "(" instead of ","." at character 35`, ""},
		{"captured: a slash", "applications/developer", `Expected end of string instead of "/"." at character 12`, ""},
		{"captured: two selections", "likes.limit(1000){id},comments.limit(1000){id}{from},sharedposts{id}", `Expected end of string instead of "{"." at character 46`, ""},
		{"captured: parentheses without a dot", "picturefields(is_silhouette,url,width,height)", `Expected end of string instead of "("." at character 13`, ""},
		{"captured: an open parenthesis", "events.since(2018-04-06T18:00:00).until(2018-05-06T07:00:00", `Expected ")", got end of string" at character 59`, ""},
		{"captured: a field twice", "id,name,picture, picture", `Field picture specified more than once. This is only possible before version 2.1" at character 23`, "id,name,picture,picture"},
		{"captured: a field twice, and more", "id,id,name", `Field id specified more than once. This is only possible before version 2.1" at character 5`, ""},

		{"a leading comma", ",id", `Expected name." at character 0`, ""},
		{"a trailing comma", "id,", `Expected name." at character 3`, ""},
		{"two commas", "id,,name", `Expected name." at character 3`, ""},
		{"an empty selection", "a{}", `Expected name." at character 2`, ""},
		{"an open selection", "a{b", `Expected "}", got end of string" at character 3`, ""},
		{"a closing brace too many", "a}", `Expected end of string instead of "}"." at character 1`, ""},
		{"a call after the selection", "a{b}.limit(1)", `Expected end of string instead of "."." at character 4`, ""},
		{"two words", "a  b", `Expected end of string instead of " "." at character 1`, "a b"},
		{"a call without a name", "a.(1)", `Expected name." at character 2`, ""},
		{"a call without parentheses at the end", "a.x", `Expected "(", got end of string" at character 3`, ""},
		{"the wrong bracket closes", "a.x(1]", `Expected ")" instead of "]"." at character 5`, ""},
		{"an open bracket", "a.x([1)", `Expected "]" instead of ")"." at character 6`, ""},
		{"an open parenthesis without a value", "a.x(", `Expected value, got end of string" at character 4`, ""},
		{"a leading comma in a list", "a.x(,1)", `Expected value instead of ","." at character 4`, ""},
		{"a trailing comma in a list", "a.x(1,)", `Expected value instead of ")"." at character 6`, ""},
		{"a trailing comma in an array", "a.x([1,])", `Expected value instead of "]"." at character 7`, ""},
		{"a nested array", "a.x([[1]])", `Expected value, arrays do not nest." at character 5`, ""},
		{"a second array", "a.x(1,[2])", `Expected value, arrays do not nest." at character 6`, ""},
		{"an object", `a.x({"b":1})`, `Expected value, objects are not supported." at character 4`, ""},
		{"an object in an array", `a.x([{"b":1}])`, `Expected value, objects are not supported." at character 5`, ""},
		{"a call in a call", "a.x(f(1))", `Expected ")" instead of "("." at character 5`, ""},
		{"an open quote", `a.x("1)`, `Expected closing quote, got end of string" at character 7`, ""},
		{"an open quote after a backslash", `a.x("1\`, `Expected closing quote, got end of string" at character 7`, ""},
		{"more after the closing quote", `a.x("1"2)`, `Expected ")" instead of "2"." at character 7`, ""},
		{"a quote in a bare value", "a.x(O'Brien)", `Expected ")" instead of "'"." at character 5`, ""},
		{"an unknown escape", `a.x("\x")`, `Expected JSON string." at character 5`, ""},
		{"an escape with too few digits", `a.x("\u12")`, `Expected JSON string." at character 5`, ""},
		{"a query form without a name", "a?", `Expected name." at character 2`, ""},
		{"a query form without a value", "a?x", `Expected "=", got end of string" at character 3`, ""},
		{"a query form with a nested array", "a?x=[[1]]", `Expected value, arrays do not nest." at character 5`, ""},
		{"a query form with a bracket only", "a?x=)", `Expected value instead of ")"." at character 4`, ""},
		{"characters count, not bytes", `a.x("äöü")é`, `Expected end of string instead of "é"." at character 10`, ""},
		{"blanks do not count", " a . x ( 1 ] ", `Expected ")" instead of "]"." at character 5`, "a.x(1]"},
		{"no alias", "a.as(),b", `Expected one name in as." at character 6`, ""},
		{"two aliases", "a.as(x,y)", `Expected one name in as." at character 9`, ""},
		{"an empty alias", `a.as("")`, `Expected one name in as." at character 8`, ""},
		{"an alias twice", "a.as(x),b.as(x)", `Field x specified more than once. This is only possible before version 2.1" at character 15`, ""},
		{"a field twice on an inner level", "a{b,b}", `Field b specified more than once. This is only possible before version 2.1" at character 5`, ""},

		{"as many levels as allowed", nested(8), "", ""},
		{"a level too many", nested(9), `Expected at most 8 levels of fields." at character 16`, ""},
		{"as many fields as allowed", numbered(200), "", ""},
		{"a field too many", numbered(201), `Expected at most 200 fields." at character 890`, ""},
		{"a field too many on an inner level", "a{b}," + numbered(199), `Expected at most 200 fields." at character 885`, ""},
		{"as many characters as allowed", long[:8191] + ")", "", ""},
		{"characters are limited, not bytes", "a.x(" + strings.Repeat("é", 8187) + ")", "", ""},
		{"too many characters that are not UTF-8", strings.Repeat("\xff", 8193), `Expected at most 8192 characters." at character 8192`, strings.Repeat("\ufffd", 100) + "..."},
		{"a character too many", long, `Expected at most 8192 characters." at character 8192`, long[:100] + "..."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.in)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Parse: %v", err)
				}
				return
			}
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("Parse(%q) = %v, want a SyntaxError", tt.in, err)
			}
			text := tt.text
			if text == "" {
				text = tt.in
			}
			if want := `Syntax error "` + tt.want + ": " + text; err.Error() != want {
				t.Errorf("Parse(%q)\n got %s\nwant %s", tt.in, err, want)
			}
		})
	}
}

func TestParseList(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want []string
		err  string
	}{
		{"nothing", "", []string{}, ""},
		{"empty brackets", "[]", []string{}, ""},
		{"a JSON array", `["SENT","DELIVERED"]`, []string{"SENT", "DELIVERED"}, ""},
		{"bare words", "SENT,DELIVERED", []string{"SENT", "DELIVERED"}, ""},
		{"one bare word", "SENT", []string{"SENT"}, ""},
		{"one quoted word", `"SENT"`, []string{"SENT"}, ""},
		{"bare words in brackets", "[SENT,READ]", []string{"SENT", "READ"}, ""},
		{"single quotes and a blank", "['SENT','DELIVERED', 'READ']", []string{"SENT", "DELIVERED", "READ"}, ""},
		{"numbers", "[1,2]", []string{"1", "2"}, ""},
		{"no query form here", "a&b", []string{"a&b"}, ""},
		{"a trailing comma", "SENT,", nil, `Syntax error "Expected value, got end of string" at character 5: SENT,`},
		{"an open array", "[SENT", nil, `Syntax error "Expected "]", got end of string" at character 5: [SENT`},
		{"more after the array", "[SENT],READ", nil, `Syntax error "Expected end of string instead of ","." at character 6: [SENT],READ`},
		{"an object", "[{'field':'x'}]", nil, `Syntax error "Expected value, objects are not supported." at character 1: [{'field':'x'}]`},
		{"too long", strings.Repeat("é", 8193), nil, `Syntax error "Expected at most 8192 characters." at character 8192: ` + strings.Repeat("é", 100) + "..."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseList(tt.in)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("ParseList(%q)\n got %v\nwant %s", tt.in, err, tt.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ParseList(%q) = %#v, %v, want %#v", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestField(t *testing.T) {
	list, err := Parse("a.start(1).start(2).dimensions().ids(3,4).as(b)")
	if err != nil {
		t.Fatal(err)
	}
	f := list[0]

	start, ok := f.Arg("start")
	if !ok || !slices.Equal(start.Args, []string{"2"}) {
		t.Errorf("start = %q, %t, want the last one, 2", start.Args, ok)
	}
	if c, ok := f.Arg("dimensions"); !ok || c.Args == nil {
		t.Errorf("dimensions = %#v, %t, want it present and empty", c, ok)
	}
	if c, ok := f.Arg("metric_types"); ok || c.Args != nil {
		t.Errorf("metric_types = %#v, %t, want it absent", c, ok)
	}
	if f.Key() != "b" || (Field{Name: "a"}).Key() != "a" {
		t.Errorf("Key = %q, want the alias b, else the name", f.Key())
	}
}

func TestString(t *testing.T) {
	tests := []struct{ in, want string }{
		{"a . x ( [ '1' , \"+2\" ] ) { b , c?y=[] }", "a.x(1,+2){b,c.y()}"},
		{`a.x(" ",'"',"",'2026-01-01')`, `a.x(" ","\"","",2026-01-01)`},
	}
	for _, tt := range tests {
		list, err := Parse(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := list[0].String(); got != tt.want {
			t.Errorf("String of %s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

// TestFormatList checks that what is formatted is read back.
func TestFormatList(t *testing.T) {
	for want, values := range map[string][]string{
		"5": {"5"}, "2026-01-01": {"2026-01-01"}, "[a,b]": {"a", "b"}, "[]": {}, `[""]`: {""}, `["a,b"]`: {"a,b"},
		`["US;BR"]`: {"US;BR"}, "+1": {"+1"},
	} {
		if got := FormatList(values); got != want {
			t.Errorf("FormatList(%q) = %s, want %s", values, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "values")
		got, err := ParseList(FormatList(values))
		if err != nil || !slices.Equal(got, values) {
			t.Errorf("%q is read back as %q, %v", FormatList(values), got, err)
		}
	})
}
