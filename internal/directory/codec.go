package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill"
)

// The records of entries are JSON. What is secret lies encrypted in Sealed, the
// JSON of a struct that is named after the record.

type accountRecord struct {
	ID       string   `json:"id"`
	Name     string   `json:"name,omitempty"`
	Products []string `json:"products,omitempty"`
}

type userRecord struct {
	Account    string            `json:"account"`
	Name       string            `json:"name"`
	Policies   []json.RawMessage `json:"policies,omitempty"`
	AccessKeys []string          `json:"access_keys,omitempty"`
	Disabled   []string          `json:"disabled_keys,omitempty"` // those of AccessKeys
	Issued     []string          `json:"issued_keys,omitempty"`   // those of AccessKeys
	Sealed     []byte            `json:"sealed,omitempty"`
}

type userSecrets struct {
	AccessKeys []string `json:"access_keys"` // in the order of the record's
}

type tokenRecord struct {
	Account  string          `json:"account,omitempty"`
	Name     string          `json:"name"`
	SHA256   []byte          `json:"sha256"`
	Issued   bool            `json:"issued,omitempty"`
	Scopes   []string        `json:"scopes"`
	Channels []string        `json:"channels,omitempty"`
	App      string          `json:"app,omitempty"`
	User     string          `json:"user,omitempty"`
	Expires  waybill.Instant `json:"expires,omitempty"`
}

type appRecord struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Sealed  []byte `json:"sealed"`
}

type appSecrets struct {
	Secrets     []string `json:"secrets"`
	VerifyToken string   `json:"verify_token,omitempty"`
}

type momoClientRecord struct {
	ID      string   `json:"id"`
	Account string   `json:"account"`
	Pages   []string `json:"pages,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	Sealed  []byte   `json:"sealed"`
}

type momoClientSecrets struct {
	Secret string `json:"secret"`
}

type channelRecord struct {
	ID             string                 `json:"id"`
	Number         waybill.ChannelNumber  `json:"number"`
	Provider       string                 `json:"provider"`
	Account        string                 `json:"account"`
	ISV            string                 `json:"isv,omitempty"`
	Name           string                 `json:"name,omitempty"`
	Zone           string                 `json:"time_zone"`
	Currency       string                 `json:"currency,omitempty"`
	Senders        []string               `json:"senders,omitempty"`
	MetricsEnabled waybill.Instant        `json:"metrics_enabled_at,omitempty"`
	Callback       waybill.CallbackFormat `json:"callback_data"`
	Namespace      string                 `json:"namespace,omitempty"`
	Insights       waybill.Insights       `json:"insights,omitempty"`
	SenderIDs      map[string]string      `json:"sender_ids,omitempty"`
	Sealed         []byte                 `json:"sealed,omitempty"`
}

type channelSecrets struct {
	ISVCode        string   `json:"isv_code,omitempty"`
	WebhookSecrets []string `json:"webhook_secrets,omitempty"`
}

func (a account) encode(sealer) ([]byte, error) {
	return json.Marshal(accountRecord{a.ID, a.Account.Name, a.Products})
}

func (u user) encode(s sealer) ([]byte, error) {
	r := userRecord{Account: u.Account, Name: u.User.Name, Policies: u.Policies, Issued: u.issued}
	var secrets userSecrets
	for _, k := range u.AccessKeys {
		r.AccessKeys = append(r.AccessKeys, k.ID)
		if k.Disabled {
			r.Disabled = append(r.Disabled, k.ID)
		}
		secrets.AccessKeys = append(secrets.AccessKeys, k.Secret)
	}
	var err error
	if r.Sealed, err = s.seal(recordKey(u), secrets); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

func (t token) encode(sealer) ([]byte, error) {
	r := tokenRecord{
		Account: t.Account, Name: t.Token.Name, SHA256: t.hash[:], Issued: t.issued,
		Scopes: t.Scopes, Channels: t.Channels, App: t.App, User: t.User,
	}
	if !t.Expires.IsZero() {
		r.Expires = waybill.InstantOf(t.Expires)
	}
	return json.Marshal(r)
}

func (a app) encode(s sealer) ([]byte, error) {
	sealed, err := s.seal(recordKey(a), appSecrets{a.Secrets, a.VerifyToken})
	if err != nil {
		return nil, err
	}
	return json.Marshal(appRecord{a.ID, a.Account, sealed})
}

func (c momoClient) encode(s sealer) ([]byte, error) {
	sealed, err := s.seal(recordKey(c), momoClientSecrets{c.Secret})
	if err != nil {
		return nil, err
	}
	return json.Marshal(momoClientRecord{c.ID, c.Account, c.Pages, c.Groups, sealed})
}

func (c channel) encode(s sealer) ([]byte, error) {
	r := channelRecord{
		ID: c.ID, Number: c.Number, Provider: c.Provider.String(), Account: c.Account, ISV: c.ISV,
		Name: c.Channel.Name, Zone: c.Zone.String(), Currency: c.Currency, Senders: c.Senders,
		MetricsEnabled: c.MetricsEnabled, Callback: c.Callback, Namespace: c.Namespace,
		Insights: c.Insights, SenderIDs: c.SenderIDs,
	}
	var err error
	if r.Sealed, err = s.seal(recordKey(c), channelSecrets{c.ISVCode, c.WebhookSecrets}); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// decode returns the entry that a record holds.
func decode(r waybill.Record, s sealer) (entry, error) {
	kind, _, _ := strings.Cut(strings.TrimPrefix(r.Key, recordRoot), "/")
	decoders := map[string]func(waybill.Record, sealer) (entry, error){
		"account": decodeAccount, "user": decodeUser, "token": decodeToken, "app": decodeApp,
		"momo_client": decodeMomoClient, "channel": decodeChannel, "template": decodeTemplate,
		"rate": decodeRate,
	}
	decoder, ok := decoders[kind]
	if !ok {
		return nil, fmt.Errorf("record %s is of a kind that this version does not know", r.Key)
	}
	e, err := decoder(r, s)
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", r.Key, err)
	}
	if recordKey(e) != r.Key {
		return nil, fmt.Errorf("record %s holds %s %s", r.Key, e.kind(), e.name())
	}
	return e, nil
}

func decodeAccount(r waybill.Record, _ sealer) (entry, error) {
	var v accountRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	return account{waybill.Account{ID: v.ID, Name: v.Name, Products: v.Products}}, nil
}

func decodeUser(r waybill.Record, s sealer) (entry, error) {
	var v userRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	var secrets userSecrets
	if err := s.open(r.Key, v.Sealed, &secrets); err != nil {
		return nil, err
	}
	if len(secrets.AccessKeys) != len(v.AccessKeys) {
		return nil, fmt.Errorf("%d secrets of %d access keys", len(secrets.AccessKeys), len(v.AccessKeys))
	}
	u := waybill.User{Account: v.Account, Name: v.Name, Policies: v.Policies}
	for i, id := range v.AccessKeys {
		u.AccessKeys = append(u.AccessKeys, waybill.AccessKey{
			ID: id, Secret: secrets.AccessKeys[i], Disabled: slices.Contains(v.Disabled, id),
		})
	}
	return user{User: u, issued: v.Issued}, nil
}

func decodeToken(r waybill.Record, _ sealer) (entry, error) {
	var v tokenRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	t := token{
		Token: waybill.Token{
			Name: v.Name, Account: v.Account, Scopes: v.Scopes, Channels: v.Channels, App: v.App, User: v.User,
		},
		issued: v.Issued,
	}
	if len(v.SHA256) != len(t.hash) {
		return nil, fmt.Errorf("a hash of %d bytes", len(v.SHA256))
	}
	t.hash = tokenHash(v.SHA256)
	if v.Expires != 0 {
		t.Expires = v.Expires.Time()
	}
	return t, nil
}

func decodeApp(r waybill.Record, s sealer) (entry, error) {
	var v appRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	var secrets appSecrets
	if err := s.open(r.Key, v.Sealed, &secrets); err != nil {
		return nil, err
	}
	return app{waybill.App{
		ID: v.ID, Account: v.Account, Secrets: secrets.Secrets, VerifyToken: secrets.VerifyToken,
	}}, nil
}

func decodeMomoClient(r waybill.Record, s sealer) (entry, error) {
	var v momoClientRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	var secrets momoClientSecrets
	if err := s.open(r.Key, v.Sealed, &secrets); err != nil {
		return nil, err
	}
	return momoClient{waybill.MomoClient{
		ID: v.ID, Account: v.Account, Secret: secrets.Secret, Pages: v.Pages, Groups: v.Groups,
	}}, nil
}

func decodeChannel(r waybill.Record, s sealer) (entry, error) {
	var v channelRecord
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, err
	}
	var secrets channelSecrets
	if err := s.open(r.Key, v.Sealed, &secrets); err != nil {
		return nil, err
	}
	provider, ok := waybill.ParseProvider(v.Provider)
	if !ok {
		return nil, fmt.Errorf("%q is no provider", v.Provider)
	}
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		return nil, err
	}
	return channel{waybill.Channel{
		ID: v.ID, Number: v.Number, Provider: provider, Account: v.Account, ISV: v.ISV,
		ISVCode: secrets.ISVCode, Name: v.Name, Zone: zone, Currency: v.Currency,
		Senders: v.Senders, MetricsEnabled: v.MetricsEnabled, Callback: v.Callback,
		Namespace: v.Namespace, WebhookSecrets: secrets.WebhookSecrets,
		Insights: v.Insights, SenderIDs: v.SenderIDs,
	}}, nil
}
