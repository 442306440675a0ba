package alibaba

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAlteredRPCCallsAreRefused(t *testing.T) {
	replace := func(from, to string) func(string) string {
		return func(q string) string { return strings.Replace(q, from, to, 1) }
	}
	tests := []struct {
		name   string
		change func(query string) string
		code   string
	}{
		{"as it was sent", replace("", ""), ""},
		{"another action", replace("Action=Get", "Action=Set"), "SignatureDoesNotMatch"},
		{"a parameter more", replace("Action", "x=&Action"), "SignatureDoesNotMatch"},
		{"a parameter less", replace("&Start=1", ""), "SignatureDoesNotMatch"},
		{"a repeated parameter", replace("Start=1", "Start=1&Start=1"), "InvalidStart"},
		{"a repeated signature", replace("&Signature=", "&Signature=x&Signature="), "InvalidSignature"},
		{"another version", replace("Version=2020", "Version=2021"), "SignatureDoesNotMatch"},
		{"another nonce", replace("n-1", "n-2"), "SignatureDoesNotMatch"},
		{"another time", replace("55%3A11", "55%3A12"), "SignatureDoesNotMatch"},
		{"an old time", replace("20%3A55", "20%3A30"), "InvalidTimeStamp.Expired"},
		{"a time that is none", replace("20%3A55", "20h55"), "InvalidTimeStamp.Format"},
		{"another signature", replace("Signature=", "Signature=A"), "SignatureDoesNotMatch"},
		{"no signature", func(q string) string { return q[:strings.Index(q, "&Signature=")] }, "IncompleteSignature"},
		{"nothing of a signature", replace("AccessKeyId=testid", ""), "MissingAccessKeyId"},
		{"no nonce", replace("SignatureNonce=n-1", ""), "MissingSignatureNonce"},
		{"an empty nonce", replace("n-1", ""), "MissingSignatureNonce"},
		{"no time stamp", replace("Timestamp=", "timestamp="), "MissingTimestamp"},
		{"no method", replace("SignatureMethod=HMAC-SHA1&", ""), "MissingSignatureMethod"},
		{"another method", replace("HMAC-SHA1", "HMAC-SHA256"), "InvalidSignatureMethod"},
		{"no version of the signature", replace("SignatureVersion=1.0&", ""), "MissingSignatureVersion"},
		{"another version of the signature", replace("=1.0", "=2.0"), "InvalidSignatureVersion"},
		{"another type of the signature", replace("Start=1", "SignatureType=PRIVATEKEY"), "InvalidSignatureType"},
		{"an access key that does not exist", replace("testid", "nobody"), "InvalidAccessKeyId.NotFound"},
		{"a disabled access key", replace("testid", "disabled"), "InvalidAccessKeyId.Inactive"},
		{"a token that is none", replace("Start=1", "SecurityToken=x"), "InvalidSecurityToken.Malformed"},
	}
	view := view(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rpcCall().rpc(t)
			r.URL.RawQuery = tt.change(r.URL.RawQuery)
			v, _ := verifierAt(t, clock, AuthOptions{})
			q, err := parseRequest(r, bodyLimit)
			if err == nil {
				_, err = v.verify(q, view)
			}
			wantCode(t, err, tt.code)
		})
	}
}

func TestRPCCallsAreNotBoundToAHost(t *testing.T) {
	r := rpcCall().rpc(t)
	r.Host = "another.example"
	v, _ := verifierAt(t, clock, AuthOptions{})
	_, err := v.verify(mustParse(t, r), view(t))
	wantCode(t, err, "")
}

func TestUnsignedHeadersSayNothingOfAnRPCCall(t *testing.T) {
	r := rpcCall().rpc(t)
	r.Header.Set("X-Acs-Action", "EnableWhatsappROIMetric")
	r.Header.Set("X-Acs-Version", "1")
	q := mustParse(t, r)
	if q.action() != "GetChatappPhoneNumberMetric" || q.version() != "2020-06-06" {
		t.Errorf("action is %q of version %q", q.action(), q.version())
	}
}

func TestMismatchOfRPCShowsTheStringToSign(t *testing.T) {
	v, tokens := verifierAt(t, clock, AuthOptions{})
	temporary, err := tokens.Issue("1000000000000001", "reporter", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c := rpcCall()
	c.query = strings.Replace(c.query, "testid", temporary.AccessKeyID, 1) + "&SecurityToken=" + url.QueryEscape(temporary.SecurityToken)
	_, err = v.verify(mustParse(t, c.rpc(t)), view(t))
	wantCode(t, err, "SignatureDoesNotMatch")
	e, _ := errors.AsType[*vendorError](err)
	want := "Specified signature is not matched with our calculation. server string to sign is:" +
		"GET&%2F&AccessKeyId%3D" + temporary.AccessKeyID + "%26Action%3DGetChatappPhoneNumberMetric" +
		"%26SecurityToken%3D%252A%252A%252A%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dn-1" +
		"%26SignatureVersion%3D1.0%26Start%3D1%26Timestamp%3D2026-11-21T20%253A55%253A11Z%26Version%3D2020-06-06"
	if e.message != want {
		t.Errorf("message is\n%s\nwant\n%s", e.message, want)
	}
}

func TestMismatchIsBounded(t *testing.T) {
	c := rpcCall()
	c.method, c.body = "POST", "x="+strings.Repeat("*", 100_000)
	c.headers = map[string]string{"content-type": "application/x-www-form-urlencoded"}
	c.secret = "wrong"
	v, _ := verifierAt(t, clock, AuthOptions{})
	_, err := v.verify(mustParse(t, c.rpc(t)), view(t))
	wantCode(t, err, "SignatureDoesNotMatch")
	if n := len(err.Error()); n > 9<<10 {
		t.Errorf("the error has %d bytes", n)
	}
}
