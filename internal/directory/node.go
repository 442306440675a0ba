package directory

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	yaml "go.yaml.in/yaml/v4"

	"waybill"
	"waybill/internal/spelling"
)

// Bounds of values, in bytes.
const (
	maxID     = 128
	maxText   = 256
	maxSecret = 4096
)

// A value is a place in a document. A value without node is one that the
// document leaves out, or one about which a mistake was told: reading it gives
// zero values and tells no further mistakes.
type value struct {
	p    *parser
	node *yaml.Node
	path string
}

func (v value) present() bool { return v.node != nil }

func (v value) place() Mistake {
	return Mistake{Line: v.node.Line, Column: v.node.Column, Path: v.path}
}

func (v value) mistake(format string, args ...any) {
	m := v.place()
	m.Message = fmt.Sprintf(format, args...)
	v.p.mistakes = append(v.p.mistakes, m)
}

// warn notes what is no mistake but should be known.
func (p *parser) warn(v value, format string, args ...any) {
	m := v.place()
	m.Message = fmt.Sprintf(format, args...)
	p.doc.warnings = append(p.doc.warnings, m)
}

// is reports whether v is present and of the given kind, and notes a mistake
// where it is another.
func (v value) is(kind yaml.Kind, want string) bool {
	if v.present() && v.node.Kind != kind {
		v.mistake("is %s, not %s", describe(v.node), want)
	}
	return v.present() && v.node.Kind == kind
}

// describe returns what n is, in words.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.ShortTag() {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a truth value"
	case "!!null":
		return "empty"
	case "!!timestamp":
		return "a time"
	}
	return "of type " + n.ShortTag()
}

// An object is a mapping whose keys are known.
type object struct {
	value
	fields map[string]value
}

// object reads v as a mapping with the given keys.
func (v value) object(known ...string) object {
	o := object{value: v, fields: make(map[string]value)}
	if !v.is(yaml.MappingNode, "a mapping") {
		o.node = nil
		return o
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		at := value{v.p, k, v.path}
		if k.Kind != yaml.ScalarNode {
			at.mistake("a key is %s, not text", describe(k))
			continue
		}
		at.path = strings.TrimPrefix(v.path+"."+clip(k.Value), ".")
		_, twice := o.fields[k.Value]
		switch {
		case twice:
			at.mistake("is given twice")
		case !slices.Contains(known, k.Value):
			at.mistake("unknown key%s", suggestOr(k.Value, known))
		default:
			o.fields[k.Value] = value{v.p, n, at.path}
		}
	}
	return o
}

// suggestOr returns a suggestion, all the candidates where none is close.
func suggestOr(word string, candidates []string) string {
	if s := spelling.Question(word, candidates); s != "" {
		return s
	}
	return ", known are " + strings.Join(candidates, ", ")
}

// clip shortens what a mistake quotes of a document.
func clip(s string) string {
	if len(s) <= 80 {
		return s
	}
	return strings.ToValidUTF8(s[:80], "") + "…"
}

// may returns the value of a key that may be left out.
func (o object) may(key string) value { return o.fields[key] }

// must returns the value of a key that must be there.
func (o object) must(key string) value {
	v, ok := o.fields[key]
	if !ok && o.present() {
		value{o.p, o.node, strings.TrimPrefix(o.path+"."+key, ".")}.mistake("is missing")
	}
	return v
}

// list reads v as a list.
func (v value) list() []value {
	if !v.is(yaml.SequenceNode, "a list") {
		return nil
	}
	vs := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		vs[i] = value{v.p, n, fmt.Sprintf("%s[%d]", v.path, i)}
	}
	return vs
}

// filled returns v, and notes a mistake where it is an empty list.
func (v value) filled() value {
	if v.present() && v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		v.mistake("is empty")
	}
	return v
}

// scalar reads v as text, with variables expanded. Numbers and times are taken
// as they are written. ok is false where v is absent or a mistake.
func (v value) scalar() (text string, ok bool) {
	if !v.is(yaml.ScalarNode, "text") {
		return "", false
	}
	switch v.node.ShortTag() {
	case "!!str", "!!int", "!!float", "!!timestamp":
		return v.expand(v.node.Value)
	}
	v.mistake("is %s, not text", describe(v.node))
	return "", false
}

// truth reads v as true or false, which it is where it is absent.
func (v value) truth() bool {
	if !v.is(yaml.ScalarNode, "true or false") {
		return false
	}
	if v.node.ShortTag() != "!!bool" {
		v.mistake("is %s, not true or false", describe(v.node))
	}
	return strings.EqualFold(v.node.Value, "true")
}

// expand replaces each ${VAR} by the variable of the environment, and $${ by ${.
// Where there is no environment the text stays as it is.
func (v value) expand(text string) (expanded string, ok bool) {
	if v.p.getenv == nil {
		return text, true
	}
	var b strings.Builder
	ok = true
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			b.WriteString(text)
			return b.String(), ok
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		b.WriteString(text[:i])
		name, rest, closed := strings.Cut(text[i+2:], "}")
		if !closed || !isVariable(name) {
			v.mistake("has a ${ that no variable follows; write $${ for the characters themselves")
			return "", false
		}
		set, found := v.p.getenv(name)
		if !found {
			v.mistake("environment variable %s is not set", name)
			ok = false
		}
		b.WriteString(set)
		text = rest
	}
}

func isVariable(name string) bool {
	for i, c := range name {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// textProblem returns what is wrong with a text of at most limit bytes, if
// anything is.
func textProblem(s string, limit int) string {
	if len(s) > limit {
		return fmt.Sprintf("has %d bytes, more than %d", len(s), limit)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "holds a control character"
	}
	return ""
}

// text reads v as text that may be empty.
func (v value) text() string {
	s, _ := v.bounded(maxText)
	return s
}

// word reads v as text that is not empty.
func (v value) word() string { return v.nonempty(maxText) }

// secret reads v as text that is not empty. No mistake quotes it.
func (v value) secret() string {
	if v.present() && v.p.getenv != nil && bareVariable.MatchString(v.node.Value) {
		v.mistake("looks like a variable without its braces; write ${NAME}")
		return ""
	}
	return v.nonempty(maxSecret)
}

// bareVariable is what somebody writes who means a variable of the environment.
var bareVariable = regexp.MustCompile(`^\$[A-Z_][A-Z0-9_]*$`)

// id reads v as a name that stands in paths.
func (v value) id() string {
	s := v.nonempty(maxID)
	other := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') &&
			!strings.ContainsRune("-_.:", r)
	}
	if strings.ContainsFunc(s, other) {
		v.mistake("%q holds more than letters, digits and - _ . :", s)
		return ""
	}
	return s
}

// bounded reads v as text of at most limit bytes.
func (v value) bounded(limit int) (text string, ok bool) {
	s, ok := v.scalar()
	if !ok {
		return "", false
	}
	if problem := textProblem(s, limit); problem != "" {
		v.mistake("%s", problem)
		return "", false
	}
	return s, true
}

func (v value) nonempty(limit int) string {
	s, ok := v.bounded(limit)
	if ok && s == "" {
		v.mistake("is empty")
	}
	return s
}

// choice reads v as one of a few words, which what names.
func (v value) choice(what string, words ...string) string {
	s, ok := v.scalar()
	if !ok {
		return ""
	}
	if !slices.Contains(words, s) {
		v.mistake("%q is no %s%s", clip(s), what, suggestOr(s, words))
		return ""
	}
	return s
}

// instant reads v as a time with an offset, rounded down to a second.
func (v value) instant() waybill.Instant {
	s, ok := v.scalar()
	if !ok {
		return waybill.Never
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		v.mistake("%q is no time such as 2026-11-20T10:00:00Z", clip(s))
		return waybill.Never
	}
	i := waybill.InstantOf(t)
	if i <= waybill.Never {
		v.mistake("%q is not after 1970-01-01T00:00:00Z", s)
		return waybill.Never
	}
	return i
}

// each reads v as a list of what read reads, each thing once. A secret is not
// quoted.
func (v value) each(read func(value) string, secret bool) []string {
	var list []string
	for _, item := range v.list() {
		s := read(item)
		switch {
		case s == "":
		case slices.Contains(list, s) && secret:
			item.mistake("is in the list already")
		case slices.Contains(list, s):
			item.mistake("%q is in the list already", s)
		default:
			list = append(list, s)
		}
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
