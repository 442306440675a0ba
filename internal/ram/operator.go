package ram

import (
	"net/netip"
	"strings"
	"time"
)

// A class is a type of values, for people.
type class struct {
	name      string // with its article
	operators string // that compare it
	example   string
}

var (
	textClass    = &class{"text", "StringEquals, StringLike and their like", "any text"}
	numberClass  = &class{"a number", "NumericEquals, NumericLessThan and their like", `digits such as "10" or "-0.5"`}
	instantClass = &class{"an instant", "DateEquals, DateLessThan and their like", `a time such as "2026-01-31T23:59:59Z"`}
	boolClass    = &class{"a boolean", "Bool", `"true" or "false"`}
	addressClass = &class{"an IP address", "IpAddress and NotIpAddress", `an address or a CIDR block such as "192.0.2.0/24"`}
)

// An operator compares what a request has with the values of a policy.
//
// https://www.alibabacloud.com/help/en/ram/conditional-operator
type operator struct {
	class   *class
	negated bool

	// valid reports whether a value can be compared.
	valid func(value string) bool

	// compile returns what reports whether a request's key fits any of the
	// values, which are valid.
	compile func(key string, values []string) func(*Request) bool
}

// A family is the operators of one class. A request has subjects of type S,
// policies have values of type V.
type family[S, V any] struct {
	class   *class
	parse   func(string) (V, bool)
	keys    map[string]func(*Request) (S, bool) // the known ones
	subject func(string) (S, bool)              // reads any other key
}

func (f *family[S, V]) operator(negated bool, fit func(S, V) bool) operator {
	return operator{
		class:   f.class,
		negated: negated,
		valid: func(value string) bool {
			_, ok := f.parse(value)
			return ok
		},
		compile: func(key string, values []string) func(*Request) bool {
			return f.compile(key, values, fit)
		},
	}
}

func (f *family[S, V]) compile(key string, values []string, fit func(S, V) bool) func(*Request) bool {
	parsed := make([]V, len(values))
	for i, v := range values {
		parsed[i], _ = f.parse(v)
	}
	of := f.keys[key]
	if of == nil {
		of = func(r *Request) (s S, ok bool) {
			if text, has := r.Context[key]; has {
				return f.subject(text)
			}
			return s, false
		}
	}
	return func(r *Request) bool {
		s, ok := of(r)
		if !ok {
			return false
		}
		for i := range parsed {
			if fit(s, parsed[i]) {
				return true
			}
		}
		return false
	}
}

var (
	texts     = &family[string, string]{textClass, anyText, textKeys, anyText}
	numbers   = &family[decimal, decimal]{numberClass, parseDecimal, nil, parseDecimal}
	instants  = &family[int64, int64]{instantClass, parseInstant, instantKeys, parseInstant}
	booleans  = &family[bool, bool]{boolClass, parseBool, boolKeys, parseBool}
	addresses = &family[netip.Addr, netip.Prefix]{addressClass, parseBlock, addressKeys, parseAddress}
)

var operators = map[string]operator{
	"StringEquals":              texts.operator(false, same[string]),
	"StringNotEquals":           texts.operator(true, same[string]),
	"StringEqualsIgnoreCase":    texts.operator(false, strings.EqualFold),
	"StringNotEqualsIgnoreCase": texts.operator(true, strings.EqualFold),
	"StringLike":                texts.operator(false, like),
	"StringNotLike":             texts.operator(true, like),

	"NumericEquals":            numbers.operator(false, same[decimal]),
	"NumericNotEquals":         numbers.operator(true, same[decimal]),
	"NumericLessThan":          numbers.operator(false, func(s, v decimal) bool { return s.compare(v) < 0 }),
	"NumericLessThanEquals":    numbers.operator(false, func(s, v decimal) bool { return s.compare(v) <= 0 }),
	"NumericGreaterThan":       numbers.operator(false, func(s, v decimal) bool { return s.compare(v) > 0 }),
	"NumericGreaterThanEquals": numbers.operator(false, func(s, v decimal) bool { return s.compare(v) >= 0 }),

	"DateEquals":            instants.operator(false, same[int64]),
	"DateNotEquals":         instants.operator(true, same[int64]),
	"DateLessThan":          instants.operator(false, func(s, v int64) bool { return s < v }),
	"DateLessThanEquals":    instants.operator(false, func(s, v int64) bool { return s <= v }),
	"DateGreaterThan":       instants.operator(false, func(s, v int64) bool { return s > v }),
	"DateGreaterThanEquals": instants.operator(false, func(s, v int64) bool { return s >= v }),

	"Bool": booleans.operator(false, same[bool]),

	"IpAddress":    addresses.operator(false, within),
	"NotIpAddress": addresses.operator(true, within),
}

func same[T comparable](s, v T) bool { return s == v }

func like(s, v string) bool { return match(v, s, false) }

func within(s netip.Addr, v netip.Prefix) bool { return v.Contains(s) }

func anyText(s string) (string, bool) { return s, true }

// parseInstant reads RFC 3339 in whole seconds.
func parseInstant(s string) (int64, bool) {
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil || strings.Contains(s, ".") {
		return 0, false
	}
	return t.Unix(), true
}

func parseBool(s string) (value, ok bool) { return s == "true", s == "true" || s == "false" }

func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return plainAddress(a), err == nil
}

// plainAddress returns an IPv4 address as such, whatever it is wrapped in.
func plainAddress(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// parseBlock reads an address or a CIDR block. Bits below the block's length are
// ignored, as RAM does.
func parseBlock(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), a.Zone() == ""
	}
	block, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a := block.Addr(); a.Is4In6() && block.Bits() >= 96 {
		block = netip.PrefixFrom(a.Unmap(), block.Bits()-96)
	}
	return block, true
}
