// Package fields reads the Graph API's field expansion syntax, the value of
// the parameter fields:
//
//	fields = field *("," field)
//	field  = name *("." call) ["?" query] ["{" fields "}"]
//	call   = name ("(" [values] ")" | "(" array ")" | array)
//	query  = name "=" [value | array] *("&" name "=" [value | array])
//	array  = "[" [values] "]"
//	values = value *("," value)
//	value  = bare word | "JSON string" | 'JSON string'
//
// In two places it is laxer than the Graph API. An array may stand without its
// parentheses. And the query form is for callers who take a field for an edge
// (template_analytics?start=1&end=2); there a comma ends the field, so a list
// of several values needs its brackets.
//
// Blanks beside punctuation, newlines among them, are dropped before anything
// else happens, as the Graph API does. Inside quotes they stay, and between two
// bare words they become one space, which a value may contain and a name not.
//
// The package knows neither the fields that exist nor the types of values:
// every value is text, and 2, "2" and '2' are the same.
//
// https://developers.facebook.com/docs/graph-api/guides/field-expansion
package fields

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Field is one selected field or edge of a node.
type Field struct {
	Name  string
	Calls []Call  // in the order they were written; nil when absent
	Sub   []Field // what is selected of the field; nil when absent
}

// A Call is one modifier of a field, such as start(1700000000).
type Call struct {
	Name string

	// Args holds the values without their quotes. It is empty but not nil
	// for () and []; a call that is absent is not among the field's Calls.
	Args []string
}

// Parse returns the fields that s selects. An empty s selects none, which asks
// for the node's default fields. More than 8192 characters, 8 levels or 200
// fields are refused. The error is a *SyntaxError.
func Parse(s string) ([]Field, error) {
	p, err := newParser(s)
	if err != nil || len(p.text) == 0 {
		return nil, err
	}
	list, err := p.fields(1)
	if err != nil {
		return nil, err
	}
	if p.peek() != end {
		return nil, p.expected("end of string")
	}
	return list, nil
}

// ParseList returns the values of a list in a query parameter of its own:
// ["SENT","READ"], ['SENT','READ'], [SENT,READ] or SENT,READ. The list of an
// empty s is empty, never nil. The error is a *SyntaxError.
func ParseList(s string) ([]string, error) {
	p, err := newParser(s)
	if err != nil {
		return nil, err
	}
	list, err := p.args(end)
	if err != nil {
		return nil, err
	}
	if p.peek() != end {
		return nil, p.expected("end of string")
	}
	return list, nil
}

// FormatList returns the list that ParseList reads as the values. A list of one
// value that nobody could read differently stands without brackets.
func FormatList(values []string) string {
	var quoted []string
	for _, v := range values {
		quoted = append(quoted, quote(v))
	}
	text := strings.Join(quoted, ",")
	if len(values) == 1 && text == values[0] {
		return text
	}
	return "[" + text + "]"
}

// Arg returns the call of f with that name. Of several the last one wins.
func (f Field) Arg(name string) (Call, bool) {
	for _, c := range slices.Backward(f.Calls) {
		if c.Name == name {
			return c, true
		}
	}
	return Call{}, false
}

// Key returns the name that f has in the reply: the alias that .as(alias)
// gives it, else its own name.
func (f Field) Key() string {
	if c, ok := f.Arg("as"); ok && len(c.Args) == 1 {
		return c.Args[0]
	}
	return f.Name
}

// String returns the canonical spelling of f, which Parse reads back: no
// blanks, no brackets, and quotes only around values that need them.
func (f Field) String() string {
	var b strings.Builder
	b.WriteString(f.Name)
	for _, c := range f.Calls {
		var args []string
		for _, arg := range c.Args {
			args = append(args, quote(arg))
		}
		b.WriteString("." + c.Name + "(" + strings.Join(args, ",") + ")")
	}
	if f.Sub != nil {
		b.WriteString("{" + join(f.Sub) + "}")
	}
	return b.String()
}

func join(list []Field) string {
	var texts []string
	for _, f := range list {
		texts = append(texts, f.String())
	}
	return strings.Join(texts, ",")
}

// quote leaves a value bare only if nobody could read it differently.
func quote(value string) string {
	plain := func(r rune) bool { return isName(r) || strings.ContainsRune("+-.", r) }
	if value != "" && strings.IndexFunc(value, func(r rune) bool { return !plain(r) }) < 0 {
		return value
	}
	// A string always has a JSON form.
	quoted, _ := json.Marshal(value)
	return string(quoted)
}

// A SyntaxError tells where the syntax is broken, in the Graph API's words.
// The API reports it with code 2500 and type OAuthException.
type SyntaxError struct {
	Problem string // such as: Expected "(" instead of ",".
	Char    int    // where in Text, counted in characters from 0

	// Text is what was parsed: the whole value without the blanks that do
	// not matter. It is valid UTF-8, but comes from the client and may contain
	// anything. Only a value over the length limit is cut.
	Text string
}

// Error returns the message as the Graph API words it.
//
// https://github.com/node-facebook/facebook-node-sdk/issues/123 and
// https://github.com/facebook/facebook-nodejs-business-sdk/issues/59 show two.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Syntax error \"%s\" at character %d: %s", e.Problem, e.Char, e.Text)
}
