package alibaba_test

import (
	"strings"
	"testing"
	"time"
)

func TestWhoMayNameWhichChannel(t *testing.T) {
	g := newRig(t)
	const (
		ok         = ""
		foreign    = "Unknown.ResourceOwnerId"
		denied     = "Ram.PermissionDeny"
		unwanted   = "Product.Unsubscript"
		phone      = "GetChatappPhoneNumberMetric"
		enable     = "EnableWhatsappROIMetric"
		accessions = "GetChatappTemplateMetric"
	)
	for _, row := range []struct {
		name, key, space, isvCode, code string
	}{
		{"the owner without anything", "boss", "", "", ok},
		{"the owner's channel", "boss", "cams-a", "", ok},
		{"the owner's other channel", "boss", "cams-b", "", ok},
		{"a rival's channel", "boss", "cams-r", "", foreign},
		{"a channel of nobody", "boss", "cams-404", "", foreign},
		{"a channel in another case", "boss", "CAMS-A", "", foreign},
		{"a channel of another vendor", "boss", "102290129340398", "", foreign},
		{"the owner with the right code is no ISV", "boss", "cams-a", "code-a", denied},
		{"the owner with a code of nobody", "boss", "", "code-x", denied},
		{"a code beside a foreign channel", "boss", "cams-r", "code-x", denied},
		{"the ISV without anything means its own channels", "isv", "", "", ok},
		{"the ISV with a sub-customer's channel and its code", "isv", "cams-a", "code-a", ok},
		{"and the other one", "isv", "cams-c", "code-c", ok},
		{"the ISV without a code", "isv", "cams-a", "", denied},
		{"the ISV with the code of its other channel", "isv", "cams-a", "code-c", denied},
		{"the ISV with a wrong code", "isv", "cams-a", "code-", denied},
		{"the ISV with a longer code", "isv", "cams-a", "code-aa", denied},
		{"the ISV with another ISV's code", "isv", "cams-a", "code-o", denied},
		{"the ISV with another ISV's channel and code", "isv", "cams-o", "code-o", denied},
		{"the ISV with another ISV's channel and an own code", "isv", "cams-o", "code-a", foreign},
		{"the ISV with the owner's channel that it does not operate", "isv", "cams-b", "code-a", foreign},
		{"the ISV with a channel of nobody", "isv", "cams-404", "code-a", foreign},
		{"the ISV's own channel", "isv", "cams-p", "", ok},
		{"the ISV's own channel and a code of its own", "isv", "cams-p", "code-a", ok},
		{"the ISV with a code and no channel", "isv", "", "code-a", ok},
		{"the ISV with another ISV's code and no channel", "isv", "", "code-o", denied},
		{"the other ISV", "isv-2", "cams-o", "code-o", ok},
		{"the other ISV at the first one's channel", "isv-2", "cams-a", "code-a", denied},
		{"an account without the product", "poor", "", "", unwanted},
		{"an account without the product and a foreign channel", "poor", "cams-a", "", unwanted},
	} {
		t.Run(row.name, func(t *testing.T) {
			fs := fields{"CustSpaceId": row.space, "IsvCode": row.isvCode}
			for _, action := range []string{phone, enable, accessions} {
				a := g.call(row.key, action, span(fs, fields{"TemplateCode": "1100"}))
				a.t = t
				switch {
				case action == accessions && (row.code == ok):
					continue // not all of these channels have the template
				case action == enable && row.code == ok && row.space == "" && row.key == "isv-2":
					continue
				case row.code == ok:
					a.wantOK()
				default:
					a.wantError(400, row.code)
				}
			}
		})
	}
}

// Foreign and unknown channels, templates and numbers get one answer.
func TestWhatIsForeignLooksLikeWhatIsNot(t *testing.T) {
	g := newRig(t)
	const want = `{"RequestId":"$ID","HostId":"$HOST","Code":"Unknown.ResourceOwnerId","Message":"The resource does not belong to the current user."}`
	for _, fs := range []fields{{"CustSpaceId": "cams-r"}, {"CustSpaceId": "cams-404"}, {"PhoneNumber": "8613900000000"}, {"PhoneNumber": "1"}} {
		g.phones(fs).want(400, want)
	}
	for _, fs := range []fields{{"TemplateCode": "9900"}, {"TemplateCode": "404"}} {
		g.template(fs).want(400, want)
	}
}

func TestARevokedCodeIsWorthNothing(t *testing.T) {
	g := newRig(t)
	ask := span(fields{"CustSpaceId": "cams-a", "IsvCode": "code-a"})
	g.call("isv", "GetChatappPhoneNumberMetric", ask).wantOK()
	g.apply(strings.Replace(tenants, "isv_code: code-a", "isv_code: code-new", 1))
	g.call("isv", "GetChatappPhoneNumberMetric", ask).wantError(400, "Ram.PermissionDeny")
	g.call("isv", "GetChatappPhoneNumberMetric", ask.with(fields{"IsvCode": "code-new"})).wantOK()
	g.apply(strings.Replace(tenants, ", isv_code: code-a", "", 1))
	for _, code := range []string{"code-a", "code-new", ""} {
		g.call("isv", "GetChatappPhoneNumberMetric", ask.with(fields{"IsvCode": code})).wantError(400, "Ram.PermissionDeny")
	}
}

// What an ISV enables and reads is its sub-customer's channel alone.
func TestAnISVSeesItsSubCustomersChannel(t *testing.T) {
	g := newRig(t)
	mine := fields{"CustSpaceId": "cams-a", "IsvCode": "code-a"}
	g.call("isv", "EnableWhatsappROIMetric", mine).wantOK()
	g.record(sale("m1", sent, time.Minute))
	g.call("isv", "GetChatappTemplateMetric", span(mine, fields{"TemplateCode": "1100"})).wantRows(day + "en 1/0/0")
	g.call("isv", "GetChatappPhoneNumberMetric", span()).wantRows()
	if c, _ := g.directory.View().Channel("cams-c"); c.MetricsEnabled != 0 {
		t.Error("another channel of the ISV is enabled")
	}
}

func TestAnAccountWithoutChannels(t *testing.T) {
	g := newRig(t)
	g.call("bare", "EnableWhatsappROIMetric", nil).wantError(400, "Unknown.ResourceOwnerId")
	g.call("bare", "GetChatappPhoneNumberMetric", span()).wantRows()
	g.call("bare", "GetChatappTemplateMetric", span(fields{"TemplateCode": "1100"})).wantError(400, "Unknown.ResourceOwnerId")
}
