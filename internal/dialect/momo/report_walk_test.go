package momo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill"
)

// walk reads all pages as MoMo says: each begins before the last item of the one
// before.
func (r *rig) walk(limit int, between func()) []string {
	r.t.Helper()
	var all []string
	for cursor := int64(0); ; {
		a := r.answered(fmt.Sprintf(`{"report_time_range":"ALL","limit":%d,"target_created_at":%d}`, limit, cursor))
		if len(a.JSON.Data) == 0 {
			return all
		}
		all = append(all, ids(limit, a.JSON.Data)...)
		last := a.JSON.Data[len(a.JSON.Data)-1].CreatedAt
		if cursor != 0 && last >= cursor {
			r.t.Fatalf("the page before %d ends at %d", cursor, last)
		}
		cursor = last
		between()
	}
}

func TestWalk(t *testing.T) {
	r := newRig(t)
	all := r.putMany(1000)
	for _, limit := range []int{1, 7, 20, 100, 1000} {
		if got := r.walk(limit, func() {}); !slices.Equal(got, all) {
			t.Errorf("by %d the walk finds %d segments in another order or number", limit, len(got))
		}
	}
	if got := r.listed(fmt.Sprintf(`{"target_created_at":%d,"limit":1}`, noon.UnixMilli())); !slices.Equal(got, all[1:2]) {
		t.Errorf("before the newest one comes %v", got)
	}
	if got := r.listed(fmt.Sprintf(`{"target_created_at":%d,"limit":1}`, noon.Add(24*time.Hour).UnixMilli())); !slices.Equal(got, all[:1]) {
		t.Errorf("before tomorrow comes %v", got)
	}
}

// TestTimeToCome has a segment ahead of the clock, as an import may have.
func TestTimeToCome(t *testing.T) {
	r := newRig(t)
	r.put("ahead", -5*time.Minute)
	r.put("now", 0)
	for cursor, want := range map[time.Duration][]string{
		0: nil, time.Millisecond: {"ahead", "now"}, time.Hour: {"ahead", "now"}, 20 * 365 * 24 * time.Hour: {"ahead", "now"},
	} {
		if got := r.listed(fmt.Sprintf(`{"target_created_at":%d}`, noon.Add(cursor).UnixMilli())); !slices.Equal(got, want) {
			t.Errorf("before now and %s there is %v, want %v", cursor, got, want)
		}
	}
}

// TestWalkWhileNewOnesArrive walks over 10,000 segments while another goroutine
// makes 200 new ones: each page is read while one is made.
func TestWalkWhileNewOnesArrive(t *testing.T) {
	r := newRig(t)
	all := r.putMany(10_000)
	const arriving = 200
	arrived := make(chan error)
	page := r.number("130035")
	go func() {
		for i := range arriving {
			g := waybill.Segment{Channel: page, ID: fmt.Sprint("new", i)}
			_, err := r.store.PutSegments(t.Context(), []waybill.Segment{g})
			arrived <- err
		}
		close(arrived)
	}()
	added, ended := 0, false
	got := r.walk(47, func() {
		switch err, more := <-arrived; {
		case err != nil:
			t.Fatal(err)
		case more:
			added++
		default:
			ended = true
		}
	})
	if added != arriving || !ended {
		t.Fatalf("%d new ones arrived during the walk, want %d and a page after the last", added, arriving)
	}
	old := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return strings.HasPrefix(id, "new") })
	if !slices.Equal(old, all) {
		t.Errorf("the walk finds %d old segments, want %d in their order", len(old), len(all))
	}
	if slices.Sort(got); len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Error("the walk finds one twice")
	}
	after := r.walk(1000, func() {})
	if slices.Sort(after); len(slices.Compact(after)) != len(all)+arriving {
		t.Errorf("afterwards there are %d", len(after))
	}
}

// TestTies has three imported segments of the same millisecond at the edge of a
// page.
func TestTies(t *testing.T) {
	r := newRig(t)
	want := []string{"new", "c", "b", "a", "old"}
	for i, id := range want {
		r.put(id, []time.Duration{0, time.Hour, time.Hour, time.Hour, 2 * time.Hour}[i])
	}
	for limit := 1; limit <= 5; limit++ {
		if got := r.walk(limit, func() {}); !slices.Equal(got, want) {
			t.Errorf("by %d the walk finds %v", limit, got)
		}
	}
	if got := r.listed(`{"limit":2}`); !slices.Equal(got, want[:4]) {
		t.Errorf("the page is cut between equal times: %v", got)
	}
}
