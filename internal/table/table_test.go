package table_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"waybill/internal/table"
)

var columns = []table.Column{
	{"start", table.Time}, {"template", table.Text}, {"sent", table.Int}, {"a rate", table.Float}, {"kept", table.Bool},
}

func jakarta(t testing.TB) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 11, 20, 0, 0, 0, 0, zone)
}

// write returns a table of rows.
func write(t testing.TB, f table.Format, columns []table.Column, rows ...[]any) string {
	t.Helper()
	var b bytes.Buffer
	w, err := table.NewWriter(&b, f, columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func rows(t testing.TB) [][]any {
	return [][]any{
		{jakarta(t), "a \"b\",\nc", int64(-3), 0.125, true},
		{jakarta(t).Add(time.Hour), "=1+1", int64(1 << 60), nil, false},
		{nil, nil, nil, 1e-9, nil},
	}
}

func TestCSV(t *testing.T) {
	got := write(t, table.CSV, columns, rows(t)...)
	want := "start,template,sent,a rate,kept\r\n" +
		"2026-11-20T00:00:00+07:00,\"a \"\"b\"\",\nc\",-3,0.125,true\r\n" +
		"2026-11-20T01:00:00+07:00,'=1+1,1152921504606846976,,false\r\n" +
		",,,1e-09,\r\n"
	if got != want {
		t.Errorf("wrote %q\n want %q", got, want)
	}
}

func TestNDJSON(t *testing.T) {
	got := write(t, table.NDJSON, columns, append(rows(t), []any{nil, "\xff<", nil, nil, nil})...)
	want := `{"start":"2026-11-20T00:00:00+07:00","template":"a \"b\",\nc","sent":-3,"a rate":0.125,"kept":true}
{"start":"2026-11-20T01:00:00+07:00","template":"=1+1","sent":1152921504606846976,"a rate":null,"kept":false}
{"start":null,"template":null,"sent":null,"a rate":1e-09,"kept":null}
{"start":null,"template":"` + "\uFFFD" + `<","sent":null,"a rate":null,"kept":null}
`
	if got != want {
		t.Errorf("wrote %s\n want %s", got, want)
	}
}

func TestParquet(t *testing.T) {
	got := write(t, table.Parquet, columns, rows(t)...)
	f, err := parquet.OpenFile(strings.NewReader(got), int64(len(got)))
	if err != nil {
		t.Fatal(err)
	}
	const schema = `message table {
	optional int64 start (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS));
	optional binary template (STRING);
	optional int64 sent (INT(64,true));
	optional double a rate;
	optional boolean kept;
}`
	if s := f.Schema().String(); s != schema {
		t.Errorf("schema %s\n want %s", s, schema)
	}
	read := make([]parquet.Row, 4)
	r := f.RowGroups()[0].Rows()
	defer r.Close()
	n, err := r.ReadRows(read)
	if n != 3 || !errors.Is(err, io.EOF) {
		t.Fatalf("read %d rows, %v", n, err)
	}
	ms := jakarta(t).UnixMilli()
	for i, want := range [][]any{
		{ms, "a \"b\",\nc", int64(-3), 0.125, true},
		{ms + 3600_000, "=1+1", int64(1 << 60), nil, false},
		{nil, nil, nil, 1e-9, nil},
	} {
		for j, v := range read[i] {
			if got := plain(v); got != want[j] {
				t.Errorf("row %d, %s is %v, want %v", i, columns[j].Name, got, want[j])
			}
		}
	}
}

func plain(v parquet.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Kind() == parquet.ByteArray:
		return string(v.ByteArray())
	case v.Kind() == parquet.Double:
		return v.Double()
	case v.Kind() == parquet.Boolean:
		return v.Boolean()
	}
	return v.Int64()
}

// A table of any length is written in row groups of bounded size.
func TestParquetStreams(t *testing.T) {
	var b bytes.Buffer
	w, err := table.NewWriter(&b, table.Parquet, []table.Column{{"text", table.Text}})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1<<20)
	for range 40 {
		if err := w.Row(long); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if f.NumRows() != 40 || len(f.RowGroups()) != 3 {
		t.Errorf("%d rows in %d groups, want 40 in 3", f.NumRows(), len(f.RowGroups()))
	}
}

func TestRowsMustFit(t *testing.T) {
	for _, f := range []table.Format{table.CSV, table.NDJSON, table.Parquet} {
		w, err := table.NewWriter(io.Discard, f, columns)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range [][]any{
			{},
			{nil, nil, nil, nil},
			{nil, 3, nil, nil, nil},
			{"2026-11-20", nil, nil, nil, nil},
			{nil, nil, 3, nil, nil},
			{nil, nil, nil, math.NaN(), nil},
			{nil, nil, nil, math.Inf(1), nil},
			{nil, nil, nil, nil, int64(1)},
		} {
			if err := w.Row(row...); err == nil {
				t.Errorf("%s takes the row %v", f, row)
			}
		}
	}
	for _, wrong := range [][]table.Column{{{"a", table.Text}, {"a", table.Int}}, {{"", table.Text}}} {
		if _, err := table.NewWriter(io.Discard, table.CSV, wrong); err == nil {
			t.Errorf("columns %v are taken", wrong)
		}
	}
}

func TestParseFormat(t *testing.T) {
	for _, name := range table.Formats() {
		f, err := table.ParseFormat(name)
		if err != nil || f.String() != name || f.Extension() != "."+name || f.ContentType() == "" {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	_, err := table.ParseFormat("parket")
	const want = `format "parket" is not one of csv, ndjson, parquet, did you mean "parquet"?`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A full disk is an error, of the row or of the end.
func TestOutputFails(t *testing.T) {
	for _, f := range []table.Format{table.CSV, table.NDJSON, table.Parquet} {
		w, err := table.NewWriter(full{}, f, columns)
		if err == nil {
			err = w.Row(rows(t)[0]...)
		}
		if err == nil {
			err = w.Close()
		}
		if !errors.Is(err, errFull) {
			t.Errorf("%s: error %v", f, err)
		}
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

// Whatever a text is, every format gives it back, and no cell of CSV begins like
// a formula.
func FuzzText(f *testing.F) {
	for _, text := range []string{
		"", "a", "=1+1", "'=1", "''@x", "'s-Hertogenbosch", "-3", "+62", "\tx", "\r", "\n=1", "\x00", "\xff=", "a,b", `"`,
		"\r\n", "＝1", "'", "''", `=HYPERLINK("http://x","y")`,
	} {
		f.Add(text, text)
	}
	two := []table.Column{{"a", table.Text}, {"b", table.Text}}
	f.Fuzz(func(t *testing.T, a, b string) {
		wantA, wantB := strings.ToValidUTF8(a, "\uFFFD"), strings.ToValidUTF8(b, "\uFFFD")
		for _, text := range []string{a, b} {
			cell := table.Safe(text)
			if cell != "" && strings.ContainsRune("=+-@\t\r\n\x00＝＋－＠", []rune(cell)[0]) {
				t.Errorf("cell %q begins like a formula", cell)
			}
		}
		written := write(t, table.CSV, two, []any{a, b})
		// The reader of the standard library takes CRLF within a cell for LF.
		lines := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
		records, err := csv.NewReader(strings.NewReader(written)).ReadAll()
		if err != nil || len(records) != 2 || len(records[1]) != 2 {
			t.Fatalf("%q reads as %q, %v", written, records, err)
		}
		if gotA, gotB := table.Plain(records[1][0]), table.Plain(records[1][1]); gotA != lines(wantA) || gotB != lines(wantB) {
			t.Errorf("CSV gives %q and %q for %q and %q", gotA, gotB, a, b)
		}
		var object struct{ A, B string }
		line := write(t, table.NDJSON, two, []any{a, b})
		if err := json.Unmarshal([]byte(line), &object); err != nil || object.A != wantA || object.B != wantB {
			t.Errorf("NDJSON %q gives %q, %v", line, object, err)
		}
		if strings.Count(line, "\n") != 1 {
			t.Errorf("NDJSON %q is not one line", line)
		}
	})
}
