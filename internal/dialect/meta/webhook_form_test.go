package meta

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A blank is a status in which # stands for a text.
var blank = rapid.Custom(func(t *rapid.T) string {
	member := rapid.SampledFrom([]string{
		`"id":"wamid.#"`, `"status":"sent"`, `"status":"#"`, `"timestamp":"177100000#"`, `"timestamp":1771000000`, `"type":"#"`,
		`"recipient_id":"49170#"`, `"recipient_user_id":"US.#"`, `"recipient_type":"#"`, `"biz_opaque_callback_data":"#"`,
		`"errors":[{"code":1,"title":"#"}]`, `"conversation":{"id":"#","origin":{"type":"#","id":"#"}}`, `"other":"#"`,
		`"pricing":{"billable":true,"pricing_model":"PMP","type":"#","category":"marketing","tier":"#"}`, `"pricing":"#"`,
		`"pricing":{"pricing":{"type":"#"},"model":"#"}`, `"pricing.type":"#"`, `"x":{"type":"#","id":[]}`, ` "y" : { } `,
		`"":{"id":"wamid.#","status":"delivered","pricing":{"type":"#"}}`,
	})
	members := []string{`"id":"wamid.#"`, `"status":"delivered"`, `"timestamp":"177100000#"`}
	if rapid.Bool().Draw(t, "odd") {
		members = nil
	}
	members = append(members, rapid.SliceOfN(member, 0, 8).Draw(t, "members")...)
	return "{" + strings.Join(rapid.Permutation(members).Draw(t, "order"), ",") + "}"
})

// TestFormsChangeNothing reads the same with forms that are known and without.
func TestFormsChangeNothing(t *testing.T) {
	used := 0
	rapid.Check(t, func(t *rapid.T) {
		blanks := rapid.SliceOfN(blank, 1, 4).Draw(t, "blanks")
		text := rapid.SampledFrom([]string{"", "1", "7", "regular", "MARKETING", `\"`, `a\nb`, `\ud83d`, "é", "\xff", "0:750000"})
		var statuses []string
		for range rapid.IntRange(1, 40).Draw(t, "statuses") {
			s := rapid.SampledFrom(blanks).Draw(t, "blank")
			for strings.Contains(s, "#") {
				s = strings.Replace(s, "#", text.Draw(t, "text"), 1)
			}
			statuses = append(statuses, s)
		}
		body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"900100","changes":[{"field":"messages","value":{"statuses":[` +
			strings.Join(statuses, ",") + `]}}]}]}`)
		if rapid.IntRange(0, 3).Draw(t, "spoilt") == 0 {
			at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
			body[at] = rapid.SampledFrom([]byte("\"\\{}[]:,x \x01\xc3")).Draw(t, "byte")
		}
		without := decoding{forms: forms{missed: math.MinInt}}
		want := heardOf(&without, body)
		var with decoding
		for range 2 { // while forms are learnt, and once they are known
			if got := heardOf(&with, body); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s is read as\n%+v, want\n%+v", body, got, want)
			}
		}
		if len(without.forms.known) > 0 {
			t.Fatal("forms are learnt that should not be")
		}
		used += len(with.forms.known)
	})
	if used == 0 {
		t.Error("no form is ever learnt")
	}
}

// TestFormsHaveNoMembersOfOthers: what is within an object without a name says nothing,
// also where it was what the status says when the form was learnt.
func TestFormsHaveNoMembersOfOthers(t *testing.T) {
	body := func(id, within string) []byte {
		return []byte(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"statuses":[` +
			fmt.Sprintf(`{"id":%q,"status":"sent","timestamp":"1771000000","":{"id":%q}}`, id, within) + `]}}]}]}`)
	}
	var d decoding
	heardOf(&d, body("mine", "mine"))
	if len(d.forms.known) != 1 {
		t.Fatalf("%d forms are known, want 1", len(d.forms.known))
	}
	var without decoding
	if got, want := heardOf(&d, body("yours", "theirs")), heardOf(&without, body("yours", "theirs")); !reflect.DeepEqual(got, want) {
		t.Errorf("the status is read as\n%+v, want\n%+v", got, want)
	}
}

func heardOf(d *decoding, body []byte) []any {
	reports, tally, err := d.decode(body, received)
	for i := range reports {
		reports[i].raw = nil
	}
	return []any{reports, tally, fmt.Sprint(err)}
}

// TestFormsAreBounded reads statuses that all differ in their form.
func TestFormsAreBounded(t *testing.T) {
	var d decoding
	for i := range 200 {
		s := fmt.Sprintf(`{"id":"m","status":"sent","timestamp":"1771000000","x%d":%s1}`, i, strings.Repeat(" ", i/8%2*maxForm))
		body := `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"statuses":[` + s + `]}}]}]}`
		if got := heardOf(&d, []byte(body)); len(got[0].([]report)[0].events) != 1 {
			t.Fatalf("%s is read as %v", body, got)
		}
	}
	if n := len(d.forms.known); n != maxForms {
		t.Errorf("%d forms are known, want %d", n, maxForms)
	}
	for _, f := range d.forms.known {
		for _, p := range f.parts {
			if len(p.before) > maxForm {
				t.Errorf("a part has %d bytes", len(p.before))
			}
		}
		if len(f.tail) > maxForm {
			t.Errorf("a tail has %d bytes", len(f.tail))
		}
	}
}
