package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// referenceTenants is a WhatsApp Business Account in Pacific time.
const referenceTenants = `
accounts:
  - id: "1000000000000001"
    name: Reference
    tokens:
      - {name: user, token: USER-ACCESS-TOKEN-0123456789, scopes: [whatsapp_business_management, whatsapp_business_messaging], app: "634974688087057"}
      - {name: half, token: ONE-PERMISSION-TOKEN-0123456789, scopes: [whatsapp_business_management]}
    apps:
      - {id: "634974688087057", secrets: [app-secret-0123456789], verify_token: verify-0123456789}
channels:
  - {id: "102290129340398", provider: waba, account: "1000000000000001", senders: ["16315551000"], name: Lucky Shrub, currency: USD}
`

// referenceAnswer is the answer that Meta's reference page prints.
const referenceAnswer = `{
  "analytics": {
    "phone_numbers": ["16315551000"],
    "granularity": "DAY",
    "data_points": [
      {"start": 1647327600, "end": 1647414000, "sent": 1, "delivered": 1},
      {"start": 1648710000, "end": 1648796400, "sent": 4, "delivered": 4},
      {"start": 1648796400, "end": 1648882800, "sent": 1, "delivered": 1},
      {"start": 1650265200, "end": 1650351600, "sent": 1, "delivered": 1},
      {"start": 1650351600, "end": 1650438000, "sent": 1, "delivered": 1}
    ]
  },
  "id": "102290129340398"
}`

const referenceCall = "/102290129340398?fields=analytics.start(1641024000).end(1651094880).granularity(DAY)&access_token=USER-ACCESS-TOKEN-0123456789"

// reference starts a server that has seen the eight messages of the example.
func reference(t *testing.T) *process {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, referenceTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	history := []int64{1647330000, 1648712000, 1648720000, 1648730000, 1648796399, 1648796400, 1650300000, 1650400000}
	for i, at := range history {
		id := fmt.Sprintf("wamid.reference%d", i)
		body := statusBody("102290129340398", "+1 631-555-1000",
			newStatus(id, "delivered", at+0), newStatus(id, "sent", at))
		if r := p.webhook(client, "634974688087057", "app-secret-0123456789", body); r.status != http.StatusOK {
			t.Fatalf("webhook: %d %s", r.status, r.body)
		}
	}
	return p
}

// TestReferencePage asks as the examples of the reference page ask, each as its
// client really puts it on the wire.
func TestReferencePage(t *testing.T) {
	p := reference(t)
	const encoded = "fields=analytics.start(1641024000).end(1651094880).granularity(DAY)&access_token=USER-ACCESS-TOKEN-0123456789"
	tests := []struct{ name, request string }{
		{"curl", "GET /v25.0" + referenceCall + " HTTP/1.1\r\n"},
		{"curl without a version", "GET " + referenceCall + " HTTP/1.1\r\n"},
		{
			"curl with the line break of the page encoded",
			"GET /v25.0" + strings.Replace(referenceCall, "&access", "&%0Aaccess", 1) + " HTTP/1.1\r\n",
		},
		{
			"curl with a bearer token",
			"GET /v25.0" + strings.Split(referenceCall, "&")[0] + " HTTP/1.1\r\nAuthorization: Bearer USER-ACCESS-TOKEN-0123456789\r\n",
		},
		{
			"the Android SDK: doubled slash, gzip without a body",
			"GET /v25.0//102290129340398?" + encoded + "&sdk=android&format=json HTTP/1.1\r\n" +
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\nUser-Agent: FBAndroidSDK.18.0.0\r\n",
		},
		{
			"the iOS SDK: a content type on GET",
			"GET /v25.0//102290129340398?" + encoded + "&format=json&include_headers=false&sdk=ios HTTP/1.1\r\n" +
				"Content-Type: application/json\r\nUser-Agent: FBiOSSDK.18.0.0\r\n",
		},
		{
			"an SDK that sends a body with GET",
			"GET /v24.0/102290129340398?" + encoded + " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := ""
			if strings.Contains(tt.request, "Content-Length: 2") {
				body = "{}"
			}
			status, got := raw(t, p, tt.request+"Host: graph.example\r\nConnection: close\r\n\r\n"+body)
			if status != http.StatusOK {
				t.Fatalf("status %d: %s", status, got)
			}
			if want := compact(t, referenceAnswer); got != want {
				t.Errorf("answer\n%s, the page has\n%s", got, want)
			}
		})
	}
}

// TestReferencePageRefusals checks what the page rules out.
func TestReferencePageRefusals(t *testing.T) {
	p := reference(t)
	client := newClient()
	unsupported := func(verb string) string {
		return `"message":"Unsupported ` + verb + ` request. Object with ID '102290129340398' does not exist, ` +
			`cannot be loaded due to missing permissions, or does not support this operation.`
	}
	const fields = "?fields=analytics.start(1641024000).end(1651094880).granularity(DAY)"
	tests := []struct {
		name, method, path, token string
		status                    int
		want                      []string
	}{
		{"creating", "POST", fields, "USER", 400, []string{unsupported("post"), `"code":100`, `"error_subcode":33`, `"type":"GraphMethodException"`}},
		{"deleting", "DELETE", fields, "USER", 400, []string{unsupported("delete"), `"error_subcode":33`}},
		{"creating by parameter", "GET", fields + "&method=post", "USER", 400, []string{unsupported("post")}},
		{"deleting by parameter", "GET", fields + "&method=delete", "USER", 400, []string{unsupported("delete")}},
		{"creating on the edge", "POST", "/analytics", "USER", 400, []string{unsupported("post")}},
		{"deleting on the edge", "DELETE", "/analytics", "USER", 400, []string{unsupported("delete")}},
		{"reading the edge, which does not exist", "GET", "/analytics", "USER", 400, []string{`"message":"Unknown path components: /analytics"`, `"code":2500`}},
		{"a token with one permission of two", "GET", fields, "ONE", 403, []string{`(#200)`, "whatsapp_business_messaging", `"code":200`}},
		{"no token", "GET", fields, "", 400, []string{`"code":104`, "An access token is required"}},
		{"a wrong token", "GET", fields, "WRONG", 401, []string{`"code":190`, `"fbtrace_id":"A`}},
		{"an end before the start", "GET", "?fields=analytics.start(1651094880).end(1641024000).granularity(DAY)", "USER", 400, []string{`(#100)`, "1651094880", "1641024000"}},
		{"milliseconds", "GET", "?fields=analytics.start(1641024000000).end(1651094880000).granularity(DAY)", "USER", 400, []string{"1641024000000", "seconds", "milliseconds"}},
		{"a missing start", "GET", "?fields=analytics.end(1651094880).granularity(DAY)", "USER", 400, []string{"The parameter start is required."}},
		{"a wrong granularity", "GET", "?fields=analytics.start(1).end(2).granularity(WEEK)", "USER", 400, []string{"{HALF_HOUR, DAY, MONTH}", "WEEK"}},
		{"an unknown field", "GET", "?fields=nonsense", "USER", 400, []string{"Tried accessing nonexisting field (nonsense) on node type (WhatsAppBusinessAccount)"}},
		{"broken syntax", "GET", "?fields=analytics.start(1", "USER", 400, []string{`Syntax error`, `"code":2500`}},
	}
	tokens := map[string]string{
		"USER": "USER-ACCESS-TOKEN-0123456789", "ONE": "ONE-PERMISSION-TOKEN-0123456789", "WRONG": "no-such-token", "": "",
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{}
			if token := tokens[tt.token]; token != "" {
				headers = append(headers, "Authorization", "Bearer "+token)
			}
			r := send(t, client, tt.method, p.url+"/v25.0/102290129340398"+tt.path, "", headers...)
			if r.status != tt.status {
				t.Errorf("status %d, want %d: %s", r.status, tt.status, r.body)
			}
			for _, want := range tt.want {
				if !strings.Contains(strings.ReplaceAll(r.body, `\"`, `"`), want) {
					t.Errorf("answer %s\nlacks %s", r.body, want)
				}
			}
		})
	}
	if r := send(t, client, "GET", p.url+referenceCall, ""); r.body != compact(t, referenceAnswer) {
		t.Errorf("after the refused calls the answer is %s", r.body)
	}
}

// raw sends a request as written and returns the status and the body.
func raw(t *testing.T, p *process, request string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
