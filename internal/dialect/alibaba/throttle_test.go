package alibaba_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"waybill/internal/dialect/alibaba"
)

// limited returns a rig with the limits of the vendor.
func limited(t *testing.T) *rig {
	return newRig(t, func(o *alibaba.Options) { o.Limits = alibaba.Limits{} })
}

func TestLimitsOfTheVendor(t *testing.T) {
	g := limited(t)
	for action, limit := range map[string]int{
		"EnableWhatsappROIMetric": 5, "GetChatappTemplateMetric": 50, "GetChatappPhoneNumberMetric": 50,
	} {
		// All users and access keys of an account count together.
		keys := []string{"boss", "boss-2", "timed"}
		for i := range limit {
			g.call(keys[i%3], action, span(fields{"TemplateCode": "1100"})).wantOK()
		}
		for _, key := range keys {
			a := g.call(key, action, nil)
			a.want(400, `{"RequestId":"$ID","HostId":"$HOST","Code":"System.LimitControl","Message":"The system is under flow control."}`)
			if got := a.header.Get("X-Acs-Retry-After"); got != "1" {
				t.Errorf("x-acs-retry-after %q", got)
			}
		}
	}
	// Other accounts have buckets of their own, and a second later all is well.
	g.call("rival", "EnableWhatsappROIMetric", nil).wantOK()
	g.clock.advance(time.Second)
	for range 5 {
		g.call("boss", "EnableWhatsappROIMetric", nil).wantOK()
	}
	g.call("boss", "EnableWhatsappROIMetric", nil).wantError(400, "System.LimitControl")
}

// What is refused before it may run takes nothing from the bucket.
func TestRefusedCallsCostNothing(t *testing.T) {
	g := limited(t)
	for range 20 {
		g.call("nobody", "EnableWhatsappROIMetric", nil).wantError(400, "Ram.PermissionDeny")
		g.send(g.acs3("boss", "wrong", http.MethodPost, nil, map[string]string{"x-acs-action": "EnableWhatsappROIMetric", "x-acs-version": "2020-06-06"})).
			wantError(400, "SignatureDoesNotMatch")
	}
	for range 5 {
		g.call("boss", "EnableWhatsappROIMetric", nil).wantOK()
	}
}

func TestLimitOfTheGateway(t *testing.T) {
	g := newRig(t, func(o *alibaba.Options) { o.Limits = alibaba.Limits{Enable: -1, Metrics: -1, Gateway: 3} })
	for range 20 { // costs nothing
		g.send(g.acs3("boss", "wrong", http.MethodPost, nil, map[string]string{"x-acs-action": "EnableWhatsappROIMetric", "x-acs-version": "2020-06-06"})).
			wantError(400, "SignatureDoesNotMatch")
	}
	g.call("boss", "EnableWhatsappROIMetric", nil).wantOK()
	g.call("boss", "SendChatappMessage", nil).wantError(404, "InvalidAction.NotFound")
	g.call("nobody", "GetChatappTemplateMetric", nil).wantError(400, "Ram.PermissionDeny")
	a := g.call("boss", "GetChatappPhoneNumberMetric", span())
	a.want(400, `{"RequestId":"$ID","HostId":"$HOST","Code":"Throttling.User","Message":"Request was denied due to user flow control."}`)
	if got := a.header.Get("X-Acs-Retry-After"); got != "1" {
		t.Errorf("x-acs-retry-after %q", got)
	}
	g.call("rival", "GetChatappPhoneNumberMetric", span()).wantOK()
	g.clock.advance(time.Second)
	g.call("boss", "GetChatappPhoneNumberMetric", span()).wantOK()
}

func TestAStoreThatIsClosedIsUnavailable(t *testing.T) {
	g := newRig(t)
	g.enable()
	if err := g.store.Close(); err != nil {
		t.Fatal(err)
	}
	a := g.phones(nil)
	a.want(503, `{"RequestId":"$ID","HostId":"$HOST","Code":"ServiceUnavailable","Message":"The request has failed due to a temporary failure of the server."}`)
	if err := g.recorder.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if a := g.push(hookA, receipt); a.status != 503 || a.header.Get("Retry-After") != "1" {
		t.Errorf("receipts answered %d %v", a.status, a.header)
	}
}
