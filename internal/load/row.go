package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A rowWriter turns rows of a table into events in JSON, one on a line.
type rowWriter struct {
	parts    []rowPart
	statuses map[string]string
	time     func(string) (string, error)
}

// A rowPart is where a field comes from. The parts of an object follow each other.
type rowPart struct {
	object, name string
	column       int // -1 for a field of an object with a value for all rows
	value        string
}

// newRowWriter returns a rowWriter for the columns, and what somebody should know.
func newRowWriter(m *Mapping, columns []string) (*rowWriter, []string, error) {
	of, notes, err := m.resolve(columns)
	if err != nil {
		return nil, nil, err
	}
	w := &rowWriter{statuses: m.Statuses}
	if w.time, err = m.times(); err != nil {
		return nil, nil, err
	}
	for i, field := range of {
		if field != "" {
			w.add(field, rowPart{column: i})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(m.Values)) {
		w.add(field, rowPart{column: -1, value: m.Values[field]})
	}
	slices.SortStableFunc(w.parts, func(a, b rowPart) int { return strings.Compare(a.object, b.object) })
	return w, notes, nil
}

func (w *rowWriter) add(field string, p rowPart) {
	p.name = field
	if object, name, nested := strings.Cut(field, "."); nested {
		p.object, p.name = object, name
	}
	w.parts = append(w.parts, p)
}

// append appends a row as one line. An empty cell is a field that is not given.
func (w *rowWriter) append(to []byte, cells []string) ([]byte, error) {
	start := len(to)
	to = append(to, '{')
	object := ""
	for i := range w.parts {
		p := &w.parts[i]
		cell := p.value
		if p.column >= 0 {
			cell = cells[p.column]
		}
		if cell == "" {
			continue
		}
		if p.object != object {
			if object != "" {
				to = append(to, '}')
			}
			to = append(comma(to), `"`+p.object+`":{`...)
			object = p.object
		}
		to = append(append(append(comma(to), '"'), p.name...), '"', ':')
		var err error
		if to, err = w.value(to, p, cell); err != nil {
			return to[:start], err
		}
	}
	if object != "" {
		to = append(to, '}')
	}
	return append(to, "}\n"...), nil
}

// comma appends a comma unless an object begins here.
func comma(to []byte) []byte {
	if to[len(to)-1] != '{' {
		to = append(to, ',')
	}
	return to
}

// value appends the value of a cell. What has to be a number or a time and is
// none is written as a text, and whoever reads the event says so.
func (w *rowWriter) value(to []byte, p *rowPart, cell string) ([]byte, error) {
	if p.object == "" {
		switch p.name {
		case "at":
			if w.time != nil {
				var err error
				if cell, err = w.time(cell); err != nil {
					return to, err
				}
			}
			if integer(cell) {
				return append(to, cell...), nil
			}
		case "rev":
			if integer(cell) {
				return append(to, cell...), nil
			}
		case "status":
			if status, ok := w.statuses[cell]; ok {
				cell = status
			} else {
				cell = strings.ToLower(cell)
			}
		}
	}
	b, err := jsontext.AppendQuote(to, cell)
	if err != nil {
		name := p.name
		if p.object != "" {
			name = p.object + "." + name
		}
		return to, fmt.Errorf("%s %.100q is not UTF-8", name, cell)
	}
	return b, nil
}

// integer reports whether text is an integer as JSON has them.
func integer(text string) bool {
	plain := strings.TrimPrefix(text, "-")
	return digits(plain) && (len(plain) == 1 || plain[0] != '0') && len(plain) <= 18
}
