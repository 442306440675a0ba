package directory_test

import (
	"reflect"
	"slices"
	"testing"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/pebble"
	"waybill/internal/store/storetest"
)

// TestViewAfterReopening writes the directory into the embedded store.
func TestViewAfterReopening(t *testing.T) {
	dir := t.TempDir()
	store, err := pebble.Open(dir, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, store)
	mustApply(t, d, small, directory.ApplyOptions{})
	mustApply(t, d, acme, directory.ApplyOptions{Prune: true})
	learn(t, d, directory.TemplateFact{Channel: "130035", Code: "a/b %", Language: "vi", At: 5, Status: "APPROVED"})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if store, err = pebble.Open(dir, pebble.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	v := mustOpen(t, store).View()
	if !reflect.DeepEqual(v, d.View()) {
		t.Errorf("the view is\n%+v\nand was\n%+v", v, d.View())
	}
	c, ok := v.Channel("cams-acme")
	if !ok || c.Provider != waybill.ProviderChatapp || c.Account != "1234567890123456" || c.ISV != "6543210987654321" ||
		c.ISVCode != env["ISV_CODE"] || c.Zone.String() != "Asia/Shanghai" || !slices.Equal(c.Senders, []string{"8613800000000"}) ||
		c.Callback != waybill.CallbackJSON || !slices.Equal(c.WebhookSecrets, []string{env["HOOK"]}) {
		t.Errorf("channel is %+v", c)
	}
	if h, ok := v.ChannelByWebhook(env["HOOK"]); !ok || h.ID != c.ID {
		t.Errorf("channel of the webhook is %+v", h)
	}
	c, _ = v.Channel("102290129340398")
	if c.Name != "Acme's" || c.Currency != "USD" || c.Callback != waybill.CallbackCampaign || c.Namespace != "ns_1" ||
		c.MetricsEnabled != 1767225600 || c.Zone.String() != "America/Los_Angeles" {
		t.Errorf("channel is %+v", c)
	}
	if a, ok := v.App("634974688087057"); !ok || a.Account != "1234567890123456" || len(v.Apps()) != 1 ||
		!slices.Equal(a.Secrets, []string{env["APP_SECRET"], "older-s3cret"}) || a.VerifyToken != env["VERIFY"] {
		t.Errorf("app is %+v", a)
	}
	if k, u, ok := v.AccessKey("LTAI0000"); !ok || k.Secret != env["ACME_SECRET"] || u.Name != "reporter" ||
		len(v.Users(u.Account)) != 1 ||
		string(u.Policies[0]) != `{"Statement":[{"Action":"cams:Get*","Effect":"Allow","Resource":"*"}],"Version":"1"}` {
		t.Errorf("access key is %+v of %+v", k, u)
	}
	if m, ok := v.MomoClient("acme"); !ok || m.Secret != env["MOMO_SECRET"] || !slices.Equal(m.Pages, []string{"130035"}) ||
		!slices.Equal(m.Groups, []string{waybill.GroupReport}) {
		t.Errorf("MoMo client is %+v", m)
	}
	if tok, ok := v.Token(env["ACME_TOKEN"]); !ok || tok.Name != "dashboard" || tok.App != "634974688087057" || len(v.Tokens()) != 1 {
		t.Errorf("token is %+v", tok)
	}
	if a, ok := v.Account("1234567890123456"); !ok || a.Name != "Acme" || !slices.Equal(a.Products, []string{"cams"}) || len(v.Accounts()) != 2 {
		t.Errorf("account is %+v", a)
	}
	if tpl, ok := v.Template("130035", "a/b %", "vi"); !ok || tpl.Status != "APPROVED" {
		t.Errorf("template is %+v", tpl)
	}
	if tpl, ok := v.Template("cams-acme", "1100", "en"); !ok || tpl.Buttons[0] != (waybill.Button{Type: "quick_reply_button", Text: "Yes"}) {
		t.Errorf("template is %+v", tpl)
	}
	ids := func(cs []waybill.Channel) (ids []string) {
		for _, c := range cs {
			ids = append(ids, c.ID)
		}
		return ids
	}
	want := []string{"102290129340398", "130035", "cams-acme"}
	if !slices.Equal(ids(v.Channels()), want) || !slices.Equal(ids(v.ChannelsOf("1234567890123456")), want) {
		t.Errorf("channels are %v", ids(v.Channels()))
	}
}

func TestDisabledAccessKeyStaysDisabled(t *testing.T) {
	store := storetest.NewModel()
	doc := replace(t, acme, `"${ACME_SECRET}"}`, `"${ACME_SECRET}", disabled: true}`)
	mustApply(t, mustOpen(t, store), doc, directory.ApplyOptions{})
	k, u, ok := mustOpen(t, store).View().AccessKey("LTAI0000")
	if !ok || !k.Disabled || !u.AccessKeys[0].Disabled {
		t.Errorf("access key is %+v of %+v", k, u)
	}
}
