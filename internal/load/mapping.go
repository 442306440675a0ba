package load

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"waybill/internal/event"
	"waybill/internal/spelling"
)

// A Mapping says how the columns of a table become the fields of an event. The
// zero Mapping takes columns by their usual names.
type Mapping struct {
	// Columns has the name of the column of a field, by the field: message,
	// at, error.code. A column that is named here is no other field.
	Columns map[string]string `yaml:"columns"`

	// Values has what a field is in every row, by the field. A column of the
	// field must not be named, too.
	Values map[string]string `yaml:"values"`

	// Statuses translates what a table has as status.
	Statuses map[string]string `yaml:"statuses"`

	// Time is how times are written where they are neither RFC 3339 nor
	// milliseconds: "seconds", or the layout of Go's package time.
	Time string `yaml:"time"`

	// Zone is where times without a zone of their own are from; UTC where it
	// is empty.
	Zone string `yaml:"time_zone"`
}

// ParseMapping reads a mapping from YAML.
func ParseMapping(r io.Reader) (Mapping, error) {
	var m Mapping
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("the mapping: %w", err)
	}
	return m, nil
}

// With returns m with what o says instead, where o says something.
func (m Mapping) With(o Mapping) Mapping {
	m.Columns, m.Values = joined(m.Columns, o.Columns), joined(m.Values, o.Values)
	m.Statuses = joined(m.Statuses, o.Statuses)
	m.Time, m.Zone = cmp.Or(o.Time, m.Time), cmp.Or(o.Zone, m.Zone)
	return m
}

func joined(a, b map[string]string) map[string]string {
	all := make(map[string]string, len(a)+len(b))
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// usual has other names by which columns are known, in lower case and without
// what stands between words.
var usual = map[string]string{
	"channelid": "channel", "wabaid": "channel", "custspaceid": "channel", "pageid": "channel",
	"messageid": "message", "msgid": "message", "wamid": "message",
	"state": "status", "event": "status",
	"time": "at", "timestamp": "at", "datetime": "at", "when": "at",
	"from": "sender", "to": "recipient", "phone": "recipient", "recipientid": "recipient",
	"templatecode": "template", "templateid": "template", "lang": "language",
	"campaignid": "campaign", "segmentid": "segment", "countrycode": "country",
	"errorcode": "error.code", "errortitle": "error.title", "errormessage": "error.title",
	"buttontype": "button.type", "buttontext": "button.text", "clickid": "click",
}

// fields are all fields of an event, those of objects with a dot.
func fields() []string {
	all := event.Fields("")
	for _, object := range []string{"button", "error"} {
		i := slices.Index(all, object)
		all = slices.Delete(all, i, i+1)
		for _, name := range event.Fields(object) {
			all = append(all, object+"."+name)
		}
	}
	return all
}

// required are the fields that every event has.
func required() []string { return []string{"channel", "message", "status", "at"} }

// resolve returns the field of each column, empty for a column that is none, and
// what somebody should know of these.
func (m *Mapping) resolve(columns []string) (of []string, notes []string, err error) {
	if err := m.check(columns); err != nil {
		return nil, nil, err
	}
	of = make([]string, len(columns))
	for field, column := range m.Columns {
		of[slices.Index(columns, column)] = field
	}
	taken := func(field string) bool {
		_, mapped := m.Columns[field]
		_, set := m.Values[field]
		return mapped || set || slices.Contains(of, field)
	}
	known := fields()
	var unused []string
	for i, column := range columns {
		if of[i] != "" {
			continue
		}
		field := usualField(column, known)
		switch {
		case field == "" || taken(field):
			unused = append(unused, fmt.Sprintf("%q", column)+spelling.Question(column, slices.DeleteFunc(slices.Clone(known), taken)))
		default:
			of[i] = field
		}
	}
	for _, field := range required() {
		if !taken(field) {
			return nil, nil, fmt.Errorf("no column is the field %s; the columns are %s: say which one it is (--column %s=COLUMN), or what it is in all rows (--value %s=...)",
				field, quoted(columns), field, field)
		}
	}
	if len(unused) > 0 {
		notes = append(notes, "columns that are not used: "+strings.Join(unused, "; "))
	}
	return of, notes, nil
}

// check returns what is wrong with m for a table of these columns.
func (m *Mapping) check(columns []string) error {
	known := fields()
	for _, names := range []map[string]string{m.Columns, m.Values} {
		for _, field := range slices.Sorted(maps.Keys(names)) {
			if !slices.Contains(known, field) {
				return fmt.Errorf("the mapping has the field %q, which no event has%s", field, spelling.Question(field, known))
			}
		}
	}
	for _, field := range slices.Sorted(maps.Keys(m.Columns)) {
		column := m.Columns[field]
		if !slices.Contains(columns, column) {
			return fmt.Errorf("the mapping takes %s from column %q, which is not there%s; the columns are %s",
				field, column, spelling.Question(column, columns), quoted(columns))
		}
		if _, both := m.Values[field]; both {
			return fmt.Errorf("the mapping has a column and a value for %s", field)
		}
	}
	for i, column := range columns {
		if slices.Index(columns, column) != i {
			return fmt.Errorf("column %q is there twice", column)
		}
	}
	_, err := m.times()
	return err
}

// usualField returns the field that a column has the usual name of.
func usualField(column string, known []string) string {
	plain := strings.ToLower(strings.TrimSpace(column))
	if slices.Contains(known, plain) {
		return plain
	}
	plain = strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(plain)
	if slices.Contains(known, plain) {
		return plain
	}
	return usual[plain]
}

// times returns how texts of times are read, nil where as they are.
func (m *Mapping) times() (func(text string) (string, error), error) {
	zone, err := time.LoadLocation(m.Zone)
	if err != nil {
		return nil, fmt.Errorf("the time zone %q of the mapping: %w", m.Zone, err)
	}
	switch m.Time {
	case "":
		if m.Zone != "" {
			return nil, fmt.Errorf("the mapping has the time zone %s, but not how times are written", m.Zone)
		}
		return nil, nil
	case "seconds":
		return func(text string) (string, error) {
			if !digits(text) {
				return "", fmt.Errorf("at %.100q is not a number of seconds", text)
			}
			return text + "000", nil
		}, nil
	}
	layout := m.Time
	if sample := time.Date(2006, 1, 2, 15, 4, 5, 0, zone).Format(layout); sample == time.Date(2017, 8, 9, 10, 11, 12, 0, zone).Format(layout) {
		return nil, fmt.Errorf("the time %q of the mapping is no layout: write what 15:04:05 on 2 January 2006 looks like, such as %q", layout, time.DateTime)
	}
	return func(text string) (string, error) {
		t, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			return "", fmt.Errorf("at %.100q is not written like %q", text, layout)
		}
		return t.UTC().Format(time.RFC3339), nil
	}, nil
}

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// maxShownColumns bounds how many columns a message names.
const maxShownColumns = 30

// quoted returns the names of columns for use in a message: the first of them, cut.
func quoted(columns []string) string {
	var texts []string
	for _, c := range columns[:min(len(columns), maxShownColumns)] {
		texts = append(texts, fmt.Sprintf("%.60q", c))
	}
	if more := len(columns) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}
