package rest

import (
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"waybill"
	"waybill/internal/table"
)

// tables are the parameters of a call whose answer is a table, too.
type tables struct {
	Format string `query:"format" enum:"json,csv,ndjson,parquet" doc:"Format of the answer. It stands over the header Accept."`
}

func (t *tables) wanted() string { return t.Format }

// A tabular answer is also a table. The rows may be reused.
type tabular interface {
	table() ([]table.Column, iter.Seq[[]any])
}

// isTabular reports whether the answer of a route is also a table.
func (rt *route) isTabular() bool { return reflect.PointerTo(rt.in).Implements(wanterType) }

// A wanter is the parameters of a call with the choice of a format.
type wanter interface{ wanted() string }

var wanterType = reflect.TypeFor[wanter]()

const jsonFormat = "json"

// mediaTypes are the content types that a caller may accept and the formats that
// they stand for, the most welcome first.
var mediaTypes = []struct{ kind, format string }{
	{jsonType, jsonFormat},
	{"text/csv", table.CSV.String()},
	{"application/x-ndjson", table.NDJSON.String()},
	{"application/ndjson", table.NDJSON.String()},
	{"application/jsonl", table.NDJSON.String()},
	{"application/vnd.apache.parquet", table.Parquet.String()},
	{"application/x-parquet", table.Parquet.String()},
}

// negotiate finds the format of the answer, if there is a choice.
func (c *call) negotiate(in any) error {
	t, ok := in.(wanter)
	if !ok {
		return nil
	}
	format := t.wanted()
	if format == "" {
		format = accepted(c.Header.Values("Accept"))
	}
	if format == "" {
		var kinds []string
		for _, m := range mediaTypes {
			kinds = append(kinds, m.kind)
		}
		return &refusal{
			status: http.StatusNotAcceptable,
			error: waybill.Errorf(waybill.Invalid, "the header Accept %s names none of %s",
				cut(strings.Join(c.Header.Values("Accept"), ", ")), strings.Join(kinds, ", ")),
		}
	}
	if format != jsonFormat {
		c.format = format
	}
	return nil
}

// accepted returns the format that the header Accept likes best, empty where it
// names none.
//
// https://www.rfc-editor.org/rfc/rfc9110#name-accept
func accepted(header []string) string {
	ranges := strings.Split(strings.Join(header, ","), ",")
	if strings.TrimSpace(strings.Join(ranges, "")) == "" {
		return jsonFormat
	}
	best, bestWeight := "", 0.0
	for _, m := range mediaTypes {
		if w := weightOf(m.kind, ranges); w > bestWeight {
			best, bestWeight = m.format, w
		}
	}
	return best
}

// weightOf returns the weight that the most exact of ranges gives a content type,
// 0 where none takes it.
func weightOf(kind string, ranges []string) float64 {
	general, _, _ := strings.Cut(kind, "/")
	weight, exact := 0.0, -1
	for _, r := range ranges {
		name, parameters, _ := strings.Cut(r, ";")
		i := slices.Index([]string{"*/*", general + "/*", kind}, strings.ToLower(strings.TrimSpace(name)))
		if i > exact {
			weight, exact = quality(parameters), i
		}
	}
	return weight
}

// quality returns the parameter q of a range, 1 where it has none or nonsense.
func quality(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, text, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		if q, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
	}
	return 1
}

// writeTable writes a table in the format of the call.
func (s *sending) writeTable(t tabular) error {
	format, err := table.ParseFormat(s.call.format)
	if err != nil {
		return err
	}
	h := s.w.Header()
	h.Set("Content-Type", format.ContentType())
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", s.call.route.id+format.Extension()))
	columns, rows := t.table()
	w, err := table.NewWriter(s, format, columns)
	if err != nil {
		return err
	}
	for row := range rows {
		if err := w.Row(row...); err != nil {
			return err
		}
	}
	return w.Close()
}
