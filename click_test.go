package waybill_test

import (
	"fmt"
	"strings"
	"testing"

	"waybill"
)

func TestClicks(t *testing.T) {
	tests := []struct {
		name   string
		events []waybill.Event
		want   string
	}{
		{"clicks are ordered by ID", []waybill.Event{clicked("b", "Yes", 1), clicked("a", "Yes", 2)}, "a/Yes@2 b/Yes@1"},
		{"the earliest click of an ID stays", []waybill.Event{clicked("a", "Yes", 3), clicked("a", "Yes", 1), clicked("a", "Yes", 2)}, "a/Yes@1"},
		{"the earliest time goes before the smaller button", []waybill.Event{clicked("a", "No", 3), clicked("a", "Yes", 1)}, "a/Yes@1"},
		{"at one time the smaller button stays", []waybill.Event{clicked("a", "Yes", 1), clicked("a", "No", 1)}, "a/No@1"},
		{"a click with a named button is not that without", []waybill.Event{clicked("a", "Yes", 1), clicked("a", "", 1)}, "a/@1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := joined(tt.events)
			var got []string
			for _, c := range m.Clicks {
				got = append(got, fmt.Sprintf("%s/%s@%d", c.ID, c.Button.Text, (c.At-base)/60))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("clicks are %s, want %s", s, tt.want)
			}
		})
	}
}

func TestClicksAreCutByTimeAndThenID(t *testing.T) {
	var m waybill.Message
	for i := range waybill.MaxClicks + 10 {
		e := clicked(fmt.Sprintf("id%03d", 500-i), "Yes", 100)
		m.Merge(e.History())
	}
	if n, first, last := len(m.Clicks), m.Clicks[0].ID, m.Clicks[len(m.Clicks)-1].ID; n != waybill.MaxClicks || first != "id427" || last != "id490" {
		t.Fatalf("%d clicks from %s to %s are kept, want 64 from id427 to id490", n, first, last)
	}
	cut := clicked("id491", "Yes", 100)
	m.Merge(cut.History())
	if n := len(m.Clicks); n != waybill.MaxClicks || m.Clicks[n-1].ID != "id490" {
		t.Errorf("a repeated click that was cut came back: %d clicks up to %s", n, m.Clicks[n-1].ID)
	}
	early := clicked("z", "Yes", 99)
	m.Merge(early.History())
	if n := len(m.Clicks); n != waybill.MaxClicks || m.Clicks[n-1].ID != "z" || m.Clicks[n-2].ID != "id489" {
		t.Errorf("an earlier click did not take the place of the last: %d clicks up to %s", n, m.Clicks[n-1].ID)
	}
}

func TestClickID(t *testing.T) {
	yes := waybill.Button{Type: "reply", Text: "Yes"}
	id := waybill.ClickID(yes, base)
	if id != waybill.ClickID(yes, base) {
		t.Error("one click has two IDs")
	}
	for name, other := range map[string]string{
		"another second": waybill.ClickID(yes, base+1),
		"another text":   waybill.ClickID(waybill.Button{Type: "reply", Text: "No"}, base),
		"another type":   waybill.ClickID(waybill.Button{Type: "url", Text: "Yes"}, base),
		"another cut":    waybill.ClickID(waybill.Button{Type: "replyY", Text: "es"}, base),
	} {
		if other == id {
			t.Errorf("%s has the same ID %s", name, id)
		}
	}
	if len(id) > waybill.MaxLabel {
		t.Errorf("ID %s is longer than an event may carry", id)
	}
}
