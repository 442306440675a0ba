package rest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/store/storetest"
)

func benchmarkBody(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"channel":"first","message":"wamid.HBgNNjI4MTIzNDU2Nzg5MBUCABEYEj%08d","status":"delivered",`+
			`"at":"2026-11-20T10:00:00Z","sender":"8613800000000","recipient":"62812345%05d","kind":"template",`+
			`"template":"1100","language":"en","category":"MARKETING","campaign":"c-7"}`+"\n", i, i%100000)
	}
	return b.String()
}

// discard is a store that keeps the directory but no events and no segments.
type discard struct{ waybill.Store }

func (discard) Append(_ context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	changed := make([]waybill.Outcome, len(events))
	for i := range changed {
		changed[i] = waybill.Changed
	}
	return changed, nil
}

func (discard) Prepare(events waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: events.Events()}, nil
}

func (d discard) Commit(ctx context.Context, batches []waybill.Batch) {
	storetest.CommitPlain(ctx, batches, d.Append)
}

func (discard) PutSegments(_ context.Context, segments []waybill.Segment, _ ...waybill.Snapshot) ([]waybill.Segment, error) {
	return segments, nil
}

func BenchmarkPostEvents(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("%d events", n), func(b *testing.B) {
			benchmarkPost(b, discard{storetest.NewModel()}, n)
		})
	}
}

func benchmarkPost(b *testing.B, store waybill.Store, n int) {
	f := newFixture(b, store)
	body := benchmarkBody(n)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		fresh := strings.ReplaceAll(body, "wamid.", fmt.Sprintf("wamid.%d.", i))
		if w := f.post(fresh); w.Code != 200 {
			b.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}

func BenchmarkPostSegments(b *testing.B) {
	const n = 10_000
	f := newFixture(b, discard{storetest.NewModel()})
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, `{"segment":"s-%d","campaign":"c-7","size":1200,"condition":"FOLLOW_NO_PAYMENT","create_at":%d,`+
			`"template_data":"{\"title\": \"Spring %d\"}"}`+"\n", i, noonMillis+i, i)
	}
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if w := f.load(body.String()); w.Code != 200 {
			b.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/segment")
}
