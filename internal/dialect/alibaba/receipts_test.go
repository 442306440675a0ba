package alibaba_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect/alibaba"
)

// receipt is one report on a message of a template, of noon.
const receipt = `[{"Status":"Delivered","StatusDescription":"ok","MsgFrameType":"template","TaskId":"t-1","From":"8613800000000","To":"628123456789",` +
	`"Timestamp":1795147200500,"OriginPhoneNumber":"8613800000000","TemplateCode":"1100","Type":"TEMPLATE","Language":"en",` +
	`"TemplateName":"sale","ConversationType":"marketing","MessageId":"r-1"}]`

// outcomes returns the counters of the dialect's events that are not 0.
func (g *rig) outcomes() map[string]string {
	g.t.Helper()
	w := httptest.NewRecorder()
	g.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	all := map[string]string{}
	pattern := regexp.MustCompile(`(?m)^waybill_events_total\{outcome="(\w+)",source="alibaba"\} (\S+)$`)
	for _, m := range pattern.FindAllStringSubmatch(string(body), -1) {
		if m[2] != "0" {
			all[m[1]] = m[2]
		}
	}
	return all
}

// message returns what is known of a message of a channel.
func (g *rig) message(channel, id string) (waybill.Message, bool) {
	g.t.Helper()
	c, _ := g.directory.View().Channel(channel)
	m, err := g.store.Message(g.t.Context(), c.Number, id)
	if err != nil && waybill.CodeOf(err) != waybill.NotFound {
		g.t.Fatal(err)
	}
	return m, err == nil
}

// describe returns the labels and stages of a message.
func describe(m waybill.Message) string {
	text := m.Kind().String()
	for l, v := range m.Labels.Values() {
		if v != "" {
			text += fmt.Sprintf(" %s=%s", waybill.Label(l), v)
		}
	}
	for s, at := range m.At {
		if at != waybill.Never {
			text += fmt.Sprintf(" %s@%s", [...]string{"accepted", "sent", "delivered", "read", "failed"}[s], at.Time().Format("15:04:05"))
		}
	}
	if m.Failure != (waybill.Failure{}) {
		text += fmt.Sprintf(" failure=%s:%s", m.Failure.Code, m.Failure.Title)
	}
	for _, c := range m.Clicks {
		text += fmt.Sprintf(" click=%s:%s:%s", c.ID, c.Button.Type, c.Button.Text)
	}
	return text
}

func TestReceiptsAreRead(t *testing.T) {
	const labels = " sender=8613800000000 template=1100 language=en country=ID category=MARKETING"
	const session = `"MsgFrameType":"message","From":"8613800000000","To":"628123456789","Timestamp":1795147200000,"MessageId":"r-1"`
	for _, row := range []struct {
		name, body, want string // "" if it is not recorded
	}{
		{"a template message", receipt, "template" + labels + " delivered@04:00:00"},
		{"one report without an array", receipt[1 : len(receipt)-1], "template" + labels + " delivered@04:00:00"},
		{"a mark of the byte order", "\xef\xbb\xbf" + receipt, "template" + labels + " delivered@04:00:00"},
		{"blanks after names", strings.NewReplacer(`"Timestamp"`, `"Timestamp "`, `"MessageId"`, `" MessageId  "`).Replace(receipt), "template" + labels + " delivered@04:00:00"},
		{"numbers with a plus", strings.NewReplacer(`"8613800000000"`, `"+8613800000000"`, `"628`, `"+628`).Replace(receipt), "template" + labels + " delivered@04:00:00"},
		{"numbers that are numbers", strings.NewReplacer(`"8613800000000"`, `8613800000000`, `"1100"`, `1100`).Replace(receipt), "template" + labels + " delivered@04:00:00"},
		{"a time that is text", strings.Replace(receipt, `1795147200500`, `"1795147200500"`, 1), "template" + labels + " delivered@04:00:00"},
		{"a time with an exponent", strings.Replace(receipt, `1795147200500`, `1.7951472005E12`, 1), "template" + labels + " delivered@04:00:00"},
		{"a status in another case", strings.Replace(receipt, `Delivered`, `DELIVERED`, 1), "template" + labels + " delivered@04:00:00"},
		{"nulls and unknown fields", strings.Replace(receipt, `{`, `{"ErrorCode":null,"FromUserId":"u.1","Extra":{"a":[1]},`, 1), "template" + labels + " delivered@04:00:00"},
		{"MsgFrameType is missing", strings.Replace(receipt, `"MsgFrameType":"template",`, ``, 1), "template" + labels + " delivered@04:00:00"},
		{
			"a failure", `[{"Status":"Failed","ErrorCode":"131026","ErrorDescription":"131026:cannot receive",` + session + `}]`,
			"session sender=8613800000000 country=ID failed@04:00:00 failure=131026:131026:cannot receive",
		},
		{
			"a message in a conversation that a template opened", `[{"Status":"Read","ConversationType":"marketing",` + session + `}]`,
			"session sender=8613800000000 country=ID read@04:00:00",
		},
		{
			"a template in a conversation that the person opened", strings.Replace(receipt, `"marketing"`, `"service"`, 1),
			"template sender=8613800000000 template=1100 language=en country=ID delivered@04:00:00",
		},
		{
			"a long description", `[{"Status":"Failed","ErrorDescription":"` + strings.Repeat("é", 200) + `",` + session + `}]`,
			"session sender=8613800000000 country=ID failed@04:00:00 failure=:" + strings.Repeat("é", 128),
		},
		{"an unknown status", strings.Replace(receipt, `Delivered`, `Shredded`, 1), ""},
		{"a deleted message", strings.Replace(receipt, `Delivered`, `Deleted`, 1), ""},
		{"no time", strings.Replace(receipt, `"Timestamp":1795147200500,`, ``, 1), ""},
		{"a time that is none", strings.Replace(receipt, `1795147200500`, `"noon"`, 1), ""},
		{"a time in seconds", strings.Replace(receipt, `1795147200500`, `1795147200`, 1), ""},
		{"a far future", strings.Replace(receipt, `1795147200500`, `2795147200500`, 1), ""},
		{"no message", strings.Replace(receipt, `"MessageId":"r-1"`, `"X":1`, 1), ""},
		{"another channel's", strings.Replace(receipt, `{`, `{"CustSpaceId":"cams-b",`, 1), ""},
		{"its own channel's", strings.Replace(receipt, `{`, `{"CustSpaceId":"cams-a",`, 1), "template" + labels + " delivered@04:00:00"},
		{"something else among the reports", strings.Replace(receipt, `[`, `[1,null,"x",[],{},`, 1), "template" + labels + " delivered@04:00:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := newRig(t)
			g.push(hookA, row.body).want(200, `{"code":0,"msg":"success"}`)
			got := ""
			if m, ok := g.message("cams-a", "r-1"); ok {
				got = describe(m)
			}
			if got != row.want {
				t.Errorf("recorded %q\nwant     %q", got, row.want)
			}
			if m, ok := g.message("cams-b", "r-1"); ok {
				t.Errorf("another channel got %s", describe(m))
			}
		})
	}
}

func TestReceiptsOfReceivedMessages(t *testing.T) {
	const frame = `"MessageId":"in-1","From":"+628123456789","To":"8613800000000","DisplayName":"Budi","Name":"budi","Timestamp ":1795147200000`
	const received = "inbound sender=8613800000000%s country=ID%s delivered@04:00:00"
	for _, row := range []struct{ name, body, want string }{
		{"a text", `[{` + frame + `,"Type":"TEXT","Message":"hello, it's me"}]`, fmt.Sprintf(received, "", "")},
		{"a voice message", `[{` + frame + `,"Type":"AUDIO","NoticeType":"inbound","Message":"{\"id\":\"3\",\"url\":\"https://media.example/a.ogg\"}"}]`, fmt.Sprintf(received, "", "")},
		{
			"a reply", `[{` + frame + `,"Type":"REPLY","Message":"{\"text\":\"Yes\",\"payload\":\"Y\"}"}]`,
			fmt.Sprintf(received, "", "") + " click=in-1:quick_reply_button:Yes",
		},
		{
			"a reply whose payload names a template", `[{` + frame + `,"Type":"REPLY","Message":"{\"text\":\"Yes\",\"payload\":\"{\\\"template\\\":\\\"1100\\\",\\\"language\\\":\\\"en\\\",\\\"campaign\\\":\\\"c-7\\\"}\"}"}]`,
			fmt.Sprintf(received, " template=1100 language=en", " campaign=c-7") + " click=in-1:quick_reply_button:Yes",
		},
		{
			"a payload that is nested", `[{` + frame + `,"Type":"reply","Message":{"text":"Yes","payload":{"template":1100,"language":["en"]}}}]`,
			fmt.Sprintf(received, " template=1100", "") + " click=in-1:quick_reply_button:Yes",
		},
		{"a reply that is plain text", `[{` + frame + `,"Type":"REPLY","Message":"Yes"}]`, fmt.Sprintf(received, "", "") + " click=in-1:quick_reply_button:Yes"},
		{"a notice of the system", `[{` + frame + `,"Type":"SYSTEM","Message":"{}"}]`, ""},
		{"no type", `[{` + frame + `,"Message":"x"}]`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := newRig(t)
			g.push(hookA, row.body).want(200, `{"code":0,"msg":"success"}`)
			got := ""
			if m, ok := g.message("cams-a", "in-1"); ok {
				got = describe(m)
			}
			if got != row.want {
				t.Errorf("recorded %q\nwant     %q", got, row.want)
			}
		})
	}
}

func TestReviewsOfTemplates(t *testing.T) {
	g := newRig(t)
	want := func(code, language, want string) {
		t.Helper()
		m, ok := g.directory.View().Template("cams-a", code, language)
		if got := fmt.Sprint(m.Name, " ", m.Category, " ", m.Status, " ", m.Quality); !ok || got != want {
			t.Errorf("template %s %s is %q, want %q", code, language, got, want)
		}
	}
	g.push(hookA, `[{"WabaId":"1","TemplateCode":"7700","Language":"en_US","AuditStatus":"unaudit","Reason":""},`+
		`{"WabaId":"1","TemplateCode":"7700","Language":"id","AuditStatus":"pass","TemplateName":"new","Category":"marketing","QualityScore":"green"}]`).wantDone()
	want("7700", "en_US", "  unaudit ")
	want("7700", "id", "new MARKETING pass GREEN")
	g.clock.advance(time.Minute)
	g.push(hookA, `[{"WabaId":"1","TemplateCode":"7700","Language":"en_US","AuditStatus":"fail","Type":"template"},`+
		`{"WabaId":"1","TemplateCode":"7700","Language":"id","Type":"templateCategoryUpdate","Status":"UTILITY"},`+
		`{"WabaId":"1","TemplateCode":"7700","Language":"en_US","Type":"templateQualityUpdate","Status":"YELLOW"},`+
		`{"WabaId":"1","PhoneNumber":"8613800000000","Type":"phoneQualityUpdate","Status":"GREEN"}]`).wantDone()
	want("7700", "en_US", "  fail YELLOW")
	want("7700", "id", "new UTILITY pass GREEN")
	if got := g.outcomes()["ignored"]; got != "1" {
		t.Errorf("ignored %s", got)
	}
	if _, ok := g.directory.View().Template("cams-b", "7700", "id"); ok {
		t.Error("another channel has it")
	}
}

func (a answer) wantDone() {
	a.t.Helper()
	a.want(200, `{"code":0,"msg":"success"}`)
}

func TestPushesThatAreRefused(t *testing.T) {
	g := newRig(t)
	const hook = "/webhooks/alibaba/"
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for _, row := range []struct {
		name, method, path, body string
		status                   int
		allow                    string
	}{
		{"no secret", "POST", hook, receipt, 403, ""},
		{"no slash", "POST", "/webhooks/alibaba", receipt, 403, ""},
		{"a wrong secret", "POST", hook + "wrong", receipt, 403, ""},
		{"more than a secret", "POST", hook + hookA + "/more", receipt, 403, ""},
		{"the secret of another vendor's channel", "POST", hook + "hook-w-0123456789abcdef", receipt, 403, ""},
		{"another method", "GET", hook + hookA, "", 405, "POST"},
		{"no JSON", "POST", hook + hookA, "Status=Delivered", 400, ""},
		{"an empty body", "POST", hook + hookA, "", 400, ""},
		{"half a body", "POST", hook + hookA, receipt[:40], 400, ""},
		{"deep nesting", "POST", hook + hookA, deep, 400, ""},
		{"a body beyond the bound", "POST", hook + hookA, "[" + strings.Repeat(" ", 8<<20) + "]", 413, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := http.NewRequest(row.method, g.http.URL+row.path, strings.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			a := g.send(r)
			if a.status != row.status || a.header.Get("Allow") != row.allow || !strings.HasPrefix(a.body, fmt.Sprintf(`{"code":%d,"msg":"`, row.status)) {
				t.Errorf("answer %d %s %v, want %d", a.status, a.body, a.header["Allow"], row.status)
			}
		})
	}
	for _, id := range []string{"cams-a", "cams-b", "cams-r", "102290129340398"} {
		if _, ok := g.message(id, "r-1"); ok {
			t.Errorf("channel %s was written", id)
		}
	}
	if strings.Contains(g.log.String(), hookA) {
		t.Error("the log has a secret")
	}
}

func TestReceiptsAreCounted(t *testing.T) {
	g := newRig(t)
	g.push(hookA, receipt).wantDone()
	g.push(hookA, strings.Replace(receipt, `[`, `[{"Status":"Shredded","MessageId":"x"},{"no":"thing"},{"CustSpaceId":"cams-b","MessageId":"y"},`+
		`{"MessageId":"z","Type":"SYSTEM"},{"MessageId":"w","Status":"Sent","Timestamp":2795147200500},`, 1)).wantDone()
	got := g.outcomes()
	for outcome, n := range map[string]string{
		"received": "3", "changed": "1", "repeated": "1", "rejected": "1", "unknown_status": "1", "malformed": "1", "foreign": "1", "ignored": "1",
	} {
		if got[outcome] != n {
			t.Errorf("%s %s, want %s (all: %v)", outcome, got[outcome], n, got)
		}
	}
}

// Receipts are repeated, late and out of order: the numbers are the same.
func TestOrderOfReceiptsDoesNotMatter(t *testing.T) {
	report := func(status, id string, after time.Duration) string {
		return strings.NewReplacer("Delivered", status, "r-1", id, "1795147200500", ms(noon.Add(after))).Replace(receipt[1 : len(receipt)-1])
	}
	all := []string{
		report("Sent", "a", time.Minute), report("Delivered", "a", 2*time.Minute), report("Read", "a", 40*time.Minute),
		report("Read", "b", time.Minute), report("Failed", "c", time.Minute), report("Delivered", "c", 2*time.Minute),
	}
	for range 2 {
		g := newRig(t)
		g.enable()
		for _, r := range all {
			g.push(hookA, "["+r+"]").wantDone()
			g.push(hookA, "["+r+","+all[0]+"]").wantDone()
		}
		g.template(fields{"Granularity": "HALF_HOUR"}).wantRows("20T04:00-20T04:30 en 3/3/1", "20T04:30-20T05:00 en 0/0/1")
		slices.Reverse(all)
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add([]byte(receipt))
	f.Add([]byte(`[{"MessageId":"1","From":"+1","To":"2","Type":"REPLY","Timestamp ":1795147200000,"Message":"{\"text\":\"Yes\",\"payload\":\"{\\\"template\\\":\\\"1\\\"}\"}"}]`))
	f.Add([]byte(`{"WabaId":"1","TemplateCode":"7","Language":"en","AuditStatus":"pass","Type":"templateCategoryUpdate","Status":"UTILITY"}`))
	f.Add([]byte(`[{"MessageId":"1","Status":"Sent","Timestamp":-1e400},null,[],"",1]`))
	c := waybill.Channel{ID: "cams-a", Number: 7, Provider: waybill.ProviderChatapp}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := alibaba.ExportDecode(body, &c, waybill.InstantOf(noon))
		if err != nil {
			if waybill.CodeOf(err) != waybill.Invalid {
				t.Fatal(err)
			}
			return
		}
		again, err := alibaba.ExportDecode(body, &c, waybill.InstantOf(noon))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(b) {
			t.Fatalf("two readings differ: %v and %v", b, again)
		}
		for _, e := range alibaba.ExportEvents(b) {
			if e.Channel != c.Number {
				t.Fatalf("event of channel %d", e.Channel)
			}
			// Only the ID and the time are the vendor's as they are.
			e.Message, e.At = "m", waybill.InstantOf(noon)
			if err := e.Validate(noon); err != nil {
				t.Fatal(err)
			}
		}
	})
}
