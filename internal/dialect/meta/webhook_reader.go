package meta

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
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
func (r *reader) pass(any string) bool {
	if r.at < len(r.text) && strings.IndexByte(any, r.text[r.at]) >= 0 {
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
func (r *reader) word() string {
	const maxWords, maxLength = 256, 256
	inside, plain := r.raw()
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

// quoted reads a string, whose first byte is next.
func (r *reader) quoted() (inside string, plain bool) {
	plain = true
	start := r.at + 1
	for i := start; ; i++ {
		i += ordinary(r.text[i:])
		switch c := r.byteAt(i); {
		case c == '"':
			r.at = i + 1
			return r.text[start:i], plain
		case c >= utf8.RuneSelf:
			plain = false
		case c == '\\' && escapeLen(r.text[i+1:]) > 0:
			plain = false
			i += escapeLen(r.text[i+1:])
		default: // a control character, or the end of the text
			r.fail()
			return "", true
		}
	}
}

// ordinary returns how many bytes stand for themselves at the beginning of the
// rest of a string: all up to a quote, a backslash, a control character or one
// beyond ASCII. It looks at eight bytes at a time, because most of a webhook is in
// strings; the highest bit of each byte of found tells what was found there.
func ordinary(text string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(text); i += 8 {
		b := text[i : i+8]
		v := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, backslash := v^(ones*'"'), v^(ones*'\\')
		// A byte less than n borrows from its highest bit when n is taken off.
		// The borrow may run on to bytes behind it, never to those before.
		found := (v | (v - ones*' ') | (quote - ones) | (backslash - ones)) & high
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && text[i] >= ' ' && text[i] != '"' && text[i] != '\\' && text[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// escapeLen returns how many bytes behind a backslash belong to the escape, 0
// where it is none.
func escapeLen(text string) int {
	if text == "" {
		return 0
	}
	switch text[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(text) >= 5 && isHex(text[1]) && isHex(text[2]) && isHex(text[3]) && isHex(text[4]) {
			return 5
		}
	}
	return 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// unquote returns what a string that is not plain stands for, as valid UTF-8.
// Half of a surrogate pair, left where a text was cut, must not cost a whole
// body: it is an error of AppendUnquote, which puts U+FFFD in its place.
func (r *reader) unquote(inside string) string {
	if strings.IndexByte(inside, '\\') < 0 && utf8.ValidString(inside) {
		return inside
	}
	r.scratch = append(append(append(r.scratch[:0], '"'), inside...), '"')
	text, _ := jsontext.AppendUnquote(nil, r.scratch)
	return string(text)
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
