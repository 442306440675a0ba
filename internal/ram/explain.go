package ram

import (
	"fmt"
	"strings"
)

// An Explanation says for people what was decided and why.
type Explanation struct {
	Request  Request
	Decision Decision
	By       string    // the place of the statement that decided, if one did
	Findings []Finding // of every statement that binds the caller
}

// A Finding says why a statement has a say in a request, or has none.
type Finding struct {
	Place   string // such as "policies[0].Statement[1]"
	Sid     string
	Effect  string
	Applies bool
	Why     string
}

// Explain decides like Decide and says why.
func Explain(policies []Attached, request Request) Explanation {
	e := Explanation{Request: request, Decision: Decide(policies, request)}
	if d := e.Decision; d.Policy >= 0 {
		e.By = place(policies, d.Policy, d.Statement)
	}
	for i, a := range policies {
		if a.Policy == nil || request.Principal.Type == RootUser && !a.Session {
			continue
		}
		for j := range a.Policy.statements {
			e.Findings = append(e.Findings, a.Policy.statements[j].finding(place(policies, i, j), &request))
		}
	}
	return e
}

// place names a statement.
func place(policies []Attached, i, j int) string {
	name := policies[i].Name
	if name == "" {
		name = fmt.Sprintf("policies[%d]", i)
	}
	if policies[i].Session {
		name += " (of the temporary key)"
	}
	return fmt.Sprintf("%s.Statement[%d]", name, j)
}

func (s *statement) finding(place string, r *Request) Finding {
	f := Finding{Place: place, Sid: s.sid, Effect: "Allow", Applies: s.applies(r)}
	if s.deny {
		f.Effect = "Deny"
	}
	p := s.naming(r.Action)
	switch {
	case p == nil && !s.except:
		f.Why = "its Action does not name the operation"
	case p != nil && s.except:
		f.Why = fmt.Sprintf("its NotAction %q names the operation", p.written)
	case !s.covers(r.Resource) && r.Resource != "":
		f.Why = fmt.Sprintf("its Resource %s does not name %s", quoted(s.resources), clip(r.Resource))
	case !s.covers(r.Resource):
		f.Why = "its Resource " + quoted(s.resources) +
			" does not match everything, and the operation has no resource-level permission"
	default:
		f.Why = s.reason(p, r)
	}
	return f
}

// reason says how the conditions of a statement about the operation stand.
func (s *statement) reason(p *pattern, r *Request) string {
	var unmet []string
	for i := range s.conditions {
		if c := &s.conditions[i]; !c.met(r) {
			unmet = append(unmet, c.gap(r))
		}
	}
	if len(unmet) > 0 {
		return strings.Join(unmet, "; ")
	}
	why := "its NotAction does not name the operation"
	if p != nil {
		why = fmt.Sprintf("its Action %q names the operation", p.written)
	}
	if len(s.conditions) > 0 {
		why += ", its conditions are met"
	}
	return why
}

// gap says why c is not met.
func (c *condition) gap(r *Request) string {
	has, ok := r.show(c.key)
	if !ok {
		return fmt.Sprintf("%s is not met: the request has no %s", c.operator, c.key)
	}
	return fmt.Sprintf("%s is not met: %s is %q, the policy says %s", c.operator, c.key, clip(has), quoted(c.values))
}

// String returns the explanation, the answer on its first line.
func (e Explanation) String() string {
	var b strings.Builder
	may := "may not"
	if e.Decision.Allowed() {
		may = "may"
	}
	who := e.Request.Principal.Name
	if who == "" {
		who = "the caller"
	}
	fmt.Fprintf(&b, "%s %s call %s: %s\n", who, may, e.operation(), e.verdict())
	for _, f := range e.Findings {
		applies := "applies"
		if !f.Applies {
			applies = "does not apply"
		}
		fmt.Fprintf(&b, "  %s: %s\n", f, applies+", "+f.Why)
	}
	return b.String()
}

// String names the statement.
func (f Finding) String() string {
	if f.Sid == "" {
		return f.Place + " " + f.Effect
	}
	return fmt.Sprintf("%s %q %s", f.Place, clip(f.Sid), f.Effect)
}

func (e Explanation) operation() string {
	if l := level(e.Request.Action); l != "" {
		return fmt.Sprintf("%s (access level %s)", e.Request.Action, l)
	}
	return e.Request.Action
}

func (e Explanation) verdict() string {
	switch d := e.Decision; {
	case e.By != "" && d.Allowed():
		return e.By + " allows it"
	case e.By != "":
		return e.By + " denies it"
	case d.Allowed():
		return "policies do not bind the account itself"
	case d.Session:
		return "no statement of the temporary key's policy allows it"
	}
	return "no statement allows it"
}
