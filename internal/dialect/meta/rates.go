package meta

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
)

// A rateCard tells what the messages of an account cost. A nil rateCard knows of
// no prices.
type rateCard struct {
	rates map[priceOf][]waybill.Rate // by when they become valid, the latest first
	from  []waybill.Instant          // when prices change, ascending
}

type priceOf struct{ category, country, tier string }

// rateCard returns the rates that the caller has given for messages in the
// currency of an account, nil where there are none. Each tenant sees the prices
// of its own card: a partner and its customer do not pay the same.
func (s *session) rateCard(c waybill.Channel) *rateCard {
	card, made := s.cards[c.Number]
	if !made {
		card = s.newRateCard(c)
		if s.cards == nil {
			s.cards = make(map[waybill.ChannelNumber]*rateCard)
		}
		s.cards[c.Number] = card
	}
	return card
}

func (s *session) newRateCard(c waybill.Channel) *rateCard {
	account := s.token.Account
	if account == "" { // the operator's token
		account = c.Account
	}
	card := &rateCard{rates: make(map[priceOf][]waybill.Rate)}
	for _, r := range s.view.Rates(account) {
		if r.Currency != c.Currency || r.Currency == "" {
			continue
		}
		// From here on the day is an instant of the account's zone.
		r.From = r.ValidFrom(c.Zone)
		key := priceOf{r.Category, r.Country, r.Tier}
		card.rates[key] = append(card.rates[key], r)
		card.from = append(card.from, r.From)
	}
	if len(card.rates) == 0 {
		return nil
	}
	for _, list := range card.rates {
		slices.SortFunc(list, laterFirst)
	}
	slices.Sort(card.from)
	card.from = slices.Compact(card.from)
	return card
}

// laterFirst orders rates by when they become valid. Of two that do so at once one
// is from a day, and the one from an instant stands over it.
func laterFirst(a, b waybill.Rate) int {
	return cmp.Or(cmp.Compare(b.From, a.From), cmp.Compare(a.Date.Unix(), b.Date.Unix()))
}

// errNoCard says why nothing is known of the costs of an account.
func errNoCard(c waybill.Channel) error {
	if c.Currency == "" {
		return errNoCost("This account has no currency, so that no rate card tells its costs.")
	}
	return errNoCost("There is no rate card in " + c.Currency + ", the currency of this account, so that its costs are not known.")
}

// parts cuts a range where prices change. Counters are whole quarters of an hour,
// and so are the instants of the rates.
func (card *rateCard) parts(start, end waybill.Instant) []waybill.Bucket {
	var parts []waybill.Bucket
	if card != nil {
		for _, at := range card.from {
			if start < at && at < end {
				parts = append(parts, waybill.Bucket{Start: start, End: at})
				start = at
			}
		}
	}
	return append(parts, waybill.Bucket{Start: start, End: end})
}

// priced is what tells the price of a message.
type priced struct{ category, kind, country, tier string }

// price returns the price of a message in millionths at an instant. What is not
// charged costs nothing. ok is false where the card does not tell. A rate of the
// country stands over one without, and then one of the tier over one without.
func (card *rateCard) price(p priced, at waybill.Instant) (micros int64, ok bool) {
	if strings.HasPrefix(p.kind, "FREE_") {
		return 0, true
	}
	if p.kind != "REGULAR" {
		return 0, false
	}
	for _, country := range withNone(p.country) {
		for _, tier := range withNone(p.tier) {
			for _, r := range card.rates[priceOf{p.category, country, tier}] {
				if r.From <= at {
					return r.Micros, true
				}
			}
		}
	}
	return 0, false
}

// withNone returns value and the empty value.
func withNone(value string) []string {
	if value == "" {
		return []string{""}
	}
	return []string{value, ""}
}

// money is what messages have cost. The zero money is that of no messages.
type money struct {
	micros  int64
	any     bool
	unknown bool // the price of a message is not known, so that the sum would be wrong
}

// add adds n messages at an instant.
func (m *money) add(card *rateCard, p priced, n int64, at waybill.Instant) {
	if n == 0 {
		return
	}
	price, ok := card.price(p, at)
	m.any = true
	const most = math.MaxInt64 / 2
	if !ok || price > 0 && n > most/price || m.micros > most {
		m.unknown = true // or more than there is money
		return
	}
	m.micros += price * n
}

// known returns the sum, if all prices are known.
func (m *money) known() (micros int64, ok bool) { return m.micros, m.any && !m.unknown }

// perUnit divides an amount, rounding half up.
func perUnit(micros, n int64) int64 { return (micros + n/2) / n }

// decimal returns millionths as a JSON number.
func decimal(micros int64) jsontext.Value { return jsontext.Value(waybill.Decimal(micros)) }
