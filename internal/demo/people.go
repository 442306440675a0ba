package demo

import (
	"math/rand/v2"
	"time"
)

// A country is where recipients live.
type country struct {
	code     string
	zone     *time.Location
	prefixes []string // of mobile numbers, with the country code
	digits   int      // of a number, with the country code
	people   int      // how many customers there are
	failing  float64  // share of messages that fail
	unseen   float64  // share of messages that never reach a device
	seed     uint64
}

// newCountries returns the countries by code. A country has one zone here; the
// prefixes are of places in that zone. 555 is no exchange that American
// subscribers have.
func newCountries(seed uint64) map[string]*country {
	list := []country{
		{code: "US", zone: location("America/New_York"), digits: 11, people: 9000, failing: 0.013, unseen: 0.006, prefixes: []string{
			"1212555", "1646555", "1305555", "1617555", "1202555", "1404555", "1215555", "1407555", "1704555", "1716555",
		}},
		{code: "BR", zone: location("America/Sao_Paulo"), digits: 13, people: 22000, failing: 0.021, unseen: 0.010, prefixes: []string{
			"551199", "551198", "551197", "552199", "552198", "553199", "554199", "555199", "556199", "557199",
		}},
		{code: "IN", zone: location("Asia/Kolkata"), digits: 12, people: 20000, failing: 0.031, unseen: 0.016, prefixes: []string{
			"9198", "9199", "9197", "9196", "9190",
		}},
		{code: "ID", zone: location("Asia/Jakarta"), digits: 13, people: 18000, failing: 0.036, unseen: 0.018, prefixes: []string{
			"62812", "62813", "62821", "62852", "62857", "62878",
		}},
		{code: "MX", zone: location("America/Mexico_City"), digits: 12, people: 14000, failing: 0.023, unseen: 0.011, prefixes: []string{
			"52551", "52552", "52554", "52331", "52333", "52811", "52818",
		}},
		{code: "DE", zone: location("Europe/Berlin"), digits: 13, people: 6000, failing: 0.011, unseen: 0.005, prefixes: []string{
			"491511", "491512", "491514", "491515", "491516", "491517", "491520", "491522", "491573", "491575",
		}},
		{code: "VN", zone: location("Asia/Ho_Chi_Minh"), digits: 11, people: 16000, failing: 0.028, unseen: 0.013, prefixes: []string{
			"8490", "8491", "8493", "8497", "8498", "8432", "8435", "8438", "8470", "8479", "8485",
		}},
		{code: "CN", zone: location("Asia/Shanghai"), digits: 13, people: 5000, failing: 0.039, unseen: 0.022, prefixes: []string{
			"86138", "86139", "86150", "86158", "86186", "86187",
		}},
	}
	countries := make(map[string]*country)
	for i := range list {
		list[i].seed = hash(seed, "people of", list[i].code)
		countries[list[i].code] = &list[i]
	}
	return countries
}

// A person is a customer. Who is drawn twice is the same both times.
type person struct {
	country *country
	number  string
	shy     bool // has read receipts off
	taps    bool // is one who presses buttons
}

// person returns one of the customers in c.
func (c *country) person(r *rand.Rand) person {
	h := mix(c.seed + r.Uint64N(uint64(c.people)))
	p := person{country: c, shy: h%100 < 20, taps: h/100%100 < 55}
	h = mix(h)
	number := make([]byte, 0, 16)
	number = append(number, c.prefixes[h%uint64(len(c.prefixes))]...)
	for h = mix(h); len(number) < c.digits; h /= 10 {
		number = append(number, '0'+byte(h%10))
	}
	p.number = string(number)
	return p
}

// An audience says how messages spread over countries, in shares.
type audience []share

type share struct {
	country string
	weight  float64
}

// pick draws a country.
func (a audience) pick(r *rand.Rand) string {
	var total float64
	for _, s := range a {
		total += s.weight
	}
	at := r.Float64() * total
	for _, s := range a {
		if at -= s.weight; at < 0 {
			return s.country
		}
	}
	return a[len(a)-1].country
}
