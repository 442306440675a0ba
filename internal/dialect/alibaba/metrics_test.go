package alibaba_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect/alibaba"
)

const (
	sent      = waybill.StatusSent
	delivered = waybill.StatusDelivered
	read      = waybill.StatusRead
	failed    = waybill.StatusFailed
	clicked   = waybill.StatusClicked
)

// day is the row of the day of noon in Shanghai.
const day = "19T16:00-20T16:00 "

func TestParametersOfTheGetOperations(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(sale("m1", sent, time.Minute))
	const template, phone = "GetChatappTemplateMetric", "GetChatappPhoneNumberMetric"
	for _, row := range []struct {
		name   string
		action string // both where it is empty
		fields fields
		code   string // empty for OK
	}{
		{"all that is required", "", nil, ""},
		{"no TemplateCode", template, fields{"TemplateCode": "-"}, "MissingTemplateCode"},
		{"an empty TemplateCode", template, fields{"TemplateCode": ""}, "MissingTemplateCode"},
		{"a TemplateCode of nobody", template, fields{"TemplateCode": "404"}, "Unknown.ResourceOwnerId"},
		{"a TemplateCode of somebody else", template, fields{"TemplateCode": "9900"}, "Unknown.ResourceOwnerId"},
		{"a template that is not for marketing", template, fields{"TemplateCode": "2200"}, ""},
		{"a language", template, fields{"Language": "en"}, ""},
		{"an unknown language", template, fields{"Language": "tlh_KX"}, ""},
		{"TemplateType WHATSAPP", template, fields{"TemplateType": "WHATSAPP"}, ""},
		{"TemplateType VIBER", template, fields{"TemplateType": "VIBER"}, "InvalidTemplateType"},
		{"TemplateType in lower case", template, fields{"TemplateType": "whatsapp"}, "InvalidTemplateType"},
		{"Granularity DAILY", "", fields{"Granularity": "DAILY"}, ""},
		{"Granularity HALF_HOUR", "", fields{"Granularity": "HALF_HOUR"}, ""},
		{"Granularity of another vendor", "", fields{"Granularity": "MONTH"}, "InvalidGranularity"},
		{"Granularity in lower case", "", fields{"Granularity": "daily"}, "InvalidGranularity"},
		{"no Start", "", fields{"Start": "-"}, "MissingStart"},
		{"no End", "", fields{"End": "-"}, "MissingEnd"},
		{"an empty End", "", fields{"End": ""}, "MissingEnd"},
		{"a Start that is no number", "", fields{"Start": "yesterday"}, "InvalidStart"},
		{"a Start with a fraction", "", fields{"Start": "1693107714687.5"}, "InvalidStart"},
		{"a negative Start", "", fields{"Start": "-1"}, "InvalidStart"},
		{"a Start of 0", "", fields{"Start": "0"}, ""},
		{"an End that is no number", "", fields{"End": "0x10"}, "InvalidEnd"},
		{"an End beyond 64 bits", "", fields{"End": "99999999999999999999"}, "InvalidEnd"},
		{"an End in seconds", "", fields{"Start": "1693107714", "End": "1693407714"}, "InvalidEnd"},
		{"an End in microseconds", "", fields{"End": "1693407714687000"}, "InvalidEnd"},
		{"an End that is the Start", "", fields{"Start": "1693407714687", "End": "1693407714687"}, "InvalidEnd"},
		{"an End before the Start", "", fields{"Start": "1673919240001", "End": "1668138331485"}, "InvalidEnd"},
		{"a range of a millisecond", "", fields{"Start": "1693407714686", "End": "1693407714687"}, ""},
		{"a number with a plus", phone, fields{"PhoneNumber": "+8613800000000"}, ""},
		{"a number of nobody", phone, fields{"PhoneNumber": "8613800000009"}, "Unknown.ResourceOwnerId"},
		{"a number of somebody else", phone, fields{"PhoneNumber": "8613900000000"}, "Unknown.ResourceOwnerId"},
		{"a masked number", phone, fields{"PhoneNumber": "861380000****"}, "InvalidPhoneNumber"},
		{"a plus alone", phone, fields{"PhoneNumber": "+"}, "InvalidPhoneNumber"},
		{"parameters that nobody knows", "", fields{"Limit": "5", "PageIndex": "2"}, ""},
		{"names in another case", "", fields{"start": "1", "Start": "-"}, "MissingStart"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, action := range []string{template, phone} {
				if row.action != "" && row.action != action {
					continue
				}
				base := span(fields{"CustSpaceId": "cams-a"})
				if action == template {
					base = base.with(fields{"TemplateCode": "1100"})
				}
				a := g.call("boss", action, base.with(row.fields))
				a.t = t
				if row.code == "" {
					a.wantOK()
				} else {
					a.wantError(400, row.code)
				}
			}
		})
	}
}

func TestMistakesOfUnitAreNamed(t *testing.T) {
	g := newRig(t)
	mixed := g.phones(fields{"Start": "1756742399", "End": "1758902399000"})
	mixed.wantError(400, "InvalidStart")
	if want := "1756742399 milliseconds are 1970-01-21T07:59:02Z, before 2015."; !strings.Contains(mixed.body, want) {
		t.Errorf("answer %s, want %s", mixed.body, want)
	}
	g.phones(fields{"Start": "1", "End": "1758902399000"}).wantOK()
	for end, want := range map[string]string{
		"1693407714":       "1693407714 milliseconds are 1970-01-20T14:23:27Z, before 2015. The unit is milliseconds; these look like seconds.",
		"1693407714687000": "1693407714687000 milliseconds are after 2199. The unit is milliseconds.",
	} {
		if a := g.phones(fields{"Start": "0", "End": end}); !strings.Contains(a.body, "Specified parameter End is not valid. "+want) {
			t.Errorf("answer %s, want %s", a.body, want)
		}
	}
}

func TestTemplateMetricCountsMessagesOfTheTemplate(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(
		sale("m1", sent, time.Minute), sale("m2", delivered, time.Minute), sale("m3", read, time.Minute),
		sale("m3", read, time.Minute), // again
		fact{message: "m4", status: sent, after: time.Minute, template: "1100", language: "id"},
		fact{message: "m5", status: failed, after: time.Minute, template: "1100", language: "en"},
		fact{message: "u1", status: read, after: time.Minute, template: "2200", language: "en"},
		fact{message: "u2", status: read, after: time.Minute, template: "3300", language: "en"},
		fact{message: "s1", status: read, after: time.Minute},
		fact{message: "i1", status: delivered, after: time.Minute, template: "1100", language: "en", inbound: true},
		fact{channel: "cams-r", message: "m1", status: sent, after: time.Minute, template: "1100", language: "en"},
	)
	g.template(nil).wantRows(day+"en 3/2/1", day+"id 1/0/0")
	g.template(fields{"Language": "id"}).wantRows(day + "id 1/0/0")
	g.template(fields{"Language": "EN"}).wantRows()
	g.template(fields{"TemplateCode": "2200"}).wantRows()
	g.template(fields{"TemplateCode": "3300"}).wantRows(day + "en 1/1/1")
}

func TestPhoneMetricCountsWhatWasSent(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(
		sale("m1", delivered, time.Minute),
		fact{message: "u1", status: read, after: time.Minute, template: "2200", language: "en"},
		fact{message: "s1", status: sent, after: time.Minute},
		fact{message: "s2", status: sent, after: time.Minute, sender: "8613800000001"},
		fact{message: "n1", status: sent, after: time.Minute, sender: "-"},
		fact{message: "i1", status: delivered, after: time.Minute, inbound: true},
		fact{message: "f1", status: failed, after: time.Minute, sender: "8613800000002"},
		fact{channel: "cams-b", message: "n2", status: sent, after: time.Minute, sender: "-"},
	)
	// A message without a number is its only number's, if there is one.
	g.phones(nil).wantRows(day+" 1/0", day+"8613800000000 3/2", day+"8613800000001 1/0")
	g.phones(fields{"PhoneNumber": "8613800000001"}).wantRows(day + "8613800000001 1/0")
	g.phones(fields{"PhoneNumber": "8613800000002"}).wantRows() // seen in a message, none sent
	g.phones(fields{"CustSpaceId": "cams-b"}).wantRows("19T05:00-20T05:00 15550000001 1/0")
	g.phones(fields{"CustSpaceId": "cams-b", "PhoneNumber": "15550000001"}).wantRows("19T05:00-20T05:00 15550000001 1/0")
}

func TestBuckets(t *testing.T) {
	g := newRig(t)
	g.enable()
	at := func(message string, after time.Duration) fact { return sale(message, sent, after) }
	g.record(at("a", 0), at("b", 29*time.Minute), at("c", 30*time.Minute), at("d", 12*time.Hour-time.Second), at("e", 12*time.Hour),
		fact{message: "a", status: delivered, after: 50 * time.Minute})
	g.template(fields{"Granularity": "HALF_HOUR"}).wantRows(
		"20T04:00-20T04:30 en 2/0/0", "20T04:30-20T05:00 en 1/1/0", "20T15:30-20T16:00 en 1/0/0", "20T16:00-20T16:30 en 1/0/0")
	g.template(nil).wantRows("19T16:00-20T16:00 en 4/1/0", "20T16:00-21T16:00 en 1/0/0")
	if a := g.phones(fields{"Granularity": "HALF_HOUR"}); !strings.Contains(a.body, `"Granularity":"HALF_HOUR"`) {
		t.Errorf("Granularity is not told: %s", a.body)
	}

	// The range counts by quarters of an hour, start down and end up, at both
	// granularities; the bounds that are told are those of the whole bucket.
	for _, row := range []struct {
		name       string
		start, end time.Duration
		daily      string
		half       []string
	}{
		{"a millisecond takes its quarter", 0, time.Millisecond, "1", []string{"20T04:00-20T04:30 en 1/0/0"}},
		{"the end is exclusive", 0, 15 * time.Minute, "1", []string{"20T04:00-20T04:30 en 1/0/0"}},
		{"a millisecond more is the next quarter", 0, 15*time.Minute + time.Millisecond, "2", []string{"20T04:00-20T04:30 en 2/0/0"}},
		{
			"the start is rounded down", 29*time.Minute + 59*time.Second, 31 * time.Minute, "2",
			[]string{"20T04:00-20T04:30 en 1/0/0", "20T04:30-20T05:00 en 1/0/0"},
		},
	} {
		t.Run(row.name, func(*testing.T) {
			ask := fields{"Start": ms(noon.Add(row.start)), "End": ms(noon.Add(row.end))}
			g.template(ask).wantRows("19T16:00-20T16:00 en " + row.daily + "/0/0")
			g.template(ask.with(fields{"Granularity": "HALF_HOUR"})).wantRows(row.half...)
		})
	}
}

// In Lord Howe and New York the days of a clock change have other lengths.
func TestDaysOfAClockChange(t *testing.T) {
	g := newRig(t)
	g.clock.set(time.Date(2026, 10, 30, 0, 0, 0, 0, time.UTC))
	g.enable()
	g.clock.set(noon)
	for i := range 3 { // 1 November 2026 has 25 hours in New York
		c, _ := g.directory.View().Channel("cams-b")
		at := time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC).Add(time.Duration(i) * 12 * time.Hour)
		e := waybill.Event{Channel: c.Number, Message: fmt.Sprint(i), Status: sent, At: waybill.InstantOf(at)}
		if _, err := g.store.Append(t.Context(), []waybill.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	g.phones(fields{"CustSpaceId": "cams-b", "Start": ms(noon.AddDate(0, -1, 0))}).wantRows("01T04:00-02T05:00 15550000001 3/0")
}

func TestAllChannelsOfTheAccountAreMeant(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(
		sale("m1", sent, time.Minute),
		fact{channel: "cams-c", message: "m2", status: read, after: time.Minute, template: "1100", language: "en", category: "MARKETING"},
		fact{channel: "cams-b", message: "m3", status: sent, after: time.Minute, template: "1100", language: "en", sender: "15550000001"},
		fact{channel: "cams-r", message: "m4", status: sent, after: time.Minute, template: "1100", language: "en"},
	)
	all := fields{"CustSpaceId": "-"}
	// Rows with the same bounds are one; another zone has other bounds.
	g.template(all).wantRows("19T05:00-20T05:00 en 1/0/0", day+"en 2/1/1")
	g.phones(all).wantRows("19T05:00-20T05:00 15550000001 1/0", day+"8613800000000 2/1")
	g.template(all.with(fields{"Granularity": "HALF_HOUR"})).wantRows("20T04:00-20T04:30 en 3/1/1")
	g.call("rival", "GetChatappTemplateMetric", span(fields{"TemplateCode": "1100"})).wantRows() // seen, no marketing
}

func TestCategories(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(
		fact{message: "own marketing", status: sent, after: time.Minute, template: "2200", language: "en", category: "MARKETING"},
		fact{message: "own utility", status: sent, after: time.Minute, template: "1100", language: "en", category: "UTILITY"},
		fact{message: "template's", status: sent, after: time.Minute, template: "1100", language: "en"},
		fact{message: "unregistered language", status: sent, after: time.Minute, template: "1100", language: "de"},
		fact{message: "no language", status: sent, after: time.Minute, template: "1100"},
		fact{message: "only language", status: sent, after: time.Minute, template: "3300"},
		fact{message: "not registered", status: sent, after: time.Minute, template: "4400", language: "en"},
	)
	g.template(fields{"TemplateCode": "2200"}).wantRows(day + "en 1/0/0")
	g.template(nil).wantRows(day+" 1/0/0", day+"de 1/0/0", day+"en 1/0/0")
	g.template(fields{"TemplateCode": "3300"}).wantRows(day + "en 1/0/0")
	g.template(fields{"TemplateCode": "3300", "Language": "en"}).wantRows(day + "en 1/0/0")
	g.template(fields{"TemplateCode": "4400"}).wantRows()

	// The vendor puts a template into another category: what has none of its own
	// follows.
	g.clock.advance(time.Minute)
	g.push(hookA, `[{"WabaId":"1","TemplateCode":"2200","Language":"en","AuditStatus":"pass","Category":"marketing"}]`)
	g.record(fact{message: "later", status: sent, after: time.Minute, template: "2200", language: "en"})
	g.template(fields{"TemplateCode": "2200"}).wantRows(day + "en 2/0/0")
	g.clock.advance(time.Hour)
	g.push(hookA, `[{"WabaId":"1","TemplateCode":"1100","Language":"en","AuditStatus":"pass","Type":"templateCategoryUpdate","Status":"UTILITY"}]`)
	g.template(fields{"Language": "en"}).wantRows()
	g.push(hookA, `[{"WabaId":"1","TemplateCode":"4400","Language":"en","AuditStatus":"pass","Category":"MARKETING"}]`)
	g.template(fields{"TemplateCode": "4400"}).wantRows(day + "en 1/0/0")
}

func TestClicks(t *testing.T) {
	g := newRig(t)
	g.enable()
	yes, see := waybill.Button{Type: "quick_reply_button", Text: "Yes"}, waybill.Button{Type: "url_button", Text: "See"}
	click := func(message, id string, b waybill.Button, after time.Duration) fact {
		return fact{message: message, status: clicked, after: after, button: b, click: id}
	}
	g.record(sale("m1", sent, 0), sale("m2", sent, 0),
		click("m1", "1", yes, time.Minute), click("m1", "2", yes, 2*time.Minute), click("m1", "2", yes, 3*time.Minute),
		click("m2", "1", yes, 40*time.Minute), click("m2", "2", see, 40*time.Minute),
		click("m1", "3", waybill.Button{Type: "unique_url_button", Text: "See"}, time.Minute),
		click("m1", "4", waybill.Button{Type: "phone_number_button", Text: "Call"}, 13*time.Hour),
		click("m1", "5", waybill.Button{}, time.Minute),
		click("alone", "1", yes, time.Minute), // of no template
	)
	// In the bucket of the click, every click counts; what repeats Meta's unique
	// clicks does not.
	g.template(fields{"Granularity": "HALF_HOUR"}).wantRows("20T04:00-20T04:30 en 2/1/0 Yes=2", "20T04:30-20T05:00 en 0/1/0 Yes=1 See=1",
		"20T17:00-20T17:30 en 0/0/0 Call=1")
	g.template(nil).wantRows(day+"en 2/2/0 Yes=3 See=1", "20T16:00-21T16:00 en 0/0/0 Call=1")
}

func TestClicksThatNameNoMessage(t *testing.T) {
	g := newRig(t)
	g.enable()
	reply := func(id, text, payload string) string {
		return fmt.Sprintf(`{"MessageId":%q,"From":"628123456789","To":"8613800000000","Type":"REPLY","Timestamp":%s,"Message":%q}`,
			id, ms(noon.Add(time.Minute)), fmt.Sprintf(`{"text":%q,"payload":%q}`, text, payload))
	}
	g.push(hookA, "["+strings.Join([]string{
		reply("in-1", "Anything", `{"template":"1100","language":"en","campaign":"c-1"}`),
		reply("in-2", "Anything", `{"template":"2200","language":"en"}`), // not marketing
		reply("in-3", "Anything", `{"template":"3300"}`),                 // one language only
		reply("in-4", "Yes", `YES-PRESSED`),                              // of one template
		reply("in-5", "Ya", ``),
		reply("in-6", "Both", ``),   // of one template in two languages
		reply("in-7", "Help", ``),   // of several templates
		reply("in-8", "Where?", ``), // of one that is not marketing
		reply("in-9", "Who knows", ``),
		reply("in-4", "Yes", `YES-PRESSED`), // again
		reply("in-a", "See", ``),            // a URL button with that text sends no reply
	}, ",")+"]").want(200, `{"code":0,"msg":"success"}`)
	g.template(nil).wantRows(day+" 0/0/0 Both=1", day+"en 0/0/0 Anything=1 Yes=1", day+"id 0/0/0 Ya=1")
	g.template(fields{"Language": "en"}).wantRows(day + "en 0/0/0 Anything=1 Yes=1")
	g.template(fields{"TemplateCode": "3300"}).wantRows(day + "en 0/0/0 Anything=1")
	g.template(fields{"TemplateCode": "2200"}).wantRows()
	g.phones(nil).wantRows() // inbound messages are not sent
}

// The SDKs of Go drop an answer that has a number beyond 32 bits.
func TestCountsFitTheSDKs(t *testing.T) {
	for n, want := range map[int64]int32{0: 0, 7: 7, math.MaxInt32: math.MaxInt32, math.MaxInt32 + 1: math.MaxInt32, math.MaxInt64: math.MaxInt32} {
		if got := alibaba.ExportCount(n); got != want {
			t.Errorf("count(%d) = %d, want %d", n, got, want)
		}
	}
}
