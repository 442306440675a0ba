package alibaba

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill"
	"waybill/internal/directory"
)

// temporaryCall returns a call of styleACS3 with the credentials.
func temporaryCall(c Credentials) call {
	call := acs3Call()
	call.id, call.secret = c.AccessKeyID, c.AccessKeySecret
	call.headers["x-acs-accesskey-id"] = c.AccessKeyID
	call.headers["x-acs-security-token"] = c.SecurityToken
	return call
}

func TestTemporaryAccessKeysAreTheirUsers(t *testing.T) {
	v, tokens := verifierAt(t, clock, AuthOptions{})
	c, err := tokens.Issue("1000000000000001", "keyless", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.AccessKeyID, "STS.") || !c.Expires.Equal(clock.Add(time.Hour)) {
		t.Errorf("credentials are %+v", c)
	}
	rpc := rpcCall()
	rpc.id, rpc.secret = c.AccessKeyID, c.AccessKeySecret
	rpc.query = strings.Replace(rpc.query, "testid", c.AccessKeyID, 1) + "&SecurityToken=" + c.SecurityToken
	rpc.query = strings.Replace(rpc.query, "n-1", "n-2", 1)
	for name, r := range map[string]*http.Request{"acs3": temporaryCall(c).acs3(t), "rpc": rpc.rpc(t)} {
		t.Run(name, func(t *testing.T) {
			q := mustParse(t, r)
			who, err := v.verify(q, view(t))
			wantCode(t, err, "")
			if who.account != "1000000000000001" || who.user.Name != "keyless" || who.accessKey != c.AccessKeyID || !who.sts {
				t.Errorf("caller is %+v", who)
			}
			_, err = v.verify(q, view(t))
			wantCode(t, err, "SignatureNonceUsed")
		})
	}
}

func TestTemporaryAccessKeysThatAreRefused(t *testing.T) {
	_, tokens := verifierAt(t, clock, AuthOptions{})
	elsewhere, err := NewTokens(directory.Key{2}, fixed(clock))
	if err != nil {
		t.Fatal(err)
	}
	issue := func(tokens *Tokens, user string) Credentials {
		c, err := tokens.Issue("1000000000000001", user, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	good, another := issue(tokens, "reporter"), issue(tokens, "reporter")
	bearer, _, err := tokens.IssueBearer("1000000000000001", "reporter", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*Credentials)) Credentials {
		c := good
		change(&c)
		return c
	}
	tests := []struct {
		name  string
		c     Credentials
		after time.Duration
		code  string
	}{
		{"good ones", good, 0, ""},
		{"good ones, a second before they expire", good, time.Hour - time.Second, ""},
		{"expired ones", good, time.Hour, "InvalidSecurityToken.Expired"},
		{"the token of another key", with(func(c *Credentials) { c.SecurityToken = another.SecurityToken }), 0, "InvalidSecurityToken.MismatchWithAccessKey"},
		{"the token with a user's own key", with(func(c *Credentials) { c.AccessKeyID, c.AccessKeySecret = "testid", "testsecret" }), 0, "InvalidSecurityToken.MismatchWithAccessKey"},
		{"no token", with(func(c *Credentials) { c.SecurityToken = "" }), 0, "MissingSecurityToken"},
		{"the secret of another key", with(func(c *Credentials) { c.AccessKeySecret = another.AccessKeySecret }), 0, "SignatureDoesNotMatch"},
		{"a token that was cut off", with(func(c *Credentials) { c.SecurityToken = c.SecurityToken[:len(c.SecurityToken)-4] }), 0, "InvalidSecurityToken.Malformed"},
		{"nothing but the prefix of a token", with(func(c *Credentials) { c.SecurityToken = SecurityTokenPrefix }), 0, "InvalidSecurityToken.Malformed"},
		{"a bearer token", with(func(c *Credentials) { c.SecurityToken = bearer }), 0, "InvalidSecurityToken.Malformed"},
		{"a bearer token that is renamed", with(func(c *Credentials) {
			c.SecurityToken = SecurityTokenPrefix + strings.TrimPrefix(bearer, BearerTokenPrefix)
		}), 0, "InvalidSecurityToken.Malformed"},
		{"ones of another installation", issue(elsewhere, "reporter"), 0, "InvalidSecurityToken.Malformed"},
		{"ones of a user who is gone", issue(tokens, "nobody"), 0, "InvalidAccessKeyId.NotFound"},
	}
	view := view(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, _ := verifierAt(t, clock.Add(tt.after), AuthOptions{Window: 2 * time.Hour})
			_, err := v.verify(mustParse(t, temporaryCall(tt.c).acs3(t)), view)
			wantCode(t, err, tt.code)
		})
	}
}

// TestAlteredTokensAreRefused changes any one character of a token.
func TestAlteredTokensAreRefused(t *testing.T) {
	_, tokens := verifierAt(t, clock, AuthOptions{})
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \n"
	rapid.Check(t, func(t *rapid.T) {
		c, err := tokens.Issue("1000000000000001", strings.Repeat("u", rapid.IntRange(1, 3).Draw(t, "length")), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		b := []byte(c.SecurityToken)
		i := rapid.OneOf(rapid.IntRange(0, len(b)-1), rapid.Just(len(b)-1)).Draw(t, "index")
		b[i] = rapid.SampledFrom([]byte(alphabet)).Draw(t, "character")
		_, err = tokens.open(SecurityTokenPrefix, string(b))
		if (err == nil) != (string(b) == c.SecurityToken) {
			t.Fatalf("character %d changed to %q: %v", i, b[i], err)
		}
	})
}

func TestTokensTellNothingAndFitAnywhere(t *testing.T) {
	tokens, err := NewTokens(directory.Key{1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := tokens.Issue("1000000000000001", "reporter", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := tokens.Issue("1000000000000001", "reporter", time.Hour)
	if a.AccessKeyID == b.AccessKeyID || a.AccessKeySecret == b.AccessKeySecret || a.SecurityToken == b.SecurityToken {
		t.Errorf("%+v and %+v have something in common", a, b)
	}
	for _, text := range []string{a.AccessKeyID, a.AccessKeySecret, a.SecurityToken} {
		if text != url.QueryEscape(text) || len(text) > 300 {
			t.Errorf("%q needs care", text)
		}
		if strings.Contains(text, "1000000000000001") || strings.Contains(text, "reporter") {
			t.Errorf("%q names the user", text)
		}
	}
}

func TestTokensOutliveARestart(t *testing.T) {
	_, tokens := verifierAt(t, clock, AuthOptions{})
	c, err := tokens.Issue("1000000000000001", "reporter", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := verifierAt(t, clock, AuthOptions{})
	_, err = v.verify(mustParse(t, temporaryCall(c).acs3(t)), view(t))
	wantCode(t, err, "")
}

func TestTokensLiveWithinBounds(t *testing.T) {
	tokens, err := NewTokens(directory.Key{1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for life, ok := range map[time.Duration]bool{
		-time.Hour: false, 0: false, time.Second - 1: false, time.Second: true, MaxTokenLife: true, MaxTokenLife + 1: false,
	} {
		if _, err := tokens.Issue("1", "u", life); (err == nil) != ok || err != nil && waybill.CodeOf(err) != waybill.Invalid {
			t.Errorf("a life of %v: %v", life, err)
		}
	}
}
