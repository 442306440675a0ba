package momo

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

const (
	// TokenPrefix begins every token that a login returns, so that a leaked one
	// is found by those who look for them.
	TokenPrefix = "wb_momo_"

	// TokenLife is how long such a token is good: as long as those of MoMo's
	// voucher API.
	//
	// https://developers.momo.vn/v3/vi/docs/voucher-distribution/integration-documentation
	TokenLife = 24 * time.Hour
)

// Tokens makes and checks the tokens of logins. Nothing is stored: a token names
// its client, and is worth what that client is worth now. It is void once the
// client is gone or has another secret; a later login leaves it alone.
type Tokens struct {
	seal *dialect.Seal
	now  func() time.Time
}

// A grant is what a token says.
type grant struct {
	Client  string `json:"c"`
	Secret  []byte `json:"s"` // a hash of the client's secret
	Expires int64  `json:"e"` // seconds since 1970
}

// NewTokens returns the Tokens of the installation with the given key. now is
// time.Now where it is nil.
func NewTokens(key directory.Key, now func() time.Time) (*Tokens, error) {
	seal, err := dialect.NewSeal(key, "waybill momo tokens 1")
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return &Tokens{seal, now}, nil
}

func secretHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// issue returns a token of the client and when it expires.
func (t *Tokens) issue(c *waybill.MomoClient) (token string, expires time.Time, err error) {
	expires = t.now().Add(TokenLife).Truncate(time.Second)
	token, err = t.seal.Make(TokenPrefix, grant{c.ID, secretHash(c.Secret), expires.Unix()})
	return token, expires, err
}

// open returns the client of a token that is good.
func (t *Tokens) open(token string, view *directory.View) (waybill.MomoClient, bool) {
	var g grant
	if !t.seal.Open(TokenPrefix, token, &g) || t.now().Unix() >= g.Expires {
		return waybill.MomoClient{}, false
	}
	c, ok := view.MomoClient(g.Client)
	return c, ok && subtle.ConstantTimeCompare(secretHash(c.Secret), g.Secret) == 1
}

// loggedIn is the answer to a login. MoMo does not document that of its Business
// Page API, so it has what the clients of MoMo's other APIs look for.
type loggedIn struct {
	Status      int       `json:"status"`
	Success     bool      `json:"success"`
	Message     string    `json:"message"`
	Data        tokenData `json:"data"`
	AccessToken string    `json:"access_token"`
	TokenType   string    `json:"token_type"`
	ExpiresIn   int       `json:"expires_in"` // seconds
}

type tokenData struct {
	Token       string `json:"token"`
	AccessToken string `json:"accessToken"`
	Access      string `json:"access_token"`
	TokenType   string `json:"tokenType"`
	ExpiresIn   int    `json:"expiresIn"` // seconds
	ExpiredAt   int64  `json:"expiredAt"` // milliseconds since 1970
}

// maxFailures is how many logins of a client may fail in a minute.
const maxFailures = 10

// failedLogin returns how a login is refused. Many of one client are told to
// wait, so that secrets are not tried out; the right one is let in at any time,
// so that nobody can keep a client out.
func (a *API) failedLogin(client string) error {
	if ok, wait := a.failures.Allow(client); !ok {
		return errTooMany(wait)
	}
	return errUnauthenticated
}

// login returns a token for a client's ID and secret.
func (a *API) login(r *http.Request, _ string) (any, error) {
	dialect.SetLogAttr(r.Context(), slog.String("operation", "login"))
	if r.Method != http.MethodPost {
		return nil, errMethod(r.Method)
	}
	var body struct {
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
	}
	if err := readBody(r, &body); err != nil {
		return nil, err
	}
	for _, field := range []struct{ name, value string }{
		{"clientId", body.ClientID}, {"clientSecret", body.ClientSecret},
	} {
		if field.value == "" {
			return nil, errInvalid(text{"thiếu %s", "%s is missing"}, field.name)
		}
	}
	// An unknown client takes as long as a wrong secret, and is told alike.
	dialect.SetLogAttr(r.Context(), slog.String("client_id", fmt.Sprintf("%.64q", body.ClientID)))
	client, known := a.directory.View().MomoClient(body.ClientID)
	same := subtle.ConstantTimeCompare(secretHash(client.Secret), secretHash(body.ClientSecret)) == 1
	if !known || !same {
		return nil, a.failedLogin(body.ClientID)
	}
	dialect.SetLogAttr(r.Context(), slog.String("account", client.Account), slog.String("caller", client.ID))
	token, expires, err := a.tokens.issue(&client)
	if err != nil {
		return nil, err
	}
	const kind, life = "Bearer", int(TokenLife / time.Second)
	message := "Thành công"
	if inEnglish(r) {
		message = "Success"
	}
	return loggedIn{
		Success: true, Message: message, AccessToken: token, TokenType: kind, ExpiresIn: life,
		Data: tokenData{
			Token: token, AccessToken: token, Access: token, TokenType: kind, ExpiresIn: life,
			ExpiredAt: expires.UnixMilli(),
		},
	}, nil
}
