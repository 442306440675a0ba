package directory_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

func TestApplyTwice(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	if diff := mustApply(t, d, acme, directory.ApplyOptions{}); diff != `+ account 1234567890123456 (Acme, cams)
+ account 6543210987654321 (An ISV)
+ user 1234567890123456/reporter (LTAI0000)
+ token 1234567890123456/dashboard (whatsapp_business_management,metrics:read, 102290129340398)
+ app 634974688087057 (1234567890123456)
+ momo_client acme (1234567890123456)
+ channel 102290129340398 (waba, America/Los_Angeles)
+ channel 130035 (momo, Asia/Ho_Chi_Minh)
+ channel cams-acme (chatapp, Asia/Shanghai)
+ template cams-acme/1100/en (spring_sale, MARKETING)
+ template cams-acme/1100/id (spring_sale)
` {
		t.Errorf("the first diff is\n%s", diff)
	}
	before, err := store.Records(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, opt := range []directory.ApplyOptions{{}, {Prune: true}} {
		if diff := mustApply(t, d, acme, opt); diff != "" {
			t.Errorf("the second diff is\n%s", diff)
		}
	}
	// Nonces are random: records that were written again would differ.
	after, err := store.Records(t.Context(), "")
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("the second apply wrote something: %v", err)
	}
}

func TestDiff(t *testing.T) {
	tests := []struct {
		name     string
		old, new string
		want     string
	}{
		{"a scope less", "[whatsapp_business_management, metrics:read]", "[metrics:read]", "~ token 1234567890123456/dashboard: scopes whatsapp_business_management,metrics:read -> metrics:read\n"},
		{"another token", "${ACME_TOKEN}", "another", "~ token 1234567890123456/dashboard: token *** -> ***\n"},
		{"no expiry", ", expires: 2030-01-01T00:00:00+07:00", "", "~ token 1234567890123456/dashboard: expires 2029-12-31T17:00:00Z -> none\n"},
		{"all channels", `, channels: ["102290129340398"]`, "", "~ token 1234567890123456/dashboard: channels 102290129340398 -> none\n"},
		{"a rotated app secret", "older-s3cret", "newer-s3cret", "~ app 634974688087057: secrets ***,*** -> ***,***\n"},
		{"an app secret less", ", older-s3cret", "", "~ app 634974688087057: secrets ***,*** -> ***\n"},
		{"another access key", "LTAI0000", "LTAI1111", "~ user 1234567890123456/reporter: access_keys LTAI0000 -> LTAI1111; secret of LTAI1111 none -> ***; secret of LTAI0000 *** -> none\n"},
		{"another secret of an access key", "${ACME_SECRET}", "x", "~ user 1234567890123456/reporter: secret of LTAI0000 *** -> ***\n"},
		{"a disabled access key", `"${ACME_SECRET}"}`, `"${ACME_SECRET}", disabled: true}`, "~ user 1234567890123456/reporter: state of LTAI0000 none -> disabled\n"},
		{"an access key that is not disabled", `"${ACME_SECRET}"}`, `"${ACME_SECRET}", disabled: false}`, ""},
		{"a wider policy", `Action: "cams:Get*"`, `Action: "*"`, `~ user 1234567890123456/reporter: policies {"Statement":[{"Action":"cams:Get*","Effect":"Allow","Resource":"*"}],"Version":"1"} -> {"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}],"Version":"1"}` + "\n"},
		{"another order of keys in a policy", `Effect: Allow, Action: "cams:Get*"`, `Action: "cams:Get*", Effect: Allow`, ""},
		{"another zone and name", "time_zone: Asia/Shanghai", "time_zone: Asia/Jakarta, name: Acme", "~ channel cams-acme: name none -> Acme; time_zone Asia/Shanghai -> Asia/Jakarta\n"},
		{"the same number written otherwise", "+86 138-0000-0000", "8613800000000", ""},
		{"no ISV", `, isv: "6543210987654321", isv_code: "${ISV_CODE}"`, "", "~ channel cams-acme: isv 6543210987654321 -> none; isv_code *** -> none\n"},
		{"another webhook secret", "${HOOK}", "x", "~ channel cams-acme: webhook_secrets *** -> ***\n"},
		{"a MoMo client without groups", ", groups: [report]", "", "~ momo_client acme: groups report -> none\n"},
		{"another category", "MARKETING", "UTILITY", "~ template cams-acme/1100/en: category MARKETING -> UTILITY\n"},
		{"a template field left out stays", ", category: MARKETING", "", ""},
		{"no buttons", `[{type: quick_reply_button, text: "Yes"}]`, "[]", "~ template cams-acme/1100/en: buttons quick_reply_button Yes -> none\n"},
		{"a name that steers terminals", "name: Acme\n", "name: \"A\u202ecme\"\n", "~ account 1234567890123456: name Acme -> A\ufffdcme\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustOpen(t, storetest.NewModel())
			mustApply(t, d, acme, directory.ApplyOptions{})
			changed := replace(t, acme, tt.old, tt.new)
			dry := mustApply(t, d, changed, directory.ApplyOptions{DryRun: true})
			diff := mustApply(t, d, changed, directory.ApplyOptions{})
			if diff != tt.want || dry != diff {
				t.Errorf("diff is\n%sdry run is\n%swant\n%s", diff, dry, tt.want)
			}
			if diff := mustApply(t, d, changed, directory.ApplyOptions{Prune: true}); diff != "" {
				t.Errorf("the second diff is\n%s", diff)
			}
		})
	}
}

func TestPrune(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	mustApply(t, d, acme, directory.ApplyOptions{})
	secrets := make(map[string]string)
	for _, account := range []string{"", "1234567890123456", "6543210987654321"} {
		secret, err := d.IssueToken(t.Context(), waybill.Token{Name: "ops", Account: account, Scopes: []string{waybill.ScopeAdmin}})
		if err != nil {
			t.Fatal(err)
		}
		secrets[account] = secret
	}
	learn(t, d, directory.TemplateFact{Channel: "130035", Code: "7", Language: "vi", At: 5, Name: "learnt"})
	learn(t, d, directory.TemplateFact{Channel: "cams-acme", Code: "7", Language: "vi", At: 5, Name: "learnt"})

	if diff := mustApply(t, d, small, directory.ApplyOptions{}); diff !=
		"+ channel one (waba, America/Los_Angeles)\n" {
		t.Errorf("without prune the diff is\n%s", diff)
	}
	kept := small + `  - {id: "130035", provider: momo, account: "1234567890123456"}` + "\n"
	kept = replace(t, kept, "channels: [{id: one, provider: waba, account: \"1234567890123456\"}]\n", "channels:\n")
	if diff := mustApply(t, d, kept, directory.ApplyOptions{Prune: true}); diff != `~ account 1234567890123456: name Acme -> none; products cams -> none
- account 6543210987654321
- user 1234567890123456/reporter
- token 1234567890123456/dashboard
- token 6543210987654321/ops
- app 634974688087057
- momo_client acme
- channel 102290129340398
- channel cams-acme
- channel one
- template cams-acme/1100/en
- template cams-acme/1100/id
- template cams-acme/7/vi
` {
		t.Errorf("with prune the diff is\n%s", diff)
	}
	for _, d := range []*directory.Directory{d, mustOpen(t, store)} {
		for account, want := range map[string]bool{"": true, "1234567890123456": true, "6543210987654321": false} {
			if _, ok := d.View().Token(secrets[account]); ok != want {
				t.Errorf("the issued token of account %q is good: %t", account, ok)
			}
		}
		if _, ok := d.View().Template("130035", "7", "vi"); !ok {
			t.Error("a learnt template of a channel that stays was pruned")
		}
		if n := len(d.View().Templates("cams-acme")) + len(d.View().ChannelsOf("6543210987654321")); n != 0 {
			t.Errorf("%d things of pruned ones are left", n)
		}
		if _, ok := d.View().ChannelByWebhook(env["HOOK"]); ok {
			t.Error("the webhook of a pruned channel is left")
		}
	}
	if diff := mustApply(t, d, "{}", directory.ApplyOptions{Prune: true}); !strings.Contains(diff, "- account 1234567890123456\n") {
		t.Errorf("pruning everything: %s", diff)
	}
}

func TestNumbersAreNeverReused(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	two := replace(t, small, "channels: [", `channels: [{id: two, provider: momo, account: "1234567890123456"}, `)
	numbers := func() (one, two waybill.ChannelNumber) {
		a, _ := d.View().Channel("one")
		b, _ := d.View().Channel("two")
		return a.Number, b.Number
	}
	for i, step := range []struct {
		text     string
		reopen   bool
		one, two waybill.ChannelNumber
	}{
		{small, false, 1, 0},
		{two, false, 1, 2},
		{small, false, 1, 0},
		{two, false, 1, 3},
		{"{}", true, 0, 0},
		{two, false, 4, 5},
		{replace(t, two, "one, provider: waba", "one, provider: waba, name: x"), true, 4, 5},
	} {
		mustApply(t, d, step.text, directory.ApplyOptions{Prune: true})
		if step.reopen {
			d = mustOpen(t, store)
		}
		if a, b := numbers(); a != step.one || b != step.two {
			t.Errorf("step %d: numbers are %d and %d, want %d and %d", i, a, b, step.one, step.two)
		}
	}
	d = mustOpen(t, forgetful{store})
	mustApply(t, d, replace(t, small, "one", "three"), directory.ApplyOptions{Prune: true})
	if c, ok := d.View().Channel("three"); !ok || c.Number != 6 {
		t.Errorf("in a store that forgot its channels the next number is %d", c.Number)
	}
	if c, ok := d.View().ChannelByNumber(6); !ok || c.ID != "three" {
		t.Errorf("channel 6 is %+v", c)
	}
	if _, ok := d.View().ChannelByNumber(1); ok {
		t.Error("a number that was pruned is still found")
	}
}

// A forgetful store does not tell which channels it once had.
type forgetful struct{ waybill.Store }

func (forgetful) Channels(context.Context) ([]waybill.ChannelState, error) { return nil, nil }

func TestDryRunChangesNothing(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	d.OnChannel(func(context.Context, waybill.Channel) { t.Error("a dry run adds a channel") })
	before, _ := store.Records(t.Context(), "")
	view := d.View()
	if diff := mustApply(t, d, acme, directory.ApplyOptions{DryRun: true}); !strings.HasPrefix(diff, "+ account 1234567890123456 (Acme, cams)\n") {
		t.Errorf("diff is %q", diff)
	}
	after, _ := store.Records(t.Context(), "")
	if !reflect.DeepEqual(before, after) || d.View() != view {
		t.Error("a dry run changed something")
	}
}

func TestApplyRefuses(t *testing.T) {
	const base = `accounts:
  - id: "1234567890123456"
    users: [{name: u, access_keys: [{id: LTAI1, secret: s}]}]
    tokens: [{name: t, token: same, scopes: [admin]}]
  - id: "6543210987654321"
channels:
  - {id: one, provider: waba, account: "1234567890123456", webhook_secrets: [hook]}
`
	const other = `accounts:
  - id: "6543210987654321"
`
	const prune = ": apply without it and with --prune, then add it again with an empty history"
	tests := []struct {
		name string
		text string
		want string
	}{
		{"a move to another account", replace(t, base, `waba, account: "1234567890123456"`, `waba, account: "6543210987654321"`), `line 7: channels[0]: channel "one" belongs to account 1234567890123456 and cannot move to 6543210987654321` + prune},
		{"another provider", replace(t, base, "waba", "momo"), `line 7: channels[0]: channel "one" is of provider waba and cannot become momo` + prune},
		{"an access key of a user that is not named", other + "    users: [{name: other, access_keys: [{id: LTAI1, secret: s}]}]", `line 3: accounts[0].users[0]: access key "LTAI1" is in use by user 1234567890123456/u, which the document does not name`},
		{"a token that is not named", other + "    tokens: [{name: other, token: same, scopes: [admin]}]", `line 3: accounts[0].tokens[0]: its token is in use by token 1234567890123456/t, which the document does not name`},
		{"a webhook secret that is not named", other + `channels: [{id: x, provider: momo, account: "6543210987654321", webhook_secrets: [hook]}]`, `line 3: channels[0]: its webhook secret is in use by channel one, which the document does not name`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := storetest.NewModel()
			d := mustOpen(t, store)
			mustApply(t, d, base, directory.ApplyOptions{})
			before, _ := store.Records(t.Context(), "")
			_, err := d.Apply(t.Context(), mustParse(t, tt.text), directory.ApplyOptions{})
			if err == nil || err.Error() != tt.want || waybill.CodeOf(err) != waybill.Invalid {
				t.Errorf("error is\n%v\nwant\n%s", err, tt.want)
			}
			after, _ := store.Records(t.Context(), "")
			if !reflect.DeepEqual(before, after) {
				t.Error("a refused document changed something")
			}
			if strings.Contains(tt.want, "in use by") { // free once the other one goes
				mustApply(t, d, tt.text, directory.ApplyOptions{Prune: true})
			}
		})
	}
}

func TestOnChannelRunsAfterTheChannelIsThere(t *testing.T) {
	d := mustOpen(t, storetest.NewModel())
	var added []string
	d.OnChannel(func(ctx context.Context, c waybill.Channel) {
		if got, ok := d.View().ChannelByNumber(c.Number); !ok || got.ID != c.ID {
			t.Errorf("channel %s is not in the view yet", c.ID)
		}
		// The lock is free: the directory can be used.
		if err := d.Learn(ctx, []directory.TemplateFact{{Channel: c.ID, Code: "1", Language: "en", At: 1, Name: "n"}}); err != nil {
			t.Error(err)
		}
		added = append(added, c.ID)
	})
	mustApply(t, d, acme, directory.ApplyOptions{})
	mustApply(t, d, replace(t, acme, "time_zone: Asia/Shanghai", "time_zone: UTC"), directory.ApplyOptions{})
	if want := []string{"102290129340398", "130035", "cams-acme"}; !slices.Equal(added, want) {
		t.Errorf("added %v, want %v", added, want)
	}
}

// TestAccountsKeepWhatIsLeftOut adds to an account by naming it alone.
func TestAccountsKeepWhatIsLeftOut(t *testing.T) {
	d := mustOpen(t, storetest.NewModel())
	mustApply(t, d, `accounts: [{id: "1234567890123456", name: Acme, products: [cams]}]`, directory.ApplyOptions{})
	if diff := mustApply(t, d, `accounts: [{id: "1234567890123456"}]`, directory.ApplyOptions{}); diff != "" {
		t.Errorf("diff is %q", diff)
	}
	mustApply(t, d, `accounts: [{id: "1234567890123456", apps: [{id: "7", secrets: [one]}]}]`, directory.ApplyOptions{})
	moved, err := directory.Parse(strings.NewReader(`accounts: [{id: "6543210987654321", apps: [{id: "7", secrets: [two]}]}]`), getenv)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Apply(t.Context(), moved, directory.ApplyOptions{})
	if err == nil || !strings.Contains(err.Error(), `app "7" belongs to account 1234567890123456 and cannot move to 6543210987654321`) {
		t.Errorf("moving an app: %v", err)
	}
}

// TestOnChannelOutlivesTheCaller: what waits for a channel is not lost because
// the caller hangs up once the channel is there.
func TestOnChannelOutlivesTheCaller(t *testing.T) {
	d := mustOpen(t, storetest.NewModel())
	ctx, hangUp := context.WithCancel(t.Context())
	called := false
	d.OnChannel(func(ctx context.Context, _ waybill.Channel) {
		hangUp()
		called = true
		if err := ctx.Err(); err != nil {
			t.Error(err)
		}
	})
	doc, err := directory.Parse(strings.NewReader(small), getenv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(ctx, doc, directory.ApplyOptions{}); err != nil || !called {
		t.Errorf("applied: %v, called %t", err, called)
	}
}

func TestAFailingStore(t *testing.T) {
	for _, stores := range []bool{false, true} {
		store := &lossy{Store: storetest.NewModel()}
		d := mustOpen(t, store)
		mustApply(t, d, small, directory.ApplyOptions{})
		view := d.View()
		store.fail, store.stores = errors.New("disk on fire"), stores
		two := replace(t, small, "channels: [", `channels: [{id: two, provider: momo, account: "1234567890123456"}, `)
		if _, err := d.Apply(t.Context(), mustParse(t, two), directory.ApplyOptions{}); !errors.Is(err, store.fail) {
			t.Errorf("error is %v", err)
		}
		if d.View() != view {
			t.Error("what the store did not accept is visible")
		}
		store.fail = nil
		three := replace(t, two, "two", "three")
		mustApply(t, d, three, directory.ApplyOptions{})
		want := waybill.ChannelNumber(2)
		if stores { // two has taken number 2, unseen
			want = 3
		}
		if c, _ := d.View().Channel("three"); c.Number != want {
			t.Errorf("stores %t: the next number is %d, want %d", stores, c.Number, want)
		}
		if again := mustOpen(t, store); !reflect.DeepEqual(again.View(), d.View()) {
			t.Error("the view differs from the store")
		}
	}
}

// TestViewsDuringApply reads whole views while documents change everything.
func TestViewsDuringApply(t *testing.T) {
	d := mustOpen(t, storetest.NewModel())
	docs := []*directory.Document{mustParse(t, acme), mustParse(t, small)}
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				v := d.View()
				_, one := v.Channel("one")
				_, cams := v.Channel("cams-acme")
				if n := len(v.Channels()); one && (n != 1 || cams) || cams && n != 3 {
					t.Errorf("a view of %d channels is half of one document and half of another", n)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 2 {
		writers.Go(func() {
			for j := range 50 {
				if _, err := d.Apply(t.Context(), docs[(i+j)%2], directory.ApplyOptions{Prune: true}); err != nil {
					t.Error(err)
				}
				fact := directory.TemplateFact{Channel: "one", Code: "1", Language: "en", At: waybill.Instant(j), Name: "n"}
				if err := d.Learn(t.Context(), []directory.TemplateFact{fact}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}
