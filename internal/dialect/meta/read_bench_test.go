package meta_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"waybill"
	"waybill/internal/store/storetest"
)

// BenchmarkAnalytics asks for series of an account with 50,000 messages in 90
// days, from the request to the encoded answer.
func BenchmarkAnalytics(b *testing.B) {
	g := lucky(b)
	c, _ := g.directory.View().Channel(pacific)
	const day = 24 * 60 * 60
	begin := start.Unix() - 90*day
	traffic := storetest.Traffic{
		Seed: 1, Messages: 50_000, PerDay: 50_000 / 90, Start: waybill.Instant(begin), Window: 5000,
		Channels: []waybill.ChannelState{{Number: c.Number, Provider: c.Provider}},
	}
	for batch := range traffic.Batches() {
		if _, err := g.store.Append(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	for _, bm := range []struct{ name, fields string }{
		{"90 days by DAY", "analytics.start(1764590400).end(1772366400).granularity(DAY)"},
		{"90 days by MONTH", "analytics.start(1764590400).end(1772366400).granularity(MONTH)"},
		{"30 days by HALF_HOUR", "analytics.start(1769774400).end(1772366400).granularity(HALF_HOUR)"},
		{"30 days by HALF_HOUR filtered", "analytics.start(1769774400).end(1772366400).granularity(HALF_HOUR).phone_numbers(8613800000000).country_codes(ID).product_types(0)"},
		{"30 days by HALF_HOUR selected", "analytics.start(1769774400).end(1772366400).granularity(HALF_HOUR){data_points{start,sent}}"},
		{"no analytics", "id,name"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/v25.0/"+pacific+"?fields="+bm.fields, nil)
			r.Header.Set("Authorization", "Bearer lucky-token")
			b.ReportAllocs()
			bytes := 0
			for b.Loop() {
				w := httptest.NewRecorder()
				g.api.ServeHTTP(w, r)
				if bytes = w.Body.Len(); w.Code != http.StatusOK {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(bytes), "B/answer")
		})
	}
}
