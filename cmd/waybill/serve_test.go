package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOneBodyIsOneCommit posts a thousand statuses and reads from the metrics
// how many commits that took.
func TestOneBodyIsOneCommit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	before := p.commits(client)
	list := make([]status, 1000)
	for i := range list {
		list[i] = newStatus(fmt.Sprintf("m-%d", i), "sent", at(i))
	}
	if r := p.webhook(client, "7001", "app-secret-0123456789", statusBody("102290129340398", "16315551000", list...)); r.status != http.StatusOK {
		t.Fatalf("webhook: %d %s", r.status, r.body)
	}
	if got := p.commits(client) - before; got != 1 {
		t.Errorf("a body of 1000 statuses took %d commits", got)
	}
	if got := p.sentTotal(); got != 1000 {
		t.Errorf("%d messages are counted", got)
	}
}

// commits reads the number of commits from the metrics.
func (p *process) commits(client *http.Client) int {
	p.t.Helper()
	r := send(p.t, client, http.MethodGet, p.admin+"/metrics", "")
	for line := range strings.SplitSeq(r.body, "\n") {
		var n int
		if _, err := fmt.Sscanf(line, "waybill_commit_seconds_count %d", &n); err == nil {
			return n
		}
	}
	p.t.Fatalf("no count of commits in\n%s", r.body)
	return 0
}

// TestUnknownAccountIsKept posts a report on an account that nobody owns yet,
// adds its channel through the running server, and finds the report counted.
func TestUnknownAccountIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	body := statusBody("444444444444444", "16315554444", newStatus("early", "sent", killStart))
	if r := p.webhook(client, "7001", "app-secret-0123456789", body); r.status != http.StatusOK {
		t.Fatalf("webhook: %d %s", r.status, r.body)
	}
	file := filepath.Join(t.TempDir(), "directory.yaml")
	text := killTenants + `  - {id: "444444444444444", provider: waba, account: "1000000000000001", name: "${NAME}", time_zone: UTC}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NAME", `Late & "quoted": ${x}`)
	cmd := waybillCmd("apply", "--data", dir, "--url", p.url, "-f", file)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "+ channel 444444444444444 (waba, UTC)") {
		t.Fatalf("apply: %v\n%s", err, out)
	}
	if got := p.sum("444444444444444", "graph-token-0123456789", killStart-1, killStart+1); got != 1 {
		t.Errorf("%d messages are counted of the new channel, want 1", got)
	}
	r := send(t, client, http.MethodGet, p.url+"/444444444444444?fields=name", "", "Authorization", "Bearer graph-token-0123456789")
	if want := `{"name":"Late & \"quoted\": ${x}","id":"444444444444444"}`; r.body != want {
		t.Errorf("node: %s, want %s", r.body, want)
	}
	if out, err := waybillCmd("apply", "--data", dir, "-f", file).CombinedOutput(); err == nil || !strings.Contains(string(out), "--url") {
		t.Errorf("apply to a directory in use: %v\n%s", err, out)
	}
}

// TestStopWritesTheWholeLog stops the server at once after its last answers, and
// finds a line for each.
func TestStopWritesTheWholeLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	const requests = 50
	for i := range requests {
		send(t, client, http.MethodGet, fmt.Sprintf("%s/nowhere-%d", p.url, i), "")
	}
	p.stop()
	for i := range requests {
		if n := strings.Count(p.log.String(), fmt.Sprintf(`/nowhere-%d"`, i)); n != 1 {
			t.Errorf("request %d has %d lines", i, n)
		}
	}
}

// TestDemo starts the demo twice over one directory: the second run has the same
// messages, and the file of credentials opens both.
func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	var totals []int
	var tokens []string
	for range 2 {
		p := start(t, "demo", "--data", dir, "--days=3")
		text, err := os.ReadFile(filepath.Join(dir, credentialsFile))
		if err != nil {
			t.Fatal(err)
		}
		var credentials struct {
			Meta struct {
				Base  string `json:"base_url"`
				WABA  string `json:"waba_id"`
				Token string `json:"access_token"`
			}
		}
		if err := json.Unmarshal(text, &credentials); err != nil {
			t.Fatal(err)
		}
		if credentials.Meta.Base != p.url {
			t.Errorf("the credentials are of %s, the server is at %s", credentials.Meta.Base, p.url)
		}
		tokens = append(tokens, credentials.Meta.Token)
		totals = append(totals, p.sum(credentials.Meta.WABA, credentials.Meta.Token, 1, 4000000000))
		p.stop()
	}
	if totals[0] < 100 || totals[1] < totals[0] || totals[1] > totals[0]+100 {
		t.Errorf("the first run counts %d sent messages, the second %d", totals[0], totals[1])
	}
	if tokens[0] != tokens[1] {
		t.Error("the second run has other tokens")
	}
	verify(t, dir)
}

// TestLostOperatorToken starts over a directory whose token file is gone, and
// over one in which an editor has added a line break.
func TestLostOperatorToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, adminTokenFile)
	read := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	directoryStatus := func(p *process, token string) int {
		return send(t, newClient(), http.MethodPost, p.url+"/waybill/v1/directory", "{}", "Authorization", "Bearer "+token).status
	}
	start(t, "serve", "--data", dir).stop()
	first := read()
	if err := os.WriteFile(path, []byte(first+"\r\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "serve", "--data", dir).stop()
	if read() != first {
		t.Error("a line break made the token another")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "--data", dir)
	if status := directoryStatus(p, read()); status != http.StatusOK {
		t.Errorf("the new token is answered %d", status)
	}
	if status := directoryStatus(p, first); status != http.StatusUnauthorized {
		t.Errorf("the lost token is answered %d", status)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", info.Mode(), err)
	}
}

// TestDemoLeavesOthersAlone starts the demo over the store of somebody else.
func TestDemoLeavesOthersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	out, err := waybillCmd("demo", "--data", dir, "--days=2", "--listen=127.0.0.1:0", "--admin-listen=").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "which is not of this demo") {
		t.Errorf("demo: %v\n%s", err, out)
	}
}
