package ram

import (
	"net/netip"
	"testing"
	"time"
)

func TestConditions(t *testing.T) {
	at := func(s string) func(*Request) {
		return func(r *Request) {
			now, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				t.Fatal(err)
			}
			r.Now = now
		}
	}
	from := func(s string) func(*Request) { return func(r *Request) { r.SourceIP = netip.MustParseAddr(s) } }
	agent := func(s string) func(*Request) { return func(r *Request) { r.UserAgent = s } }
	count := func(s string) func(*Request) {
		return func(r *Request) { r.Context = map[string]string{"x:count": s} }
	}
	mfa := func(v Truth) func(*Request) { return func(r *Request) { r.MFA = v } }
	tls := func(r *Request) { r.Secure = true }
	bare := func(*Request) {}

	tests := []struct {
		name, condition string
		request         func(*Request)
		met             bool
	}{
		{"equal text", `{"StringEquals":{"acs:UserAgent":"curl/8.1"}}`, agent("curl/8.1"), true},
		{"text in another case", `{"StringEquals":{"acs:UserAgent":"curl/8.1"}}`, agent("Curl/8.1"), false},
		{"a wildcard where there is none", `{"StringEquals":{"acs:UserAgent":"curl/*"}}`, agent("curl/8.1"), false},
		{"a wildcard as text", `{"StringEquals":{"acs:UserAgent":"curl/*"}}`, agent("curl/*"), true},
		{"equal text, negated", `{"StringNotEquals":{"acs:UserAgent":"curl/8.1"}}`, agent("curl/8.1"), false},
		{"other text, negated", `{"StringNotEquals":{"acs:UserAgent":"curl/8.1"}}`, agent("curl/8.2"), true},
		{"text whatever the case", `{"StringEqualsIgnoreCase":{"acs:UserAgent":"CURL/É"}}`, agent("curl/é"), true},
		{"other text whatever the case", `{"StringEqualsIgnoreCase":{"acs:UserAgent":"curl"}}`, agent("curl "), false},
		{"text whatever the case, negated", `{"StringNotEqualsIgnoreCase":{"acs:UserAgent":"CURL"}}`, agent("curl"), false},
		{"other text whatever the case, negated", `{"StringNotEqualsIgnoreCase":{"acs:UserAgent":"CURL"}}`, agent("wget"), true},
		{"like", `{"StringLike":{"acs:UserAgent":"*Node.js/v2?.*"}}`, agent("AlibabaCloud Node.js/v20.1"), true},
		{"like, in another case", `{"StringLike":{"acs:UserAgent":"*node*"}}`, agent("Node"), false},
		{"like nothing more", `{"StringLike":{"acs:UserAgent":"Node*"}}`, agent("Node"), true},
		{"like, one character short", `{"StringLike":{"acs:UserAgent":"Node?"}}`, agent("Node"), false},
		{"a character is no byte", `{"StringLike":{"acs:UserAgent":"caf?"}}`, agent("café"), true},
		{"a character is no two", `{"StringLike":{"acs:UserAgent":"caf??"}}`, agent("café"), false},
		{"a part of a character is none", `{"StringLike":{"acs:UserAgent":"*??b?"}}`, agent("€bx"), false},
		{"not like", `{"StringNotLike":{"acs:UserAgent":"Go*"}}`, agent("Node"), true},
		{"like, negated", `{"StringNotLike":{"acs:UserAgent":"Go*"}}`, agent("Go-http-client/1.1"), false},

		{"the caller", `{"StringEquals":{"acs:PrincipalARN":"acs:ram::1234567890123456:user/reporter"}}`, bare, true},
		{"a role, whatever its session", `{"StringLike":{"acs:PrincipalARN":"acs:ram:*:*:role/dash"}}`, func(r *Request) {
			r.Principal = Principal{AssumedRoleUser, "1234567890123456", "dash:monday"}
		}, true},
		{"a caller of no name", `{"StringLike":{"acs:PrincipalARN":"*"}}`, func(r *Request) { r.Principal.Name = "" }, false},

		{"the number", `{"NumericEquals":{"x:count":"10"}}`, count("10"), true},
		{"the number, written otherwise", `{"NumericEquals":{"x:count":"010.00"}}`, count("10"), true},
		{"a number that a float can't tell apart", `{"NumericEquals":{"x:count":"9007199254740993"}}`, count("9007199254740992"), false},
		{"zero has no sign", `{"NumericEquals":{"x:count":"-0"}}`, count("0.0"), true},
		{"not the number", `{"NumericNotEquals":{"x:count":"10"}}`, count("10.0"), false},
		{"another number", `{"NumericNotEquals":{"x:count":"10"}}`, count("10.01"), true},
		{"less", `{"NumericLessThan":{"x:count":"10"}}`, count("9.999"), true},
		{"not less but equal", `{"NumericLessThan":{"x:count":"10"}}`, count("10"), false},
		{"less by sign", `{"NumericLessThan":{"x:count":"1"}}`, count("-20"), true},
		{"more by sign", `{"NumericLessThan":{"x:count":"-1"}}`, count("0"), false},
		{"less below zero", `{"NumericLessThan":{"x:count":"-1.5"}}`, count("-1.51"), true},
		{"less or equal", `{"NumericLessThanEquals":{"x:count":"10"}}`, count("10"), true},
		{"more than less or equal", `{"NumericLessThanEquals":{"x:count":"10"}}`, count("10.1"), false},
		{"greater", `{"NumericGreaterThan":{"x:count":"9"}}`, count("10"), true},
		{"not greater but equal", `{"NumericGreaterThan":{"x:count":"10"}}`, count("10"), false},
		{"greater or equal", `{"NumericGreaterThanEquals":{"x:count":"10"}}`, count("10"), true},
		{"less than greater or equal", `{"NumericGreaterThanEquals":{"x:count":"10"}}`, count("9"), false},
		{"no number at all", `{"NumericLessThan":{"x:count":"10"}}`, count("few"), false},
		{"no number at all, negated", `{"NumericNotEquals":{"x:count":"10"}}`, count("few"), true},

		{"the instant", `{"DateEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:00Z"), true},
		{"the instant in another zone", `{"DateEquals":{"acs:CurrentTime":"2026-03-01T20:00:00+08:00"}}`, at("2026-03-01T12:00:00Z"), true},
		{"later within the second", `{"DateEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:00.999Z"), true},
		{"the next second", `{"DateEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:01Z"), false},
		{"not the instant", `{"DateNotEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:00Z"), false},
		{"another instant", `{"DateNotEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:01Z"), true},
		{"before", `{"DateLessThan":{"acs:CurrentTime":"2019-08-12T17:00:00+08:00"}}`, at("2019-08-12T08:59:59Z"), true},
		{"not before but then", `{"DateLessThan":{"acs:CurrentTime":"2019-08-12T17:00:00+08:00"}}`, at("2019-08-12T09:00:00Z"), false},
		{"then or before", `{"DateLessThanEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:00.5Z"), true},
		{"after then or before", `{"DateLessThanEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:01Z"), false},
		{"after", `{"DateGreaterThan":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:01Z"), true},
		{"not after but then", `{"DateGreaterThan":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:00.5Z"), false},
		{"then or after", `{"DateGreaterThanEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T12:00:00Z"), true},
		{"before then or after", `{"DateGreaterThanEquals":{"acs:CurrentTime":"2026-03-01T12:00:00Z"}}`, at("2026-03-01T11:59:59.9Z"), false},
		{"no clock", `{"DateGreaterThan":{"acs:CurrentTime":"0001-01-01T00:00:00Z"}}`, bare, false},

		{"TLS", `{"Bool":{"acs:SecureTransport":"true"}}`, tls, true},
		{"no TLS", `{"Bool":{"acs:SecureTransport":"true"}}`, bare, false},
		{"no TLS asked for", `{"Bool":{"acs:SecureTransport":"false"}}`, bare, true},
		{"either", `{"Bool":{"acs:SecureTransport":["true","false"]}}`, tls, true},
		{"a second factor", `{"Bool":{"acs:MFAPresent":"true"}}`, mfa(True), true},
		{"no second factor", `{"Bool":{"acs:MFAPresent":"true"}}`, mfa(False), false},
		{"no second factor asked for", `{"Bool":{"acs:MFAPresent":"false"}}`, mfa(False), true},
		{"nothing known of a second factor", `{"Bool":{"acs:MFAPresent":"false"}}`, bare, false},

		{"the address", `{"IpAddress":{"acs:SourceIp":"192.0.2.1"}}`, from("192.0.2.1"), true},
		{"the next address", `{"IpAddress":{"acs:SourceIp":"192.0.2.1"}}`, from("192.0.2.2"), false},
		{"the first of a block", `{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}`, from("192.0.2.0"), true},
		{"the last of a block", `{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}`, from("192.0.2.255"), true},
		{"the one after a block", `{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}`, from("192.0.3.0"), false},
		{"a block given by an address within", `{"IpAddress":{"acs:SourceIp":"10.217.182.3/24"}}`, from("10.217.182.200"), true},
		{"a block of one", `{"IpAddress":{"acs:SourceIp":"192.0.2.1/32"}}`, from("192.0.2.1"), true},
		{"all of IPv4", `{"IpAddress":{"acs:SourceIp":"0.0.0.0/0"}}`, from("203.0.113.9"), true},
		{"IPv6 is not in all of IPv4", `{"IpAddress":{"acs:SourceIp":"0.0.0.0/0"}}`, from("2001:db8::1"), false},
		{"an IPv6 block", `{"IpAddress":{"acs:SourceIp":"2001:db8::/32"}}`, from("2001:db8:ffff::1"), true},
		{"outside of an IPv6 block", `{"IpAddress":{"acs:SourceIp":"2001:db8::/32"}}`, from("2001:db9::"), false},
		{"an IPv6 address written otherwise", `{"IpAddress":{"acs:SourceIp":"2001:0DB8:0:0:0:0:0:1"}}`, from("2001:db8::1"), true},
		{"IPv4 wrapped in IPv6", `{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}`, from("::ffff:192.0.2.7"), true},
		{"a block wrapped in IPv6", `{"IpAddress":{"acs:SourceIp":"::ffff:192.0.2.0/120"}}`, from("192.0.2.7"), true},
		{"an address with a zone", `{"IpAddress":{"acs:SourceIp":"fe80::/10"}}`, from("fe80::1%eth0"), true},
		{"one of two", `{"IpAddress":{"acs:SourceIp":["192.0.2.0/24","203.0.113.2"]}}`, from("203.0.113.2"), true},
		{"none of two", `{"IpAddress":{"acs:SourceIp":["192.0.2.0/24","203.0.113.2"]}}`, from("203.0.113.3"), false},
		{"one of two, negated", `{"NotIpAddress":{"acs:SourceIp":["192.0.2.0/24","203.0.113.2"]}}`, from("203.0.113.2"), false},
		{"none of two, negated", `{"NotIpAddress":{"acs:SourceIp":["192.0.2.0/24","203.0.113.2"]}}`, from("203.0.113.3"), true},
		{"no address", `{"IpAddress":{"acs:SourceIp":"0.0.0.0/0"}}`, bare, false},
		{"no address, negated", `{"NotIpAddress":{"acs:SourceIp":"0.0.0.0/0"}}`, bare, true},

		{"one of the texts", `{"StringLike":{"acs:UserAgent":["a*","b*"]}}`, agent("bc"), true},
		{"one of the texts, negated", `{"StringNotLike":{"acs:UserAgent":["a*","b*"]}}`, agent("bc"), false},
		{"both keys", `{"StringLike":{"acs:UserAgent":"a*","acs:PrincipalARN":"*reporter"}}`, agent("a"), true},
		{"one key of two", `{"StringLike":{"acs:UserAgent":"a*","acs:PrincipalARN":"*other"}}`, agent("a"), false},
		{"both operators", `{"StringLike":{"acs:UserAgent":"a*"},"Bool":{"acs:SecureTransport":"false"}}`, agent("a"), true},
		{"one operator of two", `{"StringLike":{"acs:UserAgent":"a*"},"Bool":{"acs:SecureTransport":"true"}}`, agent("a"), false},
		{"a key that no request has", `{"StringLike":{"acs:SourceVpc":"*"}}`, bare, false},
		{"a key that no request has, negated", `{"StringNotLike":{"acs:SourceVpc":"vpc-*"}}`, bare, true},
		{"a text that is not there", `{"StringEquals":{"acs:UserAgent":""}}`, bare, false},
		{"a context does not replace a key", `{"StringEquals":{"acs:UserAgent":"a"}}`, func(r *Request) {
			r.Context = map[string]string{"acs:UserAgent": "a"}
		}, false},
	}
	used := make(map[string]bool)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := mustParse(t, when(tt.condition))
			r := reporter(templates)
			tt.request(&r)
			if got := Decide([]Attached{{Policy: p}}, r).Allowed(); got != tt.met {
				t.Errorf("%s met: %t, want %t", tt.condition, got, tt.met)
			}
			for _, c := range p.statements[0].conditions {
				used[c.operator] = true
			}
		})
	}
	for name := range operators {
		if !used[name] {
			t.Errorf("no row has %s", name)
		}
	}
}

func TestNamesOfCallers(t *testing.T) {
	tests := []struct {
		name   string
		caller Principal
		want   string
	}{
		{"a user", Principal{SubUser, "1", "a"}, "acs:ram::1:user/a"},
		{"a caller of no type", Principal{"", "1", "a"}, "acs:ram::1:user/a"},
		{"a role", Principal{AssumedRoleUser, "1", "r:s"}, "acs:ram::1:role/r"},
		{"the account itself", Principal{RootUser, "1", ""}, "acs:ram::1:root"},
		{"no account", Principal{SubUser, "", "a"}, ""},
		{"no name", Principal{SubUser, "1", ""}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := tt.caller.arn(); got != tt.want || ok != (tt.want != "") {
				t.Errorf("arn is %q, %t, want %q", got, ok, tt.want)
			}
		})
	}
}
