package dialect

import (
	"strconv"

	"github.com/nyaruka/phonenumbers"
)

// The lengths in digits that a phone number with its country code can have:
// E.164 allows 15, and nobody's mobile number is shorter than 7.
const (
	minNumber = 7
	maxNumber = 15
)

// CountryOf returns the ISO 3166-1 alpha-2 code of the country that a phone
// number belongs to, given as digits with its country code, or "" for what is
// no number of a country. It looks at the beginning of the number only: one that
// is assigned to nobody belongs to the country it would be assigned to.
//
// It is called for every event that names no country. The phone number library
// answers which country has a code; among those that share one a table decides,
// because parsing a number takes the library longer than storing an event.
func CountryOf(number string) string {
	if len(number) < minNumber || len(number) > maxNumber || !allDigits(number) || number[0] == '0' {
		return ""
	}
	// No country code is the beginning of another one.
	for n := 1; n <= 3; n++ {
		code, _ := strconv.Atoi(number[:n])
		switch regions := phonenumbers.GetRegionCodesForCountryCode(code); {
		case len(regions) == 0:
			continue
		case regions[0] == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
			return ""
		case len(regions) == 1:
			return regions[0]
		default:
			return sharedRegion(number, n, regions[0])
		}
	}
	return ""
}

// sharedRegion returns which of the countries that share the country code of n
// digits has the number; main is the largest of them.
func sharedRegion(number string, n int, main string) string {
	for end := min(longestMinorPrefix, len(number)); end > n; end-- {
		if region, ok := minorPrefixes[number[:end]]; ok {
			return region
		}
	}
	return main
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
