package dialect

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill"
	"waybill/internal/spelling"
)

// Parameters returns the query of r, in which each name is known and given once:
// a mistyped one must not be taken for one that was left out.
func Parameters(r *http.Request, known ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "the query: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch guess := spelling.Closest(name, known); {
		case !slices.Contains(known, name) && guess != "":
			return nil, waybill.Errorf(waybill.Invalid, "parameter %s is unknown, did you mean %q?", quoted(name), guess)
		case len(known) == 0:
			return nil, waybill.Errorf(waybill.Invalid, "parameter %s is unknown: the call takes none", quoted(name))
		case !slices.Contains(known, name):
			return nil, waybill.Errorf(waybill.Invalid, "parameter %s is unknown: known are %s", quoted(name), strings.Join(known, ", "))
		case len(query[name]) > 1:
			return nil, waybill.Errorf(waybill.Invalid, "parameter %s is given %d times", name, len(query[name]))
		}
	}
	return query, nil
}

// Moment returns a parameter that is a time, in milliseconds since 1970, or
// absent where it is not given.
func Moment(query url.Values, name string, absent int64) (int64, error) {
	if !query.Has(name) {
		return absent, nil
	}
	text := query.Get(name)
	ms, err := strconv.ParseInt(text, 10, 64)
	inSeconds := ms >= 1e9 && ms < 1e10
	if t, noTime := time.Parse(time.RFC3339, text); noTime == nil {
		ms, err = t.UnixMilli(), nil
	}
	switch {
	case err != nil && strings.Contains(text, " "):
		return 0, waybill.Errorf(waybill.Invalid, "%s %s has a space: in a URL a + is written %%2B", name, quoted(text))
	case err != nil:
		return 0, waybill.Errorf(waybill.Invalid, "%s %s is not RFC 3339 or integer milliseconds", name, quoted(text))
	case inSeconds:
		return 0, waybill.Errorf(waybill.Invalid, "%s %d looks like seconds, but must be milliseconds", name, ms)
	case ms < 0 || ms > int64(waybill.MaxInstant)*1000:
		return 0, waybill.Errorf(waybill.Invalid, "%s %s is not between 1970 and 2200", name, quoted(text))
	}
	return ms, nil
}

// quoted returns a caller's text for use in a message, cut.
func quoted(text string) string { return fmt.Sprintf("%.100q", text) }
