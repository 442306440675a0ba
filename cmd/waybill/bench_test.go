package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// BenchmarkWebhook posts signed bodies of new messages to a real server from 64
// connections. The load generator shares the machine with the server. An event
// is one status; each body is durable before its answer. The baselines get the
// same bodies in the same run: see runBaseline.
func BenchmarkWebhook(b *testing.B) {
	for _, statuses := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("statuses=%d", statuses), func(b *testing.B) {
			for _, baseline := range []string{baselineBare, baselineNothing, baselineLeast} {
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

func benchServer(b *testing.B) *process {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "data")
	apply(b, dir, killTenants)
	return start(b, "serve", "--data", dir)
}
