package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"waybill/internal/ram"
)

// policy reads v as a RAM policy. What is wrong with it are mistakes of the
// document, what it says in vain are warnings.
func (p *parser) policy(v value) json.RawMessage {
	text := v.json()
	if text == nil {
		return nil
	}
	parsed, err := ram.Parse(text)
	if mistakes, ok := errors.AsType[ram.Mistakes](err); ok {
		for _, m := range mistakes {
			v.at(m.Path).mistake("%s", m.Message)
		}
		return nil
	} else if err != nil {
		v.mistake("%v", err)
		return nil
	}
	for _, w := range parsed.Warnings() {
		p.warn(v.at(w.Path), "%s", w.Message)
	}
	return text
}

// at returns the value below v that a path such as Statement[0].Effect names, or
// the closest one above it, with the path of the one that is missing.
func (v value) at(path string) value {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		child := v.child(step)
		if child == nil {
			v.path += "." + step
			return v
		}
		if _, err := strconv.Atoi(step); err == nil {
			v = value{v.p, child, v.path + "[" + step + "]"}
		} else {
			v = value{v.p, child, v.path + "." + step}
		}
	}
	return v
}

// child returns the node under a key of a mapping or at an index of a list.
func (v value) child(step string) *yaml.Node {
	switch v.node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			if v.node.Content[i].Value == step {
				return v.node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v.node.Content) {
			return v.node.Content[i]
		}
	}
	return nil
}

// Policies returns the policies of a user, parsed, or NotFound. Where one of them
// cannot be parsed the error says so: it may have denied anything.
func (v *View) Policies(account, name string) ([]ram.Attached, error) {
	u, ok := v.User(account, name)
	if !ok {
		return nil, UserRef(account, name).unknown()
	}
	if known, ok := v.policies.Load(UserRef(account, name).key()); ok {
		return known.([]ram.Attached), nil
	}
	attached, err := ram.Attach(u.Policies)
	if err != nil {
		return nil, fmt.Errorf("policies of user %s of account %s: %w", name, account, err)
	}
	v.policies.Store(UserRef(account, name).key(), attached)
	return attached, nil
}
