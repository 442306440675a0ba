package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkWebhook posts signed bodies of new messages to a real server from 64
// connections. The load generator shares the machine with the server. An event
// is one status; each body is durable before its answer. The baselines get the
// same bodies in the same run: see runBaseline.
func BenchmarkWebhook(b *testing.B) {
	for _, statuses := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("statuses=%d", statuses), func(b *testing.B) {
			for _, baseline := range []string{baselineBare, baselineNothing, baselineLeast, baselineLean} {
				b.Run(baseline, func(b *testing.B) { postAll(b, startBaseline(b, baseline), statuses) })
			}
			b.Run("waybill", func(b *testing.B) { postAll(b, benchServer(b), statuses) })
		})
	}
}

// BenchmarkHandle has what a webhook costs between net/http and the store, on the
// other side of which nothing is done.
func BenchmarkHandle(b *testing.B) {
	for _, statuses := range []int{1, 50} {
		b.Run(fmt.Sprintf("statuses=%d", statuses), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "data")
			apply(b, dir, killTenants)
			a, err := newApp(serveFlags{Listen: "127.0.0.1:0", LogFormat: "text"}, dataFlags{Data: dir}, console{err: io.Discard})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			ready, ended := make(chan error, 1), make(chan error, 1)
			go func() {
				ended <- a.run(ctx, func(ctx context.Context) error {
					a.useStore(leastStore{Store: a.store})
					ready <- a.ready(ctx)
					return nil
				})
			}()
			if err := <-ready; err != nil {
				b.Fatal(err)
			}
			body := []byte(webhookText(statuses))
			for i, at := range indexAll(string(body), idMark) {
				putDigits(body[at:at+len(idMark)], int64(i))
			}
			body = bytes.ReplaceAll(body, []byte(timeMark), fmt.Append(nil, killStart))
			signature := sign("app-secret-0123456789", string(body))
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodPost, webhookPath, bytes.NewReader(body))
				r.Header["Content-Type"] = []string{"application/json"}
				r.Header["X-Hub-Signature-256"] = []string{signature}
				if a.server.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatalf("answered %d %s", w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*statuses), "ns/event")
			stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkAnalytics asks a real server for 90 days of the demo.
func BenchmarkAnalytics(b *testing.B) {
	p := benchServer(b)
	client := newClient()
	for n := range 100 {
		list := make([]status, 500)
		for i := range list {
			list[i] = newStatus(fmt.Sprintf("m-%d-%d", n, i), "delivered", killStart+int64(n*500+i)*155)
		}
		if r := p.webhook(client, "7001", "app-secret-0123456789", statusBody("102290129340398", "16315551000", list...)); r.status != http.StatusOK {
			b.Fatalf("webhook: %d %s", r.status, r.body)
		}
	}
	for _, granularity := range []string{"DAY", "HALF_HOUR"} {
		b.Run(granularity, func(b *testing.B) {
			url := fmt.Sprintf("%s/102290129340398?fields=analytics.start(%d).end(%d).granularity(%s)",
				p.url, killStart, killStart+90*86400, granularity)
			for b.Loop() {
				if r := send(b, client, http.MethodGet, url, "", "Authorization", "Bearer graph-token-0123456789"); r.status != http.StatusOK {
					b.Fatalf("analytics: %d %s", r.status, r.body)
				}
			}
		})
	}
}

// yearStart is 2025-01-01.
const yearStart = 1735689600

// BenchmarkYearOfDays asks a real server for the days of a year of an account with
// 100 numbers, each of which delivered 10 messages a day. p50-ms is the median of
// the calls.
func BenchmarkYearOfDays(b *testing.B) {
	const numbers, perDay, days = 100, 10, 365
	p := benchServer(b)
	client := newClient()
	for day := range days {
		for part := range perDay * numbers / 1000 {
			p.postDay(b, client, day, part, numbers)
		}
	}
	end := yearStart + days*86400
	questions := map[string]string{
		"analytics":            fmt.Sprintf("?fields=analytics.start(%d).end(%d).granularity(DAY)", yearStart, end),
		"analytics, one phone": fmt.Sprintf("?fields=analytics.start(%d).end(%d).granularity(DAY).phone_numbers(16315551042)", yearStart, end),
		"pricing":              fmt.Sprintf("?fields=pricing_analytics.start(%d).end(%d).granularity(DAILY).dimensions(PRICING_CATEGORY,COUNTRY)", yearStart, end),
	}
	for _, name := range slices.Sorted(maps.Keys(questions)) {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				r := send(b, client, http.MethodGet, p.url+"/102290129340398"+questions[name], "", "Authorization", "Bearer graph-token-0123456789")
				took = append(took, time.Since(begun))
				if r.status != http.StatusOK || strings.Count(r.body, `"start"`) != days {
					b.Fatalf("%d %.500s", r.status, r.body)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		})
	}
}

// postDay reports a thousand messages of a day as delivered, by all numbers in
// turn.
func (p *process) postDay(b *testing.B, client *http.Client, day, part, numbers int) {
	b.Helper()
	lists := make([][]string, numbers)
	for i := range 1000 {
		number := i % numbers
		lists[number] = append(lists[number], fmt.Sprintf(`{"id":"wamid.%d.%d.%d","status":"delivered","timestamp":"%d",`+
			`"recipient_id":"16505551234","pricing":{"pricing_model":"PMP","type":"regular","category":"marketing"}}`,
			day, part, i, yearStart+day*86400+i*86))
	}
	var changes []string
	for number, list := range lists {
		changes = append(changes, fmt.Sprintf(`{"field":"messages","value":{"metadata":{"display_phone_number":"16315551%03d","phone_number_id":"1%03d"},"statuses":[%s]}}`,
			number, number, strings.Join(list, ",")))
	}
	body := `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[` + strings.Join(changes, ",") + `]}]}`
	if r := p.webhook(client, "7001", "app-secret-0123456789", body); r.status != http.StatusOK {
		b.Fatalf("webhook: %d %s", r.status, r.body)
	}
}

func benchServer(b *testing.B) *process {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "data")
	apply(b, dir, killTenants)
	return start(b, "serve", "--data", dir)
}
