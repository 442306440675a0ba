package table

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Bounds of one row group, which is held until it is full.
const (
	maxGroupRows  = 1 << 16
	maxGroupBytes = 16 << 20 // of texts
)

// A parquetEncoder writes Parquet. Every column is optional, so that readers need
// not know which can lack values.
type parquetEncoder struct {
	w     *parquet.GenericWriter[any]
	row1  parquet.Row
	rows  int // of the current group
	bytes int // of its texts
}

func newParquet(w io.Writer, columns []Column) *parquetEncoder {
	schema := parquet.NewSchema("table", newRoot(columns))
	return &parquetEncoder{
		w: parquet.NewGenericWriter[any](w, schema,
			parquet.Compression(&zstd.Codec{}),
			parquet.CreatedBy("waybill", "", ""),
			parquet.MaxRowsPerRowGroup(maxGroupRows),
			parquet.PageBufferSize(64<<10)),
		row1: make(parquet.Row, len(columns)),
	}
}

func (e *parquetEncoder) row(values []any) error {
	for i, v := range values {
		value, definition := parquet.NullValue(), 1
		switch v := v.(type) {
		case nil:
			definition = 0
		case string:
			value = parquet.ByteArrayValue([]byte(strings.ToValidUTF8(v, "\uFFFD")))
			e.bytes += len(v)
		case int64:
			value = parquet.Int64Value(v)
		case float64:
			value = parquet.DoubleValue(v)
		case bool:
			value = parquet.BooleanValue(v)
		case time.Time:
			value = parquet.Int64Value(v.UnixMilli())
		}
		e.row1[i] = value.Level(0, definition, i)
	}
	if _, err := e.w.WriteRows([]parquet.Row{e.row1}); err != nil {
		return err
	}
	if e.rows++; e.rows < maxGroupRows && e.bytes < maxGroupBytes {
		return nil
	}
	e.rows, e.bytes = 0, 0
	return e.w.Flush()
}

func (e *parquetEncoder) close() error { return e.w.Close() }

// A root is a schema whose columns stand as they were given; a parquet.Group
// alone sorts them by name.
type root struct {
	parquet.Group
	columns []Column
}

func newRoot(columns []Column) root {
	r := root{make(parquet.Group, len(columns)), columns}
	for _, c := range columns {
		r.Group[c.Name] = parquet.Optional(nodeOf(c.Type))
	}
	return r
}

func nodeOf(t Type) parquet.Node {
	switch t {
	case Int:
		return parquet.Int(64)
	case Float:
		return parquet.Leaf(parquet.DoubleType)
	case Bool:
		return parquet.Leaf(parquet.BooleanType)
	case Time:
		return parquet.Timestamp(parquet.Millisecond)
	}
	return parquet.String()
}

// Fields returns the columns in their order.
func (r root) Fields() []parquet.Field {
	place := make(map[string]int, len(r.columns))
	for i, c := range r.columns {
		place[c.Name] = i
	}
	fields := r.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int { return place[a.Name()] - place[b.Name()] })
	return fields
}
