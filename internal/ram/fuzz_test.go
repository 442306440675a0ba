package ram

import (
	"testing"
	"unicode/utf8"
)

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(usual))
	f.Add([]byte(allow(`"Sid":"a","NotAction":["ecs:*","*:?et*"],"Resource":["acs:*","?*"]`)))
	f.Add([]byte(when(`{"StringNotLike":{"acs:SourceVpc":"vpc-*","acs:UserAgent":["a\ud800?","É*"]},"NumericLessThan":{"x:y":"-0.10"}}`)))
	f.Add([]byte(when(`{"StringEqualsIgnoreCase":{"acs:UserAgent":"ſ"},"DateEquals":{"acs:CurrentTime":"2026-11-20T18:00:00+08:00"}}`)))
	f.Add([]byte(when(`{"IpAddress":{"acs:SourceIp":["::ffff:203.0.113.0/120","10.1.2.3/8"]},"Bool":{"acs:SecureTransport":"true"}}`)))
	f.Add([]byte(`{"Version":"1","Statement":[{"a.b":[[[[]]]],"Effect":"Allow"},{"Effect":null}],"Version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			if p != nil || err.Error() == "" {
				t.Fatalf("a policy %v with the error %q", p, err)
			}
			return
		}
		if n := utf8.RuneCount(text); n > MaxLength || len(p.statements) == 0 {
			t.Fatalf("%d characters, %d statements", n, len(p.statements))
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("not the second time: %v", err)
		}
		requests := []Request{usualRequest(), reporter(enable), reporter(templates)}
		requests[2].Context = map[string]string{"x:y": "-0.2", "acs:SourceVpc": "vpc-1"}
		for _, r := range requests {
			d := Decide([]Attached{{Policy: p}}, r)
			if other := Decide([]Attached{{Policy: again}}, r); d != other {
				t.Fatalf("%+v, then %+v", d, other)
			}
			if r.Context == nil {
				if want := oracle([]string{string(text)}, r); d.Outcome != want {
					t.Fatalf("%s, the other evaluator says %s", d.Outcome, want)
				}
			}
			if e := Explain([]Attached{{Policy: p}}, r); e.Decision != d || e.String() == "" {
				t.Fatalf("%+v, explained as %+v", d, e.Decision)
			}
		}
	})
}
