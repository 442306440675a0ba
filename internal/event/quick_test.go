package event

import (
	"strings"
	"testing"

	"waybill"
)

// FuzzQuick compares what is read quickly with what the decoder reads: whatever
// the one takes, the other takes as the same.
func FuzzQuick(f *testing.F) {
	for _, fields := range []string{
		"", `,"rev":1`, `,"rev":01`, `,"rev":-0`, `,"rev":1.0`, `,"rev":1e2`, `,"at":1`, ` , "sender" : "+62 812"`,
		`,"error":{"code":131026,"title":"x"}`, `,"error":{"code":"a"}`, `,"error":{}`, `,"error":null`, `,"error":{"code":-1}`,
		`,"button":{"type":"b","text":"Ja, gern"}`, `,"button":{"type":"b","type":"c"}`, `,"campaign":"Frühling"`,
		",\"campaign\":\"\xff\"", ",\"campaign\":\"\x1f\"", `,"campaign":"a\u0041"`, `,"campaign":"` + strings.Repeat("ab", 60) + `"`,
		`,"status":"read"`, `,`, `,"click":"\"`, `,"kind":null`, `}`, `,"template":"12345678","language":"1234567"`,
	} {
		f.Add([]byte(line(fields)))
	}
	f.Add([]byte(`{"channel":"first","message":"m","status":"sent","at":1763632800000}`))
	f.Add([]byte(`{"channel":"first","message":"m","status":"sent","at":1763632800}`))
	f.Add([]byte(`{"channel":"first","message":"m","status":"sent","at":"2026-11-20T10:00:00.25+07:00"}`))
	form := format()
	f.Fuzz(func(t *testing.T, text []byte) {
		var q quick
		var got, want Object
		if !q.read(text, &got) {
			return
		}
		if err := form.Decode(text, &want); err != nil {
			t.Fatalf("taken, but %v", err)
		}
		if got != want {
			t.Errorf("read   %+v\ndecoded %+v", got, want)
		}
	})
}

// TestQuickly shows that ordinary events are read quickly, with and without what
// few of them have.
func TestQuickly(t *testing.T) {
	for _, text := range []string{
		strings.TrimSpace(full), line(""), line(`,"rev":12`), line(`,"campaign":"Frühling"`),
		line(`,"error":{"code":131026,"title":"Undeliverable"}`), line(`,"button":{"type":"quick_reply","text":"Yes"},"click":"c1"`),
		`{ "channel": "first", "message": "m", "status": "sent", "at": 1763632800000 }`,
	} {
		var q quick
		var w Object
		if !q.read([]byte(text), &w) {
			t.Errorf("not read quickly: %s", text)
		}
	}
}

// Events of one body share memory, and their texts are still their own.
func TestTextsOfManyEvents(t *testing.T) {
	var body strings.Builder
	for i := range 2000 {
		body.WriteString(line(`,"campaign":"` + strings.Repeat(string(rune('a'+i%26)), i%200) + `"`))
		body.WriteByte('\n')
	}
	text := []byte(body.String())
	b, err := Parse(text, channels)
	clear(text)
	if err != nil || len(b.Events) != 2000 {
		t.Fatal(err)
	}
	for i := range b.Events {
		want := strings.Repeat(string(rune('a'+i%26)), i%200)
		if got := b.Events[i].Labels[waybill.LabelCampaign].Value; got != want {
			t.Fatalf("event %d is of campaign %q, want %q", i, got, want)
		}
	}
}

// BenchmarkLine compares the two ways to read a line.
func BenchmarkLine(b *testing.B) {
	text := []byte(strings.TrimSpace(full))
	b.Run("quickly", func(b *testing.B) {
		q := quick{kept: arena{left: 1 << 30}}
		for b.Loop() {
			var w Object
			if !q.read(text, &w) {
				b.Fatal("not read quickly")
			}
		}
	})
	b.Run("decoder", func(b *testing.B) {
		f := format()
		for b.Loop() {
			var w Object
			if err := f.Decode(text, &w); err != nil {
				b.Fatal(err)
			}
		}
	})
}
