package momo_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/storetest"
)

// TestWebhookOfABrokenStore is not lost: whoever sent it is told to send it
// again, and it is taken once the store is well.
func TestWebhookOfABrokenStore(t *testing.T) {
	saved := savedAnswer(savedItem("1327", "SEGMENT_COMPLETE", 5))
	for _, tt := range []struct {
		name, body string
		fail       func(*broken, error)
		err        error
		after      string
	}{
		{"an activity", viewed("1697078966"), func(b *broken, err error) { b.appending = err }, errDisk, "1"},
		{"an event", tell("s", "m", "sent", 0), func(b *broken, err error) { b.appending = err }, errDisk, "1"},
		{"an answer, at its segments", saved, func(b *broken, err error) { b.putting = err }, errDisk, "1"},
		{"the same answer again, at its counts", saved, func(b *broken, err error) { b.snapping = err }, errDisk, "1"},
		{"an answer, at what is known", saved, func(b *broken, err error) { b.looking = err }, errDisk, "1"},
		{"segments for a while", saved, func(b *broken, err error) { b.putting = err }, busy(7 * time.Second), "7"},
		{"counts again, for a while", saved, func(b *broken, err error) { b.snapping = err }, busy(6100 * time.Millisecond), "7"},
		{"what is known, for a while", saved, func(b *broken, err error) { b.looking = err }, busy(2 * time.Second), "2"},
		{"nobody knows for how long", saved, func(b *broken, err error) { b.putting = err }, busy(0), "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := newBroken()
			r := newRigOn(t, store)
			if strings.Contains(tt.name, "again") {
				r.hook(tt.body)
			}
			tt.fail(store, tt.err)
			for range 2 {
				wantLater(t, r.hook(tt.body), tt.after)
			}
			tt.fail(store, nil)
			if w := r.hook(tt.body); w.Code != http.StatusOK {
				t.Errorf("once the store is well again it is answered %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestWebhookOfAClosedRecorder comes while the server stops.
func TestWebhookOfAClosedRecorder(t *testing.T) {
	r := newRig(t)
	if err := r.recorder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{viewed("1697078966"), tell("s", "m", "sent", 0)} {
		wantLater(t, r.hook(body), "1")
	}
}

// wantLater checks an answer that asks for the body again after some seconds, and
// does not say what is wrong here.
func wantLater(t *testing.T, w *httptest.ResponseRecorder, after string) {
	t.Helper()
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != after {
		t.Errorf("answered %d %s, Retry-After %q, want 503 and %q", w.Code, w.Body, w.Header().Get("Retry-After"), after)
	}
	if text := w.Body.String(); !strings.HasPrefix(text, `{"error":"`) || strings.Contains(text, "disk") || strings.Contains(text, "closed") {
		t.Errorf("answered %s", text)
	}
}

var eventsLine = regexp.MustCompile(`(?m)^waybill_events_total\{outcome="(\w+)",source="momo"\} (\d+)$`)

// outcomes returns what the metrics say became of events.
func (r *rig) outcomes() map[string]int {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	counts := make(map[string]int)
	for _, m := range eventsLine.FindAllStringSubmatch(w.Body.String(), -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			r.t.Fatal(err)
		}
		counts[m[1]] = n
	}
	return counts
}

// TestOutcomesAreCounted tells the operator of what MoMo is not told.
func TestOutcomesAreCounted(t *testing.T) {
	r := newRig(t)
	want := map[string]int{}
	step := func(name, body string, more map[string]int) {
		t.Helper()
		if w := r.hook(body); w.Code != http.StatusOK {
			t.Fatalf("%s: answered %d %s", name, w.Code, w.Body)
		}
		for outcome, n := range more {
			want[outcome] += n
		}
		if got := r.outcomes(); !maps.Equal(got, want) {
			t.Errorf("after %s the outcomes are %v, want %v", name, got, want)
		}
	}
	foreign := strings.Replace(viewed("1697078966"), "130035", "130036", 1)
	step("one activity", viewed("1697078966"), map[string]int{"received": 1, "changed": 1})
	step("the same again", viewed("1697078966"), map[string]int{"received": 1, "repeated": 1})
	step("two of another page", "["+foreign+","+foreign+"]", map[string]int{"foreign": 2})
	step("three without a time", "["+viewed("null")+","+viewed(`"x"`)+","+viewed("-1")+"]", map[string]int{"malformed": 3})
	step("one of each", "["+viewed("1697078967")+","+viewed("1697078966")+","+foreign+","+viewed("{}")+"]",
		map[string]int{"received": 2, "changed": 1, "repeated": 1, "foreign": 1, "malformed": 1})
	step("one that the recorder rejects", viewed("1893456000"), map[string]int{"received": 1, "rejected": 1})
	step("own events", strings.Join([]string{
		tell("s", "m", "sent", 0), tell("s", "m", "sent", 0), tell("s", "m", "seen", 0), tell("s", "m", "read", 400_000_000), "{",
	}, "\n"), map[string]int{"received": 3, "changed": 1, "repeated": 1, "malformed": 2, "rejected": 1})
}

// TestActivitiesHaveThePageAsSender, as the messages that a page gets.
func TestActivitiesHaveThePageAsSender(t *testing.T) {
	r := newRig(t)
	r.accepts(viewed("1697078966"))
	senders, err := r.store.Values(t.Context(), r.number("130035"), waybill.LabelSender)
	if err != nil || !slices.Equal(senders, []string{"130035"}) {
		t.Errorf("the senders are %v, %v", senders, err)
	}
}

// A watched store notes the IDs of the messages that it is told of.
type watched struct {
	waybill.Store
	messages []string
}

func (w *watched) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	for _, e := range events {
		w.messages = append(w.messages, e.Message)
	}
	return w.Store.Append(ctx, events)
}

func (*watched) Prepare(events waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: events.Events()}, nil
}

func (w *watched) Commit(ctx context.Context, batches []waybill.Batch) {
	storetest.CommitPlain(ctx, batches, w.Append)
}

// TestActivitiesOfTwoPagesDiffer posts the same to both, but for the page: who
// puts the messages of all pages together must not take two for one.
func TestActivitiesOfTwoPagesDiffer(t *testing.T) {
	store := &watched{Store: storetest.NewModel()}
	r := newRigOn(t, store)
	for range 2 {
		r.accepts(viewed("1697078966"))
		other := strings.Replace(viewed("1697078966"), "130035", "130036", 1)
		if w := r.do("POST", "/webhooks/momo/hook-other-0123456789", other, "Authorization", ""); w.Code != http.StatusOK {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	if m := store.messages; len(m) != 4 || m[0] != m[2] || m[1] != m[3] || m[0] == m[1] {
		t.Errorf("the messages are %v, want two, twice", m)
	}
}
