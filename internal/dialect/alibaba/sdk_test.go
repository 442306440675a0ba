package alibaba

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// instantOf returns the time stamp of a call.
func instantOf(t *testing.T, q *request) time.Time {
	t.Helper()
	text := q.header.Get("X-Acs-Date")
	if text == "" {
		text = q.params.get("Timestamp")
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCallsOfSDKsAreVerified(t *testing.T) {
	view := view(t)
	for _, name := range sdkRequests(t) {
		t.Run(name, func(t *testing.T) {
			q := mustParse(t, sdkRequest(t, name))
			v, _ := verifierAt(t, instantOf(t, q), AuthOptions{})
			who, err := v.verify(q, view)
			switch {
			case strings.Contains(name, "bearer"):
				wantCode(t, err, "InvalidSignatureType")
				return
			case strings.Contains(name, "sts"), name == "node_pop_4":
				// The token is made up, but it is signed.
				wantCode(t, err, "InvalidSecurityToken.Malformed")
				wantSigned(t, v, q)
				return
			}
			wantCode(t, err, "")
			if who.account != "1000000000000001" || who.user.Name != "reporter" || who.accessKey != "testid" || who.sts {
				t.Errorf("caller is %+v", who)
			}
			_, err = v.verify(q, view)
			wantCode(t, err, "SignatureNonceUsed")
		})
	}
}

// wantSigned checks that q is signed with testsecret.
func wantSigned(t *testing.T, v *verifier, q *request) {
	t.Helper()
	c, err := parseClaim(q)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.complete(); err != nil || !c.bodyMatches() || !v.signed(c, q, "testsecret") {
		t.Errorf("not signed: %v", err)
	}
	if v.signed(c, q, "testsecret ") {
		t.Error("signed with another secret")
	}
}

func TestCallsOfSDKsSayWhatTheyWant(t *testing.T) {
	for _, name := range sdkRequests(t) {
		q := mustParse(t, sdkRequest(t, name))
		if q.version() != "2020-06-06" {
			t.Errorf("%s: version is %q", name, q.version())
		}
		switch q.action() {
		case "GetChatappTemplateMetric":
			if got := q.params.get("TemplateCode"); got != "1100 a+b*~(1)!'/é" {
				t.Errorf("%s: template code is %q", name, got)
			}
			if got := q.params.get("Granularity"); got != "DAILY" {
				t.Errorf("%s: granularity is %q", name, got)
			}
		case "GetChatappPhoneNumberMetric":
			if got := q.params.get("PhoneNumber"); got != "8613800000000" {
				t.Errorf("%s: phone number is %q", name, got)
			}
		case "SendChatappMessage":
			if got := q.params.get("TemplateParams") + q.params.get("Payload"); got != `{"name":"Zoë & co"}["p1","p2"]` {
				t.Errorf("%s: template parameters and payload are %q", name, got)
			}
		case "EnableWhatsappROIMetric":
			if got := q.params.get("IsvCode"); got != "skdi3kksloslikd" {
				t.Errorf("%s: ISV code is %q", name, got)
			}
		case "ListChatappTemplate":
		default:
			t.Errorf("%s: action is %q", name, q.action())
		}
	}
}

// TestWorkedExampleOfACS3 is the example of the specification.
//
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
func TestWorkedExampleOfACS3(t *testing.T) {
	const (
		emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		canonical = "POST\n/\n" +
			"ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai\n" +
			"host:ecs.cn-shanghai.aliyuncs.com\nx-acs-action:RunInstances\nx-acs-content-sha256:" + emptyHash + "\n" +
			"x-acs-date:2023-10-26T10:22:32Z\nx-acs-signature-nonce:3156853299f313e23d1673dc12e1703d\n" +
			"x-acs-version:2014-05-26\n\n" +
			"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version\n" + emptyHash
	)
	query, err := parseParams("RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd")
	if err != nil {
		t.Fatal(err)
	}
	got := appendCanonicalRequest(nil, "POST", "/", query, params{
		{"host", "ecs.cn-shanghai.aliyuncs.com"},
		{"x-acs-action", "RunInstances"},
		{"x-acs-content-sha256", emptyHash},
		{"x-acs-date", "2023-10-26T10:22:32Z"},
		{"x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"},
		{"x-acs-version", "2014-05-26"},
	}, hashedRequestPayload(nil))
	if string(got) != canonical {
		t.Errorf("canonical request is\n%s\nwant\n%s", got, canonical)
	}
	stringToSign := acs3StringToSign(got)
	if want := "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"; string(stringToSign) != want {
		t.Errorf("string to sign is %q, want %q", stringToSign, want)
	}
	const want = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
	if got := acs3Signature("YourAccessKeySecret", stringToSign); got != want {
		t.Errorf("signature is %s, want %s", got, want)
	}
}

// TestWorkedExampleOfRPC is the example of the specification.
//
// https://www.alibabacloud.com/help/en/ram/developer-reference/signature-method
func TestWorkedExampleOfRPC(t *testing.T) {
	all, err := parseParams("UserName=test&SignatureVersion=1.0&Format=JSON&Timestamp=2015-08-18T03:15:45Z" +
		"&AccessKeyId=testid&SignatureMethod=HMAC-SHA1&Version=2015-05-01&Action=CreateUser" +
		"&SignatureNonce=6a6e0ca6-4557-11e5-86a2-b8e8563dc8d2")
	if err != nil {
		t.Fatal(err)
	}
	const want = "GET&%2F&AccessKeyId%3Dtestid%26Action%3DCreateUser%26Format%3DJSON%26SignatureMethod%3DHMAC-SHA1" +
		"%26SignatureNonce%3D6a6e0ca6-4557-11e5-86a2-b8e8563dc8d2%26SignatureVersion%3D1.0" +
		"%26Timestamp%3D2015-08-18T03%253A15%253A45Z%26UserName%3Dtest%26Version%3D2015-05-01"
	stringToSign := appendRPCStringToSign(nil, "GET", all)
	if string(stringToSign) != want {
		t.Errorf("string to sign is\n%s\nwant\n%s", stringToSign, want)
	}
	if got := rpcSignature("testsecret", stringToSign); got != "kRA2cnpJVacIhDMzXnoNZG9tDCI=" {
		t.Errorf("signature is %s", got)
	}
}

// TestSignaturesAgreeWithTheVendorsLibrary verifies what the library signed.
func TestSignaturesAgreeWithTheVendorsLibrary(t *testing.T) {
	file, err := os.ReadFile("testdata/oracle.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	v, _ := verifierAt(t, clock, AuthOptions{})
	lines := 0
	for line := range bytes.Lines(file) {
		lines++
		var o struct {
			Style, Method, Query, Host, Body, Key, Secret string
			Headers                                       map[string]string
		}
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(
			o.Method + " /?" + o.Query + " HTTP/1.1\r\nHost: " + o.Host + "\r\n\r\n")))
		if err != nil {
			t.Fatalf("line %d: %v", lines, err)
		}
		for name, value := range o.Headers {
			r.Header.Set(name, value)
		}
		r.Body = io.NopCloser(strings.NewReader(o.Body))
		q := mustParse(t, r)
		c, err := parseClaim(q)
		if err != nil {
			t.Errorf("line %d: %v", lines, err)
			continue
		}
		if err := c.complete(); err != nil || c.accessKey() != o.Key || !c.bodyMatches() || !v.signed(c, q, o.Secret) {
			t.Errorf("line %d is not verified: %v: %v", lines, err, c.mismatch())
		}
		if err := v.inWindow(c.timestamp(), clock); err != nil {
			t.Errorf("line %d: %v", lines, err)
		}
		if want := map[style]string{styleACS3: "acs3", styleRPC: "rpc"}[q.style]; want != o.Style {
			t.Errorf("line %d is of style %q", lines, want)
		}
		wantParams(t, q, o.Query+"&"+o.Body)
	}
	if lines != 120 {
		t.Errorf("%d lines", lines)
	}
}

// wantParams checks the parameters against the standard library's.
func wantParams(t *testing.T, q *request, encoded string) {
	t.Helper()
	want, err := url.ParseQuery(encoded)
	if err != nil {
		t.Fatal(err)
	}
	delete(want, "")
	for name, values := range want {
		if got := q.params.get(name); got != values[0] && q.query.get(name) != values[0] {
			t.Errorf("%q is %q, want %q", name, got, values)
		}
	}
}
