package waybill

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Provider is the kind of service behind a channel. It decides how messages
// are counted and never changes.
type Provider uint8

// The providers.
const (
	ProviderChatapp Provider = iota + 1 // Alibaba Cloud Chat App Message Service
	ProviderWABA                        // a WhatsApp Business Account at Meta
	ProviderMomo                        // a MoMo Business Page
)

var providers = map[Provider]struct{ name, zone string }{
	ProviderChatapp: {"chatapp", "Asia/Shanghai"},
	ProviderWABA:    {"waba", "America/Los_Angeles"},
	ProviderMomo:    {"momo", "Asia/Ho_Chi_Minh"},
}

func (p Provider) String() string { return providers[p].name }

// DefaultZone returns the IANA name of the zone of a channel that names none.
func (p Provider) DefaultZone() string { return providers[p].zone }

// ParseProvider returns the provider with the given name.
func ParseProvider(name string) (Provider, bool) {
	for p, v := range providers {
		if v.name == name {
			return p, true
		}
	}
	return 0, false
}

// An Account is a tenant: it owns channels, users, tokens and apps.
type Account struct {
	ID       string // 16 digits
	Name     string
	Products []string // products subscribed to, such as "cams"
}

// A Channel is one line of communication at a vendor: a ChatApp channel, a
// WhatsApp Business Account, a MoMo page.
type Channel struct {
	ID       string // the vendor's
	Number   ChannelNumber
	Provider Provider
	Account  string // ID of the owner
	ISV      string // ID of the account that operates it for the owner, if any
	ISVCode  string // what the ISV proves its mandate with
	Name     string
	Zone     *time.Location
	Currency string   // ISO 4217, if known
	Senders  []string // phone numbers as digits

	// SenderIDs are Meta's IDs of phone numbers, by number, as far as known.
	SenderIDs map[string]string

	// MetricsEnabled is the instant from which Alibaba's metrics collect.
	MetricsEnabled Instant

	// Callback says how the data is read that a sender attached to a message.
	Callback CallbackFormat

	// Namespace is Meta's message_template_namespace.
	Namespace string

	// Insights says whether Meta's template analytics are answered.
	Insights Insights

	// WebhookSecrets are the path secrets under which a vendor that signs
	// nothing posts its reports of this channel.
	WebhookSecrets []string
}

// Writable reports whether an app or token of the account may write to c.
func (c *Channel) Writable(account string) bool {
	return account != "" && (account == c.Account || account == c.ISV)
}

// Insights is the state of the template analytics of a WhatsApp Business Account.
// The zero value is InsightsDisabled.
type Insights string

// The states. What was enabled by a call cannot be disabled by one.
const (
	InsightsDisabled    Insights = ""
	InsightsEnabled     Insights = "enabled"
	InsightsUnavailable Insights = "unavailable" // and cannot be enabled by a call
)

// A CallbackFormat says how the data is read that a sender attaches to a
// message and the vendor echoes in its reports.
type CallbackFormat string

// The callback formats.
const (
	CallbackJSON     CallbackFormat = "json" // an object with template, language, campaign
	CallbackTemplate CallbackFormat = "template"
	CallbackCampaign CallbackFormat = "campaign"
	CallbackIgnore   CallbackFormat = "ignore"
)

// An App is a Meta app: it signs webhooks with any of its secrets.
type App struct {
	ID          string
	Account     string
	Secrets     []string
	VerifyToken string
}

// A User is a member of an account who signs calls with access keys.
type User struct {
	Account    string
	Name       string // unique within the account
	Policies   []json.RawMessage
	AccessKeys []AccessKey
}

// An AccessKey is what a user signs calls with.
type AccessKey struct {
	ID       string // unique among all accounts
	Secret   string
	Disabled bool // it is known, and refused
}

// A MomoClient is a partner's login to the MoMo Business Page API.
type MomoClient struct {
	ID      string
	Account string
	Secret  string
	Pages   []string // IDs of channels; empty means none
	Groups  []string // permission groups, such as GroupReport
}

// GroupReport is MoMo's permission group of those who view reports.
const GroupReport = "report"

// MomoGroups are MoMo's permission groups: to manage a page, its posts, its
// messages, to view reports, to care for customers.
//
// https://developers.momo.vn/v3/docs/business-page/start/
func MomoGroups() []string { return []string{"page", "post", "message", GroupReport, "care"} }

// MomoScope returns the scope of a token that is in a permission group of MoMo.
func MomoScope(group string) string { return "momo:" + group }

// A Token lets its bearer act for an account.
type Token struct {
	Name     string
	Account  string // empty for the operator's token, which may do everything
	Scopes   []string
	Channels []string  // IDs; empty means all of the account
	App      string    // ID of the Meta app it was made for, if any
	User     string    // name of the user of the account whose policies bind it, if any
	Expires  time.Time // zero where it never expires
}

// The scopes of Waybill's own API. Meta's permissions stand beside them in
// Token.Scopes under Meta's names, MoMo's groups as MomoScope tells.
const (
	ScopeEventsWrite = "events:write"
	ScopeMetricsRead = "metrics:read"
	ScopeAdmin       = "admin"
)

// Has reports whether t has the scope.
func (t *Token) Has(scope string) bool { return slices.Contains(t.Scopes, scope) }

// Expired reports whether t is no longer good at the given time.
func (t *Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// Operator reports whether t is the installation's own token, of no account.
func (t *Token) Operator() bool { return t.Account == "" && t.Has(ScopeAdmin) }

// Reaches reports whether t may act on c at all, whatever its scopes. A token that
// the policies of a user bind does so nowhere by itself: who asks them calls
// Within.
func (t *Token) Reaches(c *Channel) bool { return t.User == "" && t.Within(c) }

// Within reports whether t would reach c, were no policies to be asked.
func (t *Token) Within(c *Channel) bool {
	return t.Operator() ||
		c.Writable(t.Account) && (len(t.Channels) == 0 || slices.Contains(t.Channels, c.ID))
}

// A Template is what the directory knows of a message template.
type Template struct {
	Channel  string // ID
	Code     string // the vendor's ID of the template
	Name     string
	Language string
	Category string
	Status   string
	Quality  string
	Buttons  []Button

	// LinkTrackingOptedOut is Meta's cta_url_link_tracking_opted_out.
	LinkTrackingOptedOut bool
}

// A Rate is what a tenant pays for a message of WhatsApp.
type Rate struct {
	Account  string
	Category string // of the price, such as "MARKETING"
	Country  string // empty for all that have no rate of their own
	Tier     string // such as "0:250000"; empty for all that have no rate of their own
	Currency string // ISO 4217

	// Micros is the price of one message, in millionths of the currency.
	Micros int64

	// From is the instant from which the rate is valid, or Date the day, in
	// the zone of the channel. With neither it has always been.
	From Instant
	Date time.Time
}

// ValidFrom returns when r becomes valid for a channel in the given zone, Never
// where it has always been valid.
func (r *Rate) ValidFrom(zone *time.Location) Instant {
	if r.Date.IsZero() {
		return r.From
	}
	year, month, day := r.Date.Date()
	// Noon, since a clock change can skip midnight.
	return Day.BucketOf(InstantOf(time.Date(year, month, day, 12, 0, 0, 0, zone)), zone).Start
}

// PricingCategories are the categories of Meta's prices.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
var PricingCategories = []string{
	"AUTHENTICATION", "AUTHENTICATION_INTERNATIONAL", "MARKETING", "MARKETING_LITE",
	"REFERRAL_CONVERSION", "SERVICE", "UTILITY",
}

// Decimal returns millionths as a decimal number without needless zeros. micros
// must not be negative.
func Decimal(micros int64) string {
	text := strconv.FormatInt(micros/1e6, 10)
	if rest := micros % 1e6; rest != 0 {
		text += "." + strings.TrimRight(strconv.FormatInt(1e6+rest, 10)[1:], "0")
	}
	return text
}
