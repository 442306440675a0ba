package rest

import (
	"context"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/store/storetest"
)

// The accounts of the matrix: one that most roles are of, its ISV, and a stranger.
const (
	ownAccount, isvAccount, foreignAccount = "1000000000000001", "2000000000000002", "3000000000000003"
	unknownID                              = "4000000000000004"
)

const matrixTenants = `
accounts:
  - id: "` + ownAccount + `"
    name: own account
    users:
      - name: own-user
        access_keys: [{id: own-key, secret: own-key-secret}]
      - name: allowed
        policies: [{Version: "1", Statement: [{Effect: Allow, Action: "waybill:*", Resource: "acs:waybill:*:` + ownAccount + `:*"}]}]
      - name: denied
        policies: [{Version: "1", Statement: [{Effect: Allow, Action: "cams:*", Resource: "*"}]}]
      - name: explicit
        policies:
          - {Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
          - {Version: "1", Statement: [{Effect: Deny, Action: "waybill:*", Resource: ["acs:waybill:*:*:channel/own", "acs:waybill:*:*:account/` + ownAccount + `"]}]}
    tokens:
      - {name: own-token, token: a-token-of-own, scopes: [admin]}
      - {name: events, token: role-events, scopes: ["events:write"]}
      - {name: metrics, token: role-metrics, scopes: ["metrics:read"]}
      - {name: admin, token: role-admin, scopes: [admin]}
      - {name: limited, token: role-limited, scopes: [admin], channels: [own]}
      - {name: allowed, token: role-allowed, scopes: [admin], user: allowed}
      - {name: denied, token: role-denied, scopes: [admin], user: denied}
      - {name: explicit, token: role-explicit, scopes: [admin], user: explicit}
      - {name: expired, token: role-expired, scopes: [admin], expires: 2026-11-20T11:00:00Z}
  - id: "` + isvAccount + `"
    name: the ISV
    tokens: [{name: isv, token: role-isv, scopes: [admin]}]
  - id: "` + foreignAccount + `"
    name: marker-account-name
    products: [cams]
    users: [{name: marker-user, access_keys: [{id: marker-key, secret: marker-key-secret}], policies: [{Version: "1", Statement: [{Sid: marker-sid, Effect: Allow, Action: "*", Resource: "*"}]}]}]
    tokens: [{name: marker-token, token: role-other, scopes: [admin]}]
    apps: [{id: marker-app, secrets: [marker-app-secret], verify_token: marker-verify}]
    momo_clients: [{id: marker-client, secret: marker-client-secret}]
channels:
  - {id: own, provider: waba, account: "` + ownAccount + `", webhook_secrets: [own-webhook]}
  - {id: shared, provider: waba, account: "` + ownAccount + `", isv: "` + isvAccount + `", isv_code: the-code}
  - {id: marker-channel, provider: waba, account: "` + foreignAccount + `", name: marker-channel-name, senders: ["999000111222"], webhook_secrets: [marker-webhook]}
templates:
  - {channel: own, code: code, language: en, name: own-template}
  - {channel: shared, code: code, language: en, name: shared-template}
  - {channel: marker-channel, code: code, language: en, name: marker-template, buttons: [{type: reply, text: marker-button}]}
`

// roles are the columns of the matrix: name and bearer token.
var roles = []struct{ name, token string }{
	{"none", ""},
	{"wrong", "no-such-token"},
	{"expired", "role-expired"},
	{"other", "role-other"},
	{"events", "role-events"},
	{"metrics", "role-metrics"},
	{"admin", "role-admin"},
	{"limited", "role-limited"},
	{"allowed", "role-allowed"},
	{"denied", "role-denied"},
	{"explicit", "role-explicit"},
	{"isv", "role-isv"},
	{"operator", "operator"},
}

// A thing is what a call is about.
type thing struct{ name, channel, account, user, key, token string }

var things = []thing{
	{"own", "own", ownAccount, "own-user", "own-key", "own-token"},
	{"shared", "shared", "", "", "", ""},
	{"foreign", "marker-channel", foreignAccount, "marker-user", "marker-key", "marker-token"},
	{"unknown", "none", unknownID, "nobody", "no-key", "no-token"},
}

// newMatrix returns an API with the tenants of the matrix, some messages and
// segments. Its clock is the fixture's.
func newMatrix(t testing.TB) *fixture {
	t.Helper()
	store := storetest.NewModel()
	now := func() time.Time { return noon }
	d, err := directory.Open(t.Context(), store, directory.Key{1}, directory.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	document, err := directory.Parse(strings.NewReader(matrixTenants), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), document, directory.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	operator, err := d.IssueToken(t.Context(), waybill.Token{Name: "operator", Scopes: []string{waybill.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{store: store, operator: operator, API: New(Options{
		Directory: d, Store: store, Now: now, Version: "1.2.3",
		Backup:       func(context.Context, string) error { return nil },
		Recorder:     ingest.NewRecorder(store, ingest.RecorderOptions{Now: now}),
		TemporaryKey: func(string, string, time.Duration) (TemporaryKey, error) { return TemporaryKey{AccessKeyID: "k"}, nil },
	})}
	for _, c := range d.View().Channels() {
		mark := "plain"
		if c.Account == foreignAccount {
			mark = "marker"
		}
		labels := waybill.Labels{}
		labels.Set(waybill.LabelTemplate, mark+"-code", waybill.RankOwn)
		labels.Set(waybill.LabelCampaign, mark+"-campaign", waybill.RankOwn)
		_, err := store.Append(t.Context(), []waybill.Event{{
			Channel: c.Number, Message: "m-1", Status: waybill.StatusSent, At: waybill.InstantOf(noon.Add(-time.Hour)),
			Recipient: map[string]string{"plain": "6281", "marker": "888777666555"}[mark], Labels: labels,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.PutSegments(t.Context(), []waybill.Segment{{
			Channel: c.Number, ID: "s-1", Campaign: mark + "-campaign", CreatedAt: noon.UnixMilli(), Source: waybill.FromSnapshots,
		}}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}
