package ram

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	enable    = "cams:EnableWhatsappROIMetric"
	templates = "cams:GetChatappTemplateMetric"
	phones    = "cams:GetChatappPhoneNumberMetric"
)

func reporter(action string) Request {
	return Request{Principal: Principal{SubUser, "1234567890123456", "reporter"}, Action: action}
}

func TestActions(t *testing.T) {
	tests := []struct {
		name, members string
		allows        []string
	}{
		{"the name", `"Action":"cams:GetChatappTemplateMetric"`, []string{templates}},
		{"two names", `"Action":["cams:GetChatappTemplateMetric","cams:EnableWhatsappROIMetric"]`, []string{enable, templates}},
		{"another case", `"Action":"CAMS:getchatapptemplatemetric"`, []string{templates}},
		{"the beginning", `"Action":"cams:GetChatappTemplate"`, nil},
		{"more than the name", `"Action":"cams:GetChatappTemplateMetrics"`, nil},
		{"everything", `"Action":"*"`, []string{enable, templates, phones}},
		{"everything twice", `"Action":"**"`, []string{enable, templates, phones}},
		{"the service", `"Action":"cams:*"`, []string{enable, templates, phones}},
		{"Get does not cover Enable", `"Action":"cams:Get*"`, []string{templates, phones}},
		{"a wildcard within", `"Action":"cams:Get*Metric"`, []string{templates, phones}},
		{"wildcards that must look back", `"Action":"cams:*Me*ric"`, []string{enable, templates, phones}},
		{"any service", `"Action":"*:Get*"`, []string{templates, phones}},
		{"a wildcard within the service", `"Action":"c?m*:GetChatappT*"`, []string{templates}},
		{"one character too few", `"Action":"cam?s:*"`, nil},
		{"single characters", `"Action":"????:GetChatapp????????Metric"`, []string{templates}},
		{"a ? does not stand for the colon", `"Action":"cams?Get*:*"`, nil},
		{"another service", `"Action":["ecs:*","camsx:*","cam:*"]`, nil},
		{"all but one", `"NotAction":"cams:Enable*"`, []string{templates, phones}},
		{"all but those of the service", `"NotAction":["ecs:*","cams:*"]`, nil},
		{"all but another service", `"NotAction":"ecs:*"`, []string{enable, templates, phones}},
		{"all but all", `"NotAction":"*"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			attached := []Attached{{Policy: mustParse(t, allow(tt.members+`,"Resource":"*"`))}}
			for _, action := range []string{enable, templates, phones} {
				want := ImplicitDeny
				if slices.Contains(tt.allows, action) {
					want = Allow
				}
				if got := Decide(attached, reporter(action)).Outcome; got != want {
					t.Errorf("%s: %s, want %s", action, got, want)
				}
			}
		})
	}
}

func TestResources(t *testing.T) {
	tests := []struct {
		name, resource string
		counts         bool
	}{
		{"all", `"*"`, true},
		{"all, in a list", `["acs:ecs:*:*:*","*"]`, true},
		{"all, twice", `"**"`, true},
		{"all that are not empty", `["?*"]`, true},
		{"a channel", `"acs:cams:*:1234567890123456:cams-1"`, false},
		{"all of the service", `"acs:cams:*:*:*"`, false},
		{"all names", `"acs:*"`, false},
		{"any one character", `"?"`, false},
		{"two characters and more", `"?*?"`, false},
		{"the end", `"*x"`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			one := Attached{Policy: mustParse(t, allow(`"Action":"*","Resource":`+tt.resource))}
			if got := Decide([]Attached{one}, reporter(enable)).Allowed(); got != tt.counts {
				t.Errorf("allows: %t, want %t", got, tt.counts)
			}
			deny := `{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":` + tt.resource + `}]}`
			both := []Attached{{Policy: mustParse(t, allow(`"Action":"*","Resource":"*"`))}, {Policy: mustParse(t, deny)}}
			if got := Decide(both, reporter(enable)).Allowed(); got == tt.counts {
				t.Errorf("denies: %t, want %t", !got, tt.counts)
			}
		})
	}
}

func TestWhatDecides(t *testing.T) {
	statement := func(effect, action string) string {
		return `{"Effect":"` + effect + `","Action":"` + action + `","Resource":"*"}`
	}
	policy := func(statements string) Attached {
		return Attached{Policy: mustParse(t, `{"Version":"1","Statement":[`+statements+`]}`)}
	}
	session := func(statements string) Attached {
		a := policy(statements)
		a.Session = true
		return a
	}
	all, get, none := statement("Allow", "*"), statement("Allow", "cams:Get*"), statement("Deny", "*")
	ecs := statement("Allow", "ecs:*")
	tests := []struct {
		name    string
		as      PrincipalType
		among   []Attached
		outcome Outcome
		at      [2]int
		session bool
	}{
		{"no policy", SubUser, nil, ImplicitDeny, [2]int{-1, -1}, false},
		{"a policy that is not there", SubUser, []Attached{{}}, ImplicitDeny, [2]int{-1, -1}, false},
		{"no statement about it", SubUser, []Attached{policy(ecs)}, ImplicitDeny, [2]int{-1, -1}, false},
		{"the first that allows", SubUser, []Attached{policy(ecs), policy(ecs + "," + get + "," + all)}, Allow, [2]int{1, 1}, false},
		{"a deny after it", SubUser, []Attached{policy(all), policy(ecs + "," + none)}, ExplicitDeny, [2]int{1, 1}, false},
		{"a deny before it", SubUser, []Attached{policy(none + "," + all)}, ExplicitDeny, [2]int{0, 0}, false},
		{"the first of two denies", SubUser, []Attached{policy(all + "," + none + "," + none)}, ExplicitDeny, [2]int{0, 1}, false},
		{"a caller of no type is a user", "", []Attached{policy(get)}, Allow, [2]int{0, 0}, false},
		{"a role", AssumedRoleUser, []Attached{policy(none)}, ExplicitDeny, [2]int{0, 0}, false},
		{"the account itself", RootUser, nil, Allow, [2]int{-1, -1}, false},
		{"the account itself is not bound", RootUser, []Attached{policy(none)}, Allow, [2]int{-1, -1}, false},
		{"a temporary key adds nothing", SubUser, []Attached{session(all)}, ImplicitDeny, [2]int{-1, -1}, false},
		{"a temporary key within the user's", SubUser, []Attached{session(get), policy(all)}, Allow, [2]int{1, 0}, false},
		{"a temporary key leaves it out", SubUser, []Attached{policy(all), session(ecs)}, ImplicitDeny, [2]int{-1, -1}, true},
		{"a temporary key denies it", SubUser, []Attached{policy(all), session(all + "," + none)}, ExplicitDeny, [2]int{1, 1}, true},
		{"the user is denied it", SubUser, []Attached{policy(none), session(all)}, ExplicitDeny, [2]int{0, 0}, false},
		{"a temporary key of the account itself", RootUser, []Attached{session(ecs)}, ImplicitDeny, [2]int{-1, -1}, true},
		{"a wider temporary key of the account itself", RootUser, []Attached{session(get)}, Allow, [2]int{-1, -1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reporter(templates)
			r.Principal.Type = tt.as
			d := Decide(tt.among, r)
			if d.Outcome != tt.outcome || [2]int{d.Policy, d.Statement} != tt.at || d.Session != tt.session {
				t.Errorf("%+v, want %s at %v, session %t", d, tt.outcome, tt.at, tt.session)
			}
			if d.Allowed() != (tt.outcome == Allow) {
				t.Errorf("Allowed is %t on %s", d.Allowed(), tt.outcome)
			}
		})
	}
}

func TestDetail(t *testing.T) {
	all := mustParse(t, allow(`"Action":"*","Resource":"*"`))
	none := mustParse(t, `{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	tests := []struct {
		name     string
		as       PrincipalType
		attached []Attached
		want     string
	}{
		{
			"nothing allows", "", nil,
			`{"PolicyType":"AccountLevelIdentityBasedPolicy","AuthPrincipalOwnerId":"1234567890123456","EncodedDiagnosticMessage":"",` +
				`"AuthPrincipalType":"SubUser","AuthPrincipalDisplayName":"reporter","NoPermissionType":"ImplicitDeny","AuthAction":"cams:EnableWhatsappROIMetric"}`,
		},
		{
			"the key of a role denies", AssumedRoleUser,
			[]Attached{{Policy: all}, {Policy: none, Session: true}},
			`{"PolicyType":"SessionPolicy","AuthPrincipalOwnerId":"1234567890123456","EncodedDiagnosticMessage":"",` +
				`"AuthPrincipalType":"AssumedRoleUser","AuthPrincipalDisplayName":"reporter","NoPermissionType":"ExplicitDeny","AuthAction":"cams:EnableWhatsappROIMetric"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reporter(enable)
			r.Principal.Type = tt.as
			got, err := json.Marshal(Decide(tt.attached, r).Detail())
			if err != nil || string(got) != tt.want {
				t.Errorf("%s, %v, want\n%s", got, err, tt.want)
			}
		})
	}
}

func TestOperations(t *testing.T) {
	want := []Operation{{enable, "get", false}, {templates, "get", false}, {phones, "get", false}}
	got := slices.DeleteFunc(Operations(), func(o Operation) bool { return strings.HasPrefix(o.Action, "waybill:") && o.Resources })
	if !slices.Equal(got, want) {
		t.Errorf("the vendor's operations are %v, want %v", got, want)
	}
	if w := (*Policy)(nil).Warnings(); w != nil {
		t.Errorf("no policy warns of %v", w)
	}
	Operations()[0].Action = "x"
	p := mustParse(t, allow(`"Action":"cams:*","Resource":"acs:x"`))
	p.Warnings()[0].Path = "x"
	if Operations()[0].Action != enable || p.Warnings()[0].Path != "Statement[0].Resource" {
		t.Error("what was returned is shared")
	}
}

func TestOwnResources(t *testing.T) {
	const channel = "acs:waybill:*:1234567890123456:channel/first"
	tests := []struct {
		name, statements, resource string
		want                       Outcome
		why                        string
	}{
		{"everything", `"Action":"waybill:*","Resource":"*"`, channel, Allow, `its Action "waybill:*" names the operation`},
		{"the channel", `"Action":"waybill:getmetrics","Resource":["acs:x","` + channel + `"]`, channel, Allow, ""},
		{"all channels", `"Action":"waybill:GetMetrics","Resource":"acs:waybill:*:*:channel/*"`, channel, Allow, ""},
		{"another channel", `"Action":"waybill:GetMetrics","Resource":"acs:waybill:*:*:channel/second"`, channel, ImplicitDeny, `its Resource "acs:waybill:*:*:channel/second" does not name acs:waybill:*:1234567890123456:channel/first`},
		{"another case", `"Action":"waybill:GetMetrics","Resource":"acs:waybill:*:*:channel/First"`, channel, ImplicitDeny, ""},
		{"a channel of another case", `"Action":"waybill:GetMetrics","Resource":"acs:waybill:*:*:channel/first"`, strings.Replace(channel, "first", "First", 1), ImplicitDeny, ""},
		{"the account", `"Action":"waybill:GetMetrics","Resource":"acs:waybill:*:*:account/*"`, channel, ImplicitDeny, ""},
		{"an operation without resources", `"Action":"*","Resource":"acs:*"`, "", ImplicitDeny, "no resource-level permission"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reporter("waybill:GetMetrics")
			r.Resource = tt.resource
			e := Explain([]Attached{{Policy: mustParse(t, allow(tt.statements))}}, r)
			if e.Decision.Outcome != tt.want || !strings.Contains(e.Findings[0].Why, tt.why) {
				t.Errorf("%s, because %s", e.Decision.Outcome, e.Findings[0].Why)
			}
		})
	}
}

func TestManyDecideAtATime(t *testing.T) {
	attached := []Attached{{Policy: mustParse(t, usual)}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if !Decide(attached, usualRequest()).Allowed() {
					t.Error("denied")
				}
				_ = Explain(attached, usualRequest()).String()
			}
		})
	}
	wg.Wait()
}
