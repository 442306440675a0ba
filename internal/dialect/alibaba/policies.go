package alibaba

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/ram"
)

// errDenied is a call that the caller may not make.
var errDenied = &vendorError{
	status: http.StatusBadRequest, code: "Ram.PermissionDeny",
	message: "You are not authorized to perform the operation.",
}

// A denial is the refusal of a call by the caller's policies.
type denial struct {
	*vendorError
	detail ram.AccessDeniedDetail
}

func (d *denial) Unwrap() error { return d.vendorError }

// An accessDenied is a ram.AccessDeniedDetail that has names in XML, too.
type accessDenied struct {
	PolicyType               string
	AuthPrincipalOwnerID     string `json:"AuthPrincipalOwnerId" xml:"AuthPrincipalOwnerId"`
	EncodedDiagnosticMessage string
	AuthPrincipalType        ram.PrincipalType
	AuthPrincipalDisplayName string
	NoPermissionType         ram.Outcome
	AuthAction               string
}

// tell returns what the caller is told of the denial. The message that the
// vendor encodes for its own console is the request's ID here, under which the
// log says which statement decided.
func (d *denial) tell(requestID string) *accessDenied {
	detail := accessDenied(d.detail)
	detail.EncodedDiagnosticMessage = base64.StdEncoding.EncodeToString([]byte(requestID))
	return &detail
}

// rights are the policies of a user.
type rights struct {
	policies []ram.Attached
	broken   error // why the policies can't be applied
}

// rightsOf returns the policies of a user, which are compiled once.
func (s *snapshot) rightsOf(u *waybill.User) *rights {
	key := u.Account + "/" + u.Name
	if known, ok := s.rights.Load(key); ok {
		return known.(*rights)
	}
	known, _ := s.rights.LoadOrStore(key, compile(u))
	return known.(*rights)
}

func compile(u *waybill.User) *rights {
	policies, err := ram.Attach(u.Policies)
	return &rights{policies, err}
}

// authorize asks the caller's policies. A policy that can't be read may have
// denied anything, so its user may do nothing.
func (a *API) authorize(ctx context.Context, c *invocation) error {
	asked := ram.Request{
		Principal: ram.Principal{Type: ram.SubUser, Account: c.account, Name: c.user.Name},
		Action:    product + ":" + c.action,
		Now:       a.now(),
		SourceIP:  c.Client,
		Secure:    c.Secure,
		UserAgent: c.header.Get("User-Agent"),
	}
	granted := c.rightsOf(&c.user)
	if granted.broken != nil {
		a.log.ErrorContext(ctx, "alibaba: policies of a user can't be read",
			"account", c.account, "user", c.user.Name, "err", granted.broken)
		return &denial{errDenied, ram.Decide(nil, asked).Detail()}
	}
	decision := ram.Decide(granted.policies, asked)
	if decision.Allowed() {
		return nil
	}
	dialect.SetLogAttr(ctx, slog.String("denied_by", ram.Explain(granted.policies, asked).By))
	return &denial{errDenied, decision.Detail()}
}
