package alibaba_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"waybill"
	"waybill/internal/dialect/alibaba"
)

// The answers of the three operations, as they are on the wire.
func TestAnswersToTheByte(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(
		sale("m1", waybill.StatusRead, time.Minute),
		fact{message: "m1", status: waybill.StatusClicked, after: 2 * time.Minute, button: waybill.Button{Type: "quick_reply_button", Text: `Yes & "no" <b>`}},
	)
	g.call("boss", "EnableWhatsappROIMetric", nil).
		want(200, `{"RequestId":"$ID","Code":"OK","Message":"None","AccessDeniedDetail":"None"}`)
	g.template(nil).want(200, `{"RequestId":"$ID","Code":"OK","Message":"None","Data":[{"TemplateCode":"1100","Language":"en",`+
		`"SentCount":1,"ReadCount":1,"DeliveredCount":1,"Cliented":[{"Type":"quick_reply_button","ButtonContent":"Yes & \"no\" <b>","Count":1}],`+
		`"Start":1795104000000,"End":1795190400000}],"AccessDeniedDetail":"None"}`)
	g.phones(nil).want(200, `{"AccessDeniedDetail":"None","RequestId":"$ID","Message":"None","Data":[{"DeliveredCount":1,`+
		`"Start":1795104000000,"PhoneNumber":"8613800000000","End":1795190400000,"Granularity":"DAILY","SentCount":1}],"Code":"OK"}`)
	g.template(fields{"Language": "xx"}).want(200,
		`{"RequestId":"$ID","Code":"OK","Message":"None","Data":[],"AccessDeniedDetail":"None"}`)

	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	g.call("boss", "EnableWhatsappROIMetric", fields{"Format": "XML"}).want(200, head+
		`<EnableWhatsappROIMetricResponse><RequestId>$ID</RequestId><Code>OK</Code><Message>None</Message>`+
		`<AccessDeniedDetail>None</AccessDeniedDetail></EnableWhatsappROIMetricResponse>`)
	g.template(fields{"Format": "xml"}).want(200, head+`<GetChatappTemplateMetricResponse><RequestId>$ID</RequestId>`+
		`<Code>OK</Code><Message>None</Message><Data><TemplateCode>1100</TemplateCode><Language>en</Language>`+
		`<SentCount>1</SentCount><ReadCount>1</ReadCount><DeliveredCount>1</DeliveredCount><Cliented><Type>quick_reply_button</Type>`+
		`<ButtonContent>Yes &amp; &#34;no&#34; &lt;b&gt;</ButtonContent><Count>1</Count></Cliented>`+
		`<Start>1795104000000</Start><End>1795190400000</End></Data>`+
		`<AccessDeniedDetail>None</AccessDeniedDetail></GetChatappTemplateMetricResponse>`)
	g.phones(fields{"Format": "XML"}).want(200, head+`<GetChatappPhoneNumberMetricResponse><AccessDeniedDetail>None</AccessDeniedDetail>`+
		`<RequestId>$ID</RequestId><Message>None</Message><Data><DeliveredCount>1</DeliveredCount><Start>1795104000000</Start>`+
		`<PhoneNumber>8613800000000</PhoneNumber><End>1795190400000</End><Granularity>DAILY</Granularity><SentCount>1</SentCount></Data>`+
		`<Code>OK</Code></GetChatappPhoneNumberMetricResponse>`)
}

func TestErrorsToTheByte(t *testing.T) {
	g := newRig(t)
	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	g.phones(fields{"CustSpaceId": "cams-r"}).want(400, `{"RequestId":"$ID","HostId":"$HOST","Code":"Unknown.ResourceOwnerId",`+
		`"Message":"The resource does not belong to the current user."}`)
	g.phones(fields{"CustSpaceId": "cams-r", "Format": "XML"}).want(400, head+`<Error><RequestId>$ID</RequestId><HostId>$HOST</HostId>`+
		`<Code>Unknown.ResourceOwnerId</Code><Message>The resource does not belong to the current user.</Message></Error>`)
	g.call("nobody", "GetChatappPhoneNumberMetric", span()).want(400, `{"RequestId":"$ID","HostId":"$HOST","Code":"Ram.PermissionDeny",`+
		`"Message":"You are not authorized to perform the operation.","AccessDeniedDetail":{"PolicyType":"AccountLevelIdentityBasedPolicy",`+
		`"AuthPrincipalOwnerId":"1000000000000001","EncodedDiagnosticMessage":"$DIAGNOSTIC","AuthPrincipalType":"SubUser",`+
		`"AuthPrincipalDisplayName":"nobody","NoPermissionType":"ImplicitDeny","AuthAction":"cams:GetChatappPhoneNumberMetric"}}`)
	g.call("barred", "GetChatappTemplateMetric", span(fields{"Format": "XML"})).want(400, head+`<Error><RequestId>$ID</RequestId>`+
		`<HostId>$HOST</HostId><Code>Ram.PermissionDeny</Code><Message>You are not authorized to perform the operation.</Message>`+
		`<AccessDeniedDetail><PolicyType>AccountLevelIdentityBasedPolicy</PolicyType><AuthPrincipalOwnerId>1000000000000001</AuthPrincipalOwnerId>`+
		`<EncodedDiagnosticMessage>$DIAGNOSTIC</EncodedDiagnosticMessage><AuthPrincipalType>SubUser</AuthPrincipalType>`+
		`<AuthPrincipalDisplayName>barred</AuthPrincipalDisplayName><NoPermissionType>ExplicitDeny</NoPermissionType>`+
		`<AuthAction>cams:GetChatappTemplateMetric</AuthAction></AccessDeniedDetail></Error>`)
}

func TestHeadersOfAnswers(t *testing.T) {
	g := newRig(t)
	seen := map[string]bool{}
	for _, a := range []answer{
		g.phones(nil), g.phones(fields{"Start": "-"}), g.phones(fields{"Format": "XML"}), g.phones(fields{"Format": "XML", "End": "0"}),
		g.call("stranger", "GetChatappPhoneNumberMetric", nil),
	} {
		id := a.header.Get("X-Acs-Request-Id")
		if !requestID.MatchString(id) || seen[id] || !strings.Contains(a.body, id) {
			t.Errorf("ID %q of %s", id, a.body)
		}
		seen[id] = true
		want := "application/json;charset=utf-8"
		if a.body[0] == '<' {
			want = "text/xml;charset=utf-8"
		}
		if got := a.header.Get("Content-Type"); got != want {
			t.Errorf("content type %q of %s", got, a.body)
		}
		if a.header.Get("X-Acs-Retry-After") != "" || a.header.Get("Content-Length") == "" {
			t.Errorf("headers %v", a.header)
		}
		if !strings.Contains(g.log.String(), "acs_request_id="+id) {
			t.Errorf("ID %s is not logged", id)
		}
	}
}

func TestStylesOfCalls(t *testing.T) {
	g := newRig(t)
	g.enable()
	g.record(sale("m1", waybill.StatusSent, time.Minute))
	const row = "19T16:00-20T16:00 8613800000000 1/0"
	ask := span(fields{"CustSpaceId": "cams-a", "Action": "GetChatappPhoneNumberMetric"})
	action := map[string]string{"x-acs-action": "GetChatappPhoneNumberMetric", "x-acs-version": "2020-06-06"}
	t.Run("newer signature, GET", func(*testing.T) {
		g.send(g.acs3("boss", "boss-secret", http.MethodGet, ask.with(fields{"Action": "-"}), action)).wantRows(row)
	})
	t.Run("older signature, GET", func(*testing.T) {
		g.send(g.rpcRequest("boss", http.MethodGet, ask.with(fields{"Format": "JSON"}))).wantRows(row)
	})
	t.Run("older signature, form", func(*testing.T) {
		g.send(g.rpcRequest("boss", http.MethodPost, ask.with(fields{"Format": "json"}))).wantRows(row)
	})
	t.Run("older signature without Format is answered in XML", func(t *testing.T) {
		a := g.rpc("boss", "GetChatappPhoneNumberMetric", ask)
		if a.status != 200 || !strings.HasPrefix(a.body, "<?xml") {
			t.Errorf("answer %d %s", a.status, a.body)
		}
	})
	t.Run("temporary access key", func(t *testing.T) {
		c, err := g.tokens.Issue("1000000000000001", "boss", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		g.send(g.acs3(c.AccessKeyID, c.AccessKeySecret, http.MethodPost, ask.with(fields{"Action": "-"}), map[string]string{
			"x-acs-action": action["x-acs-action"], "x-acs-version": "2020-06-06",
			"x-acs-security-token": c.SecurityToken, "x-acs-accesskey-id": c.AccessKeyID,
		})).wantRows(row)
	})
	t.Run("hidden parameters of the SDKs mean nothing", func(*testing.T) {
		g.phones(fields{"OwnerId": "5", "ResourceOwnerAccount": "x", "ResourceOwnerId": "7", "RegionId": "ap-southeast-1"}).wantRows(row)
	})
	t.Run("empty parameters are like absent ones", func(*testing.T) {
		g.phones(fields{"PhoneNumber": "", "Granularity": "", "IsvCode": ""}).wantRows(row)
	})
}

func TestCallsThatAreNotServed(t *testing.T) {
	g := newRig(t)
	const served = " Served here: EnableWhatsappROIMetric, GetChatappTemplateMetric, GetChatappPhoneNumberMetric."
	const general = "Specified api is not found, please check your url and method."
	for _, row := range []struct{ action, hint string }{
		{"SomethingElse", ""},
		{"getchatapptemplatemetric", ""},
		{"EnableWhatsAppROIMetric", " The vendor's prose spells it like that, its SDKs call EnableWhatsappROIMetric."},
		{"SendChatappMessage", " Messages are sent at the vendor's endpoint. What became of them goes in at POST /webhooks/alibaba/{secret}, as the vendor's receipts, or at POST /waybill/v1/events."},
		{"SendChatappMassMessage", " Messages are sent at the vendor's endpoint. What became of them goes in at POST /webhooks/alibaba/{secret}, as the vendor's receipts, or at POST /waybill/v1/events."},
	} {
		g.call("boss", row.action, nil).want(404, `{"RequestId":"$ID","HostId":"$HOST","Code":"InvalidAction.NotFound","Message":"`+
			general+row.hint+served+`"}`)
	}
	// A stranger does not learn what is served.
	g.call("stranger", "SomethingElse", nil).wantError(404, "InvalidAccessKeyId.NotFound")
	g.send(g.acs3("boss", "wrong", http.MethodPost, nil, map[string]string{"x-acs-action": "SomethingElse", "x-acs-version": "2020-06-06"})).
		wantError(400, "SignatureDoesNotMatch")

	for _, row := range []struct {
		name   string
		fields fields
		code   string
	}{
		{"another version", fields{"Action": "GetChatappTemplateMetric", "Version": "2017-05-25"}, "InvalidVersion"},
		{"no version", fields{"Action": "GetChatappTemplateMetric", "Version": "-"}, "MissingVersion"},
		{"no action", nil, "MissingAction"},
	} {
		t.Run(row.name, func(*testing.T) {
			g.send(g.rpcRequest("boss", http.MethodGet, row.fields.with(fields{"Format": "JSON"}))).wantError(400, row.code)
		})
	}
	t.Run("another method", func(*testing.T) {
		g.send(g.acs3("boss", "boss-secret", http.MethodPut, nil, map[string]string{"x-acs-action": "GetChatappTemplateMetric", "x-acs-version": "2020-06-06"})).
			wantError(400, "UnsupportedHTTPMethod")
	})
	t.Run("another format", func(*testing.T) { g.phones(fields{"Format": "YAML"}).wantError(400, "InvalidParameter.Format") })
	t.Run("a parameter twice, older style", func(t *testing.T) {
		r := g.rpcRequest("boss", http.MethodGet, fields{"Action": "GetChatappPhoneNumberMetric"})
		r.URL.RawQuery += "&Start=1&Start=2"
		if a := g.send(r); a.status != 400 || !strings.Contains(a.body, "<Error>") || !strings.Contains(a.body, "<Code>InvalidStart</Code>") {
			t.Errorf("answer %d %s", a.status, a.body)
		}
	})
	t.Run("a body beyond the bound", func(*testing.T) {
		r := g.acs3("boss", "boss-secret", http.MethodPost, nil, map[string]string{"x-acs-action": "GetChatappTemplateMetric", "x-acs-version": "2020-06-06"})
		r.Body, r.ContentLength = http.NoBody, 0
		big, _ := http.NewRequest(http.MethodPost, r.URL.String(), strings.NewReader(strings.Repeat("x", 1<<20+1)))
		big.Header = r.Header
		g.send(big).wantError(413, "RequestEntityTooLarge")
	})
}

// What else the one listener gets must not end up here.
func TestMatch(t *testing.T) {
	api := alibaba.New(alibaba.Options{})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, row := range []struct {
		name, method, target string
		header               http.Header
		want                 bool
	}{
		{"action in a header", "POST", "/", http.Header{"X-Acs-Action": {"GetChatappTemplateMetric"}}, true},
		{"action in the query", "GET", "/?Action=GetChatappTemplateMetric", nil, true},
		{"all in a form", "POST", "/", form, true},
		{"a signature without an action", "POST", "/", http.Header{"Authorization": {"ACS3-HMAC-SHA256 Credential=x"}}, true},
		{"a browser", "GET", "/", nil, false},
		{"a batch for Graph", "POST", "/?access_token=x", form, false},
		{"another path", "POST", "/v25.0/1", http.Header{"X-Acs-Action": {"GetChatappTemplateMetric"}}, false},
		{"JSON", "POST", "/", http.Header{"Content-Type": {"application/json"}}, false},
	} {
		r, err := http.NewRequest(row.method, "http://waybill.example"+row.target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = row.header
		if r.Header == nil {
			r.Header = http.Header{}
		}
		if got := api.Match(r); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	if api.Name() != "alibaba" || len(api.Places()) != 4 {
		t.Error(api.Name(), api.Places())
	}
}
