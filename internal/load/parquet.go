package load

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// A parquetTable reads events from the rows of a Parquet file, whose columns are
// fields as those of CSV are.
type parquetTable struct {
	groups []parquet.RowGroup
	rows   parquet.Rows // of the first of groups, nil before it is begun
	skipIn int64        // rows of the first of groups to skip
	number int          // rows so far
	writer *rowWriter
	leaves []leaf
	cells  []string
	buffer []parquet.Row
}

// A leaf is a column of a schema, and how its values are written.
type leaf struct {
	repeated bool
	text     func(parquet.Value) string
}

func newParquet(from *opened, m *Mapping, note func(string)) (*parquetTable, error) {
	if from.file == nil || from.compressed != "" {
		return nil, errors.New("a Parquet file is read from disk, and is not compressed as a whole")
	}
	info, err := from.file.Stat()
	if err != nil {
		return nil, err
	}
	file, err := openParquet(from.file, info.Size())
	if err != nil {
		return nil, fmt.Errorf("it is no Parquet file: %w", err)
	}
	t := &parquetTable{groups: file.RowGroups(), buffer: make([]parquet.Row, 256)}
	var columns []string
	for _, path := range file.Schema().Columns() {
		column, _ := file.Schema().Lookup(path...)
		columns = append(columns, strings.Join(path, "."))
		t.leaves = append(t.leaves, leaf{repeated: column.MaxRepetitionLevel > 0, text: textOf(column.Node.Type())})
	}
	t.cells = make([]string, len(columns))
	var notes []string
	if t.writer, notes, err = newRowWriter(m, columns); err != nil {
		return nil, err
	}
	for _, n := range notes {
		note(n)
	}
	return t, nil
}

// openParquet turns a panic of the library on a damaged file into an error.
func openParquet(r io.ReaderAt, size int64) (f *parquet.File, err error) {
	defer recoverAs(&err)
	return parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
}

func recoverAs(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the file is damaged: %v", r)
	}
}

func (t *parquetTable) skip(to Position) error {
	t.number = to.Line
	left := int64(to.Line)
	for len(t.groups) > 0 && left >= t.groups[0].NumRows() {
		left -= t.groups[0].NumRows()
		t.groups = t.groups[1:]
	}
	if left > 0 && len(t.groups) == 0 {
		return fmt.Errorf("it has fewer rows than the %d that were imported already; is it another file?", to.Line)
	}
	t.skipIn = left
	return nil
}

func (t *parquetTable) next() (p *Piece, err error) {
	defer recoverAs(&err)
	p = &Piece{}
	for len(p.rows)+len(p.Rejected) < pieceRows && len(p.Text) < pieceBytes {
		n, err := t.read()
		if err != nil {
			return nil, fmt.Errorf("after row %d: %w", t.number, err)
		}
		if n == 0 {
			break
		}
		for _, row := range t.buffer[:n] {
			t.number++
			if err := t.row(p, row); err != nil {
				p.Rejected = append(p.Rejected, Rejection{Line: t.number, Reason: err.Error(), Text: strings.Join(t.cells, ",")})
			}
		}
	}
	if len(p.rows)+len(p.Rejected) == 0 {
		return nil, io.EOF
	}
	p.Next.Line = t.number
	return p, nil
}

// read fills the buffer and returns with how many rows, 0 at the end.
func (t *parquetTable) read() (int, error) {
	for len(t.groups) > 0 {
		if t.rows == nil {
			t.rows = t.groups[0].Rows()
			if t.skipIn > 0 {
				if err := t.rows.SeekToRow(t.skipIn); err != nil {
					return 0, err
				}
				t.skipIn = 0
			}
		}
		n, err := t.rows.ReadRows(t.buffer)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, ignoreEOF(err)
		}
		if err := t.rows.Close(); err != nil {
			return 0, err
		}
		t.rows, t.groups = nil, t.groups[1:]
	}
	return 0, nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// row adds a row to p.
func (t *parquetTable) row(p *Piece, row parquet.Row) error {
	clear(t.cells)
	for _, v := range row {
		if v.IsNull() {
			continue
		}
		if t.leaves[v.Column()].repeated {
			continue // a list is no field
		}
		t.cells[v.Column()] = t.leaves[v.Column()].text(v)
	}
	text, err := t.writer.append(p.Text, t.cells)
	if err != nil {
		return err
	}
	p.Text, p.rows = text, append(p.rows, t.number)
	return nil
}

// textOf returns how the values of a column are written as cells: times as
// milliseconds, numbers in digits.
func textOf(typ parquet.Type) func(parquet.Value) string {
	plain := func(v parquet.Value) string {
		switch v.Kind() {
		case parquet.ByteArray, parquet.FixedLenByteArray:
			return string(v.ByteArray())
		case parquet.Double, parquet.Float:
			return floatText(v)
		}
		return v.String()
	}
	logical := typ.LogicalType()
	if logical == nil {
		return plain
	}
	timestamp, ok := logical.Value.(*format.TimestampType)
	if !ok {
		return plain
	}
	unit := unitOf(timestamp.Unit)
	return func(v parquet.Value) string {
		ticks := v.Int64()
		if unit >= time.Millisecond {
			return strconv.FormatInt(ticks, 10)
		}
		return strconv.FormatInt(ticks/int64(time.Millisecond/unit), 10)
	}
}

func unitOf(u format.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *format.MicroSeconds:
		return time.Microsecond
	case *format.NanoSeconds:
		return time.Nanosecond
	}
	return time.Millisecond
}

// floatText writes a whole number, as some programs keep them, without a fraction.
func floatText(v parquet.Value) string {
	f := v.Double()
	if v.Kind() == parquet.Float {
		f = float64(v.Float())
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
