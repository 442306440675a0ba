package dialect

import (
	"slices"
	"strconv"
	"strings"
	"sync"

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
	code := 0
	for _, digit := range []byte(number[:3]) {
		code = 10*code + int(digit-'0')
		if p := &plans()[code]; p.main != "" {
			return p.region(number)
		}
	}
	return ""
}

// A plan says to whom the numbers of a country code belong.
type plan struct {
	main    string // the only country, or the largest; empty where there is none
	lengths []int  // of the minor prefixes, the longest first
}

// plans has the plan of each country code.
var plans = sync.OnceValue(func() *[1000]plan {
	var all [1000]plan
	for code := range all {
		regions := phonenumbers.GetRegionCodesForCountryCode(code)
		if len(regions) == 0 || regions[0] == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			continue
		}
		all[code].main = regions[0]
		if len(regions) > 1 {
			all[code].lengths = minorLengths(strconv.Itoa(code))
		}
	}
	return &all
})

func minorLengths(code string) []int {
	var lengths []int
	for prefix := range minorPrefixes {
		if strings.HasPrefix(prefix, code) && !slices.Contains(lengths, len(prefix)) {
			lengths = append(lengths, len(prefix))
		}
	}
	slices.Sort(lengths)
	slices.Reverse(lengths)
	return lengths
}

// region returns which of the countries that share the code has the number.
func (p *plan) region(number string) string {
	for _, n := range p.lengths {
		if region, ok := minorPrefixes[number[:min(n, len(number))]]; ok {
			return region
		}
	}
	return p.main
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
