package ram

import (
	"net/netip"
	"testing"
)

func TestExplain(t *testing.T) {
	policy := func(statements string) *Policy {
		return mustParse(t, `{"Version":"1","Statement":[`+statements+`]}`)
	}
	get := policy(`{"Effect":"Allow","Action":["ecs:*","cams:Get*"],"Resource":"*"}`)
	tests := []struct {
		name     string
		action   string
		change   func(*Request)
		attached []Attached
		want     string
	}{
		{"nothing", phones, nil, nil, "reporter may not call cams:GetChatappPhoneNumberMetric (access level get): no statement allows it\n"},
		{
			"an action that allows", phones, nil,
			[]Attached{{Policy: get}},
			`reporter may call cams:GetChatappPhoneNumberMetric (access level get): policies[0].Statement[0] allows it
  policies[0].Statement[0] Allow: applies, its Action "cams:Get*" names the operation
`,
		},
		{
			"an action that Get does not cover", enable, nil,
			[]Attached{{Name: "read", Policy: get}, {}},
			`reporter may not call cams:EnableWhatsappROIMetric (access level get): no statement allows it
  read.Statement[0] Allow: does not apply, its Action does not name the operation
`,
		},
		{
			"all but some actions", "cams:SendChatappMessage", nil,
			[]Attached{{Name: "most", Policy: policy(`{"Sid":"others","Effect":"Allow","NotAction":"ecs:*","Resource":"*"},{"Effect":"Deny","NotAction":["ecs:*","cams:*"],"Resource":"*"}`)}},
			`reporter may call cams:SendChatappMessage: most.Statement[0] allows it
  most.Statement[0] "others" Allow: applies, its NotAction does not name the operation
  most.Statement[1] Deny: does not apply, its NotAction "cams:*" names the operation
`,
		},
		{
			"a narrower resource", templates, nil,
			[]Attached{{Policy: policy(`{"Effect":"Allow","Action":"*","Resource":["acs:cams:*:*:cams-1","acs:ecs:*"]}`)}},
			`reporter may not call cams:GetChatappTemplateMetric (access level get): no statement allows it
  policies[0].Statement[0] Allow: does not apply, its Resource "acs:cams:*:*:cams-1", "acs:ecs:*" does not match everything, and the operation has no resource-level permission
`,
		},
		{
			"conditions", templates, func(r *Request) { r.SourceIP = netip.MustParseAddr("203.0.113.9") },
			[]Attached{{Policy: get}, {Policy: policy(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
				"IpAddress":{"acs:SourceIp":["192.0.2.0/24","192.0.2.1"]},"Bool":{"acs:SecureTransport":"false","acs:MFAPresent":"true"},
				"DateLessThan":{"acs:CurrentTime":"2026-01-01T00:00:00Z"},"StringLike":{"x:y":"*"},"StringEquals":{"acs:PrincipalARN":"a"},
				"NumericLessThan":{"x:z":"1"}}},
				{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"acs:SourceIp":"192.0.2.0/24"}}}`)}},
			`reporter may not call cams:GetChatappTemplateMetric (access level get): policies[1].Statement[1] denies it
  policies[0].Statement[0] Allow: applies, its Action "cams:Get*" names the operation
  policies[1].Statement[0] Deny: does not apply, IpAddress is not met: acs:SourceIp is "203.0.113.9", the policy says "192.0.2.0/24", "192.0.2.1"; Bool is not met: the request has no acs:MFAPresent; DateLessThan is not met: the request has no acs:CurrentTime; StringLike is not met: the request has no x:y; StringEquals is not met: acs:PrincipalARN is "acs:ram::1234567890123456:user/reporter", the policy says "a"; NumericLessThan is not met: the request has no x:z
  policies[1].Statement[1] Deny: applies, its Action "*" names the operation, its conditions are met
`,
		},
		{
			"what a request has", templates,
			func(r *Request) {
				*r = usualRequest()
				r.Action, r.MFA, r.Context = templates, False, map[string]string{"x:y": "1"}
			},
			[]Attached{{Policy: policy(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
				"DateLessThan":{"acs:CurrentTime":"2026-01-01T00:00:00Z"},"Bool":{"acs:SecureTransport":"false","acs:MFAPresent":"true"},
				"NumericGreaterThan":{"x:y":"1"},"StringEquals":{"acs:UserAgent":"b"}}}`)}},
			`reporter may not call cams:GetChatappTemplateMetric (access level get): no statement allows it
  policies[0].Statement[0] Allow: does not apply, DateLessThan is not met: acs:CurrentTime is "2026-11-20T10:00:00Z", the policy says "2026-01-01T00:00:00Z"; Bool is not met: acs:SecureTransport is "true", the policy says "false"; Bool is not met: acs:MFAPresent is "false", the policy says "true"; NumericGreaterThan is not met: x:y is "1", the policy says "1"; StringEquals is not met: acs:UserAgent is "AlibabaCloud (linux; x64) Node.js/v20.20.2 Core/1.0.1 TeaDSL/1", the policy says "b"
`,
		},
		{
			"an address that is not known", templates, nil,
			[]Attached{{Policy: policy(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"0.0.0.0/0"}}}`)}},
			`reporter may not call cams:GetChatappTemplateMetric (access level get): no statement allows it
  policies[0].Statement[0] Allow: does not apply, IpAddress is not met: the request has no acs:SourceIp
`,
		},
		{
			"the account itself", enable, func(r *Request) { r.Principal.Type, r.Principal.Name = RootUser, "" },
			[]Attached{{Policy: get}},
			"the caller may call cams:EnableWhatsappROIMetric (access level get): policies do not bind the account itself\n",
		},
		{
			"a temporary key", enable, nil,
			[]Attached{{Policy: mustParse(t, allow(`"Action":"*","Resource":"*"`))}, {Name: "token", Policy: get, Session: true}},
			`reporter may not call cams:EnableWhatsappROIMetric (access level get): no statement of the temporary key's policy allows it
  policies[0].Statement[0] Allow: applies, its Action "*" names the operation
  token (of the temporary key).Statement[0] Allow: does not apply, its Action does not name the operation
`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reporter(tt.action)
			if tt.change != nil {
				tt.change(&r)
			}
			if got := Explain(tt.attached, r).String(); got != tt.want {
				t.Errorf("Explain says\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
