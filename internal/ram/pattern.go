package ram

import (
	"strings"
	"unicode/utf8"
)

// match reports whether the pattern fits the whole of s: * stands for any number
// of characters, none too, and ? for exactly one. With fold, s is read in lower
// case (ASCII); the pattern must be.
func match(pattern, s string, fold bool) bool {
	p, i := 0, 0
	star, retry := -1, 0 // the last * passed, and where its text may end
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			i += width(s[i:])
		case p < len(pattern) && pattern[p] == lower(s[i], fold):
			p++
			i++
		case star >= 0:
			retry += width(s[retry:])
			p, i = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func lower(c byte, fold bool) byte {
	if fold && 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// width returns how many bytes the first character of s has.
func width(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// everything reports whether the pattern fits every text but the empty one.
func everything(pattern string) bool {
	return strings.Contains(pattern, "*") && strings.Trim(pattern, "*?") == "" &&
		strings.Count(pattern, "?") <= 1
}

func wildcard(s string) bool { return strings.ContainsAny(s, "*?") }
