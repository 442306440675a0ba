package meta

import (
	"hash/maphash"
	"iter"
	"slices"
	"strings"
)

// A reader walks through JSON text once. It is strict about the text: grammar,
// depth, and no name twice in any object. It is lenient about what the text says:
// who asks for an object or a string where there is something else gets nothing,
// and the walk goes on behind it.
//
// The first error of the text ends the walk; all reads after it yield nothing,
// and finish says what was wrong. The strings that a reader returns are parts of
// the text, save for those of word. A reader that is used again needs less memory.
type reader struct {
	text    string
	at      int  // index of the next byte
	broken  bool // the text is no JSON, or is nested too deep
	depth   int
	deepest int // that is allowed

	names   []string // of the objects that the walk is in, outermost first
	words   []word   // by hash of the spelling; each stays until another takes its place
	seed    maphash.Seed
	scratch []byte
}

// A word is a string that recurs, and how it is spelt in JSON.
type word struct{ spelling, text string }

// reset begins a walk through text in which so many arrays and objects may be
// nested.
func (r *reader) reset(text string, deepest int) {
	*r = reader{text: text, deepest: deepest, names: r.names[:0], words: r.words, seed: r.seed, scratch: r.scratch}
}

// fail ends the walk.
func (r *reader) fail() { r.broken = true }

// members yields the names of an object. The body of the loop must read or skip
// each member's value.
func (r *reader) members() iter.Seq[string] {
	return func(yield func(string) bool) {
		if !r.open('{') {
			return
		}
		o := nameSet{from: len(r.names)}
		for more := r.first('}'); more; more = r.next('}') {
			if name := r.name(&o); r.broken || !yield(name) {
				return
			}
		}
		r.names = r.names[:o.from]
	}
}

// elements yields once for each element of an array that is an object, which the
// body of the loop must read. The others are skipped and counted in odd; so is
// what is no array at all.
func (r *reader) elements(odd *int) iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		if !r.open('[') {
			*odd++
			return
		}
		for more := r.first(']'); more; more = r.next(']') {
			switch {
			case r.peek() != '{':
				*odd++
				r.skip()
			case !yield(struct{}{}):
				return
			}
		}
	}
}

// open enters an object or array. Anything else it skips.
func (r *reader) open(kind byte) bool {
	if r.broken {
		return false
	}
	if r.peek() != kind {
		r.skip()
		return false
	}
	r.at++
	if r.depth++; r.depth > r.deepest {
		r.fail()
	}
	return !r.broken
}

// first reports whether an object or array that was entered holds anything. It
// leaves what is empty.
func (r *reader) first(end byte) bool {
	if r.peek() != end {
		return true
	}
	r.at++
	r.depth--
	return false
}

// next reports whether there is more behind a member or element. It leaves what
// ends.
func (r *reader) next(end byte) bool {
	if r.broken {
		return false
	}
	switch r.peek() {
	case ',':
		r.at++
		return true
	case end:
		r.at++
		r.depth--
	default:
		r.fail()
	}
	return false
}

// peek returns the first byte of what comes next, 0 at the end of the text.
func (r *reader) peek() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// byteAt returns a byte of the text, 0 behind its end.
func (r *reader) byteAt(i int) byte {
	if i < len(r.text) {
		return r.text[i]
	}
	return 0
}

// skip passes over a value of any kind.
func (r *reader) skip() {
	if r.broken {
		return
	}
	switch c := r.peek(); c {
	case '{':
		for range r.members() {
			r.skip()
		}
	case '[':
		if r.open('[') {
			for more := r.first(']'); more; more = r.next(']') {
				r.skip()
			}
		}
	case '"':
		r.quoted()
	case 't':
		r.literal("true")
	case 'f':
		r.literal("false")
	case 'n':
		r.literal("null")
	default:
		r.number()
	}
}

func (r *reader) literal(word string) {
	if !strings.HasPrefix(r.text[r.at:], word) {
		r.fail()
		return
	}
	r.at += len(word)
}

// number reads a number and returns it as it is written, because IDs have more
// digits than a float64 can hold.
func (r *reader) number() string {
	start := r.at
	r.pass("-")
	if !r.pass("0") {
		r.digits()
	}
	if r.pass(".") {
		r.digits()
	}
	if r.pass("eE") {
		r.pass("+-")
		r.digits()
	}
	return r.text[start:r.at]
}

// pass passes over one byte if it is one of those given.
func (r *reader) pass(some string) bool {
	if r.at < len(r.text) && strings.IndexByte(some, r.text[r.at]) >= 0 {
		r.at++
		return true
	}
	return false
}

// digits passes over at least one digit.
func (r *reader) digits() {
	start := r.at
	for r.at < len(r.text) && '0' <= r.text[r.at] && r.text[r.at] <= '9' {
		r.at++
	}
	if r.at == start {
		r.fail()
	}
}

// scalar reads a string or a number.
func (r *reader) scalar() string {
	inside, plain := r.raw()
	if plain {
		return inside
	}
	return r.unquote(inside)
}

// word reads a string or number that recurs, and makes it only once. It is no part
// of the text, so that who keeps it does not keep all of the text.
func (r *reader) word() string { return r.known(r.raw()) }

// known returns what a string or number that recurs stands for.
func (r *reader) known(inside string, plain bool) string {
	const maxWords, maxLength = 256, 256
	if r.words == nil {
		r.words, r.seed = make([]word, maxWords), maphash.MakeSeed()
	}
	known := &r.words[maphash.String(r.seed, inside)%maxWords]
	if known.spelling == inside {
		return known.text
	}
	w := word{spelling: strings.Clone(inside)}
	if w.text = w.spelling; !plain {
		w.text = r.unquote(w.spelling)
	}
	if len(inside) <= maxLength {
		*known = w
	}
	return w.text
}

// raw reads a string or a number as it is spelt, without the quotes. What is
// plain stands for itself.
func (r *reader) raw() (inside string, plain bool) {
	if r.broken {
		return "", true
	}
	switch c := r.peek(); {
	case c == '"':
		return r.quoted()
	case c == '-', '0' <= c && c <= '9':
		return r.number(), true
	}
	r.skip()
	return "", true
}

// A nameSet has the names of an object as far as it is read.
type nameSet struct {
	from int                 // index of the first of them in names
	bits uint64              // one for each, as bitOf has it
	seen map[string]struct{} // all, once they are too many to look through
}

// name reads the name of the next member.
func (r *reader) name(o *nameSet) string {
	if r.peek() != '"' {
		r.fail()
		return ""
	}
	name, plain := r.quoted()
	if !plain {
		name = r.unquote(name)
	}
	if r.broken || r.peek() != ':' || r.knows(o, name) {
		r.fail()
		return ""
	}
	r.at++
	return name
}

// knows reports whether the object has the name already, and remembers it.
func (r *reader) knows(o *nameSet, name string) bool {
	const few = 32
	own := r.names[o.from:]
	r.names = append(r.names, name)
	if len(own) < few {
		bit := bitOf(name)
		known := o.bits&bit != 0 && slices.Contains(own, name)
		o.bits |= bit
		return known
	}
	if o.seen == nil {
		o.seen = make(map[string]struct{})
		for _, n := range own {
			o.seen[n] = struct{}{}
		}
	}
	_, known := o.seen[name]
	o.seen[name] = struct{}{}
	return known
}

// bitOf returns the same bit for equal names, and mostly others for others.
func bitOf(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((len(name) + 7*int(name[0]) + 31*int(name[len(name)-1])) & 63)
}
