package directory

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// A Diff is what an Apply changed, or would. It holds no secret.
type Diff []Difference

// A Difference is one thing that was added, changed or deleted.
type Difference struct {
	Op     Op
	Kind   string // such as "channel"
	Name   string // such as "cams-acme", or "1234567890123456/dashboard"
	Detail string // what is new, for a person
}

// An Op is the sort of a Difference.
type Op string

// The ops.
const (
	Added   Op = "+"
	Changed Op = "~"
	Deleted Op = "-"
)

// String returns the differences, each on a line:
//
//   - channel cams-acme (chatapp, Asia/Shanghai)
//     ~ token 1234567890123456/dashboard: scopes a,b -> a
//   - app 634974688087057
func (d Diff) String() string {
	var b strings.Builder
	for _, e := range d {
		b.WriteString(string(e.Op) + " " + e.Kind + " " + e.Name)
		switch {
		case e.Detail == "":
		case e.Op == Added:
			b.WriteString(" (" + e.Detail + ")")
		default:
			b.WriteString(": " + e.Detail)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// newDiff compares changes by record key, where nil deletes, with what they
// change.
func newDiff(old, changes map[string]entry) Diff {
	var d Diff
	for key, e := range changes {
		before, known := old[key]
		switch {
		case e == nil:
			d = append(d, Difference{Op: Deleted, Kind: before.kind(), Name: showName(before)})
		case !known:
			d = append(d, Difference{Added, e.kind(), showName(e), brief(e)})
		case !equal(before, e):
			d = append(d, Difference{Changed, e.kind(), showName(e), detail(before, e)})
		}
	}
	slices.SortFunc(d, func(a, b Difference) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			strings.Compare(a.Name, b.Name))
	})
	return d
}

func showName(e entry) string {
	name, err := url.PathUnescape(e.name())
	if err != nil {
		name = e.name()
	}
	return printable(strings.TrimPrefix(name, "/"))
}

// brief returns what tells most of a new entry.
func brief(e entry) string {
	var parts []string
	for _, f := range e.fields() {
		if f.brief && len(f.values) > 0 {
			parts = append(parts, f.show())
		}
	}
	return strings.Join(parts, ", ")
}

// detail returns the fields in which an entry changed.
func detail(before, after entry) string {
	was := make(map[string]field)
	for _, f := range before.fields() {
		was[f.name] = f
	}
	var parts []string
	for _, f := range after.fields() {
		old := was[f.name]
		delete(was, f.name)
		if !slices.Equal(f.values, old.values) {
			old.secret = f.secret
			parts = append(parts, f.name+" "+old.show()+" -> "+f.show())
		}
	}
	for _, f := range before.fields() {
		if old, gone := was[f.name]; gone {
			parts = append(parts, f.name+" "+old.show()+" -> "+field{}.show())
		}
	}
	return strings.Join(parts, "; ")
}

// show returns the values of f for a person, without secrets.
func (f field) show() string {
	switch {
	case len(f.values) == 0:
		return "none"
	case f.secret:
		return strings.Repeat("***,", len(f.values)-1) + "***"
	}
	return printable(strings.Join(f.values, ","))
}

// printable replaces what could steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
