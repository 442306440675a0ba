package traffic_test

import (
	"testing"

	"waybill"
	"waybill/bench/traffic"
)

func TestX(t *testing.T) {
	for _, n := range []int{1_000_000, 5_000_000} {
		s := traffic.Traffic{Messages: n}.Stream()
		ev := make([]waybill.Event, 10000)
		type ck struct {
			ch waybill.ChannelNumber
			l  waybill.Labels
		}
		_ = ck{}
		total := 0
		by := map[waybill.Status]int{}
		for {
			k := s.Next(ev)
			if k == 0 {
				break
			}
			total += k
			for i := range ev[:k] {
				by[ev[i].Status]++
			}
		}
		t.Log(n, total, float64(total)/float64(n), by)
		t.Log(ev[0])
	}
}

func BenchmarkStream(b *testing.B) {
	s := traffic.Traffic{Messages: 20_000_000}.Stream()
	ev := make([]waybill.Event, 10000)
	n := 0
	for b.Loop() {
		n += s.Next(ev)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
func BenchmarkAnswers(b *testing.B) {
	for b.Loop() {
		traffic.Traffic{Messages: 1_000_000}.Answers()
	}
}
