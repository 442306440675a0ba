package rest

import (
	"testing"

	"waybill/internal/store/storetest"
)

// BenchmarkLargeSeries writes the longest series that is answered, in each format.
func BenchmarkLargeSeries(b *testing.B) {
	f := newFixture(b, storm{storetest.NewModel(), maxSeries})
	for _, format := range []string{"json", "csv", "ndjson", "parquet"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := f.metrics("last=1d&group_by=template,country&rates=true&format=" + format)
				if w.Code != 200 {
					b.Fatalf("answered %d %s", w.Code, w.Body)
				}
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}
