package alibaba_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect/alibaba"
)

// The vendor's pages on the three operations make promises, sentence by sentence.
// Each has a row here, in the order of its page: 0 is GetChatappTemplateMetric, 1
// EnableWhatsappROIMetric and 3 GetChatappPhoneNumberMetric.
const (
	enablePage   = "https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-enablewhatsapproimetric"
	templatePage = "https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-getchatapptemplatemetric"
	phonePage    = "https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-getchatappphonenumbermetric"
)

const (
	opEnable   = "EnableWhatsappROIMetric"
	opTemplate = "GetChatappTemplateMetric"
	opPhone    = "GetChatappPhoneNumberMetric"
)

// A promise is kept by what check finds, or it is not about the server and the
// documentation says so, in the given sentence.
type promise struct {
	id, says string
	check    func(g *rig)
	docs     string
}

// busy returns a rig with metrics of both operations.
func busy(t *testing.T, settings ...func(*alibaba.Options)) *rig {
	g := newRig(t, settings...)
	g.enable()
	reply := waybill.Button{Type: "quick_reply_button", Text: "reply"}
	for i := range 10 {
		id := fmt.Sprint("m", i)
		g.record(sale(id, sent, time.Minute))
		if i < 6 {
			g.record(sale(id, delivered, 2*time.Minute))
		}
		if i < 3 {
			g.record(sale(id, read, 3*time.Minute))
		}
		for n := range 4 {
			if i < 5 {
				g.record(fact{message: id, status: clicked, after: 4 * time.Minute, button: reply, click: fmt.Sprint(n)})
			}
		}
	}
	return g
}

// keys returns the names of an object in JSON in their order, and those of the
// first object in its member Data.
func keys(t testing.TB, body string) (top, row []string) {
	t.Helper()
	read := func(text string) (names []string, data json.RawMessage) {
		d := json.NewDecoder(strings.NewReader(text))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				t.Fatal(err)
			}
			names = append(names, name.(string))
			if name == "Data" {
				data = value
			}
		}
		return names, data
	}
	top, data := read(body)
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) > 0 {
		row, _ = read(string(list[0]))
	}
	return top, row
}

// In the promises that the vendor makes of its own console and site.
const (
	noConsole  = "The pages of the vendor's own console (Channel Management, Message Sending, Template Design, WABA Management, Daily Statistics Reports, OpenAPI Explorer with its \"Try it now\") are not part of this API."
	noSending  = "Waybill sends no messages: `SendChatappMessage` and `SendChatappMassMessage` belong to the vendor's endpoint"
	errorTable = "These are all codes that are answered."
	levels     = "The access level of all three is `get`, also of `EnableWhatsappROIMetric`, although it writes."
	depends    = "No operation has condition keys of its own or depends on another action."
	checked    = "The pages of the vendor that this was checked against are of December 2025 and later."
)

func TestPromisesOfTheVendorsPages(t *testing.T) {
	text, err := os.ReadFile("../../../docs/dialects/alibaba.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := strings.Join(strings.Fields(string(text)), " ")
	for _, page := range []struct {
		url      string
		count    int
		promises []promise
	}{
		{templatePage, 42, templatePromises()},
		{enablePage, 13, enablePromises()},
		{phonePage, 29, phonePromises()},
	} {
		if len(page.promises) != page.count {
			t.Errorf("%s: %d promises, want %d", page.url, len(page.promises), page.count)
		}
		for i, p := range page.promises {
			if !strings.HasSuffix(p.id, fmt.Sprintf("-%02d", i+1)) {
				t.Errorf("%s is at place %d", p.id, i+1)
			}
			t.Run(p.id+" "+p.says, func(t *testing.T) {
				if p.check == nil && p.docs == "" {
					t.Error("nothing shows it")
				}
				if p.docs != "" && !strings.Contains(docs, strings.Join(strings.Fields(p.docs), " ")) {
					t.Errorf("the documentation does not say: %s", p.docs)
				}
				if p.check != nil {
					p.check(busy(t, func(o *alibaba.Options) { o.Limits = alibaba.Limits{} }))
				}
			})
		}
	}
}

func templatePromises() []promise {
	const op = opTemplate
	return []promise{
		{id: "0-01", says: "a series over time", check: func(g *rig) {
			g.record(sale("late", sent, 40*time.Minute))
			g.same(len(g.ask(op, fields{"Granularity": "HALF_HOUR"}).rows()), 2)
		}},
		{id: "0-02", says: "marketing templates of WhatsApp channels alone", check: func(g *rig) {
			g.record(fact{message: "u", status: sent, after: time.Minute, template: "2200", language: "en"})
			g.ask(op, fields{"TemplateCode": "2200"}).wantRows()
		}, docs: "A message counts as marketing by its own category where that is known, else by the one its template has now."},
		{id: "0-03", says: "only after Enable", check: nothingBeforeEnabling(op)},
		{id: "0-04", says: "the prose spells Enable in another way", check: proseSpellingIsHelped},
		{id: "0-05", says: "data takes a day after enabling", check: delayed(op), docs: "counted from enabling, not from the message"},
		{id: "0-06", says: "what was before is not collected", check: earlierNotCollected(op), docs: "The limit is per message, not per template"},
		{id: "0-07", says: "templates of all channels", check: func(g *rig) {
			g.record(fact{channel: "cams-c", message: "c", status: sent, after: time.Minute, template: "1100", language: "en", category: "MARKETING"})
			g.ask(op, fields{"CustSpaceId": "-"}).wantRows(day + "en 11/6/3 reply=20")
		}},
		{id: "0-08", says: "messages are sent on a page of the console", docs: noConsole},
		{id: "0-09", says: "or by the sending operations", check: sendingIsElsewhere, docs: noSending},
		{id: "0-10", says: "50 queries per second for each user", check: limitedTo(op, 50)},
		{id: "0-11", says: "beyond it calls are throttled", check: throttled(op)},
		{id: "0-12", says: "a page to try it", docs: noConsole},
		{id: "0-13", says: "a RAM action", check: actionIsChecked(op)},
		{id: "0-14", says: "access level get", check: accessLevelIsGet(op), docs: levels},
		{id: "0-15", says: "all resources", check: onlyAllResources(op)},
		{id: "0-16", says: "no condition keys, no dependent actions", docs: depends},
		{id: "0-17", says: "TemplateCode is required text", check: func(g *rig) {
			g.ask(op, fields{"TemplateCode": "-"}).wantError(400, "MissingTemplateCode")
			if a := g.ask(op, nil); !strings.Contains(a.body, `"TemplateCode":"1100"`) {
				g.t.Error(a.body)
			}
			g.ask(op, fields{"TemplateCode": "01100"}).wantError(400, "Unknown.ResourceOwnerId") // no number
		}},
		{id: "0-18", says: "the console shows the code", docs: noConsole},
		{id: "0-19", says: "Language is an optional filter", check: func(g *rig) {
			g.record(fact{message: "id", status: sent, after: time.Minute, template: "1100", language: "id"})
			g.same(len(g.ask(op, nil).rows()), 2)
			g.same(len(g.ask(op, fields{"Language": "id"}).rows()), 1)
			g.ask(op, fields{"Language": "ar_EG"}).wantRows()
		}},
		{id: "0-20", says: "IsvCode proves the ISV", check: isvProves(op)},
		{id: "0-21", says: "CustSpaceId is the channel, optional", check: spaceIsOptional(op)},
		{id: "0-22", says: "the console shows the channel's ID", docs: noConsole},
		{id: "0-23", says: "TemplateType is WHATSAPP unless said", check: func(g *rig) {
			g.same(g.ask(op, fields{"TemplateType": "WHATSAPP"}).rows(), g.ask(op, nil).rows())
			g.ask(op, fields{"TemplateType": "VIBER"}).wantError(400, "InvalidTemplateType")
		}},
		{id: "0-24", says: "Granularity, such as DAILY", check: func(g *rig) {
			g.same(g.ask(op, fields{"Granularity": "DAILY"}).rows(), g.ask(op, nil).rows())
			g.ask(op, fields{"Granularity": "HALF_HOUR"}).wantOK()
			g.ask(op, fields{"Granularity": "MONTHLY"}).wantError(400, "InvalidGranularity")
		}, docs: "absent means `DAILY`"},
		{id: "0-25", says: "Start and End are required milliseconds", check: timesAreMilliseconds(op)},
		{id: "0-26", says: "they need not be aligned", check: func(g *rig) {
			g.ask(op, fields{"Start": "1693107714687", "End": "1693407714687"}).wantRows()
			g.ask(op, fields{"Start": ms(noon.Add(59 * time.Second)), "End": ms(noon.Add(61*time.Second + 687*time.Millisecond))}).
				wantRows(day + "en 10/6/3 reply=20")
		}},
		{id: "0-27", says: "five elements", check: func(g *rig) {
			top, _ := keys(g.t, g.ask(op, nil).body)
			g.same(top, []string{"RequestId", "Code", "Message", "Data", "AccessDeniedDetail"})
		}},
		{id: "0-28", says: "eight elements in a row, whole numbers", check: func(g *rig) {
			_, row := keys(g.t, g.ask(op, nil).body)
			g.same(row, []string{"TemplateCode", "Language", "SentCount", "ReadCount", "DeliveredCount", "Cliented", "Start", "End"})
			g.ask(op, nil).wantRows(day + "en 10/6/3 reply=20")
		}},
		{id: "0-29", says: "Cliented with type, text and count", check: func(g *rig) {
			if a := g.ask(op, nil); !strings.Contains(a.body, `"Cliented":[{"Type":"quick_reply_button","ButtonContent":"reply","Count":20}]`) {
				g.t.Error(a.body)
			}
		}},
		{id: "0-30", says: "types of buttons", check: func(g *rig) {
			for i, kind := range []string{"url_button", "phone_number_button", "quick_reply_button", "unheard_of"} {
				g.record(fact{message: "m9", status: clicked, after: 4 * time.Minute, button: waybill.Button{Type: kind, Text: kind}, click: fmt.Sprint(i)})
			}
			g.ask(op, nil).wantRows(day + "en 10/7/3 phone_number_button=1 quick_reply_button=1 reply=20 url_button=1")
		}},
		{id: "0-31", says: "the number of clicks, which can exceed that of messages", check: func(g *rig) {
			g.ask(op, nil).wantRows(day + "en 10/6/3 reply=20")
		}},
		{id: "0-32", says: "bounds of a row in milliseconds", check: func(g *rig) {
			g.ask(op, fields{"Start": ms(noon), "End": ms(noon.Add(time.Hour))}).wantRows(day + "en 10/6/3 reply=20")
		}, docs: "`Start` and `End` of a row are those of the whole bucket, the end exclusive"},
		{id: "0-33", says: "Code OK", check: plainSuccess(op)},
		{id: "0-34", says: "the order of the example", check: func(g *rig) {
			top, row := keys(g.t, g.ask(op, nil).body)
			g.same(strings.Join(top, " ")+" "+strings.Join(row, " "), "RequestId Code Message Data AccessDeniedDetail "+
				"TemplateCode Language SentCount ReadCount DeliveredCount Cliented Start End")
		}},
		{id: "0-35", says: "RequestId, without the line break of the example", check: cleanRequestID(op)},
		{id: "0-36", says: "rows that start before they end, unlike the example", check: rowsRunForward(op)},
		{id: "0-37", says: "None where there is nothing to say", check: plainSuccess(op)},
		{id: "0-38", says: "Product.Unsubscript", check: unsubscribed(op)},
		{id: "0-39", says: "Ram.PermissionDeny", check: denied(op)},
		{id: "0-40", says: "System.LimitControl", check: throttled(op)},
		{id: "0-41", says: "Unknown.ResourceOwnerId", check: foreign(op)},
		{id: "0-42", says: "a list of all codes, release notes", docs: errorTable},
	}
}

func enablePromises() []promise {
	const op = opEnable
	return []promise{
		{id: "1-01", says: "switches metrics on", check: func(g *rig) {
			nothingBeforeEnabling(opPhone)(g)
			g.restart()
			g.same(len(g.call("rival", opPhone, span()).rows()), 1)
		}},
		{id: "1-02", says: "to be called before both", check: func(g *rig) {
			nothingBeforeEnabling(opTemplate)(g)
		}},
		{id: "1-03", says: "data takes a day", check: delayed(opPhone)},
		{id: "1-04", says: "what was before is not collected, also after a second call", check: func(g *rig) {
			g.clock.advance(time.Hour)
			g.ask(op, nil).wantOK()
			earlierNotCollected(opTemplate)(g)
			g.ask(opTemplate, nil).wantRows(day + "en 10/6/3 reply=20")
		}},
		{id: "1-05", says: "then both can be called", check: func(g *rig) {
			g.same([]int{len(g.ask(opTemplate, nil).rows()), len(g.ask(opPhone, nil).rows())}, []int{1, 1})
		}},
		{id: "1-06", says: "5 queries per second for each user", check: limitedTo(op, 5)},
		{id: "1-07", says: "a page to try it", docs: noConsole},
		{id: "1-08", says: "a RAM action of level get, all resources", check: func(g *rig) {
			g.call("reader", op, nil).wantError(400, "Ram.PermissionDeny") // cams:Get* is another action
			actionIsChecked(op)(g)
			g.clock.advance(time.Second)
			onlyAllResources(op)(g)
			accessLevelIsGet(op)(g)
		}, docs: levels},
		{id: "1-09", says: "IsvCode and CustSpaceId are optional", check: func(g *rig) {
			isvProves(op)(g)
			g.clock.advance(time.Second)
			spaceIsOptional(op)(g)
		}},
		{id: "1-10", says: "four elements", check: func(g *rig) {
			top, _ := keys(g.t, g.ask(op, nil).body)
			g.same(len(top), 4)
			plainSuccess(op)(g)
		}},
		{id: "1-11", says: "the order of the example, no line break", check: func(g *rig) {
			top, _ := keys(g.t, g.ask(op, nil).body)
			g.same(top, []string{"RequestId", "Code", "Message", "AccessDeniedDetail"})
			cleanRequestID(op)(g)
		}},
		{id: "1-12", says: "four errors", check: func(g *rig) {
			unsubscribed(op)(g)
			denied(op)(g)
			foreign(op)(g)
			throttled(op)(g)
		}, docs: errorTable},
		{id: "1-13", says: "POST or GET, without a body", check: func(g *rig) {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				g.send(g.acs3("boss", "boss-secret", method, nil, map[string]string{"x-acs-action": op, "x-acs-version": "2020-06-06"})).wantOK()
			}
		}},
	}
}

func phonePromises() []promise {
	const op = opPhone
	return []promise{
		{id: "3-01", says: "the page has a date", docs: checked},
		{id: "3-02", says: "what a number has sent", check: func(g *rig) {
			g.record(fact{message: "session", status: delivered, after: time.Minute}, fact{message: "utility", status: sent, after: time.Minute, template: "2200"},
				fact{message: "received", status: delivered, after: time.Minute, inbound: true})
			g.ask(op, nil).wantRows(day + "8613800000000 12/7")
		}},
		{id: "3-03", says: "the console has a daily report", docs: noConsole},
		{id: "3-04", says: "only after Enable, a day later, nothing of before", check: func(g *rig) {
			earlierNotCollected(op)(g)
			nothingBeforeEnabling(op)(g)
			delayed(op)(g)
		}},
		{id: "3-05", says: "messages must have been sent", check: func(g *rig) {
			g.record(fact{message: "failed", status: failed, after: time.Minute})
			g.ask(op, nil).wantRows(day + "8613800000000 10/6")
		}},
		{id: "3-06", says: "by the console or the sending operations", check: sendingIsElsewhere, docs: noSending},
		{id: "3-07", says: "50 queries per second for each user", check: limitedTo(op, 50)},
		{id: "3-08", says: "a page that signs", docs: noConsole},
		{id: "3-09", says: "code is made of a call", docs: noConsole},
		{id: "3-10", says: "and can be downloaded", docs: noConsole},
		{id: "3-11", says: "permission is by RAM policies", check: denied(op)},
		{id: "3-12", says: "the action stands in Action", check: actionIsChecked(op)},
		{id: "3-13", says: "access levels", check: accessLevelIsGet(op), docs: levels},
		{id: "3-14", says: "a policy with another resource is ineffective", check: onlyAllResources(op)},
		{id: "3-15", says: "all resources are written as an asterisk", check: onlyAllResources(op)},
		{id: "3-16", says: "condition keys that are common to all services", check: func(g *rig) {
			g.call("timed", op, span()).wantOK()
			g.clock.advance(time.Hour)
			g.call("timed", op, span()).wantError(400, "Ram.PermissionDeny")
			g.call("tls", op, span()).wantError(400, "Ram.PermissionDeny")
		}},
		{id: "3-17", says: "dependent actions", docs: depends},
		{id: "3-18", says: "a RAM action of level get, all resources", check: func(g *rig) {
			actionIsChecked(op)(g)
			accessLevelIsGet(op)(g)
		}, docs: depends},
		{id: "3-19", says: "IsvCode and CustSpaceId are optional", check: func(g *rig) {
			isvProves(op)(g)
			spaceIsOptional(op)(g)
		}},
		{id: "3-20", says: "Granularity DAILY or HALF_HOUR", check: func(g *rig) {
			g.ask(op, fields{"Granularity": "DAILY"}).wantRows(day + "8613800000000 10/6")
			g.ask(op, fields{"Granularity": "HALF_HOUR"}).wantRows("20T04:00-20T04:30 8613800000000 10/6")
			g.ask(op, nil).wantRows(day + "8613800000000 10/6")
		}},
		{id: "3-21", says: "Start and End are milliseconds; the example's are ends of days at UTC+8", check: func(g *rig) {
			timesAreMilliseconds(op)(g)
			end := time.Date(2026, 11, 20, 23, 59, 59, 0, time.FixedZone("", 8*60*60))
			g.record(fact{message: "at the end of the day", status: sent, after: 12*time.Hour - time.Second})
			g.ask(op, fields{"Start": ms(end.AddDate(0, 0, -25)), "End": ms(end)}).wantRows(day + "8613800000000 11/6")
		}, docs: "Days of a channel are those of its `time_zone`, `Asia/Shanghai` unless told otherwise"},
		{id: "3-22", says: "PhoneNumber is optional", check: func(g *rig) {
			g.record(fact{message: "other", status: sent, after: time.Minute, sender: "8613800000001"})
			g.ask(op, nil).wantRows(day+"8613800000000 10/6", day+"8613800000001 1/0")
			g.ask(op, fields{"PhoneNumber": "8613800000001"}).wantRows(day + "8613800000001 1/0")
		}},
		{id: "3-23", says: "the console lists the numbers", docs: noConsole},
		{id: "3-24", says: "six elements in a row, Granularity told", check: func(g *rig) {
			a := g.ask(op, nil)
			_, row := keys(g.t, a.body)
			g.same(row, []string{"DeliveredCount", "Start", "PhoneNumber", "End", "Granularity", "SentCount"})
			if !strings.Contains(a.body, `"Granularity":"DAILY"`) {
				g.t.Error(a.body)
			}
		}},
		{id: "3-25", says: "Code OK", check: plainSuccess(op)},
		{id: "3-26", says: "the order of the example", check: func(g *rig) {
			top, _ := keys(g.t, g.ask(op, nil).body)
			g.same(top, []string{"AccessDeniedDetail", "RequestId", "Message", "Data", "Code"})
		}},
		{id: "3-27", says: "without the slips of the example", check: func(g *rig) {
			cleanRequestID(op)(g)
			rowsRunForward(op)(g)
		}},
		{id: "3-28", says: "four errors", check: func(g *rig) {
			unsubscribed(op)(g)
			denied(op)(g)
			foreign(op)(g)
			throttled(op)(g)
		}},
		{id: "3-29", says: "a list of all codes, release notes", docs: errorTable},
	}
}
