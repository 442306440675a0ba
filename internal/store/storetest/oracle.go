package storetest

import (
	"cmp"
	"slices"

	"waybill"
)

// evidence lists for each stage the statuses that show that a message reached
// it, its own first.
var evidence = [waybill.NumStages][]waybill.Status{
	waybill.Accepted: {
		waybill.StatusAccepted, waybill.StatusSent, waybill.StatusDelivered, waybill.StatusRead,
		waybill.StatusPlayed, waybill.StatusFailed, waybill.StatusClicked,
	},
	waybill.Sent: {
		waybill.StatusSent, waybill.StatusDelivered, waybill.StatusRead,
		waybill.StatusPlayed, waybill.StatusClicked,
	},
	waybill.Delivered: {
		waybill.StatusDelivered, waybill.StatusRead, waybill.StatusPlayed, waybill.StatusClicked,
	},
	waybill.Read:   {waybill.StatusRead, waybill.StatusPlayed},
	waybill.Failed: {waybill.StatusFailed},
}

// reports lists for each stage the statuses that report the stage itself.
var reports = [waybill.NumStages][]waybill.Status{
	waybill.Accepted:  {waybill.StatusAccepted},
	waybill.Sent:      {waybill.StatusSent},
	waybill.Delivered: {waybill.StatusDelivered},
	waybill.Read:      {waybill.StatusRead, waybill.StatusPlayed},
	waybill.Failed:    {waybill.StatusFailed},
}

// firstOf returns the earliest time of the events with one of the statuses, or
// Never.
func firstOf(events []waybill.Event, statuses []waybill.Status) waybill.Instant {
	var times []waybill.Instant
	for _, e := range events {
		if slices.Contains(statuses, e.Status) {
			times = append(times, e.At)
		}
	}
	if len(times) == 0 {
		return waybill.Never
	}
	return slices.Min(times)
}

// Join returns what a list of events of one message says of it, computed by
// looking at all of them. It shares no code with Message.Merge.
func Join(c waybill.ChannelState, events []waybill.Event) waybill.Message {
	m := waybill.Message{Failure: failure(events), Clicks: clicks(events)}
	for s := range m.At {
		m.At[s] = firstOf(events, reports[s])
	}
	for l := range m.Labels {
		m.Labels[l] = label(events, waybill.Label(l))
	}
	slices.SortFunc(m.Clicks, func(a, b waybill.Click) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range events {
		m.Inbound = m.Inbound || e.Inbound
		m.Templated = m.Templated || e.Templated
	}
	first := firstOf(events, evidence[waybill.Accepted])
	m.Collected = first != waybill.Never && c.MetricsEnabled != waybill.Never && first >= c.MetricsEnabled
	return m
}

// failure returns the reason of the earliest failure. Of several at the same
// time those with a code go first, then the smaller code and title.
func failure(events []waybill.Event) waybill.Failure {
	var failures []waybill.Event
	for _, e := range events {
		if e.Status == waybill.StatusFailed {
			failures = append(failures, e)
		}
	}
	if len(failures) == 0 {
		return waybill.Failure{}
	}
	first := slices.MinFunc(failures, func(a, b waybill.Event) int {
		return cmp.Or(
			cmp.Compare(a.At, b.At),
			compareEmptyLast(a.Failure.Code, b.Failure.Code),
			compareEmptyLast(a.Failure.Title, b.Failure.Title))
	})
	return first.Failure
}

func compareEmptyLast(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return +1
	case b == "":
		return -1
	}
	return cmp.Compare(a, b)
}

// label returns the value of l with the largest rank, revision and value.
func label(events []waybill.Event, l waybill.Label) waybill.LabelValue {
	var best waybill.LabelValue
	for _, e := range events {
		v := e.Labels[l]
		if v.Value == "" {
			continue
		}
		larger := cmp.Or(cmp.Compare(v.Rank, best.Rank), cmp.Compare(v.Rev, best.Rev), cmp.Compare(v.Value, best.Value)) > 0
		if best.Value == "" || larger {
			best = v
		}
	}
	return best
}

// clicks returns the first 64 clicks by time and ID, where of each ID only the
// smallest by time and button is kept.
func clicks(events []waybill.Event) []waybill.Click {
	byID := make(map[string]waybill.Click)
	for _, e := range events {
		if e.Status != waybill.StatusClicked {
			continue
		}
		c := waybill.Click{ID: e.Click, At: e.At, Button: e.Button}
		if c.ID == "" {
			c.ID = waybill.ClickID(e.Button, e.At)
		}
		old, ok := byID[c.ID]
		if !ok || cmp.Or(cmp.Compare(c.At, old.At),
			cmp.Compare(c.Button.Type, old.Button.Type), cmp.Compare(c.Button.Text, old.Button.Text)) < 0 {
			byID[c.ID] = c
		}
	}
	var all []waybill.Click
	for _, c := range byID {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b waybill.Click) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), 64)]
}

// Cells returns the cells in which the message with the given events counts,
// and how often. It shares no code with Message.Contributions.
func Cells(c waybill.ChannelState, events []waybill.Event) map[waybill.Cell]int64 {
	m := Join(c, events)
	tuple := waybill.Tuple{Kind: kind(m), Collected: m.Collected}
	for l := range m.Labels {
		tuple.Values[l] = m.Labels[l].Value
	}
	sent := firstOf(events, evidence[waybill.Sent])
	if sent == waybill.Never {
		sent = firstOf(events, evidence[waybill.Accepted])
	}
	cells := make(map[waybill.Cell]int64)
	count := func(metric waybill.Metric, detail waybill.Detail, at waybill.Instant) {
		cells[waybill.Cell{Tuple: tuple, Slot: waybill.Slot{
			Metric: metric, Detail: detail, Basis: waybill.ByEvent, Quarter: waybill.Quarter(at / 900),
		}}]++
		cells[waybill.Cell{Tuple: tuple, Slot: waybill.Slot{
			Metric: metric, Detail: detail, Basis: waybill.BySend, Quarter: waybill.Quarter(sent / 900),
		}}]++
	}
	for s := range evidence {
		at := firstOf(events, evidence[s])
		if at == waybill.Never || s == int(waybill.Failed) && succeeded(c.Provider, events) {
			continue
		}
		count(waybill.Metric(s), waybill.Detail{}, at)
		if s == int(waybill.Failed) && m.Failure.Code != "" {
			count(waybill.Metric(waybill.Failed), waybill.Detail{Code: m.Failure.Code}, at)
		}
	}
	countClicks(m.Clicks, count)
	return cells
}

func kind(m waybill.Message) waybill.Kind {
	if m.Inbound {
		return waybill.KindInbound
	}
	if m.Templated || m.Labels[waybill.LabelTemplate].Value != "" || m.Labels[waybill.LabelCategory].Value != "" {
		return waybill.KindTemplate
	}
	return waybill.KindSession
}

// succeeded reports whether there is evidence that outweighs any failure.
func succeeded(p waybill.Provider, events []waybill.Event) bool {
	if p == waybill.ProviderMomo {
		return firstOf(events, evidence[waybill.Sent]) != waybill.Never
	}
	return firstOf(events, evidence[waybill.Delivered]) != waybill.Never
}

func countClicks(clicks []waybill.Click, count func(waybill.Metric, waybill.Detail, waybill.Instant)) {
	first := make(map[waybill.Button]waybill.Instant)
	all := waybill.Never
	for _, c := range clicks {
		if all == waybill.Never || c.At < all {
			all = c.At
		}
		if at, ok := first[c.Button]; !ok || c.At < at {
			first[c.Button] = c.At
		}
		count(waybill.Clicks, waybill.Detail{}, c.At)
		if c.Button != (waybill.Button{}) {
			count(waybill.Clicks, waybill.Detail{Button: c.Button}, c.At)
		}
	}
	if all != waybill.Never {
		count(waybill.Clicked, waybill.Detail{}, all)
	}
	for button, at := range first {
		if button != (waybill.Button{}) {
			count(waybill.Clicked, waybill.Detail{Button: button}, at)
		}
	}
}
