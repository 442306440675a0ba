package event

import (
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"waybill"
)

func TestLines(t *testing.T) {
	a, bad := line(""), line(`,"statsu":"read"`)
	for _, tt := range []struct {
		name, body string
		received   int
		rejected   []int
	}{
		{"one line", a, 1, nil},
		{"lines that end as on Windows", a + "\r\n" + a + "\r\n", 2, nil},
		{"a byte order mark", "\xef\xbb\xbf" + a, 1, nil},
		{"bad lines between blank ones", bad + "\n\n \t\n" + a + "\n" + bad, 3, []int{1, 5}},
		{"an array", "\r\n [" + a + ",\n" + a + "]\n", 2, nil},
		{"an empty array", "[]", 0, nil},
		{"bad elements", "[" + a + ",\n\n" + bad + ",17," + a + "]", 4, []int{2, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report, events := read(t, tt.body)
			var rejected []int
			for _, r := range report.Rejected {
				rejected = append(rejected, r.Line)
			}
			if report.Received != tt.received || len(events) != tt.received-len(rejected) || !slices.Equal(rejected, tt.rejected) {
				t.Errorf("%+v and %d events", report, len(events))
			}
		})
	}
}

// What others reject stands between what the format rejects, by line.
func TestReport(t *testing.T) {
	b, err := Parse([]byte(strings.Repeat(line("")+"\n{}\n", MaxRejected)), channels)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Events {
		b.Reject(len(b.Events)-1-i, errors.New("no"))
	}
	r := b.Report()
	if r.Received != 2*MaxRejected || b.Rejected() != 2*MaxRejected || r.Omitted != MaxRejected {
		t.Errorf("received %d, rejected %d, omitted %d", r.Received, b.Rejected(), r.Omitted)
	}
	for i, got := range r.Rejected {
		want := Rejection{Line: i + 1, Error: []string{"no", "channel is missing"}[i%2]}
		if got != want {
			t.Fatalf("rejection %d is %v, want %v", i, got, want)
		}
	}
}

func TestRefusedBodies(t *testing.T) {
	a := line("")
	for _, tt := range []struct {
		name, body string
		code       waybill.Code
		want       string
	}{
		{"nothing", "", waybill.Invalid, "the body is empty"},
		{"white space", " \n", waybill.Invalid, "the body is empty"},
		{"a form", "channel=first", waybill.Invalid, `the body begins with "c": events are JSON objects, one on each line, or an array of them`},
		{"half an array", "[" + a + "," + a, waybill.Invalid, "the array ends early, after element 2"},
		{"half an element", "[" + a + `,{"chan`, waybill.Invalid, "the array ends early, after element 1"},
		{"an array without commas", "[" + a + a + "]", waybill.Invalid, "the array is no JSON at byte 78, after element 1: invalid character '{' after array element (expecting ',' or ']')"},
		{"something behind an array", "[" + a + "]" + a, waybill.Invalid, "something follows the array, at byte 80"},
		{"an array that is too deep for any decoder", strings.Repeat("[", 100_000), waybill.Invalid, "the array is no JSON at byte 10000, after element 0: exceeded max depth"},
		{"too many lines", strings.Repeat("{}\n", MaxEvents+1), waybill.TooLarge, "the body has more than 100000 events"},
		{"too many elements", "[{}" + strings.Repeat(",{}", MaxEvents) + "]", waybill.TooLarge, "the body has more than 100000 events"},
		{"too many bytes", strings.Repeat("{}\n", MaxBody/3+1), waybill.TooLarge, "the body has 67108866 bytes, more than 67108864"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Parse([]byte(tt.body), channels)
			if b != nil || err == nil || waybill.CodeOf(err) != tt.code || err.Error() != tt.want {
				t.Errorf("%v, %v, want %s: %s", b, err, tt.code, tt.want)
			}
		})
	}
}

// A line that nothing can be made of must not cost more than its text.
func TestDeepLineIsCheap(t *testing.T) {
	body := []byte(strings.Repeat(`{"a":`+strings.Repeat("[", MaxLine-10)+"\n", 100))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Parse(body, channels); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > uint64(len(body)) {
		t.Errorf("%d bytes were allocated for a body of %d", spent, len(body))
	}
}

func TestEventBytes(t *testing.T) {
	if size := reflect.TypeFor[waybill.Event]().Size(); size > eventBytes || size < eventBytes*9/10 {
		t.Errorf("an event takes %d bytes, not about %d", size, eventBytes)
	}
}

func TestMaxMemory(t *testing.T) {
	for size, want := range map[int64]int64{
		0: 0, 1000: 5000, MaxBody: 2*MaxBody + MaxEvents*eventBytes, 1 << 60: 2*MaxBody + MaxEvents*eventBytes,
	} {
		if got := MaxMemory(size); got != want {
			t.Errorf("a body of %d bytes takes up to %d, want %d", size, got, want)
		}
	}
	body := []byte(strings.Repeat("{}\n", MaxEvents))
	if all := int64(len(body)) + Memory(body); all > MaxMemory(MaxBody) {
		t.Errorf("a body of small events takes %d", all)
	}
}
