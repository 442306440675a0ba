package alibaba

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

// These begin every security token and every bearer token, so that a leaked one
// is found by those who look for them.
const (
	SecurityTokenPrefix = "wb_sts_"
	BearerTokenPrefix   = "wb_bearer_"
)

const (
	// temporaryPrefix begins the ID of every temporary access key.
	temporaryPrefix = "STS."

	// MaxTokenLife is the longest time that a temporary access key or a bearer
	// token can be good for, as long as a role session of the vendor.
	MaxTokenLife = 12 * time.Hour
)

// Tokens issues temporary access keys and bearer tokens, and checks them. A token
// is encrypted under a key of the installation and says all there is to know, so
// nothing is stored, and every server with that key takes it. It cannot be
// called back, but it is worth no more than the user it names: without the user
// it is worth nothing. All methods can be called concurrently.
type Tokens struct {
	sealer  *dialect.Seal
	secrets []byte // what the secrets of temporary access keys are derived from
	now     func() time.Time
}

// Credentials are a temporary access key.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // which every call carries beside its signature
	Expires         time.Time
}

// A grant is what a token says. It is encoded as JSON and encrypted.
type grant struct {
	AccessKey string `json:"k,omitempty"` // that the token goes with; none in a bearer token
	Account   string `json:"a"`
	User      string `json:"u"`
	Expires   int64  `json:"e"` // seconds since 1970
}

// NewTokens returns the Tokens of the installation with the given key. now is
// time.Now where it is nil.
func NewTokens(key directory.Key, now func() time.Time) (*Tokens, error) {
	seal, err := dialect.NewSeal(key, "waybill alibaba tokens 1")
	if err != nil {
		return nil, err
	}
	secrets, err := hkdf.Key(sha256.New, key[:], nil, "waybill alibaba secrets 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of secrets: %w", err)
	}
	if now == nil {
		now = time.Now
	}
	return &Tokens{sealer: seal, secrets: secrets, now: now}, nil
}

// Issue returns a new temporary access key with which its bearer is the user of
// the account, for a time of at most MaxTokenLife. Whether there is such a user
// is seen when the key is used.
func (t *Tokens) Issue(account, user string, life time.Duration) (Credentials, error) {
	id := temporaryPrefix + rand.Text()
	token, expires, err := t.seal(SecurityTokenPrefix, grant{AccessKey: id, Account: account, User: user}, life)
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{id, t.secret(id), token, expires}, nil
}

// IssueBearer returns a new bearer token of the user of the account, which is
// good without any signature, where bearer tokens are taken.
func (t *Tokens) IssueBearer(account, user string, life time.Duration) (token string, expires time.Time, err error) {
	return t.seal(BearerTokenPrefix, grant{Account: account, User: user}, life)
}

// secret returns the secret of a temporary access key. Only who issues the key
// can derive it, and it need not be in the token, which clients log more freely.
func (t *Tokens) secret(accessKey string) string {
	mac := hmac.New(sha256.New, t.secrets)
	mac.Write([]byte(accessKey))
	var sum [sha256.Size]byte
	return base64.RawURLEncoding.EncodeToString(mac.Sum(sum[:0]))
}

// seal returns a token of the kind that the prefix tells, and when it expires.
func (t *Tokens) seal(prefix string, g grant, life time.Duration) (token string, expires time.Time, err error) {
	if life < time.Second || life > MaxTokenLife {
		return "", time.Time{}, waybill.Errorf(waybill.Invalid,
			"a token cannot be good for %v: at least 1s, at most %v", life, MaxTokenLife)
	}
	expires = t.now().Add(life).Truncate(time.Second).UTC()
	g.Expires = expires.Unix()
	token, err = t.sealer.Make(prefix, g)
	return token, expires, err
}

// open returns what a token says that seal returned for the prefix and that has
// not expired.
func (t *Tokens) open(prefix, token string) (grant, error) {
	var g grant
	if !t.sealer.Open(prefix, token, &g) {
		return grant{}, errTokenMalformed
	}
	if t.now().Unix() >= g.Expires {
		return grant{}, errTokenExpired
	}
	return g, nil
}
