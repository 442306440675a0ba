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
)

// momoTenants are an account with a MoMo page.
const momoTenants = `
accounts:
  - id: "1000000000000001"
    tokens:
      - {name: momo, token: momo-token-0123456789, scopes: ["momo:report"], channels: ["130035"]}
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
	if strings.Contains(p.log.String(), "hook-secret") {
		t.Error("the log shows the secret of the webhook")
	}
	p.stop()
	verify(t, dir)
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
