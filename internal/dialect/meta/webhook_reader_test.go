package meta

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// hear returns all that a reader hears of a text, and whether the text is JSON.
func hear(text string) (heard string, ok bool) {
	var r reader
	r.reset(text, len(text))
	var b strings.Builder
	hearValue(&r, &b)
	return b.String(), r.finish() == nil
}

func hearValue(r *reader, b *strings.Builder) {
	switch c := r.peek(); {
	case r.broken:
	case c == '{':
		b.WriteString("{")
		for name := range r.members() {
			fmt.Fprintf(b, "%q:", name)
			hearValue(r, b)
		}
		b.WriteString("}")
	case c == '[' && r.open('['):
		b.WriteString("[")
		for more := r.first(']'); more; more = r.next(']') {
			hearValue(r, b)
		}
		b.WriteString("]")
	case c == '"' || c == '-' || '0' <= c && c <= '9':
		from := *r
		scalar := r.scalar()
		fmt.Fprintf(b, "%q ", scalar)
		for range 2 { // a word that is new, and one that is known
			again := from
			again.words, again.seed = r.words, r.seed
			if word := again.word(); word != scalar || again.at != r.at || again.broken != r.broken {
				fmt.Fprintf(b, "and as a word %q ", word)
			}
			r.words, r.seed = again.words, again.seed
		}
	default:
		if r.skip(); !r.broken {
			b.WriteString("word ")
		}
	}
}

// hearOracle does what hear does, with another decoder.
func hearOracle(text string) (heard string, ok bool) {
	d := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowInvalidUTF8(true))
	var b strings.Builder
	for {
		kind := d.PeekKind()
		name := false
		if in, n := d.StackIndex(d.StackDepth()); in == '{' && kind == '"' {
			name = n%2 == 0
		}
		var value jsontext.Value
		var err error
		if strings.ContainsRune("{}[]", rune(kind)) {
			_, err = d.ReadToken()
		} else {
			value, err = d.ReadValue()
		}
		switch {
		case err == io.EOF: //nolint:errorlint // an error that wraps it is another
			return b.String(), true
		case err != nil:
			return b.String(), false
		}
		switch kind {
		case '{', '}', '[', ']':
			b.WriteByte(byte(kind))
		case '"':
			inside, _ := jsontext.AppendUnquote(nil, value)
			fmt.Fprintf(&b, "%q%s", inside, map[bool]string{true: ":", false: " "}[name])
		case '0':
			fmt.Fprintf(&b, "%q ", value)
		default:
			b.WriteString("word ")
		}
		if d.StackDepth() == 0 {
			_, err := d.ReadToken()
			return b.String(), err == io.EOF //nolint:errorlint // as above
		}
	}
}

func checkReader(t *testing.T, text string) {
	t.Helper()
	want, wantOK := hearOracle(text)
	got, ok := hear(text)
	if ok != wantOK || ok && got != want {
		t.Errorf("of %.300q the reader hears\n%s, %t, another decoder\n%s, %t", text, got, ok, want, wantOK)
	}
}

// texts are where a decoder can go wrong.
var texts = []string{
	"", " ", "\x00", "{}", "[]", "{", "[", "}", `"`, `"\`, `"\u12`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `[1`, `[1,`,
	`{}{}`, `{} `, ` {}`, "\t\r\n{}", "\f{}", "\ufeff{}", `[1,]`, `{"a":1,}`, `[,1]`, `{,}`, `{"a"}`, `{"a",1}`, `{1:1}`, `{a:1}`, `[1 2]`, `[1}`, `{"a":1]`,
	`0`, `-0`, `-`, `01`, `-01`, `1.`, `.1`, `1.5`, `1.5e`, `1e5`, `1E+5`, `1e-5`, `1e+`, `+1`, `1e5.5`, `0x1`, `1a`, `123456789012345678901234567890`,
	`true`, `false`, `null`, `tru`, `truex`, `True`, `nul`, `NaN`, `[true,false,null]`, `nulltrue`,
	`"\"\\\/\b\f\n\r\t\u00e9"`, `"\x41"`, `"\u00g0"`, `"\ug000"`, `"\u0g00"`, `["\\u0061","\u0061"]`, `"\U0041"`, `"\u0000"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`, `"\ud83dx"`,
	"\"\x1f\"", "\"\n\"", "\"\x7f\"", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"é\"", "\"12345678\x01\"", "\"1234567\xff\x01\"", "\"1234567\\\"89\"",
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"a":{"a":1}},"b":{"a":1}}`, `{"a":{"b":1,"b":2}}`, `[{"a":1},{"a":1}]`, "{\"\xff\":1,\"\xfe\":2}", "{\"\xff\":1,\"\ufffd\":2}", `{"":1,"":2}`, `{"":1,"a":2}`,
	`{"\ud800":1,"\ufffd":2}`, `{"ab":1,"cb":2,"ac":3}`,
}

func TestReaderTexts(t *testing.T) {
	for _, text := range texts {
		checkReader(t, text)
		checkReader(t, `{"x":[`+text+`],"y":`+text+`}`)
	}
}

// A string may end, or be wrong, at any place.
func TestReaderStrings(t *testing.T) {
	for _, odd := range []string{"", `"`, `\`, `\n`, `\"`, "\x00", "\x1f", "\x7f", "\x80", "\xff", "é", "\u2028"} {
		for before := range 18 {
			for _, after := range []int{0, 1, 9} {
				checkReader(t, `"`+strings.Repeat("x", before)+odd+strings.Repeat("y", after)+`"`)
			}
		}
	}
}

// However many names an object has, one that comes twice is found, and finding
// it takes no time that grows with their square.
func TestManyNames(t *testing.T) {
	for _, n := range []int{1, 2, 31, 32, 33, 34, 64, 65, 66, 1000, 200_000} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"n%d":{"n%d":0},`, i, i+1)
		}
		names := b.String()
		if text := "{" + strings.TrimSuffix(names, ",") + "}"; !accepts(text) {
			t.Errorf("%d names are refused", n)
		}
		for _, twice := range []int{0, n / 2, n - 1} {
			if text := fmt.Sprintf(`{%s"n%d":0}`, names, twice); accepts(text) {
				t.Errorf("of %d names, number %d comes twice and is taken", n, twice)
			}
		}
	}
}

func accepts(text string) bool {
	var r reader
	r.reset(text, 64)
	r.skip()
	return !r.broken && r.at == len(text)
}

// FuzzReader: the reader takes just the texts that another strict decoder takes,
// and hears the same in them.
func FuzzReader(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	files, _ := filepath.Glob("testdata/webhook/*.txtar")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "-- body --\n") {
			part, _, _ = strings.Cut(part, countedMark)
			f.Add(part)
		}
	}
	f.Fuzz(checkReader)
}
