package load_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/load"
)

func TestLinesThatAreRejected(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	text := "\xef\xbb\xbfhello\n" + event("a", "sent") + "\r\n\n[1]\n" + strings.TrimSpace(event("b", "red")) + "\r\n" +
		`{"channel":"nowhere","message":"m","status":"sent","at":1763632800000}` + "\n" + long + "\n" +
		`{"channel":"first","message":"late","status":"sent","at":"2026-11-30T10:00:00Z"}` + "\n" + strings.TrimSpace(event("c", "read"))
	l := newLedger(t)
	opt := options(t, file(t, "e", text))
	opt.Sink, opt.Format = l, load.NDJSON
	r := mustRun(t, opt)
	want := []string{
		"e:1:the text is no JSON at byte 0: invalid character 'h' at start of value",
		"e:5:the event is an array, not an object",
		`e:6:status "red" is unknown, did you mean "read"?`,
		`e:7:channel "nowhere" is unknown`,
		"e:8:the event has 3145728 bytes, more than 65536",
		"e:9:at 2026-11-30T10:00:00Z is more than a day ahead of the clock",
	}
	if got := r.reasons(); !slices.Equal(got, want) {
		t.Errorf("rejected\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.Received != 8 || r.Changed != 2 || r.Counts.Rejected != 6 {
		t.Errorf("%+v", r.Counts)
	}
	for i, text := range map[int]string{0: "hello", 1: "[1]", 2: strings.TrimSpace(event("b", "red")), 4: long[:64<<10]} {
		if r.rejected[i].Text != text {
			t.Errorf("row %d is shown as %.200q", r.rejected[i].Line, r.rejected[i].Text)
		}
	}
	if m := l.message(t, "c"); m.At[waybill.Read] == waybill.Never {
		t.Errorf("the last line, without an end, became %+v", m)
	}
}

func TestArray(t *testing.T) {
	l := newLedger(t)
	opt := options(t, file(t, "e", " [\n"+event("a", "sent")+",\n17, "+event("b", "read")+", {}]\n"))
	opt.Sink = l
	r := mustRun(t, opt)
	if want := []string{"e:2:the event is a number, not an object", "e:4:channel \"\" is unknown"}; !slices.Equal(r.reasons(), want) || r.Changed != 2 {
		t.Errorf("%+v %q", r.Counts, r.reasons())
	}
}

// What is broken in a way that nobody can tell where the next row begins ends the
// import, and says where.
func TestBrokenInputs(t *testing.T) {
	zipped := compress(t, "gzip", strings.Repeat(event("a", "sent"), 1000))
	for _, tt := range []struct{ name, text, want string }{
		{"half an array", "[" + event("a", "sent"), "the array ends early, after element 1"},
		{"something behind an array", "[] {}", "something follows the array, at byte 4"},
		{"an element without an end", `["` + strings.Repeat("x", 2<<20), "a row has more than 1048576 bytes: is a quote or a bracket not closed?"},
		{"a quote without an end", "channel,message,status,at\n\"" + strings.Repeat("x\n", 1<<20), "a row has more than 1048576 bytes: is a quote or a bracket not closed?"},
		{"half a gzip file", zipped[:len(zipped)/2], "what gzip compressed is cut off: is the file whole?"},
		{"something behind gzip", zipped + "what does not belong here", "what gzip compressed is damaged, or something else follows it"},
		{"a table in UTF-16", "\xff\xfec\x00h\x00,\x00", "is no text in UTF-8: is it a table in another encoding (save it as UTF-8), or another sort of file?"},
		{"a damaged Parquet file", "PAR1xxxxPAR1", "it is no Parquet file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opt := options(t, file(t, "e", tt.text))
			opt.Sink = newLedger(t)
			if r, err := run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, %v, want an error with %s", r, err, tt.want)
			}
		})
	}
}

func compress(t testing.TB, how, text string) string {
	t.Helper()
	var out bytes.Buffer
	switch how {
	case "gzip":
		w := gzip.NewWriter(&out)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	case "zstd":
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	default:
		out.WriteString(text)
	}
	return out.String()
}

// TestResume stops an import after some pieces, again and again, and takes it up
// from its checkpoint: the result is that of an import at one go, whatever the
// files are.
func TestResume(t *testing.T) {
	const lines, rows = 60_000, 25_000
	texts := map[load.Format]string{
		load.NDJSON: rowsOf(lines, "", "", func(i int) string { return event(fmt.Sprint("m", i), status(i)) }),
		load.CSV: rowsOf(rows, "channel,message,status,at,campaign\n", "", func(i int) string {
			return fmt.Sprintf("first,m%d,%s,2026-11-20T10:00:00Z,\"c\n%d\"\n", i, status(i), i)
		}),
		"array": rowsOf(rows, "[", "{}]", func(i int) string { return event(fmt.Sprint("m", i), status(i)) + "," }),
	}
	for format, text := range texts {
		rows := rows
		if format == load.NDJSON {
			rows = lines
		}
		for _, how := range []string{"", "gzip", "zstd"} {
			t.Run(string(format)+how, func(t *testing.T) {
				in := file(t, "e", compress(t, how, text))
				l := newLedger(t)
				opt := options(t, in)
				opt.Sink = l
				whole := mustRun(t, opt)
				if whole.Received < rows || whole.Counts.Rejected < rows/100 || whole.Changed != rows-rows/100 {
					t.Fatalf("at one go: %+v", whole.Counts)
				}
				parts := newLedger(t)
				opt = options(t, in)
				var rejected []load.Rejected
				stops := 0
				for ; ; stops++ {
					opt.Sink = &stopping{parts, 1}
					r, err := run(t.Context(), opt)
					rejected = append(rejected, r.rejected...)
					if err == nil {
						break
					}
					if !errors.Is(err, errStopped) {
						t.Fatal(err)
					}
				}
				if got := opt.Checkpoint.Counts; got != whole.Counts || stops < 2 || !reflect.DeepEqual(rejected, whole.rejected) {
					t.Errorf("in %d parts: %+v and %d rejected, at one go %+v", stops+1, got, len(rejected), whole.Counts)
				}
			})
		}
	}
}

// rowsOf returns a text of rows, each hundredth of which is of a bad status.
func rowsOf(rows int, begin, end string, row func(i int) string) string {
	var text strings.Builder
	text.WriteString(begin)
	for i := range rows {
		text.WriteString(row(i))
	}
	return text.String() + end
}

func status(i int) string {
	if i%100 == 99 {
		return "red"
	}
	return "read"
}

// A checkpoint that was written and read is the same, and is taken only for the
// import that it is of.
func TestCheckpointFile(t *testing.T) {
	in := file(t, "e", event("a", "sent"))
	opt := options(t, in)
	opt.Sink = newLedger(t)
	mustRun(t, opt)
	path := in.Name + ".checkpoint"
	if err := opt.Checkpoint.Write(path); err != nil {
		t.Fatal(err)
	}
	again := options(t, in)
	if resumed, err := again.Checkpoint.Resume(path); !resumed || err != nil || fmt.Sprint(again.Checkpoint) != fmt.Sprint(opt.Checkpoint) {
		t.Errorf("resumed %t, %v: %+v, want %+v", resumed, err, again.Checkpoint, opt.Checkpoint)
	}
	other := options(t, file(t, "e", event("a", "sent")))
	if _, err := other.Checkpoint.Resume(path); err == nil || !strings.Contains(err.Error(), "is of another import: input 1 was") {
		t.Errorf("taken for other files: %v", err)
	}
	elsewhere, err := load.NewCheckpoint("elsewhere", []load.Input{in})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Resume(path); err == nil || !strings.Contains(err.Error(), "it went to somewhere, not to elsewhere") {
		t.Errorf("taken for another target: %v", err)
	}
}

// Any text is read to its end, each line of it once.
func TestAnyLines(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOf(rapid.SampledFrom([]string{
			"", " ", "\r", "x", "{}", "[]", strings.TrimSpace(event("a", "sent")), "{", "\x00", strings.Repeat("y", 70_000),
		})).Draw(r, "lines")
		want := 0
		for i, line := range lines {
			if strings.Trim(line, " \r") != "" {
				want++
			}
			if i == 0 && line != "" && line[0] == '[' {
				return // an array
			}
		}
		opt := options(t, file(t, "e", strings.Join(lines, "\n")))
		opt.Format = load.NDJSON
		opt.Sink = newLedger(t)
		got, err := run(t.Context(), opt)
		first := strings.TrimSpace(strings.Join(lines, "\n"))
		if strings.HasPrefix(first, "[") {
			return
		}
		if err != nil || got.Received != want {
			r.Fatalf("received %d of %d lines, %v", got.Received, want, err)
		}
		for _, x := range got.rejected {
			if shown := strings.Trim(lines[x.Line-1], " \r"); x.Text != shown && !strings.HasPrefix(shown, x.Text) {
				r.Fatalf("line %d is shown as %.50q, is %.50q", x.Line, x.Text, shown)
			}
		}
	})
}
