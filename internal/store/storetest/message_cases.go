package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"waybill"
)

var messageCases = []contractCase{
	{"a message went to whom its first report named", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1), event("n", waybill.StatusSent, 1, to("62811")))
		f.wantRecipient("m", "")
		f.append(event("m", waybill.StatusDelivered, 2, to("62812")), event("m", waybill.StatusRead, 3, to("62813")))
		f.append(event("n", waybill.StatusRead, 3, to("62814")))
		for range 2 {
			f.wantRecipient("m", "62812")
			f.wantRecipient("n", "62811")
			f.reopen()
		}
		if _, err := f.store.Recipient(f.Context(), chatapp, "unknown"); code(err) != waybill.NotFound {
			f.Errorf("Recipient of an unknown message fails with %v", err)
		}
	}},
	{"the messages behind a number are found, each once, in pages", func(f *fixture) {
		for i := range 25 {
			f.append(event(fmt.Sprintf("m%02d", i), waybill.StatusSent, 10*i, to(fmt.Sprint(62800+i)), with(waybill.LabelCountry, []string{"ID", "VN"}[i%2])))
		}
		q := query(waybill.Metric(waybill.Sent), between(at(50), at(195)), where(waybill.Dimension(waybill.LabelCountry), "ID"))
		for _, limit := range []int{1, 3, 7, 8, 1000} {
			q.Limit = limit
			f.wantFound(q, "m06 62806", "m08 62808", "m10 62810", "m12 62812", "m14 62814", "m16 62816", "m18 62818")
		}
	}},
	{"messages are found under a detail, and by the time of their sending", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1), event("m", waybill.StatusFailed, 40, because("7")),
			event("n", waybill.StatusSent, 20), event("n", waybill.StatusFailed, 20, because("8")),
			event("o", waybill.StatusClicked, 100, press("a", "Yes")), event("o", waybill.StatusClicked, 90, press("b", "No")))
		failed := query(waybill.Metric(waybill.Failed))
		f.wantFound(failed, "m ", "n ")
		failed.Detail = "7"
		f.wantFound(failed, "m ")
		failed.Basis, failed.From, failed.To = waybill.BySend, at(0), at(15)
		f.wantFound(failed, "m ")
		clicks := query(waybill.Clicks)
		f.wantFound(clicks, "o ")
		clicks.Detail = "reply\x00No"
		f.wantFound(clicks, "o ")
		clicks.Detail = "reply\x00Later"
		f.wantFound(clicks)
	}},
	{"a message is found with its history of today", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1, to("62811")))
		f.reopen()
		f.append(event("m", waybill.StatusRead, 50))
		f.wantFound(query(waybill.Metric(waybill.Read)), "m 62811")
		f.wantFound(query(waybill.Metric(waybill.Read), between(at(0), at(30))))
	}},
	{"whoever is erased is forgotten, and counts on", func(f *fixture) {
		f.append(event("m", waybill.StatusSent, 1, to("62811")), event("n", waybill.StatusSent, 1, to("62812")),
			event("m", waybill.StatusSent, 1, to("62811"), on(waba)))
		f.wantErased("62811", 2)
		f.append(event("m", waybill.StatusDelivered, 2, to("62811")), event("o", waybill.StatusSent, 3, to("62811")))
		for range 2 {
			f.wantRecipient("m", "")
			f.wantRecipient("n", "62812")
			f.wantRecipient("o", "62811")
			f.wantFound(query(waybill.Metric(waybill.Sent)), " ", "n 62812", "o 62811")
			f.want(total(), "accepted 4 sent 4 delivered 1")
			f.wantVerified()
			f.reopen()
		}
		f.wantErased("62811", 1)
		f.wantErased("62811", 0)
	}},
	{"a question for messages that makes no sense is refused", func(f *fixture) {
		for _, spoil := range []func(*waybill.MessageQuery){
			func(q *waybill.MessageQuery) { q.Limit = 0 },
			func(q *waybill.MessageQuery) { q.Limit = waybill.MaxMessagePage + 1 },
			func(q *waybill.MessageQuery) { q.Metric = waybill.Metric(waybill.NumMetrics) },
			func(q *waybill.MessageQuery) { q.To = q.From },
			func(q *waybill.MessageQuery) { q.After = "the end of no page" },
		} {
			q := query(waybill.Metric(waybill.Sent))
			spoil(&q)
			if _, err := f.store.Messages(f.Context(), q); code(err) != waybill.Invalid {
				f.Errorf("Messages of %+v fails with %v, want Invalid", q, err)
			}
		}
		if _, err := f.store.Erase(f.Context(), ""); code(err) != waybill.Invalid {
			f.Errorf("Erase of nobody fails with %v", err)
		}
		q := query(waybill.Metric(waybill.Sent))
		q.Channel = stranger
		f.wantFound(q)
	}},
}

func to(recipient string) eventOption {
	return func(e *waybill.Event) { e.Recipient = recipient }
}

// query asks for messages of the chatapp channel within two days of start.
func query(m waybill.Metric, options ...queryOption) waybill.MessageQuery {
	q := total(options...)
	return waybill.MessageQuery{
		Channel: chatapp, Metric: m, From: q.From, To: q.To, Where: q.Where, Collected: q.Collected, Limit: 100,
	}
}

// found returns all messages of q, page by page, by ID and recipient.
func (f *fixture) found(q waybill.MessageQuery) []waybill.FoundMessage {
	f.Helper()
	var all []waybill.FoundMessage
	for {
		page, err := f.store.Messages(f.Context(), q)
		if err != nil {
			f.Fatalf("Messages: %v", err)
		}
		if len(page.Messages) > q.Limit || page.Next != "" && len(page.Messages) < q.Limit {
			f.Errorf("a page of at most %d has %d messages, the next is at %q", q.Limit, len(page.Messages), page.Next)
		}
		all = append(all, page.Messages...)
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b waybill.FoundMessage) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	return all
}

func (f *fixture) wantFound(q waybill.MessageQuery, want ...string) {
	f.Helper()
	var got []string
	for _, m := range f.found(q) {
		got = append(got, m.ID+" "+m.Recipient)
	}
	if !slices.Equal(got, want) {
		f.Errorf("messages of %+v are %q, want %q", q, got, want)
	}
}

func (f *fixture) wantRecipient(id, want string) {
	f.Helper()
	if got, err := f.store.Recipient(f.Context(), chatapp, id); err != nil || got != want {
		f.Errorf("the recipient of %s is %q, %v, want %q", id, got, err, want)
	}
}

func (f *fixture) wantErased(recipient string, want int) {
	f.Helper()
	if n, err := f.store.Erase(f.Context(), recipient); err != nil || n != want {
		f.Errorf("Erase of %s returns %d, %v, want %d", recipient, n, err, want)
	}
}

// findMessages compares the messages behind a number with those of the model, and
// how many there are with the number.
func (h *history) findMessages(t *rapid.T) {
	of := queries.Draw(t, "query")
	q := waybill.MessageQuery{
		Channel: of.Channels[0], From: of.From, To: of.To, Basis: of.Basis, Where: of.Where,
		Collected: of.Collected, Categories: of.Categories,
		Metric: waybill.Metric(rapid.IntRange(0, waybill.NumMetrics-1).Draw(t, "metric")),
		Limit:  rapid.IntRange(1, 4).Draw(t, "limit"),
		Detail: rapid.SampledFrom([]string{"", "", "", "7", "\x00Yes"}).Draw(t, "detail"),
	}
	h.settle()
	want := (&fixture{tb: h.fixture.tb, store: h.model}).found(q)
	got := h.found(q)
	if !slices.EqualFunc(got, want, func(a, b waybill.FoundMessage) bool {
		return a.ID == b.ID && a.Recipient == b.Recipient && a.Message.Equal(&b.Message)
	}) {
		h.Errorf("messages of %+v are\n\t%+v, want\n\t%+v", q, got, want)
	}
	if q.Metric == waybill.Clicks {
		return // counts clicks, not messages
	}
	n, counted := int64(0), q.Query()
	for _, p := range h.points(counted) {
		if q.Detail == "" || p.Key[0] == q.Detail {
			n += p.Counts[q.Metric]
		}
	}
	if n != int64(len(got)) {
		h.Errorf("%d messages are found of %+v, which counts %d", len(got), q, n)
	}
}
