package directory_test

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

// shop is a document with what only WhatsApp has.
const shop = `accounts:
  - id: "1234567890123456"
    rates:
      - {category: MARKETING, country: US, price: 0.0250, currency: USD, valid_from: 2026-01-01}
      - {category: MARKETING, country: US, price: "0.0300", currency: USD, valid_from: 2026-07-01T00:00:00-07:00}
      - {category: UTILITY, tier: "0:250000", price: 12, currency: USD}
channels:
  - id: "102290129340398"
    provider: waba
    account: "1234567890123456"
    senders: ["16315551000", {number: "+1 631-555-1001", id: "106540352242922"}]
    template_insights: enabled
templates:
  - {channel: "102290129340398", code: "11", name: sale, language: en_US, link_tracking_opted_out: true}
  - {channel: "102290129340398", code: "11", name: sale, language: es}
`

const shopAccount, shopChannel = "1234567890123456", "102290129340398"

func openShop(t *testing.T) *directory.Directory {
	t.Helper()
	d := mustOpen(t, storetest.NewModel())
	mustApply(t, d, shop, directory.ApplyOptions{})
	return d
}

func TestRates(t *testing.T) {
	d := openShop(t)
	want := []waybill.Rate{
		{Account: shopAccount, Category: "MARKETING", Country: "US", Currency: "USD", Micros: 25_000, Date: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Account: shopAccount, Category: "MARKETING", Country: "US", Currency: "USD", Micros: 30_000, From: 1782889200},
		{Account: shopAccount, Category: "UTILITY", Tier: "0:250000", Currency: "USD", Micros: 12_000_000},
	}
	if rates := d.View().Rates(shopAccount); !reflect.DeepEqual(rates, want) {
		t.Errorf("rates are %+v", rates)
	}
	if rates := d.View().Rates("6543210987654321"); len(rates) != 0 {
		t.Errorf("another account has rates %+v", rates)
	}
	diffs := []struct{ name, old, new, want string }{
		{"a price", "0.0250", "0.025001", "~ rate 1234567890123456/USD/MARKETING/US/any/2026-01-01: price 0.025 -> 0.025001\n"},
		{"the same price", "price: 12,", "price: 12.000000,", ""},
		{"another tier", "0:250000", "0:MAX", "- rate 1234567890123456/USD/UTILITY/any/0:250000/always\n+ rate 1234567890123456/USD/UTILITY/any/0:MAX/always (12)\n"},
	}
	for _, tt := range diffs {
		t.Run(tt.name, func(t *testing.T) {
			d := openShop(t)
			if diff := mustApply(t, d, replace(t, shop, tt.old, tt.new), directory.ApplyOptions{Prune: true}); diff != tt.want {
				t.Errorf("diff is\n%swant\n%s", diff, tt.want)
			}
		})
	}
}

// TestRatesOfAnAccountAreOneList applies documents without pruning: a list of
// rates that is named replaces what stood, and one that is not stays.
func TestRatesOfAnAccountAreOneList(t *testing.T) {
	const card = `accounts:
  - id: "1234567890123456"
    rates:
      - {category: MARKETING, country: US, price: 0.0250, currency: USD, valid_from: 2026-02-01}
`
	const first, second, third = "1234567890123456/USD/MARKETING/US/any/2026-01-01",
		"1234567890123456/USD/MARKETING/US/any/2026-07-01T07:00:00Z", "1234567890123456/USD/UTILITY/any/0:250000/always"
	all := "- rate " + first + "\n- rate " + second + "\n- rate " + third + "\n"
	for _, tt := range []struct {
		name, document, want string
		rates                int
	}{
		{"another day", card, "- rate " + first + "\n+ rate 1234567890123456/USD/MARKETING/US/any/2026-02-01 (0.025)\n- rate " + second + "\n- rate " + third + "\n", 1},
		{"none", "accounts:\n  - id: \"1234567890123456\"\n    rates: []\n", all, 0},
		{"not named", "accounts:\n  - id: \"1234567890123456\"\n", "", 3},
		{"of another account", strings.Replace(card, "1234567890123456", "6543210987654321", 1), "+ account 6543210987654321\n+ rate 6543210987654321/USD/MARKETING/US/any/2026-02-01 (0.025)\n", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := openShop(t)
			if diff := mustApply(t, d, tt.document, directory.ApplyOptions{DryRun: true}); diff != tt.want {
				t.Errorf("diff is\n%swant\n%s", diff, tt.want)
			}
			if got := len(d.View().Rates(shopAccount)); got != 3 {
				t.Errorf("the dry run leaves %d rates", got)
			}
			mustApply(t, d, tt.document, directory.ApplyOptions{})
			if got := len(d.View().Rates(shopAccount)); got != tt.rates {
				t.Errorf("%d rates stand, want %d", got, tt.rates)
			}
			if diff := mustApply(t, d, tt.document, directory.ApplyOptions{}); diff != "" {
				t.Errorf("the second apply changes %s", diff)
			}
		})
	}
}

func TestRatesBeginAtMidnightOfTheChannel(t *testing.T) {
	zone := func(name string) *time.Location {
		at, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	day := waybill.Rate{Date: time.Date(2025, 3, 9, 0, 0, 0, 0, time.UTC)}
	instant := waybill.Rate{From: 1741507200}
	for _, tt := range []struct {
		name string
		rate waybill.Rate
		zone string
		want waybill.Instant
	}{
		{"in UTC", day, "UTC", 1741478400},
		{"in California", day, "America/Los_Angeles", 1741507200},
		{"where the day has no midnight", day, "America/Havana", 1741496400},
		{"an instant is the same everywhere", instant, "Asia/Kolkata", 1741507200},
		{"always", waybill.Rate{}, "Asia/Kolkata", waybill.Never},
	} {
		if at := tt.rate.ValidFrom(zone(tt.zone)); at != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, at, tt.want)
		}
	}
}

func TestParseShopMistakes(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"a category of templates only", "UTILITY", "AUTH", `line 6: accounts[0].rates[2].category: "AUTH" is no pricing category, known are AUTHENTICATION, AUTHENTICATION_INTERNATIONAL, MARKETING, MARKETING_LITE, REFERRAL_CONVERSION, SERVICE, UTILITY`},
		{"a country in small letters", "country: US, price: 0.0250", "country: us, price: 0.0250", `line 4: accounts[0].rates[0].country: "us" is no country code of two capital letters such as US`},
		{"a negative price", "0.0250", "-1", `line 4: accounts[0].rates[0].price: "-1" is no price such as 0.0250`},
		{"a price with an exponent", "0.0250", "1e3", `line 4: accounts[0].rates[0].price: "1e3" is no price such as 0.0250`},
		{"a price with a comma", `"0.0300"`, `"0,03"`, `line 5: accounts[0].rates[1].price: "0,03" is no price such as 0.0250`},
		{"a price too fine", "0.0250", "0.0000001", `line 4: accounts[0].rates[0].price: "0.0000001" has more than 6 digits after the point`},
		{"a price too high", "price: 12,", "price: 100000.000001,", `line 6: accounts[0].rates[2].price: "100000.000001" is more than 100000`},
		{"a wrong tier of a rate that would be another's twin", "valid_from: 2026-07-01T00:00:00-07:00", `tier: "a b", valid_from: 2026-01-01`, `line 5: accounts[0].rates[1].tier: "a b" holds more than letters, digits and - _ . :`},
		{"no price", "price: 12, ", "", "line 6: accounts[0].rates[2].price: is missing"},
		{"no currency", "price: 12, currency: USD", "price: 12", "line 6: accounts[0].rates[2].currency: is missing"},
		{"a rate twice", "2026-07-01T00:00:00-07:00", "2026-01-01", `line 5: accounts[0].rates[1]: "1234567890123456/USD/MARKETING/US/any/2026-01-01" is given at accounts[0].rates[0] on line 4 already`},
		{"within a quarter of an hour", "T00:00:00-07:00", "T00:01:00-07:00", `line 5: accounts[0].rates[1].valid_from: "2026-07-01T00:01:00-07:00" is not on a quarter of an hour`},
		{"a day that is none", "2026-01-01", "2026-02-30", `line 4: accounts[0].rates[0].valid_from: "2026-02-30" is no time such as 2026-11-20T10:00:00Z`},
		{"a state that is none", "enabled", "on", `line 12: channels[0].template_insights: "on" is no state of template insights, known are enabled, disabled, unavailable`},
		{"a sender ID of letters", "106540352242922", "phone-1", `line 11: channels[0].senders[1].id: "phone-1" is not digits`},
		{"a sender without number", "number: \"+1 631-555-1001\", ", "", `line 11: channels[0].senders[1].number: is missing`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := directory.Parse(strings.NewReader(replace(t, shop, tt.old, tt.new)), getenv)
			if err == nil || err.Error() != tt.want {
				t.Errorf("mistakes are\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestEnableInsights(t *testing.T) {
	enabled := shop
	silent := replace(t, shop, "    template_insights: enabled\n", "")
	disabled := replace(t, shop, "enabled", "disabled")
	unavailable := replace(t, shop, "enabled", "unavailable")
	state := func(d *directory.Directory) waybill.Insights {
		c, _ := d.View().Channel(shopChannel)
		return c.Insights
	}
	for _, tt := range []struct {
		name, document string
		before, after  waybill.Insights
	}{
		{"nothing is said", silent, waybill.InsightsDisabled, waybill.InsightsEnabled},
		{"disabled outright", disabled, waybill.InsightsDisabled, waybill.InsightsEnabled},
		{"enabled", enabled, waybill.InsightsEnabled, waybill.InsightsEnabled},
		{"unavailable", unavailable, waybill.InsightsUnavailable, waybill.InsightsUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := mustOpen(t, storetest.NewModel())
			mustApply(t, d, tt.document, directory.ApplyOptions{})
			if got := state(d); got != tt.before {
				t.Errorf("at first %q, want %q", got, tt.before)
			}
			if got, err := d.EnableInsights(t.Context(), shopChannel); err != nil || got != tt.after || state(d) != tt.after {
				t.Errorf("EnableInsights = %q, %v, then %q, want %q", got, err, state(d), tt.after)
			}
			mustApply(t, d, silent, directory.ApplyOptions{Prune: true})
			if got := state(d); got != tt.after {
				t.Errorf("a document without the state makes it %q", got)
			}
			mustApply(t, d, disabled, directory.ApplyOptions{})
			if got := state(d); got != waybill.InsightsDisabled {
				t.Errorf("a document that disables makes it %q", got)
			}
			if diff := mustApply(t, d, disabled, directory.ApplyOptions{}); diff != "" {
				t.Errorf("the second apply changes %s", diff)
			}
		})
	}
	_, err := openShop(t).EnableInsights(t.Context(), "two")
	wantError(t, err, waybill.NotFound, `channel "two" does not exist`)
}

func TestSetLinkTracking(t *testing.T) {
	d := openShop(t)
	optedOut := func(language string) bool {
		tmpl, ok := d.View().Template(shopChannel, "11", language)
		if !ok {
			t.Fatalf("no template in %s", language)
		}
		return tmpl.LinkTrackingOptedOut
	}
	if !optedOut("en_US") || optedOut("es") {
		t.Errorf("the document is not followed: %t %t", optedOut("en_US"), optedOut("es"))
	}
	for _, want := range []bool{true, false, true} {
		if err := d.SetLinkTracking(t.Context(), shopChannel, "11", want); err != nil {
			t.Fatal(err)
		}
		if optedOut("en_US") != want || optedOut("es") != want {
			t.Errorf("opted out %t and %t, want %t", optedOut("en_US"), optedOut("es"), want)
		}
	}
	wantError(t, d.SetLinkTracking(t.Context(), shopChannel, "12", true), waybill.NotFound, `template "12" of channel`)
}

func TestSenderIDs(t *testing.T) {
	store := &counting{Store: storetest.NewModel()}
	d := mustOpen(t, store)
	mustApply(t, d, shop, directory.ApplyOptions{})
	learn := func(number, id string) {
		t.Helper()
		if err := d.LearnSenderIDs(t.Context(), shopChannel, map[string]string{number: id}); err != nil {
			t.Fatal(err)
		}
	}
	learn("16315551000", "7")
	writes := store.writes
	learn("16315551000", "8")
	learn("16315551001", "9")
	if store.writes != writes {
		t.Errorf("what is known costs %d writes", store.writes-writes)
	}
	mustApply(t, d, shop, directory.ApplyOptions{Prune: true})
	want := map[string]string{"16315551000": "7", "16315551001": "106540352242922"}
	c, _ := d.View().Channel(shopChannel)
	if !reflect.DeepEqual(c.SenderIDs, want) || !reflect.DeepEqual(c.Senders, []string{"16315551000", "16315551001"}) {
		t.Errorf("senders %v have IDs %v, want %v", c.Senders, c.SenderIDs, want)
	}
	for id, number := range map[string]string{"7": "16315551000", "8": "", "106540352242922": "16315551001"} {
		wantSender(t, d, id, number)
	}
	// An ID is of one number, which is the one of the later webhook.
	learn("16315551002", "7")
	wantSender(t, d, "7", "16315551002")
	learn("16315551000", "8")
	wantSender(t, d, "8", "16315551000")
	// A document stands over webhooks.
	said := replace(t, shop, "106540352242922", "7")
	mustApply(t, d, said, directory.ApplyOptions{})
	wantSender(t, d, "7", "16315551001")
	wantSender(t, d, "106540352242922", "")
	if diff := mustApply(t, d, said, directory.ApplyOptions{}); diff != "" {
		t.Errorf("the second apply changes %s", diff)
	}
	mustApply(t, d, replace(t, shop, `"16315551000"`, `{number: "16315551000", id: "9"}`), directory.ApplyOptions{})
	wantSender(t, d, "9", "16315551000")
	wantSender(t, d, "8", "")
}

// wantSender fails unless the number of the shop has that ID, or none where
// number is empty.
func wantSender(t *testing.T, d *directory.Directory, id, number string) {
	t.Helper()
	got := ""
	for _, s := range d.View().SendersByID(id) {
		got += s.Number
	}
	if got != number {
		t.Errorf("ID %s is of number %q, want %q", id, got, number)
	}
}

// TestSenderIDsAreBounded teaches more numbers than a channel keeps. One of those
// may still change hands.
func TestSenderIDsAreBounded(t *testing.T) {
	d := openShop(t)
	many := make(map[string]string)
	for i := range 2000 {
		many[strconv.Itoa(441000000000+i)] = strconv.Itoa(1000 + i)
	}
	for range 2 {
		if err := d.LearnSenderIDs(t.Context(), shopChannel, many); err != nil {
			t.Fatal(err)
		}
		if c, _ := d.View().Channel(shopChannel); len(c.SenderIDs) != 1000 {
			t.Errorf("%d numbers are kept", len(c.SenderIDs))
		}
	}
	wantSender(t, d, "1000", "441000000000")
	if err := d.LearnSenderIDs(t.Context(), shopChannel, map[string]string{"49": "1000"}); err != nil {
		t.Fatal(err)
	}
	wantSender(t, d, "1000", "49")
}

func TestRatesAreBounded(t *testing.T) {
	card := func(n int) string {
		var b strings.Builder
		b.WriteString("accounts:\n  - id: \"1234567890123456\"\n    rates:\n")
		for i := range n {
			fmt.Fprintf(&b, "    - {category: UTILITY, tier: t%d, price: 1, currency: USD}\n", i)
		}
		return b.String()
	}
	if _, err := directory.Parse(strings.NewReader(card(20_000)), getenv); err != nil {
		t.Errorf("20000 rates: %v", err)
	}
	if _, err := directory.Parse(strings.NewReader(card(20_001)), getenv); err == nil ||
		!strings.HasSuffix(err.Error(), "has 20001 rates, more than 20000") {
		t.Errorf("20001 rates: %v", err)
	}
}

// counting is a store that counts the changes of its settings.
type counting struct {
	waybill.Store
	writes int
}

func (s *counting) Configure(ctx context.Context, c waybill.Change) error {
	s.writes++
	return s.Store.Configure(ctx, c)
}

func TestShopAfterReopening(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	mustApply(t, d, shop, directory.ApplyOptions{})
	if err := d.SetLinkTracking(t.Context(), shopChannel, "11", true); err != nil {
		t.Fatal(err)
	}
	if again := mustOpen(t, store).View(); !reflect.DeepEqual(again, d.View()) {
		t.Errorf("the view is\n%+v\nand was\n%+v", again, d.View())
	}
}
