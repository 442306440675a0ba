package alibaba

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"waybill/internal/dialect"
)

func TestHosts(t *testing.T) {
	proxies := dialect.Proxies{netip.MustParsePrefix("192.0.2.0/24")}
	tests := []struct {
		name      string
		opt       AuthOptions
		proxies   dialect.Proxies
		host      string // that arrives; the call was sent to cams.example.com
		forwarded []string
		code      string
	}{
		{"the host that was signed", AuthOptions{}, nil, "cams.example.com", nil, ""},
		{"a host that a proxy changed", AuthOptions{}, nil, "10.0.0.5:8080", nil, "SignatureDoesNotMatch"},
		{"a host that clients are known to use", AuthOptions{Hosts: []string{"other.example", "cams.example.com"}}, nil, "10.0.0.5:8080", nil, ""},
		{"a host that clients are not known to use", AuthOptions{Hosts: []string{"other.example"}}, nil, "10.0.0.5:8080", nil, "SignatureDoesNotMatch"},
		{"a known host with another port", AuthOptions{Hosts: []string{"cams.example.com:443"}}, nil, "10.0.0.5:8080", nil, "SignatureDoesNotMatch"},
		{"a forwarded host of a stranger", AuthOptions{}, nil, "10.0.0.5:8080", []string{"cams.example.com"}, "SignatureDoesNotMatch"},
		{"a forwarded host of a proxy", AuthOptions{}, proxies, "10.0.0.5:8080", []string{"cams.example.com"}, ""},
		{"a forwarded host behind what a client wrote", AuthOptions{}, proxies, "10.0.0.5:8080", []string{"evil.example, cams.example.com"}, ""},
		{"a forwarded host before what a proxy wrote", AuthOptions{}, proxies, "10.0.0.5:8080", []string{"cams.example.com", "inner.example"}, "SignatureDoesNotMatch"},
		{"a proxy that forwards no host", AuthOptions{}, proxies, "cams.example.com", nil, ""},
	}
	view := view(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := acs3Call().acs3(t)
			r.Host, r.Header["X-Forwarded-Host"] = tt.host, tt.forwarded
			v, _ := verifierAt(t, clock, tt.opt)
			scope := dialect.NewScope(r.Context(), "")
			scope.Proxies = tt.proxies
			q, err := parseRequest(r.WithContext(scope), bodyLimit)
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.verify(q, view)
			wantCode(t, err, tt.code)
		})
	}
}

func TestClockWindow(t *testing.T) {
	view := view(t)
	tests := []struct {
		window, skew time.Duration
		code         string
	}{
		{0, 15 * time.Minute, ""},
		{0, -15 * time.Minute, ""},
		{0, 15*time.Minute + 1, "InvalidTimeStamp.Expired"},
		{0, -15*time.Minute - 1, "InvalidTimeStamp.Expired"},
		{time.Minute, time.Minute, ""},
		{time.Minute, -61 * time.Second, "InvalidTimeStamp.Expired"},
		{time.Hour, 59 * time.Minute, ""},
	}
	for _, tt := range tests {
		for style, r := range map[string]*http.Request{"acs3": acs3Call().acs3(t), "rpc": rpcCall().rpc(t)} {
			t.Run(fmt.Sprintf("%s window %v skew %v", style, tt.window, tt.skew), func(t *testing.T) {
				v, _ := verifierAt(t, clock.Add(tt.skew), AuthOptions{Window: tt.window})
				_, err := v.verify(mustParse(t, r), view)
				wantCode(t, err, tt.code)
			})
		}
	}
}

// TestNoncesOutliveTheirTimeStamps makes sure that a call is never taken twice,
// however late its nonce is forgotten.
func TestNoncesOutliveTheirTimeStamps(t *testing.T) {
	for _, window := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour} {
		v, _ := verifierAt(t, clock, AuthOptions{Window: window})
		if keep := v.nonces.span * (nonceGenerations - 1); keep < keepNonces || keep <= 2*window {
			t.Errorf("nonces are kept for %v where time stamps are good for %v", keep, 2*window)
		}
	}
}

func TestAllAccessKeysOfAUserAreGood(t *testing.T) {
	view := view(t)
	tests := []struct{ id, secret, account string }{
		{"testid", "testsecret", "1000000000000001"},
		{"second", "second-secret", "1000000000000001"},
		{"other", "other-secret", "1000000000000002"},
	}
	v, _ := verifierAt(t, clock, AuthOptions{})
	for _, tt := range tests {
		c := acs3Call() // with the same nonce
		c.id, c.secret = tt.id, tt.secret
		who, err := v.verify(mustParse(t, c.acs3(t)), view)
		wantCode(t, err, "")
		if who.account != tt.account || who.user.Name != "reporter" || who.accessKey != tt.id {
			t.Errorf("caller of %s is %+v", tt.id, who)
		}
		c.secret = "testsecret"
		if c.id != "testid" {
			_, err = v.verify(mustParse(t, c.acs3(t)), view)
			wantCode(t, err, "SignatureDoesNotMatch")
		}
	}
}

// A countedClaim counts the signatures that are computed for it.
type countedClaim struct {
	claim
	signatures int
}

func (c *countedClaim) sign(secret, host string) string {
	c.signatures++
	return c.claim.sign(secret, host)
}

// TestAStrangerCostsAWrongSignature shows that the time of an answer does not
// tell more than its code.
func TestAStrangerCostsAWrongSignature(t *testing.T) {
	view := view(t)
	v, _ := verifierAt(t, clock, AuthOptions{Hosts: []string{"a.example", "b.example"}})
	acs3 := func(id string) *http.Request {
		c := acs3Call()
		c.id, c.secret = id, "wrong"
		return c.acs3(t)
	}
	rpc := func(id string) *http.Request {
		c := rpcCall()
		c.query, c.secret = strings.Replace(c.query, "testid", id, 1), "wrong"
		return c.rpc(t)
	}
	work := func(r *http.Request) int {
		q := mustParse(t, r)
		c, err := parseClaim(q)
		if err != nil {
			t.Fatal(err)
		}
		counted := &countedClaim{claim: c}
		if _, err := v.verifyClaim(counted, q, view); err == nil {
			t.Error("verified")
		}
		return counted.signatures
	}
	for _, id := range []string{"testid", "nobody", "disabled"} {
		if got := work(acs3(id)); got != 3 {
			t.Errorf("access key %q costs %d signatures, want one for each host", id, got)
		}
		if got := work(rpc(id)); got != 1 {
			t.Errorf("access key %q costs %d signatures that are bound to no host", id, got)
		}
	}
}

func TestBearer(t *testing.T) {
	on := AuthOptions{Bearer: true}
	_, tokens := verifierAt(t, clock, on)
	good, _, err := tokens.IssueBearer("1000000000000001", "keyless", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ghost, _, _ := tokens.IssueBearer("1000000000000001", "nobody", time.Hour)
	security, _ := tokens.Issue("1000000000000001", "reporter", time.Hour)
	tests := []struct {
		name   string
		opt    AuthOptions
		token  string
		plain  bool // no TLS
		after  time.Duration
		code   string
		caller string
	}{
		{"a token", on, good, false, 0, "", "keyless"},
		{"a token where none is taken", AuthOptions{}, good, false, 0, "InvalidSignatureType", ""},
		{"a token without TLS", on, good, true, 0, "InvalidProtocol.NeedSsl", ""},
		{"a token that has expired", on, good, false, time.Hour, "InvalidBearerToken", ""},
		{"a token that is none", on, "bt-123", false, 0, "InvalidBearerToken", ""},
		{"a token of a user who is gone", on, ghost, false, 0, "InvalidBearerToken", ""},
		{"a security token", on, security.SecurityToken, false, 0, "InvalidBearerToken", ""},
		{"no token", on, "", false, 0, "MissingBearerToken", ""},
	}
	view := view(t)
	for _, tt := range tests {
		for _, way := range []string{"header", "query"} {
			t.Run(tt.name+" in the "+way, func(t *testing.T) {
				r := acs3Call().http()
				r.URL.RawQuery += "&SignatureType=BEARERTOKEN"
				if way == "header" {
					r.Header.Set("X-Acs-Bearer-Token", tt.token)
				} else {
					r.URL.RawQuery += "&BearerToken=" + tt.token
				}
				if !tt.plain {
					r.TLS = &tls.ConnectionState{}
				}
				v, _ := verifierAt(t, clock.Add(tt.after), tt.opt)
				who, err := v.verify(mustParse(t, r), view)
				wantCode(t, err, tt.code)
				if who.user.Name != tt.caller || who.bearer != (tt.caller != "") {
					t.Errorf("caller is %+v", who)
				}
			})
		}
	}
}

func TestDirectoryIsAskedEachTime(t *testing.T) {
	v, _ := verifierAt(t, clock, AuthOptions{})
	_, err := v.verify(mustParse(t, acs3Call().acs3(t)), viewOf(t, strings.Replace(tenants, "testid", "renamed", 1)))
	wantCode(t, err, "InvalidAccessKeyId.NotFound")
	_, err = v.verify(mustParse(t, acs3Call().acs3(t)), view(t))
	wantCode(t, err, "")
}

func BenchmarkVerify(b *testing.B) {
	view := view(b)
	v, tokens := verifierAt(b, clock, AuthOptions{})
	temporary, err := tokens.Issue("1000000000000001", "reporter", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	sts := acs3Call()
	sts.id, sts.secret = temporary.AccessKeyID, temporary.AccessKeySecret
	sts.headers["x-acs-security-token"] = temporary.SecurityToken
	sts.headers["x-acs-accesskey-id"] = temporary.AccessKeyID
	stranger := acs3Call()
	stranger.id = "nobody"
	at := map[string]time.Time{"go_acs3_5": clock, "node_pop_2": time.Date(2026, 11, 21, 21, 5, 22, 0, time.UTC)}
	for _, bm := range []struct {
		name, sdk string
		r         func() *http.Request
	}{
		{"ACS3", "go_acs3_5", func() *http.Request { return sdkRequest(b, "go_acs3_5") }},
		{"RPC", "node_pop_2", func() *http.Request { return sdkRequest(b, "node_pop_2") }},
		{"STS", "", func() *http.Request { return sts.acs3(b) }},
		{"stranger", "", func() *http.Request { return stranger.acs3(b) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			v, r := *v, bm.r()
			if when, ok := at[bm.sdk]; ok {
				v.now = fixed(when)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				forget(v.nonces)
				r.Body = http.NoBody
				if len(body) > 0 {
					r.Body = bodyOf(body)
				}
				q, err := parseRequest(r, bodyLimit)
				if err == nil {
					_, err = v.verify(q, view)
				}
				if (err == nil) == (bm.name == "stranger") {
					b.Fatal(err)
				}
			}
		})
	}
}

// forget has the same call taken again, without making new maps.
func forget(n *nonces) {
	for _, a := range n.accounts {
		for _, g := range a.generations {
			clear(g)
		}
		a.count = 0
	}
	n.total = 0
}

// TestRefusedCallsUseNoNonce sends a call that its account has no room for, and
// the very same again when it has.
func TestRefusedCallsUseNoNonce(t *testing.T) {
	v, _ := verifierAt(t, clock, AuthOptions{})
	r := acs3Call().acs3(t)
	v.admit = func(string) error { return errThrottling(time.Second) }
	_, err := v.verify(mustParse(t, r), view(t))
	wantCode(t, err, "Throttling.User")
	v.admit = func(string) error { return nil }
	_, err = v.verify(mustParse(t, r), view(t))
	wantCode(t, err, "")
	_, err = v.verify(mustParse(t, r), view(t))
	wantCode(t, err, "SignatureNonceUsed")
}
