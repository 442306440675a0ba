package load

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"waybill/internal/table"
)

// A csvTable reads events from the rows of CSV, the first of which names the
// columns.
type csvTable struct {
	reader *csv.Reader
	source *recorded
	bound  *rowBound
	writer *rowWriter
	width  int
}

// newCSV reads the header. Where the delimiter is 0, it is the one that the header
// has most of.
func newCSV(from *opened, m *Mapping, delimiter rune, note func(string)) (*csvTable, error) {
	t := &csvTable{bound: &rowBound{from: from}}
	t.source = &recorded{from: t.bound}
	if delimiter == 0 {
		begin, _ := from.Peek(readAhead / 4)
		line, _, _ := bytes.Cut(begin, []byte("\n"))
		delimiter = delimiterOf(line)
	}
	t.reader = csv.NewReader(t.source)
	t.reader.Comma, t.reader.ReuseRecord, t.reader.FieldsPerRecord = delimiter, true, -1
	header, err := t.reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty, without even a header")
	}
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	if text := strings.Join(header, ""); strings.Contains(text, "\x00") || !utf8.ValidString(text) {
		return nil, fmt.Errorf("the header %.40q is no text in UTF-8: is it a table in another encoding (save it as UTF-8), or another sort of file?", text)
	}
	columns := slices.Clone(header)
	var notes []string
	if t.writer, notes, err = newRowWriter(m, columns); err != nil {
		return nil, err
	}
	for _, n := range notes {
		note(n)
	}
	t.width = len(columns)
	t.source.drop(t.reader.InputOffset())
	return t, nil
}

// delimiterOf returns what separates the columns of a header.
func delimiterOf(header []byte) rune {
	best, most := ',', 0
	for _, c := range []byte{',', ';', '\t', '|'} {
		if n := bytes.Count(header, []byte{c}); n > most {
			best, most = rune(c), n
		}
	}
	return best
}

// skip reads on to a row. The lines before it may have quotes over several lines,
// so that they are read as rows.
func (t *csvTable) skip(to Position) error {
	for t.reader.InputOffset() < to.Offset {
		t.bound.begin()
		_, err := t.reader.Read()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("it has %d bytes, but %d were imported already; is it another file?", t.reader.InputOffset(), to.Offset)
		}
		if err != nil && !isParseError(err) {
			return err
		}
		t.source.drop(t.reader.InputOffset())
	}
	return nil
}

func (t *csvTable) next() (*Piece, error) {
	p := &Piece{}
	for len(p.rows)+len(p.Rejected) < pieceRows && len(p.Text) < pieceBytes {
		begin := t.reader.InputOffset()
		t.bound.begin()
		record, err := t.reader.Read()
		if errors.Is(err, io.EOF) {
			if len(p.rows)+len(p.Rejected) == 0 {
				return nil, io.EOF
			}
			break
		}
		if err != nil && !isParseError(err) {
			return nil, err
		}
		raw := shorten(bytes.Trim(t.source.between(begin, t.reader.InputOffset()), "\r\n"))
		line := 0
		if err == nil {
			line, _ = t.reader.FieldPos(0)
			err = t.row(p, record, line, raw)
		} else if e, ok := errors.AsType[*csv.ParseError](err); ok {
			line, err = e.StartLine, fmt.Errorf("the row is no CSV at column %d: %w", e.Column, e.Err)
		}
		if err != nil {
			p.Rejected = append(p.Rejected, Rejection{Line: line, Reason: err.Error(), Text: raw})
		}
	}
	p.Next = Position{Offset: t.reader.InputOffset()}
	t.source.drop(p.Next.Offset)
	return p, nil
}

// row adds a row to p.
func (t *csvTable) row(p *Piece, record []string, line int, raw string) error {
	if len(record) != t.width {
		return fmt.Errorf("the row has %d columns, the header %d", len(record), t.width)
	}
	for i := range record {
		record[i] = table.Plain(record[i])
	}
	text, err := t.writer.append(p.Text, record)
	if err != nil {
		return err
	}
	p.Text, p.rows, p.texts = text, append(p.rows, line), append(p.texts, raw)
	return nil
}

func isParseError(err error) bool {
	_, ok := errors.AsType[*csv.ParseError](err)
	return ok
}

// recorded keeps what was read lately, so that a row can be shown as it is.
type recorded struct {
	from  io.Reader
	kept  []byte
	begin int64 // the offset of kept in what was read
}

func (r *recorded) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.kept = append(r.kept, p[:n]...)
	return n, err
}

// between returns what stands between two offsets.
func (r *recorded) between(from, to int64) []byte { return r.kept[from-r.begin : to-r.begin] }

// drop forgets what stands before an offset.
func (r *recorded) drop(before int64) {
	r.kept = slices.Delete(r.kept, 0, int(before-r.begin))
	r.begin = before
}

// ParseDelimiter returns the delimiter that a text names: one character, or tab.
func ParseDelimiter(text string) (rune, error) {
	switch text {
	case "":
		return 0, nil
	case "tab", `\t`:
		return '\t', nil
	}
	r, size := utf8.DecodeRuneInString(text)
	if size != len(text) || r == '"' || r == '\r' || r == '\n' || r == utf8.RuneError {
		return 0, fmt.Errorf("the delimiter %q is not one character, or tab", text)
	}
	return r, nil
}
