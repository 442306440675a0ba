package alibaba

import (
	"fmt"
	"testing"
	"time"
)

// A question is one of the test data, with its answer.
type question struct {
	Name       string
	Key        string
	Operation  string
	Parameters map[string]any
	Data       []row
}

// want checks that c gets the answer of q.
func (q *question) want(t *testing.T, c *client) {
	t.Helper()
	got, err := c.call(q.Operation, q.Parameters, system{})
	if err != nil {
		t.Fatal(err)
	}
	if err := got.ok(); err != nil {
		t.Error(err)
	}
	if show(got.Data) != show(q.Data) {
		t.Errorf("rows are\n%s\nwant\n%s", show(got.Data), show(q.Data))
	}
}

func TestAnswers(t *testing.T) {
	w := newWaybill(t)
	temporary := w.sts(t, "1000000000000001", "acme")
	w.serve(t)
	var questions []question
	decode(t, "answers.json", &questions)
	for _, by := range ways() {
		for _, q := range questions {
			t.Run(fmt.Sprint(by, " ", q.Name), func(t *testing.T) {
				q.want(t, w.client(t, by, keyOf(q.Key)))
			})
		}
		t.Run(fmt.Sprint(by, " temporary key"), func(t *testing.T) {
			questions[0].want(t, w.client(t, by, temporary))
		})
	}
}

func TestMetricsBeginWhenTheyAreEnabled(t *testing.T) {
	w := newWaybill(t)
	keys := []key{keyOf("fresh-1"), keyOf("fresh-2"), w.sts(t, "2000000000000003", "fresh-3"), w.sts(t, "2000000000000004", "fresh-4")}
	w.start(t, "ready", "serve")
	t.Run("by", func(t *testing.T) {
		for i, k := range keys {
			by := ways()[i%2]
			t.Run(fmt.Sprintf("%v as %.7s", by, k.ID), func(t *testing.T) {
				t.Parallel()
				(&fresh{t, w, w.client(t, by, k), i + 1}).enabling()
			})
		}
	})
}

// fresh is a channel without metrics and a client of its owner.
type fresh struct {
	*testing.T
	*waybill
	*client
	number int
}

func (f *fresh) channel() string { return fmt.Sprint("cams-fresh-", f.number) }
func (f *fresh) sender() string  { return fmt.Sprint("861390000000", f.number) }

// enabling enables the channel and looks at its metrics before and after.
func (f *fresh) enabling() {
	f.post(f.T, f.event("early", "sent", time.Now().Add(-time.Hour)))
	f.wantRows("before", 0)
	f.enable(map[string]any{"CustSpaceId": f.channel()})
	f.wantRows("enabled", 0)
	now := time.Now()
	f.post(f.T,
		f.event("early", "delivered", now), f.event("early", "read", now),
		f.event("late", "sent", now), f.event("late", "delivered", now))
	f.wantRows("reported", 1)
	// An instant that moved would leave the message out.
	time.Sleep(time.Until(now.Add(2 * time.Second)))
	f.enable(nil)
	f.wantRows("enabled twice", 1)
}

func (f *fresh) event(message, status string, at time.Time) event {
	return event{f.channel(), message, status, at.UnixMilli(), f.sender(), "6281234567801", "1100", "en"}
}

func (f *fresh) enable(parameters map[string]any) {
	f.Helper()
	got, err := f.call(enable, parameters, system{})
	if err != nil {
		f.Fatal(err)
	}
	if err := got.ok(); err != nil || got.Data != nil {
		f.Errorf("answer %s: %v", show(got), err)
	}
}

// wantRows checks that both series have n rows, of one message each.
func (f *fresh) wantRows(when string, n int) {
	f.Helper()
	const day = 24 * time.Hour
	now := time.Now()
	from, to := now.Add(-2*day).UnixMilli(), now.Add(2*day).UnixMilli()
	template := map[string]any{"TemplateCode": "1100", "Start": from, "End": to}
	phone := map[string]any{"CustSpaceId": f.channel(), "Start": from, "End": to}
	for operation, parameters := range map[string]map[string]any{templateMetric: template, phoneMetric: phone} {
		got, err := f.call(operation, parameters, system{})
		if err != nil {
			f.Fatal(err)
		}
		if err := got.ok(); err != nil {
			f.Errorf("%s: %v", when, err)
		}
		if got.Data == nil || len(got.Data) != n {
			f.Errorf("%s: %s answers %s, not %d rows", when, operation, show(got), n)
			continue
		}
		for _, r := range got.Data {
			if *r.SentCount != 1 || *r.DeliveredCount != 1 || *r.End-*r.Start != day.Milliseconds() {
				f.Errorf("%s: %s counts %s", when, operation, show(r))
			}
		}
	}
}
