package directory

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"waybill"
)

// Bounds of a rate card.
const (
	maxRates    = 20_000  // of an account
	maxPrice    = 100_000 // in units of the currency
	microDigits = 6       // after the point
)

// A rate is one line of an account's rate card. All of it but the price is its
// name: a rate that is dearer from some day on is a second rate. So that a wrong
// day can be corrected, a document that names the rates of an account names all.
type rate struct{ waybill.Rate }

func (r rate) kind() string { return "rate" }

func (r rate) name() string {
	return join(r.Account, r.Currency, r.Category, orAny(r.Country), orAny(r.Tier), r.since())
}

func (r rate) fields() []field {
	return []field{{name: "price", values: one(waybill.Decimal(r.Micros)), brief: true}}
}

// since returns from when the rate is valid, as a document says it.
func (r rate) since() string {
	switch {
	case !r.Date.IsZero():
		return r.Date.Format(time.DateOnly)
	case r.From != waybill.Never:
		return showInstant(r.From)
	}
	return "always"
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

// rates reads the rate card of an account, which a document names as a whole.
func (p *parser) rates(accountID string, v value) {
	if v.present() {
		p.doc.cards[accountID] = true
	}
	list := v.list()
	if len(list) > maxRates {
		v.mistake("has %d rates, more than %d", len(list), maxRates)
		return
	}
	for _, item := range list {
		p.rate(accountID, item)
	}
}

func (p *parser) rate(accountID string, v value) {
	before := len(p.mistakes)
	o := v.object("category", "country", "tier", "price", "currency", "valid_from")
	r := waybill.Rate{
		Account:  accountID,
		Category: o.must("category").choice("pricing category", waybill.PricingCategories...),
		Country:  countryCode(o.may("country")),
		Tier:     o.may("tier").id(),
		Currency: currency(o.must("currency")),
		Micros:   price(o.must("price")),
	}
	r.From, r.Date = validFrom(o.may("valid_from"))
	// What is wrong in parts may look like another rate.
	if len(p.mistakes) > before || accountID == "" {
		return
	}
	if p.define("rate", rate{r}.name(), v, false) {
		p.put(rate{r}, v)
	}
}

func countryCode(v value) string {
	s := ""
	if v.present() {
		s = v.word()
	}
	if s != "" && (len(s) != 2 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		v.mistake("%q is no country code of two capital letters such as US", s)
	}
	return s
}

// price reads a decimal number exactly.
func price(v value) int64 {
	s := v.word()
	if s == "" {
		return 0
	}
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || point && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		v.mistake("%q is no price such as 0.0250", s)
		return 0
	}
	if fraction = strings.TrimRight(fraction, "0"); len(fraction) > microDigits {
		v.mistake("%q has more than %d digits after the point", s, microDigits)
		return 0
	}
	micros, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", microDigits-len(fraction)), 10, 64)
	if err != nil || micros > maxPrice*1e6 {
		v.mistake("%q is more than %d", s, maxPrice)
		return 0
	}
	return micros
}

// validFrom reads a day, or an instant between two quarters of an hour: counters
// tell no smaller part of time.
func validFrom(v value) (waybill.Instant, time.Time) {
	if !v.present() {
		return waybill.Never, time.Time{}
	}
	if day, err := time.Parse(time.DateOnly, v.node.Value); err == nil {
		if day.Year() < 1971 || day.Year() > 2199 {
			v.mistake("%q is not between 1971 and 2199", v.node.Value)
		}
		return waybill.Never, day
	}
	at := v.instant()
	switch {
	case at%waybill.QuarterSeconds != 0:
		v.mistake("%q is not on a quarter of an hour", v.node.Value)
	case at >= waybill.MaxInstant:
		v.mistake("%q is not before the year 2200", v.node.Value)
	}
	return at, time.Time{}
}

type rateRecord struct {
	Account  string          `json:"account"`
	Category string          `json:"category"`
	Country  string          `json:"country,omitempty"`
	Tier     string          `json:"tier,omitempty"`
	Currency string          `json:"currency"`
	Micros   int64           `json:"micros"`
	From     waybill.Instant `json:"from,omitempty"`
	Date     string          `json:"date,omitempty"`
}

func (r rate) encode(sealer) ([]byte, error) {
	record := rateRecord{
		Account: r.Account, Category: r.Category, Country: r.Country, Tier: r.Tier,
		Currency: r.Currency, Micros: r.Micros, From: r.From,
	}
	if !r.Date.IsZero() {
		record.Date = r.since()
	}
	return json.Marshal(record)
}

func decodeRate(r waybill.Record, _ sealer) (entry, error) {
	var v rateRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	e := rate{waybill.Rate{
		Account: v.Account, Category: v.Category, Country: v.Country, Tier: v.Tier,
		Currency: v.Currency, Micros: v.Micros, From: v.From,
	}}
	if v.Date != "" {
		var err error
		if e.Date, err = time.Parse(time.DateOnly, v.Date); err != nil {
			return nil, err
		}
	}
	return e, nil
}
