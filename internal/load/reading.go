package load

import (
	"bytes"
	"errors"
	"fmt"
)

// A Format is what an input is written in.
type Format string

// The formats. Auto looks at the beginning of each input.
const (
	Auto    Format = "auto"
	NDJSON  Format = "ndjson"  // one event on each line, or an array
	CSV     Format = "csv"     // a table with a header
	Parquet Format = "parquet" // a table
	Bodies  Format = "bodies"  // saved bodies of webhooks: one a file, or one on each line
)

// Reading says how inputs are read.
type Reading struct {
	Format    Format // Auto where it is empty
	Mapping   Mapping
	Delimiter rune // of CSV; 0 looks at the header
}

// pieces reads an input piece by piece.
type pieces interface {
	// skip goes on to a place that a piece has named as its Next.
	skip(to Position) error

	// next returns the next piece, or io.EOF.
	next() (*Piece, error)
}

func (r *Reading) pieces(from *opened, in *Input, note func(string)) (pieces, error) {
	tell := func(text string) {
		if note != nil {
			note(in.Name + ": " + text)
		}
	}
	format := r.Format
	if format == Auto || format == "" {
		format = detect(from)
	}
	switch format {
	case NDJSON:
		if begin := firstByte(from); begin == '[' {
			return newElements(from), nil
		}
		return &lines{from: from}, nil
	case CSV:
		return newCSV(from, &r.Mapping, r.Delimiter, tell)
	case Parquet:
		return newParquet(from, &r.Mapping, tell)
	case Bodies:
		return newBodies(from)
	}
	return nil, fmt.Errorf("the format %q is unknown", format)
}

// detect guesses the format: what begins with a bracket is JSON, a table
// otherwise.
func detect(from *opened) Format {
	if magic, _ := from.Peek(4); string(magic) == "PAR1" {
		return Parquet
	}
	switch firstByte(from) {
	case 0, '{', '[':
		return NDJSON
	}
	return CSV
}

// firstByte returns the first byte that is no white space, 0 where there is none.
func firstByte(from *opened) byte {
	begin, _ := from.Peek(readAhead)
	begin = bytes.TrimLeft(begin, " \t\r\n")
	if len(begin) == 0 {
		return 0
	}
	return begin[0]
}

// ParseFormat returns the format with the given name.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case Auto, NDJSON, CSV, Parquet, Bodies:
		return f, nil
	}
	return "", errors.New("the formats are auto, ndjson, csv, parquet and bodies")
}
