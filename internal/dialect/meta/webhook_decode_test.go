package meta

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/directory"
)

var received = waybill.InstantOf(noon)

func mustDecode(t testing.TB, body string) []report {
	t.Helper()
	reports, _, err := new(decoding).decode([]byte(body), received)
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

func TestRecipients(t *testing.T) {
	bodies, _ := readExchange(t, "testdata/webhook/recipients.txtar")
	var got []string
	for _, r := range mustDecode(t, bodies[0]) {
		for _, e := range r.events {
			got = append(got, e.Recipient)
		}
	}
	want := []string{
		"4917012345678", "84901234567", "US.13491208655302741918", "5511961234567",
		"US.ENT.1181579", "Y2FwaV9ncm91cDo", "Y2FwaV9ncm91cDo", "", "4917099999999", "BR.88",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recipients %q, want %q", got, want)
	}
}

func TestInstant(t *testing.T) {
	for text, want := range map[string]waybill.Instant{
		"1771000000": 1771000000, "1771000000.999": 1771000000, "1771000000.": 1771000000,
		"1771000000999": 1771000000, "99999999999": 99999999999, "100000000000": 100000000,
		"": 0, "0": 0, "-1": 0, "1e9": 0, "0x1": 0, "1771000000.5s": 0, " 1771000000": 0, "9223372036854775808": 0,
	} {
		if got := instant(text); got != want {
			t.Errorf("instant(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestPhone(t *testing.T) {
	for text, want := range map[string]string{
		"13125550142": "13125550142", "+1 (312) 555-01.42": "13125550142", "": "", "+": "",
		"DISPLAY_PHONE_NUMBER": "", "US.134": "", "12x": "", "123456789012345678901": "", "١٢٣": "",
	} {
		if got := phone(text); got != want {
			t.Errorf("phone(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestUpper(t *testing.T) {
	for text, want := range map[string]string{
		"marketing": "MARKETING", "authentication-international": "AUTHENTICATION_INTERNATIONAL",
		"MARKETING_LITE": "MARKETING_LITE", "tier_2": "TIER_2", "a b": "", "é": "", "": "", strings.Repeat("a", 65): "",
	} {
		if got := upper(text); got != want {
			t.Errorf("upper(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	long := strings.Repeat("é", waybill.MaxLabel)
	for text, want := range map[string]string{
		"as it is": "as it is", "a\x00b": "ab", long: long[:waybill.MaxLabel], "x" + long: ("x" + long)[:waybill.MaxLabel-1],
	} {
		if got := clip(text); got != want {
			t.Errorf("clip(%q) = %q, want %q", text, got, want)
		}
	}
}

// The time of a template's change is the vendor's, unless that can't be.
func TestTimeOfTemplates(t *testing.T) {
	for time, want := range map[string]waybill.Instant{
		`1771000000`: 1771000000, `"1771000000"`: 1771000000, `1771000000123`: 1771000000,
		`"<WEBHOOK_TRIGGER_TIMESTAMP>"`: received, `null`: received, `4771000500`: received,
	} {
		body := `{"entry":[{"changes":[{"value":{"message_template_id":5,"event":"APPROVED"},"field":"message_template_status_update"}],"id":"1","time":` + time + `}]}`
		want := directory.TemplateFact{Code: "5", Status: "APPROVED", At: want}
		if facts := mustDecode(t, body)[0].facts; len(facts) != 1 || facts[0] != want {
			t.Errorf("time %s: facts %+v, want %+v", time, facts, want)
		}
	}
}

// An entry that is kept for later is the entry as it was sent.
func TestRawEntries(t *testing.T) {
	bodies, _ := readExchange(t, "testdata/webhook/several_accounts.txtar")
	reports := mustDecode(t, bodies[0])
	for _, r := range reports {
		again := mustDecode(t, string(wrap([][]byte{r.raw})))
		if len(again) != 1 || !reflect.DeepEqual(again[0].events, r.events) || again[0].account != r.account {
			t.Errorf("entry of %q is kept as %s", r.account, r.raw)
		}
	}
}

// A fixture is the smallest part of a webhook: one status or message, with the
// metadata and contacts of its change.
type fixture struct {
	account, field string
	kind           string // "statuses" or "messages"
	item           json.RawMessage
	metadata       json.RawMessage
	contacts       json.RawMessage
}

// fixtures takes all test data apart.
func fixtures(t testing.TB) []fixture {
	t.Helper()
	files, _ := filepath.Glob("testdata/webhook/*.txtar")
	var all []fixture
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "-- body --\n") {
			var body struct {
				Entry []struct {
					ID      string
					Changes []struct {
						Field string
						Value map[string]json.RawMessage
					}
				}
			}
			part, _, _ = strings.Cut(part, countedMark)
			if json.Unmarshal([]byte(part), &body) != nil {
				continue // what is odd on purpose, and the heading
			}
			for _, e := range body.Entry {
				for _, c := range e.Changes {
					for _, kind := range []string{"statuses", "messages"} {
						var items []json.RawMessage
						_ = json.Unmarshal(c.Value[kind], &items)
						for _, item := range items {
							all = append(all, fixture{e.ID, c.Field, kind, item, c.Value["metadata"], c.Value["contacts"]})
						}
					}
				}
			}
		}
	}
	if len(all) < 80 {
		t.Fatalf("only %d fixtures", len(all))
	}
	return all
}

// body returns a webhook in which each fixture has an entry of its own.
func body(fs []fixture) string {
	var entries []string
	for _, f := range fs {
		contacts := ""
		if f.contacts != nil {
			contacts = `,"contacts":` + string(f.contacts)
		}
		entries = append(entries, fmt.Sprintf(`{"id":%q,"changes":[{"value":{"metadata":%s%s,%q:[%s]},"field":%q}]}`,
			f.account, f.metadata, contacts, f.kind, f.item, f.field))
	}
	return `{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`
}

// However the statuses and messages are ordered, repeated and spread over bodies,
// the counts are the same.
func TestCountsDoNotDependOnTheOrder(t *testing.T) {
	all := fixtures(t)
	rapid.Check(t, func(rt *rapid.T) {
		some := rapid.SliceOfNDistinct(rapid.IntRange(0, len(all)-1), 1, 30, rapid.ID[int]).Draw(rt, "fixtures")
		var once []fixture
		for _, i := range some {
			once = append(once, all[i])
		}
		repeated := append(slices.Clone(once), once[:rapid.IntRange(0, len(once)).Draw(rt, "repeated")]...)
		shuffled := rapid.Permutation(repeated).Draw(rt, "order")
		want, got := newBench(t), newBench(t)
		want.post(body(once))
		for len(shuffled) > 0 {
			n := rapid.IntRange(1, len(shuffled)).Draw(rt, "body")
			got.post(body(shuffled[:n]))
			shuffled = shuffled[n:]
		}
		if w, g := want.counted(), got.counted(); w != g {
			rt.Errorf("counted\n%s\nat once and\n%s\nin another order", w, g)
		}
	})
}

// Bodies that come at the same time do not get into each other's way.
func TestConcurrentWebhooks(t *testing.T) {
	all := fixtures(t)
	want, got := newBench(t), newBench(t)
	want.post(body(all))
	var senders sync.WaitGroup
	for i := range 8 {
		senders.Go(func() {
			for j := i; j < len(all); j += 4 { // two send the same
				w := got.do(request("/webhooks/meta/71", "lucky-old", []byte(body(all[j:j+1]))))
				if w.Code != http.StatusOK {
					t.Errorf("answered %d %s", w.Code, w.Body)
				}
			}
		})
	}
	senders.Wait()
	if w, g := want.counted(), got.counted(); w != g {
		t.Errorf("counted\n%s\none after the other and\n%s\nat once", w, g)
	}
}

// FuzzDecode: no body makes the decoder panic, decoding is deterministic, and
// whatever is decoded is valid but for the length of an ID and the time, which
// the recorder checks.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/webhook/*.txtar")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "-- body --\n") {
			part, _, _ = strings.Cut(part, countedMark)
			f.Add([]byte(part))
		}
	}
	f.Add(statusBody(2))
	used := new(decoding) // and a decoding can be used again
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		reports, counted, err := new(decoding).decode(body, received)
		again, countedAgain, errAgain := used.decode(body, received)
		used.release()
		if fmt.Sprint(err) != fmt.Sprint(errAgain) || counted != countedAgain || !reflect.DeepEqual(reports, again) {
			t.Fatal("decoding twice gives two results")
		}
		if string(body) != before {
			t.Fatal("decoding changes the body")
		}
		if err != nil {
			if waybill.CodeOf(err) != waybill.Invalid {
				t.Fatalf("error %v is not Invalid", err)
			}
			return
		}
		for _, format := range []waybill.CallbackFormat{waybill.CallbackJSON, waybill.CallbackTemplate, waybill.CallbackCampaign} {
			for _, r := range again {
				checkReport(t, &r, format)
			}
		}
	})
}

func checkReport(t *testing.T, r *report, format waybill.CallbackFormat) {
	t.Helper()
	var b batch
	b.own(r, waybill.Channel{ID: "c", Number: 1, Callback: format}, &callbackReader{tally: new(tally)})
	for _, e := range b.events {
		err := e.Validate(noon)
		if err != nil && !strings.HasPrefix(err.Error(), "at ") && !strings.HasPrefix(err.Error(), "message ") {
			t.Fatalf("event %+v: %v", e, err)
		}
	}
	if isID(r.account) {
		kept, _, err := new(decoding).decode(wrap([][]byte{r.raw}), received)
		if err != nil || len(kept) != 1 || len(kept[0].events) != len(r.events) {
			t.Fatalf("entry is kept as %q: %v", r.raw, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 1000} {
		body := statusBody(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			hook := NewWebhook(WebhookOptions{})
			for b.Loop() {
				reports, counted, err := hook.decode(body, received)
				if err != nil || len(reports[0].events) != n {
					b.Fatal(counted, err)
				}
				var batch batch
				batch.own(&reports[0], waybill.Channel{Number: 1}, &callbackReader{tally: new(tally)})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/status")
		})
	}
}

func BenchmarkSignature(b *testing.B) {
	body := statusBody(1000)
	hook := NewWebhook(WebhookOptions{})
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		hook.signed(waybill.App{Secrets: []string{"a"}}, body, [sha256.Size]byte{})
	}
}
