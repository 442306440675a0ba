package demo

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"waybill/internal/directory"
)

func documentOf(t *testing.T, b *Business) (document, string) {
	t.Helper()
	text, err := b.Directory()
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, string(text)
}

func TestTheDirectoryHasNoMistakes(t *testing.T) {
	for seed := range uint64(5) {
		_, text := documentOf(t, New(Options{Seed: seed, Days: 90, Now: now}))
		none := func(string) (string, bool) { return "", false }
		if _, err := directory.Parse(strings.NewReader(text), none); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

func TestTheTenants(t *testing.T) {
	b := New(Options{Seed: 1, Days: 90, Now: now})
	doc, text := documentOf(t, b)
	t.Log("\n" + text)
	var apps int
	for _, a := range doc.Accounts {
		apps += len(a.Apps)
		if len(a.ID) != 16 {
			t.Errorf("account %s has not 16 digits", a.ID)
		}
	}
	if apps != 1 || len(doc.Accounts) != 2 || len(doc.Channels) != 4 {
		t.Errorf("%d apps, %d accounts, %d channels", apps, len(doc.Accounts), len(doc.Channels))
	}
	demo := doc.Accounts[0].Tokens[0]
	if demo.Name != "demo" || demo.App != doc.Accounts[0].Apps[0].ID ||
		!slices.Equal(demo.Scopes, []string{"whatsapp_business_management", "whatsapp_business_messaging"}) {
		t.Errorf("the token for Meta is %+v", demo)
	}
	codes := make(map[string]bool)
	for _, e := range doc.Templates {
		codes[e.Channel+" "+e.Code+" "+e.Language] = true
	}
	for e := range events(Options{Seed: 1, Days: 2, Now: now}) {
		l := e.Labels.Values()
		channel := b.lines[e.Channel-1].id
		if l[1] != "" && !codes[channel+" "+l[1]+" "+l[2]] {
			t.Fatalf("template %s in %s is not in the directory", l[1], l[2])
		}
	}
}

func TestMetricsAreEnabledSinceTheFirstDay(t *testing.T) {
	b := New(Options{Seed: 1, Days: 30, Now: now})
	doc, _ := documentOf(t, b)
	if got, want := doc.Channels[1].MetricsEnabled, "2026-10-23T16:00:00Z"; got != want {
		t.Errorf("metrics are enabled at %s, not %s", got, want)
	}
	for e := range events(b.options) {
		if e.Channel == airlineChannel && e.At < b.lines[1].first.bucket.Start {
			t.Fatalf("a message at %s", e.At.Time())
		}
	}
}

func TestSecretsAreRandomAndNamesAreNot(t *testing.T) {
	a := New(Options{Seed: 1, Days: 90, Now: now}).Credentials().At("http://127.0.0.1:8080/", "admin")
	b := New(Options{Seed: 1, Days: 90, Now: now}).Credentials().At("http://127.0.0.1:8080/", "admin")
	c := New(Options{Seed: 2, Days: 90, Now: now}).Credentials().At("http://127.0.0.1:8080/", "admin")
	for name, read := range map[string]func(Credentials) string{
		"access key id": func(c Credentials) string { return c.Alibaba.AccessKeyID },
		"access key":    func(c Credentials) string { return c.Alibaba.AccessKeySecret },
		"access token":  func(c Credentials) string { return c.Meta.AccessToken },
		"app secret":    func(c Credentials) string { return c.Meta.AppSecret },
		"verify token":  func(c Credentials) string { return c.Meta.VerifyToken },
		"page token":    func(c Credentials) string { return c.Momo.Token },
		"page key":      func(c Credentials) string { return c.Momo.APIKey },
		"page secret":   func(c Credentials) string { return c.Momo.ClientSecret },
		"page hook":     func(c Credentials) string { return c.Momo.WebhookSecret },
		"own token":     func(c Credentials) string { return c.OwnToken },
	} {
		if len(read(a)) < 20 || read(a) == read(b) {
			t.Errorf("%s is %q, then %q", name, read(a), read(b))
		}
	}
	if a.Meta.WABAID != b.Meta.WABAID || a.Alibaba.CustSpaceID != b.Alibaba.CustSpaceID ||
		!slices.Equal(a.Alibaba.TemplateCodes, b.Alibaba.TemplateCodes) {
		t.Error("the same seed gives other names")
	}
	if a.Meta.WABAID == c.Meta.WABAID || a.Meta.AppID == c.Meta.AppID {
		t.Error("another seed gives the same names")
	}
}

// demoKeys are the keys of demo.json, objects with theirs.
var demoKeys = map[string][]string{
	"":        {"url", "admin_token", "alibaba", "meta", "momo"},
	"alibaba": {"endpoint", "access_key_id", "access_key_secret", "cust_space_id", "template_codes", "phone_numbers"},
	"meta": {
		"base_url", "version", "app_id", "waba_id", "access_token", "app_secret", "verify_token",
		"phone_number_ids", "phone_numbers",
	},
	"momo": {"base_url", "page_id", "token", "api_key", "client_id", "client_secret", "webhook_secret"},
}

func TestDemoJSONHasItsKeys(t *testing.T) {
	text, err := json.Marshal(New(Options{Seed: 1, Days: 90, Now: now}).Credentials().At("http://127.0.0.1:8080/", "admin"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for name, keys := range demoKeys {
		object := file
		if name != "" {
			object, _ = file[name].(map[string]any)
		}
		got := slices.Sorted(maps.Keys(object))
		if want := slices.Sorted(slices.Values(keys)); !slices.Equal(got, want) {
			t.Errorf("%q has %q, not %q", name, got, want)
		}
		for key, value := range object {
			if list, ok := value.([]any); value == "" || value == nil || ok && len(list) < 2 {
				t.Errorf("%s.%s is %v", name, key, value)
			}
		}
	}
	if endpoint := file["alibaba"].(map[string]any)["endpoint"]; endpoint != "127.0.0.1:8080" || file["url"] != "http://127.0.0.1:8080" {
		t.Errorf("endpoint %v of %v", endpoint, file["url"])
	}
	if bytes.Contains(text, []byte(New(Options{Seed: 1, Days: 90, Now: now}).ids.clinic)) {
		t.Error("demo.json names the foreign account")
	}
}
