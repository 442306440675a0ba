package directory

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"waybill"
)

// A View is the directory at one moment. It never changes. What it returns is
// shared: callers must not write to slices or what they hold.
type View struct {
	*tenants
	templates map[string]*registry // by ID of the channel
}

// tenants are all entries but the templates.
type tenants struct {
	entries      map[string]entry // by record key
	versions     []byte           // see sealer
	policies     sync.Map         // what Policies has parsed, by record key
	accounts     map[string]waybill.Account
	accountList  []waybill.Account
	users        map[string][]waybill.User // by account
	accessKeys   map[string]keyOf
	tokens       map[tokenHash]waybill.Token
	tokenList    []waybill.Token
	apps         map[string]waybill.App
	appList      []waybill.App
	momoClients  map[string]waybill.MomoClient
	channels     map[string]waybill.Channel
	channelList  []waybill.Channel
	channelsOf   map[string][]waybill.Channel // by owner
	numbers      map[waybill.ChannelNumber]waybill.Channel
	webhookPaths map[tokenHash]waybill.Channel // by hash of the webhook secret
	rates        map[string][]waybill.Rate     // by account
	senders      map[string][]Sender           // by Meta's ID of a number
}

type keyOf struct {
	key  waybill.AccessKey
	user waybill.User
}

// A registry holds the templates of a channel.
type registry struct {
	list []waybill.Template
	at   map[templateID]int // index in list
}

type templateID struct{ code, language string }

// newView returns the view of entries by record key.
func newView(entries map[string]entry, versions []byte) *View {
	v := &View{tenants: newTenants(entries, versions), templates: make(map[string]*registry)}
	lists := make(map[string][]waybill.Template)
	for _, e := range entries {
		if t, ok := e.(template); ok {
			lists[t.channel] = append(lists[t.channel], t.public())
		}
	}
	for id, list := range lists {
		v.templates[id] = newRegistry(list)
	}
	return v
}

// with returns the view after changes that led to entries. Templates change far
// more often than tenants and are many, so only what changed is built again.
func (v *View) with(changes, entries map[string]entry) *View {
	w := &View{tenants: v.tenants, templates: maps.Clone(v.templates)}
	templates := make(map[string]map[templateID]*waybill.Template) // by channel
	for key, e := range changes {
		t, ok := e.(template)
		if e == nil {
			t, ok = templateOfKey(key)
		}
		if !ok {
			w.tenants = nil
			continue
		}
		of := templates[t.channel]
		if of == nil {
			of = make(map[templateID]*waybill.Template)
			templates[t.channel] = of
		}
		of[templateID{t.code, t.language}] = nil
		if e != nil {
			public := t.public()
			of[templateID{t.code, t.language}] = &public
		}
	}
	for id, changed := range templates {
		w.templates[id] = v.templates[id].with(changed)
		if len(w.templates[id].list) == 0 {
			delete(w.templates, id)
		}
	}
	if w.tenants == nil {
		w.tenants = newTenants(entries, v.versions)
	}
	return w
}

func newRegistry(list []waybill.Template) *registry {
	slices.SortFunc(list, func(a, b waybill.Template) int {
		return cmp.Or(strings.Compare(a.Code, b.Code), strings.Compare(a.Language, b.Language))
	})
	r := &registry{list: slices.Clip(list), at: make(map[templateID]int, len(list))}
	for i, t := range list {
		r.at[templateID{t.Code, t.Language}] = i
	}
	return r
}

// with returns r after changes; nil deletes. r may be nil.
func (r *registry) with(changes map[templateID]*waybill.Template) *registry {
	var list []waybill.Template
	if r != nil {
		for _, t := range r.list {
			if _, changed := changes[templateID{t.Code, t.Language}]; !changed {
				list = append(list, t)
			}
		}
	}
	for _, t := range changes {
		if t != nil {
			list = append(list, *t)
		}
	}
	return newRegistry(list)
}

func newTenants(entries map[string]entry, versions []byte) *tenants {
	var keys []string
	for key, e := range entries {
		if _, ok := e.(template); !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys) // so that the lists, which are larger things, are nearly sorted
	v := &tenants{
		entries:      make(map[string]entry, len(keys)),
		versions:     versions,
		accounts:     make(map[string]waybill.Account),
		users:        make(map[string][]waybill.User),
		accessKeys:   make(map[string]keyOf),
		tokens:       make(map[tokenHash]waybill.Token),
		apps:         make(map[string]waybill.App),
		momoClients:  make(map[string]waybill.MomoClient),
		channels:     make(map[string]waybill.Channel),
		channelsOf:   make(map[string][]waybill.Channel),
		numbers:      make(map[waybill.ChannelNumber]waybill.Channel),
		webhookPaths: make(map[tokenHash]waybill.Channel),
		rates:        make(map[string][]waybill.Rate),
		senders:      make(map[string][]Sender),
	}
	for _, key := range keys {
		v.entries[key] = entries[key]
		v.add(entries[key])
	}
	v.sort()
	return v
}

func (v *tenants) add(e entry) {
	switch e := e.(type) {
	case account:
		v.accounts[e.ID] = e.Account
		v.accountList = append(v.accountList, e.Account)
	case user:
		v.users[e.Account] = append(v.users[e.Account], e.User)
		for _, k := range e.AccessKeys {
			v.accessKeys[k.ID] = keyOf{k, e.User}
		}
	case token:
		v.tokens[e.hash] = e.Token
		v.tokenList = append(v.tokenList, e.Token)
	case app:
		v.apps[e.ID] = e.App
		v.appList = append(v.appList, e.App)
	case momoClient:
		v.momoClients[e.ID] = e.MomoClient
	case rate:
		v.rates[e.Account] = append(v.rates[e.Account], e.Rate)
	case channel:
		v.addChannel(e.Channel)
	}
}

func (v *tenants) addChannel(c waybill.Channel) {
	v.channels[c.ID] = c
	v.channelList = append(v.channelList, c)
	v.channelsOf[c.Account] = append(v.channelsOf[c.Account], c)
	v.numbers[c.Number] = c
	for _, s := range c.WebhookSecrets {
		v.webhookPaths[hashToken(s)] = c
	}
	for number, id := range c.SenderIDs {
		v.senders[id] = append(v.senders[id], Sender{c, number})
	}
}

func (v *tenants) sort() {
	slices.SortFunc(v.accountList, func(a, b waybill.Account) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(v.appList, func(a, b waybill.App) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(v.tokenList, func(a, b waybill.Token) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Name, b.Name))
	})
	for _, us := range v.users {
		slices.SortFunc(us, func(a, b waybill.User) int { return strings.Compare(a.Name, b.Name) })
	}
	byID := func(a, b waybill.Channel) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(v.channelList, byID)
	for _, cs := range v.channelsOf {
		slices.SortFunc(cs, byID)
	}
	for _, ss := range v.senders {
		slices.SortFunc(ss, func(a, b Sender) int { return byID(a.Channel, b.Channel) })
	}
	for _, rs := range v.rates {
		slices.SortFunc(rs, func(a, b waybill.Rate) int { return strings.Compare(rate{a}.name(), rate{b}.name()) })
	}
}

// Account returns the account with the given ID.
func (v *View) Account(id string) (waybill.Account, bool) {
	a, ok := v.accounts[id]
	return a, ok
}

// Accounts returns all accounts, ordered by ID.
func (v *View) Accounts() []waybill.Account { return slices.Clip(v.accountList) }

// User returns a user of an account.
func (v *View) User(account, name string) (waybill.User, bool) {
	users := v.users[account]
	i, ok := slices.BinarySearchFunc(users, name, func(u waybill.User, name string) int {
		return strings.Compare(u.Name, name)
	})
	if !ok {
		return waybill.User{}, false
	}
	return users[i], true
}

// Users returns the users of an account, ordered by name.
func (v *View) Users(account string) []waybill.User { return slices.Clip(v.users[account]) }

// AccessKey returns the access key with the given ID and the user it is of.
func (v *View) AccessKey(id string) (waybill.AccessKey, waybill.User, bool) {
	k, ok := v.accessKeys[id]
	return k.key, k.user, ok
}

// Token returns the token with the given secret, unless the policies of a user
// bind it: those tokens are for Waybill's own API, which asks the policies. It is
// found by the secret's hash, so that the time this takes tells nothing of other
// secrets. The token may have expired: see waybill.Token.Expired.
func (v *View) Token(secret string) (waybill.Token, bool) {
	t, ok := v.BoundToken(secret)
	if t.User != "" {
		return waybill.Token{}, false
	}
	return t, ok
}

// BoundToken returns the token with the given secret. Whoever calls it must ask
// the policies of the token's user, if it has one.
func (v *View) BoundToken(secret string) (waybill.Token, bool) {
	t, ok := v.tokens[hashToken(secret)]
	return t, ok
}

// Tokens returns all tokens, ordered by account and name.
func (v *View) Tokens() []waybill.Token { return slices.Clip(v.tokenList) }

// TokensOf returns the tokens of an account, of the operator where it is empty,
// ordered by name.
func (v *View) TokensOf(account string) []waybill.Token {
	of := func(t waybill.Token, account string) int { return strings.Compare(t.Account, account) }
	from, _ := slices.BinarySearchFunc(v.tokenList, account, of)
	to := from
	for to < len(v.tokenList) && v.tokenList[to].Account == account {
		to++
	}
	return slices.Clip(v.tokenList[from:to])
}

// App returns the Meta app with the given ID.
func (v *View) App(id string) (waybill.App, bool) {
	a, ok := v.apps[id]
	return a, ok
}

// Apps returns all Meta apps, ordered by ID.
func (v *View) Apps() []waybill.App { return slices.Clip(v.appList) }

// MomoClient returns the MoMo client with the given ID.
func (v *View) MomoClient(id string) (waybill.MomoClient, bool) {
	c, ok := v.momoClients[id]
	return c, ok
}

// Channel returns the channel with the vendor's ID.
func (v *View) Channel(id string) (waybill.Channel, bool) {
	c, ok := v.channels[id]
	return c, ok
}

// ChannelByNumber returns the channel with our number.
func (v *View) ChannelByNumber(n waybill.ChannelNumber) (waybill.Channel, bool) {
	c, ok := v.numbers[n]
	return c, ok
}

// ChannelByWebhook returns the channel one of whose webhook secrets is given.
func (v *View) ChannelByWebhook(secret string) (waybill.Channel, bool) {
	c, ok := v.webhookPaths[hashToken(secret)]
	return c, ok
}

// Channels returns all channels, ordered by ID.
func (v *View) Channels() []waybill.Channel { return slices.Clip(v.channelList) }

// ChannelsOf returns the channels that an account owns, ordered by ID. Those
// that it only operates as an ISV are left out.
func (v *View) ChannelsOf(account string) []waybill.Channel {
	return slices.Clip(v.channelsOf[account])
}

// Template returns a template of a channel by the vendor's code and language.
func (v *View) Template(channelID, code, language string) (waybill.Template, bool) {
	r := v.templates[channelID]
	if r == nil {
		return waybill.Template{}, false
	}
	i, ok := r.at[templateID{code, language}]
	if !ok {
		return waybill.Template{}, false
	}
	return r.list[i], true
}

// Templates returns the templates of a channel, ordered by code and language.
func (v *View) Templates(channelID string) []waybill.Template {
	if r := v.templates[channelID]; r != nil {
		return slices.Clip(r.list)
	}
	return nil
}

// TemplatesByCode returns the languages of a template of a channel.
func (v *View) TemplatesByCode(channelID, code string) []waybill.Template {
	list := v.Templates(channelID)
	byCode := func(t waybill.Template, code string) int { return strings.Compare(t.Code, code) }
	from, _ := slices.BinarySearchFunc(list, code, byCode)
	to := from
	for to < len(list) && list[to].Code == code {
		to++
	}
	return slices.Clip(list[from:to])
}

// A Sender is a phone number of a channel.
type Sender struct {
	Channel waybill.Channel
	Number  string
}

// SendersByID returns the phone numbers, as a rule one, that have this ID of
// Meta's: at most one of each channel, ordered by its ID.
func (v *View) SendersByID(id string) []Sender { return slices.Clip(v.senders[id]) }

// Rates returns the rate card of an account.
func (v *View) Rates(account string) []waybill.Rate { return slices.Clip(v.rates[account]) }
