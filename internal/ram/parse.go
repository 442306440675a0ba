package ram

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"waybill/internal/spelling"
)

// MaxLength is how many characters a policy may have.
//
// https://www.alibabacloud.com/help/en/ram/product-overview/limits
const MaxLength = 6144

// Parse returns the policy in a JSON text. An error is of type Mistakes and
// names everything that is wrong.
func Parse(text []byte) (*Policy, error) {
	p := &parser{}
	root := p.read(text)
	if root == nil {
		return nil, p.mistakes
	}
	policy := &Policy{statements: p.policy(root), warnings: p.warnings}
	if len(p.mistakes) > 0 {
		return nil, p.mistakes
	}
	return policy, nil
}

// A parser collects what there is to say about a text.
type parser struct {
	mistakes Mistakes
	warnings []Remark
}

func (p *parser) mistake(path, format string, args ...any) {
	p.mistakes = append(p.mistakes, Remark{path, fmt.Sprintf(format, args...)})
}

func (p *parser) warn(path, format string, args ...any) {
	p.warnings = append(p.warnings, Remark{path, fmt.Sprintf(format, args...)})
}

func (p *parser) policy(n *node) []statement {
	o := p.object(n, "Version", "Statement")
	if v := o.must("Version"); v != nil && v.value != "1" {
		p.mistake(v.path, `must be "1"%s`, was(v))
	}
	items := o.must("Statement")
	if items == nil {
		return nil
	}
	if items.value != list {
		p.mistake(items.path, "must be a list, is %s", items.describe())
		return nil
	}
	if len(items.items) == 0 {
		p.mistake(items.path, "is empty")
	}
	var statements []statement
	for _, item := range items.items {
		statements = append(statements, p.statement(item))
	}
	return statements
}

func (p *parser) statement(n *node) statement {
	var s statement
	o := p.object(n, "Sid", "Effect", "Action", "NotAction", "Resource", "Condition")
	if o == nil {
		return s
	}
	if v := o.may("Sid"); v != nil {
		s.sid, _ = p.text(v)
	}
	if v := o.must("Effect"); v != nil {
		if v.value != "Allow" && v.value != "Deny" {
			p.mistake(v.path, `must be "Allow" or "Deny"%s`, was(v))
		}
		s.deny = v.value == "Deny"
	}
	p.actions(&s, o)
	if v := o.must("Resource"); v != nil {
		p.resources(&s, v)
	}
	if v := o.may("Condition"); v != nil {
		s.conditions = p.conditions(v)
	}
	return s
}

// was returns what stands in the place of a fixed text.
func was(n *node) string {
	if s, ok := n.value.(string); ok {
		return fmt.Sprintf(", is %q", clip(s))
	}
	return ", is " + n.describe()
}

func (p *parser) actions(s *statement, o *members) {
	only, except := o.may("Action"), o.may("NotAction")
	switch {
	case only != nil && except != nil:
		p.mistake(o.node.path, "has both Action and NotAction")
	case only == nil && except == nil:
		if !o.meant["Action"] && !o.meant["NotAction"] {
			p.mistake(o.node.path, "has neither Action nor NotAction")
		}
	case only != nil:
		p.eachAction(s, only)
	default:
		s.except = true
		p.eachAction(s, except)
	}
}

func (p *parser) eachAction(s *statement, n *node) {
	p.each(n, func(item *node, action string) {
		service, name, ok := strings.Cut(action, ":")
		if all := action != "" && strings.Trim(action, "*") == ""; !all && (!ok || service == "" || name == "") || !graphic(action) {
			p.mistake(item.path, `is %q, must be "*" or "service:operation"`, clip(action))
			return
		}
		s.actions = append(s.actions, pattern{action, strings.ToLower(action)})
		p.nearMiss(item.path, action)
	})
}

// nearMiss warns of an action that is none of those served, but nearly is.
func (p *parser) nearMiss(path, action string) {
	if wildcard(action) || slices.ContainsFunc(served(), func(s string) bool {
		return strings.EqualFold(s, action)
	}) {
		return
	}
	if c := spelling.Closest(action, served()); c != "" {
		p.warn(path, "%q is no operation of this server, did you mean %q?", clip(action), c)
	}
}

// graphic reports whether s is of ASCII characters that leave a mark.
func graphic(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (p *parser) resources(s *statement, n *node) {
	p.each(n, func(item *node, resource string) {
		if !strings.HasPrefix(resource, "acs:") && !strings.HasPrefix(resource, "*") && !strings.HasPrefix(resource, "?") {
			p.mistake(item.path, `is %q, must be "*" or a name like "acs:service:region:account:resource"`, clip(resource))
			return
		}
		s.resources = append(s.resources, resource)
		s.everything = s.everything || everything(resource)
	})
	if len(s.resources) > 0 && s.vain() {
		p.warn(n.path, "%s does not match everything, and the operations of cams have no "+
			`resource-level permission: the statement neither allows nor denies them, write "*"`, quoted(s.resources))
	}
}

// quoted returns the values for a message.
func quoted(values []string) string {
	const most = 5
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == most {
			fmt.Fprintf(&b, "and %d more", len(values)-most)
			break
		}
		fmt.Fprintf(&b, "%q", clip(v))
	}
	return b.String()
}

// text returns the text that n must be.
func (p *parser) text(n *node) (string, bool) {
	s, ok := n.value.(string)
	switch v := n.value.(type) {
	case string:
	case json.Number, bool:
		p.mistake(n.path, "must be text, is %s: write \"%v\"", n.describe(), v)
	default:
		p.mistake(n.path, "must be text, is %s", n.describe())
	}
	return s, ok
}

// each reads the texts that n must be: one, or a list of them.
func (p *parser) each(n *node, read func(item *node, text string)) {
	items := []*node{n}
	if n.value == list {
		items = n.items
	}
	if len(items) == 0 {
		p.mistake(n.path, "is empty")
	}
	for _, item := range items {
		if text, ok := p.text(item); ok {
			read(item, text)
		}
	}
}

// members are those of an object that are known.
type members struct {
	p      *parser
	node   *node
	byName map[string]*node
	meant  map[string]bool // a key that is nearly this one was there
}

// object returns the members of n, nil where it is no object.
func (p *parser) object(n *node, known ...string) *members {
	if n.value != object {
		p.mistake(n.path, "must be an object, is %s", n.describe())
		return nil
	}
	o := &members{p, n, make(map[string]*node), make(map[string]bool)}
	for i, name := range n.names {
		switch {
		case slices.Contains(known, name):
			o.byName[name] = n.items[i]
		case name == "Principal" || name == "NotPrincipal":
			p.mistake(n.items[i].path, "is for policies of resources, not of users")
		case name == "NotResource":
			p.mistake(n.items[i].path, "is not in the language, only Resource is")
		default:
			p.mistake(n.items[i].path, "is unknown%s", spelling.Question(name, known))
			o.meant[spelling.Closest(name, known)] = true
		}
	}
	return o
}

func (o *members) may(name string) *node {
	if o == nil {
		return nil
	}
	return o.byName[name]
}

func (o *members) must(name string) *node {
	n := o.may(name)
	if n == nil && o != nil && !o.meant[name] {
		o.p.mistake(join(o.node.path, name), "is missing")
	}
	return n
}
