package dialect_test

import (
	"net/url"
	"strings"
	"testing"

	"waybill/internal/dialect"
)

func TestRedact(t *testing.T) {
	tests := []struct{ name, url, want string }{
		{"nothing secret stays as it was", "/v24.0//1022?fields=id%2Cname&start=1", "/v24.0//1022?fields=id%2Cname&start=1"},
		{"Meta's token", "/v24.0/1022?access_token=EAAB&x=1", "/v24.0/1022?access_token=***&x=1"},
		{"the token that is asked about", "/debug_token?input_token=EAAB", "/debug_token?input_token=***"},
		{"Meta's proof", "/?appsecret_proof=beef", "/?appsecret_proof=***"},
		{"the handshake", "/webhooks/meta/634?hub.mode=subscribe&hub.verify_token=v&hub.challenge=1", "/webhooks/meta/634?hub.mode=subscribe&hub.verify_token=***&hub.challenge=1"},
		{"Alibaba's signature", "/?Signature=beef%3D&SignatureNonce=n&AccessKeyId=LTAI", "/?Signature=***&SignatureNonce=n&AccessKeyId=LTAI"},
		{"Alibaba's session", "/?SecurityToken=STS.x&BearerToken=y", "/?SecurityToken=***&BearerToken=***"},
		{"keys and passwords", "/?api_key=a&X-API-KEY=b&clientSecret=c&password=d&key=e", "/?api_key=***&X-API-KEY=***&clientSecret=***&password=***&key=***"},
		{"capitals", "/?ACCESS_TOKEN=EAAB", "/?ACCESS_TOKEN=***"},
		{"an escaped name", "/?access%5Ftoken=EAAB", "/?***=***"},
		{"a name that swallowed its value", "/?access_token%3DEAAB", "/?***=***"},
		{"a name that cannot be read", "/?%zz=EAAB", "/?***=***"},
		{"a value that cannot be read", "/?access_token=%zz", "/?access_token=***"},
		{"an array", "/?access_token[0]=EAAB", "/?access_token[0]=***"},
		{"repeated", "/?access_token=a&access_token=b", "/?access_token=***&access_token=***"},
		{"no value", "/?access_token", "/?access_token=***"},
		{"semicolons before", "/?a=1;access_token=EAAB", "/?a=1;access_token=***"},
		{"semicolons within", "/?access_token=EA;AB&b=1", "/?access_token=***&b=1"},
		{"a URL inside", "/?next=https%3A%2F%2Fx%2F%3Faccess_token%3DEAAB&b=1", "/?next=***&b=1"},
		{"a batch inside", "/?batch=%5B%7B%22relative_url%22%3A%22me%3Faccess_token%3DEAAB%22%7D%5D", "/?batch=***"},
		{"MoMo's webhook", "/webhooks/momo/s3cret", "/webhooks/momo/***"},
		{"Alibaba's webhook and below", "/webhooks/alibaba/s3cret/receipts?x=1", "/webhooks/alibaba/***?x=1"},
		{"a webhook of a dialect to come", "/webhooks/other/s3cret", "/webhooks/other/***"},
		{"Meta's app is no secret", "/webhooks/meta/634974688087057", "/webhooks/meta/634974688087057"},
		{"doubled slashes", "//webhooks//momo//s3cret", "//webhooks//momo//***"},
		{"escaped letters", "/%77ebhooks/mom%6F/s3cret", "/webhooks/momo/***"},
		{"escaped slashes", "/webhooks%2Fmomo%2Fs3cret", "/webhooks/momo/***"},
		{"capitals in the path", "/Webhooks/MoMo/s3cret", "/Webhooks/MoMo/***"},
		{"behind a prefix", "/api/webhooks/momo/s3cret", "/api/webhooks/momo/***"},
		{"behind Meta's webhook", "/webhooks/meta/webhooks/momo/s3cret", "/webhooks/meta/webhooks/momo/***"},
		{"a webhook without a secret", "/webhooks/momo", "/webhooks/momo"},
		{"a path that stays escaped", "/a%2Fb%20c", "/a%2Fb%20c"},
		{"who is named in a full URL", "http://user:s3cret@host/p?x=1", "/p?x=1"},
		{"a URL without slashes", "mailto:s3cret?x=1", "***?x=1"},
		{"a URL in a URL in a URL", "/?x=" + url.QueryEscape(url.QueryEscape("https://h/?next="+url.QueryEscape("/?access_token=EAAB"))), "/?x=***"},
		{"a signature in a URL", "/?x=" + url.QueryEscape("/?Signature=beef"), "/?x=***"},
		{"all of a server", "*", "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := url.ParseRequestURI(tt.url) // as net/http does
			if err != nil {
				t.Fatal(err)
			}
			if got := dialect.Redact(u); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestRedactIsBounded(t *testing.T) {
	u := &url.URL{Path: "/", RawQuery: "a=" + strings.Repeat("x", 10_000)}
	if got := dialect.Redact(u); len(got) > 2100 || !strings.HasSuffix(got, "...") {
		t.Errorf("%d bytes", len(got))
	}
}

// FuzzRedact puts a secret where callers put secrets, into surroundings and in a
// spelling that the fuzzer chooses.
func FuzzRedact(f *testing.F) {
	f.Add("/v24.0/1", "fields=id", "x=1", uint8(0), uint16(0))
	f.Add("/webhooks/momo", "a=1;b=2", "", uint8(3), uint16(0xffff))
	f.Add("//", "%zz", ";;", uint8(7), uint16(0x5555))
	f.Add("/a%2fb", "access_token", "=", uint8(9), uint16(0xaaaa))
	names := []string{
		"access_token", "input_token", "appsecret_proof", "hub.verify_token", "Signature",
		"SecurityToken", "BearerToken", "api_key", "client_secret", "password",
	}
	const secret = "s3cr3tv4lue"
	f.Fuzz(func(t *testing.T, path, before, after string, which uint8, escape uint16) {
		name := spell(names[int(which)%len(names)], escape)
		for _, raw := range []string{
			path + "?" + before + "&" + name + "=" + secret + "&" + after,
			path + "?" + before + "&" + name + "=" + after + secret,
			path + "?" + before + "&x=" + url.QueryEscape("https://h/?"+name+"="+secret) + "&" + after,
			"/webhooks/" + spell("momo", escape) + "/" + secret + "/" + path + "?" + before,
			"//webhooks//" + spell("alibaba", escape) + "///" + path + "/" + secret + "?" + before,
		} {
			u, err := url.ParseRequestURI(raw)
			if err != nil {
				continue
			}
			got := dialect.Redact(u)
			if leaks(got, secret) && !strings.Contains(path, "?") && !leaks(path+"?"+before, secret) && !leaksParameter(after, secret) {
				t.Errorf("%q becomes %q", raw, got)
			}
		}
	})
}

func leaks(text, secret string) bool { return strings.Contains(strings.ToLower(text), secret) }

// leaksParameter reports whether text, which follows the secret's name, begins a
// parameter in which the secret is what anyone may read.
func leaksParameter(text, secret string) bool {
	return strings.Contains(text, "&") || leaks(text, secret)
}

// spell escapes the letters of name that bits choose, and changes the case of
// others.
func spell(name string, bits uint16) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i, c := range []byte(name) {
		switch bits >> (i % 8 * 2) & 3 {
		case 1:
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		case 2:
			b.WriteString(strings.ToUpper(string(c)))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func BenchmarkRedact(b *testing.B) {
	u, err := url.Parse("/v24.0/102290129340398?fields=analytics.start(1700000000).end(1702000000).granularity(DAY)&access_token=EAABxyz")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		dialect.Redact(u)
	}
}
