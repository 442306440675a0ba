package rest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/event"
	"waybill/internal/ingest"
	"waybill/internal/store/storetest"
)

// line returns an event of the first channel with fields added or replaced.
func line(fields string) string {
	return `{"channel":"first","message":"m","status":"sent","at":"2026-11-20T10:00:00Z"` + fields + `}`
}

func TestRejectionsAreAnswered(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for _, tt := range []struct{ name, event, want string }{
		{"by the format", line(`,"statsu":"read"`), `field statsu is unknown, did you mean "status"?`},
		{"by the token", `{"channel":"second","message":"m"}`, `channel "second" is unknown`},
		{"without a channel", `{"message":"m"}`, `channel is missing`},
		{"by the recorder", line(`,"campaign":"` + strings.Repeat("c", 257) + `"`), `campaign has 257 bytes, more than 256`},
		{"by the clock", strings.Replace(sent, "11-20T10:00:00", "11-21T12:00:01", 1), `at 2026-11-21T12:00:01Z is more than a day ahead of the clock`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := f.post(line("") + "\n\n" + tt.event + "\n")
			var answer event.Report
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			want := []event.Rejection{{Line: 3, Error: tt.want}}
			if answer.Received != 2 || !slices.Equal(answer.Rejected, want) {
				t.Errorf("answered %s, want %v", w.Body, want)
			}
		})
	}
	if m := f.message(t, "first", "m"); m.Reached(waybill.Read) != waybill.Never || m.Labels != (waybill.Labels{}) {
		t.Errorf("rejected events left %+v", m)
	}
	if n := f.stored(t); n != 1 {
		t.Errorf("%d messages stored, want 1", n)
	}
}

func TestChangedIsLeftOutWhereItIsUnknown(t *testing.T) {
	f := newFixture(t, blind{storetest.NewModel()})
	wantJSON(t, f.post(sent), 200, `{"received":1,"rejected":[]}`)
}

// counted is a store that counts its commits.
type counted struct {
	waybill.Store
	commits int
}

func (c *counted) Append(ctx context.Context, events []waybill.Event) ([]waybill.Outcome, error) {
	c.commits++
	return c.Store.Append(ctx, events)
}

func (*counted) Prepare(events waybill.Checked) (waybill.Batch, error) {
	return &storetest.Plain{Events: events.Events()}, nil
}

func (c *counted) Commit(ctx context.Context, batches []waybill.Batch) {
	storetest.CommitPlain(ctx, batches, c.Append)
}

func TestLargeBodyIsRecordedInParts(t *testing.T) {
	store := &counted{Store: storetest.NewModel()}
	f := newFixture(t, store)
	const n = 2*ingest.DefaultBatchEvents + 10
	body := benchmarkBody(n) + line(`,"at":1`) + "\n" + strings.ReplaceAll(line(`,"campaign":"`+strings.Repeat("c", 257)+`"`), "sent", "read")
	w := f.post(body)
	var answer event.Report
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Changed == nil {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if *answer.Changed != n || answer.Received != n+2 || len(answer.Rejected) != 2 || answer.Rejected[1].Line != n+2 {
		t.Errorf("answered %s", w.Body)
	}
	if store.commits != 3 || f.stored(t) != n {
		t.Errorf("%d messages stored in %d commits, want %d in 3", f.stored(t), store.commits, n)
	}
}

func TestUnavailable(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	if err := f.opt.Recorder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := f.post(sent)
	wantProblem(t, w, 503, "the recorder is closed")
	if after := w.Header().Get("Retry-After"); after != "1" {
		t.Errorf("Retry-After is %q, want 1", after)
	}
}

func TestChannelsOfAToken(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	for _, tt := range []struct {
		token, channel string
		want           bool
	}{
		{"token-one", "first", true},
		{"token-one", "second", false},
		{"token-one", "shared", true},
		{"token-two", "first", false},
		{"token-two", "second", true},
		{"token-writer", "first", true},
		{"token-writer", "shared", false},
		{f.operator, "second", true},
	} {
		w := f.do("POST", "/waybill/v1/events", tt.token, strings.Replace(sent, "first", tt.channel, 1))
		if got := !strings.Contains(w.Body.String(), `"error"`); w.Code != 200 || got != tt.want {
			t.Errorf("%s at %s: answered %d %s", tt.token, tt.channel, w.Code, w.Body)
		}
	}
}

func TestEventIsStoredAsDocumented(t *testing.T) {
	f := newFixture(t, storetest.NewModel())
	w := f.post(`{"channel":"first","message":"m-1","status":"delivered","at":"2026-11-20T10:00:00.999+08:00",
 "sender":"+86 138-0000-0000","recipient":"+62 812-3456-7890","country":"sg","kind":"template",
 "template":"1100","language":"en","category":"marketing","campaign":"c-7","segment":"s-2","rev":3,
 "button":{"type":"quick_reply_button","text":"Yes"},"click":"k","error":{"code":"131026","title":"x"}}`)
	if !strings.Contains(w.Body.String(), "one object on one line") {
		t.Errorf("an event on several lines was answered %s", w.Body)
	}
	w = f.post(strings.ReplaceAll(`{"channel":"first","message":"m-1","status":"delivered","at":"2026-11-20T10:00:00.999+08:00",
 "sender":"+86 138-0000-0000","recipient":"+62 812-3456-7890","country":"sg","kind":"template",
 "template":"1100","language":"en","category":"marketing","campaign":"c-7","segment":"s-2","rev":3,
 "button":{"type":"quick_reply_button","text":"Yes"},"click":"k","error":{"code":"131026","title":"x"}}`, "\n", ""))
	wantJSON(t, w, 200, `{"received":1,"changed":1,"rejected":[]}`)
	var want waybill.Message
	want.At[waybill.Delivered] = 1795140000
	want.Templated = true
	for l, v := range map[waybill.Label]string{
		waybill.LabelSender: "8613800000000", waybill.LabelTemplate: "1100", waybill.LabelLanguage: "en",
		waybill.LabelCountry: "SG", waybill.LabelCategory: "MARKETING", waybill.LabelCampaign: "c-7",
		waybill.LabelSegment: "s-2",
	} {
		want.Labels[l] = waybill.LabelValue{Value: v, Rank: waybill.RankOwn, Rev: 3}
	}
	if got := f.message(t, "first", "m-1"); !got.Equal(&want) {
		t.Errorf("stored %+v\n  want %+v", got, want)
	}
}
