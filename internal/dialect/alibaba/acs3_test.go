package alibaba

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAlteredACS3CallsAreRefused(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	authorization := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
		}
	}
	tests := []struct {
		name   string
		change func(*http.Request)
		code   string
	}{
		{"as it was sent", func(*http.Request) {}, ""},
		{"an unsigned header does not count", set("User-Agent", "another"), ""},
		{"the spelling of the query does not count", func(r *http.Request) {
			r.URL.RawQuery = "&" + strings.NewReplacer("+", "%20", "%2A", "*").Replace(r.URL.RawQuery) + "&&"
		}, ""},
		{"the order of the query does not count", func(r *http.Request) {
			parts := strings.Split(r.URL.RawQuery, "&")
			slices.Reverse(parts)
			r.URL.RawQuery = strings.Join(parts, "&")
		}, ""},
		{"fields in another order", func(r *http.Request) {
			f := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "ACS3-HMAC-SHA256 "), ",")
			r.Header.Set("Authorization", "ACS3-HMAC-SHA256 "+f[2]+", "+f[0]+" , "+f[1])
		}, ""},
		{"another method", func(r *http.Request) { r.Method = "GET" }, "SignatureDoesNotMatch"},
		{"another host", func(r *http.Request) { r.Host = "evil.example" }, "SignatureDoesNotMatch"},
		{"another port", func(r *http.Request) { r.Host = "127.0.0.1:43462" }, "SignatureDoesNotMatch"},
		{"a parameter more", func(r *http.Request) { r.URL.RawQuery += "&OwnerId=1" }, "SignatureDoesNotMatch"},
		{"an empty parameter more", func(r *http.Request) { r.URL.RawQuery += "&OwnerId" }, "SignatureDoesNotMatch"},
		{"a parameter less", func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Language=en&", "", 1) }, "SignatureDoesNotMatch"},
		{"another value", func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "DAILY", "HOURLY", 1) }, "SignatureDoesNotMatch"},
		{"another case of a name", func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Language", "language", 1) }, "SignatureDoesNotMatch"},
		{"a repeated parameter", func(r *http.Request) { r.URL.RawQuery += "&Language=en" }, "InvalidLanguage"},
		{"another action", set("X-Acs-Action", "EnableWhatsappROIMetric"), "SignatureDoesNotMatch"},
		{"another version", set("X-Acs-Version", "2018-05-01"), "SignatureDoesNotMatch"},
		{"another nonce", set("X-Acs-Signature-Nonce", "n"), "SignatureDoesNotMatch"},
		{"another time", set("X-Acs-Date", "2026-11-21T20:55:12Z"), "SignatureDoesNotMatch"},
		{"another provider of credentials", set("X-Acs-Credentials-Provider", "static_sts"), "SignatureDoesNotMatch"},
		{"another hash of the body", set("X-Acs-Content-Sha256", hashedRequestPayload([]byte("a=b"))), "SignatureDoesNotMatch"},
		{"a time in the past", set("X-Acs-Date", "2026-11-21T20:40:10Z"), "InvalidTimeStamp.Expired"},
		{"a time in the future", set("X-Acs-Date", "2026-11-21T21:10:12Z"), "InvalidTimeStamp.Expired"},
		{"a time with an offset", set("X-Acs-Date", "2026-11-21T20:55:11+00:00"), "InvalidTimeStamp.Format"},
		{"a time with a fraction", set("X-Acs-Date", "2026-11-21T20:55:11.5Z"), "InvalidTimeStamp.Format"},
		{"no time", func(r *http.Request) { r.Header.Del("X-Acs-Date") }, "IncompleteSignature"},
		{"an empty time", set("X-Acs-Date", ""), "IncompleteSignature"},
		{"an empty nonce", set("X-Acs-Signature-Nonce", ""), "IncompleteSignature"},
		{"no action", func(r *http.Request) { r.Header.Del("X-Acs-Action") }, "IncompleteSignature"},
		{"a signed header twice", func(r *http.Request) { r.Header.Add("X-Acs-Action", "EnableWhatsappROIMetric") }, "IncompleteSignature"},
		{"a header of the vendor more", set("X-Acs-Security-Token-2", "x"), "IncompleteSignature"},
		{"another access key", authorization("testid", "second"), "SignatureDoesNotMatch"},
		{"an access key that does not exist", authorization("testid", "nobody"), "InvalidAccessKeyId.NotFound"},
		{"an access key in another case", authorization("testid", "TESTID"), "InvalidAccessKeyId.NotFound"},
		{"a disabled access key", authorization("testid", "disabled"), "InvalidAccessKeyId.Inactive"},
		{"an access key that needs a token", authorization("testid", "STS.testid"), "MissingSecurityToken"},
		{"no access key", authorization("testid", ""), "IncompleteSignature"},
		{"another signature", authorization("Signature=0", "Signature=1"), "SignatureDoesNotMatch"},
		{"a signature that is longer", authorization("Signature=", "Signature=00"), "SignatureDoesNotMatch"},
		{"a signature in upper case", authorization("Signature=0b407ffe", "Signature=0B407FFE"), "SignatureDoesNotMatch"},
		{"an empty signature", func(r *http.Request) {
			a, _, _ := strings.Cut(r.Header.Get("Authorization"), ",Signature=")
			r.Header.Set("Authorization", a+",Signature=")
		}, "IncompleteSignature"},
		{"a list of headers less one", authorization(";x-acs-version", ""), "IncompleteSignature"},
		{"a list of headers without the host", authorization("host;", ""), "IncompleteSignature"},
		{"a list of headers out of order", authorization("host;x-acs-action", "x-acs-action;host"), "IncompleteSignature"},
		{"a list of headers with a repetition", authorization("host;", "host;host;"), "IncompleteSignature"},
		{"a list of headers in upper case", authorization("host;", "Host;"), "IncompleteSignature"},
		{"a list of headers with an empty name", authorization("host;", ";host;"), "IncompleteSignature"},
		{"a list with a header that is not there", authorization("host;", "host;range;"), "IncompleteSignature"},
		{"a list of a thousand headers", authorization("host;", "host"+strings.Repeat(";i", 1000)+";"), "IncompleteSignature"},
		{"no field of the access key", authorization("Credential=testid,", ""), "IncompleteSignature"},
		{"no list of headers", func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:strings.Index(a, "SignedHeaders")]+a[strings.Index(a, "Signature="):])
		}, "IncompleteSignature"},
		{"a field twice", authorization("Credential=testid", "Credential=testid,Credential=testid"), "IncompleteSignature"},
		{"an unknown field", authorization("Credential=testid", "Credential=testid,Region=x"), "IncompleteSignature"},
		{"nothing but the algorithm", set("Authorization", "ACS3-HMAC-SHA256"), "IncompleteSignature"},
		{"two signatures", func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, "IncompleteSignature"},
		{"another algorithm of the vendor", authorization("SHA256", "SM3"), "InvalidSignatureMethod"},
		{"an algorithm with another key", authorization("HMAC", "RSA"), "InvalidSignatureMethod"},
		{"the signature of the vendor's REST APIs", set("Authorization", "acs testid:c2lnbmF0dXJl"), "InvalidSignatureMethod"},
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAccessKeyId"},
		{"another scheme", set("Authorization", "Basic dGVzdGlkOnRlc3RzZWNyZXQ="), "MissingAccessKeyId"},
		{"a path", func(r *http.Request) { r.URL.Path = "/x" }, "InvalidAction.NotFound"},
		{"a doubled slash", func(r *http.Request) { r.URL.Path = "//" }, "InvalidAction.NotFound"},
		{"another verb", func(r *http.Request) { r.Method = "DELETE" }, "UnsupportedHTTPMethod"},
	}
	view := view(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, _ := verifierAt(t, clock, AuthOptions{})
			r := sdkRequest(t, "go_acs3_5")
			tt.change(r)
			q, err := parseRequest(r, bodyLimit)
			if err == nil {
				_, err = v.verify(q, view)
			}
			wantCode(t, err, tt.code)
			if tt.code != "" && v.nonces.total != 0 {
				t.Error("a refused call used a nonce up")
			}
		})
	}
}

// TestIncompleteSignatures are calls whose signature is right for what it signs.
func TestIncompleteSignatures(t *testing.T) {
	all := []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	without := func(name string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == name })
	}
	tests := []struct {
		name    string
		signed  []string
		body    string
		headers map[string]string
		code    string
	}{
		{"all that must be signed", all, "", nil, ""},
		{"no host", without("host"), "", nil, "IncompleteSignature"},
		{"no action", without("x-acs-action"), "", nil, "IncompleteSignature"},
		{"no version", without("x-acs-version"), "", nil, "IncompleteSignature"},
		{"no time", without("x-acs-date"), "", nil, "IncompleteSignature"},
		{"no nonce", without("x-acs-signature-nonce"), "", nil, "IncompleteSignature"},
		{"no hash of the body", without("x-acs-content-sha256"), "", nil, "IncompleteSignature"},
		{"a header of the vendor that is not signed", all, "", map[string]string{"x-acs-region": "x"}, "IncompleteSignature"},
		{"a header of the vendor that is signed", append(slices.Clone(all), "x-acs-x"), "", map[string]string{"x-acs-x": " a  b\t"}, ""},
		{"another header that is signed", append([]string{"accept"}, all...), "", map[string]string{"accept": "*/*"}, ""},
		{"a form whose type is not signed", all, "a=b", map[string]string{"content-type": "application/x-www-form-urlencoded"}, "IncompleteSignature"},
		{"a form whose type is signed", append([]string{"content-type"}, all...), "a=b", map[string]string{"content-type": "application/x-www-form-urlencoded"}, ""},
		{"an empty form whose type is not signed", all, "", map[string]string{"content-type": "application/x-www-form-urlencoded"}, ""},
		{"a body that holds no parameters", all, "{}", map[string]string{"content-type": "application/json"}, ""},
		{"the ID of another access key", append([]string{"host", "x-acs-accesskey-id"}, all[1:]...), "", map[string]string{"x-acs-accesskey-id": "second"}, "IncompleteSignature"},
	}
	view := view(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := acs3Call()
			c.body = tt.body
			r := c.http()
			r.Header.Set("X-Acs-Content-Sha256", hashedRequestPayload([]byte(c.body)))
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
			c.sign(t, r, tt.signed...)
			v, _ := verifierAt(t, clock, AuthOptions{})
			_, err := v.verify(mustParse(t, r), view)
			wantCode(t, err, tt.code)
		})
	}
}

func TestBodyMustBeTheOneThatWasSigned(t *testing.T) {
	view := view(t)
	for _, body := range []string{"", "a=c", "a=b&c=d"} {
		c := acs3Call()
		c.headers["content-type"] = "application/x-www-form-urlencoded"
		c.body = "a=b"
		signed := c.acs3(t)
		c.body = body
		r := c.http()
		r.Header = signed.Header
		v, _ := verifierAt(t, clock, AuthOptions{})
		_, err := v.verify(mustParse(t, r), view)
		wantCode(t, err, "SignatureDoesNotMatch")
	}
	// The hash that was announced is not that of the body, though it is signed.
	c := acs3Call()
	c.headers["x-acs-content-sha256"] = hashedRequestPayload([]byte("another"))
	v, _ := verifierAt(t, clock, AuthOptions{})
	_, err := v.verify(mustParse(t, c.acs3(t)), view)
	wantCode(t, err, "SignatureDoesNotMatch")
}

func TestMismatchShowsWhatWasSignedHere(t *testing.T) {
	c := acs3Call()
	v, tokens := verifierAt(t, clock, AuthOptions{})
	temporary, err := tokens.Issue("1000000000000001", "reporter", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c.id, c.headers["x-acs-security-token"] = temporary.AccessKeyID, temporary.SecurityToken
	q := mustParse(t, c.acs3(t))
	_, err = v.verify(q, view(t))
	wantCode(t, err, "SignatureDoesNotMatch")
	e, _ := errors.AsType[*vendorError](err)
	want := "server CanonicalRequest is [POST\n/\nCustSpaceId=cams-1&Start=1\nhost:cams.example.com\n" +
		"x-acs-action:GetChatappPhoneNumberMetric\nx-acs-content-sha256:" + hashedRequestPayload(nil) +
		"\nx-acs-date:2026-11-21T20:55:11Z\nx-acs-security-token:***\nx-acs-signature-nonce:n-1\nx-acs-version:2020-06-06\n\n" +
		"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version\n" +
		hashedRequestPayload(nil) + "]"
	if !strings.HasPrefix(e.message, "Specified signature does not match our calculation. server StringToSign is [ACS3-HMAC-SHA256\n") ||
		!strings.HasSuffix(e.message, want) {
		t.Errorf("message is %q, want it to end in %q", e.message, want)
	}
	if strings.Contains(e.message, temporary.SecurityToken) || strings.Contains(e.message, tokens.secret(c.id)) {
		t.Error("the message tells a secret")
	}
}

func FuzzAuthorization(f *testing.F) {
	f.Add(acs3Algorithm + " Credential=id,SignedHeaders=host;x-acs-date,Signature=ab")
	f.Add(acs3Algorithm + " Signature=a=b, SignedHeaders=host ,\tCredential=i d")
	f.Add(acs3Algorithm + " Credential=,SignedHeaders=;,Signature=")
	f.Add("ACS3-HMAC-SM3 Credential=id")
	f.Fuzz(func(t *testing.T, header string) {
		a, err := parseAuthorization(header)
		if err != nil {
			if _, ok := errors.AsType[*vendorError](err); !ok {
				t.Fatalf("error %v is not the vendor's", err)
			}
			return
		}
		if a.credential == "" || a.signature == "" || len(a.signedHeaders) == 0 || len(a.signedHeaders) > maxSignedHeaders ||
			!sort.StringsAreSorted(a.signedHeaders) || len(slices.Compact(slices.Clone(a.signedHeaders))) != len(a.signedHeaders) {
			t.Fatalf("%q is taken for %+v", header, a)
		}
		again, err := parseAuthorization(a.String())
		if err != nil || fmt.Sprint(again) != fmt.Sprint(a) {
			t.Fatalf("%q is %+v, and written again %+v, %v", header, a, again, err)
		}
	})
}

// naiveCanonicalQuery is written from the specification, with what the standard
// library has.
func naiveCanonicalQuery(query string) (string, bool) {
	values, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if err != nil {
		return "", false
	}
	var parts []string
	for name, vs := range values {
		if len(vs) > 1 {
			return "", false
		}
		parts = append(parts, name)
	}
	slices.Sort(parts)
	encode := func(s string) string {
		return strings.NewReplacer("+", "%20").Replace(url.QueryEscape(s))
	}
	for i, name := range parts {
		parts[i] = encode(name) + "=" + encode(values.Get(name))
	}
	return strings.Join(parts, "&"), len(parts) <= maxParams
}

func FuzzCanonicalQuery(f *testing.F) {
	for _, q := range []string{
		"", "a", "a=", "=a", "b=2&a=1", "a=1&a=2", "a=%20+%2B", "a=%2a*~(1)!%27%2F%C3%A9", "a=%", "a=%zz", "&&", "a;b=c",
		"A=1&a=2&%41%42=3", "a=b=c", "\x00=\xff",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		ps, err := parseParams(query)
		want, ok := naiveCanonicalQuery(query)
		if (err == nil) != ok {
			t.Fatalf("%q: error is %v, want it to be valid = %t", query, err, ok)
		}
		if err != nil {
			return
		}
		got := string(appendCanonicalQuery(nil, ps))
		if got != want {
			t.Fatalf("canonical query of %q is %q, want %q", query, got, want)
		}
		again, err := parseParams(got)
		if err != nil || string(appendCanonicalQuery(nil, again)) != got || !slices.Equal(again, ps) {
			t.Fatalf("canonical query %q changes to %+v: %v", got, again, err)
		}
	})
}

func TestEncodedTextIsDecodedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		encoded := string(appendEncoded(nil, s))
		if got, ok := unescape(encoded); !ok || got != s {
			t.Fatalf("%q is encoded as %q, which is %q", s, encoded, got)
		}
		if strings.Trim(encoded, "%ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~") != "" {
			t.Fatalf("%q is encoded as %q", s, encoded)
		}
	})
}

func TestCanonicalHeaders(t *testing.T) {
	got := string(appendCanonicalHeaders(nil, params{{"host", "a:80"}, {"x-acs-a", " 1  2\t"}, {"x-acs-b", ""}}))
	if want := "host:a:80\nx-acs-a:1  2\nx-acs-b:\n"; got != want {
		t.Errorf("canonical headers are %q, want %q", got, want)
	}
}

func TestCanonicalURI(t *testing.T) {
	for path, want := range map[string]string{
		"": "/", "/": "/", "/a b/ü*~": "/a%20b/%C3%BC%2A~", "//": "//", "/a/": "/a/",
	} {
		if got := string(appendCanonicalURI(nil, path)); got != want {
			t.Errorf("canonical URI of %q is %q, want %q", path, got, want)
		}
	}
}
