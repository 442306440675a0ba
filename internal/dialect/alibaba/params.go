package alibaba

import (
	"slices"
	"strings"
)

// maxParams bounds the parameters of a query or form body.
const maxParams = 1000

// A param is one parameter, decoded.
type param struct{ name, value string }

// params are parameters in the order of their names, none of which is there
// twice. Names are told apart by case.
type params []param

// get returns the value of the parameter, "" where there is none.
func (ps params) get(name string) string {
	v, _ := ps.lookup(name)
	return v
}

func (ps params) lookup(name string) (value string, ok bool) {
	if i, ok := ps.search(name); ok {
		return ps[i].value, true
	}
	return "", false
}

// set changes the value of the parameter, if it is there.
func (ps params) set(name, value string) {
	if i, ok := ps.search(name); ok {
		ps[i].value = value
	}
}

func (ps params) search(name string) (int, bool) {
	return slices.BinarySearchFunc(ps, name, func(p param, name string) int {
		return strings.Compare(p.name, name)
	})
}

// parseParams decodes a query or form body.
func parseParams(text string) (params, error) {
	if text == "" {
		return nil, nil
	}
	ps := make(params, 0, min(strings.Count(text, "&")+1, maxParams))
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		if len(ps) == maxParams {
			return nil, errParameters("There are too many parameters.")
		}
		name, value, _ := strings.Cut(part, "=")
		name, ok := unescape(name)
		value, also := unescape(value)
		if !ok || !also {
			return nil, errParameters("A parameter is not well encoded.")
		}
		ps = append(ps, param{name, value})
	}
	return ps, ps.sort()
}

// sort puts ps in order and fails where a name is repeated.
func (ps params) sort() error {
	slices.SortFunc(ps, func(a, b param) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(ps); i++ {
		if ps[i].name == ps[i-1].name {
			return errInvalid(ps[i].name)
		}
	}
	return nil
}

func merge(a, b params) (params, error) {
	switch {
	case len(b) == 0:
		return a, nil
	case len(a) == 0:
		return b, nil
	}
	all := slices.Concat(a, b)
	return all, all.sort()
}

// unescape decodes a name or value of a query or form, in which some SDKs write
// a blank as +.
func unescape(s string) (decoded string, ok bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return "", false
			}
			b = append(b, fromHex(s[i+1])<<4|fromHex(s[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
