package ram

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The words that policies and requests are made of: few, so that they meet.
var (
	someActions = rapid.SampledFrom([]string{
		"*", "cams:*", "cams:Get*", "CAMS:get*metric", "cams:Get?hatappTemplateMetric", "*:*Phone*", enable, templates, phones, "ecs:*", "waybill:Get*", "waybill:GetMetrics",
	})
	someResources = rapid.SampledFrom([]string{"*", "*", "*", "**", "?*", "acs:cams:*:*:*", "acs:ecs:*:*:i-1", "acs:waybill:*:1234567890123456:channel/*", "acs:waybill:*:*:channel/a", "acs:waybill:*:*:*/?"})
	someKeys      = map[*class]*rapid.Generator[string]{
		textClass:    rapid.SampledFrom([]string{"acs:UserAgent", "acs:PrincipalARN", "x:text", "acs:SourceVpc"}),
		numberClass:  rapid.SampledFrom([]string{"x:number", "x:text"}),
		instantClass: rapid.SampledFrom([]string{"acs:CurrentTime", "x:text"}),
		boolClass:    rapid.SampledFrom([]string{"acs:SecureTransport", "acs:MFAPresent"}),
		addressClass: rapid.SampledFrom([]string{"acs:SourceIp", "x:text"}),
	}
	someText    = rapid.StringMatching(`[aAbé*?]{0,4}`)
	someNumber  = rapid.StringMatching(`-?[0-2]{1,3}(\.[0-2]{1,2})?`)
	someInstant = rapid.Custom(func(t *rapid.T) time.Time {
		at := time.Unix(1_760_000_000+int64(rapid.IntRange(-3, 3).Draw(t, "second")), 0)
		return at.In(rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("", 8*3600), time.FixedZone("", -16200)}).Draw(t, "zone"))
	})
	someAddress = rapid.SampledFrom([]string{"192.0.2.0", "192.0.2.1", "192.0.2.255", "192.0.3.0", "2001:db8::", "2001:db8::1", "::1"})
	someBlock   = rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.0/24", "192.0.2.77/31", "0.0.0.0/0", "::/0", "2001:db8::/127", "::1"})
	someValues  = map[*class]*rapid.Generator[string]{
		textClass:   someText,
		numberClass: someNumber,
		instantClass: rapid.Map(someInstant, func(at time.Time) string {
			return at.Format(time.RFC3339)
		}),
		boolClass:    rapid.SampledFrom([]string{"true", "false"}),
		addressClass: someBlock,
	}
)

func someList(t *rapid.T, of *rapid.Generator[string], name string) any {
	if rapid.Bool().Draw(t, name+" is one") {
		return of.Draw(t, name)
	}
	return rapid.SliceOfN(of, 1, 3).Draw(t, name)
}

func someStatement(t *rapid.T, effect string) map[string]any {
	s := map[string]any{
		"Effect":   effect,
		"Resource": someList(t, someResources, "resource"),
		rapid.SampledFrom([]string{"Action", "Action", "NotAction"}).Draw(t, "element"): someList(t, someActions, "action"),
	}
	names := slices.Sorted(maps.Keys(operators))
	conditions := make(map[string]any)
	for range rapid.IntRange(0, 2).Draw(t, "operators") {
		name := rapid.SampledFrom(names).Draw(t, "operator")
		class := operators[name].class
		keys := make(map[string]any)
		for range rapid.IntRange(1, 2).Draw(t, "keys") {
			keys[someKeys[class].Draw(t, "key")] = someList(t, someValues[class], "value")
		}
		conditions[name] = keys
	}
	if len(conditions) > 0 {
		s["Condition"] = conditions
	}
	return s
}

func someStatements(t *rapid.T) []map[string]any {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) map[string]any {
		return someStatement(t, rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect"))
	}), 1, 4).Draw(t, "statements")
}

func someRequest(t *rapid.T) Request {
	r := reporter(rapid.SampledFrom([]string{enable, templates, phones, "waybill:GetMetrics", "waybill:PutChannel"}).Draw(t, "asked"))
	if strings.HasPrefix(r.Action, "waybill:") {
		r.Resource = "acs:waybill:*:" + rapid.SampledFrom([]string{
			"1234567890123456:channel/a", "1234567890123456:channel/A", "6543210987654321:channel/a", "1234567890123456:account/1",
		}).Draw(t, "resource")
	}
	if rapid.Bool().Draw(t, "timed") {
		r.Now = someInstant.Draw(t, "now").Add(rapid.SampledFrom([]time.Duration{0, 1, 999_999_999}).Draw(t, "fraction"))
	}
	if rapid.Bool().Draw(t, "from somewhere") {
		r.SourceIP = netip.MustParseAddr(someAddress.Draw(t, "source"))
	}
	r.Secure = rapid.Bool().Draw(t, "secure")
	r.MFA = rapid.SampledFrom([]Truth{Unknown, False, True}).Draw(t, "mfa")
	r.UserAgent = someText.Draw(t, "agent")
	r.Context = map[string]string{"x:number": someNumber.Draw(t, "context")}
	if rapid.Bool().Draw(t, "more") {
		r.Context["x:text"] = rapid.OneOf(someText, someNumber, someAddress, someValues[instantClass]).Draw(t, "context")
	}
	return r
}

func write(t *rapid.T, statements ...map[string]any) string {
	text, err := json.Marshal(map[string]any{"Version": "1", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func attach(t *rapid.T, texts ...string) []Attached {
	var all []Attached
	for _, text := range texts {
		p, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("Parse(%s): %v", text, err)
		}
		all = append(all, Attached{Policy: p})
	}
	return all
}

func TestDecideAgreesWithAnotherEvaluator(t *testing.T) {
	seen := make(map[Outcome]int)
	rapid.Check(t, func(t *rapid.T) {
		texts := []string{write(t, someStatements(t)...), write(t, someStatements(t)...)}
		r := someRequest(t)
		attached := attach(t, texts...)
		got, want := Decide(attached, r).Outcome, oracle(texts, r)
		if got != want {
			t.Fatalf("%s, the other says %s\n%s\n%+v\n%s", got, want, strings.Join(texts, "\n"), r, Explain(attached, r))
		}
		seen[got]++
	})
	if len(seen) != 3 {
		t.Errorf("only %v came about", seen)
	}
}

func TestAddingStatements(t *testing.T) {
	rank := map[Outcome]int{ImplicitDeny: 0, Allow: 1, ExplicitDeny: 2}
	rapid.Check(t, func(t *rapid.T) {
		before := write(t, someStatements(t)...)
		effect := rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "added effect")
		added := write(t, someStatement(t, effect))
		r := someRequest(t)
		was, is := Decide(attach(t, before), r), Decide(attach(t, before, added), r)
		switch {
		case rank[is.Outcome] < rank[was.Outcome]:
			t.Fatalf("%s became %s by more", was.Outcome, is.Outcome)
		case was.Outcome == ExplicitDeny && is != was:
			t.Fatalf("what denies became %+v", is)
		case effect == "Allow" && is.Outcome == ExplicitDeny && was.Outcome != ExplicitDeny:
			t.Fatal("an allow denied")
		case effect == "Deny" && is.Allowed() && !was.Allowed():
			t.Fatal("a deny allowed")
		}
		session := attach(t, added)
		session[0].Session = true
		if narrow := Decide(append(attach(t, before), session...), r); narrow.Allowed() &&
			(!was.Allowed() || !Decide(attach(t, added), r).Allowed()) {
			t.Fatal("a temporary key may do what its user, or its policy, may not")
		}
	})
}

func TestOrderIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		statements := someStatements(t)
		shuffled := rapid.Permutation(statements).Draw(t, "shuffled")
		cut := rapid.IntRange(1, len(statements)).Draw(t, "cut")
		r := someRequest(t)
		one := Decide(attach(t, write(t, statements...)), r).Outcome
		texts := []string{write(t, shuffled[:cut]...)}
		if cut < len(shuffled) {
			texts = append(texts, write(t, shuffled[cut:]...))
		}
		if other := Decide(attach(t, texts...), r).Outcome; other != one {
			t.Fatalf("%s in one order, %s in another", one, other)
		}
	})
}

func TestExplainAgreesWithDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attached, r := attach(t, write(t, someStatements(t)...), write(t, someStatements(t)...)), someRequest(t)
		e := Explain(attached, r)
		want := ImplicitDeny
		for _, f := range e.Findings {
			switch {
			case !f.Applies:
			case f.Effect == "Deny":
				want = ExplicitDeny
			case want == ImplicitDeny:
				want = Allow
			}
			if f.Place == e.By && !f.Applies {
				t.Fatalf("what decided does not apply:\n%s", e)
			}
			if f.Applies != (strings.HasPrefix(f.Why, `its Action "`) || strings.HasPrefix(f.Why, "its NotAction does not name")) {
				t.Fatalf("applies: %t, as %s", f.Applies, f.Why)
			}
		}
		if e.Decision.Outcome != want || (e.By == "") != (want == ImplicitDeny) {
			t.Fatalf("%s, the findings say %s:\n%s", e.Decision.Outcome, want, e)
		}
	})
}

func TestPatternsAgreeWithExpressions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?€]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab€]{0,10}`).Draw(t, "text")
		if got, want := match(pattern, s, false), oracleGlob("", pattern).MatchString(s); got != want {
			t.Fatalf("%q fits %q: %t", pattern, s, got)
		}
		if everything(pattern) && s != "" && !match(pattern, s, false) {
			t.Fatalf("%q is said to fit everything, but not %q", pattern, s)
		}
	})
}
