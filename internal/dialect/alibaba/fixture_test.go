package alibaba

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/internal/directory"
	"waybill/internal/store/storetest"
)

// tenants are the users of the tests. testid is the key of testdata/requests.
const tenants = `
accounts:
  - id: "1000000000000001"
    users:
      - name: reporter
        access_keys:
          - {id: testid, secret: testsecret}
          - {id: second, secret: second-secret}
          - {id: disabled, secret: disabled-secret, disabled: true}
      - {name: keyless}
  - id: "1000000000000002"
    users: [{name: reporter, access_keys: [{id: other, secret: other-secret}]}]
`

// view returns the directory of tenants.
func view(t testing.TB) *directory.View {
	t.Helper()
	return viewOf(t, tenants)
}

func viewOf(t testing.TB, document string) *directory.View {
	t.Helper()
	ctx := context.Background()
	d, err := directory.Open(ctx, storetest.NewModel(), directory.Key{1}, directory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := directory.Parse(strings.NewReader(document), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(ctx, doc, directory.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	return d.View()
}

// clock is the instant at which the tests' own calls are signed.
var clock = time.Date(2026, 11, 21, 20, 55, 11, 0, time.UTC)

func fixed(at time.Time) func() time.Time { return func() time.Time { return at } }

// verifierAt returns a verifier with its clock set, and its tokens.
func verifierAt(t testing.TB, at time.Time, opt AuthOptions) (*verifier, *Tokens) {
	t.Helper()
	tokens, err := NewTokens(directory.Key{1}, fixed(at))
	if err != nil {
		t.Fatal(err)
	}
	opt.Now = fixed(at)
	return newVerifier(opt, tokens), tokens
}

// sdkRequest reads a file of testdata/requests.
func sdkRequest(t testing.TB, name string) *http.Request {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata/requests", name+".http"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:50000"
	return r
}

// sdkRequests returns the names of testdata/requests.
func sdkRequests(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/requests/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no requests: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".http")
	}
	return files
}

const bodyLimit = 1 << 20

func mustParse(t testing.TB, r *http.Request) *request {
	t.Helper()
	q, err := parseRequest(r, bodyLimit)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// A call is a call that a test makes up, to be signed.
type call struct {
	method  string
	query   string // raw
	body    string
	headers map[string]string // in lower case
	id      string
	secret  string
}

// acs3Call returns a valid call of styleACS3.
func acs3Call() call {
	return call{
		method: http.MethodPost, query: "CustSpaceId=cams-1&Start=1", id: "testid", secret: "testsecret",
		headers: map[string]string{
			"x-acs-action": "GetChatappPhoneNumberMetric", "x-acs-version": "2020-06-06",
			"x-acs-date": "2026-11-21T20:55:11Z", "x-acs-signature-nonce": "n-1",
		},
	}
}

// rpcCall returns a valid call of styleRPC.
func rpcCall() call {
	return call{
		method: http.MethodGet, id: "testid", secret: "testsecret",
		query: "Action=GetChatappPhoneNumberMetric&Version=2020-06-06&AccessKeyId=testid&SignatureMethod=HMAC-SHA1" +
			"&SignatureVersion=1.0&SignatureNonce=n-1&Timestamp=2026-11-21T20%3A55%3A11Z&Start=1",
	}
}

func (c call) http() *http.Request {
	r, err := http.NewRequest(c.method, "http://cams.example.com/?"+c.query, strings.NewReader(c.body))
	if err != nil {
		panic(err)
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	r.RemoteAddr = "192.0.2.1:50000"
	return r
}

// acs3 returns the call, signed with all of its headers.
func (c call) acs3(t testing.TB) *http.Request {
	t.Helper()
	r := c.http()
	if r.Header.Get("X-Acs-Content-Sha256") == "" {
		r.Header.Set("X-Acs-Content-Sha256", hashedRequestPayload([]byte(c.body)))
	}
	names := []string{"host"}
	for key := range r.Header {
		names = append(names, strings.ToLower(key))
	}
	slices.Sort(names)
	c.sign(t, r, names...)
	return r
}

// sign sets the Authorization of r, whose headers with the given names are
// signed.
func (c call) sign(t testing.TB, r *http.Request, names ...string) {
	t.Helper()
	a := authorization{c.id, names, "unsigned"}
	r.Header.Set("Authorization", a.String())
	r.Body = io.NopCloser(strings.NewReader(c.body))
	q := mustParse(t, r)
	claim, err := newACS3Claim(q)
	if err != nil {
		t.Fatal(err)
	}
	a.signature = claim.sign(c.secret, r.Host)
	r.Header.Set("Authorization", a.String())
	r.Body = io.NopCloser(strings.NewReader(c.body))
}

// rpc returns the call with its Signature.
func (c call) rpc(t testing.TB) *http.Request {
	t.Helper()
	all := mustParse(t, c.http()).params
	signature := rpcSignature(c.secret, appendRPCStringToSign(nil, c.method, all))
	c.query += "&Signature=" + url.QueryEscape(signature)
	return c.http()
}

// wantCode checks the code of a vendorError, "" for none.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	got := ""
	if v, ok := errors.AsType[*vendorError](err); ok {
		got = v.code
	} else if err != nil {
		got = err.Error()
	}
	if got != code {
		t.Errorf("error %q (%v), want %q", got, err, code)
	}
}

func bodyOf(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
