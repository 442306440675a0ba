package ndjson_test

import (
	"fmt"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/ndjson"
)

// A sheep is an object of a format that nobody has.
type sheep struct {
	Name string      `json:"name"`
	Legs int64       `json:"legs"`
	At   ndjson.Time `json:"at"`
	Lamb struct {
		Name string `json:"name"`
	} `json:"lamb"`
}

func format() ndjson.Format {
	return ndjson.Format{
		Name: "sheep", Hint: "a sheep is one object on one line",
		MaxObjects: 3, MaxBytes: 100, MaxDepth: 2,
		Fields: func(of string) []string {
			if of == "lamb" {
				return []string{"name"}
			}
			return []string{"name", "legs", "at", "lamb"}
		},
	}
}

// read returns what becomes of a body: names or errors by line, and why the body
// is refused.
func read(body string) string {
	f := format()
	var lines []string
	err := f.Each([]byte(body), func(line int, text []byte) error {
		var s sheep
		if err := f.Decode(text, &s); err != nil {
			s.Name = err.Error()
		}
		lines = append(lines, fmt.Sprintf("%d %s", line, s.Name))
		return nil
	})
	if err != nil {
		lines = append(lines, fmt.Sprintf("%s: %v", waybill.CodeOf(err), err))
	}
	return strings.Join(lines, "; ")
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"lines", "\xef\xbb\xbf{\"name\":\"a\"}\r\n\n {\"name\":\"b\"}", "1 a; 3 b"},
		{"an array", ` [{"name":"a"},` + "\n" + `{"name":"b"}] `, "1 a; 2 b"},
		{"other values", `[5,[],"a",null]`, "1 the sheep is a number, not an object; 2 the sheep is an array, not an object; 3 the sheep is a string, not an object; too_large: the body has more than 3 sheeps"},
		{"as many as there may be", "{}\n{}\n{}", "1 ; 2 ; 3 "},
		{"one more", "{}\n{}\n{}\n{}", "1 ; 2 ; 3 ; too_large: the body has more than 3 sheeps"},
		{"nothing", " \n", "invalid: the body is empty"},
		{"no JSON", "name=a", `invalid: the body begins with "n": sheeps are JSON objects, one on each line, or an array of them`},
		{"a broken array", `[{"name":"a"},`, "1 a; invalid: the array ends early, after element 1"},
		{"a long object", `{"name":"` + strings.Repeat("x", 90) + `"}`, "1 the sheep has 101 bytes, more than 100"},
		{"a deep object", `{"lamb":{"name":{}}}`, "1 the JSON is nested deeper than 2 at byte 16"},
		{"half an object", `{"name":`, "1 the JSON ends early: a sheep is one object on one line"},
		{"a misspelt name", `{"lamb":{"nmae":"a"}}`, `1 field lamb.nmae is unknown, did you mean "name"?`},
		{"a name twice", `{"lamb":{"name":"a","n\u0061me":"b"}}`, `1 lamb.name is given twice`},
		{"another sort", `{"lamb":5}`, `1 lamb 5 is a number, not an object`},
		{"a fraction", `{"legs":4.5}`, `1 legs 4.5 is not an integer`},
		{"seconds", `{"at":1763640000}`, `1 at 1763640000 looks like seconds, but must be milliseconds`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(tt.body); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTime(t *testing.T) {
	f := format()
	for text, want := range map[string]waybill.Instant{
		`"2025-11-20T12:00:00.9Z"`: 1763640000, `1763640000999`: 1763640000, `"2025-11-20T13:00:00+01:00"`: 1763640000, `null`: waybill.Never,
	} {
		var s sheep
		if err := f.Decode([]byte(`{"at":`+text+`}`), &s); err != nil || s.At.Instant != want || s.At.Given != (want != waybill.Never) {
			t.Errorf("%s is %+v, %v", text, s.At, err)
		}
	}
}
