package alibaba

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"waybill"
)

// A span is the part of a series that a call asks for.
type span struct {
	granularity waybill.Granularity
	name        string // of the granularity
	from, to    waybill.Instant
}

// parseSpan reads Granularity, Start and End.
func parseSpan(ps params) (span, error) {
	s := span{granularity: waybill.Day, name: "DAILY"}
	switch ps.get("Granularity") {
	case "", "DAILY":
	case "HALF_HOUR":
		s.granularity, s.name = waybill.HalfHour, "HALF_HOUR"
	default:
		return span{}, errInvalid("Granularity")
	}
	start, err := parseMillis(ps, "Start")
	if err != nil {
		return span{}, err
	}
	end, err := parseMillis(ps, "End")
	if err != nil {
		return span{}, err
	}
	if err := checkRange(start, end); err != nil {
		return span{}, err
	}
	s.from, s.to = waybill.Instant(start/1000), waybill.Instant((end+999)/1000)
	return s, nil
}

// parseMillis reads a required parameter with a time in milliseconds.
func parseMillis(ps params, name string) (int64, error) {
	text := ps.get(name)
	if text == "" {
		return 0, errMissing(name)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errInvalid(name)
	}
	return n, nil
}

// firstSecond is the least Start that is taken for a time in seconds, of 1973. A
// smaller one can only mean "from the beginning".
const firstSecond = 100_000_000

// checkRange refuses a range that is empty, or that is evidently not in
// milliseconds: an answer without rows would look as if nothing had been sent.
func checkRange(start, end int64) error {
	const earliest, latest = int64(waybill.EarliestEvent) * 1000, int64(waybill.MaxInstant) * 1000
	switch {
	case end < earliest:
		return errEnd("%d milliseconds are %s, before 2015. The unit is milliseconds; these look like seconds.",
			end, time.UnixMilli(end).UTC().Format(time.RFC3339))
	case end > latest:
		return errEnd("%d milliseconds are after 2199. The unit is milliseconds.", end)
	case start >= firstSecond && start < earliest:
		return &vendorError{
			status: http.StatusBadRequest, code: "InvalidStart",
			message: fmt.Sprintf("Specified parameter Start is not valid. %d milliseconds are %s, before 2015. "+
				"The unit is milliseconds; these look like seconds.", start, time.UnixMilli(start).UTC().Format(time.RFC3339)),
		}
	case end <= start:
		return errEnd("%d is not after Start, %d.", end, start)
	}
	return nil
}

// errEnd is an End that can't be, and why.
func errEnd(format string, args ...any) error {
	return &vendorError{
		status: http.StatusBadRequest, code: "InvalidEnd",
		message: "Specified parameter End is not valid. " + fmt.Sprintf(format, args...),
	}
}
