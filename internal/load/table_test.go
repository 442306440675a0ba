package load_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/load"
	"waybill/internal/table"
)

func TestCSV(t *testing.T) {
	text := "Channel ID;message_id;Status;timestamp;To;error.code;error_title;button type;comment\n" +
		"first;a;FAILED;2026-11-20T10:00:00Z;+62 812-3456;131026;\"Un;deliverable\";;x\n" +
		"first;b;clicked;1763632800000;62812;;;reply;\n" +
		"first;c;sent\n" +
		"first;d;se\"nt;1763632800000;;;;;\n" +
		"first;e;sent;yesterday;;;;;\n" +
		"first;'=f;sent;1763632800000;;;;;\n"
	l := newLedger(t)
	opt := options(t, file(t, "e", text))
	opt.Sink = l
	r := mustRun(t, opt)
	want := []string{
		"e:4:the row has 3 columns, the header 9",
		`e:5:the row is no CSV at column 11: bare " in non-quoted-field`,
		`e:6:at "yesterday" is not RFC 3339 or integer milliseconds`,
	}
	got := r.reasons()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("rejected\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if m := l.message(t, "a"); m.Failure != (waybill.Failure{Code: "131026", Title: "Un;deliverable"}) {
		t.Errorf("message a: %+v", m)
	}
	if m := l.message(t, "b"); len(m.Clicks) != 1 || m.Clicks[0].Button.Type != "reply" || m.Clicks[0].At != 1763632800 {
		t.Errorf("message b: %+v", m)
	}
	l.message(t, "=f")
	if len(r.notes) != 1 || !strings.HasSuffix(r.notes[0], `columns that are not used: "comment"`) {
		t.Errorf("notes %q", r.notes)
	}
	for _, x := range r.rejected {
		if x.Line == 5 && x.Text != `first;d;se"nt;1763632800000;;;;;` {
			t.Errorf("row 5 is shown as %q", x.Text)
		}
	}
}

func TestMapping(t *testing.T) {
	mapping, err := load.ParseMapping(strings.NewReader(
		"columns: {at: Wann, message: Nr}\nvalues: {channel: first, button.type: reply}\nstatuses: {DELIVRD: delivered}\n" +
			"time: 02.01.2006 15:04\ntime_zone: Asia/Jakarta\n"))
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger(t)
	opt := options(t, file(t, "e", "Nr\tWann\tstatus\n1\t20.11.2026 10:30\tDELIVRD\n2\t20.11.2026 10:30\tclicked\n"))
	opt.Sink, opt.Mapping = l, mapping
	if r := mustRun(t, opt); r.Changed != 2 {
		t.Fatalf("%+v", r)
	}
	want := waybill.InstantOf(time.Date(2026, 11, 20, 3, 30, 0, 0, time.UTC))
	if m := l.message(t, "1"); m.At[waybill.Delivered] != want {
		t.Errorf("message 1: %+v", m)
	}
	if m := l.message(t, "2"); len(m.Clicks) != 1 || m.Clicks[0].Button.Type != "reply" {
		t.Errorf("message 2: %+v", m)
	}
}

func TestMappingMistakes(t *testing.T) {
	const header = "channel,message,status,at,recepient\n"
	for _, tt := range []struct {
		name, header string
		mapping      load.Mapping
		want         string
	}{
		{"many columns", strings.Repeat("x,", 999) + "y\n", load.Mapping{Columns: map[string]string{"at": "when"}}, `"x", and 970 more`},
		{"no column for a field", "channel,message,at\n", load.Mapping{}, `no column is the field status; the columns are "channel", "message", "at": say which one it is (--column status=COLUMN), or what it is in all rows (--value status=...)`},
		{"a column that is not there", header, load.Mapping{Columns: map[string]string{"at": "att"}}, `the mapping takes at from column "att", which is not there, did you mean "at"?`},
		{"a field that is none", header, load.Mapping{Values: map[string]string{"statuss": "sent"}}, `the mapping has the field "statuss", which no event has, did you mean "status"?`},
		{"a field in two ways", header, load.Mapping{Columns: map[string]string{"at": "at"}, Values: map[string]string{"at": "1"}}, "the mapping has a column and a value for at"},
		{"a column twice", "at,at\n", load.Mapping{}, `column "at" is there twice`},
		{"a zone that is none", header, load.Mapping{Zone: "Asia/Jakata", Time: "seconds"}, `the time zone "Asia/Jakata" of the mapping: unknown time zone Asia/Jakata`},
		{"a zone without a layout", header, load.Mapping{Zone: "Asia/Jakarta"}, "the mapping has the time zone Asia/Jakarta, but not how times are written"},
		{"a layout that is none", header, load.Mapping{Time: "YYYY-MM-DD"}, `the time "YYYY-MM-DD" of the mapping is no layout`},
		{"nothing", "", load.Mapping{}, "it is empty, without even a header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opt := options(t, file(t, "e", tt.header))
			opt.Sink, opt.Mapping, opt.Format = newLedger(t), tt.mapping, load.CSV
			if _, err := run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	opt := options(t, file(t, "e", header))
	opt.Sink = newLedger(t)
	if r := mustRun(t, opt); len(r.notes) != 1 || !strings.HasSuffix(r.notes[0], `"recepient", did you mean "recipient"?`) {
		t.Errorf("notes %q", r.notes)
	}
	if _, err := load.ParseMapping(strings.NewReader("colums: {}")); err == nil || !strings.Contains(err.Error(), "colums") {
		t.Errorf("a misspelt name in a mapping: %v", err)
	}
}

func TestParquet(t *testing.T) {
	var text bytes.Buffer
	w, err := table.NewWriter(&text, table.Parquet, []table.Column{
		{Name: "channel", Type: table.Text},
		{Name: "message", Type: table.Text},
		{Name: "status", Type: table.Text},
		{Name: "at", Type: table.Time},
		{Name: "rev", Type: table.Int},
		{Name: "campaign", Type: table.Text},
	})
	if err != nil {
		t.Fatal(err)
	}
	const rows = 70_000 // of two groups
	for i := range rows {
		values := []any{"first", fmt.Sprint("m", i), "sent", noon.Add(-time.Hour), int64(i), nil}
		if i == 1 {
			values[2] = "red"
		}
		if err := w.Row(values...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLedger(t)
	opt := options(t, file(t, "e", text.String()))
	for stops := 0; ; stops++ {
		opt.Sink = &stopping{l, 2}
		r, err := run(t.Context(), opt)
		if err == nil {
			if stops < 2 || opt.Checkpoint.Counts.Received != rows || opt.Checkpoint.Counts.Rejected != 1 {
				t.Errorf("after %d stops %+v", stops, opt.Checkpoint.Counts)
			}
			break
		}
		if stops == 0 && (len(r.rejected) != 1 || r.rejected[0].Line != 2 || !strings.Contains(r.rejected[0].Text, `"status":"red"`)) {
			t.Errorf("rejected %+v", r.rejected)
		}
	}
	if m := l.message(t, "m0"); m.At[waybill.Sent] != waybill.InstantOf(noon.Add(-time.Hour)) {
		t.Errorf("message m0: %+v", m)
	}
	opt = options(t, file(t, "e", compress(t, "gzip", text.String())))
	opt.Sink = l
	if _, err := run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "a Parquet file is read from disk, and is not compressed as a whole") {
		t.Errorf("a compressed file: %v", err)
	}
}

// A Parquet file with damage is an error, or rows that are rejected or right: the
// import does not crash.
func TestDamagedParquet(t *testing.T) {
	var text bytes.Buffer
	w, err := table.NewWriter(&text, table.Parquet, []table.Column{
		{Name: "channel", Type: table.Text}, {Name: "message", Type: table.Text}, {Name: "status", Type: table.Text}, {Name: "at", Type: table.Time},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := w.Row("first", fmt.Sprint("m", i), "sent", noon.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := text.Bytes()
	rapid.Check(t, func(r *rapid.T) {
		damaged := slices.Clone(whole)
		for range rapid.IntRange(1, 4).Draw(r, "bytes") {
			damaged[rapid.IntRange(4, len(whole)-1).Draw(r, "place")] = rapid.Byte().Draw(r, "byte")
		}
		opt := options(t, file(t, "e", string(damaged)))
		opt.Sink, opt.Format = newLedger(t), load.Parquet
		_, _ = run(t.Context(), opt)
	})
}
