package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkRemoteImport imports events into a real server, each of a new message,
// beside the webhooks of 50 statuses that the same server takes from 64
// connections. cpu-us/event is the time of the server's processors, with-client
// that of both sides.
func BenchmarkRemoteImport(b *testing.B) {
	const events = 1_000_000
	b.Run("webhooks", func(b *testing.B) { postAll(b, benchServer(b), 50) })
	b.Run("import", func(b *testing.B) {
		file := importFile(b, events)
		var took, server, client time.Duration
		for b.Loop() {
			b.StopTimer()
			dir := filepath.Join(b.TempDir(), "data")
			apply(b, dir, killTenants)
			p := start(b, "serve", "--data", dir)
			token, err := os.ReadFile(filepath.Join(dir, adminTokenFile))
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			before, begun := p.cpu(), time.Now()
			cmd := waybillCmd("import", "--url", p.url, "--token", strings.TrimSpace(string(token)), "--checkpoint=", "--quiet", file)
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			took += time.Since(begun)
			server += p.cpu() - before
			client += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			b.StopTimer()
			p.kill()
			b.StartTimer()
		}
		all := float64(b.N * events)
		b.ReportMetric(all/took.Seconds(), "events/s")
		b.ReportMetric(float64(server.Microseconds())/all, "cpu-us/event")
		b.ReportMetric(float64((server+client).Microseconds())/all, "with-client-cpu-us/event")
	})
}

// importFile writes so many events of the channel of killTenants.
func importFile(b *testing.B, events int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "events.ndjson")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range events {
		_, err := fmt.Fprintf(w, `{"channel":"102290129340398","message":"wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJ%016dA=","status":"sent","at":%d,`+
			`"sender":"16315551000","recipient":"16505551234","kind":"template","category":"MARKETING"}`+"\n", i, (killStart+i/50%4000*450)*1000)
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}
