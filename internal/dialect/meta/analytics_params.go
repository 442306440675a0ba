package meta

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"waybill"
	"waybill/internal/dialect/meta/fields"
)

// analyticsParams are the parameters of the field analytics.
type analyticsParams struct {
	start, end      waybill.Instant
	granularity     waybill.Granularity
	granularityName string
	phones          []string // empty means all
	kinds           []string
	countries       []string // empty means all
	countriesNamed  bool     // the call named country_codes, even if empty
}

// parseAnalytics reads the calls after the field name. zone is the account's: a
// date stands for the midnight with which it begins there.
func parseAnalytics(f fields.Field, zone *time.Location) (p analyticsParams, err error) {
	for _, c := range f.Calls {
		switch c.Name {
		case "start", "end", "granularity", "phone_numbers", "product_types", "country_codes", "as":
		default:
			return p, errParam("Field analytics has no parameter %s", c.Name)
		}
	}
	if p.start, err = instantArg(f, "start", zone); err != nil {
		return p, err
	}
	if p.end, err = instantArg(f, "end", zone); err != nil {
		return p, err
	}
	if p.end <= p.start {
		return p, errParam("Param end must be after start - got start %d and end %d", p.start, p.end)
	}
	if p.granularity, p.granularityName, err = granularityArg(f); err != nil {
		return p, err
	}
	if p.phones, err = listArg(f, "phone_numbers", phoneNumber); err != nil {
		return p, err
	}
	if p.kinds, err = listArg(f, "product_types", productKind); err != nil {
		return p, err
	}
	if len(p.kinds) == 0 {
		p.kinds = []string{waybill.KindTemplate.String(), waybill.KindSession.String()}
	}
	if p.countries, err = listArg(f, "country_codes", countryCode); err != nil {
		return p, err
	}
	_, p.countriesNamed = f.Arg("country_codes")
	p.countriesNamed = p.countriesNamed ||
		slices.ContainsFunc(f.Sub, func(s fields.Field) bool { return s.Name == "country_codes" })
	return p, nil
}

// scalarArg returns the one value of a call that the field must have.
func scalarArg(f fields.Field, name string) (string, error) {
	c, ok := f.Arg(name)
	if !ok || len(c.Args) == 0 {
		return "", errParam("The parameter %s is required.", name)
	}
	text, err := c.Scalar()
	if err != nil {
		return "", errParam("Param %v", err)
	}
	return strings.TrimSpace(text), nil
}

// Bounds of evident mistakes of unit: a range that starts after 2100, or that
// ends where only milliseconds can be meant.
const (
	year2100      = 4102444800
	firstMilliEnd = 100_000_000_000 // in seconds the year 5138
)

// instantArg reads a time in UNIX seconds, or a date.
func instantArg(f fields.Field, name string, zone *time.Location) (waybill.Instant, error) {
	text, err := scalarArg(f, name)
	if err != nil {
		return 0, err
	}
	at, err := parseInstant(text, zone)
	if err != nil || at < 0 {
		return 0, errParam("Param %s must be a UNIX time in seconds - got %q", name, text)
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

// granularities are the spellings of a granularity, the first of each being the
// one of the field analytics. Its sibling fields say DAILY and MONTHLY, which
// clients send here too.
var granularities = []struct {
	name, alias string
	value       waybill.Granularity
}{
	{"HALF_HOUR", "HALF_HOUR", waybill.HalfHour},
	{"DAY", "DAILY", waybill.Day},
	{"MONTH", "MONTHLY", waybill.Month},
}

func granularityArg(f fields.Field) (waybill.Granularity, string, error) {
	text, err := scalarArg(f, "granularity")
	if err != nil {
		return 0, "", err
	}
	for _, g := range granularities {
		if strings.EqualFold(text, g.name) || strings.EqualFold(text, g.alias) {
			return g.value, g.name, nil
		}
	}
	return 0, "", errParam("Param granularity must be one of {HALF_HOUR, DAY, MONTH} - got %q", text)
}

// listArg reads a list whose elements parse turns into values. The result keeps
// the order and has each value once.
func listArg(f fields.Field, name string, parse func(string) (value, want string)) ([]string, error) {
	c, _ := f.Arg(name)
	var values []string
	seen := make(map[string]bool, len(c.Args))
	for i, text := range c.Args {
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

// phoneNumber reads a number with or without +, blanks and the like. A word with
// digits in it is none.
func phoneNumber(text string) (value, want string) {
	if value = waybill.Digits(text); value == "" || strings.ContainsFunc(text, unicode.IsLetter) {
		return "", "a phone number"
	}
	return value, ""
}

// productKind reads a product type: 0 are template messages, 2 all others that
// were sent, 100 those received.
func productKind(text string) (value, want string) {
	switch text {
	case "0":
		return waybill.KindTemplate.String(), ""
	case "2":
		return waybill.KindSession.String(), ""
	case "100":
		return waybill.KindInbound.String(), ""
	}
	return "", "one of {0, 2, 100}"
}

func countryCode(text string) (value, want string) {
	// ToUpper makes ASCII of a few other letters, which are longer.
	value = strings.ToUpper(text)
	if len(text) != 2 || len(value) != 2 || strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", "an ISO 3166 country code of two letters"
	}
	return value, ""
}
