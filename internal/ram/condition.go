package ram

import (
	"maps"
	"slices"
	"strings"

	"waybill/internal/spelling"
)

func (p *parser) conditions(n *node) []condition {
	if !p.filled(n) {
		return nil
	}
	var all []condition
	for i, name := range n.names {
		op, known := operators[name]
		if !known {
			p.unknownOperator(n.items[i].path, name)
			continue
		}
		if !p.filled(n.items[i]) {
			continue
		}
		for j, key := range n.items[i].names {
			all = append(all, p.condition(name, op, key, n.items[i].items[j]))
		}
	}
	return all
}

// filled reports whether n is an object with members.
func (p *parser) filled(n *node) bool {
	switch {
	case n.value != object:
		p.mistake(n.path, "must be an object, is %s", n.describe())
	case len(n.items) == 0:
		p.mistake(n.path, "is empty")
	default:
		return true
	}
	return false
}

func (p *parser) unknownOperator(path, name string) {
	switch {
	case name == "Null" || strings.HasSuffix(name, "IfExists"):
		p.mistake(path, "is no operator: RAM has no Null and no IfExists")
	case strings.HasPrefix(name, "ForAllValues:") || strings.HasPrefix(name, "ForAnyValue:"):
		p.mistake(path, "is no operator: RAM has no ForAllValues and no ForAnyValue")
	default:
		p.mistake(path, "is no operator%s", spelling.Question(name, slices.Sorted(maps.Keys(operators))))
	}
}

func (p *parser) condition(name string, op operator, key string, n *node) condition {
	p.key(name, op, key, n.path)
	c := condition{operator: name, key: key, negated: op.negated}
	p.each(n, func(item *node, value string) {
		switch {
		case !op.valid(value):
			p.mistake(item.path, "is %q, must be %s", clip(value), op.class.example)
			return
		case op.class == textClass && strings.Contains(name, "Equals") && wildcard(value):
			p.warn(item.path, "%q is compared as it stands: only StringLike and StringNotLike have wildcards", clip(value))
		}
		c.values = append(c.values, value)
	})
	c.fits = op.compile(key, c.values)
	return c
}

// key checks that an operator can compare a key.
func (p *parser) key(name string, op operator, key, path string) {
	service, rest, ok := strings.Cut(key, ":")
	if !ok || service == "" || rest == "" || !graphic(service) {
		p.mistake(path, `is no key, must be like "acs:SourceIp"%s`, spelling.Question("acs:"+key, commonKeys()))
		return
	}
	is := classOf(key)
	switch {
	case is == nil:
		if c := misspelt(key); c != "" {
			p.mistake(path, "is no key, did you mean %q?", c)
			return
		}
		p.warn(path, "no request to this server has the key: %s is %s", name, always(op))
	case is != op.class:
		p.mistake(path, "is %s, compared by %s", is.name, is.operators)
	case key == mfaPresent:
		p.warn(path, "a call signed with an access key does not have the key: %s is %s", name, always(op))
	}
}

// always says what an operator is without the key.
func always(op operator) string {
	if op.negated {
		return "always met"
	}
	return "never met"
}
