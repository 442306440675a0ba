// Package table writes rows of typed columns as CSV, NDJSON or Parquet. It
// streams: a Writer holds one row, of Parquet one row group within bounds.
package table

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"waybill/internal/spelling"
)

// A Type is what the values of a column are. Every value can also be nil, which
// says that there is none.
type Type uint8

// The types, with the Go types that Writer.Row takes for them.
const (
	Text  Type = iota // string
	Int               // int64
	Float             // float64, which must be finite
	Bool              // bool
	Time              // time.Time: CSV and NDJSON show its zone, Parquet keeps milliseconds in UTC
)

func (t Type) String() string { return [...]string{"text", "int", "float", "bool", "time"}[t] }

// A Column is one column of a table.
type Column struct {
	Name string // unique in its table
	Type Type
}

// A Format is how a table is written.
type Format uint8

// The formats.
const (
	CSV     Format = iota // RFC 4180 with a header row; safe to open in a spreadsheet, see Safe
	NDJSON                // one JSON object per row, its members in the order of the columns
	Parquet               // every column optional, texts in UTF-8, compressed with zstd
)

var formats = [...]struct{ name, contentType string }{
	{"csv", "text/csv; charset=utf-8; header=present"},
	{"ndjson", "application/x-ndjson"},
	{"parquet", "application/vnd.apache.parquet"},
}

// Formats returns the names of all formats.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// ParseFormat returns the format with the given name.
func ParseFormat(name string) (Format, error) {
	for i, f := range formats {
		if f.name == name {
			return Format(i), nil
		}
	}
	return 0, fmt.Errorf("format %.100q is not one of %s%s",
		name, strings.Join(Formats(), ", "), spelling.Question(name, Formats()))
}

// String returns the name of f.
func (f Format) String() string { return formats[f].name }

// ContentType returns the media type of f, with its parameters.
func (f Format) ContentType() string { return formats[f].contentType }

// Extension returns how names of files in f end, with the dot.
func (f Format) Extension() string { return "." + formats[f].name }

// An encoder writes rows in one format. The rows fit the columns.
type encoder interface {
	row(values []any) error
	close() error
}

// A Writer writes the rows of one table. It must be closed: only then the output
// is complete.
type Writer struct {
	columns []Column
	rows    int
	encoder
}

// NewWriter returns a Writer to w, which it does not close. Output may begin at
// once.
func NewWriter(w io.Writer, f Format, columns []Column) (*Writer, error) {
	seen := make(map[string]bool, len(columns))
	for _, c := range columns {
		if seen[c.Name] || c.Name == "" {
			return nil, fmt.Errorf("the name %q of a column is empty or taken", c.Name)
		}
		seen[c.Name] = true
	}
	t := &Writer{columns: columns}
	var err error
	switch f {
	case CSV:
		t.encoder, err = newCSV(w, columns)
	case NDJSON:
		t.encoder, err = newNDJSON(w, columns)
	case Parquet:
		t.encoder = newParquet(w, columns)
	default:
		err = fmt.Errorf("format %d is unknown", f)
	}
	return t, err
}

// Row writes a row: a value for each column, of its type or nil. After an error of
// the output the table is not usable.
func (t *Writer) Row(values ...any) error {
	if len(values) != len(t.columns) {
		return fmt.Errorf("row %d has %d values for %d columns", t.rows+1, len(values), len(t.columns))
	}
	for i, v := range values {
		if !fits(t.columns[i].Type, v) {
			return fmt.Errorf("row %d: %v (%T) is no %s, as column %s needs", t.rows+1, v, v, t.columns[i].Type, t.columns[i].Name)
		}
	}
	t.rows++
	return t.row(values)
}

// Close completes the output.
func (t *Writer) Close() error { return t.close() }

// fits reports whether v may stand in a column of type t.
func fits(t Type, v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return t == Text
	case int64:
		return t == Int
	case float64:
		return t == Float && !math.IsNaN(v) && !math.IsInf(v, 0)
	case bool:
		return t == Bool
	case time.Time:
		return t == Time
	}
	return false
}
