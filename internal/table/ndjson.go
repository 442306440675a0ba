package table

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// An ndjsonEncoder writes one object per line.
type ndjsonEncoder struct {
	w     io.Writer
	names [][]byte // quoted, with what stands before and after
	line  []byte
}

func newNDJSON(w io.Writer, columns []Column) (*ndjsonEncoder, error) {
	e := &ndjsonEncoder{w: w}
	for i, c := range columns {
		name := []byte{','}
		if i == 0 {
			name = []byte{'{'}
		}
		name, err := jsontext.AppendQuote(name, c.Name)
		if err != nil {
			return nil, err
		}
		e.names = append(e.names, append(name, ':'))
	}
	return e, nil
}

func (e *ndjsonEncoder) row(values []any) error {
	e.line = e.line[:0]
	for i, v := range values {
		e.line = append(e.line, e.names[i]...)
		switch v := v.(type) {
		case nil:
			e.line = append(e.line, "null"...)
		case string:
			e.line = appendString(e.line, v)
		case int64:
			e.line = strconv.AppendInt(e.line, v, 10)
		case float64:
			e.line = strconv.AppendFloat(e.line, v, 'g', -1, 64)
		case bool:
			e.line = strconv.AppendBool(e.line, v)
		case time.Time:
			e.line = append(e.line, '"')
			e.line = v.AppendFormat(e.line, time.RFC3339Nano)
			e.line = append(e.line, '"')
		}
	}
	if len(values) == 0 {
		e.line = append(e.line, '{')
	}
	e.line = append(e.line, "}\n"...)
	_, err := e.w.Write(e.line)
	return err
}

func (e *ndjsonEncoder) close() error { return nil }

// appendString appends text as JSON; what is no UTF-8 in it is replaced.
func appendString(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, strings.ToValidUTF8(text, "\uFFFD")) // of UTF-8 cannot fail
	return b
}
