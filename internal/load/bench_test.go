package load_test

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"waybill"
	"waybill/internal/load"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// benchEvents is how many events a benchmark brings in.
const benchEvents = 1_000_000

// BenchmarkLocal compares an import of events with the store alone, which gets the
// same events in batches of 10,000, in the same run. The store keeps no IDs. As the
// machine may have other work, the time of the processors counts: cpu-ns/event.
func BenchmarkLocal(b *testing.B) {
	file := filepath.Join(b.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, asLines(), 0o600); err != nil {
		b.Fatal(err)
	}
	var append, imported cost
	var n int
	for b.Loop() {
		s := benchStore(b)
		n = 0
		for batch := range benchTraffic() {
			n += len(batch)
			append.add(func() {
				if _, err := s.Append(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			})
		}
		append.add(func() { closeStore(b, s) })
		s = benchStore(b)
		imported.add(func() {
			opt := options(b, load.Input{Name: file})
			opt.Sink, opt.Parallel = &load.Local{Store: s, Channels: benchChannels, Now: time.Now}, 4
			if err := load.Run(b.Context(), opt); err != nil {
				b.Fatal(err)
			}
			closeStore(b, s)
		})
	}
	all := float64(b.N * n)
	b.ReportMetric(float64(append.cpu)/all, "append-cpu-ns/event")
	b.ReportMetric(float64(imported.cpu)/all, "import-cpu-ns/event")
	b.ReportMetric(float64(append.wall)/float64(imported.wall), "rate-ratio")
	b.ReportMetric(float64(append.cpu)/float64(imported.cpu), "cpu-ratio")
	b.ReportMetric(all/imported.wall.Seconds(), "events/s")
}

// A cost is the time that something took, on the clock and of the processors.
type cost struct{ wall, cpu time.Duration }

func (c *cost) add(work func()) {
	begun, before := time.Now(), cpuTime()
	work()
	c.wall += time.Since(begun)
	c.cpu += cpuTime() - before
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var benchStates = []waybill.ChannelState{
	{Number: 1, Provider: waybill.ProviderChatapp, MetricsEnabled: 1704067200},
	{Number: 2, Provider: waybill.ProviderWABA},
}

func benchChannels(id string) (waybill.ChannelNumber, error) {
	return waybill.ChannelNumber(id[len(id)-1] - '0'), nil
}

// benchTraffic returns the events in batches of 10,000, all of which are reports
// of a status: a line cannot tell labels alone.
func benchTraffic() iter.Seq[[]waybill.Event] {
	return func(yield func([]waybill.Event) bool) {
		tr := storetest.Traffic{
			Messages: 1 << 30, Channels: benchStates, Start: 1704067200, PerDay: 50_000, Window: 20_000, Batch: 10_000,
		}
		left, room := benchEvents, make([]waybill.Event, 0, 10_000)
		for part := range tr.Batches() {
			for i := range part {
				if part[i].Status == waybill.StatusNone {
					continue
				}
				if room = append(room, part[i]); len(room) < cap(room) {
					continue
				}
				if left -= len(room); !yield(room) || left <= 0 {
					return
				}
				room = room[:0]
			}
		}
	}
}

func benchStore(b *testing.B) *pebble.Store {
	b.Helper()
	s, err := pebble.Open(b.TempDir(), pebble.Options{KeepNames: pebble.KeepNothing})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Configure(b.Context(), waybill.Change{Channels: benchStates}); err != nil {
		b.Fatal(err)
	}
	return s
}

func closeStore(b *testing.B, s *pebble.Store) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// asLines writes the events of benchTraffic in Waybill's own format.
func asLines() []byte {
	var out bytes.Buffer
	for events := range benchTraffic() {
		for i := range events {
			line(&out, &events[i])
		}
	}
	return out.Bytes()
}

var statusNames = [...]string{"", "accepted", "sent", "delivered", "read", "played", "failed", "clicked"}

// line writes an event as a line.
func line(out *bytes.Buffer, e *waybill.Event) {
	fmt.Fprintf(out, `{"channel":"channel-%d","message":%q,"status":%q,"at":%q,"recipient":%q`,
		e.Channel, e.Message, statusNames[e.Status], e.At.Time().Format(time.RFC3339), e.Recipient)
	rev := int64(0)
	for l, v := range e.Labels {
		if v.Value != "" && waybill.Label(l) <= waybill.LabelSegment && waybill.Label(l) != waybill.LabelCountry {
			fmt.Fprintf(out, `,%q:%q`, waybill.Label(l), v.Value)
			rev = max(rev, v.Rev)
		}
	}
	if rev > 0 {
		fmt.Fprintf(out, `,"rev":%d`, rev)
	}
	if e.Failure != (waybill.Failure{}) {
		fmt.Fprintf(out, `,"error":{"code":%q,"title":%q}`, e.Failure.Code, e.Failure.Title)
	}
	if e.Click != "" {
		fmt.Fprintf(out, `,"click":%q`, e.Click)
	}
	if e.Button != (waybill.Button{}) {
		fmt.Fprintf(out, `,"button":{"type":%q,"text":%q}`, e.Button.Type, e.Button.Text)
	}
	out.WriteString("}\n")
}

// options returns those of an import of inputs that keeps no checkpoint.
func options(t testing.TB, inputs ...load.Input) load.Options {
	t.Helper()
	c, err := load.NewCheckpoint("somewhere", inputs)
	if err != nil {
		t.Fatal(err)
	}
	return load.Options{Inputs: inputs, Checkpoint: c}
}
