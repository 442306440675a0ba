package momo_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"waybill/internal/directory"
)

// add applies a document that leaves alone what it does not name.
func (r *rig) add(text string) {
	r.t.Helper()
	document, err := directory.Parse(strings.NewReader(text), func(string) (string, bool) { return "", false })
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.directory.Apply(r.t.Context(), document, directory.ApplyOptions{}); err != nil {
		r.t.Fatal(err)
	}
}

// TestClientOfALostPage logs in while its account operates a page for another
// one, whose owner then ends that. The client still names the page.
func TestClientOfALostPage(t *testing.T) {
	r := newRig(t)
	r.add(`
accounts:
  - id: "1000000000000001"
    momo_clients: [{id: agency, secret: agency-secret-0123456789, pages: ["130035", "130037"], groups: [report]}]
  - id: "1000000000000002"
channels:
  - {id: "130035", provider: momo, account: "1000000000000001", webhook_secrets: [hook-0123456789abcdef]}
  - {id: "130037", provider: momo, account: "1000000000000002", isv: "1000000000000001"}
`)
	token := r.login("/authentication/login", `{"clientId":"agency","clientSecret":"agency-secret-0123456789"}`)
	ask := func(page string) int {
		w := r.do("POST", "/v1/business-pages/"+page+"/chat/messages/report", "{}", "Authorization", "Bearer "+token)
		if w.Code != http.StatusOK {
			r.refused(w, 403, 11, "Access denied")
		}
		return w.Code
	}
	if lost, own := ask("130037"), ask("130035"); lost != 200 || own != 200 {
		t.Errorf("before, the pages are answered %d and %d", lost, own)
	}
	r.add(`
accounts: [{id: "1000000000000002"}]
channels: [{id: "130037", provider: momo, account: "1000000000000002"}]
`)
	if client, ok := r.directory.View().MomoClient("agency"); !ok || len(client.Pages) != 2 {
		t.Fatalf("the client is %+v, %t", client.Pages, ok)
	}
	if lost, own := ask("130037"), ask("130035"); lost != 403 || own != 200 {
		t.Errorf("afterwards, the pages are answered %d and %d", lost, own)
	}
}

// TestLoginLanguage asks for the English text of a login.
func TestLoginLanguage(t *testing.T) {
	r := newRig(t)
	for query, want := range map[string]string{
		"": "Thành công", "?language=vi": "Thành công", "?language=en": "Success", "?language=EN": "Success",
	} {
		w := r.do("POST", "/authentication/login"+query, acme, "Authorization", "")
		var in struct{ Message string }
		if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || w.Code != 200 || in.Message != want {
			t.Errorf("%s is answered %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
}
