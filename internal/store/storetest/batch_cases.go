package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"waybill"
)

var batchCases = []contractCase{
	{"batches that are committed together count as if appended one after the other", func(f *fixture) {
		sent := event("m", waybill.StatusSent, 2)
		got := f.commit(f.prepare(sent, sent), f.prepare(), f.prepare(sent, event("m", waybill.StatusSent, 1), event("n", waybill.StatusRead, 3)))
		for i, want := range [][]waybill.Outcome{{yes, no}, nil, {no, yes, yes}} {
			if got[i] != nil && !slices.Equal(got[i], want) {
				f.Errorf("the outcomes of batch %d are %v, want %v", i, got[i], want)
			}
		}
		f.want(total(), "accepted 2 sent 2 delivered 1 read 1")
	}},
	{"a batch that is not committed leaves nothing behind", func(f *fixture) {
		e := event("m", waybill.StatusSent, 1, revised(waybill.LabelTemplate, "left", waybill.RankOwn, 0))
		f.prepare(e).Release()
		f.wantNotFound(chatapp, "m")
		f.wantValues(chatapp, waybill.LabelTemplate)
		f.want(total())
	}},
	{"events of an unconfigured channel cannot be prepared until it is configured", func(f *fixture) {
		events := []waybill.Event{event("good", waybill.StatusSent, 1), event("m", waybill.StatusSent, 1, on(9))}
		checked, _ := waybill.Check(events, time.Now())
		if _, err := f.store.Prepare(checked); code(err) != waybill.Invalid {
			f.Errorf("Prepare fails with %v, want Invalid", err)
		}
		f.enable(9, waybill.ProviderWABA, start)
		f.commit(f.prepare(events...))
		f.want(total(channels(chatapp, 9)), "accepted 2 sent 2")
	}},
	{"a batch counts under the settings at its commit", func(f *fixture) {
		b := f.prepare(event("m", waybill.StatusSent, 10))
		f.enable(chatapp, waybill.ProviderChatapp, at(20))
		f.commit(b)
		if m, err := f.store.Message(f.Context(), chatapp, "m"); err != nil || m.Collected {
			f.Errorf("Message returns %+v, %v, want one that is not collected", m, err)
		}
		b = f.prepare(event("n", waybill.StatusSent, 10))
		f.enable(chatapp, waybill.ProviderChatapp, at(5))
		f.commit(b)
		if m, err := f.store.Message(f.Context(), chatapp, "n"); err != nil || !m.Collected {
			f.Errorf("Message returns %+v, %v, want one that is collected", m, err)
		}
	}},
	{"the events of a batch are the caller's again once it is released", func(f *fixture) {
		events := []waybill.Event{event("m", waybill.StatusClicked, 1, press("a", "Yes"), revised(waybill.LabelTemplate, "t", waybill.RankOwn, 0))}
		want := Join(f.state(chatapp), slices.Clone(events))
		f.commit(f.prepare(events...))
		clear(events)
		f.commit(f.prepare(event("other", waybill.StatusSent, 1)))
		f.wantMessage(chatapp, "m", want)
	}},
	{"a cancelled context ends a commit and keeps nothing of any batch", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.Context())
		cancel()
		batches := []waybill.Batch{f.prepare(event("m", waybill.StatusSent, 1)), f.prepare(event("n", waybill.StatusSent, 1))}
		f.store.Commit(ctx, batches)
		for _, b := range batches {
			if _, err := b.Result(); !canceled(err) {
				f.Errorf("a batch fails with %v, want context.Canceled", err)
			}
			b.Release()
		}
		f.wantNotFound(chatapp, "m")
		f.want(total())
	}},
	{"many prepare and commit at once", func(f *fixture) {
		const writers, commits = 6, 30
		each(writers, func(w int) {
			for c := range commits {
				var batches []waybill.Batch
				for b := range 1 + (w+c)%3 {
					batches = append(batches, f.prepare(
						event(fmt.Sprintf("%d-%d-%d", w, c, b), waybill.StatusSent, c),
						event(fmt.Sprintf("shared-%d", c), waybill.StatusSent, w, revised(waybill.LabelCampaign, fmt.Sprint(c), waybill.RankOwn, 0))))
				}
				f.commit(batches...)
			}
		})
		f.wantSum(total(), writers*commits*2+commits)
		f.wantVerified()
	}},
}

func (f *fixture) prepare(events ...waybill.Event) waybill.Batch {
	f.Helper()
	checked, rejected := waybill.Check(events, time.Now())
	if len(rejected) > 0 {
		f.Fatalf("invalid events: %v", rejected)
	}
	b, err := f.store.Prepare(checked)
	if err != nil {
		f.Fatalf("Prepare: %v", err)
	}
	return b
}

// commit commits and releases batches, and returns their outcomes.
func (f *fixture) commit(batches ...waybill.Batch) (all [][]waybill.Outcome) {
	f.Helper()
	f.store.Commit(f.Context(), batches)
	for _, b := range batches {
		outcomes, err := b.Result()
		if err != nil {
			f.Errorf("a batch fails with %v", err)
		}
		all = append(all, slices.Clone(outcomes))
	}
	for _, b := range batches {
		b.Release()
	}
	return all
}

// commitSome has the store commit batches together that the model appends one after
// the other, with a change of settings after they are prepared.
func (h *history) commitSome(t *rapid.T) {
	var batches []waybill.Batch
	all := rapid.SliceOfN(rapid.SliceOfN(events, 0, 5), 1, 4).Draw(t, "batches")
	for _, events := range all {
		batches = append(batches, h.prepare(events...))
	}
	if rapid.Bool().Draw(t, "change") {
		h.setMetrics(t)
	}
	for i, got := range h.commit(batches...) {
		want, err := h.model.Append(t.Context(), all[i])
		if err != nil {
			t.Fatalf("the model refuses %+v: %v", all[i], err)
		}
		if got != nil && !slices.Equal(got, want) {
			t.Errorf("the outcomes of batch %d are %v, want %v", i, got, want)
		}
		h.remember(all[i])
	}
}
