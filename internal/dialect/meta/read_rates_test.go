package meta_test

import (
	"strings"
	"testing"
)

// TestTwoRatesOfOneInstant has a rate from a day and one from the instant with
// which that day begins.
func TestTwoRatesOfOneInstant(t *testing.T) {
	const day = `      - {category: MARKETING, country: US, price: 0.03, currency: USD, valid_from: 2026-01-16}` + "\n"
	const instant = `      - {category: MARKETING, country: US, price: 0.07, currency: USD, valid_from: "2026-01-16T00:00:00-08:00"}` + "\n"
	for name, rates := range map[string]string{"the day first": day + instant, "the instant first": instant + day} {
		t.Run(name, func(t *testing.T) {
			g := newGraph(t, openStore(t), strings.Replace(readFile(t, tenantsFile), day, rates, 1), 0)
			g.record(marketing("a", "2026-01-16T12:00:00Z"))
			wantAnswer(t, g.shopGet(costs("2026-01-16", "2026-01-17")), cost("0.07"))
		})
	}
}

// TestPriceOfTheLastQuarter changes the price a quarter of an hour before the end
// of a range.
func TestPriceOfTheLastQuarter(t *testing.T) {
	const day = `valid_from: 2026-01-16}`
	g := newGraph(t, openStore(t), strings.Replace(readFile(t, tenantsFile), day, `valid_from: "2026-01-16T23:45:00-08:00"}`, 1), 0)
	g.record(marketing("a", "2026-01-17T07:44:59Z") + marketing("b", "2026-01-17T07:45:00Z"))
	wantAnswer(t, g.shopGet(costs("2026-01-16", "2026-01-17")), cost("0.04"))
	wantAnswer(t, g.shopGet(costs("2026-01-16", "1768635900")), cost("0.01"))
}

func costs(start, end string) string {
	return "/v25.0/" + shop + "?fields=pricing_analytics.start(" + start + ").end(" + end + ").granularity(DAILY).metric_types(COST)"
}

// cost is the answer with one day that has cost that much.
func cost(money string) string {
	return `{"pricing_analytics":{"data":[{"data_points":[{"start":1768550400,"end":1768636800,"cost":` + money +
		`}]}]},"id":"102290129340410"}`
}

// marketing is a message to the United States that is charged.
func marketing(message, at string) string {
	return `{"channel": "102290129340410", "message": "` + message + `", "status": "delivered", "at": "` + at +
		`", "recipient": "16505551234", "pricing": {"type": "REGULAR", "category": "MARKETING"}}` + "\n"
}
