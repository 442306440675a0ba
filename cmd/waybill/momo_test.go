package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// momoTenants are an account with a MoMo page.
const momoTenants = `
accounts:
  - id: "1000000000000001"
    tokens:
      - {name: momo, token: momo-token-0123456789, scopes: ["momo:report"], channels: ["130035"]}
      - {name: own, token: own-token-0123456789, scopes: ["events:write"], channels: ["130035"]}
    momo_clients:
      - {id: acme, secret: acme-secret-0123456789, pages: ["130035"], groups: [report]}
channels:
  - {id: "130035", provider: momo, account: "1000000000000001", webhook_secrets: [hook-secret-0123456789]}
`

// TestMomoPage lets a page's reports in by its webhook, asks as MoMo's clients
// do, kills the server and asks again.
func TestMomoPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, momoTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	hook := func(body string) {
		t.Helper()
		if r := send(t, client, http.MethodPost, p.url+"/webhooks/momo/hook-secret-0123456789", body); r.status != http.StatusOK {
			t.Fatalf("webhook: %d %s", r.status, r.body)
		}
	}
	hook(`{"json":{"oa_id":"130035","data":[{"segment_id":"1327","campaign_id":"1701059872524","segment_size":5,"template_data":"{}",` +
		`"segment_status":"SEGMENT_COMPLETE","condition_id":"FOLLOW_NO_PAYMENT","create_at":1701059874844,` +
		`"reports":{"SENDING":5,"FAILED":0,"SENT":5,"RECEIVED":3,"READ":2,"CLICKED":1}}]},"success":true}`)
	hook(`{"userId":"1","businessPageId":130035,"activity":"VIEW","timestamp":1697078966,"requestId":"1697078966","extraData":{}}`)
	hook(fmt.Sprintf(`{"message":"m","status":"read","at":%d000,"segment":"live"}`, killStart))

	login := send(t, client, http.MethodPost, p.url+"/api/authentication/login", `{"clientId":"acme","clientSecret":"acme-secret-0123456789"}`)
	var in struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(login.body), &in); err != nil || login.status != http.StatusOK {
		t.Fatalf("login: %d %s", login.status, login.body)
	}
	answers := make(map[string]bool)
	for range 2 {
		for _, header := range [][]string{
			{"Authorization", "Bearer " + in.Token}, {"Authorization", "Bearer momo-token-0123456789"}, {"X-API-KEY", "momo-token-0123456789"},
		} {
			r := send(t, client, http.MethodPost, p.url+"/v1/business-pages/130035/chat/messages/report", `{"report_time_range":"ALL"}`, header...)
			if r.status != http.StatusOK {
				t.Errorf("report: %d %s", r.status, r.body)
			}
			answers[r.body] = true
		}
		p.kill()
		p = start(t, "serve", "--data", dir)
	}
	if len(answers) != 1 {
		t.Errorf("the report is answered in %d ways: %v", len(answers), answers)
	}
	hook(fmt.Sprintf(`{"message":"n","status":"sent","at":%d000,"segment":"live"}`, killStart))
	p.stop()
	if log := p.log.String(); strings.Contains(log, "hook-secret") || !strings.Contains(log, "/webhooks/momo/***") {
		t.Errorf("the log shows the secret of the webhook, or not the call:\n%s", log)
	}
	verify(t, dir)
}

// TestMomoContent gives segments to the own API, with every odd character, and
// gets their contents back from MoMo's call byte for byte.
func TestMomoContent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, momoTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	contents := oddContents()
	for id, content := range contents {
		plain, err := jsontext.AppendQuote(nil, content)
		if err != nil {
			t.Fatal(err)
		}
		for spelling, literal := range map[string]string{"plain": string(plain), "escaped": escaped(content)} {
			r := send(t, client, http.MethodPut, p.url+"/waybill/v1/channels/130035/segments/"+id+"-"+spelling,
				`{"template_data":`+literal+`}`, "Authorization", "Bearer own-token-0123456789")
			if r.status != http.StatusOK && r.status != http.StatusCreated {
				t.Fatalf("%s %s: %d %s", id, spelling, r.status, r.body)
			}
		}
	}
	for range 2 {
		r := send(t, client, http.MethodPost, p.url+"/api/v1/business-pages/130035/chat/messages/report", `{"limit":1000}`,
			"Authorization", "Bearer momo-token-0123456789")
		var answer struct {
			JSON struct {
				Data []struct {
					ID      string `json:"segment_id"`
					Content string `json:"template_data"`
				} `json:"data"`
			} `json:"json"`
		}
		if err := json.Unmarshal([]byte(r.body), &answer); err != nil || len(answer.JSON.Data) != 2*len(contents) {
			t.Fatalf("report: %d %s: %v", r.status, r.body, err)
		}
		for _, g := range answer.JSON.Data {
			id, _, _ := strings.Cut(g.ID, "-")
			if g.Content != contents[id] {
				t.Errorf("%s has the content %q, was given %q", g.ID, g.Content, contents[id])
			}
		}
		p.kill()
		p = start(t, "serve", "--data", dir)
	}
	p.stop()
}

// oddContents are texts that some step on the way might change, by a word for
// each. Of the control characters of ASCII they have those that a content may have.
func oddContents() map[string]string {
	ascii := "\t\n\r"
	for c := ' '; c <= 0x7f; c++ {
		ascii += string(c)
	}
	return map[string]string{
		"empty":      "",
		"ascii":      ascii,
		"latin":      "\u0080\u0085\u00a0\u00ad\u00ff",
		"vietnamese": "Mời bạn ghé quán với ưu đãi đặc biệt, e\u0302\u0301 is ê\u0301 is ế",
		"emoji":      "🍵👩🏽\u200d🚀🇻🇳❤\ufe0f",
		"spaces":     " \u2028\u2029\u200b\u3000\ufeff\t ",
		"last":       "\u202e\ud7ff\ue000\ufffd\ufffe\uffff\U0010ffff",
		"markup":     `<b>&amp;</b> <script>"'` + "`",
		"quotes":     `"\"\\"\\\"`,
		"slashes":    `/\/ \n \u0041 \ud83c \x`,
		"object":     `{"chatMessage":{"title":"\u003cb\u003e","n":1.0,"n":1e3,"url":"https:\/\/momo.vn\/?a=1&b=2"}} `,
		"longest":    strings.Repeat("🍵", 4096),
	}
}

// escaped returns a JSON string in which every character is an escape.
func escaped(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return `"` + b.String() + `"`
}

// TestDemoPrintsCallsThatRun takes the calls that the demo prints to a shell.
func TestDemoPrintsCallsThatRun(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "demo")
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	p := startTo(t, out, "demo", "--data", dir, "--days=2")
	defer p.stop()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(string(text), "\ncurl ")[1:]
	for i, want := range []string{`{"analytics":{"phone_numbers":[`, `{"json":{"oa_id":"`} {
		if i >= len(calls) {
			t.Fatalf("the demo prints only %d calls:\n%s", len(calls), text)
		}
		call, _, _ := strings.Cut(calls[i], "\n\n")
		got, err := exec.Command(shell, "-c", "curl "+call).Output()
		if err != nil || !strings.HasPrefix(string(got), want) || !json.Valid(got) {
			t.Errorf("curl %s\nanswers %.300s, %v", call, got, err)
		}
	}
}
