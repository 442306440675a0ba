package ram

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A node is a JSON value and where it stands. Unlike what package json decodes
// into, it keeps the order of keys, and shows which are given twice.
type node struct {
	path  string
	value any      // a string, json.Number, bool, json.Delim, or nil
	names []string // keys of an object
	items []*node  // elements of a list, values of an object
}

const (
	object = json.Delim('{')
	list   = json.Delim('[')
)

// read returns the tree of a text, nil where it has none. The bound on the text
// bounds the depth too.
func (p *parser) read(text []byte) *node {
	if n := utf8.RuneCount(text); n > MaxLength {
		p.mistake("", "has %d characters, more than %d", n, MaxLength)
		return nil
	}
	if !utf8.Valid(text) {
		p.mistake("", "is no UTF-8")
		return nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		p.mistake("", "is no JSON: %s%v", position(text, err), err)
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(whole))
	d.UseNumber()
	return p.node(d, "")
}

// position returns where in the text err was found.
func position(text []byte, err error) string {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return ""
	}
	before := string(text[:max(0, min(int(syntax.Offset)-1, len(text)))])
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d: ", line, column)
}

// node reads the next value, of a text that is known to be JSON.
func (p *parser) node(d *json.Decoder, path string) *node {
	token, err := d.Token()
	if err != nil {
		p.mistake(path, "is no JSON: %v", err)
		return &node{path: path}
	}
	n := &node{path: path, value: token}
	switch token {
	case object:
		p.members(d, n)
	case list:
		for d.More() {
			n.items = append(n.items, p.node(d, fmt.Sprintf("%s[%d]", path, len(n.items))))
		}
	default:
		return n
	}
	_, _ = d.Token() // the closing bracket: the text is JSON
	return n
}

func (p *parser) members(d *json.Decoder, n *node) {
	seen := make(map[string]bool)
	for d.More() {
		token, _ := d.Token() // a key, as the text is JSON
		name, _ := token.(string)
		member := p.node(d, join(n.path, name))
		if seen[name] {
			p.mistake(member.path, "is given twice")
			continue
		}
		seen[name] = true
		n.names = append(n.names, name)
		n.items = append(n.items, member)
	}
}

// join returns the path of a member. Keys that a path could be misread for are
// quoted.
func join(path, key string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:/@"
	if key == "" || strings.Trim(key, plain) != "" {
		return fmt.Sprintf("%s[%q]", path, clip(key))
	}
	if path == "" {
		return clip(key)
	}
	return path + "." + clip(key)
}

// clip returns s, shortened for a message.
func clip(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// describe says what kind of value n is.
func (n *node) describe() string {
	switch n.value.(type) {
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case nil:
		return "null"
	}
	if n.value == object {
		return "an object"
	}
	return "a list"
}
