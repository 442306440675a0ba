package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/internal/store/pebble"
)

const killTenants = `
accounts:
  - id: "1000000000000001"
    tokens:
      - {name: graph, token: graph-token-0123456789, scopes: [whatsapp_business_management, whatsapp_business_messaging]}
      - {name: own, token: own-token-0123456789, scopes: ["events:write", "metrics:read"]}
    apps:
      - {id: "7001", secrets: [app-secret-0123456789], verify_token: verify-0123456789}
channels:
  - {id: "102290129340398", provider: waba, account: "1000000000000001", time_zone: UTC}
`

// killStart is where the times of the messages begin.
const killStart = 1767225600

// A delivery is one body that a writer sent.
type delivery struct {
	ids   []string
	acked bool
}

// TestKill kills the server thirty times under load. What it acknowledged must
// be there afterwards, each message counted once, and nothing that was not sent.
func TestKill(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 5
	}
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	random := rand.New(rand.NewPCG(1, 2))
	var sent []*delivery
	for run := range kills {
		p := start(t, "serve", "--data", dir)
		timer := time.AfterFunc(time.Duration(50+random.IntN(250))*time.Millisecond, p.kill)
		sent = append(sent, postLoad(p, run)...)
		timer.Stop()
		<-p.done
	}
	p := start(t, "serve", "--data", dir)
	acked, all := 0, 0
	for _, d := range sent {
		all += len(d.ids)
		if d.acked {
			acked += len(d.ids)
		}
	}
	before := p.sentTotal()
	t.Logf("%d messages sent, %d acknowledged, %d counted", all, acked, before)
	if before < acked || before > all || acked == 0 {
		t.Errorf("%d messages are counted, want between %d and %d", before, acked, all)
	}
	for _, d := range sent {
		if !d.acked {
			continue
		}
		if changed := p.resend(d); changed != 0 {
			t.Errorf("%d of the acknowledged messages %v were new when sent again", changed, d.ids)
		}
	}
	if after := p.sentTotal(); after != before {
		t.Errorf("sending acknowledged messages again changed the count from %d to %d", before, after)
	}
	for _, d := range sent {
		p.resend(d)
	}
	if got := p.sentTotal(); got != all {
		t.Errorf("after all was sent again %d messages are counted, want %d", got, all)
	}
	p.stop()
	verify(t, dir)
}

// load sends bodies from several writers, through the webhook and through the
// own API, until the server is gone.
func postLoad(p *process, run int) []*delivery {
	const writers = 8
	var mu sync.Mutex
	var sent []*delivery
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			client := newClient()
			for n := 0; ; n++ {
				d := newDelivery(fmt.Sprintf("k%d-%d-%d", run, w, n), 1+n%20)
				mu.Lock()
				sent = append(sent, d)
				mu.Unlock()
				r, err := p.deliver(client, d, w%2 == 0)
				if err != nil {
					return
				}
				d.acked = r.status == http.StatusOK
			}
		})
	}
	wg.Wait()
	return sent
}

func newDelivery(prefix string, n int) *delivery {
	d := &delivery{}
	for i := range n {
		d.ids = append(d.ids, fmt.Sprintf("%s-%d", prefix, i))
	}
	return d
}

// at returns the time of the i-th message of a body.
func at(i int) int64 { return killStart + int64(i)*450 }

func (p *process) deliver(client *http.Client, d *delivery, webhook bool) (reply, error) {
	if !webhook {
		return trySend(client, http.MethodPost, p.url+"/waybill/v1/events", eventLines(d), "Authorization", "Bearer own-token-0123456789")
	}
	var statuses []status
	for i, id := range d.ids {
		statuses = append(statuses, newStatus(id, "sent", at(i)))
	}
	body := statusBody("102290129340398", "16315551000", statuses...)
	return trySend(client, http.MethodPost, p.url+"/webhooks/meta/7001", body,
		"Content-Type", "application/json", "X-Hub-Signature-256", sign("app-secret-0123456789", body))
}

func eventLines(d *delivery) string {
	var lines strings.Builder
	for i, id := range d.ids {
		fmt.Fprintf(&lines, `{"channel":"102290129340398","message":%q,"status":"sent","at":%d}`+"\n", id, at(i)*1000)
	}
	return lines.String()
}

// resend sends a body again and returns how many of its events were new.
func (p *process) resend(d *delivery) int {
	p.t.Helper()
	r, err := p.deliver(http.DefaultClient, d, false)
	if err != nil || r.status != http.StatusOK {
		p.t.Fatalf("send again: %v %d %s", err, r.status, r.body)
	}
	var receipt struct{ Changed int }
	if err := json.Unmarshal([]byte(r.body), &receipt); err != nil {
		p.t.Fatal(err)
	}
	return receipt.Changed
}

// sentTotal returns how many messages of the account were sent in all.
func (p *process) sentTotal() int {
	p.t.Helper()
	return p.sum("102290129340398", "graph-token-0123456789", killStart-86400, killStart+40*86400)
}

// sum adds up what the field analytics counts as sent.
func (p *process) sum(waba, token string, from, to int64) int {
	p.t.Helper()
	url := fmt.Sprintf("%s/%s?fields=analytics.start(%d).end(%d).granularity(DAY)", p.url, waba, from, to)
	r := send(p.t, http.DefaultClient, http.MethodGet, url, "", "Authorization", "Bearer "+token)
	var answer struct {
		Analytics struct {
			Points []struct{ Sent int } `json:"data_points"`
		}
	}
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != http.StatusOK {
		p.t.Fatalf("analytics: %d %s", r.status, r.body)
	}
	total := 0
	for _, point := range answer.Analytics.Points {
		total += point.Sent
	}
	return total
}

// verify recomputes the counters of a store that nobody uses.
func verify(t *testing.T, dir string) {
	t.Helper()
	store, err := pebble.Open(dir, pebble.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	differences, err := store.Verify(t.Context(), 10)
	if err != nil || len(differences) > 0 {
		t.Errorf("verify: %v %+v", err, differences)
	}
}
