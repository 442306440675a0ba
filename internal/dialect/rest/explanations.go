package rest

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/ram"
	"waybill/internal/spelling"
)

// accessQuestion asks whether a user may do something.
type accessQuestion struct {
	Account  string `json:"account" doc:"ID of the account." example:"1234567890123456"`
	User     string `json:"user" doc:"Name of a user of the account." example:"reporter"`
	Action   string `json:"action" doc:"What it would do." example:"cams:GetChatappTemplateMetric"`
	Resource string `json:"resource,omitzero" doc:"What it would do it on, for actions of waybill; the account where it is left out." example:"acs:waybill:*:1234567890123456:channel/cams-demo"`
	SourceIP string `json:"source_ip,omitzero" doc:"The address that the call comes from, for acs:SourceIp." example:"192.0.2.1"`
	Insecure bool   `json:"insecure,omitzero" doc:"The call does not come over TLS."`
}

type explanationParams struct {
	Body accessQuestion `body:""`
}

// explanation says what a user may do and why.
type explanation struct {
	Allowed  bool      `json:"allowed" doc:"Whether the call would be served." example:"true"`
	Outcome  string    `json:"outcome" enum:"Allow,ExplicitDeny,ImplicitDeny" doc:"The decision in the vendor's words." example:"Allow"`
	By       string    `json:"by,omitempty" doc:"The statement that decided, if one did." example:"policies[0].Statement[0]"`
	Findings []finding `json:"findings" doc:"Why each statement has a say, or has none."`
	Text     string    `json:"text" doc:"All of it for a person." example:"reporter may call cams:GetChatappTemplateMetric"`
	Warnings []string  `json:"warnings" doc:"What is odd about the question."`
}

type finding struct {
	Place   string `json:"place" doc:"The statement." example:"policies[0].Statement[0]"`
	Sid     string `json:"sid,omitempty" doc:"Its label." example:"reports"`
	Effect  string `json:"effect" enum:"Allow,Deny" doc:"What it does."`
	Applies bool   `json:"applies" doc:"Whether it has a say." example:"true"`
	Why     string `json:"why" doc:"Why." example:"its Action \"cams:Get*\" names the operation"`
}

// postAccessExplanation says whether a user may do something, and which statement
// of its policies decides.
func (a *API) postAccessExplanation(_ context.Context, c *call, p *explanationParams) (explanation, error) {
	asked := &p.Body
	path := userPath{accountPath{asked.Account}, asked.User}
	if _, _, err := a.userOf(c, &path); err != nil {
		return explanation{}, err
	}
	if asked.Action == "" {
		return explanation{}, waybill.Errorf(waybill.Invalid, "action is missing")
	}
	request := ram.Request{
		Principal: ram.Principal{Type: ram.SubUser, Account: asked.Account, Name: asked.User},
		Action:    asked.Action, Resource: asked.Resource, Now: a.opt.Now(), Secure: !asked.Insecure,
	}
	if asked.SourceIP != "" {
		var err error
		if request.SourceIP, err = netip.ParseAddr(asked.SourceIP); err != nil {
			return explanation{}, waybill.Errorf(waybill.Invalid, "source_ip %s is no address", cut(asked.SourceIP))
		}
	}
	known := slices.IndexFunc(ram.Operations(), func(o ram.Operation) bool { return strings.EqualFold(o.Action, asked.Action) })
	switch own := strings.HasPrefix(strings.ToLower(asked.Action), "waybill:"); {
	case own && asked.Resource == "":
		request.Resource = resource(asked.Account, "account", asked.Account)
	case !own && asked.Resource != "":
		return explanation{}, waybill.Errorf(waybill.Invalid, "action %s is on no resource", cut(asked.Action))
	}
	policies, err := a.opt.Directory.View().Policies(asked.Account, asked.User)
	if err != nil {
		return explanation{}, err
	}
	answer := newExplanation(ram.Explain(policies, request))
	if known < 0 {
		var actions []string
		for _, o := range ram.Operations() {
			actions = append(actions, o.Action)
		}
		answer.Warnings = append(answer.Warnings, "no operation has the action "+cut(asked.Action)+spelling.Question(asked.Action, actions))
	}
	return answer, nil
}

func newExplanation(e ram.Explanation) explanation {
	return explanation{
		Allowed: e.Decision.Allowed(), Outcome: string(e.Decision.Outcome), By: e.By, Text: e.String(), Warnings: []string{},
		Findings: each(e.Findings, func(f ram.Finding) finding {
			return finding{f.Place, f.Sid, f.Effect, f.Applies, f.Why}
		}),
	}
}

func explanationRoutes() []route {
	return []route{{
		method: http.MethodPost, pattern: "/access-explanations", scope: waybill.ScopeAdmin,
		id: "postAccessExplanation", tag: tagKeys, summary: "Explain whether a user may do something",
		doc:       "What `waybill keys explain` prints: the decision, and why each statement of the user's policies has a say or has none.",
		operation: does((*API).postAccessExplanation),
		example: `{"allowed":true,"outcome":"Allow","by":"policies[0].Statement[0]","findings":[{"place":"policies[0].Statement[0]","effect":"Allow",` +
			`"applies":true,"why":"its Action \"cams:Get*\" names the operation"}],"text":"reporter may call cams:GetChatappTemplateMetric","warnings":[]}`,
		errors: []int{http.StatusNotFound},
	}}
}
