package demo

import (
	"bytes"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"waybill"
)

// document is the YAML document of tenants.
type document struct {
	Accounts  []accountEntry  `yaml:"accounts"`
	Channels  []channelEntry  `yaml:"channels"`
	Templates []templateEntry `yaml:"templates"`
}

type accountEntry struct {
	ID       string       `yaml:"id"`
	Name     string       `yaml:"name"`
	Products []string     `yaml:"products,omitempty,flow"`
	Users    []userEntry  `yaml:"users,omitempty"`
	Tokens   []tokenEntry `yaml:"tokens,omitempty"`
	Apps     []appEntry   `yaml:"apps,omitempty"`
	Clients  []pageClient `yaml:"momo_clients,omitempty"`
	Rates    []rateEntry  `yaml:"rates,omitempty"`
}

type rateEntry struct {
	Category string `yaml:"category"`
	Country  string `yaml:"country,omitempty"`
	Price    string `yaml:"price"`
	Currency string `yaml:"currency"`
}

type senderEntry struct {
	Number string `yaml:"number"`
	ID     string `yaml:"id,omitempty"`
}

type userEntry struct {
	Name       string        `yaml:"name"`
	Policies   []policyEntry `yaml:"policies"`
	AccessKeys []keyEntry    `yaml:"access_keys"`
}

type policyEntry struct {
	Version   string           `yaml:"Version"`
	Statement []statementEntry `yaml:"Statement"`
}

type statementEntry struct {
	Effect   string `yaml:"Effect"`
	Action   string `yaml:"Action"`
	Resource string `yaml:"Resource"`
}

type keyEntry struct {
	ID     string `yaml:"id"`
	Secret string `yaml:"secret"`
}

type tokenEntry struct {
	Name     string   `yaml:"name"`
	Token    string   `yaml:"token"`
	Scopes   []string `yaml:"scopes,flow"`
	Channels []string `yaml:"channels,omitempty,flow"`
	App      string   `yaml:"app,omitempty"`
}

type appEntry struct {
	ID          string   `yaml:"id"`
	Secrets     []string `yaml:"secrets,flow"`
	VerifyToken string   `yaml:"verify_token"`
}

type pageClient struct {
	ID     string   `yaml:"id"`
	Secret string   `yaml:"secret"`
	Pages  []string `yaml:"pages,flow"`
	Groups []string `yaml:"groups,flow"`
}

type channelEntry struct {
	ID             string        `yaml:"id"`
	Provider       string        `yaml:"provider"`
	Account        string        `yaml:"account"`
	Name           string        `yaml:"name"`
	Zone           string        `yaml:"time_zone"`
	Currency       string        `yaml:"currency,omitempty"`
	Senders        []senderEntry `yaml:"senders,omitempty,flow"`
	MetricsEnabled string        `yaml:"metrics_enabled_at,omitempty"`
	Namespace      string        `yaml:"namespace,omitempty"`
	Insights       string        `yaml:"template_insights,omitempty"`
	WebhookSecrets []string      `yaml:"webhook_secrets,omitempty,flow"`
}

type templateEntry struct {
	Channel  string        `yaml:"channel"`
	Code     string        `yaml:"code"`
	Name     string        `yaml:"name"`
	Language string        `yaml:"language"`
	Category string        `yaml:"category,omitempty"`
	Buttons  []buttonEntry `yaml:"buttons,omitempty"`
}

type buttonEntry struct {
	Type string `yaml:"type"`
	Text string `yaml:"text"`
}

// Directory returns the YAML document of the tenants with their secrets: an
// account with channels of all three vendors and the only Meta app, and a
// foreign one with a small WhatsApp Business Account.
func (b *Business) Directory() ([]byte, error) {
	doc := document{Accounts: []accountEntry{b.account(), {ID: b.ids.foreign, Name: "Lakeside Clinic"}}}
	for _, l := range b.lines {
		doc.Channels = append(doc.Channels, b.channel(l))
		doc.Templates = append(doc.Templates, l.templateEntries()...)
	}
	var text bytes.Buffer
	text.WriteString("# The tenants of the demo. All of it is made up.\n")
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(doc); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

func (b *Business) account() accountEntry {
	s, report := &b.secrets, waybill.MomoScope(waybill.GroupReport)
	return accountEntry{
		ID: b.ids.account, Name: "Harbor Group", Products: []string{"cams"},
		Users: []userEntry{{
			Name:       "demo",
			Policies:   []policyEntry{{"1", []statementEntry{{"Allow", "cams:*", "*"}}}},
			AccessKeys: []keyEntry{{s.keyID, s.keySecret}},
		}},
		Tokens: []tokenEntry{
			{"demo", s.graphToken, []string{"whatsapp_business_management", "whatsapp_business_messaging"}, []string{b.ids.shop}, b.ids.app},
			{"events", s.ownToken, []string{waybill.ScopeEventsWrite, waybill.ScopeMetricsRead}, nil, ""},
			{"page", s.pageToken, []string{report}, []string{b.ids.page}, ""},
			{"page key", s.pageKey, []string{report}, []string{b.ids.page}, ""},
		},
		Apps:    []appEntry{{b.ids.app, []string{s.appSecret}, s.verifyToken}},
		Clients: []pageClient{{momoClient, s.momoSecret, []string{b.ids.page}, []string{waybill.GroupReport}}},
		Rates:   rates(),
	}
}

// rates returns a made-up rate card for the countries of the shop's customers.
func rates() []rateEntry {
	const currency = "USD"
	list := []rateEntry{
		{marketing, "", "0.0604", currency}, {utility, "", "0.0077", currency}, {authentication, "", "0.0077", currency},
	}
	for _, r := range []struct{ country, marketing, utility string }{
		{"BR", "0.0625", "0.0068"},
		{"DE", "0.1365", "0.0550"},
		{"ID", "0.0411", "0.0250"},
		{"IN", "0.0118", "0.0014"},
		{"MX", "0.0305", "0.0085"},
		{"US", "0.0250", "0.0034"},
	} {
		list = append(list, rateEntry{marketing, r.country, r.marketing, currency},
			rateEntry{utility, r.country, r.utility, currency}, rateEntry{authentication, r.country, r.utility, currency})
	}
	return list
}

func (b *Business) channel(l *line) channelEntry {
	c := channelEntry{
		ID: l.id, Provider: l.provider.String(), Account: l.account, Name: l.name,
		Zone: l.zone.String(),
	}
	for _, s := range l.senders {
		c.Senders = append(c.Senders, senderEntry{s.number, s.numberID})
	}
	switch l.provider {
	case waybill.ProviderWABA:
		c.Currency = "USD"
		c.Namespace = namespace(b.options.Seed, l)
		c.Insights = string(waybill.InsightsEnabled)
	case waybill.ProviderMomo:
		c.WebhookSecrets = []string{b.secrets.pageHook}
	case waybill.ProviderChatapp:
		c.MetricsEnabled = l.first.bucket.Start.Time().Format(time.RFC3339)
	}
	return c
}

// namespace returns the message_template_namespace of a WhatsApp Business
// Account, in the form 8_4_4_4_12 of hexadecimal digits.
func namespace(seed uint64, l *line) string {
	r := (&Business{options: Options{Seed: seed}}).chance("namespace", l.name)
	hex := string(serial(r, "0123456789abcdef", 32))
	return hex[:8] + "_" + hex[8:12] + "_" + hex[12:16] + "_" + hex[16:20] + "_" + hex[20:]
}

func (l *line) templateEntries() []templateEntry {
	var entries []templateEntry
	for i := range l.templates {
		t := &l.templates[i]
		for n, language := range t.languages {
			e := templateEntry{Channel: l.id, Code: t.code(n), Name: t.name, Language: language, Category: t.category}
			for _, b := range t.buttons {
				e.Buttons = append(e.Buttons, buttonEntry(b.pressed(n)))
			}
			entries = append(entries, e)
		}
	}
	return entries
}
