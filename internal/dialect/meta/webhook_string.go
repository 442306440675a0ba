package meta

import (
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

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
