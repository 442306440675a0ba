package meta

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"waybill"
	"waybill/internal/ingest"
)

// statusFor returns a webhook with one status for each of accounts.
func statusFor(accounts ...string) string {
	var entries []string
	for _, a := range accounts {
		entries = append(entries, fmt.Sprintf(`{"id":"%s","changes":[{"field":"messages","value":{"statuses":[`+
			`{"id":"wamid.%s","status":"sent","timestamp":"1771000000"}]}}]}`, a, a))
	}
	return `{"object":"whatsapp_business_account","entry":[` + strings.Join(entries, ",") + `]}`
}

// sendAs sends a webhook of one of the apps, which must be taken.
func (b *bench) sendAs(app, body string) {
	b.t.Helper()
	secret := map[string]string{"71": "lucky-old", "72": "rival-secret", "73": "partner-secret"}[app]
	if w := b.do(request("/webhooks/meta/"+app, secret, []byte(body))); w.Code != 200 {
		b.t.Fatalf("app %s answered %d %s", app, w.Code, w.Body)
	}
}

func (b *bench) wantSent(channel string, want int64) {
	b.t.Helper()
	c, _ := b.directory.View().Channel(channel)
	points, err := b.store.Points(context.Background(), waybill.Query{Channels: []waybill.ChannelNumber{c.Number}, To: waybill.MaxInstant})
	if err != nil {
		b.t.Fatal(err)
	}
	var sent int64
	for _, p := range points {
		sent += p.Counts[waybill.Sent]
	}
	if sent != want {
		b.t.Errorf("channel %s has %d sent, want %d", channel, sent, want)
	}
}

func (b *bench) wantOutcome(want string) {
	b.t.Helper()
	if got := strings.Split(b.outcomes(), ", "); !slices.Contains(got, want) {
		b.t.Errorf("outcomes %q, want %q", got, want)
	}
}

func TestAppsWriteOnlyToTheirAccountsChannels(t *testing.T) {
	b := newBench(t)
	for _, app := range []string{"71", "72", "73"} {
		b.sendAs(app, strings.ReplaceAll(statusFor("900100", "900103", "900200"), "wamid.", "wamid."+app))
	}
	b.wantSent("900100", 1) // Lucky
	b.wantSent("900103", 2) // Lucky and its partner
	b.wantSent("900200", 1) // Rival
	b.wantOutcome("foreign 5")
}

const newChannel = `  - {id: "900999", provider: waba, account: "1000000000000001", callback_data: campaign}` + "\n"

func TestParkedBodiesAreRecordedWhenTheirChannelComes(t *testing.T) {
	b := newBench(t)
	two := strings.Replace(statusFor("900999", "900100", "900998"), `"status":"sent"`,
		`"status":"sent","biz_opaque_callback_data":"july"`, 1)
	b.sendAs("71", two)
	b.sendAs("71", strings.ReplaceAll(statusFor("900999"), "wamid.", "wamid.later"))
	b.sendAs("72", strings.ReplaceAll(statusFor("900999"), "wamid.", "wamid.rival"))
	b.sendAs("71", `{"object":"whatsapp_business_account","entry":[{"id":"900999","time":1771000000,"changes":[{"field":"message_template_status_update",`+
		`"value":{"message_template_id":5,"message_template_language":"en","event":"APPROVED"}}]}]}`)
	b.wantSent("900100", 1)
	b.wantOutcome("parked 5")

	b.apply(tenants + newChannel)
	b.wantSent("900999", 2)
	b.wantSent("900100", 1)
	if got := b.everything("900999"); !slices.Contains(got, "session campaign=july: accepted 1 sent 1") {
		t.Errorf("counted %q: callback data not read as the new channel says", got)
	}
	if _, ok := b.directory.View().Template("900999", "5", "en"); !ok {
		t.Error("the parked template is not in the registry")
	}
	b.wantOutcome("replayed 3") // not the rival's, nor that of 900998

	// What somebody else signed is kept: it is theirs once they may write.
	b.apply(strings.Replace(tenants+newChannel, `callback_data: campaign}`+"\n", `callback_data: campaign, isv: "1000000000000002"}`+"\n", 2))
	if err := b.hook.ReplayAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantSent("900999", 3)
	b.wantOutcome("replayed 4")
}

// Anybody can sign bodies about an account that nobody owns yet.
func TestNobodyIsShutOutOfParking(t *testing.T) {
	b := newBench(t)
	for i := range ingest.DefaultMaxPerKey + 5 {
		b.sendAs("72", strings.ReplaceAll(statusFor("900999"), "wamid.", fmt.Sprintf("wamid.%d.", i)))
	}
	b.wantOutcome("parking_full 5")
	b.sendAs("71", statusFor("900999"))
	b.apply(tenants + newChannel)
	b.wantSent("900999", 1)
	b.wantOutcome("replayed 1")
}

// What counts nothing needs not be kept.
func TestNothingIsParkedThatCountsNothing(t *testing.T) {
	b := newBench(t)
	b.post(`{"object":"whatsapp_business_account","entry":[{"id":"900999","time":1771000000,"changes":[` +
		`{"field":"account_update","value":{"event":"PARTNER_ADDED"}}]}]}`)
	if got := b.outcomes(); got != "ignored 1" {
		t.Errorf("outcomes %s", got)
	}
}

func TestParkingOfOneBodyIsBounded(t *testing.T) {
	b := newBench(t)
	var accounts []string
	for i := range maxParkedAccounts + 8 {
		accounts = append(accounts, fmt.Sprint(800000+i))
	}
	b.post(statusFor(append(accounts, accounts[0])...))
	b.wantOutcome(fmt.Sprintf("parked %d", maxParkedAccounts))
	b.wantOutcome("parking_full 8")
}

func TestReplayStopsWhereNothingCanBeRecorded(t *testing.T) {
	b := newBench(t)
	b.sendAs("71", statusFor("900999"))
	b.store.broken = context.DeadlineExceeded
	b.apply(tenants + newChannel)
	b.store.broken = nil
	b.wantSent("900999", 0)
	if err := b.hook.ReplayAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.wantSent("900999", 1)
}

// TestWebhooksTeachTheIDsOfNumbers checks that an app teaches only of its own
// account, and that the first ID of a number stays.
func TestWebhooksTeachTheIDsOfNumbers(t *testing.T) {
	b := newBench(t)
	body := func(account, number, id string) string {
		return strings.Replace(statusFor(account), `"statuses"`,
			fmt.Sprintf(`"metadata":{"display_phone_number":"%s","phone_number_id":"%s"},"statuses"`, number, id), 1)
	}
	b.sendAs("72", body("900100", "+1 312-555-0142", "666")) // the rival's app
	b.sendAs("71", body("900100", "+1 312-555-0142", "880042"))
	b.sendAs("71", body("900100", "13125550142", "880043"))
	b.sendAs("71", body("900100", "13125550143", "no-id"))
	c, _ := b.directory.View().Channel("900100")
	if len(c.SenderIDs) != 1 || c.SenderIDs["13125550142"] != "880042" {
		t.Errorf("the IDs of numbers are %v", c.SenderIDs)
	}
}
