package meta

import (
	"bytes"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// A reader walks through JSON text once. It is strict about the text: grammar,
// and no name twice in any object. It is lenient about what the text says: who
// asks for an object or a string where there is something else gets nothing, and
// the walk goes on behind it.
//
// The first error of the text ends the walk; all reads after it yield nothing.
// A reader that is used again needs less memory.
type reader struct {
	dec     jsontext.Decoder
	text    bytes.Buffer
	err     error
	words   map[string]string
	scratch []byte
}

// reset begins a walk through text, which the reader uses until it ends.
func (r *reader) reset(text []byte) {
	r.text = *bytes.NewBuffer(text)
	// Half of a surrogate pair, left where a text was cut, must not cost a
	// whole body: it is read as U+FFFD.
	r.dec.Reset(&r.text, jsontext.AllowInvalidUTF8(true))
	r.err = nil
}

// members yields the names of an object. The body of the loop must read or skip
// each member's value; a name is valid until then.
func (r *reader) members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !r.open('{') {
			return
		}
		for r.err == nil && r.dec.PeekKind() == '"' {
			name, err := r.dec.ReadValue()
			if err != nil {
				r.err = err
				return
			}
			if !yield(r.unquote(name)) {
				return
			}
		}
		r.end()
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
		for r.err == nil {
			switch r.dec.PeekKind() {
			case '{':
				if !yield(struct{}{}) {
					return
				}
			case ']', jsontext.KindInvalid:
				r.end()
				return
			default:
				*odd++
				r.skip()
			}
		}
	}
}

// open enters an object or array. Anything else it skips.
func (r *reader) open(kind jsontext.Kind) bool {
	if r.err != nil {
		return false
	}
	if r.dec.PeekKind() != kind {
		r.skip()
		return false
	}
	r.end()
	return r.err == nil
}

// end reads one delimiter.
func (r *reader) end() {
	if r.err == nil {
		_, r.err = r.dec.ReadToken()
	}
}

func (r *reader) skip() {
	if r.err == nil {
		r.err = r.dec.SkipValue()
	}
}

// raw reads a string or a number and returns its text, valid until the next
// read. Numbers stay as they are written, because IDs have more digits than a
// float64 can hold.
func (r *reader) raw() []byte {
	if r.err != nil {
		return nil
	}
	switch r.dec.PeekKind() {
	case '"', '0':
		v, err := r.dec.ReadValue()
		if err != nil {
			r.err = err
			return nil
		}
		if v[0] != '"' {
			return v
		}
		return r.unquote(v)
	}
	r.skip()
	return nil
}

// scalar reads a string or a number.
func (r *reader) scalar() string { return string(r.raw()) }

// maxWords bounds the words that a reader remembers.
const maxWords = 256

// word reads a string or number that recurs, and makes it only once.
func (r *reader) word() string {
	const maxWord = 256
	raw := r.raw()
	if w, ok := r.words[string(raw)]; ok {
		return w
	}
	w := string(raw)
	if r.words == nil {
		r.words = make(map[string]string)
	}
	if len(r.words) < maxWords && len(w) <= maxWord {
		r.words[w] = w
	}
	return w
}

// unquote returns the text of a JSON string, as valid UTF-8. Half of a surrogate
// pair is an error of AppendUnquote, which puts U+FFFD in its place.
func (r *reader) unquote(quoted []byte) []byte {
	if inside := quoted[1 : len(quoted)-1]; plain(inside) {
		return inside
	}
	r.scratch, _ = jsontext.AppendUnquote(r.scratch[:0], quoted)
	return r.scratch
}

// plain reports whether the inside of a JSON string stands for itself.
func plain(inside []byte) bool {
	for _, c := range inside {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}
