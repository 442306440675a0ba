package event

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"waybill/internal/ndjson"
)

// A quick reads the events that senders really write, several times as fast as a
// JSON decoder does: an object of known names, each once, whose texts have no
// escapes. Of anything else it says nothing, and a decoder has to read it, which
// also knows what is wrong. What it reads, it reads as the decoder does.
type quick struct {
	text  []byte // of one event
	at    int    // the next byte
	kept  arena
	given uint32 // the names so far, a bit for each
}

// read reads an event. It reports false where a decoder has to look.
func (q *quick) read(text []byte, w *Object) bool {
	if len(text) > longestKept {
		return false
	}
	q.text, q.at, q.given = q.kept.keep(text), 0, 0
	return q.object(w, (*quick).member) && q.at == len(q.text)
}

// object reads an object, each member of it by the function that is given.
func (q *quick) object(w *Object, member func(*quick, *Object, string) bool) bool {
	if !q.next('{') {
		return false
	}
	for {
		name, ok := q.string()
		if !ok || !q.next(':') || !member(q, w, name) {
			return false
		}
		if !q.next(',') {
			return q.next('}')
		}
	}
}

// once notes that a name was given, and reports whether for the first time.
func (q *quick) once(name int) bool {
	bit := uint32(1) << name
	if q.given&bit != 0 {
		return false
	}
	q.given |= bit
	return true
}

// member reads the value of a name of an event.
func (q *quick) member(w *Object, name string) bool {
	switch name {
	case "channel":
		return q.once(0) && q.textInto(&w.Channel)
	case "message":
		return q.once(1) && q.textInto(&w.Message)
	case "status":
		return q.once(2) && q.textInto(&w.Status)
	case "at":
		return q.once(3) && q.time(&w.At)
	case "sender":
		return q.once(4) && q.textInto(&w.Sender)
	case "recipient":
		return q.once(5) && q.textInto(&w.Recipient)
	case "country":
		return q.once(6) && q.textInto(&w.Country)
	case "kind":
		return q.once(7) && q.textInto(&w.Kind)
	case "template":
		return q.once(8) && q.textInto(&w.Template)
	case "language":
		return q.once(9) && q.textInto(&w.Language)
	case "category":
		return q.once(10) && q.textInto(&w.Category)
	case "campaign":
		return q.once(11) && q.textInto(&w.Campaign)
	case "segment":
		return q.once(12) && q.textInto(&w.Segment)
	case "rev":
		return q.once(13) && q.integer(&w.Rev)
	case "button":
		return q.once(14) && q.object(w, (*quick).buttonMember)
	case "click":
		return q.once(15) && q.textInto(&w.Click)
	case "error":
		return q.once(16) && q.object(w, (*quick).errorMember)
	}
	return false
}

func (q *quick) buttonMember(w *Object, name string) bool {
	switch name {
	case "type":
		return q.once(17) && q.textInto(&w.Button.Type)
	case "text":
		return q.once(18) && q.textInto(&w.Button.Text)
	}
	return false
}

func (q *quick) errorMember(w *Object, name string) bool {
	switch name {
	case "code":
		if !q.once(19) {
			return false
		}
		if q.peek() == '"' {
			return q.textInto((*string)(&w.Error.Code))
		}
		number, ok := q.number()
		w.Error.Code = code(number)
		return ok
	case "title":
		return q.once(20) && q.textInto(&w.Error.Title)
	}
	return false
}

// peek returns the next byte that is no white space, 0 at the end.
func (q *quick) peek() byte {
	for q.at < len(q.text) {
		switch c := q.text[q.at]; c {
		case ' ', '\t', '\r', '\n':
			q.at++
		default:
			return c
		}
	}
	return 0
}

// next reads the byte c, and white space before it.
func (q *quick) next(c byte) bool {
	if q.peek() != c {
		return false
	}
	q.at++
	return true
}

func (q *quick) textInto(to *string) (ok bool) {
	*to, ok = q.string()
	return ok
}

// string reads a text without escapes.
func (q *quick) string() (string, bool) {
	if !q.next('"') {
		return "", false
	}
	start := q.at
	end, plain := stringEnd(q.text, start)
	if end < 0 || !plain && !utf8.Valid(q.text[start:end]) {
		return "", false
	}
	q.at = end + 1
	return view(q.text[start:end]), true
}

// stringEnd returns where the quote is that ends the text which begins at i, and
// whether all before it is ASCII. It is negative where the text has an escape, a
// control character or no end.
func stringEnd(text []byte, i int) (end int, plain bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	var all uint64
	for ; i+8 <= len(text); i += 8 {
		// Of a byte that is a quote, a backslash or less than a space, the
		// top bit is set in what follows. A borrow can set that of a byte
		// above it as well, so only the lowest one counts.
		w := binary.LittleEndian.Uint64(text[i:])
		quote, slash := w^ones*'"', w^ones*'\\'
		found := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & tops
		if found != 0 {
			n := bits.TrailingZeros64(found) / 8
			all |= w & (1<<(8*n) - 1)
			if text[i+n] != '"' {
				return -1, false
			}
			return i + n, all&tops == 0
		}
		all |= w
	}
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"':
			return i, all&tops == 0
		case c == '\\' || c < ' ':
			return -1, false
		}
		all |= uint64(c)
	}
	return -1, false
}

// number reads an integer as JSON has them, at most 18 digits of it.
func (q *quick) number() (string, bool) {
	q.peek()
	start := q.at
	if start < len(q.text) && q.text[start] == '-' {
		q.at++
	}
	first := q.at
	for q.at < len(q.text) && q.text[q.at]-'0' <= 9 {
		q.at++
	}
	digits := q.at - first
	if digits == 0 || digits > 18 || digits > 1 && q.text[first] == '0' {
		return "", false
	}
	return view(q.text[start:q.at]), true
}

func (q *quick) integer(to *int64) bool {
	text, ok := q.number()
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	*to = n
	return err == nil
}

func (q *quick) time(to *ndjson.Time) bool {
	if q.peek() != '"' {
		var ms int64
		return q.integer(&ms) && to.SetMillis(ms) == nil
	}
	text, ok := q.string()
	return ok && to.Parse(text) == nil
}
