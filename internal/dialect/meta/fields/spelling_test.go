package fields

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// However a tree of fields is spelled, it is read back the same.
func TestParseReadsEverySpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genFields(3).Draw(t, "fields")
		s := speller{t}
		text := s.fields(want)
		if utf8.RuneCountInString(text) > maxChars {
			t.Skip("over the length limit")
		}
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("Parse(%q)\n got %#v\nwant %#v", text, got, want)
		}
	})
}

func TestParseListReadsEverySpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genArgs().Draw(t, "args")
		text := speller{t}.args(want)
		got, err := ParseList(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("ParseList(%q) = %#v, %v, want %#v", text, got, err, want)
		}
	})
}

func genName() *rapid.Generator[string] { return rapid.StringMatching(`[a-z0-9_:]{1,5}|as`) }

func genArgs() *rapid.Generator[[]string] {
	return rapid.Map(rapid.SliceOfN(rapid.OneOf(
		rapid.StringMatching(`[A-Z0-9_+-]{1,8}`),
		rapid.StringOfN(rapid.SampledFrom([]rune("a '\"\\/,.()[]{}?=&\n\x00é😀")), 0, 6, -1),
		rapid.StringN(0, 4, -1),
	), 0, 3), func(args []string) []string { return append([]string{}, args...) })
}

func genFields(levels int) *rapid.Generator[[]Field] {
	call := rapid.Custom(func(t *rapid.T) Call {
		c := Call{genName().Draw(t, "call"), genArgs().Draw(t, "args")}
		if c.Name == "as" {
			c.Args = []string{rapid.StringN(1, 4, -1).Draw(t, "alias")}
		}
		return c
	})
	field := rapid.Custom(func(t *rapid.T) Field {
		f := Field{Name: genName().Draw(t, "name")}
		if calls := rapid.SliceOfN(call, 0, 3).Draw(t, "calls"); len(calls) > 0 {
			f.Calls = calls
		}
		if levels > 1 && rapid.Bool().Draw(t, "selects") {
			f.Sub = genFields(levels-1).Draw(t, "sub")
		}
		return f
	})
	return rapid.SliceOfNDistinct(field, 1, 3, Field.Key)
}

// A speller draws one of the spellings of what it prints.
type speller struct{ t *rapid.T }

func (s speller) fields(list []Field) string {
	var texts []string
	for _, f := range list {
		texts = append(texts, s.field(f))
	}
	return strings.Join(texts, s.token(","))
}

func (s speller) field(f Field) string {
	text := s.token(f.Name)
	inQuery := rapid.IntRange(0, len(f.Calls)).Draw(s.t, "calls in query form")
	for i, c := range f.Calls {
		if rest := len(f.Calls) - i; rest > inQuery {
			text += s.token(".") + s.token(c.Name) + s.enclosed(c.Args)
			continue
		} else if rest == inQuery {
			text += s.token("?")
		} else {
			text += s.token("&")
		}
		text += s.token(c.Name) + s.token("=") + s.queryValue(c.Args)
	}
	if f.Sub != nil {
		text += s.token("{") + s.fields(f.Sub) + s.token("}")
	}
	return text
}

func (s speller) enclosed(args []string) string {
	if s.maybe("no parentheses") {
		return s.array(args)
	}
	return s.token("(") + s.args(args) + s.token(")")
}

func (s speller) queryValue(args []string) string {
	if len(args) > 1 || s.maybe("array") {
		return s.array(args)
	}
	return s.values(args)
}

func (s speller) args(args []string) string {
	if s.maybe("array") {
		return s.array(args)
	}
	return s.values(args)
}

func (s speller) array(args []string) string { return s.token("[") + s.values(args) + s.token("]") }

func (s speller) values(args []string) string {
	var texts []string
	for _, arg := range args {
		texts = append(texts, s.token(s.value(arg)))
	}
	return strings.Join(texts, s.token(","))
}

func (s speller) value(v string) string {
	if quote(v) == v && s.maybe("bare") {
		return v
	}
	mark := rapid.SampledFrom([]rune(`"'`)).Draw(s.t, "quote")
	var b strings.Builder
	b.WriteRune(mark)
	for _, r := range v {
		switch {
		case r < 0x10000 && s.maybe("as code"):
			fmt.Fprintf(&b, `\u%04X`, r)
		case r == mark || r == '\\':
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteRune(mark)
	return b.String()
}

// token puts blanks around a token; nowhere do they matter.
func (s speller) token(text string) string {
	blanks := rapid.SampledFrom([]string{"", "", "", " ", "\n    ", "\u00a0\t"})
	return blanks.Draw(s.t, "before") + text + blanks.Draw(s.t, "after")
}

func (s speller) maybe(label string) bool { return rapid.Bool().Draw(s.t, label) }

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "id, name", "a.x()", "a.x([])", "a.x[]", "a.x(COST,VOLUME)", "a.x([COST,VOLUME])",
		`a.x(["COST","VOLUME"])`, "a.x(['SENT', 'READ'])", "a.x([0,2])", `a.x(["+123","456"])`,
		"a.start(2026-01-01)\n  .end(2026-01-02 00:00)", "albums.limit(5){name,photos.limit(2)}",
		"template_analytics?start=1&end=2&ids=[1,2]{id},id", `a.x('\'\"\u00e9\ud83d\ude00')`,
		"a.as(b),a", "a,a", "a.x([[1]])", "a.x(\xff", "applications/developer",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text)
		checkSyntaxError(t, err)
		if canonical := join(list); err == nil && utf8.RuneCountInString(canonical) <= maxChars {
			again, err := Parse(canonical)
			if err != nil || !reflect.DeepEqual(again, list) {
				t.Errorf("Parse(%q) = %#v, but its String %q is read as %#v, %v", text, list, canonical, again, err)
			}
		}

		args, err := ParseList(text)
		checkSyntaxError(t, err)
		if err == nil {
			// A list is what a call takes without its parentheses.
			list, err := Parse("a.x(" + text + ")")
			if utf8.RuneCountInString(text)+5 <= maxChars && (err != nil || !reflect.DeepEqual(list[0].Calls[0].Args, args)) {
				t.Errorf("ParseList(%q) = %#v, but as arguments it is %#v, %v", text, args, list, err)
			}
		}
	})
}

// checkSyntaxError fails t unless err is nil or points into its text.
func checkSyntaxError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	syntax, ok := errors.AsType[*SyntaxError](err)
	if !ok {
		t.Fatalf("%#v is no SyntaxError", err)
	}
	if !utf8.ValidString(syntax.Text) {
		t.Errorf("text is not UTF-8: %q", syntax.Text)
	}
	over := syntax.Char == maxChars && strings.HasSuffix(syntax.Text, "...")
	if n := utf8.RuneCountInString(syntax.Text); syntax.Char < 0 || syntax.Char > n && !over {
		t.Errorf("character %d of %d: %v", syntax.Char, n, err)
	}
}
