package table

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// A csvEncoder writes CSV as RFC 4180 has it. The standard library's writer is
// not used since it changes line breaks within cells when rows end with CRLF.
//
// https://www.rfc-editor.org/rfc/rfc4180
type csvEncoder struct {
	w    io.Writer
	line []byte
}

func newCSV(w io.Writer, columns []Column) (*csvEncoder, error) {
	e := &csvEncoder{w: w}
	names := make([]any, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return e, e.row(names)
}

func (e *csvEncoder) row(values []any) error {
	e.line = e.line[:0]
	for i, v := range values {
		if i > 0 {
			e.line = append(e.line, ',')
		}
		switch v := v.(type) {
		case string:
			e.line = appendCell(e.line, Safe(v))
		case int64:
			e.line = strconv.AppendInt(e.line, v, 10)
		case float64:
			e.line = strconv.AppendFloat(e.line, v, 'g', -1, 64)
		case bool:
			e.line = strconv.AppendBool(e.line, v)
		case time.Time:
			e.line = v.AppendFormat(e.line, time.RFC3339Nano)
		}
	}
	if len(values) == 1 && len(e.line) == 0 {
		e.line = append(e.line, `""`...) // many readers skip an empty line
	}
	e.line = append(e.line, "\r\n"...)
	_, err := e.w.Write(e.line)
	return err
}

func (e *csvEncoder) close() error { return nil }

func appendCell(line []byte, text string) []byte {
	if !strings.ContainsAny(text, ",\"\r\n") {
		return append(line, text...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(text, `"`, `""`)...)
	return append(line, '"')
}

// formula has the characters with which a cell begins that a spreadsheet may run
// as a formula, with their full-width forms.
//
// https://owasp.org/www-community/attacks/CSV_Injection
const formula = "=+-@\t\r\n\x00＝＋－＠"

// Safe returns text such that no spreadsheet takes it for a formula: with an
// apostrophe before it where it begins like one. Apostrophes that stand before
// such a beginning already get one more, so that Plain can undo it.
func Safe(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if startsFormula(text) {
		return "'" + text
	}
	return text
}

// Plain returns the text of a cell that Safe made.
func Plain(cell string) string {
	if strings.HasPrefix(cell, "'") && startsFormula(cell) {
		return cell[1:]
	}
	return cell
}

func startsFormula(text string) bool {
	rest := strings.TrimLeft(text, "'")
	return rest != "" && strings.IndexAny(rest, formula) == 0
}
