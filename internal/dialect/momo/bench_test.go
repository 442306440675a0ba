package momo_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"waybill"
)

// BenchmarkReport asks for pages of a business page with 100,000 segments of the
// last year: the newest, one in the middle, one of a rare condition, one of which
// there is nothing. Half of the segments are counted from messages, half were
// reported. The content is that of MoMo's example.
func BenchmarkReport(b *testing.B) {
	r := newRig(b)
	r.fill(b, 100_000)
	middle := noon.Add(-180 * 24 * time.Hour).UnixMilli()
	for _, bench := range []struct{ name, body string }{
		{"newest 20", `{}`},
		{"newest 90", `{"limit":90}`},
		{"newest 1000", `{"limit":1000}`},
		{"middle 90", fmt.Sprintf(`{"limit":90,"report_time_range":"ALL","target_created_at":%d}`, middle)},
		{"rare condition", `{"limit":90,"report_time_range":"ALL","filter":{"condition_id":"NO_ACTIVITIES_90"}}`},
		{"no such condition", `{"limit":90,"report_time_range":"ALL","filter":{"condition_id":"NO_ACTIVITIES_14"}}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				q := httptest.NewRequest(http.MethodPost, reportURL, strings.NewReader(bench.body))
				q.Header.Set("Authorization", "Bearer token-page")
				w := httptest.NewRecorder()
				r.api.ServeHTTP(w, q)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
				size = w.Body.Len()
			}
			b.ReportMetric(float64(size)/1000, "kB")
		})
	}
}

// fill stores n segments of the last year, with counts.
func (r *rig) fill(b *testing.B, n int) {
	b.Helper()
	text, err := os.ReadFile("testdata/report.json")
	if err != nil {
		b.Fatal(err)
	}
	var shown answer
	if err := json.Unmarshal(text, &shown); err != nil {
		b.Fatal(err)
	}
	page := r.number("130035")
	step := 365 * 24 * time.Hour / time.Duration(n)
	for from := 0; from < n; from += 1000 {
		var segments []waybill.Segment
		var snapshots []waybill.Snapshot
		var events []waybill.Event
		for i := from; i < min(from+1000, n); i++ {
			g := waybill.Segment{
				Channel: page, ID: fmt.Sprint(i), CreatedAt: noon.Add(-time.Duration(i) * step).UnixMilli(), Size: 500,
				Campaign: fmt.Sprint(i), TemplateData: shown.JSON.Data[0].Content,
				Condition: []string{"FOLLOW_NO_PAYMENT", "PAYMENT_NO_FOLLOW", "NO_ACTIVITIES_30"}[i%3],
			}
			if i%1000 == 0 {
				g.Condition = "NO_ACTIVITIES_90"
			}
			if i%2 == 0 {
				g.Source = waybill.FromSnapshots
				snapshots = append(snapshots, waybill.Snapshot{
					Channel: page, Segment: g.ID, At: waybill.InstantOf(noon), Counts: waybill.Counts{500, 490, 400, 200, 10, 90, 90},
				})
			} else {
				e := waybill.Event{Channel: page, Message: g.ID, Status: waybill.StatusRead, At: waybill.Instant(g.CreatedAt/1000) + waybill.Instant(rand.IntN(9))}
				e.Labels.Set(waybill.LabelSegment, g.ID, waybill.RankOwn)
				events = append(events, e)
			}
			segments = append(segments, g)
		}
		if _, err := r.store.PutSegments(b.Context(), segments); err != nil {
			b.Fatal(err)
		}
		if err := r.store.PutSnapshots(b.Context(), snapshots); err != nil {
			b.Fatal(err)
		}
		if _, err := r.store.Append(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
}
