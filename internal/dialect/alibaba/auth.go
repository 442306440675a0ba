package alibaba

import (
	"crypto/hmac"
	"slices"
	"strings"
	"time"

	"waybill"
	"waybill/internal/directory"
)

// AuthOptions say how callers are told apart. The zero value is valid.
type AuthOptions struct {
	Now func() time.Time // time.Now where it is nil

	// Window is how far the time stamp of a call may lie from the clock, on
	// both sides; default 15 minutes.
	Window time.Duration

	// Nonces bounds the nonces that are remembered, of all accounts together;
	// default 1048576, which takes about 32 MB when they are in use.
	Nonces int

	// Hosts are names under which clients call this server, each with its port
	// if it is not the usual one, where a proxy changes the Host header. The
	// host is signed, so a call must have been sent to the host that it
	// arrives with, or to one of these.
	Hosts []string

	// Bearer takes bearer tokens, over TLS only. They are off by default,
	// since whoever overhears one can use it.
	Bearer bool
}

// keepNonces is how long nonces are kept at least, as long as the vendor takes a
// time stamp for valid.
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
const keepNonces = 31 * time.Minute

// A caller is who sent a call, as has been verified.
type caller struct {
	account   string // ID
	user      waybill.User
	accessKey string // ID; none where bearer is set
	sts       bool   // accessKey is temporary
	bearer    bool   // came with a bearer token
}

// A claim is what a call says of its sender, which its signature proves or not.
type claim interface {
	accessKey() string
	securityToken() string
	timestamp() string
	nonce() string
	given() string // the signature of the call

	complete() error                 // whether all is signed that must be
	bodyMatches() bool               // whether the body is what was signed
	sign(secret, host string) string // the signature as it should be
	mismatch() error                 // the error if it is not
}

// A verifier finds out who sent a call.
type verifier struct {
	now    func() time.Time
	window time.Duration
	nonces *nonces

	// admit bounds the calls of an account. It is asked before a nonce is
	// recorded, so that calls beyond the bound use up none.
	admit  func(account string) error
	tokens *Tokens
	hosts  []string
	bearer bool
}

func newVerifier(opt AuthOptions, tokens *Tokens) *verifier {
	v := &verifier{
		now: opt.Now, window: opt.Window, tokens: tokens,
		hosts: opt.Hosts, bearer: opt.Bearer,
		admit: func(string) error { return nil },
	}
	if v.now == nil {
		v.now = time.Now
	}
	if v.window <= 0 {
		v.window = 15 * time.Minute
	}
	if opt.Nonces <= 0 {
		opt.Nonces = 1 << 20
	}
	// A time stamp is good from one window before it until one after it.
	v.nonces = newNonces(max(keepNonces, 2*v.window+time.Minute), opt.Nonces)
	return v
}

// verify returns who sent the call, or the vendor's error.
func (v *verifier) verify(q *request, view *directory.View) (caller, error) {
	if q.style == styleBearer {
		return v.verifyBearer(q, view)
	}
	c, err := parseClaim(q)
	if err != nil {
		return caller{}, err
	}
	return v.verifyClaim(c, q, view)
}

// parseClaim reads what the call says of its sender.
func parseClaim(q *request) (claim, error) {
	switch q.style {
	case styleACS3:
		return newACS3Claim(q)
	case styleRPC:
		return newRPCClaim(q)
	}
	return nil, errUnsigned(q)
}

// verifyClaim checks a claim that was parsed and whose algorithm is known, in
// this order. What a stranger can see comes first and the signature is compared
// last, in constant time; the nonce is recorded only then, or anybody could use
// up the nonces of others.
func (v *verifier) verifyClaim(c claim, q *request, view *directory.View) (caller, error) {
	now := v.now()
	who, secret, err := v.lookup(c, view)
	if err != nil {
		// The work is the same as for a wrong signature.
		v.signed(c, q, strangerSecret)
		return caller{}, err
	}
	if err := v.inWindow(c.timestamp(), now); err != nil {
		return caller{}, err
	}
	bodyMatches := c.bodyMatches()
	if err := c.complete(); err != nil {
		return caller{}, err
	}
	if signed := v.signed(c, q, secret); !signed || !bodyMatches {
		return caller{}, c.mismatch()
	}
	if err := v.admit(who.account); err != nil {
		return caller{}, err
	}
	if err := v.nonces.use(who.account, who.accessKey, c.nonce(), now); err != nil {
		return caller{}, err
	}
	return who, nil
}

// strangerSecret stands for the secret of an access key that does not exist.
const strangerSecret = "no such access key, no such secret"

// lookup returns whom the access key of the claim belongs to, and its secret.
func (v *verifier) lookup(c claim, view *directory.View) (who caller, secret string, err error) {
	id, token := c.accessKey(), c.securityToken()
	if token != "" || strings.HasPrefix(id, temporaryPrefix) {
		return v.temporary(id, token, view)
	}
	key, user, ok := view.AccessKey(id)
	switch {
	case !ok || key.Secret == "":
		return caller{}, "", errAccessKeyNotFound
	case key.Disabled:
		return caller{}, "", errAccessKeyInactive
	}
	return caller{account: user.Account, user: user, accessKey: id}, key.Secret, nil
}

// temporary is lookup for a temporary access key.
func (v *verifier) temporary(id, token string, view *directory.View) (caller, string, error) {
	if token == "" {
		return caller{}, "", errMissing("SecurityToken")
	}
	g, err := v.tokens.open(SecurityTokenPrefix, token)
	if err != nil {
		return caller{}, "", err
	}
	if g.AccessKey != id {
		return caller{}, "", errTokenMismatch
	}
	user, ok := userOf(view, g)
	if !ok {
		return caller{}, "", errAccessKeyNotFound
	}
	return caller{account: g.Account, user: user, accessKey: id, sts: true}, v.tokens.secret(id), nil
}

// userOf returns the user that a token was issued to.
func userOf(view *directory.View, g grant) (waybill.User, bool) {
	users := view.Users(g.Account)
	i := slices.IndexFunc(users, func(u waybill.User) bool { return u.Name == g.User })
	if i < 0 {
		return waybill.User{}, false
	}
	return users[i], true
}

// inWindow checks the time stamp of a call.
func (v *verifier) inWindow(timestamp string, now time.Time) error {
	const layout = "2006-01-02T15:04:05Z"
	if timestamp == "" {
		return errSignatureIncomplete
	}
	at, err := time.Parse(layout, timestamp)
	if err != nil || len(timestamp) != len(layout) {
		return errTimestampFormat
	}
	if at.Sub(now).Abs() > v.window {
		return errTimestampExpired
	}
	return nil
}

// signed reports whether the claim is signed with the secret, for any host that
// the call can have been sent to.
func (v *verifier) signed(c claim, q *request, secret string) bool {
	given := []byte(c.given())
	if hmac.Equal([]byte(c.sign(secret, q.Host)), given) {
		return true
	}
	if q.style == styleRPC {
		return false // it signs no host
	}
	if q.Forwarded != "" && hmac.Equal([]byte(c.sign(secret, q.Forwarded)), given) {
		return true
	}
	return slices.ContainsFunc(v.hosts, func(host string) bool {
		return hmac.Equal([]byte(c.sign(secret, host)), given)
	})
}

// verifyBearer returns who sent a call with a bearer token.
func (v *verifier) verifyBearer(q *request, view *directory.View) (caller, error) {
	if !v.bearer {
		return caller{}, errInvalid("SignatureType")
	}
	if !q.Secure {
		return caller{}, errNeedSsl
	}
	if q.bearerToken() == "" {
		return caller{}, errMissing("BearerToken")
	}
	g, err := v.tokens.open(BearerTokenPrefix, q.bearerToken())
	if err != nil {
		return caller{}, errInvalid("BearerToken")
	}
	user, ok := userOf(view, g)
	if !ok {
		return caller{}, errInvalid("BearerToken")
	}
	if err := v.admit(g.Account); err != nil {
		return caller{}, err
	}
	return caller{account: g.Account, user: user, bearer: true}, nil
}

// errUnsigned says what is missing of a call that says not who sends it.
func errUnsigned(q *request) error {
	switch {
	case q.params.get("AccessKeyId") != "":
		return errSignatureIncomplete
	case strings.HasPrefix(q.header.Get("Authorization"), "acs "):
		return errSignatureMethod // the older signature of the vendor's REST APIs
	}
	return errMissing("AccessKeyId")
}
