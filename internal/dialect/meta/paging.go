package meta

import (
	"encoding/base64"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"waybill/internal/dialect/meta/fields"
)

// Bounds of a page. Meta's examples have 25; what asks for more than there may be
// gets as many as there may be.
const (
	defaultLimit = 25
	maxLimit     = 1000
	maxCursor    = 4096 // bytes
)

// pagingArguments are the parameters that choose a page.
var pagingArguments = []string{"limit", "after", "before"}

// A pager says which part of a list a call asks for. A cursor holds the key of an
// element, so that a page begins where another ended even if elements have come
// or gone meanwhile. It is no secret and no permit: whoever brings a cursor of
// somebody else only gets another part of what is theirs.
type pager struct {
	limit         int
	after, before string // keys
	hasAfter      bool
	hasBefore     bool
}

// readPager reads limit, after and before.
func (in *input) readPager() (err error) {
	in.limit = defaultLimit
	if text, ok, err := in.optional("limit"); err != nil {
		return err
	} else if ok {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return errParam("Param limit must be a number of at least 0 - got %q", text)
		}
		in.limit = min(int(n), maxLimit)
	}
	if in.after, in.hasAfter, err = in.cursor("after"); err != nil {
		return err
	}
	in.before, in.hasBefore, err = in.cursor("before")
	return err
}

// cursor reads the key in a cursor.
func (in *input) cursor(name string) (key string, ok bool, err error) {
	text, ok, err := in.optional(name)
	if err != nil || !ok {
		return "", false, err
	}
	if key, ok = decodeCursor(text); !ok {
		return "", false, errParam("Param %s must be a cursor of an earlier answer - got %.80q", name, text)
	}
	return key, true, nil
}

func encodeCursor(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

func decodeCursor(text string) (key string, ok bool) {
	if len(text) > maxCursor {
		return "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	key = string(b)
	// A key has one cursor: decoding is lax with bits and line breaks.
	return key, err == nil && utf8.Valid(b) && encodeCursor(key) == text
}

// window returns which of n elements, whose keys ascend, are on the page.
func (p *pager) window(n int, key func(int) string) (from, to int) {
	to = n
	if p.hasAfter {
		from = sort.Search(n, func(i int) bool { return key(i) > p.after })
	}
	if p.hasBefore {
		to = max(from, sort.Search(n, func(i int) bool { return key(i) >= p.before }))
	}
	switch {
	case to-from <= p.limit:
	case p.hasBefore && !p.hasAfter:
		from = to - p.limit
	default:
		to = from + p.limit
	}
	return from, to
}

// paging returns the cursors of a page and the links to its neighbours. first and
// last are the keys of its elements.
func (in *input) paging(s *session, n *node, before, after bool, first, last string) object {
	out := object{{"cursors", object{{"before", encodeCursor(first)}, {"after", encodeCursor(last)}}}}
	if after {
		out = append(out, member{"next", in.neighbour(s, n, "after", last)})
	}
	if before {
		out = append(out, member{"previous", in.neighbour(s, n, "before", first)})
	}
	return out
}

// neighbour returns the URL of a page beside this one.
func (in *input) neighbour(s *session, n *node, cursor, key string) string {
	params := in.params(s)
	params.Del("after")
	params.Del("before")
	params.Set("limit", strconv.Itoa(in.limit))
	params.Set(cursor, encodeCursor(key))
	return s.url(n.id, in.edge, params)
}

// params returns the parameters of a call to the edge that asks what this one
// asks. Of a call to a path these are its own, of a field those in its calls.
func (in *input) params(s *session) url.Values {
	params := make(url.Values)
	if !in.field {
		for name, value := range s.params {
			// The method was GET, however it was said.
			if name != "method" && name != "ids" && name != "batch" {
				params.Set(name, value)
			}
		}
		return params
	}
	for name, args := range in.args {
		if name != "as" {
			params.Set(name, fields.FormatList(args))
		}
	}
	if in.selection != nil {
		params.Set("fields", joinFields(in.selection))
	}
	for _, name := range []string{"access_token", "appsecret_proof"} {
		if s.params.has(name) {
			params.Set(name, s.params.value(name))
		}
	}
	return params
}

func joinFields(selection []fields.Field) string {
	texts := make([]string, len(selection))
	for i, f := range selection {
		texts[i] = f.String()
	}
	return strings.Join(texts, ",")
}
