package load_test

import (
	"bytes"
	"testing"

	"waybill/internal/load"
)

// FuzzInput imports any bytes in any format: it ends, and every row of it is
// recorded or rejected.
func FuzzInput(f *testing.F) {
	for _, text := range []string{
		event("a", "sent"), "[" + event("a", "sent") + "]", "channel,message,status,at\nfirst,a,sent,1763632800000\n\"x\n",
		"\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "PAR1", "{\n}", "a;b\n\"", "\xef\xbb\xbf{}",
	} {
		for format := range 5 {
			f.Add([]byte(text), byte(format))
		}
	}
	formats := []load.Format{load.Auto, load.NDJSON, load.CSV, load.Bodies, load.Parquet}
	f.Fuzz(func(t *testing.T, text []byte, n byte) {
		opt := options(t, load.Input{Name: "stream", Stream: bytes.NewReader(text)})
		opt.Format = formats[int(n)%len(formats)]
		opt.Mapping = load.Mapping{Values: map[string]string{"channel": "first"}}
		l := newLedger(t)
		opt.Sink = l
		if opt.Format == load.Bodies {
			opt.Sink = &listing{}
		}
		r, err := run(t.Context(), opt)
		if len(r.rejected) != r.Counts.Rejected || r.Counts.Rejected > r.Received || r.Changed > r.Received {
			t.Errorf("%+v with %d rejections, %v", r.Counts, len(r.rejected), err)
		}
		for _, x := range r.rejected {
			if x.Why == "" || x.Line < 1 {
				t.Errorf("rejected %+v", x)
			}
		}
	})
}
