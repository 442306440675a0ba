package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// twoTenants are alike but for their names. The words victim and intruder stand
// in everything that must not cross over.
const twoTenants = `
accounts:
  - id: "1000000000000001"
    name: victim
    tokens:
      - {name: graph, token: victim-graph-0123456789, scopes: [whatsapp_business_management, whatsapp_business_messaging], app: "7001"}
      - {name: own, token: victim-own-0123456789, scopes: ["events:write", "metrics:read"]}
    apps:
      - {id: "7001", secrets: [victim-secret-0123456789], verify_token: victim-verify}
  - id: "2000000000000002"
    name: intruder
    tokens:
      - {name: graph, token: intruder-graph-0123456789, scopes: [whatsapp_business_management, whatsapp_business_messaging], app: "7002"}
      - {name: own, token: intruder-own-0123456789, scopes: ["events:write", "metrics:read", admin]}
    apps:
      - {id: "7002", secrets: [intruder-secret-0123456789], verify_token: intruder-verify}
channels:
  - {id: "111111111111111", provider: waba, account: "1000000000000001", name: victim, time_zone: UTC, senders: ["16315550001"]}
  - {id: "222222222222222", provider: waba, account: "2000000000000002", name: intruder, time_zone: UTC, senders: ["16315550002"]}
`

// victimMarks are texts that no answer to the intruder may contain, unless it
// sent them itself.
var victimMarks = []string{"victim", "16315550001", "1000000000000001"}

// TestTenantsAreApart lets one tenant call with the other's ids, tokens and
// bodies, and checks that it reads and changes nothing of the other.
func TestTenantsAreApart(t *testing.T) {
	calls := 10_000
	if testing.Short() {
		calls = 1000
	}
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, twoTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	victimBody := statusBody("111111111111111", "16315550001",
		newStatus("victim-1", "read", killStart), newStatus("victim-2", "sent", killStart+3600))
	if r := p.webhook(client, "7001", "victim-secret-0123456789", victimBody); r.status != http.StatusOK {
		t.Fatalf("webhook: %d %s", r.status, r.body)
	}
	before := p.victimView(client)
	random := rand.New(rand.NewPCG(3, 4))
	for range calls {
		c := intrusions[random.IntN(len(intrusions))](random)
		r := send(t, client, c.method, p.url+c.path, c.body, c.headers...)
		if r.status >= 500 {
			t.Fatalf("%s %s: %d %s", c.method, c.path, r.status, r.body)
		}
		for _, mark := range victimMarks {
			if strings.Contains(r.body, mark) && !strings.Contains(c.path+c.body, mark) {
				t.Fatalf("%s %s\n%s\nanswers %s, which tells %s", c.method, c.path, c.body, r.body, mark)
			}
		}
	}
	if after := p.victimView(client); after != before {
		t.Errorf("what the victim sees was\n%s\nand is\n%s", before, after)
	}
	p.stop()
	verify(t, dir)
}

// victimView is all that the victim can read.
func (p *process) victimView(client *http.Client) string {
	var view strings.Builder
	for _, path := range []string{
		"/111111111111111?fields=id,name,analytics.start(1).end(1900000000).granularity(HALF_HOUR).product_types([0,2,100]).country_codes([])",
		"/waybill/v1/messages/111111111111111/victim-1",
		"/waybill/v1/messages/111111111111111/victim-2",
		"/waybill/v1/messages/111111111111111/intruder-1",
	} {
		token := "victim-graph-0123456789"
		if strings.HasPrefix(path, "/waybill") {
			token = "victim-own-0123456789"
		}
		r := send(p.t, client, http.MethodGet, p.url+path, "", "Authorization", "Bearer "+token)
		fmt.Fprintln(&view, r.status, withoutID(r.body))
	}
	return view.String()
}

// withoutID cuts what differs in each refusal.
func withoutID(body string) string {
	before, _, _ := strings.Cut(body, `"request_id"`)
	return before
}

type intrusion struct {
	method, path, body string
	headers            []string
}

// intrusions make up calls of the intruder against the victim.
var intrusions = []func(*rand.Rand) intrusion{
	func(r *rand.Rand) intrusion { // read the victim's account
		fields := []string{"", "?fields=name", "?fields=analytics.start(1).end(1900000000).granularity(DAY)", "/analytics", "/phone_numbers"}
		return intrusion{
			pick(r, "GET", "GET", "POST", "DELETE"), pick(r, "/v25.0", "", "/v25.0/") + "/111111111111111" + pick(r, fields...), "",
			[]string{"Authorization", "Bearer " + intruderToken(r)},
		}
	},
	func(r *rand.Rand) intrusion { // ask for the victim's number on the own account
		return intrusion{
			"GET", "/222222222222222?fields=id,name,analytics.start(1).end(1900000000).granularity(MONTH).phone_numbers([16315550001])", "",
			[]string{"Authorization", "Bearer intruder-graph-0123456789"},
		}
	},
	func(r *rand.Rand) intrusion { // report on the victim's messages by a signed webhook
		body := statusBody(pick(r, "111111111111111", "111111111111111", "333333333333333"), "16315550001",
			newStatus(pick(r, "victim-1", "victim-2", "intruder-1"), pick(r, "sent", "delivered", "failed", "read"), killStart-int64(r.IntN(99999))))
		app, secret := pick(r, "7001", "7002"), pick(r, "intruder-secret-0123456789", "", "victim-verify")
		return intrusion{
			"POST", "/webhooks/meta/" + app, body,
			[]string{"Content-Type", "application/json", "X-Hub-Signature-256", sign(secret, body)},
		}
	},
	func(r *rand.Rand) intrusion { // report by the own API
		body := fmt.Sprintf(`{"channel":"111111111111111","message":%q,"status":"failed","at":%d}`,
			pick(r, "victim-1", "intruder-1"), (killStart-int64(r.IntN(99999)))*1000)
		return intrusion{"POST", "/waybill/v1/events", body, []string{"Authorization", "Bearer " + intruderToken(r)}}
	},
	func(r *rand.Rand) intrusion { // read a message
		return intrusion{
			"GET", "/waybill/v1/messages/" + pick(r, "111111111111111", "222222222222222") + "/" + pick(r, "victim-1", "victim-2"), "",
			[]string{"Authorization", "Bearer " + intruderToken(r)},
		}
	},
	func(r *rand.Rand) intrusion { // change the directory
		return intrusion{
			"POST", "/waybill/v1/directory?prune=" + pick(r, "true", "false"), pick(r, "accounts: []", "channels: []", twoTenants[:40]),
			[]string{"Authorization", "Bearer " + intruderToken(r)},
		}
	},
	func(r *rand.Rand) intrusion { // take over the webhook subscription
		return intrusion{
			"GET", "/webhooks/meta/" + pick(r, "7001", "7002", "") + "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" +
				pick(r, "intruder-verify", "", "victi", "victim-verify-"), "", nil,
		}
	},
}

// intruderToken returns a token of the intruder, or a damaged one of the victim.
func intruderToken(r *rand.Rand) string {
	return pick(r, "intruder-graph-0123456789", "intruder-own-0123456789", "victim-graph-012345678", "victim-own-0123456789x", "7001|victim-secret-0123456789")
}

func pick(r *rand.Rand, choices ...string) string { return choices[r.IntN(len(choices))] }
