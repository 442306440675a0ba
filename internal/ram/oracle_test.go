package ram

import (
	"encoding/json"
	"maps"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// oracle decides what Decide does by other means: generic JSON, regular
// expressions, rationals and the older address types. The text is of a policy
// that Parse takes.
func oracle(texts []string, r Request) Outcome {
	outcome := ImplicitDeny
	for _, text := range texts {
		var policy struct{ Statement []map[string]any }
		if err := json.Unmarshal([]byte(text), &policy); err != nil {
			return Outcome(err.Error())
		}
		for _, s := range policy.Statement {
			switch {
			case !oracleApplies(s, r):
			case s["Effect"] == "Deny":
				return ExplicitDeny
			default:
				outcome = Allow
			}
		}
	}
	return outcome
}

func oracleApplies(s map[string]any, r Request) bool {
	resource := false
	for _, v := range oracleList(s["Resource"]) {
		glob := oracleGlob("", v)
		resource = resource || r.Resource != "" && glob.MatchString(r.Resource) || glob.MatchString("\x01") && glob.MatchString("\x02") && glob.MatchString("\x01\x02\x03")
	}
	named := false
	actions, only := s["Action"]
	if !only {
		actions = s["NotAction"]
	}
	for _, v := range oracleList(actions) {
		named = named || oracleGlob("i", v).MatchString(r.Action)
	}
	conditions, _ := s["Condition"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(conditions)) { // in order, for the fuzzer's sake
		keys := conditions[name].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if !oracleMet(name, key, oracleList(keys[key]), r) {
				return false
			}
		}
	}
	return resource && named == only
}

func oracleMet(name, key string, values []string, r Request) bool {
	positive := strings.Replace(strings.Replace(name, "NotIp", "Ip", 1), "Not", "", 1)
	negated := positive != name
	has, ok := oracleContext(r)[key]
	for _, v := range values {
		if ok && oracleFits(positive, has, v) {
			return !negated
		}
	}
	return negated
}

func oracleContext(r Request) map[string]string {
	context := make(map[string]string)
	for key, v := range r.Context {
		if !strings.HasPrefix(key, "acs:") {
			context[key] = v
		}
	}
	if r.Principal.Account != "" && r.Principal.Name != "" {
		context["acs:PrincipalARN"] = "acs:ram::" + r.Principal.Account + ":user/" + r.Principal.Name
	}
	if !r.Now.IsZero() {
		context["acs:CurrentTime"] = r.Now.Format(time.RFC3339)
	}
	if r.SourceIP.IsValid() {
		context["acs:SourceIp"] = r.SourceIP.String()
	}
	if r.UserAgent != "" {
		context["acs:UserAgent"] = r.UserAgent
	}
	context["acs:SecureTransport"] = map[bool]string{true: "true", false: "false"}[r.Secure]
	if r.MFA != Unknown {
		context["acs:MFAPresent"] = map[bool]string{true: "true", false: "false"}[r.MFA == True]
	}
	return context
}

func oracleFits(operator, has, v string) bool {
	switch operator {
	case "StringEquals":
		return has == v
	case "StringEqualsIgnoreCase":
		return regexp.MustCompile(`(?is)\A` + regexp.QuoteMeta(v) + `\z`).MatchString(has)
	case "StringLike":
		return oracleGlob("", v).MatchString(has)
	case "Bool":
		return has == v
	case "IpAddress":
		ip := net.ParseIP(has)
		if _, block, err := net.ParseCIDR(v); err == nil {
			return ip != nil && block.Contains(ip)
		}
		return ip != nil && ip.Equal(net.ParseIP(v))
	}
	if comparison, ok := strings.CutPrefix(operator, "Numeric"); ok {
		if !regexp.MustCompile(`\A-?[0-9]+(\.[0-9]+)?\z`).MatchString(has) {
			return false
		}
		a, _ := new(big.Rat).SetString(has)
		b, _ := new(big.Rat).SetString(v)
		return oracleOrder(comparison, a.Cmp(b))
	}
	a, err := time.Parse(time.RFC3339, has)
	b, _ := time.Parse(time.RFC3339, v)
	return err == nil && oracleOrder(strings.TrimPrefix(operator, "Date"), a.Compare(b))
}

func oracleOrder(comparison string, order int) bool {
	switch comparison {
	case "LessThan":
		return order < 0
	case "LessThanEquals":
		return order <= 0
	case "GreaterThan":
		return order > 0
	case "GreaterThanEquals":
		return order >= 0
	}
	return order == 0
}

func oracleGlob(flags, pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(quoted, `\*`, ".*")
	quoted = strings.ReplaceAll(quoted, `\?`, ".")
	return regexp.MustCompile("(?s" + flags + `)\A` + quoted + `\z`)
}

func oracleList(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	var all []string
	for _, item := range v.([]any) {
		all = append(all, item.(string))
	}
	return all
}
