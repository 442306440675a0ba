package directory

import (
	"bytes"
	"encoding/json"
	"fmt"

	yaml "go.yaml.in/yaml/v4"

	"waybill"
)

// sections says how the body of one object is read: the keys that stand for the
// parts of its Ref, and the reader of its section of a document.
var sections = map[string]struct {
	keys  []string
	other []string // keys of objects of their own, which are not put along
	read  func(p *parser, r Ref, v value)
}{
	"account": {
		[]string{"id"},
		[]string{"users", "tokens", "apps", "momo_clients", "rates"},
		func(p *parser, _ Ref, v value) { p.account(v) },
	},
	"user":     {[]string{"", "name"}, []string{"access_keys"}, func(p *parser, r Ref, v value) { p.user(r.parts[0], v) }},
	"channel":  {[]string{"id"}, nil, func(p *parser, _ Ref, v value) { p.channel(v) }},
	"template": {[]string{"channel", "code", "language"}, nil, func(p *parser, _ Ref, v value) { p.template(v) }},
}

// parseObject returns the document that has nothing but the object r, which body
// describes in JSON. standing is what it may refer to, and what it replaces.
func parseObject(r Ref, body []byte, standing map[string]entry) (*Document, error) {
	section, ok := sections[r.kind]
	if !ok {
		return nil, fmt.Errorf("a %s cannot be put", r.kind)
	}
	n, err := objectNode(body)
	if err != nil {
		return nil, err
	}
	said := make(map[string]bool)
	for i := 0; i < len(n.Content); i += 2 {
		said[n.Content[i].Value] = true
	}
	for _, key := range section.other {
		if said[key] {
			return nil, waybill.Errorf(waybill.Invalid, "%s are not put along with the %s", key, r.kind)
		}
	}
	for i, key := range section.keys {
		if key != "" {
			n.Content = append(n.Content, textNode(key), textNode(r.parts[i]))
		}
	}
	p := newParser()
	p.standing = standing
	section.read(p, r, value{p, n, ""})
	doc, err := p.done()
	if err != nil {
		return nil, err
	}
	doc.entries[r.key()] = withUnsaid(doc.entries[r.key()], standing[r.key()], said)
	return doc, nil
}

// withUnsaid returns e with what its body left out because no reader of the
// object is told it.
func withUnsaid(e, old entry, said map[string]bool) entry {
	switch e := e.(type) {
	case user:
		if have, ok := old.(user); ok {
			e.AccessKeys, e.issued = have.AccessKeys, have.issued
		}
		return e
	case channel:
		have, ok := old.(channel)
		if !ok {
			return e
		}
		if !said["webhook_secrets"] {
			e.WebhookSecrets = have.WebhookSecrets
		}
		if !said["isv_code"] && e.ISV == have.ISV {
			e.ISVCode = have.ISVCode // the mandate of another ISV is another
		}
		return e
	}
	return e
}

// objectNode returns the tree of a JSON object.
func objectNode(body []byte) (*yaml.Node, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "the body is no JSON: %v", err)
	}
	object, ok := root.(map[string]any)
	if !ok {
		return nil, waybill.Errorf(waybill.Invalid, "the body is no object")
	}
	return nodeOf(object), nil
}

// nodeOf returns the node of a decoded JSON value.
func nodeOf(v any) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, key := range sortedKeys(v) {
			n.Content = append(n.Content, textNode(key), nodeOf(v[key]))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, nodeOf(item))
		}
		return n
	case string:
		return textNode(v)
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: v.String()}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: truth(v)}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}
