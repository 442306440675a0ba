package alibaba_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect/alibaba"
)

func TestPoliciesDecide(t *testing.T) {
	g := newRig(t)
	const denied = "Ram.PermissionDeny"
	for _, row := range []struct {
		name, key                string
		enable, template, phones string
	}{
		{"all", "boss", "", "", ""},
		{"Get operations", "reader", denied, "", ""},
		{"nothing", "nobody", denied, denied, denied},
		{"all but one", "barred", "", denied, ""},
		{"a resource of its own neither allows nor denies", "narrow", denied, denied, denied},
		{"another network", "office", denied, denied, denied},
		{"no TLS", "tls", denied, denied, denied},
		{"until half past", "timed", "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			for action, code := range map[string]string{
				"EnableWhatsappROIMetric": row.enable, "GetChatappTemplateMetric": row.template, "GetChatappPhoneNumberMetric": row.phones,
			} {
				a := g.call(row.key, action, span(fields{"TemplateCode": "1100"}))
				a.t = t
				if code == "" {
					a.wantOK()
				} else {
					a.wantError(400, code)
				}
			}
		})
	}
	call := func(key string, header http.Header) answer {
		r := g.acs3(key, key+"-secret", http.MethodPost, span(), map[string]string{
			"x-acs-action": "GetChatappPhoneNumberMetric", "x-acs-version": "2020-06-06",
		})
		for name, values := range header {
			r.Header[name] = values
		}
		return g.send(r)
	}
	call("office", http.Header{"X-Forwarded-For": {"192.0.2.7"}}).wantOK()
	call("office", http.Header{"X-Forwarded-For": {"198.51.100.1"}}).wantError(400, denied)
	call("tls", http.Header{"X-Forwarded-Proto": {"https"}}).wantOK()
	g.clock.advance(30 * time.Minute)
	call("timed", nil).wantError(400, denied)
	if !strings.Contains(g.log.String(), "denied_by=") {
		t.Error("the log does not say what denied")
	}
}

func TestPoliciesOfTheDirectoryHoldAtOnce(t *testing.T) {
	g := newRig(t)
	g.call("reader", "GetChatappPhoneNumberMetric", span()).wantOK()
	g.apply(strings.Replace(tenants, `Action: "cams:Get*"`, `Action: "cams:List*"`, 1))
	g.call("reader", "GetChatappPhoneNumberMetric", span()).wantError(400, "Ram.PermissionDeny")
}

// A temporary access key may do what its user may.
func TestPoliciesOfTemporaryKeys(t *testing.T) {
	g := newRig(t)
	c, err := g.tokens.Issue("1000000000000001", "reader", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for action, code := range map[string]string{"GetChatappPhoneNumberMetric": "", "EnableWhatsappROIMetric": "Ram.PermissionDeny"} {
		a := g.send(g.acs3(c.AccessKeyID, c.AccessKeySecret, http.MethodPost, span(), map[string]string{
			"x-acs-action": action, "x-acs-version": "2020-06-06", "x-acs-security-token": c.SecurityToken, "x-acs-accesskey-id": c.AccessKeyID,
		}))
		if code == "" {
			a.wantOK()
		} else {
			a.wantError(400, code)
		}
	}
}

// The directory takes no such policy; one that is there anyway might have denied
// anything.
func TestAPolicyThatCannotBeReadAllowsNothing(t *testing.T) {
	good, bad := `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, `{"Version":"1","Statement":[{"Effect":"Deny"}]}`
	u := waybill.User{Policies: []json.RawMessage{json.RawMessage(good), json.RawMessage(bad)}}
	if r := alibaba.ExportCompile(&u); r == nil || !alibaba.ExportBroken(r) {
		t.Error("a policy that cannot be read was taken")
	}
}
