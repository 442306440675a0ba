package fields

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A value within maxChars holds at most half as many arguments, so these need
// no limit of their own.
const (
	maxChars   = 8 << 10
	maxDepth   = 8   // levels of fields, the outermost included
	maxFields  = 200 // on all levels together
	excerptLen = 100 // characters that the error shows of a value over maxChars
)

// end is what peek returns after the last character.
const end rune = -1

// punctuation ends a bare value.
const punctuation = `,()[]{}"'`

// A parser reads text from left to right, each character once.
type parser struct {
	text  []rune
	pos   int
	count int // fields so far
}

func newParser(s string) (*parser, error) {
	if utf8.RuneCountInString(s) > maxChars {
		return nil, &SyntaxError{
			Problem: fmt.Sprintf("Expected at most %d characters.", maxChars),
			Char:    maxChars,
			Text:    string([]rune(fmt.Sprintf("%.*s", excerptLen, s))) + "...",
		}
	}
	return &parser{text: compact([]rune(s))}, nil
}

// compact returns text without the blanks that do not matter.
func compact(text []rune) []rune {
	out := make([]rune, 0, len(text))
	var quote rune
	for i := 0; i < len(text); i++ {
		r := text[i]
		switch {
		case quote == 0 && unicode.IsSpace(r):
			for i+1 < len(text) && unicode.IsSpace(text[i+1]) {
				i++
			}
			if len(out) == 0 || i+1 == len(text) || standsAlone(out[len(out)-1]) || standsAlone(text[i+1]) {
				continue
			}
			r = ' '
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		case quote != 0 && r == '\\' && i+1 < len(text):
			out = append(out, r)
			i++
			r = text[i]
		}
		out = append(out, r)
	}
	return out
}

// standsAlone tells whether blanks beside r do not matter.
func standsAlone(r rune) bool {
	return strings.ContainsRune(punctuation+".?=&", r)
}

func (p *parser) fields(depth int) ([]Field, error) {
	if depth > maxDepth {
		return nil, p.fail("Expected at most %d levels of fields.", maxDepth)
	}
	var list []Field
	seen := map[string]bool{}
	for {
		if p.count++; p.count > maxFields {
			return nil, p.fail("Expected at most %d fields.", maxFields)
		}
		f, err := p.field(depth)
		if err != nil {
			return nil, err
		}
		if seen[f.Key()] {
			// The Graph API's own words, version included:
			// https://github.com/feathersjs-ecosystem/authentication-oauth2/issues/57
			return nil, p.fail("Field %s specified more than once. "+
				"This is only possible before version 2.1", f.Key())
		}
		seen[f.Key()] = true
		list = append(list, f)
		if !p.take(',') {
			return list, nil
		}
	}
}

func (p *parser) field(depth int) (f Field, err error) {
	if f.Name, err = p.name(); err != nil {
		return f, err
	}
	for p.take('.') {
		c, err := p.call()
		if err != nil {
			return f, err
		}
		f.Calls = append(f.Calls, c)
	}
	for sep := '?'; p.take(sep); sep = '&' {
		c, err := p.pair()
		if err != nil {
			return f, err
		}
		f.Calls = append(f.Calls, c)
	}
	if c, ok := f.Arg("as"); ok && (len(c.Args) != 1 || c.Args[0] == "") {
		return f, p.fail("Expected one name in as.")
	}
	if p.take('{') {
		if f.Sub, err = p.fields(depth + 1); err == nil {
			err = p.need('}')
		}
	}
	return f, err
}

func (p *parser) call() (c Call, err error) {
	if c.Name, err = p.name(); err != nil {
		return c, err
	}
	if p.peek() == '[' {
		c.Args, err = p.args(end)
		return c, err
	}
	if err = p.need('('); err != nil {
		return c, err
	}
	if c.Args, err = p.args(')'); err != nil {
		return c, err
	}
	return c, p.need(')')
}

// pair reads one name=value of the query form.
func (p *parser) pair() (c Call, err error) {
	if c.Name, err = p.name(); err != nil {
		return c, err
	}
	if err = p.need('='); err != nil {
		return c, err
	}
	switch p.peek() {
	case '[':
		c.Args, err = p.args(end)
	case '&', ',', '{', '}', end:
		c.Args = []string{}
	default:
		var v string
		v, err = p.value("&")
		c.Args = []string{v}
	}
	return c, err
}

// args reads an array, or else bare values until closing.
func (p *parser) args(closing rune) ([]string, error) {
	if !p.take('[') {
		return p.values(closing)
	}
	list, err := p.values(']')
	if err != nil {
		return nil, err
	}
	return list, p.need(']')
}

func (p *parser) values(closing rune) ([]string, error) {
	list := []string{}
	if p.peek() == closing {
		return list, nil
	}
	for {
		v, err := p.value("")
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if !p.take(',') {
			return list, nil
		}
	}
}

// value reads one value. The characters of stop end a bare one, besides the
// punctuation.
func (p *parser) value(stop string) (string, error) {
	switch r := p.peek(); r {
	case '"', '\'':
		p.pos++
		return p.quoted(r)
	case '[':
		return "", p.fail("Expected value, arrays do not nest.")
	case '{':
		return "", p.fail("Expected value, objects are not supported.")
	}
	start := p.pos
	for r := p.peek(); r != end && !strings.ContainsRune(punctuation+stop, r); r = p.peek() {
		p.pos++
	}
	if p.pos == start {
		return "", p.expected("value")
	}
	return string(p.text[start:p.pos]), nil
}

// quoted reads a JSON string up to its closing quote. Two things are laxer than
// in JSON: the quotes may be single ones, and control characters may stand as
// they are.
func (p *parser) quoted(quote rune) (value string, err error) {
	start := p.pos
	text := []rune{'"'}
	for ; p.peek() != quote; p.pos++ {
		switch r := p.peek(); {
		case r == end:
			return "", p.expected("closing quote")
		case r == '\\' && p.pos+1 < len(p.text):
			p.pos++
			if r = p.peek(); r != '\'' {
				text = append(text, '\\')
			}
			text = append(text, r)
		case r == '"':
			text = append(text, '\\', '"')
		case r < ' ':
			text = append(text, []rune(fmt.Sprintf(`\u%04x`, r))...)
		default:
			text = append(text, r)
		}
	}
	p.pos++
	if err := json.Unmarshal([]byte(string(append(text, '"'))), &value); err != nil {
		p.pos = start
		return "", p.fail("Expected JSON string.")
	}
	return value, nil
}

func (p *parser) name() (string, error) {
	start := p.pos
	for isName(p.peek()) {
		p.pos++
	}
	if p.pos == start {
		return "", p.fail("Expected name.")
	}
	return string(p.text[start:p.pos]), nil
}

// isName tells whether r may be part of a name. A name may start with a digit,
// and the Graph API has some with a colon, such as actions:page_engagement.
func isName(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == ':'
}

func (p *parser) peek() rune {
	if p.pos == len(p.text) {
		return end
	}
	return p.text[p.pos]
}

func (p *parser) take(r rune) bool {
	if p.peek() != r {
		return false
	}
	p.pos++
	return true
}

func (p *parser) need(r rune) error {
	if !p.take(r) {
		return p.expected(`"` + string(r) + `"`)
	}
	return nil
}

// expected words the error for a missing token. The missing full stop at the
// end of the string is the Graph API's:
// https://github.com/tobilg/facebook-events-by-location-core/issues/30
func (p *parser) expected(what string) error {
	if p.peek() == end {
		return p.fail("Expected %s, got end of string", what)
	}
	return p.fail(`Expected %s instead of "%c".`, what, p.peek())
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Problem: fmt.Sprintf(format, args...), Char: p.pos, Text: string(p.text)}
}
