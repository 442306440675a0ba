// Package ram decides what the users of an account may do, by policies in the
// language of Alibaba Cloud Resource Access Management. A policy is parsed
// strictly and compiled once; deciding is pure, does no I/O and may be done by
// many at a time.
//
// The language is that of
// https://www.alibabacloud.com/help/en/ram/policy-elements and
// https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax. Where the
// vendor says less than a program must know, this package decides:
//
//   - Actions match whatever their case, resources and keys of conditions only as
//     written.
//   - No operation of the vendor's that is served here has resource-level
//     permission, so each is decided against the resource "*". A statement counts
//     only if one of its Resources matches every text: "*", but not
//     "acs:cams:*:*:*". All others neither allow nor deny, and Warnings names them.
//   - The operations of Waybill's own API have resource-level permission. Their
//     resources are acs:waybill:*:<account>:channel/<id> and
//     acs:waybill:*:<account>:account/<id>.
//   - The values of a key are alternatives; a negated operator asks that none of
//     them fits. Keys, and operators, must all be met.
//   - A key that the request lacks meets negated operators and no others, as the
//     vendor's examples with StringNotLike and acs:SourceVpc need it. Bool is not
//     negated: {"Bool": {"acs:MFAPresent": "false"}} is not met without the key,
//     and a call signed with an access key lacks it.
//   - There are no IfExists, Null, ForAllValues or ForAnyValue: RAM refuses them.
//   - Instants are compared in whole seconds, numbers exactly, as decimals.
//   - Sid is allowed, as in RAM, and only a label.
//   - The policy of a temporary key can only narrow what the user's own allow.
package ram

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// A Policy is a list of statements. It never changes. A nil Policy has none.
type Policy struct {
	statements []statement
	warnings   []Remark
}

// Warnings returns what is right in the language but does not do what its
// writer may expect, in the order of the text.
func (p *Policy) Warnings() []Remark {
	if p == nil {
		return nil
	}
	return slices.Clone(p.warnings)
}

// An Attached policy is one that holds for a caller.
type Attached struct {
	Name    string // for people; empty where it has none
	Policy  *Policy
	Session bool // it came with a temporary key
}

// Attach parses the policies of a user. They are named as the directory of
// tenants has them, policies[0] and so on. The error is that of the first policy
// that can't be parsed; none of the others should be applied without it.
func Attach(texts []json.RawMessage) ([]Attached, error) {
	attached := make([]Attached, 0, len(texts))
	for i, text := range texts {
		name := "policies[" + strconv.Itoa(i) + "]"
		policy, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		attached = append(attached, Attached{Name: name, Policy: policy})
	}
	return attached, nil
}

// A PrincipalType is the vendor's word for a kind of caller.
type PrincipalType string

// The types of principals.
const (
	SubUser         PrincipalType = "SubUser"
	AssumedRoleUser PrincipalType = "AssumedRoleUser"
	RootUser        PrincipalType = "RootUser" // the account itself, which may do everything
)

// A Principal is who calls.
type Principal struct {
	Type    PrincipalType
	Account string // ID of the account that the caller belongs to
	Name    string // of the user, or "role:session"
}

// A Request is what a decision is about. Fields that are zero are keys that the
// request lacks, except for Secure.
type Request struct {
	Principal Principal
	Action    string // such as "cams:GetChatappTemplateMetric"

	// Resource is what the action is on. It is empty for an operation without
	// resource-level permission.
	Resource string

	Now       time.Time  // acs:CurrentTime
	SourceIP  netip.Addr // acs:SourceIp
	Secure    bool       // acs:SecureTransport: the call came over TLS
	MFA       Truth      // acs:MFAPresent
	UserAgent string     // acs:UserAgent

	// Context holds further keys. The operations served here define none.
	Context map[string]string
}

// A Truth is a boolean that may be unknown.
type Truth uint8

// The truths.
const (
	Unknown Truth = iota
	False
	True
)

// An Outcome is the kind of a decision, in the vendor's words.
type Outcome string

// The outcomes.
const (
	Allow        Outcome = "Allow"
	ExplicitDeny Outcome = "ExplicitDeny" // a statement denies
	ImplicitDeny Outcome = "ImplicitDeny" // none allows
)

// A Decision says whether a request may be served, and what decided.
type Decision struct {
	Outcome Outcome

	// Policy and Statement are the indexes of what allowed or denied, -1
	// where nothing did: on ImplicitDeny, and for the account itself.
	Policy, Statement int

	Session bool // the policies of the temporary key denied

	principal Principal
	action    string
}

// Allowed reports whether the request may be served.
func (d Decision) Allowed() bool { return d.Outcome == Allow }

// Decide applies the policies to the request: an explicit deny beats an allow,
// and what nothing allows is denied. Policies of a temporary key, if there are
// any, must allow it too. The account itself is bound by no others.
//
// https://www.alibabacloud.com/help/en/ram/policy-evaluation-process
func Decide(policies []Attached, request Request) Decision {
	d := Decision{principal: request.Principal, action: request.Action}
	if narrowed(policies) {
		if d.judge(policies, &request, true); d.Outcome != Allow {
			d.Session = true
			return d
		}
	}
	if request.Principal.Type == RootUser {
		d.Outcome, d.Policy, d.Statement = Allow, -1, -1
		return d
	}
	d.judge(policies, &request, false)
	return d
}

func narrowed(policies []Attached) bool {
	for i := range policies {
		if policies[i].Session {
			return true
		}
	}
	return false
}

// judge decides by the policies of one kind alone.
func (d *Decision) judge(policies []Attached, r *Request, session bool) {
	d.Outcome, d.Policy, d.Statement = ImplicitDeny, -1, -1
	for i, a := range policies {
		if a.Session != session || a.Policy == nil {
			continue
		}
		for j := range a.Policy.statements {
			s := &a.Policy.statements[j]
			if !s.deny && d.Outcome == Allow || !s.applies(r) {
				continue
			}
			d.Outcome, d.Policy, d.Statement = Allow, i, j
			if s.deny {
				d.Outcome = ExplicitDeny
				return
			}
		}
	}
}

// An AccessDeniedDetail is what Alibaba Cloud tells a caller whom RAM denied.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-ram-2015-05-01-decodediagnosticmessage
type AccessDeniedDetail struct {
	PolicyType               string        `json:"PolicyType"`
	AuthPrincipalOwnerID     string        `json:"AuthPrincipalOwnerId"`
	EncodedDiagnosticMessage string        `json:"EncodedDiagnosticMessage"` // opaque, left to whoever answers
	AuthPrincipalType        PrincipalType `json:"AuthPrincipalType"`
	AuthPrincipalDisplayName string        `json:"AuthPrincipalDisplayName"`
	NoPermissionType         Outcome       `json:"NoPermissionType"`
	AuthAction               string        `json:"AuthAction"`
}

// Detail returns what a denied caller is told. It names no policy: which one
// denied is for the owner of the account, who asks Explain.
func (d Decision) Detail() AccessDeniedDetail {
	detail := AccessDeniedDetail{
		PolicyType:               "AccountLevelIdentityBasedPolicy",
		AuthPrincipalOwnerID:     d.principal.Account,
		AuthPrincipalType:        d.principal.Type,
		AuthPrincipalDisplayName: d.principal.Name,
		NoPermissionType:         d.Outcome,
		AuthAction:               d.action,
	}
	if d.Session {
		detail.PolicyType = "SessionPolicy"
	}
	if detail.AuthPrincipalType == "" {
		detail.AuthPrincipalType = SubUser
	}
	return detail
}
