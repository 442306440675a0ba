package rest

import (
	"context"
	"encoding/json"
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

func BenchmarkDecodeEvent(b *testing.B) {
	text := []byte(strings.TrimSpace(benchmarkBody(1)))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		w, err := decodeEvent(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.event(); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is a store that keeps the directory but no events.
type discard struct{ waybill.Store }

func (discard) Append(_ context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	changed := make([]waybill.Outcome, len(events))
	for i := range changed {
		changed[i] = waybill.Changed
	}
	return changed, nil
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

func FuzzEventLine(f *testing.F) {
	f.Add([]byte(line("")))
	f.Add([]byte(line(`,"recipient":"+1 809 555 0100","error":{"code":131026},"button":{"type":"b"},"rev":1`)))
	f.Add([]byte(`{"channel":"first","message":"m","status":"sent","at":1763632800000}`))
	f.Add([]byte(`{"at":1e400,"at":"2026-11-20T10:00:60Z"}`))
	f.Add([]byte("[{}"))
	fixture := newFixture(f, storetest.NewModel())
	f.Fuzz(func(t *testing.T, text []byte) {
		w := fixture.post(string(text))
		var answer recorded
		if w.Code == 400 || w.Code == 413 {
			return
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		if len(w.Body.Bytes()) > 1000*(1+answer.Received) {
			t.Errorf("an answer of %d bytes to %d events", w.Body.Len(), answer.Received)
		}
		if answer.Received < len(answer.Rejected) || answer.Received-len(answer.Rejected) < *answer.Changed {
			t.Errorf("%+v does not add up", answer)
		}
		for _, r := range answer.Rejected {
			if r.Error == "" || r.Line < 1 {
				t.Errorf("rejection %+v says nothing", r)
			}
		}
	})
}
