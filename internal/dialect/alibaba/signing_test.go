package alibaba_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A fields is what a call sends.
type fields map[string]string

// with returns fs with others in addition, or without those whose value is "-".
func (fs fields) with(others fields) fields {
	all := maps.Clone(fs)
	if all == nil {
		all = fields{}
	}
	for name, value := range others {
		if all[name] = value; value == "-" {
			delete(all, name)
		}
	}
	return all
}

// encode returns the canonical form of fs, which is a valid query as well.
func (fs fields) encode() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fs)) {
		parts = append(parts, percent(name)+"="+percent(fs[name]))
	}
	return strings.Join(parts, "&")
}

// percent encodes as RFC 3986 has it.
func percent(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

// call sends a call as the SDKs of today do: signed with ACS3-HMAC-SHA256, its
// parameters in the query. The secret of a key is its ID and "-secret".
func (g *rig) call(key, action string, fs fields) answer {
	g.t.Helper()
	return g.send(g.acs3(key, key+"-secret", http.MethodPost, fs, map[string]string{
		"x-acs-action": action, "x-acs-version": "2020-06-06",
	}))
}

// acs3 returns a signed request; headers with the value "-" are left out.
func (g *rig) acs3(key, secret, method string, fs fields, headers map[string]string) *http.Request {
	g.t.Helper()
	r, err := http.NewRequest(method, g.http.URL+"/?"+fs.encode(), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	signed := map[string]string{
		"host":                  r.URL.Host,
		"x-acs-date":            g.clock.now().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": fmt.Sprint("nonce-", g.nonce.Add(1)),
		"x-acs-content-sha256":  sha(""),
	}
	for name, value := range headers {
		if signed[name] = value; value == "-" {
			delete(signed, name)
		}
	}
	names := slices.Sorted(maps.Keys(signed))
	canonical := method + "\n/\n" + fs.encode() + "\n"
	for _, name := range names {
		canonical += name + ":" + signed[name] + "\n"
		if name != "host" {
			r.Header.Set(name, signed[name])
		}
	}
	list := strings.Join(names, ";")
	canonical += "\n" + list + "\n" + signed["x-acs-content-sha256"]
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + sha(canonical)))
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+key+",SignedHeaders="+list+
		",Signature="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// rpc sends a call as older SDKs do: signed with HMAC-SHA1, all of its parameters
// in the query of a GET.
func (g *rig) rpc(key, action string, fs fields) answer {
	g.t.Helper()
	return g.send(g.rpcRequest(key, http.MethodGet, fs.with(fields{"Action": action})))
}

// rpcRequest returns such a request; a POST has its parameters in a form.
func (g *rig) rpcRequest(key, method string, fs fields) *http.Request {
	g.t.Helper()
	all := fields{
		"Version": "2020-06-06", "AccessKeyId": key, "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": fmt.Sprint("nonce-", g.nonce.Add(1)), "Timestamp": g.clock.now().Format("2006-01-02T15:04:05Z"),
	}.with(fs)
	mac := hmac.New(sha1.New, []byte(key+"-secret&"))
	mac.Write([]byte(method + "&%2F&" + percent(all.encode())))
	text := all.with(fields{"Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil))}).encode()
	if method == http.MethodPost {
		r, err := http.NewRequest(method, g.http.URL+"/", strings.NewReader(text))
		if err != nil {
			g.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	r, err := http.NewRequest(method, g.http.URL+"/?"+text, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}
