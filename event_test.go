package waybill_test

import (
	"strings"
	"testing"
	"time"

	"waybill"
)

var now = time.Date(2026, 11, 20, 10, 0, 0, 500, time.UTC)

func TestEventValidate(t *testing.T) {
	long := strings.Repeat("x", waybill.MaxLabel)
	tests := []struct {
		name   string
		change func(*waybill.Event)
		want   string // what the error says; empty where there is none
	}{
		{"a plain event", func(*waybill.Event) {}, ""},
		{"labels alone", func(e *waybill.Event) { e.Status = waybill.StatusNone }, ""},
		{"the last status", func(e *waybill.Event) { e.Status = waybill.StatusClicked }, ""},
		{"an unknown status", func(e *waybill.Event) { e.Status = waybill.StatusClicked + 1 }, "status 8 is unknown"},
		{"no channel", func(e *waybill.Event) { e.Channel = 0 }, "channel is missing"},
		{"no message", func(e *waybill.Event) { e.Message = "" }, "message is missing"},
		{"no time", func(e *waybill.Event) { e.At = waybill.Never }, "at is missing"},
		{"the first second of 2015", func(e *waybill.Event) { e.At = waybill.EarliestEvent }, ""},
		{"the last second of 2014", func(e *waybill.Event) { e.At = waybill.EarliestEvent - 1 }, "at 2014-12-31T23:59:59Z is before 2015"},
		{"a time before 1970", func(e *waybill.Event) { e.At = -1 }, "at 1969-12-31T23:59:59Z is before 2015"},
		{"a day ahead", func(e *waybill.Event) { e.At = waybill.InstantOf(now.Add(24 * time.Hour)) }, ""},
		{
			"more than a day ahead", func(e *waybill.Event) { e.At = waybill.InstantOf(now.Add(24*time.Hour)) + 1 },
			"at 2026-11-21T10:00:01Z is more than a day ahead of the clock",
		},
		{"milliseconds taken for seconds", func(e *waybill.Event) { e.At = 1763632800000 }, "more than a day ahead"},
		{"the longest message ID", func(e *waybill.Event) { e.Message = strings.Repeat("x", waybill.MaxMessageID) }, ""},
		{"a longer message ID", func(e *waybill.Event) { e.Message = strings.Repeat("x", waybill.MaxMessageID+1) }, "message has 513 bytes, more than 512"},
		{"a message ID that is not UTF-8", func(e *waybill.Event) { e.Message = "a\xff" }, `message "a\xff" is not UTF-8`},
		{"a message ID with a NUL", func(e *waybill.Event) { e.Message = "a\x00" }, `message "a\x00" contains a NUL`},
		{"the longest label", func(e *waybill.Event) { e.Labels.Set(waybill.LabelTier, long, waybill.RankOwn) }, ""},
		{"a longer label", func(e *waybill.Event) { e.Labels.Set(waybill.LabelTier, long+"x", waybill.RankOwn) }, "tier has 257 bytes, more than 256"},
		{"a label with a NUL", func(e *waybill.Event) { e.Labels.Set(waybill.LabelSender, "\x00", waybill.RankOwn) }, `sender "\x00" contains a NUL`},
		{"a label that is not UTF-8", func(e *waybill.Event) { e.Labels.Set(waybill.LabelSender, "\xc0", waybill.RankOwn) }, `sender "\xc0" is not UTF-8`},
		{"the largest revision", func(e *waybill.Event) { e.Labels[0].Rev = waybill.MaxRev }, ""},
		{"a larger revision", func(e *waybill.Event) { e.Labels[0].Rev = waybill.MaxRev + 1 }, "rev 9007199254740992 is not between 0 and 9007199254740991"},
		{"a negative revision", func(e *waybill.Event) { e.Labels[9].Rev = -1 }, "rev -1 is not between 0"},
		{"a long recipient", func(e *waybill.Event) { e.Recipient = long + "x" }, "recipient has 257 bytes"},
		{"a long error code", func(e *waybill.Event) { e.Failure.Code = long + "x" }, "error.code has 257 bytes"},
		{"a long error title", func(e *waybill.Event) { e.Failure.Title = long + "x" }, "error.title has 257 bytes"},
		{"a long click", func(e *waybill.Event) { e.Click = long + "x" }, "click has 257 bytes"},
		{"a NUL in a button type", func(e *waybill.Event) { e.Button.Type = "a\x00b" }, `button.type "a\x00b" contains a NUL`},
		{"a NUL in a button text", func(e *waybill.Event) { e.Button.Text = "a\x00b" }, `button.text "a\x00b" contains a NUL`},
		{"bytes count, not letters", func(e *waybill.Event) { e.Button.Text = strings.Repeat("ü", 129) }, "button.text has 258 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := waybill.Event{Channel: 1, Message: "m", Status: waybill.StatusSent, At: waybill.InstantOf(now)}
			tt.change(&e)
			wantInvalid(t, e.Validate(now), tt.want)
		})
	}
}

// wantInvalid checks that err is Invalid and says the given words, or that it
// is nil where there are none.
func wantInvalid(t *testing.T, err error, words string) {
	t.Helper()
	switch {
	case words == "" && err != nil:
		t.Errorf("fails with %q", err)
	case words != "" && (err == nil || waybill.CodeOf(err) != waybill.Invalid || !strings.Contains(err.Error(), words)):
		t.Errorf("fails with %v, want Invalid: %q", err, words)
	}
}

func TestParseStatus(t *testing.T) {
	for name, want := range map[string]waybill.Status{
		"accepted": waybill.StatusAccepted, "sent": waybill.StatusSent, "delivered": waybill.StatusDelivered,
		"read": waybill.StatusRead, "played": waybill.StatusPlayed, "failed": waybill.StatusFailed, "clicked": waybill.StatusClicked,
	} {
		if got, ok := waybill.ParseStatus(name); !ok || got != want {
			t.Errorf("status %s is %d, %t, want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "Sent", "deleted", "none"} {
		if got, ok := waybill.ParseStatus(name); ok {
			t.Errorf("status %q is %d", name, got)
		}
	}
}

func TestHistory(t *testing.T) {
	t.Run("a failure's reason is ignored with any other status", func(t *testing.T) {
		e := failed("7", 1)
		e.Status = waybill.StatusSent
		if m := e.History(); m.Failure != (waybill.Failure{}) || m.At[waybill.Failed] != waybill.Never {
			t.Errorf("history is %+v", m)
		}
	})
	t.Run("a click is ignored with any other status", func(t *testing.T) {
		e := clicked("a", "Yes", 1)
		e.Status = waybill.StatusRead
		if m := e.History(); len(m.Clicks) != 0 {
			t.Errorf("history is %+v", m)
		}
	})
	t.Run("a click without ID gets one from its button and time", func(t *testing.T) {
		e := clicked("", "Yes", 1)
		if m := e.History(); len(m.Clicks) != 1 || m.Clicks[0].ID != waybill.ClickID(e.Button, e.At) {
			t.Errorf("history is %+v", m)
		}
	})
	t.Run("an absent label has no rank", func(t *testing.T) {
		e := labelled(waybill.StatusSent, 1, waybill.LabelTemplate, "", waybill.RankOwn, 9)
		m := e.History()
		if m.Labels != (waybill.Labels{}) {
			t.Errorf("labels are %+v", m.Labels)
		}
		known := labelled(waybill.StatusSent, 1, waybill.LabelTemplate, "t", waybill.RankDerived, 0)
		m.Merge(known.History())
		if got := m.Labels[waybill.LabelTemplate].Value; got != "t" {
			t.Errorf("template is %q after it was learnt", got)
		}
	})
}

func TestDigits(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"8613800000000":      "8613800000000",
		"+86 138-0000":       "861380000",
		"(0)1":               "01",
		"0012":               "0012",
		"tel:+1":             "1",
		"none":               "",
		"+\u00a062\u200e812": "62812",
		"٣12":                "12", // other scripts' digits are no ASCII digits
		"1\xff2":             "12",
	} {
		if got := waybill.Digits(in); got != want {
			t.Errorf("digits of %q are %q, want %q", in, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]bool{
		"": true, "a b": true, "ü": true, "a\n": false, "\x00": false, "\x7f": false, "\u0085": false, "\xff": false,
	} {
		if got := waybill.Printable(in); got != want {
			t.Errorf("printable of %q is %t, want %t", in, got, want)
		}
	}
}

// TestTextsAreCheckedToTheirLastByte puts what is not allowed, and what is, in each place
// of texts of each length around the eight bytes that are looked at at once.
func TestTextsAreCheckedToTheirLastByte(t *testing.T) {
	for length := 1; length <= 25; length++ {
		for place := range length {
			for char, valid := range map[byte]bool{0: false, 1: true, 'a': true, 0x7f: true, 0x80: false, 0xff: false} {
				text := []byte(strings.Repeat("\x01", length))
				text[place] = char
				e := waybill.Event{Channel: 1, Message: string(text), Status: waybill.StatusSent, At: waybill.EarliestEvent}
				if err := e.Validate(waybill.EarliestEvent.Time()); (err == nil) != valid {
					t.Errorf("%q: %v", text, err)
				}
			}
		}
	}
}
