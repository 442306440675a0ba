package directory

import (
	"strings"
	"time"
	_ "time/tzdata" // the zones of channels, also where the system has none

	yaml "go.yaml.in/yaml/v4"

	"waybill"
)

func (p *parser) account(v value) {
	o := v.object("id", "name", "products", "users", "tokens", "apps", "momo_clients", "rates")
	id := o.must("id")
	a := waybill.Account{
		ID:       id.id(),
		Name:     o.may("name").text(),
		Products: o.may("products").each(product, false),
	}
	if p.define("account", a.ID, id, false) {
		if len(a.ID) != 16 || waybill.Digits(a.ID) != a.ID {
			id.mistake("%q is not 16 digits", a.ID)
		}
		p.put(account{a}, v)
	}
	for _, u := range o.may("users").list() {
		p.user(a.ID, u)
	}
	for _, t := range o.may("tokens").list() {
		p.token(a.ID, t)
	}
	for _, m := range o.may("apps").list() {
		p.app(a.ID, m)
	}
	for _, c := range o.may("momo_clients").list() {
		p.momoClient(a.ID, c)
	}
	p.rates(a.ID, o.may("rates"))
}

func product(v value) string  { return v.choice("product", "cams") }
func scope(v value) string    { return v.choice("scope", scopes()...) }
func group(v value) string    { return v.choice("permission group", waybill.MomoGroups()...) }
func category(v value) string { return v.choice("category", "AUTHENTICATION", "MARKETING", "UTILITY") }

func provider(v value) waybill.Provider {
	var names []string
	for p := waybill.ProviderChatapp; p.String() != ""; p++ {
		names = append(names, p.String())
	}
	p, _ := waybill.ParseProvider(v.choice("provider", names...))
	return p
}

func (p *parser) user(accountID string, v value) {
	o := v.object("name", "policies", "access_keys")
	name := o.must("name")
	u := waybill.User{Account: accountID, Name: name.word()}
	for _, policy := range o.may("policies").list() {
		if text := p.policy(policy); text != nil {
			u.Policies = append(u.Policies, text)
		}
	}
	for _, k := range o.may("access_keys").list() {
		key := k.object("id", "secret", "disabled")
		id := key.must("id")
		access := waybill.AccessKey{
			ID: id.id(), Secret: key.must("secret").secret(), Disabled: key.may("disabled").truth(),
		}
		if p.define("access key", access.ID, id, false) {
			u.AccessKeys = append(u.AccessKeys, access)
		}
	}
	if p.define("user of "+accountID, u.Name, name, false) {
		p.put(user{User: u}, v)
	}
}

// minToken is the length below which a token draws a warning, in bytes.
const minToken = 16

func (p *parser) token(accountID string, v value) {
	o := v.object("name", "token", "scopes", "channels", "app", "user", "expires")
	name, secret := o.must("name"), o.must("token")
	t := waybill.Token{
		Name:     name.word(),
		Account:  accountID,
		Scopes:   o.must("scopes").filled().each(scope, false),
		Channels: o.may("channels").filled().each(p.channelOf(accountID, 0), false),
		App:      o.may("app").id(),
		User:     o.may("user").word(),
	}
	p.refer("user of "+accountID, t.User, o.may("user"), nil)
	if problem := boundProblem(&t); problem != "" {
		o.may("user").mistake("%s", problem)
	}
	if expires := o.may("expires").instant(); expires != waybill.Never {
		t.Expires = expires.Time()
	}
	p.refer("app", t.App, o.may("app"), func() {
		if owner := p.apps[t.App]; owner != accountID {
			o.may("app").mistake("app %q belongs to account %s, not to %s", t.App, owner, accountID)
		}
	})
	text := secret.secret()
	if text != "" && len(text) < minToken {
		p.warn(secret, "is shorter than %d bytes, so that it can be guessed", minToken)
	}
	p.define("token", text, secret, true)
	if p.define("token of "+accountID, t.Name, name, false) {
		p.put(token{Token: t, hash: hashToken(text)}, v)
	}
}

// channelOf returns a reader of the ID of a channel that the account may write
// to, of the given provider or, where that is 0, of any.
func (p *parser) channelOf(accountID string, of waybill.Provider) func(value) string {
	return func(v value) string {
		id := v.id()
		p.refer("channel", id, v, func() {
			c, read := p.channels[id]
			switch {
			case !read || accountID == "":
			case !c.Writable(accountID):
				v.mistake("channel %q belongs to account %s, not to %s", id, c.Account, accountID)
			case of != 0 && c.Provider != 0 && c.Provider != of:
				v.mistake("channel %q is of provider %s, not %s", id, c.Provider, of)
			}
		})
		return id
	}
}

// maxAppSecrets is how many secrets of an app are tried for each webhook.
const maxAppSecrets = 8

func (p *parser) app(accountID string, v value) {
	o := v.object("id", "secrets", "verify_token")
	id, secrets := o.must("id"), o.must("secrets")
	a := waybill.App{
		ID:          id.id(),
		Account:     accountID,
		Secrets:     secrets.filled().each(value.secret, true),
		VerifyToken: o.may("verify_token").secret(),
	}
	if len(a.Secrets) > maxAppSecrets {
		secrets.mistake("has %d secrets, more than %d", len(a.Secrets), maxAppSecrets)
	}
	if p.define("app", a.ID, id, false) {
		p.apps[a.ID] = accountID
		p.put(app{a}, v)
	}
}

func (p *parser) momoClient(accountID string, v value) {
	o := v.object("id", "secret", "pages", "groups")
	id := o.must("id")
	c := waybill.MomoClient{
		ID:      id.id(),
		Account: accountID,
		Secret:  o.must("secret").secret(),
		Pages:   o.may("pages").each(p.channelOf(accountID, waybill.ProviderMomo), false),
		Groups:  o.may("groups").each(group, false),
	}
	if p.define("momo_client", c.ID, id, false) {
		p.put(momoClient{c}, v)
	}
}

func (p *parser) channel(v value) {
	o := v.object("id", "provider", "account", "isv", "isv_code", "name", "time_zone", "currency",
		"senders", "metrics_enabled_at", "callback_data", "namespace", "template_insights", "webhook_secrets")
	id, owner, isv := o.must("id"), o.must("account"), o.may("isv")
	c := waybill.Channel{
		ID:             id.id(),
		Provider:       provider(o.must("provider")),
		Account:        owner.id(),
		ISV:            isv.id(),
		ISVCode:        o.may("isv_code").secret(),
		Name:           o.may("name").text(),
		Currency:       currency(o.may("currency")),
		Insights:       insights(o.may("template_insights")),
		MetricsEnabled: o.may("metrics_enabled_at").instant(),
		Callback:       callback(o.may("callback_data")),
		Namespace:      o.may("namespace").text(),
		WebhookSecrets: o.may("webhook_secrets").each(p.webhookSecret, true),
	}
	c.Senders, c.SenderIDs = p.senders(c.ID, o.may("senders"))
	c.Zone = zone(o.may("time_zone"), c.Provider)
	p.refer("account", c.Account, owner, nil)
	p.refer("account", c.ISV, isv, nil)
	if c.ISV != "" && c.ISV == c.Account {
		isv.mistake("%q owns the channel itself", c.ISV)
	}
	if code := o.may("isv_code"); code.present() && !isv.present() {
		code.mistake("is given without isv")
	}
	if p.define("channel", c.ID, id, false) {
		p.channels[c.ID] = c
		p.put(channel{c}, v)
	}
}

func (p *parser) webhookSecret(v value) string {
	s := v.secret()
	p.define("webhook secret", s, v, true)
	return s
}

// zone reads the name of a zone, the provider's where v is absent.
func zone(v value, of waybill.Provider) *time.Location {
	name := of.DefaultZone()
	if v.present() {
		if name = v.word(); name == "" {
			return time.UTC
		}
	}
	at, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		v.mistake("%q is not a known time zone", name)
		return time.UTC
	}
	return at
}

func currency(v value) string {
	s := v.word()
	other := func(r rune) bool { return r < 'A' || r > 'Z' }
	if s != "" && (len(s) != 3 || strings.ContainsFunc(s, other)) {
		v.mistake("%q is no currency code such as USD", s)
	}
	return s
}

// senders reads phone numbers, each as text or as a mapping with Meta's ID of it.
func (p *parser) senders(channelID string, v value) (numbers []string, ids map[string]string) {
	ids = make(map[string]string)
	numbers = v.each(func(v value) string {
		if !v.present() || v.node.Kind != yaml.MappingNode {
			return sender(v)
		}
		o := v.object("number", "id")
		number, id := sender(o.must("number")), o.may("id").id()
		if id != "" && waybill.Digits(id) != id {
			o.may("id").mistake("%q is not digits", id)
		}
		if id != "" && number != "" && p.define("sender ID of "+channelID, id, o.may("id"), false) {
			ids[number] = id
		}
		return number
	}, false)
	if len(ids) == 0 {
		return numbers, nil
	}
	return numbers, ids
}

func sender(v value) string {
	s := v.word()
	digits := waybill.Digits(s)
	if s != "" && digits == "" {
		v.mistake("%q has no digits", s)
	}
	return digits
}

// disabledOutright is what a document says that disables the analytics, other
// than one that says nothing of them.
const disabledOutright waybill.Insights = "disabled"

func insights(v value) waybill.Insights {
	return waybill.Insights(v.choice("state of template insights", string(waybill.InsightsEnabled),
		string(disabledOutright), string(waybill.InsightsUnavailable)))
}

func callback(v value) waybill.CallbackFormat {
	if !v.present() {
		return waybill.CallbackJSON
	}
	return waybill.CallbackFormat(v.choice("format of callback data", string(waybill.CallbackJSON),
		string(waybill.CallbackTemplate), string(waybill.CallbackCampaign), string(waybill.CallbackIgnore)))
}

func (p *parser) template(v value) {
	o := v.object("channel", "code", "name", "language", "category", "buttons", "link_tracking_opted_out")
	of, code, language := o.must("channel"), o.must("code"), o.must("language")
	t := template{
		channel:  of.id(),
		code:     code.word(),
		language: language.word(),
		title:    written{Value: o.may("name").text()},
		category: written{Value: category(o.may("category"))},
	}
	if opted := o.may("link_tracking_opted_out"); opted.present() {
		t.optedOut = written{Value: truth(opted.truth())}
	}
	for _, b := range o.may("buttons").list() {
		button := b.object("type", "text")
		t.buttons = append(t.buttons, waybill.Button{
			Type: button.must("type").id(), Text: button.must("text").word(),
		})
	}
	if list := o.may("buttons"); list.present() && t.buttons == nil {
		t.buttons = []waybill.Button{} // says that there are none
	}
	p.refer("channel", t.channel, of, nil)
	kind := "template " + join(t.channel, t.code)
	if t.channel != "" && t.code != "" && p.define(kind, t.language, language, false) {
		p.put(t, v)
	}
}
