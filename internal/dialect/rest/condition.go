package rest

import (
	"errors"
	"net/http"
	"strings"

	"waybill"
	"waybill/internal/directory"
)

// The version of an object is its ETag. Who sends it back in If-Match changes
// nothing that somebody else has changed meanwhile.
//
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1

// checkConditions refuses a condition that nobody would look at: what it is to
// keep from happening would happen.
func checkConditions(c *call) error {
	if c.Header.Get("If-Match") == "" || c.route.conditional || c.route.method == http.MethodGet {
		return nil
	}
	return &refusal{
		status: http.StatusPreconditionFailed,
		error:  waybill.Errorf(waybill.Invalid, "what the call changes has no version that If-Match could name"),
	}
}

// conditionOf reads the conditions of a call that changes an object.
func conditionOf(c *call) (directory.Condition, error) {
	var cond directory.Condition
	for _, value := range c.Header.Values("If-Match") {
		for tag := range strings.SplitSeq(value, ",") {
			version, ok := versionOf(strings.TrimSpace(tag))
			if !ok {
				return cond, waybill.Errorf(waybill.Invalid, "If-Match %s is neither * nor ETags", cut(value))
			}
			cond.Match = append(cond.Match, version)
		}
	}
	switch value := c.Header.Get("If-None-Match"); {
	case value == "*":
		cond.New = true
	case value != "":
		return cond, waybill.Errorf(waybill.Invalid, "If-None-Match %s is not *", cut(value))
	}
	return cond, nil
}

// versionOf returns the version that an ETag has. A weak one has none that could
// stand.
func versionOf(tag string) (string, bool) {
	if tag == "*" {
		return tag, true
	}
	weak, isWeak := strings.CutPrefix(tag, "W/")
	inner, open := strings.CutPrefix(weak, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	if !open || !closed || strings.Contains(inner, `"`) {
		return "", false
	}
	if isWeak || inner == "*" {
		inner = "weak " + inner
	}
	return inner, true
}

// changeError puts an error of the directory into the words of the API.
func changeError(err error) error {
	if errors.Is(err, directory.ErrStale) {
		return &refusal{status: http.StatusPreconditionFailed, error: err}
	}
	mistakes, ok := errors.AsType[directory.Mistakes](err)
	if !ok {
		return err
	}
	r := &refusal{status: http.StatusUnprocessableEntity, error: mistakes}
	for _, m := range mistakes {
		r.mistakes = append(r.mistakes, m.String())
	}
	return r
}
