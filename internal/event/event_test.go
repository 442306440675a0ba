package event

import (
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/ndjson"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// channels knows the first channel.
func channels(id string) (waybill.ChannelNumber, error) {
	switch id {
	case "":
		return 0, waybill.Errorf(waybill.Invalid, "channel is missing")
	case "first":
		return 7, nil
	}
	return 0, waybill.Errorf(waybill.Invalid, "channel %s is unknown", ndjson.Cut(id))
}

// read parses a body and validates its events, as a recorder does.
func read(t *testing.T, body string) (Report, []waybill.Event) {
	t.Helper()
	b, err := Parse([]byte(body), channels)
	if err != nil {
		t.Fatal(err)
	}
	var valid []waybill.Event
	for i := range b.Events {
		if err := b.Events[i].Validate(noon); err != nil {
			b.Reject(i, err)
			continue
		}
		valid = append(valid, b.Events[i])
	}
	return b.Report(), valid
}

// line returns an event of the first channel with fields added or replaced.
func line(fields string) string {
	return `{"channel":"first","message":"m","status":"sent","at":"2026-11-20T10:00:00Z"` + fields + `}`
}

func TestRejections(t *testing.T) {
	const at, status = `"at":"2026-11-20T10:00:00Z"`, `"status":"sent"`
	ids := `"channel":"first","message":"m",`
	for _, tt := range []struct{ name, event, want string }{
		{"no channel", `{"message":"m",` + status + `,` + at + `}`, `channel is missing`},
		{"no message", `{"channel":"first",` + status + `,` + at + `}`, `message is missing`},
		{"no status", `{` + ids + at + `}`, `status is missing`},
		{"no time", `{` + ids + status + `}`, `at is missing`},
		{"null as time", `{` + ids + status + `,"at":null}`, `at is missing`},
		{"unknown channel", `{"channel":"nowhere","message":"m"}`, `channel "nowhere" is unknown`},
		{"foreign channel", `{"channel":"second","message":"m"}`, `channel "second" is unknown`},
		{"unknown status", `{` + ids + at + `,"status":"delivred"}`, `status "delivred" is unknown, did you mean "delivered"?`},
		{"strange status", `{` + ids + at + `,"status":"on its way"}`, `status "on its way" is not one of accepted, sent, delivered, read, played, failed, clicked`},
		{"mistyped field", line(`,"recepient":"62812"`), `field recepient is unknown, did you mean "recipient"?`},
		{"upper case field", line(`,"Sender":"62812"`), `field Sender is unknown, did you mean "sender"?`},
		{"strange field", line(`,"cost":5`), `field cost is unknown`},
		{"mistyped inner field", line(`,"error":{"kode":"1"}`), `field error.kode is unknown, did you mean "code"?`},
		{"field twice", line(`,"status":"read"`), `status is given twice`},
		{"escaped field twice", line(`,"\u0073tatus":"read"`), `status is given twice`},
		{"inner field twice", line(`,"error":{"code":"1","code":"2"}`), `error.code is given twice`},
		{"number for text", line(`,"sender":62812`), `sender 62812 is a number, not a string`},
		{"array for text", line(`,"sender":["62812"]`), `sender is an array, not a string`},
		{"long text for integer", line(`,"rev":"` + strings.Repeat("é", 100) + `"`), `rev "` + strings.Repeat("é", 49) + `... is a string, not an integer`},
		{"text for object", line(`,"button":"Yes"`), `button "Yes" is a string, not an object`},
		{"fraction for integer", line(`,"rev":1.5`), `rev 1.5 is not an integer`},
		{"text for integer", line(`,"rev":"1"`), `rev "1" is a string, not an integer`},
		{"negative rev", line(`,"rev":-1`), `rev -1 is not between 0 and 9007199254740991`},
		{"large rev", line(`,"rev":9007199254740992`), `rev 9007199254740992 is not between 0 and 9007199254740991`},
		{"object for error code", line(`,"error":{"code":{}}`), `error.code is an object, not a string or a number`},
		{"seconds", `{` + ids + status + `,"at":1763632800}`, `at 1763632800 looks like seconds, but must be milliseconds`},
		{"microseconds", `{` + ids + status + `,"at":1763632800000000}`, `at 1763632800000000 is too large for milliseconds`},
		{"fraction of milliseconds", `{` + ids + status + `,"at":1763632800000.5}`, `at 1763632800000.5 is not RFC 3339 or integer milliseconds`},
		{"time without zone", `{` + ids + status + `,"at":"2026-11-20T10:00:00"}`, `at "2026-11-20T10:00:00" is not RFC 3339 or integer milliseconds`},
		{"milliseconds as text", `{` + ids + status + `,"at":"1763632800000"}`, `at "1763632800000" is not RFC 3339 or integer milliseconds`},
		{"object as time", `{` + ids + status + `,"at":{}}`, `at is an object, not RFC 3339 or integer milliseconds`},
		{"the epoch", `{` + ids + status + `,"at":"1970-01-01T00:00:00Z"}`, `at 1970-01-01T00:00:00Z is before 2015`},
		{"zero", `{` + ids + status + `,"at":0}`, `at 0 is before 2015`},
		{"far ahead", `{` + ids + status + `,"at":"2026-11-21T12:00:01Z"}`, `at 2026-11-21T12:00:01Z is more than a day ahead of the clock`},
		{"long country", line(`,"country":"IDN"`), `country "IDN" is no ISO 3166-1 code of two letters`},
		{"country in digits", line(`,"country":"62"`), `country "62" is no ISO 3166-1 code of two letters`},
		{"unknown kind", line(`,"kind":"templates"`), `kind "templates" is unknown, did you mean "template"?`},
		{"session with a template", line(`,"kind":"session","template":"1100"`), `kind session contradicts template "1100"`},
		{"session with a category", line(`,"kind":"session","category":"MARKETING"`), `kind session contradicts category "MARKETING", which templates have`},
		{"long label", line(`,"campaign":"` + strings.Repeat("c", 257) + `"`), `campaign has 257 bytes, more than 256`},
		{"NUL in text", line(`,"campaign":"a\u0000"`), `campaign "a\x00" contains a NUL`},
		{"bytes that are no UTF-8", line(",\"campaign\":\"\xff\""), `the text is no JSON at byte 89: invalid UTF-8`},
		{"half a surrogate pair", line(`,"campaign":"\ud800"`), `the text is no JSON at byte 89: invalid surrogate pair ` + "`" + `\ud800"}` + "`" + ` in string`},
		{"cut off", `{"channel":"first","mess`, `the JSON ends early: an event is one object on one line`},
		{"two on a line", line("") + line(""), `the text is no JSON at byte 77: invalid character '{' after top-level value`},
		{"no object", `17`, `the event is a number, not an object`},
		{"an array on a line", `[` + line("") + `]`, `the event is an array, not an object`},
		{"too deep", line(`,"x":` + strings.Repeat("[", 16) + strings.Repeat("]", 16)), `the JSON is nested deeper than 16 at byte 96`},
		{"too long", line(`,"x":"` + strings.Repeat("x", MaxLine) + `"`), `the event has 65620 bytes, more than 65536`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := line("") + "\n\n" + tt.event + "\n"
			report, events := read(t, body)
			if report.Received != 2 || len(report.Rejected) != 1 || report.Rejected[0].Line != 3 || len(events) != 1 {
				t.Fatalf("%+v, want the third line alone rejected", report)
			}
			if got := report.Rejected[0].Error; got != tt.want {
				t.Errorf("rejected because %s\n                want %s", got, tt.want)
			}
			if events[0].Labels != (waybill.Labels{}) || events[0].Status != waybill.StatusSent {
				t.Errorf("the event on the first line became %+v", events[0])
			}
		})
	}
}

func TestNumbersAndCountries(t *testing.T) {
	for _, tt := range []struct{ name, recipient, want, country string }{
		{"digits", "6281234567890", "6281234567890", "ID"},
		{"printed as on a card", "+62 (812) 3456-7890", "6281234567890", "ID"},
		{"an ID with letters", "US.13491208655302741918", "US.13491208655302741918", ""},
		{"an ID without digits", "nobody", "nobody", ""},
		{"punctuation", "-", "-", ""},
		{"nothing", "", "", ""},
	} {
		w := Object{Message: "m", Status: "sent", At: ndjson.Time{Instant: 1, Given: true}, Recipient: tt.recipient}
		e, err := w.event()
		want := waybill.LabelValue{Value: tt.country, Rank: waybill.RankDerived}
		if tt.country == "" {
			want = waybill.LabelValue{}
		}
		if err != nil || e.Recipient != tt.want || e.Labels[waybill.LabelCountry] != want {
			t.Errorf("%s: %q of %+v, %v", tt.name, e.Recipient, e.Labels[waybill.LabelCountry], err)
		}
	}
}
