package event

import (
	"fmt"
	"strings"
	"testing"

	"waybill"
)

const full = `{"channel":"first","message":"wamid.HBgNNjI4MTIzNDU2Nzg5MBUCABEYEj00000001","status":"delivered",` +
	`"at":"2026-11-20T10:00:00Z","sender":"8613800000000","recipient":"6281234500001","kind":"template",` +
	`"template":"1100","language":"en","category":"MARKETING","campaign":"c-7"}` + "\n"

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d events", n), func(b *testing.B) {
			body := []byte(strings.Repeat(full, n))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				batch, err := Parse(body, channels)
				if err != nil || batch.Rejected() > 0 {
					b.Fatal(batch, err)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(line("")))
	f.Add([]byte(line(`,"recipient":"+1 809 555 0100","error":{"code":131026},"button":{"type":"b"},"rev":1`)))
	f.Add([]byte(`{"channel":"first","message":"m","status":"sent","at":1763632800000}`))
	f.Add([]byte(`{"at":1e400,"at":"2026-11-20T10:00:60Z"}`))
	f.Add([]byte("[{}"))
	f.Add([]byte("[" + line("") + ",\n17,{}]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Parse(body, channels)
		if err != nil {
			if code := waybill.CodeOf(err); b != nil || code != waybill.Invalid && code != waybill.TooLarge {
				t.Fatalf("%v, %v", b, err)
			}
			return
		}
		if b.Received != len(b.Events)+b.Rejected() {
			t.Errorf("of %d events %d are taken and %d rejected", b.Received, len(b.Events), b.Rejected())
		}
		for _, e := range b.Events {
			if e.Channel != 7 || e.Message == "" || e.Status == waybill.StatusNone {
				t.Errorf("taken: %+v", e)
			}
		}
		for i, r := range b.Report().Rejected {
			if r.Error == "" || len(r.Error) > 1000 || r.Line < 1 || i > 0 && r.Line <= b.Report().Rejected[i-1].Line {
				t.Errorf("rejection %+v", r)
			}
		}
	})
}
