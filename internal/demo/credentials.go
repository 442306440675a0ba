package demo

import (
	"strings"

	"waybill"
)

// Credentials are what a client needs to call a server with the demo's tenants.
// Their JSON is the file demo.json.
type Credentials struct {
	URL        string             `json:"url"` // of the server, without a slash at its end
	AdminToken string             `json:"admin_token"`
	Alibaba    AlibabaCredentials `json:"alibaba"`
	Meta       MetaCredentials    `json:"meta"`
	Momo       MomoCredentials    `json:"momo"`

	// OwnToken is good for Waybill's own API: events:write, metrics:read.
	OwnToken string `json:"-"`

	// ForeignWABA is the WhatsApp Business Account of the other account,
	// which none of the credentials opens.
	ForeignWABA string `json:"-"`
}

// AlibabaCredentials are for the calls of Chat App Message Service.
type AlibabaCredentials struct {
	Endpoint        string   `json:"endpoint"` // host and port, as the vendor's SDKs want it
	AccessKeyID     string   `json:"access_key_id"`
	AccessKeySecret string   `json:"access_key_secret"`
	CustSpaceID     string   `json:"cust_space_id"`
	TemplateCodes   []string `json:"template_codes"` // those for marketing first
	PhoneNumbers    []string `json:"phone_numbers"`
}

// MetaCredentials are for the calls of the Graph API and for its webhooks.
type MetaCredentials struct {
	BaseURL        string   `json:"base_url"`
	Version        string   `json:"version"`
	AppID          string   `json:"app_id"`
	WABAID         string   `json:"waba_id"`
	AccessToken    string   `json:"access_token"`
	AppSecret      string   `json:"app_secret"`
	VerifyToken    string   `json:"verify_token"`
	PhoneNumberIDs []string `json:"phone_number_ids"`
	PhoneNumbers   []string `json:"phone_numbers"` // in the order of their IDs
}

// MomoCredentials are for the calls of MoMo's Business Page API.
type MomoCredentials struct {
	BaseURL string `json:"base_url"`
	PageID  string `json:"page_id"`
	Token   string `json:"token"`
	APIKey  string `json:"api_key"`

	// For the login and the webhook of the page.
	ClientID      string `json:"client_id"`
	ClientSecret  string `json:"client_secret"`
	WebhookSecret string `json:"webhook_secret"`
}

// momoClient is the ID of the client of MoMo's API.
const momoClient = "demo"

// graphVersion is the version of the Graph API in examples.
const graphVersion = "v25.0"

// At returns c for a server at the given URL, whose operator has the given token.
func (c Credentials) At(url, adminToken string) Credentials {
	url = strings.TrimRight(url, "/")
	_, host, _ := strings.Cut(url, "://")
	c.URL, c.Meta.BaseURL, c.Momo.BaseURL = url, url, url
	c.Alibaba.Endpoint, c.AdminToken = host, adminToken
	return c
}

// Credentials returns the credentials of the business, for no server yet.
func (b *Business) Credentials() Credentials {
	s := &b.secrets
	c := Credentials{
		Alibaba: AlibabaCredentials{
			AccessKeyID: s.keyID, AccessKeySecret: s.keySecret, CustSpaceID: b.ids.airline,
		},
		Meta: MetaCredentials{
			Version: graphVersion, AppID: b.ids.app, WABAID: b.ids.shop,
			AccessToken: s.graphToken, AppSecret: s.appSecret, VerifyToken: s.verifyToken,
		},
		Momo: MomoCredentials{
			PageID: b.ids.page, Token: s.pageToken, APIKey: s.pageKey,
			ClientID: momoClient, ClientSecret: s.momoSecret, WebhookSecret: s.pageHook,
		},
		OwnToken: s.ownToken, ForeignWABA: b.ids.clinic,
	}
	for _, l := range b.lines {
		switch {
		case l.provider == waybill.ProviderChatapp:
			c.Alibaba.add(l)
		case l.id == b.ids.shop:
			c.Meta.add(l)
		}
	}
	return c
}

func (c *AlibabaCredentials) add(l *line) {
	for _, t := range l.templates {
		c.TemplateCodes = append(c.TemplateCodes, t.code(0))
	}
	for _, s := range l.senders {
		c.PhoneNumbers = append(c.PhoneNumbers, s.number)
	}
}

func (c *MetaCredentials) add(l *line) {
	for _, s := range l.senders {
		c.PhoneNumbers = append(c.PhoneNumbers, s.number)
		c.PhoneNumberIDs = append(c.PhoneNumberIDs, s.numberID)
	}
}
