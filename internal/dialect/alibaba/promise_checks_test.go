package alibaba_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"waybill/internal/dialect/alibaba"
	"waybill/internal/ram"
)

func (g *rig) same(got, want any) {
	g.t.Helper()
	if !reflect.DeepEqual(got, want) {
		g.t.Errorf("got  %v\nwant %v", got, want)
	}
}

// ask calls an operation for the owner, with all that it requires.
func (g *rig) ask(op string, fs fields) answer {
	g.t.Helper()
	base := span(fields{"CustSpaceId": "cams-a", "TemplateCode": "1100"})
	if op == opEnable {
		base = fields{"CustSpaceId": "cams-a"}
	}
	return g.call("boss", op, base.with(fs))
}

// member returns a member of the answer's object, as JSON.
func (a answer) member(name string) string {
	a.t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &all); err != nil {
		a.t.Fatal(err)
	}
	return string(all[name])
}

// What several pages promise.

func limitedTo(op string, calls int) func(*rig) {
	return func(g *rig) {
		g.clock.advance(time.Second)
		for range calls {
			g.ask(op, nil).wantOK()
		}
		g.ask(op, nil).wantError(400, "System.LimitControl")
		g.clock.advance(time.Second)
		g.ask(op, nil).wantOK()
	}
}

func actionIsChecked(op string) func(*rig) {
	return func(g *rig) {
		policy := func(action string) string {
			return strings.Replace(tenants, `Action: "cams:Get*"`, `Action: "`+action+`"`, 1)
		}
		ask := func() answer { return g.call("reader", op, span(fields{"TemplateCode": "1100"})) }
		g.apply(policy("cams:Nothing"))
		ask().wantError(400, "Ram.PermissionDeny")
		g.apply(policy("cams:" + op))
		ask().wantOK()
	}
}

func accessLevelIsGet(op string) func(*rig) {
	return func(g *rig) {
		for _, o := range ram.Operations() {
			if o.Action == "cams:"+op && o.Level == "get" {
				return
			}
		}
		g.t.Errorf("%s has another access level", op)
	}
}

func onlyAllResources(op string) func(*rig) {
	return func(g *rig) {
		ask := func() answer { return g.call("narrow", op, span(fields{"TemplateCode": "1100"})) }
		ask().wantError(400, "Ram.PermissionDeny")
		g.apply(strings.Replace(tenants, `Resource: "acs:cams:*:*:*"`, `Resource: "*"`, 1))
		ask().wantOK()
	}
}

func isvProves(op string) func(*rig) {
	return func(g *rig) {
		ask := func(code string) answer {
			return g.call("isv", op, span(fields{"CustSpaceId": "cams-a", "TemplateCode": "1100", "IsvCode": code}))
		}
		ask("code-a").wantOK()
		ask("code-b").wantError(400, "Ram.PermissionDeny")
	}
}

func spaceIsOptional(op string) func(*rig) {
	return func(g *rig) {
		g.ask(op, fields{"CustSpaceId": "-"}).wantOK()
		g.ask(op, fields{"CustSpaceId": "cams-a"}).wantOK()
		g.ask(op, fields{"CustSpaceId": "cams-r"}).wantError(400, "Unknown.ResourceOwnerId")
	}
}

func refusal(op, key string, change fields, code, message string) func(*rig) {
	return func(g *rig) {
		base := span(fields{"TemplateCode": "1100"}, change)
		a := g.call(key, op, base)
		a.wantError(400, code)
		if got := a.member("Message"); got != `"`+message+`"` {
			g.t.Errorf("message %s, want %s", got, message)
		}
	}
}

func unsubscribed(op string) func(*rig) {
	return refusal(op, "poor", nil, "Product.Unsubscript", "You have not subscribed to the specified product.")
}

func denied(op string) func(*rig) {
	return refusal(op, "nobody", nil, "Ram.PermissionDeny", "You are not authorized to perform the operation.")
}

func throttled(op string) func(*rig) {
	return func(g *rig) {
		for range 51 {
			g.ask(op, nil)
		}
		refusal(op, "boss", nil, "System.LimitControl", "The system is under flow control.")(g)
	}
}

func foreign(op string) func(*rig) {
	return refusal(op, "boss", fields{"CustSpaceId": "cams-r"}, "Unknown.ResourceOwnerId", "The resource does not belong to the current user.")
}

func plainSuccess(op string) func(*rig) {
	return func(g *rig) {
		a := g.ask(op, nil).wantOK()
		g.same([]string{a.member("Message"), a.member("AccessDeniedDetail"), a.member("Code")}, []string{`"None"`, `"None"`, `"OK"`})
	}
}

func cleanRequestID(op string) func(*rig) {
	return func(g *rig) {
		for _, fs := range []fields{nil, {"CustSpaceId": "cams-r"}} {
			id := g.ask(op, fs).member("RequestId")
			if !requestID.MatchString(strings.Trim(id, `"`)) {
				g.t.Errorf("request ID %s", id)
			}
		}
	}
}

func rowsRunForward(op string) func(*rig) {
	return func(g *rig) {
		var body struct{ Data []struct{ Start, End int64 } }
		if err := json.Unmarshal([]byte(g.ask(op, nil).body), &body); err != nil || len(body.Data) == 0 {
			g.t.Fatal(err, body)
		}
		for _, d := range body.Data {
			if d.Start >= d.End {
				g.t.Errorf("row from %d to %d", d.Start, d.End)
			}
		}
		g.ask(op, fields{"Start": "1673919240001", "End": "1668138331485"}).wantError(400, "InvalidEnd")
	}
}

func nothingBeforeEnabling(op string) func(*rig) {
	return func(g *rig) {
		g.record(fact{channel: "cams-r", message: "m", status: sent, after: time.Minute, template: "9900", language: "en"})
		ask := span(fields{"TemplateCode": "9900"})
		g.call("rival", op, ask).wantRows()
		g.call("rival", opEnable, nil).wantOK()
		if got := g.call("rival", op, ask).rows(); len(got) != 1 {
			g.t.Errorf("rows after enabling: %v", got)
		}
	}
}

func delayed(op string) func(*rig) {
	return func(g *rig) {
		g.restartWith(func(o *alibaba.Options) { o.Delay = 24 * time.Hour })
		g.ask(op, nil).wantRows()
		g.clock.advance(24 * time.Hour)
		if got := g.ask(op, nil).rows(); len(got) == 0 {
			g.t.Error("no rows after a day")
		}
	}
}

// restartWith starts the server again with other settings.
func (g *rig) restartWith(set func(*alibaba.Options)) {
	g.t.Helper()
	g.close()
	set(&g.opt)
	g.open()
}

func earlierNotCollected(op string) func(*rig) {
	return func(g *rig) {
		before := g.ask(op, nil).rows()
		g.record(sale("early", sent, -time.Second), sale("early", read, time.Hour))
		g.same(g.ask(op, nil).rows(), before)
	}
}

func sendingIsElsewhere(g *rig) {
	for _, op := range []string{"SendChatappMessage", "SendChatappMassMessage"} {
		a := g.call("boss", op, nil)
		a.wantError(404, "InvalidAction.NotFound")
		if !strings.Contains(a.body, "/webhooks/alibaba/") || !strings.Contains(a.body, "/waybill/v1/events") {
			g.t.Errorf("no hint in %s", a.body)
		}
	}
}

func proseSpellingIsHelped(g *rig) {
	a := g.call("boss", "EnableWhatsAppROIMetric", nil)
	a.wantError(404, "InvalidAction.NotFound")
	if !strings.Contains(a.body, "its SDKs call EnableWhatsappROIMetric") {
		g.t.Errorf("no help in %s", a.body)
	}
}

func timesAreMilliseconds(op string) func(*rig) {
	return func(g *rig) {
		g.ask(op, fields{"Start": "-"}).wantError(400, "MissingStart")
		g.ask(op, fields{"End": "-"}).wantError(400, "MissingEnd")
		g.ask(op, fields{"Start": "now"}).wantError(400, "InvalidStart")
		g.ask(op, fields{"Start": "1693107714", "End": "1693407714"}).wantError(400, "InvalidEnd")
		if got := g.ask(op, nil).rows(); len(got) == 0 {
			g.t.Error("no rows")
		}
	}
}
