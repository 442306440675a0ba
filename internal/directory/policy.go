package directory

import (
	"bytes"
	"encoding/json"

	yaml "go.yaml.in/yaml/v4"
)

// json returns the JSON of v, which must be a mapping, with its keys in
// ascending order. Times and text stay as they are written.
func (v value) json() json.RawMessage {
	if !v.is(yaml.MappingNode, "a mapping") {
		return nil
	}
	known := len(v.p.mistakes)
	tree := v.tree()
	if len(v.p.mistakes) > known {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		v.mistake("is no JSON: %v", err)
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// tree returns what v holds, for the encoder of JSON.
func (v value) tree() any {
	switch v.node.Kind {
	case yaml.MappingNode:
		return v.branches()
	case yaml.SequenceNode:
		list := make([]any, 0, len(v.node.Content))
		for _, item := range v.list() {
			list = append(list, item.tree())
		}
		return list
	case yaml.ScalarNode:
		return v.leaf()
	}
	v.mistake("is %s", describe(v.node))
	return nil
}

func (v value) branches() map[string]any {
	m := make(map[string]any)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		at := value{v.p, n, v.path + "." + clip(k.Value)}
		if k.Kind != yaml.ScalarNode {
			at.path = v.path
			at.mistake("a key is %s, not text", describe(k))
			continue
		}
		if _, twice := m[k.Value]; twice {
			value{v.p, k, at.path}.mistake("is given twice")
		}
		m[k.Value] = at.tree()
	}
	return m
}

func (v value) leaf() any {
	switch v.node.ShortTag() {
	case "!!null":
		return nil
	case "!!int", "!!float", "!!bool":
		if json.Valid([]byte(v.node.Value)) {
			return json.RawMessage(v.node.Value) // every digit of it
		}
		var plain any
		if err := v.node.Decode(&plain); err != nil {
			v.mistake("is %s that cannot be read", describe(v.node))
			return nil
		}
		if _, err := json.Marshal(plain); err != nil {
			v.mistake("is %s that JSON does not have", describe(v.node))
			return nil
		}
		return plain
	}
	s, _ := v.scalar()
	return s
}
