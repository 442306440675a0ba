package directory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"waybill"
	"waybill/internal/spelling"
)

// Bounds of a document.
const (
	maxDocument = 4 << 20 // bytes
	maxDepth    = 64      // of nesting
)

// A Document says what a directory shall hold. It is free of mistakes of its
// own; Apply may still find that it does not fit the directory.
type Document struct {
	entries map[string]entry   // by record key
	places  map[string]Mistake // where each entry stands, without message
	cards   map[string]bool    // accounts whose rates it names

	warnings []Mistake
}

// Warnings returns what the document says in vain, such as a statement of a
// policy that can never apply.
func (d *Document) Warnings() []Mistake { return d.warnings }

// String tells the size of d, and nothing of its secrets.
func (d *Document) String() string { return fmt.Sprintf("document of %d entries", len(d.entries)) }

// A parser reads one document.
type parser struct {
	getenv   func(string) (string, bool)
	standing map[string]entry // what can be referred to beside the document
	doc      *Document
	mistakes Mistakes
	seen     map[string]map[string]value // kind -> name -> where it is defined
	channels map[string]waybill.Channel
	apps     map[string]string // app -> account
	later    []func()          // checks of what refers to something else
}

// Parse reads a YAML document and returns it, or all its Mistakes. Each ${VAR}
// in a value stands for the environment variable that getenv returns, $${ for
// the characters ${. Aliases are mistakes. A document over 4 MB is TooLarge.
//
// Every reference must be to something in the same document.
func Parse(r io.Reader, getenv func(string) (string, bool)) (*Document, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read directory document: %w", err)
	}
	if len(text) > maxDocument {
		return nil, waybill.Errorf(waybill.TooLarge, "the document has more than %d bytes", maxDocument)
	}
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	p := newParser()
	p.getenv = getenv
	p.document(value{p, root, ""})
	return p.done()
}

func newParser() *parser {
	return &parser{
		doc:      &Document{entries: make(map[string]entry), places: make(map[string]Mistake), cards: make(map[string]bool)},
		seen:     make(map[string]map[string]value),
		channels: make(map[string]waybill.Channel),
		apps:     make(map[string]string),
	}
}

// done returns the document, now that all of it is read.
func (p *parser) done() (*Document, error) {
	for _, check := range p.later {
		check()
	}
	if err := p.mistakes.err(); err != nil {
		return nil, err
	}
	return p.doc, nil
}

// parseYAML returns the root of the only document in text.
func parseYAML(text []byte) (*yaml.Node, error) {
	if i := invalidUTF8(text); i >= 0 {
		return nil, Mistakes{{Line: 1 + bytes.Count(text[:i], []byte("\n")), Message: "the text is not UTF-8"}}
	}
	var n, second yaml.Node
	err := load(text, &n, &second)
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		message := strings.TrimSpace(e.Message + " " + e.ContextMsg)
		return nil, Mistakes{{Line: e.Mark.Line, Column: e.Mark.Column, Message: message}}
	}
	switch {
	case err != nil:
		return nil, Mistakes{{Message: err.Error()}}
	case len(n.Content) == 0:
		return nil, Mistakes{{Message: "the document is empty"}}
	case second.Kind != 0:
		return nil, Mistakes{{Line: second.Line, Column: second.Column, Message: "a second document begins"}}
	}
	return n.Content[0], nil
}

// load reads the documents of text into nodes, as many as there are.
func load(text []byte, nodes ...*yaml.Node) error {
	loader, err := yaml.NewLoader(bytes.NewReader(text),
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := loader.Load(n); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// invalidUTF8 returns the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// stands reports whether name is defined beside the document.
func (p *parser) stands(kind, name string) bool {
	_, ok := p.standing[recordRoot+kind+"/"+join(name)]
	return ok
}

func (p *parser) document(v value) {
	o := v.object("accounts", "channels", "templates")
	for _, a := range o.may("accounts").list() {
		p.account(a)
	}
	for _, c := range o.may("channels").list() {
		p.channel(c)
	}
	for _, t := range o.may("templates").list() {
		p.template(t)
	}
}

// put adds an entry that stands at v to the document.
func (p *parser) put(e entry, v value) {
	if !v.present() {
		return
	}
	key := recordKey(e)
	p.doc.entries[key], p.doc.places[key] = e, v.place()
}

// define notes that name of the given kind is defined at v, and reports whether
// that is so: it must not be empty nor taken. A secret is not quoted.
func (p *parser) define(kind, name string, v value, secret bool) bool {
	if name == "" || !v.present() {
		return false
	}
	if p.seen[kind] == nil {
		p.seen[kind] = make(map[string]value)
	}
	if first, taken := p.seen[kind][name]; taken {
		what := fmt.Sprintf("%q", name)
		if secret {
			what = "the same value"
		}
		v.mistake("%s is given at %s on line %d already", what, first.path, first.node.Line)
		return false
	}
	p.seen[kind][name] = v
	return true
}

// refer checks, once all is read, that the name at v is defined, and calls then
// if it is.
func (p *parser) refer(kind, name string, v value, then func()) {
	if name == "" {
		return
	}
	p.later = append(p.later, func() {
		if _, ok := p.seen[kind][name]; ok || p.stands(kind, name) {
			if then != nil {
				then()
			}
			return
		}
		if p.standing != nil { // which holds what is not everybody's business
			v.mistake("%s %q does not exist", kind, name)
			return
		}
		var hint string
		if len(p.mistakes) < maxMistakes {
			hint = spelling.Question(name, sortedKeys(p.seen[kind]))
		}
		v.mistake("%q is no %s of this document%s", name, kind, hint)
	})
}
