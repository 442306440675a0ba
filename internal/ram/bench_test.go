package ram

import (
	"net/netip"
	"testing"
	"time"
)

// usual is a policy with what most have: some actions, a block, TLS, an end.
const usual = `{"Version":"1","Statement":[
	{"Effect":"Allow","Action":["cams:Get*","cams:List*"],"Resource":"*","Condition":{
		"IpAddress":{"acs:SourceIp":["192.0.2.0/24","203.0.113.2"]},
		"DateLessThan":{"acs:CurrentTime":"2030-01-01T00:00:00+08:00"}}},
	{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":"false"}}}]}`

func usualRequest() Request {
	r := reporter(phones)
	r.SourceIP, r.Secure = netip.MustParseAddr("203.0.113.2"), true
	r.Now = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	r.UserAgent = "AlibabaCloud (linux; x64) Node.js/v20.20.2 Core/1.0.1 TeaDSL/1"
	return r
}

func BenchmarkDecide(b *testing.B) {
	b.Run("simple", func(b *testing.B) {
		decide(b, []Attached{{Policy: mustParse(b, allow(`"Action":"cams:Get*","Resource":"*"`))}})
	})
	b.Run("usual", func(b *testing.B) { decide(b, []Attached{{Policy: mustParse(b, usual)}}) })
	b.Run("with a role", func(b *testing.B) {
		decide(b, []Attached{{Policy: mustParse(b, when(`{"StringLike":{"acs:PrincipalARN":"*:user/rep*"}}`))}})
	})
}

func decide(b *testing.B, attached []Attached) {
	r := usualRequest()
	b.ReportAllocs()
	for b.Loop() {
		if !Decide(attached, r).Allowed() {
			b.Fatal("denied")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(usual)
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
