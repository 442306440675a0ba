// Oracle writes random requests that are signed by the vendor's own Go library,
// as JSON, one a line. They are what the product's signatures are compared with.
// The output is always the same; to make it again, in the folder of this module:
//
//	go run ./oracle >../../internal/dialect/alibaba/testdata/oracle.jsonl
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"

	openapi "github.com/alibabacloud-go/openapi-util/service"
	"github.com/alibabacloud-go/tea/tea"
)

const (
	acs3Requests = 70
	rpcRequests  = 50
)

// A request is a signed request as it goes over the wire.
type request struct {
	Style   string            `json:"style"` // acs3 or rpc
	Method  string            `json:"method"`
	Query   string            `json:"query"` // raw
	Host    string            `json:"host"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Key     string            `json:"key"`
	Secret  string            `json:"secret"`
}

func main() {
	g := generator{rand.New(rand.NewPCG(20, 26))}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for i := range acs3Requests + rpcRequests {
		r := g.acs3()
		if i >= acs3Requests {
			r = g.rpc()
		}
		if err := out.Encode(r); err != nil {
			log.Fatal(err)
		}
	}
}

type generator struct{ *rand.Rand }

func (g generator) acs3() request {
	r := g.request("acs3")
	query := g.params(plain)
	r.Query = g.encode(query)
	if r.Method == "POST" && g.IntN(2) == 0 {
		form := g.params(plain)
		maps.DeleteFunc(form, func(name, _ string) bool { _, ok := query[name]; return ok })
		r.Body = g.encode(form)
	}
	payload := tea.StringValue(openapi.HexEncode(openapi.Hash([]byte(r.Body), tea.String("ACS3-HMAC-SHA256"))))
	r.Headers = map[string]string{
		"x-acs-action": g.word(plain), "x-acs-version": "2020-06-06",
		"x-acs-date": "2026-11-21T20:55:11Z", "x-acs-signature-nonce": fmt.Sprintf("%032x", g.Uint64()),
		"x-acs-content-sha256": payload,
	}
	if r.Body != "" {
		r.Headers["content-type"] = "application/x-www-form-urlencoded"
	}
	if g.IntN(3) == 0 {
		r.Headers["x-acs-security-token"] = g.word(token)
		r.Headers["x-acs-accesskey-id"] = r.Key
	}
	if g.IntN(3) == 0 {
		r.Headers["x-acs-"+strings.ToLower(g.word(plain))] = g.word(token) + "  " + g.word(token)
	}
	signed := tea.Request{
		Method: &r.Method, Pathname: tea.String("/"),
		Query: pointers(query), Headers: pointers(r.Headers),
	}
	signed.Headers["host"] = &r.Host
	r.Headers["authorization"] = tea.StringValue(openapi.GetAuthorization(
		&signed, tea.String("ACS3-HMAC-SHA256"), &payload, &r.Key, &r.Secret))
	r.Headers["accept"] = "application/json"
	return r
}

func (g generator) rpc() request {
	r := g.request("rpc")
	query, form := g.params(anything), map[string]string{}
	maps.Copy(query, map[string]string{
		"Action": g.word(plain), "Version": "2020-06-06", "Format": "json",
		"AccessKeyId": r.Key, "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": fmt.Sprintf("%032x", g.Uint64()), "Timestamp": "2026-11-21T20:55:11Z",
	})
	if g.IntN(3) == 0 {
		query["SecurityToken"] = g.word(token)
	}
	all := maps.Clone(query)
	if r.Method == "POST" {
		for name, value := range g.params(anything) {
			if _, ok := all[name]; !ok {
				form[name], all[name] = value, value
			}
		}
		r.Headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
		r.Body = g.encode(form)
	}
	query["Signature"] = tea.StringValue(openapi.GetRPCSignature(pointers(all), &r.Method, &r.Secret))
	r.Query = g.encode(query)
	return r
}

func (g generator) request(style string) request {
	return request{
		Style: style, Method: []string{"GET", "POST"}[g.IntN(2)], Headers: map[string]string{},
		Host: []string{"127.0.0.1:8080", "cams.example.com", "[::1]:443"}[g.IntN(3)],
		Key:  "LTAI" + g.word(plain), Secret: g.word(token),
	}
}

// What words are made of. The library does not encode the names of parameters in
// acs3, so they are plain there.
var (
	plain    = []rune("abcXYZ019")
	token    = []rune("abcXYZ019+/=._~-")
	anything = []rune("aZ09-_.~ !*'();:@&=+$,/?#[]%\"<>\\^`{|}\n\x00\x7féß漢😀")
)

func (g generator) word(of []rune) string {
	w := make([]rune, 1+g.IntN(12))
	for i := range w {
		w[i] = of[g.IntN(len(of))]
	}
	return string(w)
}

// params returns parameters, some of them empty.
func (g generator) params(names []rune) map[string]string {
	ps := make(map[string]string)
	for range g.IntN(8) {
		name, value := g.word(names), g.word(anything)
		if g.IntN(6) == 0 {
			value = ""
		}
		ps[name] = value
	}
	return ps
}

// encode writes parameters in any order, in one of the ways that clients have.
func (g generator) encode(ps map[string]string) string {
	escape := []func(string) string{
		url.QueryEscape,
		func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") },
		func(s string) string { // as JavaScript's encodeURIComponent
			return strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").
				Replace(url.QueryEscape(s))
		},
		func(s string) string { // all of it, in lower case
			var b strings.Builder
			for _, c := range []byte(s) {
				fmt.Fprintf(&b, "%%%02x", c)
			}
			return b.String()
		},
	}[g.IntN(4)]
	names := slices.Sorted(maps.Keys(ps))
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var parts []string
	for _, name := range names {
		parts = append(parts, escape(name)+"="+escape(ps[name]))
	}
	return strings.Join(parts, "&")
}

func pointers(m map[string]string) map[string]*string {
	p := make(map[string]*string, len(m))
	for k, v := range m {
		p[k] = &v
	}
	return p
}
