package directory

import (
	"crypto/sha256"
	"net/url"
	"slices"
	"strings"
	"time"

	"waybill"
)

// An entry is one thing of the directory. It never changes once it is made.
type entry interface {
	kind() string    // in words, one of kinds
	name() string    // unique within the kind
	fields() []field // everything but the name
	encode(sealer) ([]byte, error)
}

// kinds lists the kinds of entries in the order of a diff.
var kinds = []string{"account", "user", "token", "app", "momo_client", "rate", "channel", "template"}

// A field is a part of an entry that can be compared and shown.
type field struct {
	name   string
	values []string
	secret bool
	brief  bool // tells what the entry is when it is new
}

// equal reports whether two entries say the same.
func equal(a, b entry) bool {
	return slices.EqualFunc(a.fields(), b.fields(), func(f, g field) bool {
		return f.name == g.name && slices.Equal(f.values, g.values)
	})
}

// The keys of records. Below the root each entry has one of its own:
//
//	directory/account/1234567890123456
//	directory/user/1234567890123456/reporter
//	directory/token/1234567890123456/dashboard    //dashboard of the operator
//	directory/app/634974688087057
//	directory/momo_client/acme
//	directory/rate/1234567890123456/USD/MARKETING/US/any/2026-01-01
//	directory/channel/cams-acme
//	directory/template/cams-acme/1100/en
//
// The parts of a name are escaped as path segments.
const (
	recordRoot  = "directory/"
	checkRecord = "directory-check"  // proves the secret key
	nextRecord  = "directory-number" // the number of the next new channel
)

func recordKey(e entry) string { return recordRoot + e.kind() + "/" + e.name() }

// join makes a name of its parts.
func join(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return strings.Join(escaped, "/")
}

type account struct{ waybill.Account }

func (a account) kind() string { return "account" }
func (a account) name() string { return join(a.ID) }

func (a account) fields() []field {
	return []field{
		{name: "name", values: one(a.Name), brief: true},
		{name: "products", values: a.Products, brief: true},
	}
}

type user struct {
	waybill.User
	issued []string // IDs of the access keys by IssueAccessKey, which no document names
}

func (u user) kind() string { return "user" }
func (u user) name() string { return join(u.Account, u.User.Name) }

func (u user) fields() []field {
	fs := []field{{name: "policies"}, {name: "access_keys", brief: true}}
	for _, p := range u.Policies {
		fs[0].values = append(fs[0].values, string(p))
	}
	for _, k := range u.AccessKeys {
		fs[1].values = append(fs[1].values, k.ID)
		fs = append(fs, field{name: "secret of " + k.ID, values: one(k.Secret), secret: true})
		if k.Disabled {
			fs = append(fs, field{name: "state of " + k.ID, values: one("disabled")})
		}
		if slices.Contains(u.issued, k.ID) {
			fs = append(fs, field{name: "source of " + k.ID, values: one("issued")})
		}
	}
	return fs
}

// A tokenHash is the SHA-256 of a token: all that is kept of it.
type tokenHash [sha256.Size]byte

func hashToken(secret string) tokenHash { return sha256.Sum256([]byte(secret)) }

type token struct {
	waybill.Token
	hash   tokenHash
	issued bool // by IssueToken, not named by a document
}

func (t token) kind() string { return "token" }
func (t token) name() string { return join(t.Account, t.Token.Name) }

func (t token) fields() []field {
	source := "document"
	if t.issued {
		source = "issued"
	}
	return []field{
		{name: "token", values: one(string(t.hash[:])), secret: true},
		{name: "source", values: one(source)},
		{name: "scopes", values: t.Scopes, brief: true},
		{name: "channels", values: t.Channels, brief: true},
		{name: "app", values: one(t.App)},
		{name: "user", values: one(t.User), brief: true},
		{name: "expires", values: one(showTime(t.Expires))},
	}
}

type app struct{ waybill.App }

func (a app) kind() string { return "app" }
func (a app) name() string { return join(a.ID) }

func (a app) fields() []field {
	return []field{
		{name: "account", values: one(a.Account), brief: true},
		{name: "secrets", values: a.Secrets, secret: true},
		{name: "verify_token", values: one(a.VerifyToken), secret: true},
	}
}

type momoClient struct{ waybill.MomoClient }

func (c momoClient) kind() string { return "momo_client" }
func (c momoClient) name() string { return join(c.ID) }

func (c momoClient) fields() []field {
	return []field{
		{name: "account", values: one(c.Account), brief: true},
		{name: "secret", values: one(c.Secret), secret: true},
		{name: "pages", values: c.Pages},
		{name: "groups", values: c.Groups},
	}
}

type channel struct{ waybill.Channel }

func (c channel) kind() string { return "channel" }
func (c channel) name() string { return join(c.ID) }

// fields leaves out the number, which an entry keeps for its life.
func (c channel) fields() []field {
	return []field{
		{name: "provider", values: one(c.Provider.String()), brief: true},
		{name: "account", values: one(c.Account)},
		{name: "isv", values: one(c.ISV)},
		{name: "isv_code", values: one(c.ISVCode), secret: true},
		{name: "name", values: one(c.Channel.Name)},
		{name: "time_zone", values: one(c.Zone.String()), brief: true},
		{name: "currency", values: one(c.Currency)},
		{name: "senders", values: c.Senders},
		{name: "metrics_enabled_at", values: one(showInstant(c.MetricsEnabled))},
		{name: "callback_data", values: one(string(c.Callback))},
		{name: "namespace", values: one(c.Namespace)},
		{name: "template_insights", values: one(string(c.Insights))},
		{name: "sender_ids", values: showSenderIDs(c.SenderIDs)},
		{name: "webhook_secrets", values: c.WebhookSecrets, secret: true},
	}
}

func (c channel) state() waybill.ChannelState {
	return waybill.ChannelState{
		Number: c.Number, Provider: c.Provider, MetricsEnabled: c.MetricsEnabled,
	}
}

// one returns a list of v, of nothing where v is empty.
func one(v string) []string {
	if v == "" {
		return nil
	}
	return []string{v}
}

func showInstant(i waybill.Instant) string {
	if i == waybill.Never {
		return ""
	}
	return i.Time().Format(time.RFC3339)
}

func showTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
