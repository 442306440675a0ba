package ram

import (
	"slices"
	"strings"
)

// A statement allows or denies actions under conditions.
type statement struct {
	sid        string
	deny       bool
	except     bool // it is about all but the actions
	actions    []pattern
	resources  []string // as written
	everything bool     // one of the resources matches everything
	conditions []condition
}

// A pattern of actions.
type pattern struct {
	written string
	folded  string // in lower case
}

// applies reports whether s has a say in r.
func (s *statement) applies(r *Request) bool {
	if !s.covers(r.Resource) || !s.about(r.Action) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].met(r) {
			return false
		}
	}
	return true
}

// covers reports whether s is about the resource.
func (s *statement) covers(resource string) bool {
	if s.everything || resource == "" {
		return s.everything
	}
	return slices.ContainsFunc(s.resources, func(pattern string) bool { return match(pattern, resource, false) })
}

// about reports whether s is about the action.
func (s *statement) about(action string) bool { return s.naming(action) != nil != s.except }

// naming returns the pattern that the action fits, nil where there is none.
func (s *statement) naming(action string) *pattern {
	for i := range s.actions {
		if match(s.actions[i].folded, action, true) {
			return &s.actions[i]
		}
	}
	return nil
}

// vain reports whether s is about operations without resource-level permission
// and its resources, none of them Waybill's own, keep it from having a say.
func (s *statement) vain() bool {
	own := func(resource string) bool { return strings.HasPrefix(resource, "acs:waybill:") }
	if s.everything || slices.ContainsFunc(s.resources, own) {
		return false
	}
	return slices.ContainsFunc(operations, func(o Operation) bool { return !o.Resources && s.about(o.Action) })
}

// A condition compares one key with values.
type condition struct {
	operator string
	key      string
	negated  bool
	values   []string // as written
	fits     func(*Request) bool
}

// met reports whether r meets c. What lacks the key fits no value.
func (c *condition) met(r *Request) bool { return c.fits(r) != c.negated }
