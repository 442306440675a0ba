package meta

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"waybill"
	"waybill/internal/dialect/meta/fields"
)

// arguments are what a series or a list is asked for: the calls after a field, or
// the parameters of a call to an edge. Their values are lists, whose spelling
// package fields knows.
type arguments struct {
	field bool // the calls of a field, of which none may be unknown
	name  string
	args  map[string][]string
	raw   parameters // of an edge, where args are read when they are asked for
}

func fieldArguments(f fields.Field) arguments {
	args := make(map[string][]string, len(f.Calls))
	for _, c := range f.Calls {
		args[c.Name] = c.Args // of several the last one wins
	}
	return arguments{field: true, name: f.Name, args: args}
}

// complete adds what the calls of a field leave out and parameters of the call
// tell. Nobody escapes the & of template_analytics?start=1&end=2, so that all but
// the first argument arrive as parameters.
func (a *arguments) complete(s *session, known []string) error {
	if !strings.Contains(s.params.value("fields"), "?") {
		return nil
	}
	for _, name := range known {
		if a.has(name) || !s.params.has(name) {
			continue
		}
		words, err := parseList(name, s.params.value(name))
		if err != nil {
			return err
		}
		a.args[name] = words
	}
	return nil
}

func pathArguments(p parameters) arguments { return arguments{raw: p} }

// only refuses arguments of a field that are not among the known ones. An edge
// gets parameters that are not its own, and ignores what it doesn't know.
func (a *arguments) only(known []string) error {
	if !a.field {
		return nil
	}
	for name := range a.args {
		if !slices.Contains(known, name) {
			return errParam("Field %s has no parameter %s", a.name, name)
		}
	}
	return nil
}

// words returns the values of an argument, nil where it is absent.
func (a *arguments) words(name string) ([]string, error) {
	if a.field {
		return a.args[name], nil
	}
	text, ok := a.raw[name]
	if !ok {
		return nil, nil
	}
	return parseList(name, text)
}

// parseList reads a list that is the value of a parameter.
func parseList(name, text string) ([]string, error) {
	list, err := fields.ParseList(text)
	if err != nil {
		return nil, errParam("Param %s cannot be read: %v", name, err)
	}
	return list, nil
}

// has reports whether an argument is there, be it empty.
func (a *arguments) has(name string) bool {
	if a.field {
		_, ok := a.args[name]
		return ok
	}
	return a.raw.has(name)
}

// optional returns the one value of an argument that may be absent or empty.
func (a *arguments) optional(name string) (text string, ok bool, err error) {
	words, err := a.words(name)
	if err != nil || len(words) == 0 {
		return "", false, err
	}
	if len(words) > 1 {
		return "", false, errParam("Param %s takes one value, got %d", name, len(words))
	}
	text = strings.TrimSpace(words[0])
	return text, text != "" || a.field, nil
}

// scalar returns the one value of an argument that must be there.
func (a *arguments) scalar(name string) (string, error) {
	text, ok, err := a.optional(name)
	if err == nil && !ok {
		err = errParam("The parameter %s is required.", name)
	}
	return text, err
}

// truth reads an argument that is true or false, which it is where it is absent.
func (a *arguments) truth(name string) (bool, error) {
	text, ok, err := a.optional(name)
	if err != nil || !ok {
		return false, err
	}
	on, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return false, errParam("Param %s must be a boolean - got %q", name, text)
	}
	return on, nil
}

// list reads a list whose elements parse turns into values. The result keeps the
// order and has each value once.
func (a *arguments) list(name string, parse func(string) (value, want string)) ([]string, error) {
	words, err := a.words(name)
	if err != nil {
		return nil, err
	}
	var values []string
	seen := make(map[string]bool, len(words))
	for i, text := range words {
		value, want := parse(strings.TrimSpace(text))
		if want != "" {
			return nil, errParam("Param %s[%d] must be %s - got %q", name, i, want, text)
		}
		if !seen[value] {
			seen[value] = true
			values = append(values, value)
		}
	}
	return values, nil
}

// accountMode reads the filter of phone numbers, of which Meta has one for their
// mode, and reports whether live numbers pass. It is JSON, often in single
// quotes.
//
// https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/phone_numbers/
func (a *arguments) accountMode() (live bool, err error) {
	text := a.raw.value("filtering")
	if a.field || strings.TrimSpace(text) == "" {
		if a.has("filtering") && len(a.args["filtering"]) > 0 {
			return false, errParam("Param filtering is read from the parameters of the edge only")
		}
		return true, nil
	}
	var filters []struct {
		Field    string `json:"field"`
		Operator string `json:"operator"`
		Value    any    `json:"value"`
	}
	if json.Unmarshal([]byte(strings.ReplaceAll(text, "'", `"`)), &filters) != nil {
		return false, errParam("Param filtering must be an array of filters - got %.80q", text)
	}
	live = true
	for _, f := range filters {
		if f.Field != "account_mode" || !strings.EqualFold(f.Operator, "EQUAL") {
			return false, errParam("Filtering field %q with operation %q is not supported", f.Field, f.Operator)
		}
		mode, _ := f.Value.(string)
		if mode != "LIVE" && mode != "SANDBOX" {
			return false, errParam("Param filtering[0] must be one of {LIVE, SANDBOX} - got %q", mode)
		}
		live = live && mode == "LIVE"
	}
	return live, nil
}

// Bounds of evident mistakes of unit: a range that starts after 2100, or that
// ends where only milliseconds can be meant.
const (
	year2100      = 4102444800
	firstMilliEnd = 100_000_000_000 // in seconds the year 5138
)

// instant reads a time in UNIX seconds, or a date, which stands for the midnight
// with which it begins in zone.
func (a *arguments) instant(name string, zone *time.Location) (waybill.Instant, error) {
	text, err := a.scalar(name)
	if err != nil {
		return 0, err
	}
	at, err := parseInstant(text, zone)
	if err != nil || at < 0 {
		return 0, errParam("Param %s must be a UNIX time in seconds or a date such as 2026-01-31 - got %q", name, text)
	}
	if name == "start" && at >= year2100 || at >= firstMilliEnd {
		return 0, errParam("Param %s must be a UNIX time in seconds - got %s, "+
			"which is not before the year 2100; milliseconds must be divided by 1000", name, text)
	}
	return min(at, waybill.MaxInstant), nil
}

func parseInstant(text string, zone *time.Location) (waybill.Instant, error) {
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		// Noon, since a clock change can skip midnight. A date is never a mistake
		// of unit, however far it is.
		start := waybill.Day.BucketOf(waybill.InstantOf(day.Add(12*time.Hour)), zone).Start
		return min(start, waybill.MaxInstant), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return waybill.Instant(n), err
}

// between reads start and end, of which the latter must be after the former.
func (a *arguments) between(zone *time.Location) (start, end waybill.Instant, err error) {
	if start, err = a.instant("start", zone); err != nil {
		return 0, 0, err
	}
	if end, err = a.instant("end", zone); err != nil {
		return 0, 0, err
	}
	if end <= start {
		return 0, 0, errParam("Param end must be after start - got start %d and end %d", start, end)
	}
	return start, end, nil
}

// A spelling is a granularity as an argument has it. The field analytics says DAY
// and MONTH, its siblings DAILY and MONTHLY; clients send either to all.
type spelling struct {
	name, alias string
	value       waybill.Granularity
}

// granularity reads a granularity and returns it with its name in the answer.
func (a *arguments) granularity(spellings []spelling) (waybill.Granularity, string, error) {
	text, err := a.scalar("granularity")
	if err != nil {
		return 0, "", err
	}
	known := make([]string, len(spellings))
	for i, s := range spellings {
		if strings.EqualFold(text, s.name) || strings.EqualFold(text, s.alias) {
			return s.value, s.name, nil
		}
		known[i] = s.name
	}
	return 0, "", errParam("Param granularity must be one of {%s} - got %q", strings.Join(known, ", "), text)
}

// oneOf returns a parser of words in any case.
func oneOf(words ...string) func(string) (value, want string) {
	return func(text string) (value, want string) {
		for _, word := range words {
			if strings.EqualFold(text, word) {
				return word, ""
			}
		}
		return "", "one of {" + strings.Join(words, ", ") + "}"
	}
}

// phoneNumber reads a number with or without +, blanks and the like. A word with
// digits in it is none.
func phoneNumber(text string) (value, want string) {
	if value = waybill.Digits(text); value == "" || strings.ContainsFunc(text, unicode.IsLetter) {
		return "", "a phone number"
	}
	return value, ""
}

// templateID reads what the analytics tell of a template: its ID, or the name of
// one whose ID is not known.
func templateID(text string) (value, want string) {
	if text == "" || len(text) > waybill.MaxLabel || !waybill.Printable(text) {
		return "", "the ID or name of a template"
	}
	return text, ""
}

func countryCode(text string) (value, want string) {
	// ToUpper makes ASCII of a few other letters, which are longer.
	value = strings.ToUpper(text)
	if len(text) != 2 || len(value) != 2 || strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", "an ISO 3166 country code of two letters"
	}
	return value, ""
}
