package storetest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"waybill"
	"waybill/internal/store/storetest"
)

func traffic(window int) storetest.Traffic {
	return storetest.Traffic{
		Seed: 5, Messages: 3000, Start: waybill.EarliestEvent, PerDay: 1000, Window: window,
		Channels: []waybill.ChannelState{{Number: 4, Provider: waybill.ProviderWABA}, {Number: 9, Provider: waybill.ProviderMomo}},
	}
}

func collect(tr storetest.Traffic) []waybill.Event {
	return slices.Concat(slices.Collect(tr.Batches())...)
}

func TestTrafficRepeatsItself(t *testing.T) {
	if a, b := collect(traffic(0)), collect(traffic(0)); !slices.Equal(a, b) {
		t.Errorf("the same traffic made other events")
	}
	other := traffic(0)
	other.Seed++
	if slices.Equal(collect(traffic(0)), collect(other)) {
		t.Error("another seed made the same events")
	}
}

func TestTrafficIsAllOfItsMessages(t *testing.T) {
	for _, window := range []int{0, 1, 7, 100_000} {
		t.Run(fmt.Sprintf("window of %d", window), func(t *testing.T) {
			tr := traffic(window)
			sent := make(map[waybill.Event]int)
			for _, e := range collect(tr) {
				sent[e]++
			}
			for number := range uint32(tr.Messages) {
				for _, e := range tr.Message(number) {
					if sent[e] == 0 {
						t.Fatalf("message %d: %+v was not sent", number, e)
					}
					if err := e.Validate(time.Now()); err != nil {
						t.Fatal(err)
					}
					if e.At < tr.Begin(number) {
						t.Fatalf("message %d has an event at %d, before it begins", number, e.At)
					}
				}
			}
		})
	}
}

func TestTrafficHasAllThatCanHappen(t *testing.T) {
	seen := make(map[string]int)
	last, all := make(map[string]waybill.Instant), make(map[waybill.Event]bool)
	for batch := range traffic(0).Batches() {
		seen[fmt.Sprintf("batch of one: %t", len(batch) == 1)]++
		for _, e := range batch {
			seen[fmt.Sprintf("status %d", e.Status)]++
			seen[fmt.Sprintf("channel %d", e.Channel)]++
			seen[fmt.Sprintf("inbound %t", e.Inbound)]++
			seen[fmt.Sprintf("labelled %t", e.Labels != waybill.Labels{})]++
			seen[fmt.Sprintf("repeated %t", all[e])]++
			seen[fmt.Sprintf("out of order %t", e.At < last[e.Message])]++
			seen[fmt.Sprintf("rev %d", e.Labels[waybill.LabelCampaign].Rev)]++
			last[e.Message], all[e] = max(last[e.Message], e.At), true
		}
	}
	for _, what := range []string{
		"status 0", "status 1", "status 2", "status 3", "status 4", "status 5", "status 6", "status 7",
		"channel 4", "channel 9", "inbound true", "labelled false", "labelled true", "rev 0", "rev 1", "rev 2",
		"repeated true", "repeated false", "out of order true", "batch of one: true", "batch of one: false",
	} {
		if seen[what] == 0 {
			t.Errorf("%s never occurs", what)
		}
	}
}
