package ram

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"waybill"
)

// allow returns a policy of one statement with more members.
func allow(members string) string {
	return `{"Version":"1","Statement":[{"Effect":"Allow",` + members + `}]}`
}

// when returns a policy with a condition.
func when(condition string) string {
	return allow(`"Action":"*","Resource":"*","Condition":` + condition)
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		name, text string
		want       string
	}{
		{"no text", "", "the policy is no JSON: line 1, column 1: unexpected end of JSON input"},
		{"a comma too many", "{\n  \"Version\": \"1\",}", "the policy is no JSON: line 2, column 18: invalid character '}' looking for beginning of object key string"},
		{"two values", "{} {}", "the policy is no JSON: line 1, column 4: invalid character '{' after top-level value"},
		{"bytes that are no text", "\"\xff\"", "the policy is no UTF-8"},
		{"a list", "[]", "the policy must be an object, is a list"},
		{"nothing", "{}", "Version: is missing\nStatement: is missing"},
		{"null", "null", "the policy must be an object, is null"},
		{
			"another version", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
			`Version: must be "1", is "2012-10-17"`,
		},
		{"a number as version and no list", `{"Version":1,"Statement":{}}`, "Version: must be \"1\", is a number\nStatement: must be a list, is an object"},
		{"no statements", `{"Version":"1","Statement":[]}`, "Statement: is empty"},
		{"statements that are none", `{"Version":"1","Statement":["x",null]}`, "Statement[0]: must be an object, is text\nStatement[1]: must be an object, is null"},
		{
			"an empty statement", `{"Version":"1","Statement":[{}]}`,
			"Statement[0].Effect: is missing\nStatement[0]: has neither Action nor NotAction\nStatement[0].Resource: is missing",
		},
		{
			"keys in another case are no keys", `{"version":"1","Statement":[{"effect":"Allow","action":"*","Resources":"*","Conditions":{}}]}`,
			`version: is unknown, did you mean "Version"?
Statement[0].effect: is unknown, did you mean "Effect"?
Statement[0].action: is unknown, did you mean "Action"?
Statement[0].Resources: is unknown, did you mean "Resource"?
Statement[0].Conditions: is unknown, did you mean "Condition"?`,
		},
		{"keys of nothing", allow(`"Action":"*","Resource":"*","Comment":1,"a b":2`), "Statement[0].Comment: is unknown\nStatement[0][\"a b\"]: is unknown"},
		{
			"elements of other policies", allow(`"Principal":"*","NotPrincipal":"*","NotResource":"*","Action":"*","Resource":"*"`),
			`Statement[0].Principal: is for policies of resources, not of users
Statement[0].NotPrincipal: is for policies of resources, not of users
Statement[0].NotResource: is not in the language, only Resource is`,
		},
		{"a key twice", allow(`"Effect":"Deny","Action":"*","Resource":"*"`), "Statement[0].Effect: is given twice"},
		{
			"an effect in another case", `{"Version":"1","Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}`,
			`Statement[0].Effect: must be "Allow" or "Deny", is "allow"`,
		},
		{
			"what is too long to repeat", allow(`"Action":"` + strings.Repeat("é", 81) + `","Resource":"*"`),
			`Statement[0].Action: is "` + strings.Repeat("é", 80) + `…", must be "*" or "service:operation"`,
		},
		{"a list of effects", `{"Version":"1","Statement":[{"Effect":["Deny"],"Action":"*","Resource":"*"}]}`, `Statement[0].Effect: must be "Allow" or "Deny", is a list`},
		{"a number as Sid", allow(`"Sid":7,"Action":"*","Resource":"*"`), `Statement[0].Sid: must be text, is a number: write "7"`},
		{"both kinds of actions", allow(`"Action":"*","NotAction":"*","Resource":"*"`), "Statement[0]: has both Action and NotAction"},
		{"no actions", allow(`"Action":[],"Resource":[]`), "Statement[0].Action: is empty\nStatement[0].Resource: is empty"},
		{
			"actions that are none", allow(`"Action":["cams","cams:",":Get","cams:Get Metric","",7,["*"],"cams:Gét"],"Resource":"*"`),
			`Statement[0].Action[0]: is "cams", must be "*" or "service:operation"
Statement[0].Action[1]: is "cams:", must be "*" or "service:operation"
Statement[0].Action[2]: is ":Get", must be "*" or "service:operation"
Statement[0].Action[3]: is "cams:Get Metric", must be "*" or "service:operation"
Statement[0].Action[4]: is "", must be "*" or "service:operation"
Statement[0].Action[5]: must be text, is a number: write "7"
Statement[0].Action[6]: must be text, is a list
Statement[0].Action[7]: is "cams:Gét", must be "*" or "service:operation"`,
		},
		{
			"resources that are none", allow(`"NotAction":"cams:*","Resource":["arn:aws:s3:::b","cams",""]`),
			`Statement[0].Resource[0]: is "arn:aws:s3:::b", must be "*" or a name like "acs:service:region:account:resource"
Statement[0].Resource[1]: is "cams", must be "*" or a name like "acs:service:region:account:resource"
Statement[0].Resource[2]: is "", must be "*" or a name like "acs:service:region:account:resource"`,
		},
		{"a condition that is none", when(`[]`), "Statement[0].Condition: must be an object, is a list"},
		{"an empty condition", when(`{}`), "Statement[0].Condition: is empty"},
		{
			"operators without keys", when(`{"Bool":{},"IpAddress":"192.0.2.1"}`),
			"Statement[0].Condition.Bool: is empty\nStatement[0].Condition.IpAddress: must be an object, is text",
		},
		{
			"operators that RAM lacks", when(`{"IPAddress":{},"StringEqual":{},"BoolIfExists":{},"Null":{},"ForAnyValue:StringLike":{},"ArnLike":{}}`),
			`Statement[0].Condition.IPAddress: is no operator, did you mean "IpAddress"?
Statement[0].Condition.StringEqual: is no operator, did you mean "StringEquals"?
Statement[0].Condition.BoolIfExists: is no operator: RAM has no Null and no IfExists
Statement[0].Condition.Null: is no operator: RAM has no Null and no IfExists
Statement[0].Condition.ForAnyValue:StringLike: is no operator: RAM has no ForAllValues and no ForAnyValue
Statement[0].Condition.ArnLike: is no operator`,
		},
		{"an operator twice", when(`{"Bool":{"acs:SecureTransport":"true"},"Bool":{"acs:SecureTransport":"false"}}`), "Statement[0].Condition.Bool: is given twice"},
		{
			"keys that are none", when(`{"IpAddress":{"acs:sourceIp":"192.0.2.1","SourceIp":"192.0.2.1","acs:":"192.0.2.1","tag":"192.0.2.1"}}`),
			`Statement[0].Condition.IpAddress.acs:sourceIp: is no key, did you mean "acs:SourceIp"?
Statement[0].Condition.IpAddress.SourceIp: is no key, must be like "acs:SourceIp", did you mean "acs:SourceIp"?
Statement[0].Condition.IpAddress.acs:: is no key, must be like "acs:SourceIp"
Statement[0].Condition.IpAddress.tag: is no key, must be like "acs:SourceIp"`,
		},
		{
			"keys of another class", when(`{"StringLike":{"acs:SourceIp":"192.*","acs:CurrentTime":"2026-*"},"Bool":{"acs:UserAgent":"true"},"NumericEquals":{"acs:SecureTransport":"1"}}`),
			`Statement[0].Condition.StringLike.acs:SourceIp: is an IP address, compared by IpAddress and NotIpAddress
Statement[0].Condition.StringLike.acs:CurrentTime: is an instant, compared by DateEquals, DateLessThan and their like
Statement[0].Condition.Bool.acs:UserAgent: is text, compared by StringEquals, StringLike and their like
Statement[0].Condition.NumericEquals.acs:SecureTransport: is a boolean, compared by Bool`,
		},
		{
			"values that are none", when(`{"Bool":{"acs:SecureTransport":[true,"True",[]]},"IpAddress":{"acs:SourceIp":["192.0.2","192.0.2.0/33","192.0.2.*","fe80::1%eth0"]}}`),
			`Statement[0].Condition.Bool.acs:SecureTransport[0]: must be text, is a boolean: write "true"
Statement[0].Condition.Bool.acs:SecureTransport[1]: is "True", must be "true" or "false"
Statement[0].Condition.Bool.acs:SecureTransport[2]: must be text, is a list
Statement[0].Condition.IpAddress.acs:SourceIp[0]: is "192.0.2", must be an address or a CIDR block such as "192.0.2.0/24"
Statement[0].Condition.IpAddress.acs:SourceIp[1]: is "192.0.2.0/33", must be an address or a CIDR block such as "192.0.2.0/24"
Statement[0].Condition.IpAddress.acs:SourceIp[2]: is "192.0.2.*", must be an address or a CIDR block such as "192.0.2.0/24"
Statement[0].Condition.IpAddress.acs:SourceIp[3]: is "fe80::1%eth0", must be an address or a CIDR block such as "192.0.2.0/24"`,
		},
		{
			"instants that are none", when(`{"DateLessThan":{"acs:CurrentTime":["2026-01-31","2026-01-31T23:59:59","2026-01-31T23:59:59.5Z","2026-02-30T00:00:00Z",1738281599]}}`),
			`Statement[0].Condition.DateLessThan.acs:CurrentTime[0]: is "2026-01-31", must be a time such as "2026-01-31T23:59:59Z"
Statement[0].Condition.DateLessThan.acs:CurrentTime[1]: is "2026-01-31T23:59:59", must be a time such as "2026-01-31T23:59:59Z"
Statement[0].Condition.DateLessThan.acs:CurrentTime[2]: is "2026-01-31T23:59:59.5Z", must be a time such as "2026-01-31T23:59:59Z"
Statement[0].Condition.DateLessThan.acs:CurrentTime[3]: is "2026-02-30T00:00:00Z", must be a time such as "2026-01-31T23:59:59Z"
Statement[0].Condition.DateLessThan.acs:CurrentTime[4]: must be text, is a number: write "1738281599"`,
		},
		{
			"numbers that are none", when(`{"NumericLessThan":{"x:y":["","1e3","+1",".5","5.","1,000"," 1"]}}`),
			strings.ReplaceAll(`Statement[0].Condition.NumericLessThan.x:y[0]: is "", ~
Statement[0].Condition.NumericLessThan.x:y[1]: is "1e3", ~
Statement[0].Condition.NumericLessThan.x:y[2]: is "+1", ~
Statement[0].Condition.NumericLessThan.x:y[3]: is ".5", ~
Statement[0].Condition.NumericLessThan.x:y[4]: is "5.", ~
Statement[0].Condition.NumericLessThan.x:y[5]: is "1,000", ~
Statement[0].Condition.NumericLessThan.x:y[6]: is " 1", ~`, "~", `must be digits such as "10" or "-0.5"`),
		},
		{"no values", when(`{"StringEquals":{"acs:UserAgent":[]}}`), "Statement[0].Condition.StringEquals.acs:UserAgent: is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse([]byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Fatalf("Parse(%s) says\n%v\nwant\n%s", tt.text, err, tt.want)
			}
			if p != nil || waybill.CodeOf(err) != waybill.Invalid {
				t.Errorf("a policy %v, code %s", p, waybill.CodeOf(err))
			}
		})
	}
}

func TestMistakesAreToldUpToABound(t *testing.T) {
	_, err := Parse([]byte(allow(`"Action":[1` + strings.Repeat(",1", 149) + `],"Resource":"*"`)))
	told, ok := errors.AsType[Mistakes](err)
	if !ok || len(told) != 150 {
		t.Fatalf("%d mistakes of 150", len(told))
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 101 || lines[100] != "and 50 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestLengthIsInCharacters(t *testing.T) {
	text := func(n int) []byte {
		rest := allow(`"Sid":"","Action":"*","Resource":"*"`)
		return []byte(allow(fmt.Sprintf(`"Sid":%q,"Action":"*","Resource":"*"`, strings.Repeat("é", n-len(rest)))))
	}
	if _, err := Parse(text(MaxLength)); err != nil {
		t.Errorf("%d characters: %v", MaxLength, err)
	}
	_, err := Parse(text(MaxLength + 1))
	if err == nil || err.Error() != "the policy has 6145 characters, more than 6144" {
		t.Errorf("one more: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	const narrow = ` does not match everything, and the operations of cams have no resource-level permission: ` +
		`the statement neither allows nor denies them, write "*"`
	tests := []struct {
		name, text, want string
	}{
		{"the usual", allow(`"Action":"cams:Get*","Resource":"*"`), ""},
		{"a narrower resource", allow(`"Action":"cams:Get*","Resource":"acs:cams:*:*:*"`), `Statement[0].Resource: "acs:cams:*:*:*"` + narrow},
		{"two of them", allow(`"Action":"*","Resource":["acs:*","??*"]`), `Statement[0].Resource: "acs:*", "??*"` + narrow},
		{"many of them", allow(`"Action":"*","Resource":["acs:1","acs:2","acs:3","acs:4","acs:5","acs:6","acs:7"]`), `Statement[0].Resource: "acs:1", "acs:2", "acs:3", "acs:4", "acs:5", and 2 more` + narrow},
		{"a resource of Waybill's own", allow(`"Action":"*","Resource":["acs:waybill:*:*:channel/a","acs:ecs:*"]`), ""},
		{"an operation of Waybill's own", allow(`"Action":"waybill:GetMetrcs","Resource":"acs:waybill:*:*:channel/a"`), `Statement[0].Action: "waybill:GetMetrcs" is no operation of this server, did you mean "waybill:GetMetrics"?`},
		{"one of them among all", allow(`"Action":"*","Resource":["acs:ecs:*:*:*","*"]`), ""},
		{"another service's resource", allow(`"Action":"ecs:*","Resource":"acs:ecs:*:*:instance/i-1"`), ""},
		{"all but this service", allow(`"NotAction":["CAMS:*"],"Resource":"acs:ecs:*:*:*"`), ""},
		{"all but another service", allow(`"NotAction":"ecs:*","Resource":"acs:oss:*:*:*"`), `Statement[0].Resource: "acs:oss:*:*:*"` + narrow},
		{"the spelling of the vendor's prose is the action's", allow(`"Action":"cams:EnableWhatsAppROIMetric","Resource":"*"`), ""},
		{"a slip", allow(`"Action":["*:Get*","cams:GetChatapTemplateMetrics"],"Resource":"*"`), `Statement[0].Action[1]: "cams:GetChatapTemplateMetrics" is no operation of this server, did you mean "cams:GetChatappTemplateMetric"?`},
		{"another operation", allow(`"Action":"cams:SendChatappMessage","Resource":"*"`), ""},
		{
			"keys that requests lack", when(`{"StringNotLike":{"acs:SourceVpc":"vpc-*"},"StringEquals":{"acs:ResourceTag/team":"a","rds:ResourceTag/b":"c"}}`),
			`Statement[0].Condition.StringNotLike.acs:SourceVpc: no request to this server has the key: StringNotLike is always met
Statement[0].Condition.StringEquals.acs:ResourceTag/team: no request to this server has the key: StringEquals is never met
Statement[0].Condition.StringEquals.rds:ResourceTag/b: no request to this server has the key: StringEquals is never met`,
		},
		{"multi-factor authentication", when(`{"Bool":{"acs:MFAPresent":"true"}}`), "Statement[0].Condition.Bool.acs:MFAPresent: a call signed with an access key does not have the key: Bool is never met"},
		{
			"wildcards that are none", when(`{"StringEquals":{"acs:UserAgent":["curl/*"]},"StringLike":{"acs:PrincipalARN":"*"},"StringNotEqualsIgnoreCase":{"acs:PrincipalARN":"a?"}}`),
			`Statement[0].Condition.StringEquals.acs:UserAgent[0]: "curl/*" is compared as it stands: only StringLike and StringNotLike have wildcards
Statement[0].Condition.StringNotEqualsIgnoreCase.acs:PrincipalARN: "a?" is compared as it stands: only StringLike and StringNotLike have wildcards`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, w := range mustParse(t, tt.text).Warnings() {
				lines = append(lines, w.String())
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("Warnings of %s:\n%s\nwant\n%s", tt.text, got, tt.want)
			}
		})
	}
}

func mustParse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return p
}

func TestAttach(t *testing.T) {
	good := json.RawMessage(allow(`"Action":"*","Resource":"*"`))
	attached, err := Attach([]json.RawMessage{good, good})
	if err != nil || len(attached) != 2 || attached[1].Name != "policies[1]" || attached[1].Policy == nil {
		t.Errorf("attached %+v, %v", attached, err)
	}
	attached, err = Attach([]json.RawMessage{good, json.RawMessage("{}")})
	if attached != nil || err == nil || !strings.HasPrefix(err.Error(), "policies[1]: ") {
		t.Errorf("attached %+v, %v", attached, err)
	}
}
