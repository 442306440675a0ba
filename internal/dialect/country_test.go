package dialect

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestCountryOf(t *testing.T) {
	for _, tt := range []struct{ number, want string }{
		{"8613800000000", "CN"},
		{"6281234567890", "ID"},
		{"84901234567", "VN"},
		{"16505551234", "US"},
		{"14165550123", "CA"},
		{"18765551234", "JM"},
		{"15550001234", "US"}, // in no numbering plan
		{"79161234567", "RU"},
		{"77012345678", "KZ"},
		{"447400123456", "GB"},
		{"447797123456", "JE"},
		{"358401234567", "FI"},
		{"390669812345", "VA"},
		{"393331234567", "IT"},
		{"61412345678", "AU"},
		{"85261234567", "HK"},
		{"5511961234567", "BR"},
		{"21061234567", ""},      // no such country code
		{"80012345678", ""},      // belongs to no country
		{"", ""},                 // no recipient
		{"123456", ""},           // too short
		{"1234567890123456", ""}, // too long
		{"06281234567", ""},      // without country code
		{"CN.8613800000", ""},    // an ID that is no number
		{"+8613800000000", ""},   // not digits
	} {
		if got := CountryOf(tt.number); got != tt.want {
			t.Errorf("CountryOf(%q) = %q, want %q", tt.number, got, tt.want)
		}
	}
}

// regionByPlans asks the library, which knows every numbering plan.
func regionByPlans(number string) string {
	n, err := phonenumbers.Parse("+"+number, "")
	if err != nil {
		return ""
	}
	return phonenumbers.GetRegionCodeForNumber(n)
}

// The library's own example of a mobile number of each country.
func TestCountryOfExamples(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		n := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if n == nil {
			continue
		}
		number := phonenumbers.Format(n, phonenumbers.E164)[1:]
		if got, want := CountryOf(number), regionByPlans(number); got != want {
			t.Errorf("CountryOf(%s) = %q, the plans say %q", number, got, want)
		}
	}
}

// Where a number is assigned, the table must agree with the numbering plans.
func TestCountryOfSharedCodes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for code := 1; code < 1000; code++ {
		if len(phonenumbers.GetRegionCodesForCountryCode(code)) < 2 {
			continue
		}
		for range 3000 {
			number := strconv.Itoa(code)
			for range 7 + random.IntN(4) {
				number += strconv.Itoa(random.IntN(10))
			}
			if number[len(strconv.Itoa(code))] == '0' && code != 39 {
				continue // the library drops the zero, which is dialled inland only
			}
			want := regionByPlans(number)
			if got := CountryOf(number); want != "" && got != want {
				t.Errorf("CountryOf(%s) = %q, the plans say %q", number, got, want)
			}
		}
	}
}

func TestMinorPrefixes(t *testing.T) {
	for prefix, want := range minorPrefixes {
		number := (prefix + "9999999")[:max(len(prefix), minNumber)]
		if got := CountryOf(number); got != want {
			t.Errorf("CountryOf(%s) = %q, want %q for its prefix %s", number, got, want, prefix)
		}
	}
}

func BenchmarkCountryOf(b *testing.B) {
	for _, number := range []string{"8613800000000", "6281234567890", "16505551234", "18765551234", "447400123456", "393331234567"} {
		b.Run(CountryOf(number), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				CountryOf(number)
			}
		})
	}
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			n, _ := phonenumbers.Parse("+8613800000000", "")
			phonenumbers.GetRegionCodeForNumber(n)
		}
	})
}
