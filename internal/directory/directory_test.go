package directory_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

// env is the environment of the tests.
var env = map[string]string{
	"ACME_SECRET": "s3cret-of-reporter", "ACME_TOKEN": "t0ken-of-dashboard", "APP_SECRET": "s3cret-of-app",
	"VERIFY": "v3rify", "MOMO_SECRET": "s3cret-of-momo", "ISV_CODE": "c0de-of-isv", "HOOK": "s3cret-of-hook",
	"LINE": "one\ntwo", "EMPTY": "",
}

func getenv(name string) (string, bool) {
	v, ok := env[name]
	return v, ok
}

// acme is a document that has everything.
const acme = `accounts:
  - id: "1234567890123456"
    name: Acme
    products: [cams]
    users:
      - name: reporter
        policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:Get*", Resource: "*"}]}]
        access_keys: [{id: LTAI0000, secret: "${ACME_SECRET}"}]
    tokens:
      - {name: dashboard, token: "${ACME_TOKEN}", scopes: [whatsapp_business_management, metrics:read], channels: ["102290129340398"], app: "634974688087057", expires: 2030-01-01T00:00:00+07:00}
    apps:
      - {id: "634974688087057", secrets: ["${APP_SECRET}", older-s3cret], verify_token: "${VERIFY}"}
    momo_clients:
      - {id: acme, secret: "${MOMO_SECRET}", pages: ["130035"], groups: [report]}
  - {id: "6543210987654321", name: An ISV}
channels:
  - {id: cams-acme, provider: chatapp, account: "1234567890123456", isv: "6543210987654321", isv_code: "${ISV_CODE}", time_zone: Asia/Shanghai, senders: ["+86 138-0000-0000"], webhook_secrets: ["${HOOK}"]}
  - {id: "102290129340398", provider: waba, account: "1234567890123456", name: Acme's, currency: USD, callback_data: campaign, namespace: ns_1, metrics_enabled_at: 2026-01-01T00:00:00Z}
  - {id: "130035", provider: momo, account: "1234567890123456"}
templates:
  - {channel: cams-acme, code: "1100", name: spring_sale, language: en, category: MARKETING, buttons: [{type: quick_reply_button, text: "Yes"}]}
  - {channel: cams-acme, code: "1100", name: spring_sale, language: id}
`

// small is a document of one account and one channel.
const small = `accounts: [{id: "1234567890123456"}]
channels: [{id: one, provider: waba, account: "1234567890123456"}]
`

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func mustParse(t testing.TB, text string) *directory.Document {
	t.Helper()
	doc, err := directory.Parse(strings.NewReader(text), getenv)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return doc
}

func mustOpen(t testing.TB, store waybill.Store) *directory.Directory {
	t.Helper()
	d, err := directory.Open(t.Context(), store, directory.Key{1}, directory.Options{
		Now: func() time.Time { return start },
	})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return d
}

func mustApply(t testing.TB, d *directory.Directory, text string, opt directory.ApplyOptions) string {
	t.Helper()
	diff, err := d.Apply(t.Context(), mustParse(t, text), opt)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return diff.String()
}

// replace returns text with each old replaced by new, which must change it.
func replace(t testing.TB, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("the text does not contain %q", old)
	}
	return strings.ReplaceAll(text, old, new)
}

func wantError(t testing.TB, err error, code waybill.Code, part string) {
	t.Helper()
	if err == nil || waybill.CodeOf(err) != code || !strings.Contains(err.Error(), part) {
		t.Errorf("error is %v, want one of code %s with %q", err, code, part)
	}
}

func TestLoadKey(t *testing.T) {
	const b64 = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHy8="
	const hexed = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2f"
	store := storetest.NewModel()
	var first directory.Key
	for i, text := range []string{
		b64, hexed, strings.ToUpper(hexed), strings.TrimRight(b64, "="), strings.Replace(b64, "/", "_", 1), b64 + "\n",
	} {
		key, err := directory.LoadKey(t.Context(), store, text, "")
		if i == 0 {
			first = key
		}
		if err != nil || key != first || key[31] != 0x2f {
			t.Errorf("LoadKey of %q = %x, %v", text, key[:], err)
		}
	}
	for _, text := range []string{"short", b64[4:], hexed + "00", "not base64 at all, whatever you say it is!"} {
		_, err := directory.LoadKey(t.Context(), store, text, "")
		wantError(t, err, waybill.Invalid, "WAYBILL_SECRET_KEY is not 32 bytes")
	}
}

func TestKeyFile(t *testing.T) {
	store, file := storetest.NewModel(), filepath.Join(t.TempDir(), "secret.key")
	key, err := directory.LoadKey(t.Context(), store, "", file)
	if err != nil || key == (directory.Key{}) {
		t.Fatalf("LoadKey = %v, %v", key, err)
	}
	if stat, err := os.Stat(file); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("key file has mode %v, %v", stat.Mode(), err)
	}
	again, err := directory.LoadKey(t.Context(), store, "", file)
	if err != nil || again != key {
		t.Errorf("the second LoadKey gives another key: %v", err)
	}
	if _, err := directory.Open(t.Context(), store, key, directory.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = directory.LoadKey(t.Context(), store, "", file)
	wantError(t, err, waybill.Invalid, "is gone, but the store holds secrets encrypted with it")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a key file was made for a store with secrets: %v", err)
	}
	if err := os.WriteFile(file, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = directory.LoadKey(t.Context(), store, "", file)
	wantError(t, err, waybill.Invalid, "is not 32 bytes")
}

func TestOpenRefusesAnotherKey(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store) // the check is there before any secret is
	for range 2 {
		_, err := directory.Open(t.Context(), store, directory.Key{2}, directory.Options{})
		wantError(t, err, waybill.Invalid, "the secret key is not the one that the secrets of this store are encrypted with")
		mustApply(t, d, acme, directory.ApplyOptions{})
	}
}

// TestSecretsAreBoundToTheirRecord moves the encrypted part of one record into
// another.
func TestSecretsAreBoundToTheirRecord(t *testing.T) {
	store := storetest.NewModel()
	mustApply(t, mustOpen(t, store), acme, directory.ApplyOptions{})
	records, err := store.Records(t.Context(), "directory/app/")
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	moved := waybill.Record{
		Key:   "directory/app/1",
		Value: []byte(replace(t, string(records[0].Value), "634974688087057", "1")),
	}
	if err := store.Configure(t.Context(), waybill.Change{Records: []waybill.Record{moved}}); err != nil {
		t.Fatal(err)
	}
	_, err = directory.Open(t.Context(), store, directory.Key{1}, directory.Options{})
	wantError(t, err, waybill.Internal, "decrypt secrets of directory/app/1")
}

func TestSecretsAreNeverInTheClear(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	shown := mustApply(t, d, acme, directory.ApplyOptions{})
	issued, err := d.IssueToken(t.Context(), waybill.Token{Name: "ops", Scopes: []string{waybill.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	changed := acme
	for name, value := range env {
		changed = strings.ReplaceAll(changed, "${"+name+"}", "new-"+value)
	}
	shown += mustApply(t, d, changed, directory.ApplyOptions{})
	shown += mustApply(t, d, small, directory.ApplyOptions{Prune: true})
	mustApply(t, d, acme, directory.ApplyOptions{})

	records, err := store.Records(t.Context(), "")
	if err != nil || len(records) < 12 {
		t.Fatal(len(records), err)
	}
	for _, r := range records {
		shown += r.Key + " " + string(r.Value) + "\n"
	}
	for _, secret := range []string{
		env["ACME_SECRET"], env["ACME_TOKEN"], env["APP_SECRET"], "older-s3cret", env["VERIFY"],
		env["MOMO_SECRET"], env["ISV_CODE"], env["HOOK"], issued, issued[3:],
	} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in the clear", secret)
		}
	}
	if !strings.Contains(shown, "***") || !strings.Contains(shown, "LTAI0000") {
		t.Errorf("what was searched is not what is shown:\n%s", shown)
	}
}

func TestSetMetricsEnabled(t *testing.T) {
	store := storetest.NewModel()
	d := mustOpen(t, store)
	mustApply(t, d, small, directory.ApplyOptions{})
	first := waybill.InstantOf(start)
	for _, at := range []waybill.Instant{first, first + 5, first - 5} {
		standing, err := d.SetMetricsEnabled(t.Context(), "one", at)
		if err != nil || standing != first {
			t.Errorf("SetMetricsEnabled(%d) = %d, %v, want %d", at, standing, err, first)
		}
	}
	if diff := mustApply(t, d, small, directory.ApplyOptions{}); diff != "" {
		t.Errorf("a document without the instant changes it: %s", diff)
	}
	explicit := replace(t, small, "provider: waba", "provider: waba, metrics_enabled_at: 2026-01-02T00:00:00Z")
	if diff := mustApply(t, d, explicit, directory.ApplyOptions{}); diff !=
		"~ channel one: metrics_enabled_at 2026-11-20T10:00:00Z -> 2026-01-02T00:00:00Z\n" {
		t.Errorf("diff is %q", diff)
	}
	want := waybill.ChannelState{Number: 1, Provider: waybill.ProviderWABA, MetricsEnabled: 1767312000}
	if states, err := store.Channels(t.Context()); err != nil || len(states) != 1 || states[0] != want {
		t.Errorf("the store has channels %v, %v, want %v", states, err, want)
	}
	_, err := d.SetMetricsEnabled(t.Context(), "two", first)
	wantError(t, err, waybill.NotFound, `channel "two" does not exist`)
	_, err = d.SetMetricsEnabled(t.Context(), "one", waybill.Never)
	wantError(t, err, waybill.Invalid, "not after 1970")
}

// lossy is a store whose Configure fails, after or before it has stored.
type lossy struct {
	waybill.Store
	fail   error
	stores bool
}

func (s *lossy) Configure(ctx context.Context, c waybill.Change) error {
	if s.fail != nil && !s.stores {
		return s.fail
	}
	if err := s.Store.Configure(ctx, c); err != nil {
		return err
	}
	return s.fail
}
