package directory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

const acmeID, isvID = "1234567890123456", "6543210987654321"

func put(t testing.TB, d *directory.Directory, r directory.Ref, body string) bool {
	t.Helper()
	created, err := d.Put(t.Context(), r, []byte(body), directory.Condition{})
	if err != nil {
		t.Fatalf("Put(%s): %v", body, err)
	}
	return created
}

func acmeDirectory(t testing.TB) (*directory.Directory, waybill.Store) {
	t.Helper()
	store := storetest.NewModel()
	d := mustOpen(t, store)
	mustApply(t, d, acme, directory.ApplyOptions{})
	return d, store
}

func TestPutChannel(t *testing.T) {
	d, store := acmeDirectory(t)
	var added []string
	d.OnChannel(func(_ context.Context, c waybill.Channel) { added = append(added, c.ID) })
	body := `{"provider":"waba","account":"1234567890123456","name":"${HOME} 🙂","senders":["+1 555-0100"]}`
	if !put(t, d, directory.ChannelRef("new"), body) || put(t, d, directory.ChannelRef("new"), body) {
		t.Error("the first Put does not make the channel, or the second makes it again")
	}
	for _, d := range []*directory.Directory{d, mustOpen(t, store)} {
		c, ok := d.View().Channel("new")
		if !ok || c.Name != "${HOME} 🙂" || c.Zone.String() != "America/Los_Angeles" || c.Senders[0] != "15550100" {
			t.Errorf("the channel is %+v", c)
		}
	}
	if fmt.Sprint(added) != "[new]" {
		t.Errorf("announced are %s", added)
	}

	// What a reader is not told stays, what he left out goes.
	before, _ := d.View().Channel("cams-acme")
	put(t, d, directory.ChannelRef("cams-acme"), `{"provider":"chatapp","account":"1234567890123456","isv":"6543210987654321","time_zone":"Asia/Jakarta"}`)
	after, _ := d.View().Channel("cams-acme")
	if after.Number != before.Number || !reflect.DeepEqual(after.WebhookSecrets, before.WebhookSecrets) || after.ISVCode != before.ISVCode {
		t.Errorf("the number or secrets changed from %+v to %+v", before, after)
	}
	if after.Senders != nil || after.Zone.String() != "Asia/Jakarta" {
		t.Errorf("the channel is %+v", after)
	}
	put(t, d, directory.ChannelRef("cams-acme"), `{"provider":"chatapp","account":"1234567890123456","webhook_secrets":[]}`)
	if after, _ := d.View().Channel("cams-acme"); after.WebhookSecrets != nil || after.ISVCode != "" {
		t.Errorf("the secrets are %q and %q", after.WebhookSecrets, after.ISVCode)
	}
}

func TestPutOthers(t *testing.T) {
	d, _ := acmeDirectory(t)
	put(t, d, directory.AccountRef(acmeID), `{"name":"Acme Ltd"}`)
	if a, _ := d.View().Account(acmeID); a.Name != "Acme Ltd" || a.Products != nil || len(d.View().Users(acmeID)) != 1 {
		t.Errorf("the account is %+v", a)
	}
	put(t, d, directory.UserRef(acmeID, "reporter"), `{"policies":[{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}]}`)
	u, _ := d.View().User(acmeID, "reporter")
	if len(u.AccessKeys) != 1 || u.AccessKeys[0].Secret != env["ACME_SECRET"] || !strings.Contains(string(u.Policies[0]), "Deny") {
		t.Errorf("the user is %+v", u)
	}
	put(t, d, directory.TemplateRef("cams-acme", "1100", "en"), `{"category":"UTILITY","buttons":[]}`)
	m, _ := d.View().Template("cams-acme", "1100", "en")
	if m.Name != "spring_sale" || m.Category != "UTILITY" || len(m.Buttons) != 0 {
		t.Errorf("the template is %+v", m)
	}
}

func TestPutRefuses(t *testing.T) {
	d, store := acmeDirectory(t)
	before, _ := store.Records(t.Context(), "")
	channel := directory.ChannelRef("130035")
	for _, tt := range []struct {
		name string
		ref  directory.Ref
		body string
		want string
	}{
		{"another account", channel, `{"provider":"momo","account":"6543210987654321"}`, `channel "130035" belongs to account 1234567890123456 and cannot move to 6543210987654321: delete it, then add it again with an empty history`},
		{"another provider", channel, `{"provider":"waba","account":"1234567890123456"}`, `cannot become waba`},
		{"an unknown account", channel, `{"provider":"momo","account":"1234567890123457"}`, `account: account "1234567890123457" does not exist`},
		{"a missing field", channel, `{"account":"1234567890123456"}`, `provider: is missing`},
		{"an unknown field", channel, `{"provider":"momo","acount":"1234567890123456"}`, `acount: unknown key, did you mean "account"?`},
		{"a wrong item", channel, `{"provider":"momo","account":"1234567890123456","senders":["1","x"]}`, `senders[1]: "x" has no digits`},
		{"no object", channel, `[]`, "no object"},
		{"a webhook secret of another", channel, `{"provider":"momo","account":"1234567890123456","webhook_secrets":["s3cret-of-hook"]}`, "its webhook secret is in use already"},
		{"a wrong ID", directory.AccountRef("12"), `{}`, `"12" is not 16 digits`},
		{"a wrong policy", directory.UserRef(acmeID, "x"), `{"policies":[{"Version":"2","Statement":[]}]}`, `policies[0].Version: must be "1"`},
		{"a template of no channel", directory.TemplateRef("none", "1", "en"), `{}`, `channel "none" does not exist`},
		{"rates along", directory.AccountRef(acmeID), `{"rates":[]}`, `rates are not put along with the account`},
		{"keys along", directory.UserRef(acmeID, "reporter"), `{"access_keys":[]}`, `access_keys are not put along with the user`},
		{"a token", directory.TokenRef(acmeID, "x"), `{}`, `a token cannot be put`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.Put(t.Context(), tt.ref, []byte(tt.body), directory.Condition{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, not %s", err, tt.want)
			}
		})
	}
	if after, _ := store.Records(t.Context(), ""); !reflect.DeepEqual(before, after) {
		t.Error("something was changed")
	}
}

func TestCondition(t *testing.T) {
	d, _ := acmeDirectory(t)
	r := directory.ChannelRef("130035")
	change := func(name string, c directory.Condition) error {
		_, err := d.Put(t.Context(), r, fmt.Appendf(nil, `{"provider":"momo","account":%q,"name":%q}`, acmeID, name), c)
		return err
	}
	first := d.View().Version(r)
	if err := change("a", directory.Condition{Match: []string{"x", first}}); err != nil {
		t.Fatal(err)
	}
	if again := d.View().Version(r); again == first || again == "" {
		t.Fatalf("the version is %q and was %q", again, first)
	}
	for _, c := range []directory.Condition{{Match: []string{first}}, {Match: []string{}}, {New: true}} {
		if err := change("b", c); !errors.Is(err, directory.ErrStale) {
			t.Errorf("with %+v the error is %v", c, err)
		}
		if err := d.Delete(t.Context(), r, c); !errors.Is(err, directory.ErrStale) {
			t.Errorf("deleted with %+v the error is %v", c, err)
		}
	}
	if err := change("b", directory.Condition{Match: []string{"*"}}); err != nil {
		t.Error(err)
	}
	r = directory.ChannelRef("none")
	if err := change("c", directory.Condition{Match: []string{"*"}}); !errors.Is(err, directory.ErrStale) {
		t.Errorf("of what does not exist the error is %v", err)
	}
	if err := change("c", directory.Condition{New: true}); err != nil {
		t.Error(err)
	}
}

// TestVersionTellsSecrets has secrets changed, which no reader sees.
func TestVersionTellsSecrets(t *testing.T) {
	d, store := acmeDirectory(t)
	for name, r := range map[string]directory.Ref{
		"${HOOK}": directory.ChannelRef("cams-acme"), "${ACME_SECRET}": directory.UserRef(acmeID, "reporter"),
		"spring_sale, language: en": directory.TemplateRef("cams-acme", "1100", "en"), "${ACME_TOKEN}": directory.TokenRef(acmeID, "dashboard"),
	} {
		before := d.View().Version(r)
		if reopened := mustOpen(t, store).View().Version(r); reopened != before {
			t.Errorf("%s: the version is %q, reopened %q", name, before, reopened)
		}
		mustApply(t, d, replace(t, acme, name, strings.Replace(name, name[:1], "x", 1)), directory.ApplyOptions{})
		if after := d.View().Version(r); after == before || after == "" {
			t.Errorf("%s: the version stays %q", name, after)
		}
		mustApply(t, d, acme, directory.ApplyOptions{})
	}
}

func TestDelete(t *testing.T) {
	d, _ := acmeDirectory(t)
	del := func(r directory.Ref) error { return d.Delete(t.Context(), r, directory.Condition{}) }
	wantError(t, del(directory.AccountRef(acmeID)), waybill.Conflict, `account "1234567890123456" still has channel "102290129340398"`)
	wantError(t, del(directory.AccountRef(isvID)), waybill.Conflict, `account "6543210987654321" still has channel "cams-acme"`)
	secret, err := d.IssueToken(t.Context(), waybill.Token{Name: "bound", Account: acmeID, User: "reporter", Scopes: []string{waybill.ScopeMetricsRead}})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, del(directory.UserRef(acmeID, "reporter")), waybill.Conflict, `user "reporter" still has token "bound"`)
	for _, r := range []directory.Ref{
		directory.TokenRef(acmeID, "bound"), directory.TokenRef(acmeID, "dashboard"), directory.UserRef(acmeID, "reporter"), directory.TemplateRef("cams-acme", "1100", "id"),
		directory.ChannelRef("cams-acme"), directory.ChannelRef("102290129340398"), directory.ChannelRef("130035"), directory.AccountRef(acmeID),
	} {
		if err := del(r); err != nil {
			t.Errorf("Delete(%v): %v", r, err)
		}
		wantError(t, del(r), waybill.NotFound, "does not exist")
	}
	if _, ok := d.View().BoundToken(secret); ok || len(d.View().Apps()) != 0 || len(d.View().Templates("cams-acme")) != 0 {
		t.Error("parts of what was deleted are left")
	}
	mustApply(t, d, acme, directory.ApplyOptions{})
	if c, _ := d.View().Channel("130035"); c.Number <= 3 {
		t.Errorf("a channel that was deleted has number %d again", c.Number)
	}
}

// TestLosses has a document drop a channel that has messages.
func TestLosses(t *testing.T) {
	d, store := acmeDirectory(t)
	c, _ := d.View().Channel("130035")
	for i := range 3 {
		e := waybill.Event{Channel: c.Number, Message: fmt.Sprint(i), Status: waybill.StatusSent, At: waybill.InstantOf(start)}
		if _, err := store.Append(t.Context(), []waybill.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	want := "- channel 130035: its history is lost, of 3 messages\n- channel cams-acme\n"
	for _, opt := range []directory.ApplyOptions{{Prune: true, DryRun: true}, {Prune: true}} {
		if diff := mustApply(t, d, small, opt); !strings.Contains(diff, want) {
			t.Errorf("the diff is\n%s", diff)
		}
	}
}

func TestAccessKeys(t *testing.T) {
	d, store := acmeDirectory(t)
	k, err := d.IssueAccessKey(t.Context(), acmeID, "reporter")
	if err != nil || !regexp.MustCompile(`^WBAK[A-Z2-7]{20}$`).MatchString(k.ID) || len(k.Secret) != 43 {
		t.Fatalf("the key is %q, %v", k.ID, err)
	}
	// Documents do not name it; it stays as long as its user does.
	for _, opt := range []directory.ApplyOptions{{}, {Prune: true}} {
		if diff := mustApply(t, d, acme, opt); diff != "" {
			t.Errorf("the diff is %s", diff)
		}
	}
	for _, d := range []*directory.Directory{d, mustOpen(t, store)} {
		if got, u, ok := d.View().AccessKey(k.ID); !ok || got != k || u.Name != "reporter" {
			t.Errorf("the key is %+v of %+v", got, u)
		}
	}
	for _, disabled := range []bool{true, true, false} {
		if err := d.DisableAccessKey(t.Context(), acmeID, "reporter", k.ID, disabled); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := d.View().AccessKey(k.ID); got.Disabled != disabled {
			t.Errorf("disabled is %t", got.Disabled)
		}
	}
	put(t, d, directory.UserRef(acmeID, "reporter"), `{}`)
	if u, _ := d.View().User(acmeID, "reporter"); len(u.AccessKeys) != 2 {
		t.Errorf("the user is %+v", u)
	}
	// The same ID elsewhere would make two users one.
	other := replace(t, acme, "      - name: reporter\n", "      - {name: thief, access_keys: [{id: "+k.ID+", secret: x}]}\n      - name: reporter\n")
	if _, err := d.Apply(t.Context(), mustParse(t, other), directory.ApplyOptions{}); err == nil || !strings.Contains(err.Error(), "is in use by user") {
		t.Errorf("the error is %v", err)
	}
	for _, id := range []string{k.ID, "LTAI0000"} {
		if err := d.DeleteAccessKey(t.Context(), acmeID, "reporter", id); err != nil {
			t.Fatal(err)
		}
		wantError(t, d.DeleteAccessKey(t.Context(), acmeID, "reporter", id), waybill.NotFound, "does not exist")
	}
	_, err = d.IssueAccessKey(t.Context(), isvID, "reporter")
	wantError(t, err, waybill.NotFound, "does not exist")
}

func TestTokenOfUser(t *testing.T) {
	bound := replace(t, acme, "    apps:", "      - {name: bound, token: the-bound-token, scopes: [metrics:read], user: reporter}\n    apps:")
	d := mustOpen(t, storetest.NewModel())
	mustApply(t, d, bound, directory.ApplyOptions{})
	if _, ok := d.View().Token("the-bound-token"); ok {
		t.Error("a bound token is given to who does not ask the policies")
	}
	if token, ok := d.View().BoundToken("the-bound-token"); !ok || token.User != "reporter" {
		t.Errorf("the token is %+v, %t", token, ok)
	}
	for text, want := range map[string]string{
		"scopes: [metrics:read], user: reportr":   `"reportr" is no user of 1234567890123456 of this document, did you mean "reporter"?`,
		`scopes: ["momo:report"], user: reporter`: "its scopes may be admin, events:write, metrics:read, not momo:report",
	} {
		_, err := directory.Parse(strings.NewReader(replace(t, bound, "scopes: [metrics:read], user: reporter", text)), getenv)
		wantError(t, err, waybill.Invalid, want)
	}
	// With its user an issued token goes.
	secret, err := d.IssueToken(t.Context(), waybill.Token{Name: "issued", Account: acmeID, User: "reporter", Scopes: []string{waybill.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, d, bound, directory.ApplyOptions{Prune: true})
	if _, ok := d.View().BoundToken(secret); !ok {
		t.Error("the token is gone though its user stays")
	}
	mustApply(t, d, small, directory.ApplyOptions{Prune: true})
	if _, ok := d.View().BoundToken(secret); ok {
		t.Error("the token is there though its user is gone")
	}
}

// TestPutIsApply checks that an object means the same in a document and by itself.
func TestPutIsApply(t *testing.T) {
	place := regexp.MustCompile(`line \d+: (accounts\[0\]\.users|channels|templates)\[0\]\.?`)
	rapid.Check(t, func(rt *rapid.T) {
		body := map[string]any{
			"provider": rapid.SampledFrom([]string{"waba", "chatapp", "momo", "x"}).Draw(rt, "provider"),
			"account":  rapid.SampledFrom([]string{acmeID, isvID}).Draw(rt, "account"),
		}
		for key, values := range map[string][]any{
			"isv": {acmeID, isvID}, "isv_code": {"c", ""}, "name": {"a name", "", "\x01", "$${", `"\`, 7},
			"time_zone": {"Asia/Jakarta", "Mars", 1}, "currency": {"USD", "usd"}, "senders": {[]any{"1", "2"}, []any{"1", "1"}, []any{}, []any{map[string]any{"number": "1", "id": "9"}}, "1"},
			"metrics_enabled_at": {"2026-01-01T00:00:00Z", "2026"}, "callback_data": {"json", "xml"}, "namespace": {"n"},
			"template_insights": {"enabled", "disabled", "on"}, "webhook_secrets": {[]any{"s", "t"}, []any{"s", "s"}}, "unknown": {1},
		} {
			if rapid.Bool().Draw(rt, "has "+key) && (key != "unknown" || rapid.IntRange(0, 9).Draw(rt, "unknown") == 0) {
				body[key] = rapid.SampledFrom(values).Draw(rt, key)
			}
		}
		text, _ := json.Marshal(body)
		one, both := mustOpen(t, storetest.NewModel()), mustOpen(t, storetest.NewModel())
		accounts := fmt.Sprintf("accounts: [{id: %q}, {id: %q}]\n", acmeID, isvID)
		mustApply(t, one, accounts, directory.ApplyOptions{})
		mustApply(t, both, accounts, directory.ApplyOptions{})

		_, err := one.Put(t.Context(), directory.ChannelRef("c"), text, directory.Condition{})
		body["id"] = "c"
		whole, _ := json.Marshal(map[string]any{"accounts": []any{map[string]any{"id": acmeID}, map[string]any{"id": isvID}}, "channels": []any{body}})
		doc, parsed := directory.Parse(strings.NewReader(strings.ReplaceAll(string(whole), "$${", "$$${")), getenv)
		if parsed == nil {
			_, parsed = both.Apply(t.Context(), doc, directory.ApplyOptions{})
		}
		if (err == nil) != (parsed == nil) {
			rt.Fatalf("%s: by itself %v, in a document %v", text, err, parsed)
		}
		if err != nil {
			in := strings.Split(place.ReplaceAllString(parsed.Error(), ""), "\n")
			if by := strings.Split(err.Error(), "\n"); len(by) != len(in) {
				rt.Fatalf("%s: by itself %q, in a document %q", text, by, in)
			}
			return
		}
		a, _ := one.View().Channel("c")
		b, _ := both.View().Channel("c")
		if !reflect.DeepEqual(a, b) {
			rt.Fatalf("%s: by itself %+v, in a document %+v", text, a, b)
		}
	})
}

func TestAccessKeysAreBounded(t *testing.T) {
	d, _ := acmeDirectory(t)
	for i := range 100 {
		_, err := d.IssueAccessKey(t.Context(), acmeID, "reporter")
		if i < 99 != (err == nil) { // one came with the document
			t.Fatalf("key %d: %v", i, err)
		}
	}
	_, err := d.IssueAccessKey(t.Context(), acmeID, "reporter")
	wantError(t, err, waybill.TooLarge, `user "reporter" has 100 access keys, more cannot be made`)
}

// FuzzPut has bodies of all kinds put: what is taken is the same when it is read
// again, and what is refused changes nothing.
func FuzzPut(f *testing.F) {
	refs := []directory.Ref{
		directory.ChannelRef("cams-acme"), directory.ChannelRef("new"), directory.AccountRef(acmeID), directory.UserRef(acmeID, "reporter"),
		directory.TemplateRef("cams-acme", "1100", "en"), directory.UserRef(acmeID, "a/b"),
	}
	for i, body := range []string{
		`{"provider":"chatapp","account":"1234567890123456","senders":["1",{"number":"2","id":"3"}],"webhook_secrets":["x"]}`,
		`{"provider":"waba","account":"1234567890123456","metrics_enabled_at":"2026-01-01T00:00:00Z","template_insights":"enabled"}`,
		`{"name":"a","products":["cams"],"rates":[{"category":"MARKETING","price":"1","currency":"USD"}]}`,
		`{"policies":[{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}]}`,
		`{"category":"UTILITY","buttons":[{"type":"a","text":"b"}]}`, `{"policies":[{"Version":1e400,"x":{"y":[null,true]}}]}`, `[]`, `{`,
	} {
		f.Add(uint8(i), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		d, store := acmeDirectory(t)
		r := refs[int(which)%len(refs)]
		before := d.View().Version(r)
		_, err := d.Put(t.Context(), r, body, directory.Condition{})
		after := d.View().Version(r)
		if err != nil && after != before {
			t.Errorf("refused with %v, the version changed", err)
		}
		if err == nil {
			if again := mustOpen(t, store).View().Version(r); again != after {
				t.Errorf("the version is %q, read again %q", after, again)
			}
		}
	})
}
